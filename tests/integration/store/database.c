#include "store/database.h"

#include "base/clock.h"
#include "base/map.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static UuidGenerator generator;

static Transaction *begin(Database *database, DatabaseRole role, Uuid tenant_id) {
        Transaction *transaction;
        Failure failure;
        ck_assert_done(transaction_begin(database, role, tenant_id, &transaction, &failure), failure);
        return transaction;
}

static bool add_tenant(Transaction *transaction, Uuid id, const char *slug, Failure *failure) {
        return transaction_run(transaction, QUERY_TENANT_ADD,
                               VALUES(value_uuid(id), value_string(slug), value_string("Test"), value_string("free")),
                               NULL, failure);
}

START_TEST(transaction_sees_its_tenant_alone) {
        _cleanup_(database_freep) Database *database = place_database();
        Uuid ids[2], nobody = { { 0 } };
        Failure failure;
        place_clean(database);
        for (int i = 0; i < 2; i++) {
                ids[i] = uuid_make(&generator, clock_now().wall_us);
                _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, ids[i]);
                ck_assert_done(add_tenant(transaction, ids[i], i == 0 ? "one" : "two", &failure), failure);
                ck_assert_done(transaction_commit(transaction, &failure), failure);
        }
        const Uuid viewers[] = { ids[0], ids[1], nobody };
        for (int i = 0; i < 3; i++) {
                _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, viewers[i]);
                const Rows *rows;
                ck_assert_done(transaction_run(transaction, QUERY_TENANT_READ, NO_VALUES, &rows, &failure), failure);
                ck_assert_uint_eq(rows_count(rows), i < 2);
                if (i < 2)
                        ck_assert(uuid_equal(rows_uuid(rows, 0, 0), viewers[i]));
        }
}
END_TEST

/* What a pool hands on. */
START_TEST(connection_has_no_tenant_after_its_transaction) {
        _cleanup_(database_freep) Database *database = place_database();
        Uuid id = uuid_make(&generator, clock_now().wall_us);
        Connection *connection;
        Failure failure;
        place_clean(database);
        Transaction *transaction = begin(database, DATABASE_TENANT, id);
        ck_assert_done(add_tenant(transaction, id, "one", &failure), failure);
        ck_assert_done(transaction_commit(transaction, &failure), failure);
        transaction_end(transaction);
        ck_assert_done(database_connect(database, DATABASE_TENANT, &connection, &failure), failure);
        const Query ends[] = { QUERY_TRANSACTION_COMMIT, QUERY_TRANSACTION_ROLLBACK };
        for (size_t i = 0; i < COUNT_OF(ends); i++) {
                const Call within[] = { { QUERY_TRANSACTION_BEGIN, NO_VALUES },
                                        { QUERY_TRANSACTION_TENANT, VALUES(value_uuid(id)) },
                                        { QUERY_TENANT_READ, NO_VALUES } };
                const Call after[] = { { ends[i], NO_VALUES }, { QUERY_TENANT_READ, NO_VALUES } };
                _result_ *seen = NULL, *left = NULL;
                ck_assert_done(connection_exchange(connection, within, COUNT_OF(within), &seen, &failure), failure);
                ck_assert_int_eq(PQntuples(seen), 1);
                ck_assert_done(connection_exchange(connection, after, COUNT_OF(after), &left, &failure), failure);
                ck_assert_int_eq(PQntuples(left), 0);
        }
        connection_close(connection);
}
END_TEST

START_TEST(row_for_another_tenant_is_forbidden) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_clean(database);
        _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, installation_tenant_id);
        ck_assert(!add_tenant(transaction, uuid_make(&generator, clock_now().wall_us), "one", &failure));
        ck_assert_int_eq(failure.kind, FAILURE_FORBIDDEN);
}
END_TEST

START_TEST(transaction_that_fails_or_ends_early_leaves_nothing) {
        _cleanup_(database_freep) Database *database = place_database();
        Uuid id = uuid_make(&generator, clock_now().wall_us);
        Failure failure;
        place_clean(database);
        {
                _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, id);
                ck_assert_done(add_tenant(transaction, id, "one", &failure), failure);
        }
        {
                _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, id);
                ck_assert_done(add_tenant(transaction, id, "one", &failure), failure);
                ck_assert(!add_tenant(transaction, id, "two", &failure));
                ck_assert_int_eq(failure.kind, FAILURE_CONFLICT);
                ck_assert_str_eq(transaction_constraint(transaction), "tenants_pkey");
                ck_assert(!transaction_commit(transaction, &failure));
        }
        _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, id);
        const Rows *rows;
        ck_assert_done(transaction_run(transaction, QUERY_TENANT_READ, NO_VALUES, &rows, &failure), failure);
        ck_assert_uint_eq(rows_count(rows), 0);
}
END_TEST

