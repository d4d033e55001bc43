/* The database: pooled, blocking connections to PostgreSQL, one pool per database role, transactions that act for one
 * tenant, and named queries with typed values and rows. SQL stands in schema/queries/ and nowhere else. Not the journal
 * (store/journal.h has a connection of its own in the hub thread) and not a mapper of objects.
 *
 *      _cleanup_(transaction_endp) Transaction *transaction = NULL;
 *      const Rows *rows;
 *      if (!transaction_begin(database, DATABASE_TENANT, tenant_id, &transaction, reterr_failure) ||
 *          !transaction_run(transaction, QUERY_AGENT_BY_NAME, VALUES(value_text(name)), &rows, reterr_failure))
 *                  return false;
 *      if (rows_count(rows) == 0)
 *              return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no agent of this name");
 *      Uuid agent_id = rows_uuid(rows, 0, 0);
 *      if (!transaction_run(transaction, QUERY_AGENT_PAUSE, VALUES(value_uuid(agent_id), value_text(reason)), NULL,
 *                           reterr_failure))
 *              return false;
 *      return transaction_commit(transaction, reterr_failure);
 *
 * A Database may be used by any thread; a Transaction by one at a time. Everything here blocks, up to the patience of
 * the settings, and must not be called from the hub thread. Rows and their texts live until transaction_end().
 */
#pragma once

#include "base/crypto.h"
#include "base/failure.h"
#include "base/uuid.h"
#include "schema/schema.h"

/* Who a connection is. TENANT sees the rows of the transaction's tenant; PLATFORM tables without tenant; DIRECTORY
 * reads what the directory needs, of all tenants; OWNER migrates and keeps. */
typedef enum DatabaseRole {
        DATABASE_TENANT,
        DATABASE_PLATFORM,
        DATABASE_DIRECTORY,
        DATABASE_JOURNAL,
        DATABASE_ERASER,
        DATABASE_OWNER,
        DATABASE_ROLE_COUNT,
} DatabaseRole;

const char *database_role_name(DatabaseRole role); /* "aiox_tenant" …; the owner is whoever owner_conninfo names */

/* The reserved tenant that is the installation itself; its row is there from the first migration on. */
extern const Uuid installation_tenant_id;

typedef struct DatabaseSettings {
        const char *conninfo;       /* without user */
        const char *owner_conninfo; /* with user; NULL unless DATABASE_OWNER is used */
        const char *application;    /* seen in pg_stat_activity; NULL = "aiox" */
        int connections;            /* at most so many per role at a time; 0 = 16 */
        int64_t patience_us;        /* waiting for a free connection or for one answer; 0 = 30 s */
} DatabaseSettings;

typedef struct Database Database;
typedef struct Transaction Transaction;
typedef struct Rows Rows;

/* Connects to nothing yet. Copies the settings. */
Database *database_new(const DatabaseSettings *settings);
void database_free(Database *database);
DEFINE_RELEASE(Database *, database_free)

/* Values of a query. Integers, texts and times are converted to the type that the query's parameter has; a value that
 * does not fit its parameter is FAILURE_INTERNAL, an integer out of range FAILURE_INVALID. Arrays are borrowed. */
typedef enum ValueType {
        VALUE_NULL,
        VALUE_BOOLEAN,
        VALUE_INTEGER,
        VALUE_REAL,
        VALUE_TEXT,  /* text, jsonb */
        VALUE_BYTES, /* bytea */
        VALUE_UUID,
        VALUE_TIME,    /* timestamptz; microseconds since 1970 */
        VALUE_TEXTS,   /* text[] */
        VALUE_UUIDS,   /* uuid[] */
        VALUE_ENCODED, /* already in its parameter's binary form: store/columns.h */
} ValueType;

typedef struct Value {
        ValueType type;
        union {
                bool boolean;
                int64_t integer;
                double real;
                Text text;
                Uuid uuid;
                struct {
                        const void *items;
                        size_t count;
                } list;
        };
} Value;

#define VALUES(...) (const Value[]){ __VA_ARGS__ }, sizeof((const Value[]){ __VA_ARGS__ }) / sizeof(Value)
#define NO_VALUES   NULL, 0

