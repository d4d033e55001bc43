/* XEP-0280: Message Carbons. They are made for a person's own devices, so one that reaches an agent is a mistake or an
 * attempt; <private/> only asks servers to make none. */
#include "xmpp/extensions.h"

void carbons_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("received")) || text_equal(child->name, TEXT("sent")))
                stanza->carbon = true;
}
