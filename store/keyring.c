#include "store/keyring.h"

#include "base/map.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#define MASTER_ID_SIZE 8
#define SLAB_KEYS      512 /* 16 KiB of locked memory at a time */
#define TENANT_KEYS    16  /* data keys a tenant may have had */

typedef struct TenantKeys {
        Uuid tenant_id;
        int newest;
        Key *keys[TENANT_KEYS + 1]; /* by key id, from 1 */
} TenantKeys;

struct Keyring {
        pthread_rwlock_t lock;
        Map *tenants;
        Key *master;
        uint8_t master_id[MASTER_ID_SIZE];
        Key **slabs;
        size_t slab_count, slab_used; /* slab_used: keys taken from the last slab */
        int64_t seen;                 /* xmin up to which changes were read */
};

/* By which a wrapped key says whose it is; tells nothing about the master key. */
static void make_master_id(const Key *master, uint8_t ret_id[static MASTER_ID_SIZE]) {
        Text purpose = TEXT("master key id");
        Hash hash = crypto_keyed_hash(master, &purpose, 1);
        memcpy(ret_id, hash.bytes, MASTER_ID_SIZE);
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

static bool read_master(const char *path, Key *ret_key, Failure *reterr_failure) {
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

/* A wrapped key is sealed to its place like any other value; the id is the row's key. */
typedef struct KeyPlace {
        uint8_t id[18];
} KeyPlace;

static Text key_place(Uuid tenant_id, int key_id, KeyPlace *room) {
        uint16_t number = htobe16((uint16_t) key_id);
        memcpy(room->id, tenant_id.bytes, 16);
        memcpy(room->id + 16, &number, 2);
        return (Text){ (const char *) room->id, sizeof(room->id) };
}

static bool wrap(const Key *master, Uuid tenant_id, int key_id, const Key *key, Arena *arena, Text *ret_wrapped,
                 Failure *reterr_failure) {
        KeyPlace room;
        return crypto_seal(master, TEXT("tenant_keys"), TEXT("wrapped"), key_place(tenant_id, key_id, &room),
                           MAP_KEY(*key), arena, ret_wrapped, reterr_failure);
}

/* With the lock held for writing. */
static Key *new_key(Keyring *keyring) {
        if (keyring->slab_count == 0 || keyring->slab_used == SLAB_KEYS) {
                keyring->slabs = memory_resize(keyring->slabs, sizeof(Key *) * (keyring->slab_count + 1));
                keyring->slabs[keyring->slab_count++] = crypto_keys_new(SLAB_KEYS);
                keyring->slab_used = 0;
        }
        return &keyring->slabs[keyring->slab_count - 1][keyring->slab_used++];
}

static void put_key(Keyring *keyring, Uuid tenant_id, int key_id, const Key *key) {
        pthread_rwlock_wrlock(&keyring->lock);
        TenantKeys *tenant = map_get(keyring->tenants, MAP_KEY(tenant_id));
        if (!tenant) {
                tenant = memory_new(sizeof(TenantKeys));
                tenant->tenant_id = tenant_id;
                map_put(keyring->tenants, MAP_KEY(tenant->tenant_id), tenant);
        }
        if (!tenant->keys[key_id])
                tenant->keys[key_id] = new_key(keyring);
        *tenant->keys[key_id] = *key;
        if (key_id > tenant->newest)
                tenant->newest = key_id;
        pthread_rwlock_unlock(&keyring->lock);
}

static bool unwrap_row(void *taker, const Rows *rows, Failure *reterr_failure) {
        Keyring *keyring = taker;
        Uuid tenant_id = rows_uuid(rows, 0, 0);
        int64_t key_id = rows_integer(rows, 0, 1);
        if (key_id > TENANT_KEYS)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "a tenant has more than %d data keys",
                                   TENANT_KEYS);
        if (!text_equal(rows_text(rows, 0, 2), (Text){ (const char *) keyring->master_id, MASTER_ID_SIZE }))
                return failure_set(
                        reterr_failure, FAILURE_FORBIDDEN,
                        "the master key is not the one this database was sealed with: give us the file that was "
                        "used before");
        _cleanup_(arena_freep) Arena *arena = arena_new(1024);
        KeyPlace room;
        Text key;
        if (!crypto_open(keyring->master, TEXT("tenant_keys"), TEXT("wrapped"),
                         key_place(tenant_id, (int) key_id, &room), rows_text(rows, 0, 3), arena, &key, reterr_failure))
                return failure_prefix(reterr_failure, "the data key of a tenant");
        if (key.length != KEY_SIZE)
                return failure_set(reterr_failure, FAILURE_INTERNAL,
                                   "a tenant's data key has another length than ours");
        put_key(keyring, tenant_id, (int) key_id, (const Key *) key.bytes);
        crypto_wipe((void *) key.bytes, key.length);
        return true;
}

bool keyring_refresh(Keyring *keyring, Database *database, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(database, DATABASE_DIRECTORY, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_SNAPSHOT_XMIN, NO_VALUES, &rows, reterr_failure))
                return false;
        int64_t xmin = rows_integer(rows, 0, 0);
        if (!transaction_stream(transaction, QUERY_KEYRING_READ, VALUES(value_integer(keyring->seen)), unwrap_row,
                                keyring, reterr_failure))
                return false;
        keyring->seen = xmin;
        return true;
}

