/* XEP-0334: Message Processing Hints. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void hints_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("no-store")) || text_equal(child->name, TEXT("no-permanent-store")))
                stanza->no_store = true;
}

void hints_set_no_store(Element *message) {
        element_add(message, TEXT("no-store"), TEXT(NS_HINTS));
}
