/* XEP-0184: Message Delivery Receipts. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

void receipts_read(const Element *child, Stanza *stanza) {
        if (text_equal(child->name, TEXT("request")))
                stanza->receipt_wanted = true;
        else if (text_equal(child->name, TEXT("received")))
                stanza->receipt_for = element_get(child, TEXT("id"));
}

void receipts_request(Element *message) {
        element_add(message, TEXT("request"), TEXT(NS_RECEIPTS));
}

void receipts_confirm(Element *message, Text id) {
        element_set(element_add(message, TEXT("received"), TEXT(NS_RECEIPTS)), TEXT("id"), id);
}