START_TEST(bad_values_are_told_apart_from_bad_queries) {
        _cleanup_(database_freep) Database *database = place_database();
        Uuid id = uuid_make(&generator, clock_now().wall_us);
        static const struct {
                Value slug;
                FailureKind kind;
        } cases[] = {
                { { .type = VALUE_TEXT, .text = { "Not A Slug", 10 } }, FAILURE_INVALID },
                { { .type = VALUE_TEXT, .text = { "\xff", 1 } }, FAILURE_INVALID },
                { { .type = VALUE_TEXT, .text = { "a\0b", 3 } }, FAILURE_INVALID },
                { { .type = VALUE_NULL }, FAILURE_INVALID },
                { { .type = VALUE_INTEGER, .integer = 1 }, FAILURE_INTERNAL },
        };
        place_clean(database);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, id);
                Failure failure;
                ck_assert(!transaction_run(
                        transaction, QUERY_TENANT_ADD,
                        VALUES(value_uuid(id), cases[i].slug, value_string("Test"), value_string("free")), NULL,
                        &failure));
                ck_assert_int_eq(failure.kind, cases[i].kind);
        }
        _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, id);
        Failure failure;
        ck_assert(!transaction_run(transaction, QUERY_TENANT_ADD, NO_VALUES, NULL, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_INTERNAL);
}
END_TEST

START_TEST(idle_connections_that_died_are_replaced) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_clean(database);
        for (int i = 0; i < 3; i++) {
                _cleanup_(transaction_endp) Transaction *one = begin(database, DATABASE_TENANT, installation_tenant_id);
                _cleanup_(transaction_endp) Transaction *two = begin(database, DATABASE_TENANT, installation_tenant_id);
                ck_assert_done(transaction_run(one, QUERY_TENANT_READ, NO_VALUES, NULL, &failure), failure);
                ck_assert_done(transaction_run(two, QUERY_TENANT_READ, NO_VALUES, NULL, &failure), failure);
                transaction_end(one);
                transaction_end(two);
                one = two = NULL;
                place_ask_as("aiox_tenant", NULL,
                             "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                             "WHERE usename = 'aiox_tenant' AND pid <> pg_backend_pid()");
        }
}
END_TEST

