/* What a policy may say, in a version and for a tenant, and what the operations about it share. Only for files of this
 * folder.
 */
#pragma once

#include "orchestrator/operations/context.h"

/* Every field is kept as it was given; one that is empty says nothing. */
#define POLICY_FIELDS                                                                                                  \
        { "allowed_models", FIELD_LIST, OPTIONAL,                                                                      \
          "Models that may answer, such as openai/gpt-4o or openai/*; any when empty.", .most = 64 },                  \
                { "sender_domains", FIELD_LIST, OPTIONAL,                                                              \
                  "Whose people may write: example.org, *.example.org; anybody's when empty.", .most = 64 },           \
                { "hours", FIELD_TEXT, OPTIONAL,                                                                       \
                  "When it answers, in the tenant's zone: mon-fri 08:00-18:00, sat 10:00-12:00.", .most = 400 },       \
                { "max_output", FIELD_INTEGER, OPTIONAL,                                                               \
                  "The longest answer, in bytes; what is more is cut off; 0 takes the bound away.", .most = 1048576 }, \
                { "guardrails", FIELD_LONG_TEXT, OPTIONAL,                                                             \
                  "Rules, one a line: input|output|both pass|redact|warn|block KIND …, as in 'input redact mail'; "  \
                  "see docs/policies.md.",                                                                             \
                  .most = 16000 },                                                                                     \
        {                                                                                                              \
                "approval_tools", FIELD_LIST, OPTIONAL,                                                                \
                        "Tools that need an approval. Nobody can give one yet: they are refused.", .most = 64          \
        }

extern const Field policy_fields[];

/* Puts what a document says of policy_fields into another; what it does not say stands there empty. */
void policy_put(Json *result, const Json *document);

/* The tenant's. */
typedef struct TenantPolicyRow {
        Text zone, text; /* text: JSON; empty = it has none */
        Text hash;       /* bytes */
        int64_t updated_us;
} TenantPolicyRow;
bool policy_of_tenant(OperationContext *context, TenantPolicyRow *ret_row, Failure *reterr_failure) _must_check_;

/* Refuses, by field, what is not written as it has to be. */
bool policy_check(const Json *document, Arena *arena, Failure *reterr_failure) _must_check_;
/* Refuses a version whose model its own policy or the tenant's does not allow. */
bool policy_check_model(OperationContext *context, const Json *version, Failure *reterr_failure) _must_check_;
