/* XEP-0308: Last Message Correction. The id is always that of the first version. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void correction_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("replace")))
                stanza->replaces = element_get(child, TEXT("id"));
}

void correction_set(Element *message, Text id) {
        element_set(element_add(message, TEXT("replace"), TEXT(NS_CORRECTION)), TEXT("id"), id);
}
