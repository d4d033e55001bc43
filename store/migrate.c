#include "store/migrate.h"

#include "base/map.h"
#include "store/connection.h"
#include "store/usage.h"

#include <stdio.h>

static void tell(Progress progress, void *listener, const char *format, ...) _printf_(3, 4);
static void tell(Progress progress, void *listener, const char *format, ...) {
        char sentence[200];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(sentence, sizeof(sentence), format, arguments);
        va_end(arguments);
        if (progress)
                progress(listener, sentence);
}

static bool run_only(Connection *connection, Query query, const Value *values, size_t count, Failure *reterr_failure) {
        _result_ *result = NULL;
        return connection_run(connection, query, values, count, &result, reterr_failure);
}

static bool is_same(const Migration *migration, Text checksum) {
        Hash hash = crypto_sha256(text_of(migration->sql));
        return text_equal(checksum, MAP_KEY(hash));
}

/* Compares what was applied with what this program carries; ret_applied is how many of ours are there. */
static bool compare(const Rows *rows, size_t *ret_applied, Failure *reterr_failure) {
        size_t applied = 0;
        int newest = migrations[migration_count - 1].number;
        for (size_t i = 0; i < rows_count(rows); i++) {
                int64_t number = rows_integer(rows, i, 0);
                Text name = rows_text(rows, i, 2);
                if (number > newest) {
                        if (rows_integer(rows, i, 1) > newest)
                                return failure_set(
                                        reterr_failure, FAILURE_CONFLICT,
                                        "the database was migrated by a newer program (%.*s), on which this one "
                                        "must not run: install that version",
                                        TEXT_ARGUMENTS(name));
                        continue;
                }
                if (applied >= migration_count || number != migrations[applied].number)
                        return failure_set(reterr_failure, FAILURE_CONFLICT,
                                           "migration %.*s is not one of ours, or one before it is missing",
                                           TEXT_ARGUMENTS(name));
                if (!is_same(&migrations[applied], rows_text(rows, i, 3)))
                        return failure_set(reterr_failure, FAILURE_CONFLICT,
                                           "migration %.*s was applied with other text than this program's",
                                           TEXT_ARGUMENTS(name));
                applied++;
        }
        *ret_applied = applied;
        return true;
}

/* Nothing is touched in a database that is not ours, or without the roles that the migrations grant to. */
static bool check_ground(Connection *connection, Failure *reterr_failure) {
        _result_ *exists = NULL, *foreign = NULL, *missing = NULL;
        if (!connection_run(connection, QUERY_MIGRATION_MISSING_ROLE, NO_VALUES, &missing, reterr_failure) ||
            !connection_run(connection, QUERY_MIGRATION_EXISTS, NO_VALUES, &exists, reterr_failure))
                return false;
        if (rows_count((Rows *) missing) > 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND,
                                   "the role %s is missing: run schema/roles.sql as a superuser first",
                                   rows_text((Rows *) missing, 0, 0).bytes);
        if (rows_boolean((Rows *) exists, 0, 0))
                return true;
        if (!connection_run(connection, QUERY_MIGRATION_FOREIGN, NO_VALUES, &foreign, reterr_failure))
                return false;
        if (rows_count((Rows *) foreign) > 0)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "the database has a table \"%s\" and no migrations of ours: give us an empty one",
                                   rows_text((Rows *) foreign, 0, 0).bytes);
        return run_only(connection, QUERY_MIGRATION_TABLE, NO_VALUES, reterr_failure) &&
               run_only(connection, QUERY_MIGRATION_GRANT, NO_VALUES, reterr_failure);
}

static bool apply(Connection *connection, const Migration *migration, Failure *reterr_failure) {
        Hash hash = crypto_sha256(text_of(migration->sql));
        if (run_only(connection, QUERY_TRANSACTION_BEGIN, NO_VALUES, reterr_failure) &&
            connection_execute(connection, migration->sql, reterr_failure) &&
            run_only(connection, QUERY_MIGRATION_APPLIED,
                     VALUES(value_integer(migration->number), value_integer(migration->oldest),
                            value_string(migration->name), value_bytes(MAP_KEY(hash)), value_string(AIOX_VERSION)),
                     reterr_failure) &&
            run_only(connection, QUERY_TRANSACTION_COMMIT, NO_VALUES, reterr_failure))
                return true;
        return failure_prefix(reterr_failure, "migration %s, undone", migration->name);
}

bool schema_migrate(Database *database, int last, Progress progress, void *listener, Failure *reterr_failure) {
        _cleanup_(connection_closep) Connection *connection = NULL;
        _result_ *list = NULL;
        size_t applied;
        if (!database_connect(database, DATABASE_OWNER, &connection, reterr_failure) ||
            !run_only(connection, QUERY_MIGRATION_LOCK, NO_VALUES, reterr_failure) ||
            !check_ground(connection, reterr_failure) ||
            !connection_run(connection, QUERY_MIGRATION_LIST, NO_VALUES, &list, reterr_failure) ||
            !compare((Rows *) list, &applied, reterr_failure))
                return false;
        size_t before = applied;
        for (; applied < migration_count && (last == 0 || migrations[applied].number <= last); applied++) {
                if (!apply(connection, &migrations[applied], reterr_failure))
                        return false;
                tell(progress, listener, "applied %s", migrations[applied].name);
        }
        if (applied == before)
                tell(progress, listener, "the schema is up to date");
        return applied < migration_count ||
               run_only(connection, QUERY_KEEP_MAKE, VALUES(value_integer(30)), reterr_failure);
}

