/* XEP-0085: Chat State Notifications. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

static const char *const names[] = {
        [STATE_ACTIVE] = "active",     [STATE_COMPOSING] = "composing", [STATE_PAUSED] = "paused",
        [STATE_INACTIVE] = "inactive", [STATE_GONE] = "gone",
};

void chat_states_read(const Element *child, Stanza *stanza) {
        for (size_t state = STATE_ACTIVE; state < COUNT_OF(names); state++)
                if (text_equal(child->name, text_of(names[state])))
                        stanza->chat_state = (ChatState) state;
}

void chat_states_set(Element *message, ChatState state) {
        if (state != STATE_NONE)
                element_add(message, text_of(names[state]), TEXT(NS_CHAT_STATES));
}
