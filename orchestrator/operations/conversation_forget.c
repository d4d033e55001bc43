#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/conversation.h"

static bool forget_conversations(OperationContext *context, const Input *input, Json **ret_result,
                                 Failure *reterr_failure) {
        (void) input;
        if (!conversation_begin_anew(context, CONVERSATION_ALL, reterr_failure))
                return false;
        *ret_result = conversation_record(context);
        json_put_integer(*ret_result, "remembered", 0);
        return true;
}

const Operation conversation_forget = {
        .name = "conversation-forget",
        .summary = "Makes an agent forget all that you ever told it, in every thread.",
        .example = "support.acme@agents.example.org",
        .role = ROLE_NONE,
        .chat = "forget",
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/agents/{agent}/conversation",
        .input = agent_input,
        .run = forget_conversations,
};
