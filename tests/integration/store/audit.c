/* What a sceptic tries: the audit altered by whoever owns the database, and the signed heads altered with it. */
#include "base/map.h"
#include "store/retention.h"
#include "store/verify.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define RECORDS 12
#define BEFORE  8 /* records when the first heads were signed */
#define SIGNED  2 /* heads of each hub */
#define DAYS    (86400 * SECONDS)

/* Two hubs that write for one tenant and the installation, each signing its chains after BEFORE and after all records.
 * Lives until the test's process ends. */
typedef struct Scene {
        Database *database;
        Keyring *keyring;
        Uuid tenant_id;
        Journal *journals[2];
        StoreRequest requests[2];
        Key seeds[2];
        AuditHead heads[8]; /* hub by hub, of the tenant and of the installation */
        size_t head_count;
        Arena *arena;
        UuidGenerator generator;
        int64_t age_us; /* of what is written */
} Scene;

static const char *const hubs[] = { "hub1", "hub2" };

static void write_records(Scene *scene, int hub, int count) {
        for (int i = 0; i < count; i++) {
                AuditRecord records[] = { { .tenant_id = scene->tenant_id,
                                            .type = TEXT("message.refused"),
                                            .severity = TEXT("warning"),
                                            .person = TEXT("bob@example.org"),
                                            .facts = TEXT("{\"count\":1}"),
                                            .at_us = clock_now().wall_us - scene->age_us },
                                          { .tenant_id = installation_tenant_id,
                                            .type = TEXT("message.refused"),
                                            .severity = TEXT("warning"),
                                            .at_us = clock_now().wall_us - scene->age_us } };
                StoreRequest *request = &scene->requests[hub];
                request->kind = STORE_COMMIT;
                request->number++;
                request->batch = (JournalBatch){ .audit = records, .audit_count = 2 };
                StoreReport *report = place_request(scene->journals[hub], request);
                ck_assert_msg(report->result == STORE_DONE, "%s", report->failure.text);
                arena_free(report->arena);
        }
}

static void sign_heads(Scene *scene, int hub) {
        AuditHead *moved;
        size_t count = journal_take_heads(scene->journals[hub], &moved);
        ck_assert_uint_eq(count, 2);
        for (size_t i = 0; i < count; i++) {
                moved[i].hub = text_of(hubs[hub]);
                moved[i].at_us = clock_now().wall_us;
                head_sign(&moved[i], &scene->seeds[hub]);
                scene->heads[scene->head_count++] = moved[i];
        }
        free(moved);
        ck_assert_uint_eq(journal_take_heads(scene->journals[hub], &moved), 0);
}

static void announce_key(Scene *scene, int hub) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        PublicKey public = crypto_public_key(&scene->seeds[hub]);
        Failure failure;
        ck_assert_done(transaction_begin(scene->database, DATABASE_JOURNAL, (Uuid){ 0 }, &transaction, &failure) &&
                               transaction_run(transaction, QUERY_AUDIT_KEY_ADD,
                                               VALUES(value_string(hubs[hub]), value_bytes(MAP_KEY(public))), NULL,
                                               &failure) &&
                               transaction_commit(transaction, &failure),
                       failure);
}

static void start(Scene *scene, int hub) {
        StoreRequest *request = &scene->requests[hub];
        request->kind = STORE_START;
        StoreReport *report = place_request(scene->journals[hub], request);
        ck_assert_msg(report->result == STORE_DONE, "%s", report->failure.text);
        request->epoch = report->epoch;
        arena_free(report->arena);
}

/* Whose first records are as old as that. */
static Scene *new_scene_at(int64_t age_us) {
        static Scene *scene;
        Failure failure;
        scene = memory_new(sizeof(Scene));
        scene->database = place_database();
        scene->arena = arena_new(0);
        scene->age_us = age_us;
        place_clean(scene->database);
        place_execute("SELECT make_parts(current_date - 71, current_date)");
        ck_assert_done(keyring_open(scene->database, getenv("AIOX_MASTER_KEY_FILE"), &scene->keyring, &failure),
                       failure);
        scene->tenant_id = place_tenant(scene->database, scene->keyring, "acme");
        for (int hub = 0; hub < 2; hub++) {
                StoreRequest *request = &scene->requests[hub];
                crypto_random(scene->seeds[hub].bytes, KEY_SIZE);
                scene->journals[hub] = place_journal(scene->keyring);
                request->hub = text_of(hubs[hub]);
                request->domains = TEXT("agents.example");
                request->process = uuid_make(&scene->generator, clock_now().wall_us);
                start(scene, hub);
                announce_key(scene, hub);
                write_records(scene, hub, BEFORE);
                sign_heads(scene, hub);
                write_records(scene, hub, RECORDS - BEFORE);
                sign_heads(scene, hub);
        }
        scene->age_us = 0;
        return scene;
}

