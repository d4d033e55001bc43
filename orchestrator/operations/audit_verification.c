#include "orchestrator/operations/context.h"
#include "store/verify.h"

/* A broken chain is a failure, so that a script hears of it too. */
static bool verify_audit(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        AuditVerdict verdict;
        (void) input;
        if (!audit_verify(context->operations->database, context->tenant_id, &verdict, reterr_failure))
                return false;
        json_put_integer(context->facts, "records", verdict.rows);
        if (verdict.broken)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "the audit was altered: the chain of hub %s breaks at record %lld", verdict.hub,
                                   (long long) verdict.position);
        Json *result = *ret_result = json_new_object();
        json_put_boolean(result, "intact", true);
        json_put_integer(result, "records", verdict.rows);
        json_put_integer(result, "chains", verdict.chains);
        return true;
}

const Operation audit_verification = {
        .name = "audit-verify",
        .summary = "Computes the audit's chains again, and names the first record that was altered or is missing.",
        .example = "--tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/audit/verification",
        .run = verify_audit,
};
