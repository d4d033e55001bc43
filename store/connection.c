#include "store/connection.h"

#include "base/clock.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>

typedef struct Statement {
        bool prepared;
        size_t count;
        Oid *types;
} Statement;

struct Connection {
        PGconn *pg;
        int64_t patience_us;
        char constraint[64], state[6];
        Statement statements[QUERY_COUNT];
};

/* What the database says, as kinds of failure; the first prefix that fits. */
static const struct {
        const char *prefix;
        FailureKind kind;
} states[] = {
        { "23505", FAILURE_CONFLICT },    /* unique_violation */
        { "23503", FAILURE_CONFLICT },    /* foreign_key_violation */
        { "23", FAILURE_INVALID },        /* not null, check */
        { "22", FAILURE_INVALID },        /* a value out of its range, or no UTF-8 */
        { "42501", FAILURE_FORBIDDEN },   /* not granted, or against row security */
        { "57014", FAILURE_TIMED_OUT },   /* statement_timeout */
        { "55P03", FAILURE_TIMED_OUT },   /* lock_timeout */
        { "25006", FAILURE_UNAVAILABLE }, /* read-only */
        { "08", FAILURE_UNAVAILABLE },    /* connection */
        { "40", FAILURE_UNAVAILABLE },    /* serialization, deadlock */
        { "53", FAILURE_UNAVAILABLE },    /* disk full, too many connections, out of memory */
        { "57", FAILURE_UNAVAILABLE },    /* shutting down, starting up */
        { "58", FAILURE_UNAVAILABLE },    /* input or output error */
        { "", FAILURE_INTERNAL },
};

static FailureKind kind_of_state(const char *state) {
        for (size_t i = 0;; i++)
                if (strncmp(state, states[i].prefix, strlen(states[i].prefix)) == 0)
                        return states[i].kind;
}

bool failure_from_result(const PGresult *result, const char *about, Failure *ret_failure) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        const char *sentence = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        if (!sentence)
                sentence = PQresultStatus(result) == PGRES_PIPELINE_ABORTED ? "not run, because one before it failed"
                                                                            : PQresultErrorMessage(result);
        /* libpq makes a result without a state when the connection was lost. */
        return failure_set(ret_failure, state ? kind_of_state(state) : FAILURE_UNAVAILABLE, "%s: %s", about, sentence);
}

bool failure_from_connection(const PGconn *connection, const char *about, Failure *ret_failure) {
        Text sentence = text_trim(text_of(PQerrorMessage(connection)));
        return failure_set(ret_failure, FAILURE_UNAVAILABLE, "%s: %.*s", about, TEXT_ARGUMENTS(sentence));
}

void connect_parameters(const char *conninfo, const char *user, const char *application, const char *options,
                        const char **ret_keywords, const char **ret_values) {
        const char *pairs[][2] = {
                { "dbname", conninfo }, /* expanded, because it holds a '='; what follows goes before it */
                { "user", user },
                { "application_name", application ? application : "aiox" },
                { "options", options },
                { "client_encoding", "UTF8" },
                { "connect_timeout", "5" },
                { "tcp_user_timeout", "15000" },
                { "keepalives_idle", "10" },
                { "gssencmode", "disable" },
        };
        size_t count = 0;
        for (size_t i = 0; i < COUNT_OF(pairs); i++)
                if (pairs[i][1]) {
                        ret_keywords[count] = pairs[i][0];
                        ret_values[count++] = pairs[i][1];
                }
        ret_keywords[count] = ret_values[count] = NULL;
}

static void ignore_notice(void *nothing, const char *notice) {
        (void) nothing;
        (void) notice;
}

void connect_quietly(PGconn *connection) {
        PQsetNoticeProcessor(connection, ignore_notice, NULL);
}

bool connection_open(const char *conninfo, const char *user, const char *application, int64_t patience_us, bool limits,
                     Connection **ret_connection, Failure *reterr_failure) {
        _cleanup_(connection_closep) Connection *connection = memory_new(sizeof(Connection));
        char options[160];
        long long milliseconds = (long long) (patience_us / MILLISECONDS);
        snprintf(options, sizeof(options),
                 limits ? "-c timezone=UTC -c search_path=public -c statement_timeout=%lld "
                          "-c idle_in_transaction_session_timeout=%lld"
                        : "-c timezone=UTC -c search_path=public",
                 milliseconds, 2 * milliseconds);
        const char *keywords[CONNECT_PARAMETERS], *values[CONNECT_PARAMETERS];
        connect_parameters(conninfo, user, application, options, keywords, values);
        connection->patience_us = patience_us;
        connection->pg = PQconnectdbParams(keywords, values, 1);
        if (PQstatus(connection->pg) != CONNECTION_OK)
                return failure_from_connection(connection->pg, "cannot connect to the database", reterr_failure);
        if (PQserverVersion(connection->pg) < 150000)
                return failure_set(reterr_failure, FAILURE_UNSUPPORTED,
                                   "the database is PostgreSQL %d, and 15 is the oldest that will do",
                                   PQserverVersion(connection->pg) / 10000);
        connect_quietly(connection->pg);
        if (PQsetnonblocking(connection->pg, 1) != 0 || !PQenterPipelineMode(connection->pg))
                return failure_from_connection(connection->pg, "cannot begin a pipeline", reterr_failure);
        *ret_connection = connection;
        connection = NULL;
        return true;
}

