/* What only the journal on PostgreSQL has: the audit, persons, roles, a server that dies. */
#include "base/clock.h"
#include "base/map.h"
#include "store/erase.h"
#include "store/verify.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>

/* Lives until the test's process ends. */
typedef struct Fixture {
        Database *database;
        Keyring *keyring;
        Journal *journal;
        StoreRequest request;
        UuidGenerator generator;
        int64_t sequence;
} Fixture;

static Uuid new_id(Fixture *fixture) {
        return uuid_make(&fixture->generator, clock_now().wall_us);
}

/* Reports live until the test's process ends too. */
static StoreReport *keep(StoreReport *report) {
        static Arena **kept;
        static size_t count;
        kept = memory_resize(kept, sizeof(Arena *) * (count + 1));
        kept[count++] = report->arena;
        return report;
}

static StoreReport *ask(Fixture *fixture, StoreRequestKind kind) {
        fixture->request.kind = kind;
        fixture->request.number++;
        return keep(place_request(fixture->journal, &fixture->request));
}

static StoreReport *start(Fixture *fixture) {
        StoreReport *report = ask(fixture, STORE_START);
        ck_assert_msg(report->result == STORE_DONE, "%s", report->failure.text);
        fixture->request.epoch = report->epoch;
        fixture->sequence = report->epoch << 40;
        return report;
}

static Fixture *fixture_of(Journal *(*make)(Keyring *keyring)) {
        static Fixture *fixture;
        Failure failure;
        fixture = memory_new(sizeof(Fixture));
        fixture->database = place_database();
        place_clean(fixture->database);
        ck_assert_done(keyring_open(fixture->database, getenv("AIOX_MASTER_KEY_FILE"), &fixture->keyring, &failure),
                       failure);
        fixture->journal = make(fixture->keyring);
        fixture->request.hub = TEXT("hub1");
        fixture->request.domains = TEXT("agents.example");
        fixture->request.process = new_id(fixture);
        return fixture;
}

static Fixture *new_fixture(void) {
        Fixture *fixture = fixture_of(place_journal);
        start(fixture);
        return fixture;
}

static AcceptedRecord message(Fixture *fixture, Uuid tenant_id) {
        return (AcceptedRecord){
                .id = new_id(fixture),
                .tenant_id = tenant_id,
                .agent_id = new_id(fixture),
                .sequence = ++fixture->sequence,
                .sender = TEXT("ana@example.org"),
                .body = TEXT("a secret"),
                .accepted_us = clock_now().wall_us,
                .reply_to = { .agent = TEXT("guide@agents.example"), .address = TEXT("ana@example.org/phone") },
        };
}

static ConcludedRecord conclusion(Fixture *fixture, Uuid tenant_id, Uuid id) {
        return (ConcludedRecord){ .id = id,
                                  .tenant_id = tenant_id,
                                  .agent_id = new_id(fixture),
                                  .sequence = ++fixture->sequence,
                                  .outcome = OUTCOME_SUCCESS,
                                  .answer = TEXT("an answer"),
                                  .sender = TEXT("ana@example.org"),
                                  .concluded_us = clock_now().wall_us };
}

static AuditRecord fact(Uuid tenant_id) {
        return (AuditRecord){ .tenant_id = tenant_id,
                              .type = TEXT("message.refused"),
                              .severity = TEXT("warning"),
                              .person = TEXT("bob@example.org"),
                              .facts = TEXT("{\"count\":1}"),
                              .at_us = clock_now().wall_us };
}

static StoreReport *commit(Fixture *fixture, JournalBatch batch) {
        fixture->request.batch = batch;
        StoreReport *report = ask(fixture, STORE_COMMIT);
        ck_assert_msg(report->result == STORE_DONE, "%s", report->failure.text);
        return report;
}

