/* XEP-0030: Service Discovery. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

Element *disco_add_info(Element *result, Text node, const DiscoIdentity *identities, size_t identity_count,
                        const char *const *features, size_t feature_count) {
        Element *query = element_add(result, TEXT("query"), TEXT(NS_DISCO_INFO));

        element_set_optional(query, TEXT("node"), node);
        for (size_t i = 0; i < identity_count; i++) {
                Element *identity = element_add(query, TEXT("identity"), TEXT_NONE);

                element_set(identity, TEXT("category"), text_of(identities[i].category));
                element_set(identity, TEXT("type"), text_of(identities[i].type));
                element_set_optional(identity, TEXT("name"), identities[i].name);
        }
        for (size_t i = 0; i < feature_count; i++)
                element_set(element_add(query, TEXT("feature"), TEXT_NONE), TEXT("var"), text_of(features[i]));
        return query;
}

Element *disco_add_items(Element *result, Text node) {
        Element *query = element_add(result, TEXT("query"), TEXT(NS_DISCO_ITEMS));

        element_set_optional(query, TEXT("node"), node);
        return query;
}

void disco_add_item(Element *query, Text jid, Text node, Text name) {
        Element *item = element_add(query, TEXT("item"), TEXT_NONE);

        element_set(item, TEXT("jid"), jid);
        element_set_optional(item, TEXT("node"), node);
        element_set_optional(item, TEXT("name"), name);
}
