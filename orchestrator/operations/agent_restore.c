#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/allowance.h"

static bool restore_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input;
        if (!agent_lock(context, reterr_failure))
                return false;
        if (context->agent.state != AGENT_DELETED)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "there is an agent of this name, and it is not deleted");
        if (!limit_check(context, LIMIT_AGENTS, 1, reterr_failure) ||
            !limit_check_provider(context, TEXT_NONE, reterr_failure))
                return false;
        return agent_end_with_state(context, AGENT_ACTIVE, TEXT_NONE, ret_result, reterr_failure);
}

const Operation agent_restore = {
        .name = "agent-restore",
        .summary = "Brings the last deleted agent of a name back, with its versions, grants and knowledge.",
        .example = "support --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .deleted_too = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/restore",
        .input = agent_input,
        .run = restore_agent,
};
