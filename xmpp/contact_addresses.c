/* XEP-0157: Contact Addresses for XMPP Services: a form (XEP-0128) in the service's disco#info. */
#include "xmpp/extensions.h"
#include "xmpp/forms.h"
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

static Text name_of(Arena *arena, const char *kind) {
        _cleanup_(text_builder_release) TextBuilder name = text_builder(0);
        text_add_format(&name, "%s-addresses", kind);
        return text_copy(arena, text_built(&name));
}

void contact_addresses_add(Element *query, const char *const *addresses) {
        Text kind, uri;
        if (!query || !addresses || !*addresses)
                return;
        Form *form = form_new(query->arena, FORM_RESULT);
        form_set_kind(form, TEXT(NS_SERVER_INFO));
        for (size_t i = 0; contact_address_kinds[i]; i++) {
                FormField *field = NULL;
                for (size_t j = 0; addresses[j]; j++) {
                        if (!contact_address_parse(text_of(addresses[j]), &kind, &uri) ||
                            !text_equal(kind, text_of(contact_address_kinds[i])))
                                continue;
                        if (!field)
                                field = form_add_field(form, FORM_LIST_MULTI,
                                                       name_of(query->arena, contact_address_kinds[i]), TEXT_NONE);
                        form_field_add_value(field, uri);
                }
        }
        form_write(form, query);
}