void connection_close(Connection *connection) {
        for (size_t i = 0; i < QUERY_COUNT; i++)
                free(connection->statements[i].types);
        PQfinish(connection->pg);
        free(connection);
}

bool connection_is_lost(const Connection *connection) {
        return PQstatus(connection->pg) != CONNECTION_OK;
}

const char *connection_constraint(const Connection *connection) {
        return connection->constraint;
}

const char *connection_state(const Connection *connection) {
        return connection->state;
}

static bool lose(Connection *connection, const char *about, Failure *reterr_failure) {
        failure_from_connection(connection->pg, about, reterr_failure);
        /* The socket is closed, so that connection_is_lost() holds; nothing of it can be trusted any more. */
        PQfinish(connection->pg);
        connection->pg = NULL;
        return false;
}

/* Waits until libpq has a result to give, writing what is still to be written. */
static bool await(Connection *connection, Failure *reterr_failure) {
        int64_t deadline = clock_now().monotonic_us + connection->patience_us;
        for (;;) {
                int unsent = PQflush(connection->pg);
                if (unsent < 0)
                        return lose(connection, "the database went away", reterr_failure);
                if (!PQisBusy(connection->pg))
                        return true;
                int64_t left = deadline - clock_now().monotonic_us;
                struct pollfd watched = { .fd = PQsocket(connection->pg),
                                          .events = (short) (unsent ? POLLIN | POLLOUT : POLLIN) };
                if (left <= 0 || poll(&watched, 1, (int) (left / MILLISECONDS) + 1) == 0) {
                        PQfinish(connection->pg);
                        connection->pg = NULL;
                        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the database did not answer in %d s",
                                           (int) (connection->patience_us / SECONDS));
                }
                if (!PQconsumeInput(connection->pg))
                        return lose(connection, "the database went away", reterr_failure);
        }
}

static void note_error(Connection *connection, const PGresult *result) {
        const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
                return; /* the one before it said why */
        snprintf(connection->constraint, sizeof(connection->constraint), "%s", constraint ? constraint : "");
        snprintf(connection->state, sizeof(connection->state), "%s", state ? state : "");
}

static bool is_good(const PGresult *result) {
        ExecStatusType status = PQresultStatus(result);
        return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_SINGLE_TUPLE;
}

/* One result, or NULL at the end of a query's results. */
static bool take(Connection *connection, PGresult **ret_result, Failure *reterr_failure) {
        if (!await(connection, reterr_failure))
                return false;
        PGresult *result = PQgetResult(connection->pg);
        if (connection_is_lost(connection)) {
                PQclear(result);
                return lose(connection, "the database went away", reterr_failure);
        }
        *ret_result = result;
        return true;
}

static bool take_result(Connection *connection, PGresult **ret_result, Failure *reterr_failure) {
        PGresult *result, *end;
        if (!take(connection, &result, reterr_failure))
                return false;
        if (!take(connection, &end, reterr_failure)) {
                PQclear(result);
                return false;
        }
        PQclear(end);
        if (!is_good(result)) {
                note_error(connection, result);
                failure_from_result(result, "the database refuses", reterr_failure);
                PQclear(result);
                return false;
        }
        *ret_result = result;
        return true;
}

/* Takes what is left up to the end of the pipeline, whatever it is. */
static bool finish(Connection *connection, Failure *reterr_failure) {
        for (;;) {
                PGresult *result;
                if (!take(connection, &result, reterr_failure))
                        return false;
                bool end = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
                PQclear(result);
                if (end)
                        return true;
        }
}

static bool prepare(Connection *connection, Query query, Failure *reterr_failure) {
        const QueryText *text = &query_texts[query];
        PGresult *parsed = NULL, *described = NULL;
        if (!PQsendPrepare(connection->pg, text->name, text->sql, 0, NULL) ||
            !PQsendDescribePrepared(connection->pg, text->name) || !PQpipelineSync(connection->pg))
                return lose(connection, "cannot send to the database", reterr_failure);
        bool good = take_result(connection, &parsed, reterr_failure) &&
                    take_result(connection, &described, reterr_failure);
        if (good) {
                Statement *statement = &connection->statements[query];
                statement->count = (size_t) PQnparams(described);
                statement->types = memory_new(sizeof(Oid) * (statement->count + 1));
                for (size_t i = 0; i < statement->count; i++)
                        statement->types[i] = PQparamtype(described, (int) i);
                statement->prepared = true;
        }
        PQclear(parsed);
        PQclear(described);
        if (!connection_is_lost(connection) && !finish(connection, good ? reterr_failure : NULL))
                good = false;
        return good || failure_prefix(reterr_failure, "%s", text->name);
}

