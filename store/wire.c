#include "store/wire.h"

#include <assert.h>
#include <stdio.h>

#define CONNECT_US     (5 * SECONDS)
#define PAUSE_LEAST_US (50 * MILLISECONDS)
#define PAUSE_MOST_US  (2 * SECONDS)

typedef enum WireState { WIRE_AWAY, WIRE_CONNECTING, WIRE_PREPARING, WIRE_IDLE, WIRE_BUSY } WireState;

struct Wire {
        char *conninfo;
        DatabaseRole role;
        int64_t patience_us;
        WireState state;
        PGconn *pg;
        PostgresPollingStatusType polling;
        int64_t deadline_us; /* of connecting, or of the answer */
        int64_t retry_us, pause_us;
        bool unsent;
        Oid *types[QUERY_COUNT];
        size_t type_counts[QUERY_COUNT];
        Query prepared[QUERY_COUNT]; /* the queries of the role */
        size_t prepared_count;
        PGresult *results[WIRE_CALLS];
        size_t sent, got; /* queries of the exchange, and results of them; when preparing, two a query */
        WireError error;
};

static bool has_role(const QueryText *query, DatabaseRole role) {
        Text rest = text_of(query->roles), name;
        while (text_split(&rest, ' ', &name))
                if (text_equal(name, text_of(database_role_name(role) + strlen("aiox_"))))
                        return true;
        return false;
}

Wire *wire_new(const char *conninfo, DatabaseRole role, int64_t patience_us) {
        Wire *wire = memory_new(sizeof(Wire));
        wire->conninfo = memory_string(conninfo);
        wire->role = role;
        wire->patience_us = patience_us;
        wire->pause_us = PAUSE_LEAST_US;
        for (int query = 0; query < QUERY_COUNT; query++)
                if (has_role(&query_texts[query], role))
                        wire->prepared[wire->prepared_count++] = (Query) query;
        return wire;
}

static void clear_results(Wire *wire) {
        for (size_t i = 0; i < WIRE_CALLS; i++) {
                PQclear(wire->results[i]);
                wire->results[i] = NULL;
        }
        wire->sent = wire->got = 0;
        wire->error = (WireError){ 0 };
}

void wire_free(Wire *wire) {
        clear_results(wire);
        PQfinish(wire->pg);
        for (size_t i = 0; i < QUERY_COUNT; i++)
                free(wire->types[i]);
        free(wire->conninfo);
        free(wire);
}

int wire_descriptor(const Wire *wire) {
        return wire->pg ? PQsocket(wire->pg) : -1;
}

bool wire_wants_write(const Wire *wire) {
        return wire->pg && (wire->state == WIRE_CONNECTING ? wire->polling == PGRES_POLLING_WRITING : wire->unsent);
}

int64_t wire_wake(const Wire *wire) {
        return wire->state == WIRE_AWAY ? wire->retry_us : wire->state == WIRE_IDLE ? INT64_MAX : wire->deadline_us;
}

bool wire_is_up(const Wire *wire) {
        return wire->state == WIRE_IDLE || wire->state == WIRE_BUSY;
}

const WireError *wire_error(const Wire *wire) {
        return &wire->error;
}

const Rows *wire_rows(const Wire *wire, size_t index) {
        assert(index < wire->got && wire->results[index]);
        return (const Rows *) wire->results[index];
}

static WireEvent lose(Wire *wire, Moment now, const char *sentence) {
        WireError error = { .failed = true };
        if (sentence)
                failure_set(&error.failure, FAILURE_UNAVAILABLE, "%s", sentence);
        else
                failure_from_connection(wire->pg, "the database is away", &error.failure);
        clear_results(wire);
        wire->error = error;
        PQfinish(wire->pg);
        wire->pg = NULL;
        wire->unsent = false;
        wire->state = WIRE_AWAY;
        wire->retry_us = now.monotonic_us + wire->pause_us;
        wire->pause_us = wire->pause_us * 2 > PAUSE_MOST_US ? PAUSE_MOST_US : wire->pause_us * 2;
        return WIRE_LOST;
}

/* Plans are made once, when tables may be empty still, and must stay right when they are large: rows are found by index
 * and nothing else. A frozen hub's transaction must not hold its lease for ever, and nobody waits long for another's.
 */
#define OPTIONS                                                                                                        \
        "-c timezone=UTC -c search_path=public -c plan_cache_mode=force_generic_plan -c jit=off -c "                   \
        "enable_seqscan=off "                                                                                          \
        "-c enable_bitmapscan=off -c enable_hashjoin=off -c idle_in_transaction_session_timeout=5000 "                 \
        "-c lock_timeout=5000 -c statement_timeout=60000"

static WireEvent start_connecting(Wire *wire, Moment now) {
        const char *keywords[CONNECT_PARAMETERS], *values[CONNECT_PARAMETERS];
        connect_parameters(wire->conninfo, database_role_name(wire->role), "aiox journal", OPTIONS, keywords, values);
        wire->pg = PQconnectStartParams(keywords, values, 1);
        connect_quietly(wire->pg);
        wire->polling = PGRES_POLLING_WRITING;
        wire->state = WIRE_CONNECTING;
        wire->deadline_us = now.monotonic_us + CONNECT_US;
        return PQstatus(wire->pg) == CONNECTION_BAD ? lose(wire, now, NULL) : WIRE_NOTHING;
}

