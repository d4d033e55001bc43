/* XEP-0380, 0384, 0373, 0027: messages encrypted for keys that agents do not have. Only recognised here. Clients attach
 * keys for others to some messages in the same namespaces; what counts is that the content itself is encrypted. */
#include "xmpp/extensions.h"

void encryption_read(const Element *child, Stanza *stanza) {
        static const char *const names[] = { "encryption", "encrypted", "openpgp", "x" };

        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (text_equal(child->name, text_of(names[i])))
                        stanza->encrypted = true;
}
