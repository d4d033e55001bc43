/* What the operations on one agent share: its input, its state's changes, and the short result they end with.
 *
 * Blocks; one thread.
 */
#pragma once

#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

extern const Field agent_input[]; /* agent */

/* {"name", "jid", "state", "version"} of the agent as the transaction sees it. */
bool agent_result(OperationContext *context, Uuid agent_id, Json **ret_result, Failure *reterr_failure) _must_check_;
/* Locks the row, so that two operations on one agent follow each other. */
bool agent_lock(OperationContext *context, Failure *reterr_failure) _must_check_;
/* Changes state, tells the directory, and ends with the result. */
bool agent_end_with_state(OperationContext *context, AgentState state, Text reason, Json **ret_result,
                          Failure *reterr_failure) _must_check_;
/* Whether the caller reads what was written to the agent, or as its prompt, at that time: the owner, and those the
 * owner lets by a grant. */
bool agent_may_read(OperationContext *context, int64_t written_us, bool *ret_may, Failure *reterr_failure) _must_check_;
/* The member who is to own an agent: the one named, by admins or by whom it belongs to; else the caller, else (a
 * platform admin) the tenant's first owner. */
bool agent_find_owner(OperationContext *context, Text jid, Uuid *ret_owner_id, Failure *reterr_failure) _must_check_;