bool keyring_has(Keyring *keyring, Uuid tenant_id) {
        pthread_rwlock_rdlock(&keyring->lock);
        bool has = map_get(keyring->tenants, MAP_KEY(tenant_id)) != NULL;
        pthread_rwlock_unlock(&keyring->lock);
        return has;
}

bool keyring_make(Keyring *keyring, Transaction *transaction, Uuid tenant_id, Failure *reterr_failure) {
        _cleanup_(crypto_keys_freep) Key *key = crypto_keys_new(1);
        _cleanup_(arena_freep) Arena *arena = arena_new(1024);
        Text wrapped, master_id = { (const char *) keyring->master_id, MASTER_ID_SIZE };
        const Rows *rows;
        crypto_random(key->bytes, KEY_SIZE);
        if (!wrap(keyring->master, tenant_id, 1, key, arena, &wrapped, reterr_failure) ||
            !transaction_run(
                    transaction, QUERY_KEYRING_INSERT,
                    VALUES(value_uuid(tenant_id), value_integer(1), value_bytes(master_id), value_bytes(wrapped)),
                    &rows, reterr_failure))
                return false;
        if (rows_changed(rows) > 0) {
                put_key(keyring, tenant_id, 1, key);
                return true;
        }
        /* There is one already: another process was faster. */
        return transaction_run(transaction, QUERY_KEYRING_OWN, NO_VALUES, &rows, reterr_failure) &&
               unwrap_row(keyring, rows, reterr_failure);
}

