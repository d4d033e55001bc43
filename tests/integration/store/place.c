#include "tests/integration/store/place.h"

#include "base/clock.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Not libcheck's, so that benches may use a place too: ends the process, which fails its test. */
static void require(bool good, const char *format, ...) _printf_(2, 3);
static void require(bool good, const char *format, ...) {
        va_list arguments;
        if (good)
                return;
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
        abort();
}

Database *place_database(void) {
        const char *conninfo = getenv("AIOX_DATABASE"), *owner = getenv("AIOX_DATABASE_OWNER");
        require(conninfo && owner, "run this by tests/lab/with-postgres");
        return database_new(&(DatabaseSettings){
                .conninfo = conninfo, .owner_conninfo = owner, .application = "test", .patience_us = 20 * 1000000 });
}

static PGconn *owner_session(void) {
        static PGconn *session;
        if (!session || PQstatus(session) != CONNECTION_OK) {
                PQfinish(session);
                session = PQconnectdb(getenv("AIOX_DATABASE_OWNER"));
        }
        require(PQstatus(session) == CONNECTION_OK, "%s", PQerrorMessage(session));
        return session;
}

void place_execute(const char *sql) {
        PGresult *result = PQexec(owner_session(), sql);
        ExecStatusType status = PQresultStatus(result);
        require(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", sql, PQresultErrorMessage(result));
        PQclear(result);
}

const char *place_ask(const char *sql) {
        static char *answer;
        PGresult *result = PQexec(owner_session(), sql);
        require(PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", sql, PQresultErrorMessage(result));
        free(answer);
        answer = memory_string(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
        PQclear(result);
        return answer;
}

void place_empty(void) {
        place_execute(
                "SET client_min_messages = warning; DO $$ DECLARE drop_it text; BEGIN "
                "FOR drop_it IN SELECT format('DROP VIEW IF EXISTS %I CASCADE', relname) FROM pg_class c "
                "  WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' "
                "UNION ALL SELECT format('DROP TABLE IF EXISTS %I CASCADE', relname) FROM pg_class c "
                "  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition "
                "UNION ALL SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p "
                "  WHERE pronamespace = 'public'::regnamespace AND proowner = current_user::regrole "
                "LOOP EXECUTE drop_it; END LOOP; END $$");
}

void place_fresh(Database *database) {
        Failure failure;
        place_empty();
        require(schema_migrate(database, 0, NULL, NULL, &failure), "%s", failure.text);
}

const char *place_ask_as(const char *role, const char *tenant, const char *sql) {
        static char *answer;
        char conninfo[600], setting[100];
        snprintf(conninfo, sizeof(conninfo), "%s user=%s", getenv("AIOX_DATABASE"), role);
        snprintf(setting, sizeof(setting), "SET aiox.tenant = '%s'", tenant ? tenant : "");
        PGconn *session = PQconnectdb(conninfo);
        require(PQstatus(session) == CONNECTION_OK, "%s", PQerrorMessage(session));
        PQclear(PQexec(session, setting));
        PGresult *result = PQexec(session, sql);
        free(answer);
        /* A refusal is an answer too. */
        answer = memory_string(PQresultStatus(result) != PGRES_TUPLES_OK ? PQresultErrorField(result, PG_DIAG_SQLSTATE)
                               : PQntuples(result) > 0                   ? PQgetvalue(result, 0, 0)
                                                                         : "");
        PQclear(result);
        PQfinish(session);
        return answer;
}

void place_clean(Database *database) {
        Failure failure;
        if (!schema_check(database, true, &failure)) {
                place_fresh(database);
                return;
        }
        /* Only what holds anything: emptying hundreds of empty parts takes seconds. */
        place_execute("SET client_min_messages = warning; DO $$ DECLARE tables text; BEGIN "
                      "SELECT string_agg(relname, ', ') INTO tables FROM pg_class c "
                      "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'migrations' "
                      "AND pg_relation_size(c.oid) > 0; "
                      "IF tables IS NOT NULL THEN EXECUTE 'TRUNCATE ' || tables || ' CASCADE'; END IF; END $$; "
                      "SET aiox.tenant = 'a10c0000-0000-4000-8000-000000000000'; "
                      "INSERT INTO tenants (id, slug, name) VALUES (current_tenant(), 'installation', 'Test')");
}

Journal *place_journal(Keyring *keyring) {
        return journal_new(&(JournalSettings){ .conninfo = getenv("AIOX_DATABASE"), .patience_us = 10 * SECONDS },
                           keyring);
}

StoreReport *place_await(Journal *journal) {
        int64_t deadline = clock_now().monotonic_us + 20 * SECONDS;
        for (;;) {
                Moment now = clock_now();
                StoreReport *report = journal_ready(journal, now);
                if (report)
                        return report;
                require(now.monotonic_us < deadline, "no report in 20 s");
                int64_t wake = journal_wake(journal) < deadline ? journal_wake(journal) : deadline;
                struct pollfd watched = { .fd = journal_descriptor(journal),
                                          .events = (short) (journal_wants_write(journal) ? POLLIN | POLLOUT
                                                                                          : POLLIN) };
                int64_t left = (wake - clock_now().monotonic_us) / MILLISECONDS + 1;
                poll(&watched, watched.fd >= 0, left > 0 ? (int) left : 0);
        }
}

StoreReport *place_request(Journal *journal, const StoreRequest *request) {
        journal_send(journal, request, clock_now());
        return place_await(journal);
}

Uuid place_tenant(Database *database, Keyring *keyring, const char *slug) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        static UuidGenerator generator;
        Uuid id = uuid_make(&generator, clock_now().wall_us);
        Failure failure;
        require(transaction_begin(database, DATABASE_TENANT, id, &transaction, &failure) &&
                        transaction_run(
                                transaction, QUERY_TENANT_ADD,
                                VALUES(value_uuid(id), value_string(slug), value_string("Test"), value_string("free")),
                                NULL, &failure) &&
                        keyring_make(keyring, transaction, id, &failure) && transaction_commit(transaction, &failure),
                "%s", failure.text);
        return id;
}
