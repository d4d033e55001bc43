#include "orchestrator/operations/agent.h"

static bool resume_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input;
        return agent_lock(context, reterr_failure) &&
               agent_end_with_state(context, AGENT_ACTIVE, TEXT_NONE, ret_result, reterr_failure);
}

const Operation agent_resume = {
        .name = "agent-resume",
        .summary = "Lets a paused agent answer again.",
        .example = "support --tenant acme",
        .role = ROLE_OPERATOR,
        .own_agent = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/resume",
        .input = agent_input,
        .run = resume_agent,
};
