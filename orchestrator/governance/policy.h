/* A policy as a turn keeps it: guardrails, how long an answer may be, and which tools wait for an approval. Made of the
 * policy's JSON, of which gate.h takes the part that is decided before. A turn has two, the tenant's and the agent's,
 * and keeps both: so an agent can only narrow what its tenant allows.
 *
 * Immutable once made. Any thread; never blocks.
 */
#pragma once

#include "base/crypto.h"
#include "orchestrator/governance/guardrails/guardrails.h"

typedef struct Policy {
        Arena *arena; /* holds the policy */
        Hash hash;
        Guardrails *guardrails; /* NULL = none */
        int64_t max_output;     /* bytes of an answer; 0 = any */
        Text *approval_tools;
        size_t approval_tool_count;
} Policy;

/* Of an object, or of nothing. FAILURE_INVALID says what is wrong with it. */
bool policy_new(Text document, Policy **ret_policy, Failure *reterr_failure) _must_check_;
void policy_free(Policy *policy);
DEFINE_RELEASE(Policy *, policy_free)
bool policy_wants_approval(const Policy *policy, Text tool);

/* What is stamped on an execution: the version's hash; where the tenant has a policy, SHA-256 over the canonical JSON
 * (RFC 8785) of {"tenant": …, "version": …}, both in hexadecimal. */
Hash policy_stamp(const Hash *version, const Policy *tenant);