static bool check_durability(Transaction *transaction, Failure *reterr_failure) {
        const Rows *rows;
        static const char *const names[] = { "fsync", "synchronous_commit", "full_page_writes" };
        if (!transaction_run(transaction, QUERY_DATABASE_DURABILITY, NO_VALUES, &rows, reterr_failure))
                return false;
        for (int i = 0; i < (int) COUNT_OF(names); i++)
                if (text_equal(rows_text(rows, 0, i), TEXT("off")))
                        return failure_set(
                                reterr_failure, FAILURE_POLICY,
                                "the database runs with %s = off, so a commit would be no promise: switch it on, "
                                "or start with --unsafe to lose messages knowingly",
                                names[i]);
        return true;
}

bool schema_check(Database *database, bool unsafe, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        size_t applied;
        if (!transaction_begin(database, DATABASE_PLATFORM, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_MIGRATION_EXISTS, NO_VALUES, &rows, reterr_failure))
                return false;
        if (!rows_boolean(rows, 0, 0))
                return failure_set(reterr_failure, FAILURE_CONFLICT, "the database is empty: run `aiox migrate`");
        if (!transaction_run(transaction, QUERY_MIGRATION_LIST, NO_VALUES, &rows, reterr_failure) ||
            !compare(rows, &applied, reterr_failure))
                return false;
        if (applied < migration_count)
                return failure_set(reterr_failure, FAILURE_CONFLICT, "migration %s is not applied: run `aiox migrate`",
                                   migrations[applied].name);
        if (!transaction_run(transaction, QUERY_KEEP_AHEAD, NO_VALUES, &rows, reterr_failure))
                return false;
        if (rows_integer(rows, 0, 0) < 1)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "the journal has no room for tomorrow: run `aiox keep`, daily");
        return unsafe || check_durability(transaction, reterr_failure);
}

/* Whether a day's messages have all ended, as the journal's role sees it; the owner may not look into tenants' rows. */
static bool day_is_over(Database *database, Text day, bool *ret_over, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(database, DATABASE_JOURNAL, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_KEEP_OPEN, VALUES(value_text(day)), &rows, reterr_failure))
                return false;
        *ret_over = !rows_boolean(rows, 0, 0);
        return true;
}

static bool remove_part(Connection *connection, const Rows *rows, size_t row, Failure *reterr_failure) {
        return (connection_execute(connection, rows_text(rows, row, 4).bytes, reterr_failure) &&
                connection_execute(connection, rows_text(rows, row, 5).bytes, reterr_failure)) ||
               failure_prefix(reterr_failure, "%s", rows_text(rows, row, 0).bytes);
}

/* Each by itself, so that one that cannot be destroyed yet keeps no other. */
static bool destroy_tenants(Connection *connection, Progress progress, void *listener, Failure *reterr_failure) {
        _result_ *due = NULL;
        if (!connection_run(connection, QUERY_KEEP_TENANTS_DUE, NO_VALUES, &due, reterr_failure))
                return false;
        for (size_t i = 0; i < rows_count((Rows *) due); i++) {
                _result_ *destroyed = NULL;
                if (!connection_run(connection, QUERY_KEEP_TENANT_DESTROY,
                                    VALUES(value_uuid(rows_uuid((Rows *) due, i, 0))), &destroyed, reterr_failure))
                        return false;
                tell(progress, listener, "%s tenant %s",
                     rows_boolean((Rows *) destroyed, 0, 0) ? "destroyed"
                                                            : "kept, for not all of it is over and in the audit yet:",
                     rows_text((Rows *) due, i, 1).bytes);
        }
        return true;
}

bool schema_keep(Database *database, const KeepSettings *settings, Progress progress, void *listener,
                 Failure *reterr_failure) {
        _cleanup_(connection_closep) Connection *connection = NULL;
        _result_ *made = NULL, *old = NULL;
        int days_ahead = settings->days_ahead > 0 ? settings->days_ahead : 30;
        int journal_days = settings->journal_days > 0 ? settings->journal_days : 36500;
        /* What is taken away must have been counted. */
        if (!usage_count(database, 0, NULL, reterr_failure) ||
            !database_connect(database, DATABASE_OWNER, &connection, reterr_failure) ||
            !run_only(connection, QUERY_MIGRATION_LOCK, NO_VALUES, reterr_failure) ||
            !connection_run(connection, QUERY_KEEP_MAKE, VALUES(value_integer(days_ahead)), &made, reterr_failure) ||
            !run_only(connection, QUERY_KEEP_OPERATIONS, NO_VALUES, reterr_failure) ||
            !run_only(connection, QUERY_KEEP_SUBSCRIPTIONS, NO_VALUES, reterr_failure) ||
            !run_only(connection, QUERY_KEEP_LIMITS, NO_VALUES, reterr_failure) ||
            !destroy_tenants(connection, progress, listener, reterr_failure) ||
            !connection_run(connection, QUERY_KEEP_OLD, VALUES(value_integer(journal_days)), &old, reterr_failure))
                return false;
        const Rows *rows = (Rows *) old;
        tell(progress, listener, "made %lld parts", (long long) rows_integer((Rows *) made, 0, 0));
        for (size_t i = 0; i < rows_count(rows); i++) {
                bool over = true;
                if (!text_equal(rows_text(rows, i, 1), TEXT("idempotency")) && !rows_boolean(rows, i, 3) &&
                    !day_is_over(database, rows_text(rows, i, 2), &over, reterr_failure))
                        return false;
                if (over && !remove_part(connection, rows, i, reterr_failure))
                        return false;
                tell(progress, listener, "%s %s",
                     over ? "removed" : "kept, for a message in it is open:", rows_text(rows, i, 0).bytes);
        }
        return usage_forget(database, reterr_failure);
}
