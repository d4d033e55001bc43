/* What operations that erase a person share: ending what is under way, and taking away whatever names him in a tenant.
 * What needs no name afterwards is store/erase.h's. Only for operations on persons and accounts.
 *
 * Blocks; one thread.
 */
#pragma once

#include "orchestrator/operations/context.h"
#include "store/erase.h"

#define ERASING_PATIENCE (15 * SECONDS) /* for turns to end that were cancelled */

typedef struct Forgotten {
        int64_t feedback, grants, invites, subscriptions;
} Forgotten;

/* Cancels the person's messages in the tenant, but for the one that asks. */
bool erasing_cancel(OperationContext *context, Uuid tenant_id, Uuid person_id, Failure *reterr_failure) _must_check_;
/* Waits for their end until the deadline: what they still conclude is then erased, too. */
bool erasing_wait(OperationContext *context, Uuid tenant_id, Uuid person_id, int64_t deadline_us,
                  Failure *reterr_failure) _must_check_;
/* All that needs the name, with the row that says what is left to do: what follows can be finished by others. In a
 * transaction that acts for the erasure's tenant. Counts are added. */
bool erasing_forget(OperationContext *context, Transaction *transaction, const Erasure *erasure, Text jid,
                    Forgotten *forgotten, Failure *reterr_failure) _must_check_;
void erasing_put(Json *result, const Forgotten *forgotten);
