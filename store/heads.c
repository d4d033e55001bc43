#include "store/heads.h"

#include "base/json.h"
#include "base/map.h"

#include <endian.h>

static Hash head_digest(const AuditHead *head) {
        uint64_t position = htobe64((uint64_t) head->position), at_us = htobe64((uint64_t) head->at_us);
        const Text parts[] = {
                TEXT("aiox audit head 1"), MAP_KEY(head->tenant_id), head->hub,
                MAP_KEY(position),         MAP_KEY(at_us),           MAP_KEY(head->hash),
        };
        return crypto_sha256_parts(parts, COUNT_OF(parts));
}

void head_sign(AuditHead *head, const Key *seed) {
        Hash digest = head_digest(head);
        head->key = crypto_public_key(seed);
        head->signature = crypto_signature(seed, MAP_KEY(digest));
}

bool head_is_signed(const AuditHead *head) {
        Hash digest = head_digest(head);
        return crypto_signature_holds(&head->key, MAP_KEY(digest), &head->signature);
}

bool head_write(const AuditHead *head, Arena *arena, Text *ret_line) {
        _cleanup_(json_freep) Json *line = json_new_object();
        char tenant[UUID_STRING_SIZE];
        TextBuilder hash = text_builder(2 * HASH_SIZE + 1);
        uuid_format(head->tenant_id, tenant);
        text_add_hex(&hash, head->hash.bytes, HASH_SIZE);
        json_put_integer(line, "at_us", head->at_us);
        json_put_text(line, "hash", text_built(&hash));
        json_put_text(line, "hub", head->hub);
        json_put_text(line, "key", crypto_base64(arena, MAP_KEY(head->key)));
        json_put_integer(line, "position", head->position);
        json_put_text(line, "signature", crypto_base64(arena, MAP_KEY(head->signature)));
        json_put_string(line, "tenant", tenant);
        text_builder_release(&hash);
        return json_canonical(line, arena, ret_line);
}

static bool read_hex(Text text, Hash *ret_hash) {
        if (text.length != 2 * (size_t) HASH_SIZE)
                return false;
        for (size_t i = 0; i < text.length; i++) {
                const char *digits = "0123456789abcdef", *digit = strchr(digits, text.bytes[i]);
                if (!digit || !*digit)
                        return false;
                ret_hash->bytes[i / 2] = (uint8_t) (ret_hash->bytes[i / 2] << 4 | (digit - digits));
        }
        return true;
}

static bool read_base64(Text text, Arena *arena, uint8_t *ret_bytes, size_t size) {
        Text bytes;
        if (!crypto_base64_decode(arena, text, &bytes) || bytes.length != size)
                return false;
        memcpy(ret_bytes, bytes.bytes, size);
        return true;
}

bool head_read(Text line, Arena *arena, AuditHead *ret_head, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *read = NULL;
        if (!json_parse(line, 0, &read, reterr_failure))
                return false;
        *ret_head = (AuditHead){ .hub = text_copy(arena, json_to_text(json_member(read, "hub"))) };
        return (json_to_integer(json_member(read, "position"), &ret_head->position) &&
                json_to_integer(json_member(read, "at_us"), &ret_head->at_us) &&
                uuid_parse(json_to_text(json_member(read, "tenant")), &ret_head->tenant_id) && ret_head->hub.length &&
                ret_head->position > 0 && ret_head->at_us > 0 &&
                read_hex(json_to_text(json_member(read, "hash")), &ret_head->hash) &&
                read_base64(json_to_text(json_member(read, "key")), arena, ret_head->key.bytes, PUBLIC_KEY_SIZE) &&
                read_base64(json_to_text(json_member(read, "signature")), arena, ret_head->signature.bytes,
                            SIGNATURE_SIZE)) ||
               failure_set(reterr_failure, FAILURE_INVALID, "this is no signed head of an audit chain");
}