/* As the core does it: the same request until it is known what became of it. */
static StoreReport *commit_surely(Fixture *fixture, JournalBatch batch) {
        StoreReport *report;
        fixture->request.batch = batch;
        for (int tries = 0; (report = ask(fixture, STORE_COMMIT))->result == STORE_UNAVAILABLE; tries++)
                ck_assert_int_lt(tries, 200);
        ck_assert_msg(report->result == STORE_DONE, "%s", report->failure.text);
        return report;
}

static AuditVerdict verify(Fixture *fixture, Uuid tenant_id) {
        static Arena *arena; /* of the verdict; until the next */
        AuditVerdict verdict;
        Failure failure;
        if (arena)
                arena_free(arena);
        arena = arena_new(0);
        ck_assert_done(audit_verify(fixture->database, tenant_id, &(AuditProof){ 0 }, arena, &verdict, &failure),
                       failure);
        return verdict;
}

static const char *ask_tenant(Uuid tenant_id, const char *sql) {
        char tenant[UUID_STRING_SIZE];
        uuid_format(tenant_id, tenant);
        return place_ask_as("aiox_tenant", tenant, sql);
}

START_TEST(body_is_sealed_and_its_tenant_alone_opens_it) {
        Fixture *fixture = new_fixture();
        Uuid tenant_id = place_tenant(fixture->database, fixture->keyring, "acme");
        AcceptedRecord record = message(fixture, tenant_id);
        Failure failure;
        const Rows *rows;
        Text body;
        commit(fixture, (JournalBatch){ .accepted = &record, .accepted_count = 1 });
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        ck_assert_done(transaction_begin(fixture->database, DATABASE_TENANT, tenant_id, &transaction, &failure),
                       failure);
        ck_assert_done(transaction_run(transaction, QUERY_TURN_BODY, VALUES(value_uuid(record.id)), &rows, &failure),
                       failure);
        ck_assert_uint_eq(rows_count(rows), 1);
        ck_assert_done(keyring_unseal(fixture->keyring, tenant_id, (int) rows_integer(rows, 0, 1),
                                      (SealPlace){ "accepted", "body", MAP_KEY(record.id) }, rows_text(rows, 0, 0),
                                      arena, &body, &failure),
                       failure);
        ck_assert_text(body, TEXT("a secret"));
        ck_assert_str_eq(place_ask_as("aiox_journal", NULL, "SELECT body FROM accepted"), "42501");
        ck_assert_str_eq(place_ask_as("aiox_platform", NULL, "SELECT id FROM accepted"), "42501");
        ck_assert_str_eq(ask_tenant(tenant_id, "SELECT count(*) FROM accepted"), "1");
        ck_assert_str_eq(ask_tenant(tenant_id, "SELECT count(*) FROM executions"), "1");
        ck_assert_str_eq(ask_tenant(installation_tenant_id, "SELECT count(*) FROM accepted"), "0");
        ck_assert_str_eq(ask_tenant(installation_tenant_id, "SELECT count(*) FROM executions"), "0");
        ck_assert_str_eq(place_ask_as("aiox_tenant", NULL, "SELECT count(*) FROM accepted"), "0");
        ck_assert_str_eq(ask_tenant(tenant_id, "SELECT bool_or(position('a secret'::bytea IN body) > 0) FROM accepted"),
                         "f");
}
END_TEST