static Scene *new_scene(void) {
        return new_scene_at(0);
}

static AuditVerdict verify_with(Scene *scene, Uuid tenant_id, AuditProof proof) {
        AuditVerdict verdict;
        Failure failure;
        ck_assert_done(audit_verify(scene->database, tenant_id, &proof, scene->arena, &verdict, &failure), failure);
        return verdict;
}

static AuditVerdict verify(Scene *scene) {
        return verify_with(scene, scene->tenant_id, (AuditProof){ scene->heads, scene->head_count, NULL, 0 });
}

static void check_breach(AuditVerdict verdict, AuditBreach breach, const char *hub, int64_t position,
                         const char *what) {
        ck_assert_msg(verdict.breach == breach && verdict.position == position && strcmp(verdict.hub, hub) == 0,
                      "%s: breach %d of %s at %lld", what, (int) verdict.breach, verdict.hub,
                      (long long) verdict.position);
}

/* The owner is bound by row security like everybody, and may act for a tenant. */
static void tamper(Scene *scene, const char *sql) {
        char statement[2000], tenant[UUID_STRING_SIZE];
        uuid_format(scene->tenant_id, tenant);
        snprintf(statement, sizeof(statement), "SET aiox.tenant = '%s'; %s", tenant, sql);
        place_execute(statement);
}

START_TEST(untouched_chains_verify_up_to_their_last_signature) {
        Scene *scene = new_scene();
        AuditVerdict verdict = verify(scene);
        check_breach(verdict, AUDIT_INTACT, "", 0, "untouched");
        ck_assert_int_eq(verdict.rows, 2 * RECORDS);
        ck_assert_int_eq(verdict.heads, 2 * SIGNED);
        ck_assert_uint_eq(verdict.chain_count, 2);
        for (size_t i = 0; i < 2; i++) {
                ck_assert_text(verdict.chains[i].hub, text_of(hubs[i]));
                ck_assert_int_eq(verdict.chains[i].last, RECORDS);
                ck_assert_int_eq(verdict.chains[i].signed_position, RECORDS);
        }
}
END_TEST

START_TEST(whatever_the_databases_owner_does_is_named) {
        Scene *scene = new_scene();
        static const struct {
                const char *sql;
                AuditBreach breach;
                int64_t position;
        } cases[] = {
                { "UPDATE audit SET facts = '{}' WHERE hub = 2 AND position = 5", AUDIT_ALTERED, 5 },
                { "UPDATE audit SET severity = 'info' WHERE hub = 2 AND position = 12", AUDIT_ALTERED, 12 },
                { "DELETE FROM audit WHERE hub = 2 AND position = 1", AUDIT_ALTERED, 1 },
                { "DELETE FROM audit WHERE hub = 2 AND position = 7", AUDIT_ALTERED, 7 },
                { "UPDATE audit SET position = 99 WHERE hub = 2 AND position = 5; "
                  "UPDATE audit SET position = 5 WHERE hub = 2 AND position = 6; "
                  "UPDATE audit SET position = 6 WHERE hub = 2 AND position = 99",
                  AUDIT_ALTERED, 5 },
                { "DELETE FROM audit WHERE hub = 2 AND position > 11", AUDIT_TRUNCATED, 12 },
                { "DELETE FROM audit WHERE hub = 2 AND position > 7", AUDIT_TRUNCATED, 8 },
                { "DELETE FROM audit WHERE hub = 2", AUDIT_TRUNCATED, 8 },
        };
        tamper(scene, "CREATE TABLE kept AS TABLE audit");
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                tamper(scene, cases[i].sql);
                check_breach(verify(scene), cases[i].breach, "hub2", cases[i].position, cases[i].sql);
                tamper(scene, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
                check_breach(verify(scene), AUDIT_INTACT, "", 0, "put back");
        }
        place_execute("DROP TABLE kept");
}
END_TEST

