/* XEP-0060 and 0163, as far as a contact is asked for what it publishes: items of a node, by get. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

bool pubsub_is_request(const Stanza *iq, Text *ret_node, Text *ret_item) {
        const Element *items, *item;
        if (iq->kind != STANZA_IQ || iq->type != TYPE_GET || !iq->payload ||
            !element_is(iq->payload, TEXT("pubsub"), TEXT(NS_PUBSUB)) ||
            !(items = element_child(iq->payload, TEXT("items"), TEXT_NONE)))
                return false;
        item = element_child(items, TEXT("item"), TEXT_NONE);
        *ret_node = element_get(items, TEXT("node"));
        *ret_item = item ? element_get(item, TEXT("id")) : TEXT_NONE;
        return true;
}

Element *pubsub_add_item(Element *result, Text node, Text id) {
        Element *items = element_add(element_add(result, TEXT("pubsub"), TEXT(NS_PUBSUB)), TEXT("items"), TEXT_NONE);
        Element *item = element_add(items, TEXT("item"), TEXT_NONE);
        element_set(items, TEXT("node"), node);
        element_set(item, TEXT("id"), id);
        return item;
}
