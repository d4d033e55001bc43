/* XEP-0203: Delayed Delivery. */
#include "xmpp/extensions.h"

void delay_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("delay")))
                stanza->delayed = true;
}
