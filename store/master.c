#include "store/master.h"

#include "base/defer.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

MasterId master_id(const Key *master) {
        Text purpose = TEXT("master key id");
        Hash hash = crypto_keyed_hash(master, &purpose, 1);
        MasterId id;
        memcpy(id.bytes, hash.bytes, sizeof(id.bytes));
        return id;
}

static bool decode_hex(Text text, uint8_t *ret_bytes, size_t size) {
        if (text.length != 2 * size)
                return false;
        for (size_t i = 0; i < text.length; i++) {
                char c = text.bytes[i];
                int digit = c >= '0' && c <= '9'                 ? c - '0'
                            : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                                 : -1;
                if (digit < 0)
                        return false;
                ret_bytes[i / 2] = (uint8_t) (ret_bytes[i / 2] << 4 | digit);
        }
        return true;
}

static bool decode_master(Text text, Key *ret_key) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1024);
        Text decoded = text_trim(text);
        if (text.length == KEY_SIZE)
                decoded = text;
        else if (decode_hex(decoded, ret_key->bytes, KEY_SIZE))
                return true;
        else if (!crypto_base64_decode(arena, decoded, &decoded) || decoded.length != KEY_SIZE)
                return false;
        memcpy(ret_key->bytes, decoded.bytes, KEY_SIZE);
        if (decoded.bytes != text.bytes)
                crypto_wipe((void *) decoded.bytes, decoded.length);
        return true;
}

bool master_read(const char *path, Key *ret_key, Failure *reterr_failure) {
        _cleanup_(close_fdp) int file = open(path, O_RDONLY | O_CLOEXEC);
        struct stat about;
        char bytes[256];
        if (file < 0 || fstat(file, &about) != 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "cannot read the master key %s: %s", path,
                                   strerror(errno));
        if (about.st_mode & S_IRWXO)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                   "the master key %s may be read by everybody: chmod 600 it", path);
        ssize_t length = read(file, bytes, sizeof(bytes));
        bool good = length > 0 && decode_master((Text){ bytes, (size_t) length }, ret_key);
        crypto_wipe(bytes, sizeof(bytes));
        return good || failure_set(reterr_failure, FAILURE_INVALID,
                                   "the master key %s is not 32 bytes, raw, base64 or hexadecimal: make one with "
                                   "`openssl rand -base64 32`",
                                   path);
}

void masters_release(Masters *masters) {
        if (masters->keys)
                crypto_keys_free(masters->keys);
        *masters = (Masters){ 0 };
}

static bool add(Masters *masters, const char *path, bool needed, Failure *reterr_failure) {
        Failure failure;
        if (master_read(path, &masters->keys[masters->count], &failure)) {
                masters->ids[masters->count] = master_id(&masters->keys[masters->count]);
                masters->count++;
                return true;
        }
        if (failure.kind == FAILURE_NOT_FOUND && !needed && access(path, F_OK) != 0)
                return true;
        if (reterr_failure)
                *reterr_failure = failure;
        return false;
}

bool masters_read(const char *path, Masters *ret_masters, Failure *reterr_failure) {
        static const char *const endings[MASTERS_MOST] = { "", ".next", ".former" };
        Masters masters = { .keys = crypto_keys_new(MASTERS_MOST) };
        char beside[4096];
        for (int i = 0; i < MASTERS_MOST; i++) {
                snprintf(beside, sizeof(beside), "%s%s", path, endings[i]);
                if (!add(&masters, beside, i == 0, reterr_failure)) {
                        masters_release(&masters);
                        return false;
                }
        }
        *ret_masters = masters;
        return true;
}

const Key *masters_find(const Masters *masters, Text id) {
        for (int i = 0; i < masters->count; i++)
                if (text_equal(id, master_id_text(&masters->ids[i])))
                        return &masters->keys[i];
        return NULL;
}

typedef struct KeyPlace {
        uint8_t id[18];
} KeyPlace;

static Text key_place(Uuid tenant_id, int key_id, KeyPlace *room) {
        uint16_t number = htobe16((uint16_t) key_id);
        memcpy(room->id, tenant_id.bytes, 16);
        memcpy(room->id + 16, &number, 2);
        return (Text){ (const char *) room->id, sizeof(room->id) };
}

bool master_wrap(const Key *master, Uuid tenant_id, int key_id, const Key *key, Arena *arena, Text *ret_wrapped,
                 Failure *reterr_failure) {
        KeyPlace room;
        return crypto_seal(master, TEXT("tenant_keys"), TEXT("wrapped"), key_place(tenant_id, key_id, &room),
                           (Text){ (const char *) key->bytes, KEY_SIZE }, arena, ret_wrapped, reterr_failure);
}

bool master_unwrap(const Key *master, Uuid tenant_id, int key_id, Text wrapped, Key *ret_key, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1024);
        KeyPlace room;
        Text key;
        if (!crypto_open(master, TEXT("tenant_keys"), TEXT("wrapped"), key_place(tenant_id, key_id, &room), wrapped,
                         arena, &key, reterr_failure)) {
                char id[UUID_STRING_SIZE];
                uuid_format(tenant_id, id);
                return failure_prefix(reterr_failure, "data key %d of tenant %s", key_id, id);
        }
        bool good = key.length == KEY_SIZE;
        if (good)
                memcpy(ret_key->bytes, key.bytes, KEY_SIZE);
        crypto_wipe((void *) key.bytes, key.length);
        return good ||
               failure_set(reterr_failure, FAILURE_INTERNAL, "a tenant's data key has another length than ours");
}
