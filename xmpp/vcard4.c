/* XEP-0292: vCard4 Over XMPP, as an item of a node; properties as RFC 6351 writes them. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

static void add_property(Element *vcard, const char *name, const char *type, Text value) {
        if (value.length > 0)
                element_add_text(element_add(vcard, text_of(name), TEXT_NONE), text_of(type), TEXT_NONE, value);
}

static Text uri_of(Arena *arena, Text jid) {
        _cleanup_(text_builder_release) TextBuilder uri = text_builder(0);
        text_add(&uri, TEXT("xmpp:"));
        text_add(&uri, jid);
        return text_copy(arena, text_built(&uri));
}

void vcard4_add(Element *item, const Card *card) {
        Element *vcard = element_add(item, TEXT("vcard"), TEXT(NS_VCARD4));
        if (!vcard)
                return;
        add_property(vcard, "kind", "text", TEXT("application"));
        add_property(vcard, "fn", "text", card->name);
        add_property(vcard, "nickname", "text", card->name);
        add_property(vcard, "note", "text", card->note);
        add_property(vcard, "impp", "uri", uri_of(vcard->arena, card->jid));
}