/* Whoever owns the database can compute hashes too: he lets the hub itself write another end. */
START_TEST(chain_that_was_written_anew_differs_from_what_was_signed) {
        Scene *scene = new_scene();
        tamper(scene, "DELETE FROM audit WHERE hub = 2 AND position > 6");
        journal_free(scene->journals[1]);
        scene->journals[1] = place_journal(scene->keyring);
        start(scene, 1);
        write_records(scene, 1, RECORDS);
        check_breach(verify(scene), AUDIT_REWRITTEN, "hub2", BEFORE, "written anew");
        ck_assert_int_eq(verify_with(scene, scene->tenant_id, (AuditProof){ 0 }).breach, AUDIT_INTACT);
}
END_TEST

START_TEST(altered_heads_are_found_out) {
        Scene *scene = new_scene();
        AuditHead right = scene->heads[0];
        size_t own = uuid_equal(right.tenant_id, scene->tenant_id) ? 0 : 1;
        right = scene->heads[own];
        AuditHead wrong[] = { right, right, right, right };
        wrong[0].position--;
        wrong[1].hash.bytes[7] ^= 1;
        wrong[2].hub = TEXT("hub2");
        wrong[3].at_us++;
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                scene->heads[own] = wrong[i];
                AuditVerdict verdict = verify(scene);
                ck_assert_int_eq(verdict.breach, AUDIT_FORGED);
                ck_assert_int_eq(verdict.position, wrong[i].position);
        }
}
END_TEST

START_TEST(head_by_another_key_does_not_count) {
        Scene *scene = new_scene();
        Key stranger;
        PublicKey known[] = { crypto_public_key(&scene->seeds[0]), crypto_public_key(&scene->seeds[1]) };
        crypto_random(stranger.bytes, sizeof(stranger.bytes));
        AuditProof proof = { scene->heads, scene->head_count, known, 2 };
        ck_assert_int_eq(verify_with(scene, scene->tenant_id, proof).breach, AUDIT_INTACT);
        proof.key_count = 1;
        AuditVerdict verdict = verify_with(scene, scene->tenant_id, proof);
        ck_assert_int_eq(verdict.breach, AUDIT_FOREIGN);
        ck_assert_str_eq(verdict.hub, "hub2");
        for (size_t i = 0; i < scene->head_count; i++)
                if (text_equal(scene->heads[i].hub, TEXT("hub2")))
                        head_sign(&scene->heads[i], &stranger);
        ck_assert_int_eq(verify(scene).breach, AUDIT_FOREIGN);
}
END_TEST

START_TEST(hub_whose_heads_are_not_given_is_said_to_be_unchecked) {
        Scene *scene = new_scene();
        AuditVerdict verdict = verify_with(scene, scene->tenant_id, (AuditProof){ scene->heads, 4, NULL, 0 });
        ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
        ck_assert_int_eq(verdict.chains[0].signed_position, RECORDS);
        ck_assert_int_eq(verdict.chains[1].signed_position, 0);
}
END_TEST

START_TEST(hub_whose_whole_chain_is_gone_is_unchecked_without_its_heads_and_found_out_with_them) {
        Scene *scene = new_scene();
        tamper(scene, "DELETE FROM audit");
        AuditVerdict verdict = verify_with(scene, scene->tenant_id, (AuditProof){ 0 });
        ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
        ck_assert_uint_eq(verdict.chain_count, 2);
        ck_assert_int_eq(verdict.chains[0].signed_position + verdict.chains[1].signed_position, 0);
        ck_assert_int_eq(verify(scene).breach, AUDIT_TRUNCATED);
}
END_TEST

START_TEST(another_tenants_heads_prove_and_tell_nothing) {
        Scene *scene = new_scene();
        Uuid other = place_tenant(scene->database, scene->keyring, "other");
        AuditVerdict verdict = verify_with(scene, other, (AuditProof){ scene->heads, scene->head_count, NULL, 0 });
        ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
        ck_assert_int_eq(verdict.rows, 0);
        ck_assert_int_eq(verdict.heads, 0);
        ck_assert_uint_eq(verdict.chain_count, 0);
}
END_TEST

