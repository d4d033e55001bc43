#include "orchestrator/operations/conversation.h"

static bool begin_conversation(OperationContext *context, const Input *input, Json **ret_result,
                               Failure *reterr_failure) {
        if (!conversation_begin_anew(context, conversation_of(input_text(input, "thread")), reterr_failure))
                return false;
        *ret_result = conversation_record(context);
        json_put_integer(*ret_result, "remembered", 0);
        return true;
}

const Operation conversation_new = {
        .name = "conversation-new",
        .summary = "Begins your conversation with an agent anew: what was said before is no longer remembered in it.",
        .example = "support.acme@agents.example.org",
        .role = ROLE_NONE,
        .chat = "new",
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/conversation/new",
        .input = conversation_input,
        .run = begin_conversation,
};
