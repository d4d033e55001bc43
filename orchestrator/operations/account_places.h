/* Where something of a person is kept: all tenants, found by what names him and by the id he has in each. Only for the
 * operation that erases an account.
 *
 * Blocks; one thread. What is returned lives in the context's arena.
 */
#pragma once

#include "orchestrator/operations/context.h"

typedef struct AccountPlace {
        Uuid tenant_id, person_id; /* person_id: his id in it */
        bool deleted;              /* the tenant; it can still be restored */
} AccountPlace;

typedef struct AccountPlaces {
        AccountPlace *items; /* in order of tenants */
        size_t count;
} AccountPlaces;

/* account_id: zero when he has none. With an account the installation is among them. */
bool account_places(OperationContext *context, Text jid, Uuid account_id, AccountPlaces *ret_places,
                    Failure *reterr_failure) _must_check_;
