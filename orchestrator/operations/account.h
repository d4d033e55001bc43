/* What the operations on one account share: finding it, showing it, and its two states.
 *
 * Blocks; one thread.
 */
#pragma once

#include "orchestrator/operations/context.h"

extern const Field account_input[]; /* jid */

/* The account as account-show shows it. */
bool account_result(OperationContext *context, Text jid, Json **ret_result, Failure *reterr_failure) _must_check_;
/* Sets its state in the transaction; the directory hears of it. */
bool account_set_state(OperationContext *context, Text jid, bool suspended, Text reason, Json **ret_result,
                       Failure *reterr_failure) _must_check_;