static bool make_installation_key(Keyring *keyring, Database *database, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        return transaction_begin(database, DATABASE_TENANT, installation_tenant_id, &transaction, reterr_failure) &&
               keyring_make(keyring, transaction, installation_tenant_id, reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

bool keyring_open(Database *database, const char *master_key_file, Keyring **ret_keyring, Failure *reterr_failure) {
        if (!crypto_start(reterr_failure))
                return false;
        _cleanup_(keyring_freep) Keyring *keyring = memory_new(sizeof(Keyring));
        pthread_rwlock_init(&keyring->lock, NULL);
        keyring->tenants = map_new(64);
        keyring->master = crypto_keys_new(1);
        if (!read_master(master_key_file, keyring->master, reterr_failure))
                return false;
        make_master_id(keyring->master, keyring->master_id);
        if (!keyring_refresh(keyring, database, reterr_failure))
                return false;
        if (!keyring_has(keyring, installation_tenant_id) && !make_installation_key(keyring, database, reterr_failure))
                return false;
        *ret_keyring = keyring;
        keyring = NULL;
        return true;
}

void keyring_free(Keyring *keyring) {
        TenantKeys *tenant;
        for (size_t i = 0; (tenant = map_each(keyring->tenants, &i));)
                free(tenant);
        map_free(keyring->tenants);
        for (size_t i = 0; i < keyring->slab_count; i++)
                crypto_keys_free(keyring->slabs[i]);
        free(keyring->slabs);
        crypto_keys_free(keyring->master);
        pthread_rwlock_destroy(&keyring->lock);
        free(keyring);
}

/* Every key by the new master key, in one transaction that changes the tenant it acts for as it goes. */
static bool rewrap_all(Keyring *keyring, Database *database, const Key *master, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        uint8_t id[MASTER_ID_SIZE];
        Text master_id = { (const char *) id, MASTER_ID_SIZE };
        TenantKeys *tenant;
        make_master_id(master, id);
        if (!transaction_begin(database, DATABASE_TENANT, installation_tenant_id, &transaction, reterr_failure))
                return false;
        for (size_t i = 0; (tenant = map_each(keyring->tenants, &i));) {
                if (!transaction_run(transaction, QUERY_TRANSACTION_TENANT, VALUES(value_uuid(tenant->tenant_id)), NULL,
                                     reterr_failure))
                        return false;
                for (int key_id = 1; key_id <= tenant->newest; key_id++) {
                        _cleanup_(arena_freep) Arena *arena = arena_new(1024);
                        Text wrapped;
                        if (!tenant->keys[key_id])
                                continue;
                        if (!wrap(master, tenant->tenant_id, key_id, tenant->keys[key_id], arena, &wrapped,
                                  reterr_failure) ||
                            !transaction_run(transaction, QUERY_KEYRING_REWRAP,
                                             VALUES(value_uuid(tenant->tenant_id), value_integer(key_id),
                                                    value_bytes(master_id), value_bytes(wrapped)),
                                             NULL, reterr_failure))
                                return false;
                }
        }
        return transaction_commit(transaction, reterr_failure);
}

bool keyring_rewrap(Keyring *keyring, Database *database, const char *new_master_key_file, Failure *reterr_failure) {
        _cleanup_(crypto_keys_freep) Key *master = crypto_keys_new(1);
        if (!read_master(new_master_key_file, master, reterr_failure) ||
            !keyring_refresh(keyring, database, reterr_failure))
                return false;
        /* Held for reading against keys that come meanwhile: nobody makes a tenant while keys are rewrapped. */
        pthread_rwlock_rdlock(&keyring->lock);
        bool done = rewrap_all(keyring, database, master, reterr_failure);
        pthread_rwlock_unlock(&keyring->lock);
        if (!done)
                return false;
        pthread_rwlock_wrlock(&keyring->lock);
        *keyring->master = *master;
        make_master_id(master, keyring->master_id);
        pthread_rwlock_unlock(&keyring->lock);
        return true;
}

void keyring_forget(Keyring *keyring, Uuid tenant_id) {
        pthread_rwlock_wrlock(&keyring->lock);
        TenantKeys *tenant = map_remove(keyring->tenants, MAP_KEY(tenant_id));
        for (int i = 1; tenant && i <= tenant->newest; i++)
                if (tenant->keys[i])
                        crypto_wipe(tenant->keys[i], sizeof(Key));
        pthread_rwlock_unlock(&keyring->lock);
        free(tenant);
}

/* With the lock held for reading; key_id 0 = the newest. */
static const Key *find_key(Keyring *keyring, Uuid tenant_id, int *key_id, Failure *reterr_failure) {
        TenantKeys *tenant = map_get(keyring->tenants, MAP_KEY(tenant_id));
        if (tenant && *key_id == 0)
                *key_id = tenant->newest;
        const Key *key = tenant && *key_id > 0 && *key_id <= TENANT_KEYS ? tenant->keys[*key_id] : NULL;
        if (!key)
                failure_set(reterr_failure, FAILURE_NOT_FOUND, "the tenant has no data key, or it was destroyed");
        return key;
}

bool keyring_seal(Keyring *keyring, Uuid tenant_id, SealPlace place, Text plain, Arena *arena, Text *ret_sealed,
                  int *ret_key_id, Failure *reterr_failure) {
        int key_id = 0;
        pthread_rwlock_rdlock(&keyring->lock);
        const Key *key = find_key(keyring, tenant_id, &key_id, reterr_failure);
        bool done = key && crypto_seal(key, text_of(place.table), text_of(place.column), place.id, plain, arena,
                                       ret_sealed, reterr_failure);
        pthread_rwlock_unlock(&keyring->lock);
        if (done)
                *ret_key_id = key_id;
        return done;
}

bool keyring_unseal(Keyring *keyring, Uuid tenant_id, int key_id, SealPlace place, Text sealed, Arena *arena,
                    Text *ret_plain, Failure *reterr_failure) {
        pthread_rwlock_rdlock(&keyring->lock);
        const Key *key = find_key(keyring, tenant_id, &key_id, reterr_failure);
        bool done = key && crypto_open(key, text_of(place.table), text_of(place.column), place.id, sealed, arena,
                                       ret_plain, reterr_failure);
        pthread_rwlock_unlock(&keyring->lock);
        return done;
}

/* By the first key, always, or it would be another one after a new key. */
bool keyring_digest(Keyring *keyring, Uuid tenant_id, const Text *parts, size_t count, Hash *ret_digest,
                    Failure *reterr_failure) {
        int key_id = 1;
        pthread_rwlock_rdlock(&keyring->lock);
        const Key *key = find_key(keyring, tenant_id, &key_id, reterr_failure);
        if (key)
                *ret_digest = crypto_keyed_hash(key, parts, count);
        pthread_rwlock_unlock(&keyring->lock);
        return key != NULL;
}

bool keyring_person(Keyring *keyring, Uuid tenant_id, Text bare_jid, Uuid *ret_person_id, Failure *reterr_failure) {
        Hash hash;
        if (!keyring_digest(keyring, tenant_id, (const Text[]){ TEXT("person"), bare_jid }, 2, &hash, reterr_failure))
                return false;
        memcpy(ret_person_id->bytes, hash.bytes, sizeof(ret_person_id->bytes));
        return true;
}
