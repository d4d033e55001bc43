#include "orchestrator/operations/agent.h"

static const Field cancel_input[] = {
        { "id", FIELD_EXECUTION, REQUIRED, "The message's id." },
        { .type = FIELD_END },
};

/* The hub writes the request to the journal, and ends a turn that runs. */
static bool cancel_execution(OperationContext *context, const Input *input, Json **ret_result,
                             Failure *reterr_failure) {
        (void) input;
        Hub *hub = context->operations->hub;
        if (!hub->cancel(hub, context->tenant_id, context->execution_id, context->caller->principal, reterr_failure))
                return false;
        json_put_uuid(context->facts, "message", context->execution_id);
        *ret_result = json_new_object();
        json_put_uuid(*ret_result, "id", context->execution_id);
        json_put_boolean(*ret_result, "cancel_requested", true);
        return true;
}

const Operation execution_cancel = {
        .name = "execution-cancel",
        .summary = "Ends a message that is not answered yet; its sender is told.",
        .example = "0190b6b2-6f7e-7c3a-9d2e-3f5a1c7b9e01 --tenant acme",
        .role = ROLE_OPERATOR,
        .own_agent = true,
        .deleted_too = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/invocations/{id}/cancel",
        .input = cancel_input,
        .run = cancel_execution,
};
