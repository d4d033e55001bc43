/* One blocking connection to PostgreSQL in libpq's pipeline mode, with queries prepared when they are first used.
 * Internal to store/database.c and store/transaction.c; the journal has its own, which does not block.
 *
 * One thread at a time. Every wait ends with the patience it is given. After a false with connection_is_lost() the
 * connection can only be closed.
 */
#pragma once

#include "store/database.h"

#include <libpq-fe.h>

typedef struct Connection Connection;

/* What a session of this program always has. `limits`: statement and idle timeouts, which the owner's work does
 * without. */
bool connection_open(const char *conninfo, const char *user, const char *application, int64_t patience_us, bool limits,
                     Connection **ret_connection, Failure *reterr_failure) _must_check_;
/* As database_new() was told, outside the pools: for work that needs a session of its own (store/database.c). */
bool database_connect(Database *database, DatabaseRole role, Connection **ret_connection,
                      Failure *reterr_failure) _must_check_;
void connection_close(Connection *connection);
DEFINE_RELEASE(Connection *, connection_close)
bool connection_is_lost(const Connection *connection);

#define CONNECTION_CALLS 64
typedef struct Call {
        Query query;
        const Value *values;
        size_t count;
} Call;

/* Makes a query ready on this connection, when it is not yet. The others here do that themselves. */
bool connection_prepare(Connection *connection, Query query, Failure *reterr_failure) _must_check_;
/* Runs queries, at most so many, in one round trip, preparing those that are used for the first time before. ret_last
 * is the result of the last, which the caller clears; when one fails, those after it did not run, and the failure is
 * that of the first.
 */
bool connection_exchange(Connection *connection, const Call *calls, size_t count, PGresult **ret_last,
                         Failure *reterr_failure) _must_check_;
static inline bool connection_run(Connection *connection, Query query, const Value *values, size_t count,
                                  PGresult **ret_result, Failure *reterr_failure) {
        return connection_exchange(connection, &(Call){ query, values, count }, 1, ret_result, reterr_failure);
}
static inline void clear_resultp(PGresult **result) {
        PQclear(*result);
}
#define _result_ _cleanup_(clear_resultp) PGresult
/* Runs one query and hands over its rows as they come. */
bool connection_stream(Connection *connection, Call call, RowTaker take, void *taker,
                       Failure *reterr_failure) _must_check_;
/* Statements that are no named query: what migrations and keep run as the owner. */
bool connection_execute(Connection *connection, const char *sql, Failure *reterr_failure) _must_check_;

/* Constraint named by the last failure, "" when none; its SQLSTATE. */
const char *connection_constraint(const Connection *connection);
const char *connection_state(const Connection *connection);

/* Fills *ret_failure from a result that failed, and returns false. `about` is put before the sentence. */
bool failure_from_result(const PGresult *result, const char *about, Failure *ret_failure);
bool failure_from_connection(const PGconn *connection, const char *about, Failure *ret_failure);

/* Keywords and values for PQconnect…Params: both arrays have room for CONNECT_PARAMETERS. */
#define CONNECT_PARAMETERS 12
void connect_parameters(const char *conninfo, const char *user, const char *application, const char *options,
                        const char **ret_keywords, const char **ret_values);

/* The server's notices are nobody's business: libpq would print them. */
void connect_quietly(PGconn *connection);

/* Values in PostgreSQL's binary form (store/values.c). */
typedef struct Parameters {
        size_t count;
        const char **values;
        int *lengths, *formats;
        struct ParameterRoom *room;
} Parameters;
bool parameters_make(const Value *values, size_t count, const Oid *types, Parameters *ret_parameters,
                     Failure *reterr_failure) _must_check_;
void parameters_release(Parameters *parameters);

/* Oids of pg_type.dat, which never change. */
enum {
        OID_BOOLEAN = 16,
        OID_BYTEA = 17,
        OID_CHAR = 18,
        OID_NAME = 19,
        OID_BIGINT = 20,
        OID_SMALLINT = 21,
        OID_INTEGER = 23,
        OID_TEXT = 25,
        OID_JSON = 114,
        OID_REAL = 700,
        OID_DOUBLE = 701,
        OID_TEXT_ARRAY = 1009,
        OID_VARCHAR = 1043,
        OID_TIMESTAMPTZ = 1184,
        OID_UUID = 2950,
        OID_UUID_ARRAY = 2951,
        OID_JSONB = 3802,
        OID_XID8 = 5069,
};

/* PostgreSQL counts microseconds from 2000-01-01. */
#define POSTGRES_EPOCH_US (INT64_C(946684800) * SECONDS)