START_TEST(person_who_is_erased_leaves_the_chain_provable) {
        Scene *scene = new_scene();
        tamper(scene, "UPDATE persons SET jid = NULL, erased_at = now()");
        check_breach(verify(scene), AUDIT_INTACT, "", 0, "erased");
}
END_TEST

START_TEST(chain_goes_on_from_its_signed_closing_after_its_beginning_was_removed) {
        Scene *scene = new_scene_at(70 * DAYS);
        Retention retention = { .audit_days = 20, .seed = &scene->seeds[0], .hub = TEXT("hub1") };
        Failure failure;
        write_records(scene, 0, 3);
        write_records(scene, 1, 3);
        check_breach(verify(scene), AUDIT_INTACT, "", 0, "before");
        ck_assert_done(retention_keep(scene->database, &retention, NULL, NULL, &failure), failure);
        AuditVerdict verdict = verify(scene);
        check_breach(verdict, AUDIT_INTACT, "", 0, "after");
        ck_assert_int_eq(verdict.rows, 2 * 3);
        ck_assert_int_eq(verdict.chains[0].first, RECORDS + 1);
        ck_assert_int_eq(verdict.chains[0].last, RECORDS + 3);
        ck_assert_int_eq(verdict.chains[0].signed_position, RECORDS);
        tamper(scene, "CREATE TABLE closed AS TABLE audit_closings; UPDATE audit_closings SET position = position + 1");
        ck_assert_int_eq(verify(scene).breach, AUDIT_FORGED);
        tamper(scene, "DELETE FROM audit_closings");
        ck_assert_int_eq(verify(scene).breach, AUDIT_ALTERED);
        tamper(scene, "INSERT INTO audit_closings SELECT * FROM closed; DROP TABLE closed; DELETE FROM audit");
        check_breach(verify(scene), AUDIT_INTACT, "", 0, "nothing signed is missing");
        journal_free(scene->journals[0]);
        scene->journals[0] = place_journal(scene->keyring);
        start(scene, 0);
        write_records(scene, 0, 1);
        verdict = verify(scene);
        ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
        ck_assert_int_eq(verdict.chains[0].first, RECORDS + 1);
}
END_TEST

START_TEST(line_of_a_head_reads_back_and_nothing_else_does) {
        Key seed;
        Text line;
        AuditHead head = { .hub = TEXT("hub1"), .position = 7, .at_us = 1700000000000001, .hash = { { 1, 2, 3 } } };
        AuditHead back;
        Failure failure;
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        static const char hollow[] = "{\"at_us\":1,\"hash\":\"00\",\"hub\":\"h\",\"key\":\"\",\"position\":1,"
                                     "\"signature\":\"\",\"tenant\":\"a10c0000-0000-4000-8000-000000000000\"}";
        static const char *const wrong[] = { "", "{}", "[]", "nonsense", hollow };
        crypto_random(seed.bytes, sizeof(seed.bytes));
        head_sign(&head, &seed);
        ck_assert(head_write(&head, arena, &line));
        ck_assert_done(head_read(line, arena, &back, &failure), failure);
        ck_assert(head_is_signed(&back));
        ck_assert_text(back.hub, head.hub);
        ck_assert_int_eq(back.position, 7);
        back.position = 8;
        ck_assert(!head_is_signed(&back));
        for (size_t i = 0; i < COUNT_OF(wrong); i++)
                ck_assert(!head_read(text_of(wrong[i]), arena, &back, &failure));
}
END_TEST

UNIT_TESTS("store/audit", untouched_chains_verify_up_to_their_last_signature,
           whatever_the_databases_owner_does_is_named, chain_that_was_written_anew_differs_from_what_was_signed,
           altered_heads_are_found_out, head_by_another_key_does_not_count,
           hub_whose_heads_are_not_given_is_said_to_be_unchecked,
           hub_whose_whole_chain_is_gone_is_unchecked_without_its_heads_and_found_out_with_them,
           another_tenants_heads_prove_and_tell_nothing,
           chain_goes_on_from_its_signed_closing_after_its_beginning_was_removed,
           person_who_is_erased_leaves_the_chain_provable, line_of_a_head_reads_back_and_nothing_else_does)
