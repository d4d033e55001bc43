#include "store/usage.h"

#include "store/columns.h"

#define PAGE 20000 /* conclusions of a hub in a transaction */

/* A transaction that counts, alone: it holds the cursors. */
static bool counting_begin(Database *database, Transaction **ret_transaction, const Rows **ret_hubs,
                           Failure *reterr_failure) {
        const Uuid none = { { 0 } };

        return transaction_begin(database, DATABASE_JOURNAL, none, ret_transaction, reterr_failure) &&
               transaction_run(*ret_transaction, QUERY_USAGE_PATIENCE, NO_VALUES, NULL, reterr_failure) &&
               transaction_run(*ret_transaction, QUERY_USAGE_HUBS, NO_VALUES, NULL, reterr_failure) &&
               transaction_run(*ret_transaction, QUERY_USAGE_HOLD, NO_VALUES, ret_hubs, reterr_failure);
}

/* A page of each hub; ret_more: there may be another. */
static bool count_pages(Database *database, int64_t *counted, bool *ret_more, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *hubs, *rows;
        int64_t of_all = 0;

        *ret_more = false;
        if (!counting_begin(database, &transaction, &hubs, reterr_failure))
                return false;
        for (size_t i = 0; i < rows_count(hubs); i++) {
                if (!transaction_run(transaction, QUERY_USAGE_COUNT,
                                     VALUES(value_integer(rows_integer(hubs, i, 0)), value_integer(PAGE)), &rows,
                                     reterr_failure))
                        return false;
                int64_t of_hub = rows_count(rows) > 0 ? rows_integer(rows, 0, 0) : 0;
                *ret_more |= of_hub == PAGE;
                of_all += of_hub;
        }
        if (!transaction_commit(transaction, reterr_failure))
                return false;
        *counted += of_all;
        return true;
}

bool usage_count(Database *database, int transactions, int64_t *ret_counted, Failure *reterr_failure) {
        int64_t counted = 0;
        bool more = true;

        for (int i = 0; more && (transactions == 0 || i < transactions); i++)
                if (!count_pages(database, &counted, &more, reterr_failure))
                        return failure_prefix(reterr_failure, "usage");
        if (ret_counted)
                *ret_counted = counted;
        return true;
}

bool usage_add_calls(Database *database, const UsageCall *calls, size_t count, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Column columns[5] = { 0 };
        static const Oid types[] = { OID_UUID, OID_UUID, OID_UUID, OID_TIMESTAMPTZ, OID_BIGINT };
        const Rows *hubs;

        for (size_t i = 0; i < COUNT_OF(columns); i++)
                column_start(&columns[i], types[i]);
        for (size_t i = 0; i < count; i++) {
                column_uuid(&columns[0], calls[i].tenant_id);
                column_uuid(&columns[1], calls[i].id);
                column_uuid(&columns[2], calls[i].person_id);
                column_time(&columns[3], calls[i].at_us);
                column_bigint(&columns[4], calls[i].calls);
        }
        bool done = counting_begin(database, &transaction, &hubs, reterr_failure) &&
                    transaction_run(transaction, QUERY_USAGE_CALLS_ADD,
                                    VALUES(column_value(&columns[0]), column_value(&columns[1]),
                                           column_value(&columns[2]), column_value(&columns[3]),
                                           column_value(&columns[4])),
                                    NULL, reterr_failure) &&
                    transaction_commit(transaction, reterr_failure);
        for (size_t i = 0; i < COUNT_OF(columns); i++)
                column_release(&columns[i]);
        return done || failure_prefix(reterr_failure, "calls of the API");
}

bool usage_sample(Database *database, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *hubs;

        return (counting_begin(database, &transaction, &hubs, reterr_failure) &&
                transaction_run(transaction, QUERY_USAGE_SAMPLE, NO_VALUES, NULL, reterr_failure) &&
                transaction_commit(transaction, reterr_failure)) ||
               failure_prefix(reterr_failure, "stored bytes");
}

bool usage_forget(Database *database, Failure *reterr_failure) {
        static const Query forget[] = { QUERY_USAGE_FORGET_CALLS, QUERY_USAGE_FORGET_SAMPLES,
                                        QUERY_USAGE_FORGET_BYTES };
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *hubs;

        if (!counting_begin(database, &transaction, &hubs, reterr_failure))
                return false;
        for (size_t i = 0; i < COUNT_OF(forget); i++)
                if (!transaction_run(transaction, forget[i], NO_VALUES, NULL, reterr_failure))
                        return false;
        return transaction_commit(transaction, reterr_failure);
}
