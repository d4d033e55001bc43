#include "store/connection.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define CONNECTIONS 16
#define PATIENCE_US (30 * SECONDS)

const Uuid installation_tenant_id = { { 0xa1, 0x0c, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0 } };

static const char *const role_names[DATABASE_ROLE_COUNT] = {
        [DATABASE_TENANT] = "aiox_tenant",       [DATABASE_PLATFORM] = "aiox_platform",
        [DATABASE_DIRECTORY] = "aiox_directory", [DATABASE_JOURNAL] = "aiox_journal",
        [DATABASE_ERASER] = "aiox_eraser",       [DATABASE_OWNER] = "aiox_owner",
};

const char *database_role_name(DatabaseRole role) {
        return role_names[role];
}

#define IDLE_LIMIT 64

typedef struct Pool {
        Connection *idle[IDLE_LIMIT];
        int idle_count, open_count;
} Pool;

struct Database {
        char *conninfo, *owner_conninfo, *application;
        int connections;
        int64_t patience_us;
        pthread_mutex_t lock;
        pthread_cond_t freed;
        Pool pools[DATABASE_ROLE_COUNT];
};

typedef enum TransactionState {
        TRANSACTION_NEW,
        TRANSACTION_OPEN,
        TRANSACTION_FAILED,
        TRANSACTION_ENDED
} TransactionState;

struct Transaction {
        Database *database;
        DatabaseRole role;
        Uuid tenant_id;
        Connection *connection;
        bool pooled; /* the connection was idle, and may have died meanwhile */
        TransactionState state;
        PGresult **results;
        size_t result_count;
        char constraint[64];
};

Database *database_new(const DatabaseSettings *settings) {
        Database *database = memory_new(sizeof(Database));
        database->conninfo = memory_string(settings->conninfo ? settings->conninfo : "");
        database->owner_conninfo = settings->owner_conninfo ? memory_string(settings->owner_conninfo) : NULL;
        database->application = memory_string(settings->application ? settings->application : "aiox");
        database->connections = settings->connections > 0 ? settings->connections : CONNECTIONS;
        if (database->connections > IDLE_LIMIT)
                database->connections = IDLE_LIMIT;
        database->patience_us = settings->patience_us > 0 ? settings->patience_us : PATIENCE_US;
        clock_condition_init(&database->freed);
        pthread_mutex_init(&database->lock, NULL);
        return database;
}

void database_free(Database *database) {
        for (int role = 0; role < DATABASE_ROLE_COUNT; role++)
                for (int i = 0; i < database->pools[role].idle_count; i++)
                        connection_close(database->pools[role].idle[i]);
        pthread_cond_destroy(&database->freed);
        pthread_mutex_destroy(&database->lock);
        free(database->conninfo);
        free(database->owner_conninfo);
        free(database->application);
        free(database);
}

/* An idle connection, or the right to open one. */
static bool pool_take(Database *database, DatabaseRole role, Connection **ret_connection, Failure *reterr_failure) {
        Pool *pool = &database->pools[role];
        int64_t deadline = clock_now().monotonic_us + database->patience_us;
        struct timespec until = clock_timespec(deadline);
        bool got = true;
        pthread_mutex_lock(&database->lock);
        while (got && pool->idle_count == 0 && pool->open_count >= database->connections)
                got = pthread_cond_timedwait(&database->freed, &database->lock, &until) != ETIMEDOUT;
        if (got) {
                *ret_connection = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
                if (!*ret_connection)
                        pool->open_count++;
        }
        pthread_mutex_unlock(&database->lock);
        return got || failure_set(reterr_failure, FAILURE_UNAVAILABLE, "all %d connections of %s are busy",
                                  database->connections, role_names[role]);
}

/* Gives a connection back, or with NULL only the right to one. */
static void pool_put(Database *database, DatabaseRole role, Connection *connection) {
        Pool *pool = &database->pools[role];
        pthread_mutex_lock(&database->lock);
        if (connection)
                pool->idle[pool->idle_count++] = connection;
        else
                pool->open_count--;
        /* Waiters of every role share one condition. */
        pthread_cond_broadcast(&database->freed);
        pthread_mutex_unlock(&database->lock);
}

