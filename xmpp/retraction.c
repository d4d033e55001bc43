/* XEP-0424: Message Retraction. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void retraction_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("retract")))
                stanza->retracts = element_get(child, TEXT("id"));
}

/* Version 0.3, which slixmpp 1.8 and clients of its time speak: attached to the message that it is about (XEP-0422). */
void attached_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("apply-to")) && element_child(child, TEXT("retract"), TEXT(NS_RETRACT_LEGACY)))
                stanza->retracts = element_get(child, TEXT("id"));
}
