/* XEP-0380, 0384, 0373, 0027: messages encrypted for keys that agents do not have. Only recognised here. An
 * <encrypted/> of OMEMO without payload only exchanges keys and says nothing. */
#include "xmpp/extensions.h"

void encryption_read(const Element *child, Stanza *stanza) {
        static const char *const names[] = { "encryption", "openpgp", "x" };
        if (text_equal(child->name, TEXT("encrypted")) && element_child(child, TEXT("payload"), TEXT_NONE))
                stanza->encrypted = true;
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (text_equal(child->name, text_of(names[i])))
                        stanza->encrypted = true;
}