START_TEST(row_of_a_tenant_without_key_is_refused_alone) {
        Fixture *fixture = new_fixture();
        AcceptedRecord records[] = { message(fixture, installation_tenant_id), message(fixture, new_id(fixture)) };
        StoreReport *report = commit(fixture, (JournalBatch){ .accepted = records, .accepted_count = 2 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->accepted[1].fate, ROW_REFUSED);
}
END_TEST

START_TEST(person_has_one_row_per_tenant) {
        Fixture *fixture = new_fixture();
        Uuid tenant_id = place_tenant(fixture->database, fixture->keyring, "acme");
        for (int i = 0; i < 3; i++) {
                AcceptedRecord records[] = { message(fixture, installation_tenant_id), message(fixture, tenant_id),
                                             message(fixture, tenant_id) };
                commit(fixture, (JournalBatch){ .accepted = records, .accepted_count = 3 });
                start(fixture);
        }
        ck_assert_str_eq(place_ask_as("aiox_journal", NULL, "SELECT count(*) FROM persons"), "2");
        ck_assert_str_eq(place_ask_as("aiox_journal", NULL, "SELECT count(DISTINCT id) FROM persons"), "2");
}
END_TEST

/* The name that the tenant's key opens, of the one person there. */
static Text named(Fixture *fixture, Uuid tenant_id, Arena *arena, Uuid *ret_person_id) {
        Failure failure;
        Text jid;
        ck_assert_done(keyring_person(fixture->keyring, tenant_id, TEXT("ana@example.org"), ret_person_id, &failure),
                       failure);
        const char *sealed = ask_tenant(tenant_id, "SELECT encode(jid, 'hex') FROM persons");
        if (sealed[0] == '\0')
                return TEXT_NONE;
        char *bytes = arena_take(arena, strlen(sealed) / 2);
        for (size_t i = 0; i < strlen(sealed) / 2; i++) {
                unsigned byte;
                ck_assert_int_eq(sscanf(sealed + 2 * i, "%2x", &byte), 1);
                bytes[i] = (char) byte;
        }
        ck_assert_done(keyring_unseal(fixture->keyring, tenant_id, 1,
                                      (SealPlace){ "persons", "jid", MAP_KEY(*ret_person_id) },
                                      (Text){ bytes, strlen(sealed) / 2 }, arena, &jid, &failure),
                       failure);
        return jid;
}

START_TEST(who_comes_back_after_an_erasure_is_named_again_once_the_hub_has_heard_of_it) {
        Fixture *fixture = new_fixture();
        Uuid tenant_id = place_tenant(fixture->database, fixture->keyring, "acme"), person_id;
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Failure failure;
        size_t messages;
        for (int i = 0; i < 3; i++) {
                AcceptedRecord record = message(fixture, tenant_id);
                commit(fixture, (JournalBatch){ .accepted = &record, .accepted_count = 1 });
                ck_assert_text(named(fixture, tenant_id, arena, &person_id), record.sender);
                Erasure erasure = { .tenant_id = tenant_id, .person_id = person_id, .up_to = new_id(fixture) };
                ck_assert_done(erase_person(fixture->database, &erasure, &messages, &failure), failure);
                ck_assert_uint_eq(messages, 1);
                ck_assert_text(named(fixture, tenant_id, arena, &person_id), TEXT_NONE);
                ck_assert_str_eq(place_ask_as("aiox_directory", NULL,
                                              "SELECT count(*) FROM persons WHERE erased_at IS NOT NULL AND changed "
                                              "IS NOT NULL"),
                                 "1");
                journal_forget_person(fixture->journal, person_id);
                /* What is still about the time before names nobody. */
                ConcludedRecord concluded = conclusion(fixture, tenant_id, record.id);
                AuditRecord audit = fact(tenant_id);
                audit.person = record.sender;
                commit(fixture,
                       (JournalBatch){
                               .concluded = &concluded, .concluded_count = 1, .audit = &audit, .audit_count = 1 });
                ck_assert_text(named(fixture, tenant_id, arena, &person_id), TEXT_NONE);
        }
}
END_TEST

START_TEST(audit_chains_verify_and_show_what_was_altered) {
        Fixture *fixture = new_fixture();
        Uuid tenant_id = place_tenant(fixture->database, fixture->keyring, "acme");
        for (int i = 0; i < 4; i++) {
                AcceptedRecord records[] = { message(fixture, tenant_id), message(fixture, installation_tenant_id) };
                commit(fixture, (JournalBatch){ .accepted = records, .accepted_count = 2 });
                ConcludedRecord ends[] = { conclusion(fixture, tenant_id, records[0].id),
                                           conclusion(fixture, installation_tenant_id, records[1].id) };
                AuditRecord facts[] = { fact(tenant_id), fact(tenant_id) };
                commit(fixture,
                       (JournalBatch){ .concluded = ends, .concluded_count = 2, .audit = facts, .audit_count = 2 });
                if (i == 1)
                        start(fixture); /* the chain goes on */
        }
        AuditVerdict verdict = verify(fixture, tenant_id);
        ck_assert_int_eq(verdict.rows, 12);
        ck_assert_uint_eq(verdict.chain_count, 1);
        ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
        ck_assert_int_eq(verify(fixture, installation_tenant_id).rows, 4);
        static const char *const tamperings[] = {
                "UPDATE audit SET facts = '{}' WHERE position = 5",
                "UPDATE audit SET at = at + interval '1 microsecond' WHERE position = 5",
                "UPDATE audit SET person_id = NULL WHERE position = 5",
                "DELETE FROM audit WHERE position = 5",
                ("UPDATE audit SET position = 99 WHERE position = 5; UPDATE audit SET position = 5 WHERE position = 6; "
                 "UPDATE audit SET position = 6 WHERE position = 99"),
        };
        for (size_t i = 0; i < COUNT_OF(tamperings); i++) {
                char sql[400], tenant[UUID_STRING_SIZE];
                uuid_format(tenant_id, tenant);
                /* The owner is bound by row security like everybody, and may act for a tenant. */
                snprintf(sql, sizeof(sql),
                         "CREATE TABLE kept AS TABLE audit WITH NO DATA; SET aiox.tenant = '%s'; "
                         "INSERT INTO kept SELECT * FROM audit; %s",
                         tenant, tamperings[i]);
                place_execute(sql);
                verdict = verify(fixture, tenant_id);
                ck_assert_msg(verdict.breach == AUDIT_ALTERED && verdict.position == 5 &&
                                      strcmp(verdict.hub, "hub1") == 0,
                              "%s: position %d", tamperings[i], (int) verdict.position);
                place_execute("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept");
                ck_assert_int_eq(verify(fixture, tenant_id).breach, AUDIT_INTACT);
        }
}
END_TEST

START_TEST(more_tenants_than_chains_are_read_at_once_share_a_batch) {
        enum { TENANTS = 70 };
        Fixture *fixture = new_fixture();
        AuditRecord facts[TENANTS];
        for (int i = 0; i < TENANTS; i++) {
                char slug[20];
                snprintf(slug, sizeof(slug), "tenant-%d", i);
                facts[i] = fact(place_tenant(fixture->database, fixture->keyring, slug));
        }
        for (int i = 0; i < 2; i++)
                commit(fixture, (JournalBatch){ .audit = facts, .audit_count = TENANTS });
        for (int i = 0; i < TENANTS; i++) {
                AuditVerdict verdict = verify(fixture, facts[i].tenant_id);
                ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
                ck_assert_int_eq(verdict.rows, 2);
        }
}
END_TEST

static void log_operation(Fixture *fixture, Uuid tenant_id, const char *key) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Hash digest = crypto_sha256(text_of(key));
        Failure failure;
        ck_assert_done(transaction_begin(fixture->database, DATABASE_TENANT, tenant_id, &transaction, &failure),
                       failure);
        ck_assert_done(
                transaction_run(transaction, QUERY_OPERATION_LOG_ADD,
                                VALUES(value_uuid(new_id(fixture)), value_string(key), value_bytes(MAP_KEY(digest)),
                                       value_string("agent-pause"), value_string("rest"), value_null(), value_null(),
                                       value_string("info"), value_string("success"), value_string("{\"a\":1}"),
                                       value_null(), value_integer(0), value_string("hub1")),
                                NULL, &failure),
                failure);
        ck_assert_done(transaction_commit(transaction, &failure), failure);
}

