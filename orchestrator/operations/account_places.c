#include "orchestrator/operations/account_places.h"

/* Every tenant that is not destroyed and whose key is here, with the person's id in it. */
static bool every_place(OperationContext *context, Text jid, AccountPlaces *ret_places, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Keyring *keyring = context->operations->keyring;
        const Rows *rows;
        if (!keyring_refresh(keyring, context->operations->database, reterr_failure) ||
            !context_ask_directory(context, QUERY_KEPT_TENANTS, NO_VALUES, &transaction, &rows, reterr_failure))
                return false;
        AccountPlace *items = arena_take_array(context->arena, AccountPlace, rows_count(rows) + 1);
        if (!items)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many tenants");
        *ret_places = (AccountPlaces){ .items = items };
        for (size_t row = 0; row < rows_count(rows); row++) {
                AccountPlace *place = &items[ret_places->count];
                *place = (AccountPlace){ .tenant_id = rows_uuid(rows, row, 0), .deleted = rows_boolean(rows, row, 1) };
                if (!keyring_has(keyring, place->tenant_id))
                        continue;
                if (!keyring_person(keyring, place->tenant_id, jid, &place->person_id, reterr_failure))
                        return false;
                ret_places->count++;
        }
        return true;
}

/* By the id: what was written, and operations. */
static bool mark_by_id(OperationContext *context, const AccountPlaces *all, bool *marks, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Uuid *tenants = arena_take_array(context->arena, Uuid, all->count + 1);
        Uuid *persons = arena_take_array(context->arena, Uuid, all->count + 1);
        const Rows *rows;
        if (!tenants || !persons)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many tenants");
        for (size_t i = 0; i < all->count; i++) {
                tenants[i] = all->items[i].tenant_id;
                persons[i] = all->items[i].person_id;
        }
        if (!transaction_begin(context->operations->database, DATABASE_JOURNAL, (Uuid){ { 0 } }, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_KEPT_PERSONS,
                             VALUES(value_uuids(tenants, all->count), value_uuids(persons, all->count)), &rows,
                             reterr_failure))
                return false;
        for (size_t row = 0; row < rows_count(rows); row++)
                marks[rows_integer(rows, row, 0) - 1] = true;
        return true;
}

/* By address and account. */
static bool mark_by_name(OperationContext *context, Text jid, Uuid account_id, const AccountPlaces *all, bool *marks,
                         Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!context_ask_directory(context, QUERY_KEPT_NAMES, VALUES(value_uuid_or_null(account_id), value_text(jid)),
                                   &transaction, &rows, reterr_failure))
                return false;
        for (size_t row = 0; row < rows_count(rows); row++)
                for (size_t i = 0; i < all->count; i++)
                        if (uuid_equal(all->items[i].tenant_id, rows_uuid(rows, row, 0)))
                                marks[i] = true;
        return true;
}

bool account_places(OperationContext *context, Text jid, Uuid account_id, AccountPlaces *ret_places,
                    Failure *reterr_failure) {
        AccountPlaces all;
        if (!every_place(context, jid, &all, reterr_failure))
                return false;
        bool *marks = arena_take_array(context->arena, bool, all.count + 1);
        if (!marks)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many tenants");
        for (size_t i = 0; i < all.count; i++)
                marks[i] = !uuid_is_zero(account_id) && uuid_equal(all.items[i].tenant_id, installation_tenant_id);
        if (!mark_by_id(context, &all, marks, reterr_failure) ||
            !mark_by_name(context, jid, account_id, &all, marks, reterr_failure))
                return false;
        *ret_places = (AccountPlaces){ .items = all.items };
        for (size_t i = 0; i < all.count; i++)
                if (marks[i])
                        ret_places->items[ret_places->count++] = all.items[i];
        return true;
}
