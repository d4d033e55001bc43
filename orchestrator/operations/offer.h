/* Offers: which operations somebody may run, asked beforehand by doors that list them. It is the gate's own rule and
 * not a second one, and not a permission either: the gate asks again when an operation is run.
 *
 * Blocks, like the gate. What is returned lives in the arena.
 */
#pragma once

#include "orchestrator/operations/call.h"

typedef struct OperationOffer {
        const Operation *operation;
        const Text *tenants; /* slugs of those in which the caller may; none: no tenant is to be named, or any may be */
        size_t tenant_count;
} OperationOffer;

/* In the catalogue's order. agent: the JID of one, and then only operations on it; empty: all. Whoever may not see the
 * agent, or has no account, is offered nothing, which is no failure. */
bool operations_offered(Operations *operations, const Caller *caller, Text agent, Arena *arena,
                        const OperationOffer **ret_offers, size_t *ret_count, Failure *reterr_failure) _must_check_;
/* One of them; FAILURE_FORBIDDEN, which is recorded, when it is not offered. */
bool operation_offered(Operations *operations, const Caller *caller, const Operation *operation, Text agent,
                       Arena *arena, OperationOffer *ret_offer, Failure *reterr_failure) _must_check_;