static WireEvent start_preparing(Wire *wire, Moment now) {
        if (PQserverVersion(wire->pg) < 150000)
                return lose(wire, now, "the database is older than PostgreSQL 15");
        bool good = PQsetnonblocking(wire->pg, 1) == 0 && PQenterPipelineMode(wire->pg);
        for (size_t i = 0; good && i < wire->prepared_count; i++) {
                const QueryText *query = &query_texts[wire->prepared[i]];
                good = PQsendPrepare(wire->pg, query->name, query->sql, 0, NULL) &&
                       PQsendDescribePrepared(wire->pg, query->name);
        }
        if (!good || !PQpipelineSync(wire->pg))
                return lose(wire, now, NULL);
        clear_results(wire);
        wire->state = WIRE_PREPARING;
        wire->deadline_us = now.monotonic_us + wire->patience_us;
        wire->unsent = true;
        return WIRE_NOTHING;
}

static WireEvent go_on_connecting(Wire *wire, Moment now) {
        if (now.monotonic_us >= wire->deadline_us)
                return lose(wire, now, "the database does not let us connect in time");
        wire->polling = PQconnectPoll(wire->pg);
        if (wire->polling == PGRES_POLLING_FAILED)
                return lose(wire, now, NULL);
        return wire->polling == PGRES_POLLING_OK ? start_preparing(wire, now) : WIRE_NOTHING;
}

static void note_error(Wire *wire, const PGresult *result, const char *name) {
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (wire->error.failed)
                return; /* what comes after the first did not run */
        wire->error.failed = true;
        wire->error.constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) != NULL;
        snprintf(wire->error.state, sizeof(wire->error.state), "%s", state ? state : "");
        failure_from_result(result, name, &wire->error.failure);
}

static void keep_types(Wire *wire, const PGresult *described, Query query) {
        free(wire->types[query]);
        wire->type_counts[query] = (size_t) PQnparams(described);
        wire->types[query] = memory_new(sizeof(Oid) * (wire->type_counts[query] + 1));
        for (size_t i = 0; i < wire->type_counts[query]; i++)
                wire->types[query][i] = PQparamtype(described, (int) i);
}

static void take_result(Wire *wire, PGresult *result) {
        ExecStatusType status = PQresultStatus(result);
        bool preparing = wire->state == WIRE_PREPARING;
        size_t index = wire->got++;
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
                note_error(wire, result, preparing ? query_texts[wire->prepared[index / 2]].name : "the journal");
        else if (preparing && index % 2 == 1)
                keep_types(wire, result, wire->prepared[index / 2]);
        if (preparing || index >= WIRE_CALLS)
                PQclear(result);
        else
                wire->results[index] = result;
}

static WireEvent finish(Wire *wire, Moment now) {
        bool preparing = wire->state == WIRE_PREPARING;
        wire->state = WIRE_IDLE;
        if (preparing && wire->error.failed) {
                char sentence[FAILURE_TEXT_LIMIT];
                snprintf(sentence, sizeof(sentence), "%s", wire->error.failure.text);
                return lose(wire, now, sentence);
        }
        wire->pause_us = PAUSE_LEAST_US;
        return preparing ? WIRE_UP : WIRE_ANSWERED;
}

static WireEvent go_on(Wire *wire, Moment now) {
        int unsent = PQflush(wire->pg);
        if (unsent < 0 || !PQconsumeInput(wire->pg))
                return lose(wire, now, wire->error.failed ? wire->error.failure.text : NULL);
        wire->unsent = unsent > 0;
        while (!PQisBusy(wire->pg)) {
                PGresult *result = PQgetResult(wire->pg);
                if (PQstatus(wire->pg) != CONNECTION_OK) {
                        PQclear(result);
                        return lose(wire, now, NULL);
                }
                if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
                        PQclear(result);
                        return finish(wire, now);
                }
                if (result) /* NULL ends the results of one query */
                        take_result(wire, result);
        }
        if (now.monotonic_us >= wire->deadline_us)
                return lose(wire, now, "the database does not answer");
        return WIRE_NOTHING;
}

/* Nothing is under way, so anything that comes is the server's farewell. */
static WireEvent watch_idle(Wire *wire, Moment now) {
        if (!PQconsumeInput(wire->pg) || PQstatus(wire->pg) != CONNECTION_OK)
                return lose(wire, now, NULL);
        return WIRE_NOTHING;
}

WireEvent wire_step(Wire *wire, Moment now, bool wanted) {
        switch (wire->state) {
        case WIRE_AWAY:
                return wanted && now.monotonic_us >= wire->retry_us ? start_connecting(wire, now) : WIRE_NOTHING;
        case WIRE_CONNECTING:
                return go_on_connecting(wire, now);
        case WIRE_IDLE:
                return watch_idle(wire, now);
        case WIRE_PREPARING:
        case WIRE_BUSY:
                break;
        }
        return go_on(wire, now);
}

void wire_begin(Wire *wire) {
        assert(wire->state == WIRE_IDLE);
        clear_results(wire);
}

void wire_add(Wire *wire, Query query, const Value *values, size_t count) {
        Parameters parameters = { 0 };
        assert(wire->sent < WIRE_CALLS && wire->types[query] && count == wire->type_counts[query]);
        if (!parameters_make(values, count, wire->types[query], &parameters, NULL))
                abort(); /* a query was given a value of another type than its parameter's */
        /* A failure shows as a lost connection when the exchange is flushed. */
        if (PQsendQueryPrepared(wire->pg, query_texts[query].name, (int) count, parameters.values, parameters.lengths,
                                parameters.formats, 1))
                wire->sent++;
        parameters_release(&parameters);
}

void wire_end(Wire *wire, Moment now) {
        (void) PQpipelineSync(wire->pg);
        wire->state = WIRE_BUSY;
        wire->deadline_us = now.monotonic_us + wire->patience_us;
        wire->unsent = PQflush(wire->pg) != 0;
}
