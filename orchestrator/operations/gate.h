/* The gate's parts: who the caller is, what the input names, and the one rule of who may run what. For call.c, which
 * asks them for every operation, and offer.c, which asks beforehand; nothing else.
 *
 * Blocks; one thread.
 */
#pragma once

#include "orchestrator/operations/context.h"

/* Its facts are the caller's to free. */
OperationContext gate_context(Operations *operations, const Caller *caller, const Operation *operation, Arena *arena);
/* The caller's account, tenant and role. */
bool gate_find_caller(OperationContext *context, const Input *input, Failure *reterr_failure) _must_check_;
/* What the input names, in the context's transaction. */
bool gate_find_subject(OperationContext *context, const Input *input, Failure *reterr_failure) _must_check_;
/* owns: the agent in question is the caller's, or the message. */
bool gate_permits(const Operation *operation, Role role, bool owns) _const_;
bool gate_check_role(const OperationContext *context, Failure *reterr_failure) _must_check_;
