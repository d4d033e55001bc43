#include "store/keyring.h"

#include "base/map.h"
#include "store/master.h"

#include <assert.h>
#include <pthread.h>

#define SLAB_KEYS   512 /* 16 KiB of locked memory at a time */
#define TENANT_KEYS 16  /* data keys a tenant may have had */

typedef struct TenantKeys {
        Uuid tenant_id;
        int newest;
        Key *keys[TENANT_KEYS + 1]; /* by key id, from 1 */
} TenantKeys;

struct Keyring {
        pthread_rwlock_t lock;
        Map *tenants;
        char *path; /* of the master key */
        Masters masters;
        Key **slabs;
        size_t slab_count, slab_used; /* slab_used: keys taken from the last slab */
        int64_t seen;                 /* xmin up to which changes were read */
};

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

/* A data key never changes: when it is known already, it does not matter that it was wrapped anew by a key we have not.
 */
static bool needs_no_unwrapping(Keyring *keyring, Uuid tenant_id, int64_t key_id, Text by) {
        pthread_rwlock_rdlock(&keyring->lock);
        TenantKeys *tenant = map_get(keyring->tenants, MAP_KEY(tenant_id));
        bool needs_none = tenant && tenant->keys[key_id] && !masters_find(&keyring->masters, by);
        pthread_rwlock_unlock(&keyring->lock);
        return needs_none;
}

/* Another file may have come since: the master key is being changed, or was. */
static bool read_masters_again(Keyring *keyring, Failure *reterr_failure) {
        Masters masters = { 0 };
        if (!masters_read(keyring->path, &masters, reterr_failure))
                return false;
        pthread_rwlock_wrlock(&keyring->lock);
        masters_release(&keyring->masters);
        keyring->masters = masters;
        pthread_rwlock_unlock(&keyring->lock);
        return true;
}

static bool no_master(Text id, Failure *reterr_failure) {
        TextBuilder hex = text_builder(64);
        text_add_hex(&hex, (const uint8_t *) id.bytes, id.length);
        failure_set(reterr_failure, FAILURE_FORBIDDEN,
                    "the master key is not the one this database was sealed with (%s): give us the file that was used "
                    "before, or, when the master key was changed, the new one",
                    hex.bytes);
        text_builder_release(&hex);
        return false;
}

/* The master key of an id, copied out, for files may be read again meanwhile; the caller wipes it. */
static bool take_master(Keyring *keyring, Text id, Key *ret_master, Failure *reterr_failure) {
        for (int attempt = 0; attempt < 2; attempt++) {
                pthread_rwlock_rdlock(&keyring->lock);
                const Key *found = masters_find(&keyring->masters, id);
                if (found)
                        *ret_master = *found;
                pthread_rwlock_unlock(&keyring->lock);
                if (found)
                        return true;
                if (attempt == 0 && !read_masters_again(keyring, reterr_failure))
                        return false;
        }
        return no_master(id, reterr_failure);
}

static bool unwrap_row(void *taker, const Rows *rows, Failure *reterr_failure) {
        Keyring *keyring = taker;
        Uuid tenant_id = rows_uuid(rows, 0, 0);
        int64_t key_id = rows_integer(rows, 0, 1);
        if (key_id > TENANT_KEYS)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "a tenant has more than %d data keys",
                                   TENANT_KEYS);
        if (needs_no_unwrapping(keyring, tenant_id, key_id, rows_text(rows, 0, 2)))
                return true;
        _cleanup_(crypto_keys_freep) Key *keys = crypto_keys_new(2); /* the master's, the tenant's */
        if (!take_master(keyring, rows_text(rows, 0, 2), &keys[0], reterr_failure) ||
            !master_unwrap(&keys[0], tenant_id, (int) key_id, rows_text(rows, 0, 3), &keys[1], reterr_failure))
                return false;
        put_key(keyring, tenant_id, (int) key_id, &keys[1]);
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

bool keyring_learn(Keyring *keyring, Database *database, Uuid tenant_id, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        return keyring_has(keyring, tenant_id) ||
               (transaction_begin(database, DATABASE_TENANT, tenant_id, &transaction, reterr_failure) &&
                transaction_stream(transaction, QUERY_KEYRING_OWN, NO_VALUES, unwrap_row, keyring, reterr_failure));
}

bool keyring_has(Keyring *keyring, Uuid tenant_id) {
        pthread_rwlock_rdlock(&keyring->lock);
        bool has = map_get(keyring->tenants, MAP_KEY(tenant_id)) != NULL;
        pthread_rwlock_unlock(&keyring->lock);
        return has;
}

/* By which new keys are wrapped: the one that a change of the master key says, or the file's when there never was one.
 */
static bool master_in_force(Keyring *keyring, Transaction *transaction, MasterId *ret_id, Key *ret_master,
                            Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_MASTER_HOLD, NO_VALUES, NULL, reterr_failure) ||
            !transaction_run(transaction, QUERY_MASTER_IN_FORCE, NO_VALUES, &rows, reterr_failure))
                return false;
        pthread_rwlock_rdlock(&keyring->lock);
        *ret_id = keyring->masters.ids[0];
        pthread_rwlock_unlock(&keyring->lock);
        if (rows_count(rows) > 0) {
                assert(rows_text(rows, 0, 0).length == MASTER_ID_SIZE);
                memcpy(ret_id->bytes, rows_text(rows, 0, 0).bytes, MASTER_ID_SIZE);
        }
        return take_master(keyring, master_id_text(ret_id), ret_master, reterr_failure);
}

bool keyring_make(Keyring *keyring, Transaction *transaction, Uuid tenant_id, Failure *reterr_failure) {
        _cleanup_(crypto_keys_freep) Key *keys = crypto_keys_new(2); /* the tenant's, the master's */
        _cleanup_(arena_freep) Arena *arena = arena_new(1024);
        MasterId master;
        Text wrapped;
        const Rows *rows;
        crypto_random(keys[0].bytes, KEY_SIZE);
        if (!master_in_force(keyring, transaction, &master, &keys[1], reterr_failure) ||
            !master_wrap(&keys[1], tenant_id, 1, &keys[0], arena, &wrapped, reterr_failure) ||
            !transaction_run(transaction, QUERY_KEYRING_INSERT,
                             VALUES(value_uuid(tenant_id), value_integer(1), value_bytes(master_id_text(&master)),
                                    value_bytes(wrapped)),
                             &rows, reterr_failure))
                return false;
        if (rows_changed(rows) > 0) {
                put_key(keyring, tenant_id, 1, &keys[0]);
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
        keyring->path = memory_string(master_key_file);
        if (!masters_read(master_key_file, &keyring->masters, reterr_failure))
                return false;
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
        masters_release(&keyring->masters);
        free(keyring->path);
        pthread_rwlock_destroy(&keyring->lock);
        free(keyring);
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