/* One connection died, so what lies idle beside it is dead too, more likely than not. */
static void pool_empty(Database *database, DatabaseRole role) {
        Pool *pool = &database->pools[role];
        pthread_mutex_lock(&database->lock);
        int count = pool->idle_count;
        Connection *dead[IDLE_LIMIT];
        memcpy(dead, pool->idle, sizeof(dead[0]) * (size_t) count);
        pool->idle_count = 0;
        pool->open_count -= count;
        pthread_cond_broadcast(&database->freed);
        pthread_mutex_unlock(&database->lock);
        for (int i = 0; i < count; i++)
                connection_close(dead[i]);
}

bool database_connect(Database *database, DatabaseRole role, Connection **ret_connection, Failure *reterr_failure) {
        bool owner = role == DATABASE_OWNER;
        if (owner && !database->owner_conninfo)
                return failure_set(reterr_failure, FAILURE_INVALID, "no connection of the database's owner is set");
        return connection_open(owner ? database->owner_conninfo : database->conninfo, owner ? NULL : role_names[role],
                               database->application, owner ? 24 * 3600 * SECONDS : database->patience_us, !owner,
                               ret_connection, reterr_failure);
}

bool transaction_begin(Database *database, DatabaseRole role, Uuid tenant_id, Transaction **ret_transaction,
                       Failure *reterr_failure) {
        Connection *connection;
        if (!pool_take(database, role, &connection, reterr_failure))
                return false;
        bool pooled = connection != NULL;
        if (!pooled && !database_connect(database, role, &connection, reterr_failure)) {
                pool_put(database, role, NULL);
                return false;
        }
        Transaction *transaction = memory_new(sizeof(Transaction));
        *transaction = (Transaction){
                .database = database, .role = role, .tenant_id = tenant_id, .connection = connection, .pooled = pooled
        };
        *ret_transaction = transaction;
        return true;
}

static void keep_result(Transaction *transaction, PGresult *result) {
        size_t count = transaction->result_count;
        if ((count & (count - 1)) == 0)
                transaction->results = memory_resize(transaction->results,
                                                     sizeof(PGresult *) * (count > 0 ? count * 2 : 1));
        transaction->results[transaction->result_count++] = result;
}

/* The first exchange of a transaction on an idle connection may find it dead; as nothing was committed, a new
 * connection may do the same again. */
static bool may_retry(const Transaction *transaction) {
        return transaction->pooled && transaction->state == TRANSACTION_NEW &&
               connection_is_lost(transaction->connection);
}

static bool replace_connection(Transaction *transaction, Failure *reterr_failure) {
        connection_close(transaction->connection);
        transaction->connection = NULL;
        transaction->pooled = false;
        pool_empty(transaction->database, transaction->role);
        return database_connect(transaction->database, transaction->role, &transaction->connection, reterr_failure);
}

static bool acts_for_tenant(DatabaseRole role) {
        return role == DATABASE_TENANT || role == DATABASE_ERASER;
}

/* Runs calls, with what begins the transaction before them if it was not begun yet. */
static bool exchange(Transaction *transaction, const Call *call, PGresult **ret_result, Failure *reterr_failure) {
        Call calls[3];
        size_t count = 0;
        Value tenant = value_uuid(transaction->tenant_id);
        if (transaction->state == TRANSACTION_NEW) {
                calls[count++] = (Call){ QUERY_TRANSACTION_BEGIN, NO_VALUES };
                if (acts_for_tenant(transaction->role))
                        calls[count++] = (Call){ QUERY_TRANSACTION_TENANT, &tenant, 1 };
        }
        if (call)
                calls[count++] = *call;
        return connection_exchange(transaction->connection, calls, count, ret_result, reterr_failure);
}

static bool fail(Transaction *transaction) {
        if (transaction->connection)
                snprintf(transaction->constraint, sizeof(transaction->constraint), "%s",
                         connection_constraint(transaction->connection));
        transaction->state = TRANSACTION_FAILED;
        return false;
}

static bool is_usable(const Transaction *transaction, Failure *reterr_failure) {
        return transaction->state < TRANSACTION_FAILED ||
               failure_set(reterr_failure, FAILURE_INTERNAL, "the transaction is over or failed before");
}

