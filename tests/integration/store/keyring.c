#include "store/keyring.h"

#include "base/clock.h"
#include "base/map.h"
#include "store/keyring_rotate.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

#define TENANTS 400

/* A master key's file of this test, and many tenants by it. */
typedef struct Rotating {
        Database *database;
        Keyring *keyring; /* of a hub that runs */
        Arena *arena;
        char path[300], new_path[300];
        Uuid tenants[TENANTS];
        Text sealed[TENANTS];
} Rotating;

static void remove_files(const char *path) {
        static const char *const endings[] = { "", ".next", ".former" };
        char name[400];
        for (size_t i = 0; i < COUNT_OF(endings); i++) {
                snprintf(name, sizeof(name), "%s%s", path, endings[i]);
                unlink(name);
        }
}

static void add_tenants(Rotating *rotating) {
        static UuidGenerator generator;
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Failure failure;
        int key_id;
        ck_assert_done(
                transaction_begin(rotating->database, DATABASE_TENANT, installation_tenant_id, &transaction, &failure),
                failure);
        for (size_t i = 0; i < TENANTS; i++) {
                char slug[20];
                snprintf(slug, sizeof(slug), "tenant-%zu", i);
                rotating->tenants[i] = uuid_make(&generator, clock_now().wall_us);
                ck_assert_done(transaction_run(transaction, QUERY_TRANSACTION_TENANT,
                                               VALUES(value_uuid(rotating->tenants[i])), NULL, &failure),
                               failure);
                ck_assert_done(transaction_run(transaction, QUERY_TENANT_ADD,
                                               VALUES(value_uuid(rotating->tenants[i]), value_string(slug),
                                                      value_string("Test"), value_string("free")),
                                               NULL, &failure),
                               failure);
                ck_assert_done(keyring_make(rotating->keyring, transaction, rotating->tenants[i], &failure), failure);
                rotating->sealed[i] = seal(rotating->keyring, rotating->tenants[i], rotating->arena, &key_id);
        }
        ck_assert_done(transaction_commit(transaction, &failure), failure);
}

static void rotating_open(Rotating *rotating) {
        *rotating = (Rotating){ .database = place_database(), .arena = arena_new(0) };
        place_clean(rotating->database);
        snprintf(rotating->path, sizeof(rotating->path), "%s",
                 write_file("rotating", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0600));
        remove_files(rotating->path);
        write_file("rotating", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0600);
        snprintf(rotating->new_path, sizeof(rotating->new_path), "%s",
                 write_file("new", "0123456789abcdefABCDEF0123456789abcdefABCDEF01230123456789abcdef", 0600));
        rotating->keyring = open_keyring(rotating->database, rotating->path);
        add_tenants(rotating);
}

static void rotating_close(Rotating *rotating) {
        remove_files(rotating->path);
        keyring_free(rotating->keyring);
        arena_free(rotating->arena);
        database_free(rotating->database);
}

static void assert_all_open(Rotating *rotating, const char *path) {
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(rotating->database, path);
        for (size_t i = 0; i < TENANTS; i++)
                ck_assert(opens(keyring, rotating->tenants[i], 1, PLACE, rotating->sealed[i], rotating->arena));
}