START_TEST(connection_that_dies_in_a_transaction_is_unavailable) {
        _cleanup_(database_freep) Database *database = place_database();
        Failure failure;
        place_clean(database);
        _cleanup_(transaction_endp) Transaction *transaction = begin(database, DATABASE_TENANT, installation_tenant_id);
        ck_assert_done(transaction_run(transaction, QUERY_TENANT_READ, NO_VALUES, NULL, &failure), failure);
        place_ask_as("aiox_tenant", NULL,
                     "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                     "WHERE usename = 'aiox_tenant' AND pid <> pg_backend_pid()");
        ck_assert(!transaction_run(transaction, QUERY_TENANT_READ, NO_VALUES, NULL, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        ck_assert(!transaction_commit(transaction, &failure));
}
END_TEST

START_TEST(waiting_for_a_connection_ends) {
        _cleanup_(database_freep) Database *database = database_new(&(DatabaseSettings){
                .conninfo = getenv("AIOX_DATABASE"), .connections = 1, .patience_us = SECONDS / 5 });
        _cleanup_(transaction_endp) Transaction *held = begin(database, DATABASE_TENANT, installation_tenant_id);
        Transaction *refused;
        Failure failure;
        ck_assert(!transaction_begin(database, DATABASE_TENANT, installation_tenant_id, &refused, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        transaction_end(held);
        held = begin(database, DATABASE_TENANT, installation_tenant_id);
}
END_TEST

START_TEST(database_that_is_away_is_unavailable) {
        _cleanup_(database_freep)
                Database *database = database_new(&(DatabaseSettings){ .conninfo = "host=/nonexistent dbname=aiox" });
        Transaction *refused;
        Failure failure;
        for (int i = 0; i < 40; i++) {
                ck_assert(!transaction_begin(database, DATABASE_TENANT, installation_tenant_id, &refused, &failure));
                ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        }
}
END_TEST

static void *read_often(void *shared) {
        for (int i = 0; i < 50; i++) {
                _cleanup_(transaction_endp) Transaction *transaction = NULL;
                Failure failure;
                const Rows *rows;
                if (!transaction_begin(shared, DATABASE_TENANT, installation_tenant_id, &transaction, &failure) ||
                    !transaction_run(transaction, QUERY_TENANT_READ, NO_VALUES, &rows, &failure) ||
                    rows_count(rows) != 1)
                        return shared; /* not NULL */
        }
        return NULL;
}

START_TEST(threads_share_fewer_connections_than_they_are) {
        _cleanup_(database_freep) Database *database = database_new(
                &(DatabaseSettings){ .conninfo = getenv("AIOX_DATABASE"), .connections = 3 });
        _cleanup_(database_freep) Database *preparing = place_database();
        pthread_t threads[8];
        void *result;
        place_clean(preparing);
        for (size_t i = 0; i < COUNT_OF(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, read_often, database), 0);
        for (size_t i = 0; i < COUNT_OF(threads); i++) {
                pthread_join(threads[i], &result);
                ck_assert_ptr_null(result);
        }
}
END_TEST

/* What one reading of the directory shows: whether a tenant is in it, and where the next begins. */
typedef struct Reading {
        Uuid looked_for;
        bool found;
        char snapshot[24];
} Reading;

static bool read_row(void *reading_, const Rows *row, Failure *reterr_failure) {
        Reading *reading = reading_;
        (void) reterr_failure;
        if (rows_integer(row, 0, 0) == 10)
                snprintf(reading->snapshot, sizeof(reading->snapshot), "%s", rows_text(row, 0, 4).bytes);
        else
                reading->found |= uuid_equal(rows_uuid(row, 0, 2), reading->looked_for);
        return true;
}

static void read_directory(Database *database, const char *since, Reading *reading) {
        Failure failure;
        reading->found = false;
        ck_assert_done(database_stream(database, DATABASE_DIRECTORY, QUERY_DIRECTORY_ROWS, VALUES(value_string(since)),
                                       read_row, reading, &failure),
                       failure);
}

START_TEST(change_that_commits_late_is_in_the_next_reading) {
        _cleanup_(database_freep) Database *database = place_database();
        Uuid late = uuid_make(&generator, clock_now().wall_us), early = uuid_make(&generator, clock_now().wall_us);
        Reading reading = { .looked_for = late };
        char since[24] = "0";
        Failure failure;
        place_clean(database);
        _cleanup_(transaction_endp) Transaction *slow = begin(database, DATABASE_TENANT, late);
        ck_assert_done(add_tenant(slow, late, "late", &failure), failure);
        _cleanup_(transaction_endp) Transaction *quick = begin(database, DATABASE_TENANT, early);
        ck_assert_done(add_tenant(quick, early, "early", &failure), failure);
        ck_assert_done(transaction_commit(quick, &failure), failure);
        for (int i = 0; i < 2; i++) { /* from the beginning, then from a snapshot that the slow one outlives */
                read_directory(database, since, &reading);
                ck_assert(!reading.found);
                memcpy(since, reading.snapshot, sizeof(since));
        }
        ck_assert_done(transaction_commit(slow, &failure), failure);
        read_directory(database, since, &reading);
        ck_assert(reading.found);
        memcpy(since, reading.snapshot, sizeof(since));
        read_directory(database, since, &reading);
        ck_assert(!reading.found);
}
END_TEST

START_TEST(reading_in_one_round_trip_outlives_its_connection) {
        _cleanup_(database_freep) Database *database = place_database();
        Reading reading = { .looked_for = installation_tenant_id };
        place_clean(database);
        read_directory(database, "0", &reading);
        place_ask_as("aiox_directory", NULL,
                     "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                     "WHERE usename = 'aiox_directory' AND pid <> pg_backend_pid()");
        read_directory(database, "0", &reading);
        ck_assert(reading.found);
}
END_TEST

UNIT_TESTS("store/database", transaction_sees_its_tenant_alone, connection_has_no_tenant_after_its_transaction,
           row_for_another_tenant_is_forbidden, transaction_that_fails_or_ends_early_leaves_nothing,
           bad_values_are_told_apart_from_bad_queries, idle_connections_that_died_are_replaced,
           connection_that_dies_in_a_transaction_is_unavailable, waiting_for_a_connection_ends,
           database_that_is_away_is_unavailable, threads_share_fewer_connections_than_they_are,
           change_that_commits_late_is_in_the_next_reading, reading_in_one_round_trip_outlives_its_connection)
