#include "tests/integration/store/isolation.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS 40
#define OID_DATE   1082

/* What parameters of a type are given, choice by choice; NULL is null, "$" stands for the filled tenant's id. From
 * BY_TURNS on, texts change from parameter to parameter: a name to look for may stand beside a cursor to begin from, or
 * a filter that is not wanted. */
#define CHOICES  9
#define BY_TURNS 5
#define EARLY    "2000-01-01"
#define LATE     "2100-01-01"
static const struct {
        Oid type;
        const char *values[CHOICES];
} offered[] = {
        { OID_UUID, { "$", "$", "$", NULL, "$", "$", "$", "$", "$" } },
        { OID_BOOLEAN, { "t", "f", "t", NULL, "f", "t", "t", "t", "t" } },
        { OID_SMALLINT, { "1", "1", "1", NULL, "1", "1", "1", "1", "1" } },
        { OID_INTEGER, { "1", "50", "50", NULL, "1", "50", "50", "50", "50" } },
        { OID_BIGINT, { "1", "50", "50", NULL, "1", "50", "50", "50", "50" } },
        { OID_XID8, { "0", "0", "0", NULL, "0", "0", "0", "0", "0" } },
        { OID_REAL, { "0.5", "0.5", "0", NULL, "1", "0.5", "0.5", "0.5", "0.5" } },
        { OID_DOUBLE, { "0.5", "0.5", "0", NULL, "1", "0.5", "0.5", "0.5", "0.5" } },
        { OID_TIMESTAMPTZ, { EARLY, LATE, EARLY, NULL, LATE, EARLY, LATE, EARLY, LATE } },
        { OID_DATE, { EARLY, LATE, EARLY, NULL, LATE, EARLY, LATE, EARLY, LATE } },
        { OID_BYTEA,
          { FILLED_WORD, "", "8 bytes.", NULL, "thirty-two bytes, as a hash has.", FILLED_WORD, FILLED_WORD,
            FILLED_WORD, FILLED_WORD } },
        { OID_JSONB, { "{}", "[]", "{}", NULL, "{}", "{}", "{}", "{}", "{}" } },
        { OID_TEXT, { FILLED_WORD, "", "0", NULL, "$", FILLED_WORD, "", "", NULL } },
};

static const char *value_of(Oid type, int choice, int parameter, char room[static 80]) {
        bool is_list = false;
        for (size_t i = 0; i < COUNT_OF(offered); i++)
                if (offered[i].type == type) {
                        if (type == OID_TEXT && choice >= BY_TURNS)
                                choice = BY_TURNS + (choice - BY_TURNS) / 2 * 2 + (choice - BY_TURNS + parameter) % 2;
                        const char *value = offered[i].values[choice];
                        return value && value[0] == '$' ? FILLED_TENANT : value;
                }
        static const struct {
                Oid list, item;
        } lists[] = {
                { OID_TEXT_ARRAY, OID_TEXT }, { OID_UUID_ARRAY, OID_UUID }, { 1005, OID_SMALLINT },
                { 1007, OID_INTEGER },        { 1016, OID_BIGINT },         { 1185, OID_TIMESTAMPTZ },
                { 1001, OID_BYTEA },          { 1000, OID_BOOLEAN },        { 1182, OID_DATE },
        };
        for (size_t i = 0; i < COUNT_OF(lists); i++)
                if (lists[i].list == type) {
                        const char *item = value_of(lists[i].item, choice, parameter, room);
                        char copy[60];
                        snprintf(copy, sizeof(copy), "%s", item ? item : "");
                        snprintf(room, 80, item ? "{\"%s\"}" : "{}", copy);
                        is_list = true;
                }
        ck_assert_msg(is_list, "a query has a parameter of type %u, for which the walk has no value", type);
        return room;
}

PGconn *isolation_session(const char *role) {
        char conninfo[600];
        if (strcmp(role, "owner") == 0)
                snprintf(conninfo, sizeof(conninfo), "%s", getenv("AIOX_DATABASE_OWNER"));
        else
                snprintf(conninfo, sizeof(conninfo), "%s user=aiox_%s", getenv("AIOX_DATABASE"), role);
        PGconn *session = PQconnectdb(conninfo);
        ck_assert_msg(PQstatus(session) == CONNECTION_OK, "%s", PQerrorMessage(session));
        connect_quietly(session);
        PQclear(PQexec(session, "SET client_min_messages = error; SET lock_timeout = '5s'"));
        return session;
}

/* Types of the parameters; the statement is prepared once a session. */
static int prepare(PGconn *session, int query, Oid ret_types[static PARAMETERS]) {
        char name[20];
        snprintf(name, sizeof(name), "q%d", query);
        PGresult *described = PQdescribePrepared(session, name);
        if (PQresultStatus(described) != PGRES_COMMAND_OK) {
                PQclear(described);
                PGresult *prepared = PQprepare(session, name, query_texts[query].sql, 0, NULL);
                ck_assert_msg(PQresultStatus(prepared) == PGRES_COMMAND_OK, "%s: %s", query_texts[query].name,
                              PQresultErrorMessage(prepared));
                PQclear(prepared);
                described = PQdescribePrepared(session, name);
        }
        int count = PQnparams(described);
        ck_assert_int_le(count, PARAMETERS);
        for (int i = 0; i < count; i++)
                ret_types[i] = PQparamtype(described, i);
        PQclear(described);
        return count;
}

static void note(QueryOutcome *outcome, PGresult *result) {
        ExecStatusType status = PQresultStatus(result);
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
                outcome->ran = true;
                outcome->touched = outcome->touched || atol(PQcmdTuples(result)) > 0;
        } else {
                const char *message = PQresultErrorMessage(result);
                bool must_be_first = state && strcmp(state, "25001") == 0; /* of its transaction; reads nothing */
                outcome->ran = outcome->ran || must_be_first || strstr(message, "row-level security");
                outcome->touched = outcome->touched || (state && strcmp(state, "23505") == 0);
                snprintf(outcome->error, sizeof(outcome->error), "%s", message);
        }
        text_add_format(&outcome->text, "[%s %s", state ? state : PQcmdStatus(result), PQcmdTuples(result));
        for (int row = 0; row < PQntuples(result); row++)
                for (int column = 0; column < PQnfields(result); column++)
                        text_add_format(&outcome->text, "|%s",
                                        PQgetisnull(result, row, column) ? "NULL" : PQgetvalue(result, row, column));
        text_add_char(&outcome->text, ']');
}

QueryOutcome isolation_run(PGconn *session, int query, const char *tenant) {
        QueryOutcome outcome = { .text = text_builder(0) };
        char name[20], setting[120];
        Oid types[PARAMETERS];
        int count = prepare(session, query, types);
        snprintf(name, sizeof(name), "q%d", query);
        snprintf(setting, sizeof(setting), "BEGIN; SELECT set_config('aiox.tenant', '%s', true)", tenant ? tenant : "");
        for (int choice = 0; choice < (count > 0 ? CHOICES : 1); choice++) {
                char rooms[PARAMETERS][80];
                const char *values[PARAMETERS];
                for (int i = 0; i < count; i++)
                        values[i] = value_of(types[i], choice, i, rooms[i]);
                PQclear(PQexec(session, setting));
                PGresult *result = PQexecPrepared(session, name, count, values, NULL, NULL, 0);
                note(&outcome, result);
                PQclear(result);
                PQclear(PQexec(session, "ROLLBACK"));
        }
        return outcome;
}
