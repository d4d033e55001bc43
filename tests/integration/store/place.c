#include "tests/integration/store/place.h"

#include "tests/unit/unit.h"

#include <stdlib.h>

Database *place_database(void) {
        const char *conninfo = getenv("AIOX_DATABASE"), *owner = getenv("AIOX_DATABASE_OWNER");
        ck_assert_msg(conninfo && owner, "run this by tests/lab/with-postgres");
        return database_new(&(DatabaseSettings){ .conninfo = conninfo, .owner_conninfo = owner, .application = "test",
                                                 .patience_us = 20 * 1000000 });
}

static PGconn *owner_session(void) {
        static PGconn *session;
        if (!session || PQstatus(session) != CONNECTION_OK) {
                PQfinish(session);
                session = PQconnectdb(getenv("AIOX_DATABASE_OWNER"));
        }
        ck_assert_msg(PQstatus(session) == CONNECTION_OK, "%s", PQerrorMessage(session));
        return session;
}

void place_execute(const char *sql) {
        PGresult *result = PQexec(owner_session(), sql);
        ExecStatusType status = PQresultStatus(result);
        ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", sql,
                      PQresultErrorMessage(result));
        PQclear(result);
}

const char *place_ask(const char *sql) {
        static char *answer;
        PGresult *result = PQexec(owner_session(), sql);
        ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", sql, PQresultErrorMessage(result));
        free(answer);
        answer = memory_string(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
        PQclear(result);
        return answer;
}

void place_empty(void) {
        place_execute("SET client_min_messages = warning; DO $$ DECLARE drop_it text; BEGIN "
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
        ck_assert_done(schema_migrate(database, 0, NULL, NULL, &failure), failure);
}
