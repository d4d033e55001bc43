/* XEP-0084: User Avatar: what a picture is, and its bytes, each an item of a node of its own. */
#include "base/crypto.h"
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

#include <stdio.h>

static Text number(Arena *arena, size_t value) {
        char text[24];
        snprintf(text, sizeof(text), "%zu", value);
        return text_copy(arena, text_of(text));
}

Text picture_hash(Arena *arena, Text bytes) {
        _cleanup_(text_builder_release) TextBuilder hash = text_builder(0);
        uint8_t digest[20];
        crypto_sha1(bytes, digest);
        text_add_hex(&hash, digest, sizeof(digest));
        return text_copy(arena, text_built(&hash));
}

void avatar_add_metadata(Element *item, const Picture *picture, Text hash) {
        Element *metadata = element_add(item, TEXT("metadata"), TEXT(NS_AVATAR_METADATA));
        Element *info = element_add(metadata, TEXT("info"), TEXT_NONE);
        if (!info)
                return;
        element_set(info, TEXT("bytes"), number(info->arena, picture->bytes.length));
        element_set(info, TEXT("id"), hash);
        element_set(info, TEXT("type"), text_of(picture->media_type));
        element_set(info, TEXT("width"), number(info->arena, picture->width));
        element_set(info, TEXT("height"), number(info->arena, picture->height));
}

void avatar_add_data(Element *item, const Picture *picture) {
        if (item)
                element_add_text(item, TEXT("data"), TEXT(NS_AVATAR_DATA), crypto_base64(item->arena, picture->bytes));
}