bool connection_prepare(Connection *connection, Query query, Failure *reterr_failure) {
        return connection->statements[query].prepared || prepare(connection, query, reterr_failure);
}

static bool send_call(Connection *connection, const Call *call, const Parameters *parameters, Failure *reterr_failure) {
        if (!PQsendQueryPrepared(connection->pg, query_texts[call->query].name, (int) call->count, parameters->values,
                                 parameters->lengths, parameters->formats, 1))
                return lose(connection, "cannot send to the database", reterr_failure);
        return true;
}

/* Values are converted before anything is sent, so that a bad one leaves nothing half said. */
static bool make_ready(Connection *connection, const Call *call, Parameters *ret_parameters, Failure *reterr_failure) {
        Statement *statement = &connection->statements[call->query];
        const char *name = query_texts[call->query].name;
        if (!connection_prepare(connection, call->query, reterr_failure))
                return false;
        if (call->count != statement->count)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "%s takes %zu values and was given %zu", name,
                                   statement->count, call->count);
        return parameters_make(call->values, call->count, statement->types, ret_parameters, reterr_failure) ||
               failure_prefix(reterr_failure, "%s", name);
}

bool connection_exchange(Connection *connection, const Call *calls, size_t count, PGresult **ret_last,
                         Failure *reterr_failure) {
        assert(count > 0 && count <= CONNECTION_CALLS);
        Parameters parameters[CONNECTION_CALLS] = { 0 };
        PGresult *result = NULL;
        bool good = true, sent = false;
        for (size_t i = 0; good && i < count; i++)
                good = make_ready(connection, &calls[i], &parameters[i], reterr_failure);
        for (size_t i = 0; good && i < count; i++)
                good = send_call(connection, &calls[i], &parameters[i], reterr_failure);
        if (good && !(sent = PQpipelineSync(connection->pg)))
                good = lose(connection, "cannot send to the database", reterr_failure);
        for (size_t i = 0; good && i < count; i++) {
                PQclear(result);
                result = NULL;
                good = take_result(connection, &result, reterr_failure) ||
                       failure_prefix(reterr_failure, "%s", query_texts[calls[i].query].name);
        }
        if (sent && !connection_is_lost(connection) && !finish(connection, good ? reterr_failure : NULL))
                good = false;
        for (size_t i = 0; i < count; i++)
                parameters_release(&parameters[i]);
        if (good)
                *ret_last = result;
        else
                PQclear(result);
        return good;
}

static bool take_rows(Connection *connection, RowTaker row_taker, void *taker, Failure *reterr_failure) {
        for (;;) {
                PGresult *result;
                if (!take(connection, &result, reterr_failure))
                        return false;
                bool row = PQresultStatus(result) == PGRES_SINGLE_TUPLE, good = is_good(result);
                if (row) {
                        good = row_taker(taker, (const Rows *) result, reterr_failure);
                } else if (!good) {
                        note_error(connection, result);
                        failure_from_result(result, "the database refuses", reterr_failure);
                }
                PQclear(result);
                if (!row || !good)
                        return good;
        }
}

bool connection_stream(Connection *connection, Call call, RowTaker row_taker, void *taker, Failure *reterr_failure) {
        Parameters parameters = { 0 };
        bool good = make_ready(connection, &call, &parameters, reterr_failure) &&
                    send_call(connection, &call, &parameters, reterr_failure);
        parameters_release(&parameters);
        if (!good)
                return false;
        if (!PQsetSingleRowMode(connection->pg) || !PQpipelineSync(connection->pg))
                return lose(connection, "cannot send to the database", reterr_failure);
        good = take_rows(connection, row_taker, taker, reterr_failure) ||
               failure_prefix(reterr_failure, "%s", query_texts[call.query].name);
        if (!connection_is_lost(connection) && !finish(connection, good ? reterr_failure : NULL))
                good = false;
        return good;
}

/* By the simple protocol, which takes several statements at once and stands outside the pipeline. */
bool connection_execute(Connection *connection, const char *sql, Failure *reterr_failure) {
        if (!PQexitPipelineMode(connection->pg) || !PQsendQuery(connection->pg, sql))
                return lose(connection, "cannot send to the database", reterr_failure);
        bool good = true;
        for (;;) {
                PGresult *result;
                if (!take(connection, &result, reterr_failure))
                        return false;
                if (!result)
                        break;
                if (good && !is_good(result)) {
                        note_error(connection, result);
                        good = failure_from_result(result, "the database refuses", reterr_failure);
                }
                PQclear(result);
        }
        if (!PQenterPipelineMode(connection->pg))
                return lose(connection, "cannot begin a pipeline", reterr_failure);
        return good;
}
