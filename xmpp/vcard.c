/* XEP-0054: vcard-temp, and XEP-0153: vCard-Based Avatars. */
#include "base/crypto.h"
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

static void add_optional(Element *parent, const char *name, Text text) {
        if (text.length > 0)
                element_add_text(parent, text_of(name), TEXT_NONE, text);
}

void vcard_add(Element *result, const Card *card) {
        Element *vcard = element_add(result, TEXT("vCard"), TEXT(NS_VCARD_TEMP)), *photo;
        add_optional(vcard, "FN", card->name);
        add_optional(vcard, "NICKNAME", card->name);
        add_optional(vcard, "JABBERID", card->jid);
        add_optional(vcard, "DESC", card->note);
        photo = element_add(vcard, TEXT("PHOTO"), TEXT_NONE);
        if (!photo)
                return;
        element_add_text(photo, TEXT("TYPE"), TEXT_NONE, text_of(card->picture.media_type));
        element_add_text(photo, TEXT("BINVAL"), TEXT_NONE, crypto_base64(photo->arena, card->picture.bytes));
}

void vcard_set_photo(Element *presence, Text hash) {
        Element *update = element_add(presence, TEXT("x"), TEXT(NS_VCARD_UPDATE));
        element_add_text(update, TEXT("photo"), TEXT_NONE, hash);
}