static inline Value value_null(void) {
        return (Value){ .type = VALUE_NULL };
}
static inline Value value_boolean(bool boolean) {
        return (Value){ .type = VALUE_BOOLEAN, .boolean = boolean };
}
static inline Value value_integer(int64_t integer) {
        return (Value){ .type = VALUE_INTEGER, .integer = integer };
}
static inline Value value_real(double real) {
        return (Value){ .type = VALUE_REAL, .real = real };
}
static inline Value value_text(Text text) {
        return (Value){ .type = VALUE_TEXT, .text = text };
}
static inline Value value_string(const char *string) { /* NULL becomes null */
        return string ? value_text(text_of(string)) : value_null();
}
static inline Value value_text_or_null(Text text) { /* empty becomes null */
        return text.length > 0 ? value_text(text) : value_null();
}
static inline Value value_bytes(Text bytes) {
        return (Value){ .type = VALUE_BYTES, .text = bytes };
}
static inline Value value_uuid(Uuid uuid) {
        return (Value){ .type = VALUE_UUID, .uuid = uuid };
}
static inline Value value_uuid_or_null(Uuid uuid) { /* zero becomes null */
        return uuid_is_zero(uuid) ? value_null() : value_uuid(uuid);
}
static inline Value value_time(int64_t wall_us) {
        return (Value){ .type = VALUE_TIME, .integer = wall_us };
}
static inline Value value_texts(const Text *items, size_t count) {
        return (Value){ .type = VALUE_TEXTS, .list = { items, count } };
}
static inline Value value_uuids(const Uuid *items, size_t count) {
        return (Value){ .type = VALUE_UUIDS, .list = { items, count } };
}

/* tenant_id: whose rows a DATABASE_TENANT transaction sees; zero for the other roles. Opens a connection when none is
 * free; FAILURE_UNAVAILABLE when the database is away or none became free in time. */
bool transaction_begin(Database *database, DatabaseRole role, Uuid tenant_id, Transaction **ret_transaction,
                       Failure *reterr_failure) _must_check_;
/* ret_rows may be NULL. After a failure the transaction can only be ended. The database's errors become CONFLICT
 * (unique, foreign key), INVALID (a value out of its range or against a check), FORBIDDEN (not granted, row security),
 * TIMED_OUT, UNAVAILABLE (away, read-only, disk full, deadlock: the same may work later) and INTERNAL. */
bool transaction_run(Transaction *transaction, Query query, const Value *values, size_t count, const Rows **ret_rows,
                     Failure *reterr_failure) _must_check_;
/* Rows one by one as they come, for results too large to hold; `row` is always row 0 of the Rows it is given, and lives
 * for the call. A false of `take` ends the transaction with its failure. */
typedef bool (*RowTaker)(void *taker, const Rows *row, Failure *reterr_failure);
bool transaction_stream(Transaction *transaction, Query query, const Value *values, size_t count, RowTaker take,
                        void *taker, Failure *reterr_failure) _must_check_;
/* The same in one round trip, for a role that acts for no tenant: the query is its own transaction. When an idle
 * connection turns out to be dead, rows come again from the first. */
bool database_stream(Database *database, DatabaseRole role, Query query, const Value *values, size_t count,
                     RowTaker take, void *taker, Failure *reterr_failure) _must_check_;
/* Name of the unique or check constraint that the last failure names; "" when none. */
const char *transaction_constraint(const Transaction *transaction);
/* From now on a DATABASE_TENANT transaction acts for another tenant: what is done in several is done at once. */
bool transaction_act_for(Transaction *transaction, Uuid tenant_id, Failure *reterr_failure) _must_check_;
/* FAILURE_UNAVAILABLE here means: not known whether it was committed. */
bool transaction_commit(Transaction *transaction, Failure *reterr_failure) _must_check_;
/* Undoes what was not committed and frees rows and texts. */
void transaction_end(Transaction *transaction);
DEFINE_RELEASE(Transaction *, transaction_end)

/* Rows. Columns count from 0; asking for a row or column that is not there, or for a type that the column has not, is a
 * defect of the program and aborts. Null is TEXT_NONE, 0, false, or the zero Uuid. */
size_t rows_count(const Rows *rows);
size_t rows_changed(const Rows *rows); /* by INSERT, UPDATE, DELETE */
bool rows_is_null(const Rows *rows, size_t row, int column);
bool rows_boolean(const Rows *rows, size_t row, int column);
int64_t rows_integer(const Rows *rows, size_t row, int column); /* smallint, integer, bigint, xid8 */
double rows_real(const Rows *rows, size_t row, int column);
Text rows_text(const Rows *rows, size_t row, int column); /* text, name, jsonb, bytea; terminated by NUL */
Uuid rows_uuid(const Rows *rows, size_t row, int column);
int64_t rows_time(const Rows *rows, size_t row, int column); /* microseconds since 1970 */
/* text[] of the row, in the arena; false when its limit is reached. */
bool rows_texts(const Rows *rows, size_t row, int column, Arena *arena, Text **ret_items,
                size_t *ret_count) _must_check_;
