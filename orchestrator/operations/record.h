/* The record of operations: rows of operation_log. One written by an operation's own transaction makes it idempotent
 * and holds the facts for the audit; refusals and reads are written too, the first and then one a minute of each kind
 * from each caller, with their count. The hub thread chains the rows; nothing here computes audit hashes.
 *
 * Part of the gate; blocks.
 */
#pragma once

#include "orchestrator/operations/context.h"

typedef struct OperationRequest {
        Text key;    /* unique in the tenant: by whom and under which key, or the id when there is none */
        bool named;  /* the caller gave a key */
        Hash digest; /* of operation and input */
        Uuid id;
} OperationRequest;

bool record_request(OperationContext *context, const Input *input, OperationRequest *ret_request,
                    Failure *reterr_failure) _must_check_;
/* Whether the same request has been done: its result again. FAILURE_CONFLICT when the key was used for another one.
 * Holds the key until the transaction ends. */
bool record_find(OperationContext *context, const OperationRequest *request, bool *ret_stored, Json **ret_result,
                 Failure *reterr_failure) _must_check_;
bool record_success(OperationContext *context, const OperationRequest *request, const Json *result,
                    Failure *reterr_failure) _must_check_;
/* A further row in another tenant that it concerned, in a transaction that acts for it. */
bool record_elsewhere(OperationContext *context, Transaction *transaction, Uuid tenant_id, Json *facts,
                      Failure *reterr_failure) _must_check_;
/* In a transaction of its own, after the operation's was undone. What fails here is only logged. */
void record_refusal(OperationContext *context, const Failure *failure);