START_TEST(operations_are_chained_by_the_next_heartbeat) {
        Fixture *fixture = new_fixture();
        Uuid tenant_id = place_tenant(fixture->database, fixture->keyring, "acme");
        AuditRecord record = fact(tenant_id);
        log_operation(fixture, tenant_id, "one");
        log_operation(fixture, installation_tenant_id, "two");
        ck_assert_int_eq(ask(fixture, STORE_BEAT)->result, STORE_DONE);
        commit(fixture, (JournalBatch){ .audit = &record, .audit_count = 1 });
        log_operation(fixture, tenant_id, "three");
        start(fixture);
        ck_assert_int_eq(ask(fixture, STORE_BEAT)->result, STORE_DONE);
        ck_assert_int_eq(ask(fixture, STORE_BEAT)->result, STORE_DONE);
        AuditVerdict verdict = verify(fixture, tenant_id);
        ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
        ck_assert_int_eq(verdict.rows, 3);
        ck_assert_int_eq(verify(fixture, installation_tenant_id).rows, 1);
        ck_assert_str_eq(ask_tenant(tenant_id, "SELECT string_agg(type, ' ' ORDER BY position) FROM audit"),
                         "operation.agent-pause message.refused operation.agent-pause");
        ck_assert_str_eq(ask_tenant(tenant_id, "SELECT bool_and(chained) FROM operation_log"), "t");
}
END_TEST

