#include "store/erase.h"

#include "base/clock.h"

#include <time.h>

#define MESSAGES_AT_ONCE 500
#define PAUSE_US         (10 * MILLISECONDS)

static void pause_for_others(void) {
        struct timespec pause = { .tv_nsec = PAUSE_US * 1000 };
        nanosleep(&pause, NULL);
}

static bool erase_rows(Transaction *transaction, const Uuid *ids, size_t count, Failure *reterr_failure) {
        static const Query queries[] = { QUERY_ERASE_STEPS, QUERY_ERASE_CONCLUDED, QUERY_ERASE_ACCEPTED };
        for (size_t i = 0; i < COUNT_OF(queries); i++)
                if (!transaction_run(transaction, queries[i], VALUES(value_uuids(ids, count)), NULL, reterr_failure))
                        return false;
        return true;
}

static bool erase(Transaction *transaction, const Uuid *ids, size_t count, Failure *reterr_failure) {
        return erase_rows(transaction, ids, count, reterr_failure) && transaction_commit(transaction, reterr_failure);
}

static bool erase_some(Database *database, const Erasure *erasure, size_t *ret_count, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Uuid ids[MESSAGES_AT_ONCE];
        const Rows *rows;
        if (!transaction_begin(database, DATABASE_ERASER, erasure->tenant_id, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_ERASE_NEXT,
                             VALUES(value_uuid(erasure->person_id), value_uuid(erasure->up_to),
                                    value_uuid(erasure->except), value_integer(MESSAGES_AT_ONCE)),
                             &rows, reterr_failure))
                return false;
        *ret_count = rows_count(rows);
        for (size_t i = 0; i < *ret_count; i++)
                ids[i] = rows_uuid(rows, i, 0);
        return *ret_count == 0 || erase(transaction, ids, *ret_count, reterr_failure);
}

static bool erase_messages(Database *database, const Erasure *erasure, size_t *ret_count, Failure *reterr_failure) {
        size_t some = MESSAGES_AT_ONCE;
        *ret_count = 0;
        while (some == MESSAGES_AT_ONCE) {
                if (!erase_some(database, erasure, &some, reterr_failure))
                        return false;
                *ret_count += some;
                if (some == MESSAGES_AT_ONCE)
                        pause_for_others();
        }
        return true;
}

static bool erase_name(Database *database, const Erasure *erasure, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        return transaction_begin(database, DATABASE_ERASER, erasure->tenant_id, &transaction, reterr_failure) &&
               transaction_run(transaction, QUERY_ERASE_PERSON,
                               VALUES(value_uuid(erasure->person_id), value_uuid(erasure->up_to)), NULL,
                               reterr_failure) &&
               transaction_run(transaction, QUERY_ERASE_RESULTS, NO_VALUES, NULL, reterr_failure) &&
               transaction_run(transaction, QUERY_ERASURE_END, VALUES(value_uuid(erasure->person_id)), NULL,
                               reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

bool erase_person(Database *database, const Erasure *erasure, size_t *ret_messages, Failure *reterr_failure) {
        return erase_messages(database, erasure, ret_messages, reterr_failure) &&
               erase_name(database, erasure, reterr_failure);
}

static bool note(Database *database, const Erasure *erasure, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        return transaction_begin(database, DATABASE_TENANT, erasure->tenant_id, &transaction, reterr_failure) &&
               transaction_run(transaction, QUERY_ERASURE_NOTE,
                               VALUES(value_uuid(erasure->up_to), value_uuid(erasure->person_id),
                                      value_text(erasure->operation)),
                               NULL, reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

/* The message that asked, which had to be answered first. */
static bool erase_asking(Database *database, const Erasure *erasure, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(database, DATABASE_ERASER, erasure->tenant_id, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_ERASURE_ASKED, VALUES(value_uuid(erasure->except)), &rows,
                             reterr_failure))
                return false;
        if (rows_count(rows) > 0 && !rows_boolean(rows, 0, 0))
                return true; /* it is still being answered: next time */
        return erase_rows(transaction, &erasure->except, 1, reterr_failure) &&
               transaction_run(transaction, QUERY_ERASURE_OVER, VALUES(value_uuid(erasure->person_id)), NULL,
                               reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

static bool finish(Database *database, const Erasure *erasure, Failure *reterr_failure) {
        size_t messages;
        return note(database, erasure, reterr_failure) && erase_person(database, erasure, &messages, reterr_failure);
}

bool erase_left(Database *database, int seconds, size_t *ret_count, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(database, DATABASE_DIRECTORY, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_ERASURES_LEFT, VALUES(value_integer(seconds)), &rows, reterr_failure))
                return false;
        *ret_count = 0;
        bool good = true; /* one that fails holds up no other */
        for (size_t row = 0; row < rows_count(rows); row++) {
                Erasure erasure = { rows_uuid(rows, row, 0), rows_uuid(rows, row, 1), rows_uuid(rows, row, 2),
                                    rows_uuid(rows, row, 3), rows_text(rows, row, 4), rows_boolean(rows, row, 5) };
                bool done = (erasure.named ? finish : erase_asking)(database, &erasure, reterr_failure);
                *ret_count += done && erasure.named;
                good = good && done;
        }
        return good;
}

/* One page, tenant by tenant. */
static bool erase_page(Database *database, const Rows *rows, Failure *reterr_failure) {
        Uuid ids[MESSAGES_AT_ONCE];
        for (size_t row = 0; row < rows_count(rows);) {
                _cleanup_(transaction_endp) Transaction *transaction = NULL;
                Uuid tenant_id = rows_uuid(rows, row, 0);
                size_t count = 0;
                while (row < rows_count(rows) && count < MESSAGES_AT_ONCE &&
                       uuid_equal(rows_uuid(rows, row, 0), tenant_id))
                        ids[count++] = rows_uuid(rows, row++, 1);
                if (!transaction_begin(database, DATABASE_ERASER, tenant_id, &transaction, reterr_failure) ||
                    !erase(transaction, ids, count, reterr_failure))
                        return false;
                pause_for_others();
        }
        return true;
}

bool erase_old_messages(Database *database, int days, const Uuid *tenants, size_t tenant_count, size_t *ret_count,
                        Failure *reterr_failure) {
        *ret_count = 0;
        for (;;) {
                _cleanup_(transaction_endp) Transaction *transaction = NULL;
                const Rows *rows;
                if (!transaction_begin(database, DATABASE_JOURNAL, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
                    !transaction_run(transaction, QUERY_ERASE_OLD,
                                     VALUES(value_integer(days), value_uuids(tenants, tenant_count)), &rows,
                                     reterr_failure))
                        return false;
                if (rows_count(rows) == 0)
                        return true;
                if (!erase_page(database, rows, reterr_failure))
                        return false;
                *ret_count += rows_count(rows);
        }
}
