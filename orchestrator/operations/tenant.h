/* What the operations on tenants and their members share: how a tenant comes to be, and the rules about owners.
 *
 * Blocks; one thread.
 */
#pragma once

#include "orchestrator/operations/context.h"

/* The tenant's row, its data key, and what hubs must hear. CONFLICT: there is one of this slug. */
bool tenant_make(OperationContext *context, Text slug, Text name, Text plan, Failure *reterr_failure) _must_check_;
/* Makes an account a member, or gives it another role; the directory hears of it. */
bool member_put(OperationContext *context, Uuid account_id, Role role, Failure *reterr_failure) _must_check_;
/* Ends a membership, unless it is the last owner's or of somebody who owns agents. */
bool member_end(OperationContext *context, Text jid, bool is_self, Json **ret_result,
                Failure *reterr_failure) _must_check_;
/* Who makes or changes an owner must be one; the last owner stays one. `role`: what the account is to be. */
bool member_check_owners(OperationContext *context, Uuid account_id, Role role, Failure *reterr_failure) _must_check_;