static void end_session(void) {
        place_ask_as("aiox_journal", NULL,
                     "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                     "WHERE application_name = 'aiox journal'");
}

START_TEST(lost_audit_is_not_written_twice) {
        Fixture *fixture = new_fixture();
        AuditRecord records[] = { fact(installation_tenant_id), fact(installation_tenant_id) };
        commit(fixture, (JournalBatch){ .audit = records, .audit_count = 1 });
        for (int i = 0; i < 20; i++) {
                records[0].at_us += 1;
                fixture->request.batch = (JournalBatch){ .audit = records, .audit_count = 2 };
                fixture->request.kind = STORE_COMMIT;
                journal_send(fixture->journal, &fixture->request, clock_now());
                /* It may have noticed already that the session before was ended. */
                StoreReport *report = journal_ready(fixture->journal, clock_now());
                end_session();
                if (keep(report ? report : place_await(fixture->journal))->result != STORE_DONE)
                        commit_surely(fixture, fixture->request.batch);
        }
        AuditVerdict verdict = verify(fixture, installation_tenant_id);
        ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
        ck_assert_int_eq(verdict.rows, 41);
}
END_TEST

/* A backend killed with SIGKILL makes the postmaster end all sessions and recover from the write-ahead log, as it does
 * after its own death. */
START_TEST(server_that_is_killed_loses_nothing_it_confirmed) {
        enum { BATCHES = 60, SIZE = 20 };
        Fixture *fixture = new_fixture();
        static AcceptedRecord accepted[BATCHES][SIZE];
        char *journal_pid = memory_string("");
        for (int i = 0; i < BATCHES; i++) {
                ConcludedRecord ends[SIZE];
                for (int k = 0; k < SIZE; k++) {
                        accepted[i][k] = message(fixture, installation_tenant_id);
                        if (i > 0)
                                ends[k] = conclusion(fixture, installation_tenant_id, accepted[i - 1][k].id);
                }
                JournalBatch batch = { .accepted = accepted[i],
                                       .accepted_count = SIZE,
                                       .concluded = ends,
                                       .concluded_count = i > 0 ? SIZE : 0 };
                fixture->request.batch = batch;
                fixture->request.kind = STORE_COMMIT;
                if (i % 10 == 5) {
                        free(journal_pid);
                        journal_pid = memory_string(
                                place_ask_as("aiox_journal", NULL,
                                             "SELECT pid FROM pg_stat_activity WHERE application_name = "
                                             "'aiox journal'"));
                        journal_send(fixture->journal, &fixture->request, clock_now());
                        StoreReport *early = journal_ready(fixture->journal, clock_now());
                        ck_assert_int_gt(atol(journal_pid), 1);
                        ck_assert_int_eq(kill((pid_t) atol(journal_pid), SIGKILL), 0);
                        keep(early ? early : place_await(fixture->journal));
                }
                StoreReport *report = commit_surely(fixture, batch);
                for (int k = 0; k < SIZE; k++) {
                        ck_assert_int_eq(report->accepted[k].fate, ROW_WRITTEN);
                        ck_assert(i == 0 || report->concluded[k] == ROW_WRITTEN);
                }
        }
        free(journal_pid);
        StoreReport *report;
        do
                report = ask(fixture, STORE_START);
        while (report->result == STORE_UNAVAILABLE);
        ck_assert_uint_eq(report->open_count, SIZE);
        for (int k = 0; k < SIZE; k++)
                ck_assert(uuid_equal(report->open[k].accepted.id, accepted[BATCHES - 1][k].id));
        AuditVerdict verdict = verify(fixture, installation_tenant_id);
        ck_assert_int_eq(verdict.breach, AUDIT_INTACT);
        ck_assert_int_eq(verdict.rows, (BATCHES - 1) * SIZE);
}
END_TEST

START_TEST(epoch_that_is_raised_ends_the_older_session) {
        Fixture *older = new_fixture();
        _cleanup_(journal_freep) Journal *newer = place_journal(older->keyring);
        StoreRequest request = { .kind = STORE_START,
                                 .number = 1,
                                 .hub = TEXT("hub1"),
                                 .domains = TEXT("agents.example"),
                                 .process = new_id(older) };
        ck_assert_int_eq(keep(place_request(newer, &request))->result, STORE_DONE);
        ck_assert_str_eq(place_ask_as("aiox_journal", NULL,
                                      "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'aiox journal'"),
                         "1");
}
END_TEST

START_TEST(read_only_server_is_full) {
        Fixture *fixture = new_fixture();
        AcceptedRecord record = message(fixture, installation_tenant_id);
        place_execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = off");
        place_execute("ALTER DATABASE aiox SET default_transaction_read_only = on");
        end_session();
        fixture->request.batch = (JournalBatch){ .accepted = &record, .accepted_count = 1 };
        StoreReport *report;
        do
                report = ask(fixture, STORE_COMMIT);
        while (report->result == STORE_UNAVAILABLE);
        place_execute("SET default_transaction_read_only = off");
        place_execute("ALTER DATABASE aiox RESET default_transaction_read_only");
        ck_assert_int_eq(report->result, STORE_FULL);
        end_session();
        report = commit_surely(fixture, fixture->request.batch);
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
}
END_TEST

START_TEST(day_without_a_part_is_full_and_loses_nothing) {
        Fixture *fixture = new_fixture();
        AcceptedRecord record = message(fixture, installation_tenant_id);
        record.id = uuid_lowest(clock_now().wall_us + 90 * INT64_C(86400) * SECONDS);
        fixture->request.batch = (JournalBatch){ .accepted = &record, .accepted_count = 1 };
        ck_assert_int_eq(ask(fixture, STORE_COMMIT)->result, STORE_FULL);
        place_execute("SELECT make_parts(current_date + 85, current_date + 95)");
        ck_assert_int_eq(commit(fixture, fixture->request.batch)->accepted[0].fate, ROW_WRITTEN);
        place_fresh(fixture->database);
}
END_TEST

START_TEST(yesterdays_key_is_a_repeat_and_older_ones_are_not) {
        Fixture *fixture = new_fixture();
        AcceptedRecord record = message(fixture, installation_tenant_id);
        record.key_count = 1;
        record.content = record.keys[0];
        place_execute("SELECT make_parts(current_date - 3, current_date - 2)");
        for (int days = 2; days >= 1; days--) {
                char sql[300];
                snprintf(sql, sizeof(sql),
                         "INSERT INTO idempotency VALUES ('00000000-0000-0000-0000-000000000000', "
                         "'00000000-0000-0000-0000-00000000000%d', 0, current_date - %d)",
                         days, days);
                place_execute(sql);
                record.id = new_id(fixture);
                record.keys[1] = (Hash){ { 0 } };
                StoreReport *report = commit(fixture, (JournalBatch){ .accepted = &record, .accepted_count = 1 });
                ck_assert_int_eq(report->accepted[0].fate, days == 2 ? ROW_WRITTEN : ROW_REPEAT);
                place_execute("TRUNCATE idempotency");
        }
        place_fresh(fixture->database);
}
END_TEST

static Journal *journal_of_nobody(Keyring *keyring) {
        return journal_new(&(JournalSettings){ .conninfo = "host=/nonexistent dbname=aiox" }, keyring);
}

START_TEST(server_that_cannot_be_reached_is_unavailable) {
        Fixture *fixture = fixture_of(journal_of_nobody);
        for (int i = 0; i < 3; i++) {
                StoreReport *report = ask(fixture, STORE_START);
                ck_assert_int_eq(report->result, STORE_UNAVAILABLE);
                ck_assert_int_eq(report->failure.kind, FAILURE_UNAVAILABLE);
                ck_assert(journal_is_idle(fixture->journal));
                ck_assert(!journal_is_connected(fixture->journal));
        }
}
END_TEST

START_TEST(server_that_makes_no_durable_commits_is_refused) {
        Fixture *fixture = fixture_of(place_journal);
        place_execute("ALTER DATABASE aiox SET synchronous_commit = off");
        StoreReport *report = ask(fixture, STORE_START);
        place_execute("ALTER DATABASE aiox RESET synchronous_commit");
        ck_assert_int_eq(report->result, STORE_UNAVAILABLE);
        ck_assert_int_eq(report->failure.kind, FAILURE_POLICY);
}
END_TEST

START_TEST(altered_row_keeps_nothing_else_from_being_read) {
        Fixture *fixture = new_fixture();
        AcceptedRecord records[] = { message(fixture, installation_tenant_id),
                                     message(fixture, installation_tenant_id) };
        char sql[300], id[UUID_STRING_SIZE];
        commit(fixture, (JournalBatch){ .accepted = records, .accepted_count = 2 });
        uuid_format(records[0].id, id);
        snprintf(sql, sizeof(sql),
                 "SET aiox.tenant = 'a10c0000-0000-4000-8000-000000000000'; "
                 "UPDATE accepted SET reply_to = set_byte(reply_to, 20, 255 - get_byte(reply_to, 20)) "
                 "WHERE id = '%s'",
                 id);
        place_execute(sql);
        StoreReport *report = start(fixture);
        ck_assert_uint_eq(report->open_count, 1);
        ck_assert(uuid_equal(report->open[0].accepted.id, records[1].id));
}
END_TEST

UNIT_TESTS("store/journal", body_is_sealed_and_its_tenant_alone_opens_it, row_of_a_tenant_without_key_is_refused_alone,
           person_has_one_row_per_tenant, who_comes_back_after_an_erasure_is_named_again_once_the_hub_has_heard_of_it,
           audit_chains_verify_and_show_what_was_altered, more_tenants_than_chains_are_read_at_once_share_a_batch,
           operations_are_chained_by_the_next_heartbeat, lost_audit_is_not_written_twice,
           server_that_is_killed_loses_nothing_it_confirmed, epoch_that_is_raised_ends_the_older_session,
           read_only_server_is_full, day_without_a_part_is_full_and_loses_nothing,
           yesterdays_key_is_a_repeat_and_older_ones_are_not, server_that_cannot_be_reached_is_unavailable,
           server_that_makes_no_durable_commits_is_refused, altered_row_keeps_nothing_else_from_being_read)