static void assert_refused(Rotating *rotating, const char *path, const char *part) {
        Keyring *refused;
        Failure failure;
        ck_assert(!keyring_open(rotating->database, path, &refused, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_FORBIDDEN);
        ck_assert_msg(strstr(failure.text, part), "%s", failure.text);
}

static bool rotate(Rotating *rotating, RotateReport *ret_report, Failure *failure) {
        return keyring_rotate(rotating->database, rotating->path, rotating->new_path, ret_report, failure);
}

START_TEST(master_key_is_changed_without_losing_a_value) {
        Rotating rotating;
        RotateReport report;
        Failure failure;
        char former[400];
        rotating_open(&rotating);
        ck_assert_done(rotate(&rotating, &report, &failure), failure);
        ck_assert_uint_eq(report.wrapped, TENANTS + 1);
        ck_assert(!report.resumed);
        assert_all_open(&rotating, rotating.path);
        /* The new file alone opens everything, the old one nothing. */
        snprintf(former, sizeof(former), "%s.former", rotating.path);
        assert_refused(&rotating, former, "not the one this database was sealed with");
        unlink(former);
        assert_all_open(&rotating, rotating.path);
        ck_assert(!rotate(&rotating, &report, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_CONFLICT);
        rotating_close(&rotating);
}
END_TEST

START_TEST(hub_that_runs_goes_on_through_a_change_and_wraps_by_the_new_key) {
        Rotating rotating;
        RotateReport report;
        Failure failure;
        rotating_open(&rotating);
        ck_assert_done(rotate(&rotating, &report, &failure), failure);
        ck_assert_done(keyring_refresh(rotating.keyring, rotating.database, &failure), failure);
        for (size_t i = 0; i < TENANTS; i++)
                ck_assert(opens(rotating.keyring, rotating.tenants[i], 1, PLACE, rotating.sealed[i], rotating.arena));
        Uuid late = place_tenant(rotating.database, rotating.keyring, "late");
        ck_assert_str_eq(place_ask("SELECT count(*) FROM master_key"), "1");
        _cleanup_(keyring_freep) Keyring *after = open_keyring(rotating.database, rotating.path);
        ck_assert(keyring_has(after, late));
        rotating_close(&rotating);
}
END_TEST

static Uuid new_tenant(void) {
        static UuidGenerator generator;
        return uuid_make(&generator, clock_now().wall_us);
}

START_TEST(hub_without_the_new_file_makes_no_key_that_nobody_opens) {
        Rotating rotating;
        RotateReport report;
        Failure failure;
        char copy[320];
        rotating_open(&rotating);
        /* On another machine, where nobody put the new file. */
        snprintf(copy, sizeof(copy), "%s",
                 write_file("elsewhere", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0600));
        _cleanup_(keyring_freep) Keyring *elsewhere = open_keyring(rotating.database, copy);
        ck_assert_done(rotate(&rotating, &report, &failure), failure);
        ck_assert_done(keyring_refresh(elsewhere, rotating.database, &failure), failure);
        ck_assert(opens(elsewhere, rotating.tenants[7], 1, PLACE, rotating.sealed[7], rotating.arena));
        Transaction *transaction = NULL;
        Uuid tenant = new_tenant();
        ck_assert_done(transaction_begin(rotating.database, DATABASE_TENANT, tenant, &transaction, &failure), failure);
        ck_assert(!keyring_make(elsewhere, transaction, tenant, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_FORBIDDEN);
        ck_assert_ptr_nonnull(strstr(failure.text, "the new one"));
        transaction_end(transaction);
        rotating_close(&rotating);
}
END_TEST

/* Ends the process that changes the master key when some of the keys are wrapped by the new one, but not all. */
static void break_off(Rotating *rotating) {
        place_execute("CREATE FUNCTION stop_midway() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                      "PERFORM pg_sleep(0.001); RETURN NEW; END $$");
        place_execute("GRANT EXECUTE ON FUNCTION stop_midway TO aiox_tenant");
        place_execute("CREATE TRIGGER stop_midway BEFORE UPDATE ON tenant_keys FOR EACH ROW EXECUTE FUNCTION "
                      "stop_midway()");
        pid_t child = fork();
        if (child == 0) {
                RotateReport report;
                Failure failure;
                _cleanup_(database_freep) Database *database = place_database();
                _exit(keyring_rotate(database, rotating->path, rotating->new_path, &report, &failure) ? 0 : 1);
        }
        size_t pending = 0;
        Failure failure;
        for (int64_t end = clock_now().monotonic_us + 20 * SECONDS; clock_now().monotonic_us < end;) {
                ck_assert_done(keyring_rotation_pending(rotating->database, &pending, &failure), failure);
                if (pending > 0 && pending <= TENANTS - 60)
                        break;
        }
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        place_execute("DROP TRIGGER stop_midway ON tenant_keys; DROP FUNCTION stop_midway");
        ck_assert_done(keyring_rotation_pending(rotating->database, &pending, &failure), failure);
        ck_assert_msg(pending > 0 && pending < TENANTS, "%zu keys are left", pending);
}

START_TEST(change_that_was_broken_off_is_known_and_gone_on_with) {
        Rotating rotating;
        RotateReport report;
        Failure failure;
        char next[400], copy[320];
        rotating_open(&rotating);
        break_off(&rotating);
        /* Both files open everything; the old one alone is refused, and so is the new one alone. */
        assert_all_open(&rotating, rotating.path);
        snprintf(copy, sizeof(copy), "%s", write_file("alone", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0600));
        assert_refused(&rotating, copy, "when the master key was changed, the new one");
        assert_refused(&rotating, rotating.new_path, "the file that was used before");
        /* A third one must wait. */
        snprintf(next, sizeof(next), "%s",
                 write_file("third", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 0600));
        ck_assert(!keyring_rotate(rotating.database, rotating.path, next, &report, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_CONFLICT);
        ck_assert_ptr_nonnull(strstr(failure.text, "begun and not ended"));
        ck_assert_done(rotate(&rotating, &report, &failure), failure);
        ck_assert(report.resumed);
        ck_assert_uint_lt(report.wrapped, TENANTS);
        size_t pending;
        ck_assert_done(keyring_rotation_pending(rotating.database, &pending, &failure), failure);
        ck_assert_uint_eq(pending, 0);
        assert_all_open(&rotating, rotating.path);
        rotating_close(&rotating);
}
END_TEST

START_TEST(data_key_moved_to_another_tenant_is_named) {
        Rotating rotating;
        rotating_open(&rotating);
        Keyring *refused;
        Failure failure;
        char id[UUID_STRING_SIZE], other[UUID_STRING_SIZE], sql[400];
        uuid_format(rotating.tenants[1], id);
        uuid_format(rotating.tenants[2], other);
        snprintf(sql, sizeof(sql),
                 "UPDATE tenant_keys SET wrapped = (SELECT wrapped FROM tenant_keys WHERE tenant_id = '%s') "
                 "WHERE tenant_id = '%s'",
                 other, id);
        place_execute("ALTER TABLE tenant_keys DISABLE ROW LEVEL SECURITY");
        place_execute(sql);
        place_execute("ALTER TABLE tenant_keys ENABLE ROW LEVEL SECURITY");
        ck_assert(!keyring_open(rotating.database, rotating.path, &refused, &failure));
        ck_assert_msg(strstr(failure.text, id) && strstr(failure.text, "moved or altered"), "%s", failure.text);
        rotating_close(&rotating);
}
END_TEST

START_TEST(many_keys_take_a_pool_and_not_a_page_each) {
        Rotating rotating;
        rotating_open(&rotating);
        unsigned long locked = 0;
        char line[200];
        FILE *file = fopen("/proc/self/status", "r");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file))
                if (sscanf(line, "VmLck: %lu", &locked) == 1)
                        break;
        fclose(file);
        /* 401 keys of 32 bytes, what a guard's canary needs, and master keys. A sanitizer locks nothing. */
        ck_assert_msg((locked > 0 || UNIT_SANITIZED) && locked <= 64, "%lu kB are locked", locked);
        rotating_close(&rotating);
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
           master_key_is_changed_without_losing_a_value,
           hub_that_runs_goes_on_through_a_change_and_wraps_by_the_new_key,
           hub_without_the_new_file_makes_no_key_that_nobody_opens,
           change_that_was_broken_off_is_known_and_gone_on_with, data_key_moved_to_another_tenant_is_named,
           many_keys_take_a_pool_and_not_a_page_each, person_is_somebody_else_in_each_tenant,
           key_that_was_destroyed_opens_nothing)
