/* XEP-0157: Contact Addresses for XMPP Services: a form (XEP-0128) in the service's disco#info. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

const char *const contact_address_kinds[] = { "abuse",    "admin",  "feedback", "sales",
                                              "security", "status", "support",  NULL };

bool contact_address_parse(Text address, Text *ret_kind, Text *ret_uri) {
        Text uri = address, kind;
        if (address.length == 0 || !memchr(address.bytes, '=', address.length) || !text_split(&uri, '=', &kind))
                return false;
        *ret_kind = kind;
        *ret_uri = uri;
        for (size_t i = 0; contact_address_kinds[i]; i++)
                if (text_equal(kind, text_of(contact_address_kinds[i])))
                        return uri.length > 1 && memchr(uri.bytes + 1, ':', uri.length - 1) != NULL;
        return false;
}

static Element *add_field(Element *form, Text var) {
        Element *field = element_add(form, TEXT("field"), TEXT_NONE);
        element_set(field, TEXT("var"), var);
        return field;
}

static Text var_of(Arena *arena, const char *kind) {
        _cleanup_(text_builder_release) TextBuilder var = text_builder(0);
        text_add_format(&var, "%s-addresses", kind);
        return text_copy(arena, text_built(&var));
}

void contact_addresses_add(Element *query, const char *const *addresses) {
        Element *form, *field;
        Text kind, uri;
        if (!query || !addresses || !*addresses)
                return;
        form = element_add(query, TEXT("x"), TEXT(NS_DATA_FORMS));
        element_set(form, TEXT("type"), TEXT("result"));
        field = add_field(form, TEXT("FORM_TYPE"));
        element_set(field, TEXT("type"), TEXT("hidden"));
        element_add_text(field, TEXT("value"), TEXT_NONE, TEXT(NS_SERVER_INFO));
        for (size_t i = 0; contact_address_kinds[i]; i++) {
                field = NULL;
                for (size_t j = 0; addresses[j]; j++) {
                        if (!contact_address_parse(text_of(addresses[j]), &kind, &uri) ||
                            !text_equal(kind, text_of(contact_address_kinds[i])))
                                continue;
                        if (!field) {
                                field = add_field(form, var_of(query->arena, contact_address_kinds[i]));
                                element_set(field, TEXT("type"), TEXT("list-multi"));
                        }
                        element_add_text(field, TEXT("value"), TEXT_NONE, uri);
                }
        }
}
