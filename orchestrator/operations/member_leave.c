#include "orchestrator/operations/tenant.h"

/* Platform admins are no members, save those who are: only a member can leave. */
static bool leave(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input;
        return member_end(context, context->caller->principal, true, ret_result, reterr_failure);
}

const Operation member_leave = {
        .name = "member-leave",
        .summary = "Ends your own membership in the tenant.",
        .example = "--tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/membership",
        .run = leave,
};
