/* XEP-0333: Displayed Markers. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void markers_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("markable")))
                stanza->markable = true;
}

void markers_set_displayed(Element *message, Text id) {
        element_set(element_add(message, TEXT("displayed"), TEXT(NS_MARKERS)), TEXT("id"), id);
}