bool transaction_run(Transaction *transaction, Query query, const Value *values, size_t count, const Rows **ret_rows,
                     Failure *reterr_failure) {
        if (!is_usable(transaction, reterr_failure))
                return false;
        Call call = { query, values, count };
        PGresult *result;
        bool good = exchange(transaction, &call, &result, reterr_failure);
        if (!good && may_retry(transaction))
                good = replace_connection(transaction, reterr_failure) &&
                       exchange(transaction, &call, &result, reterr_failure);
        if (!good)
                return fail(transaction);
        transaction->state = TRANSACTION_OPEN;
        keep_result(transaction, result);
        if (ret_rows)
                *ret_rows = (const Rows *) result;
        return true;
}

bool transaction_act_for(Transaction *transaction, Uuid tenant_id, Failure *reterr_failure) {
        assert(acts_for_tenant(transaction->role));
        transaction->tenant_id = tenant_id;
        return transaction->state == TRANSACTION_NEW ||
               transaction_run(transaction, QUERY_TRANSACTION_TENANT, VALUES(value_uuid(tenant_id)), NULL,
                               reterr_failure);
}

static bool begin_now(Transaction *transaction, Failure *reterr_failure) {
        PGresult *result;
        bool good = exchange(transaction, NULL, &result, reterr_failure);
        if (!good && may_retry(transaction))
                good = replace_connection(transaction, reterr_failure) &&
                       exchange(transaction, NULL, &result, reterr_failure);
        if (!good)
                return false;
        PQclear(result);
        transaction->state = TRANSACTION_OPEN;
        return true;
}

bool transaction_stream(Transaction *transaction, Query query, const Value *values, size_t count, RowTaker take,
                        void *taker, Failure *reterr_failure) {
        if (!is_usable(transaction, reterr_failure))
                return false;
        if (transaction->state == TRANSACTION_NEW && !begin_now(transaction, reterr_failure))
                return fail(transaction);
        if (!connection_stream(transaction->connection, (Call){ query, values, count }, take, taker, reterr_failure))
                return fail(transaction);
        return true;
}

bool database_stream(Database *database, DatabaseRole role, Query query, const Value *values, size_t count,
                     RowTaker take, void *taker, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Call call = { query, values, count };
        assert(!acts_for_tenant(role));
        if (!transaction_begin(database, role, (Uuid){ 0 }, &transaction, reterr_failure))
                return false;
        if (connection_stream(transaction->connection, call, take, taker, reterr_failure))
                return true;
        return may_retry(transaction) && replace_connection(transaction, reterr_failure) &&
               connection_stream(transaction->connection, call, take, taker, reterr_failure);
}

bool transaction_commit(Transaction *transaction, Failure *reterr_failure) {
        if (!is_usable(transaction, reterr_failure))
                return false;
        if (transaction->state == TRANSACTION_OPEN) {
                PGresult *result;
                Call call = { QUERY_TRANSACTION_COMMIT, NO_VALUES };
                if (!connection_exchange(transaction->connection, &call, 1, &result, reterr_failure))
                        return fail(transaction);
                PQclear(result);
        }
        transaction->state = TRANSACTION_ENDED;
        return true;
}

void transaction_end(Transaction *transaction) {
        Connection *connection = transaction->connection;
        bool open = transaction->state == TRANSACTION_OPEN || transaction->state == TRANSACTION_FAILED;
        if (connection && !connection_is_lost(connection) && open) {
                PGresult *result = NULL;
                Call call = { QUERY_TRANSACTION_ROLLBACK, NO_VALUES };
                if (connection_exchange(connection, &call, 1, &result, NULL))
                        PQclear(result);
                else if (!connection_is_lost(connection)) {
                        connection_close(connection);
                        connection = NULL;
                }
        }
        if (connection && connection_is_lost(connection)) {
                connection_close(connection);
                connection = NULL;
        }
        pool_put(transaction->database, transaction->role, connection);
        for (size_t i = 0; i < transaction->result_count; i++)
                PQclear(transaction->results[i]);
        free(transaction->results);
        free(transaction);
}

const char *transaction_constraint(const Transaction *transaction) {
        return transaction->constraint;
}
