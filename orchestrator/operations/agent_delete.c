#include "orchestrator/operations/agent.h"

static bool delete_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input;
        context->severity = TEXT("warning");
        return agent_lock(context, reterr_failure) &&
               context_run(context, QUERY_SUBSCRIPTIONS_END, VALUES(value_uuid(context->agent.id)), NULL,
                           reterr_failure) &&
               agent_end_with_state(context, AGENT_DELETED, TEXT_NONE, ret_result, reterr_failure);
}

const Operation agent_delete = {
        .name = "agent-delete",
        .summary = "Deletes an agent; its name becomes free, and as long as it stays free it can be restored.",
        .example = "support --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/agents/{agent}",
        .input = agent_input,
        .run = delete_agent,
};
