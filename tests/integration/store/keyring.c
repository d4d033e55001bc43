#include "store/keyring.h"

#include "base/map.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PLACE ((SealPlace){ "accepted", "body", TEXT("id") })

static const char *master_file(void) {
        return getenv("AIOX_MASTER_KEY_FILE");
}

static Keyring *open_keyring(Database *database, const char *file) {
        Keyring *keyring;
        Failure failure;
        ck_assert_done(keyring_open(database, file, &keyring, &failure), failure);
        return keyring;
}

/* A file beside the master key, which ends with the test's place. */
static const char *write_file(const char *name, const char *content, mode_t mode) {
        static char path[400];
        snprintf(path, sizeof(path), "%s.%s", master_file(), name);
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fputs(content, file);
        fclose(file);
        ck_assert_int_eq(chmod(path, mode), 0);
        return path;
}

static Text seal(Keyring *keyring, Uuid tenant_id, Arena *arena, int *ret_key_id) {
        Failure failure;
        Text sealed;
        ck_assert_done(keyring_seal(keyring, tenant_id, PLACE, TEXT("a secret"), arena, &sealed, ret_key_id, &failure),
                       failure);
        return sealed;
}

static bool opens(Keyring *keyring, Uuid tenant_id, int key_id, SealPlace place, Text sealed, Arena *arena) {
        Failure failure;
        Text plain;
        return keyring_unseal(keyring, tenant_id, key_id, place, sealed, arena, &plain, &failure) &&
               text_equal(plain, TEXT("a secret"));
}

START_TEST(sealed_value_opens_in_its_place_for_its_tenant_alone) {
        _cleanup_(database_freep) Database *database = place_database();
        place_clean(database);
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database, master_file());
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Uuid acme = place_tenant(database, keyring, "acme"), other = place_tenant(database, keyring, "other");
        int key_id;
        Text sealed = seal(keyring, acme, arena, &key_id);
        ck_assert(opens(keyring, acme, key_id, PLACE, sealed, arena));
        ck_assert(!opens(keyring, other, key_id, PLACE, sealed, arena));
        ck_assert(!opens(keyring, acme, key_id + 1, PLACE, sealed, arena));
        ck_assert(!opens(keyring, acme, key_id, ((SealPlace){ "accepted", "reply_to", TEXT("id") }), sealed, arena));
        ck_assert(!opens(keyring, acme, key_id, ((SealPlace){ "steps", "body", TEXT("id") }), sealed, arena));
        ck_assert(!opens(keyring, acme, key_id, ((SealPlace){ "accepted", "body", TEXT("other") }), sealed, arena));
}
END_TEST

START_TEST(another_process_opens_what_this_one_sealed) {
        _cleanup_(database_freep) Database *database = place_database();
        place_clean(database);
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database, master_file());
        _cleanup_(keyring_freep) Keyring *peer = open_keyring(database, master_file());
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Uuid acme = place_tenant(database, keyring, "acme");
        Failure failure;
        int key_id;
        Text sealed = seal(keyring, acme, arena, &key_id);
        ck_assert(!keyring_has(peer, acme));
        ck_assert_done(keyring_refresh(peer, database, &failure), failure);
        ck_assert(opens(peer, acme, key_id, PLACE, sealed, arena));
}
END_TEST

START_TEST(wrong_master_key_is_refused) {
        static const struct {
                const char *content;
                mode_t mode;
                FailureKind kind;
        } cases[] = {
                { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0600,
                  FAILURE_FORBIDDEN }, /* of another installation */
                { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0604,
                  FAILURE_FORBIDDEN }, /* for everybody to read */
                { "too short\n", 0600, FAILURE_INVALID },
                { "", 0600, FAILURE_INVALID },
        };
        _cleanup_(database_freep) Database *database = place_database();
        Keyring *refused;
        Failure failure;
        place_clean(database);
        keyring_free(open_keyring(database, master_file()));
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const char *path = write_file("wrong", cases[i].content, cases[i].mode);
                ck_assert(!keyring_open(database, path, &refused, &failure));
                ck_assert_int_eq(failure.kind, cases[i].kind);
        }
        ck_assert(!keyring_open(database, "/nonexistent/key", &refused, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_NOT_FOUND);
}
END_TEST

START_TEST(master_key_is_changed_without_losing_a_value) {
        _cleanup_(database_freep) Database *database = place_database();
        place_clean(database);
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database, master_file());
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Uuid tenants[5];
        Text sealed[5];
        Keyring *refused;
        Failure failure;
        int key_id;
        for (size_t i = 0; i < COUNT_OF(tenants); i++) {
                char slug[20];
                snprintf(slug, sizeof(slug), "tenant-%zu", i);
                tenants[i] = place_tenant(database, keyring, slug);
                sealed[i] = seal(keyring, tenants[i], arena, &key_id);
        }
        const char *path = write_file("new", "0123456789abcdefABCDEF0123456789abcdefABCDEF01230123456789abcdef", 0600);
        ck_assert_done(keyring_rewrap(keyring, database, path, &failure), failure);
        ck_assert(!keyring_open(database, master_file(), &refused, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_FORBIDDEN);
        _cleanup_(keyring_freep) Keyring *after = open_keyring(database, path);
        for (size_t i = 0; i < COUNT_OF(tenants); i++)
                ck_assert(opens(after, tenants[i], key_id, PLACE, sealed[i], arena));
}
END_TEST

START_TEST(person_is_somebody_else_in_each_tenant) {
        _cleanup_(database_freep) Database *database = place_database();
        place_clean(database);
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database, master_file());
        Uuid acme = place_tenant(database, keyring, "acme"), ids[3];
        Failure failure;
        ck_assert_done(keyring_person(keyring, acme, TEXT("ana@example.org"), &ids[0], &failure), failure);
        ck_assert_done(keyring_person(keyring, acme, TEXT("ana@example.org"), &ids[1], &failure), failure);
        ck_assert_done(keyring_person(keyring, installation_tenant_id, TEXT("ana@example.org"), &ids[2], &failure),
                       failure);
        ck_assert(uuid_equal(ids[0], ids[1]));
        ck_assert(!uuid_equal(ids[0], ids[2]));
}
END_TEST

START_TEST(key_that_was_destroyed_opens_nothing) {
        _cleanup_(database_freep) Database *database = place_database();
        place_clean(database);
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database, master_file());
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Uuid acme = place_tenant(database, keyring, "acme");
        int key_id;
        Text sealed = seal(keyring, acme, arena, &key_id);
        keyring_forget(keyring, acme);
        ck_assert(!opens(keyring, acme, key_id, PLACE, sealed, arena));
}
END_TEST

UNIT_TESTS("store/keyring", sealed_value_opens_in_its_place_for_its_tenant_alone,
           another_process_opens_what_this_one_sealed, wrong_master_key_is_refused,
           master_key_is_changed_without_losing_a_value, person_is_somebody_else_in_each_tenant,
           key_that_was_destroyed_opens_nothing)
