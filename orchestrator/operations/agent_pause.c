#include "orchestrator/operations/agent.h"

static const Field pause_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent to pause." },
        { "reason", FIELD_TEXT, OPTIONAL, "Shown to people who write to it.", .most = 500 },
        { .type = FIELD_END },
};

static bool pause_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        return agent_lock(context, reterr_failure) &&
               agent_end_with_state(context, AGENT_PAUSED, input_text(input, "reason"), ret_result, reterr_failure);
}

const Operation agent_pause = {
        .name = "agent-pause",
        .summary = "Stops an agent from answering until it is resumed.",
        .example = "support --reason 'Back at noon.' --tenant acme",
        .role = ROLE_OPERATOR,
        .own_agent = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/pause",
        .input = pause_input,
        .run = pause_agent,
};
