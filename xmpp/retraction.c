/* XEP-0424: Message Retraction. */
#include "xmpp/extensions.h"

void retraction_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("retract")))
                stanza->retracts = element_get(child, TEXT("id"));
}
