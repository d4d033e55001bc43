#include "base/crypto.h"
#include "base/uuid.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

static void check_utf8(Text text, size_t limit) {
        TextBuilder repaired = text_builder(limit + 1);
        text_add_repaired(&repaired, text);
        PROMISE(text_is_utf8(text_built(&repaired)) && repaired.length <= limit + 1);
        if (text_is_utf8(text)) {
                PROMISE(repaired.overflowed || text_equal(text_built(&repaired), text));
                PROMISE(text_is_utf8(text_prefix(text, limit)));
                PROMISE(text_whole(text).length == text.length);
                /* A stream that stops anywhere has whole characters and at most three bytes over. */
                Text part = { text.bytes, limit < text.length ? limit : text.length }, whole = text_whole(part);
                PROMISE(text_is_utf8(whole) && part.length - whole.length <= 3);
        }
        text_builder_release(&repaired);
}

static void check_numbers(Text text) {
        int64_t value, again;
        Uuid uuid;
        if (text_to_int64(text, &value)) {
                char string[32];
                snprintf(string, sizeof(string), "%lld", (long long) value);
                PROMISE(text_to_int64(text_of(string), &again) && again == value);
        }
        if (uuid_parse(text, &uuid)) {
                char string[UUID_STRING_SIZE];
                Uuid read;
                uuid_format(uuid, string);
                PROMISE(uuid_parse(text_of(string), &read) && uuid_equal(uuid, read));
        }
}

static void check_base64(Text text) {
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 16 * 1024 * 1024);
        Text decoded;
        if (crypto_base64_decode(arena, text, &decoded))
                PROMISE(text_equal(crypto_base64(arena, decoded), text));
        PROMISE(crypto_base64_decode(arena, crypto_base64(arena, text), &decoded) && text_equal(decoded, text));
}

/* The first byte is a length to cut at; the rest is the text. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        if (size == 0)
                return 0;
        Text text = { (const char *) bytes + 1, size - 1 }, rest = text_trim(text), part;
        check_utf8(text, bytes[0]);
        check_numbers(text);
        check_base64(text);
        size_t parts = 0;
        while (text_split(&rest, ',', &part))
                parts++;
        PROMISE(parts <= text.length);
        return 0;
}
