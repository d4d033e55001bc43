/* XEP-0444: Message Reactions. What a person has said of a message before is replaced; an empty list takes it back. */
#include "xmpp/extensions.h"

void reactions_read(const Element *child, Stanza *stanza) {
        Text id = element_get(child, TEXT("id"));

        if (!text_equal(child->name, TEXT("reactions")) || id.length == 0)
                return;
        stanza->reacts_to = id;
        stanza->reactions = child;
}

size_t reactions_list(const Element *reactions, Text *ret_list, size_t room) {
        size_t count = 0;

        for (const Element *child = reactions->children; child && count < room; child = child->next) {
                Text reaction = text_trim(child->text);
                bool known = false;
                if (!text_equal(child->name, TEXT("reaction")) || reaction.length == 0 ||
                    reaction.length > REACTION_BYTES)
                        continue;
                for (size_t i = 0; i < count; i++)
                        known |= text_equal(ret_list[i], reaction);
                if (!known)
                        ret_list[count++] = reaction;
        }
        return count;
}
