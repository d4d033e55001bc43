/* XEP-0461: Message Replies. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void replies_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("reply")))
                stanza->replies_to = element_get(child, TEXT("id"));
}

void replies_set(Element *message, Text to, Text id) {
        Element *reply = element_add(message, TEXT("reply"), TEXT(NS_REPLIES));

        element_set(reply, TEXT("to"), to);
        element_set(reply, TEXT("id"), id);
}
