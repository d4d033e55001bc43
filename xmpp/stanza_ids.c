/* XEP-0359: Unique and Stable Stanza IDs. The origin id is what the sender's client called the message; stanza ids that
 * servers on the way added are not needed here. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void stanza_ids_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("origin-id")))
                stanza->origin_id = element_get(child, TEXT("id"));
}

void stanza_ids_set_origin(Element *message, Text id) {
        element_set(element_add(message, TEXT("origin-id"), TEXT(NS_STANZA_IDS)), TEXT("id"), id);
}
