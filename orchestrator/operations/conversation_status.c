#include "orchestrator/operations/conversation.h"

static bool show_conversation(OperationContext *context, const Input *input, Json **ret_result,
                              Failure *reterr_failure) {
        int32_t conversation = conversation_of(input_text(input, "thread"));
        const Rows *rows;
        Uuid person;
        if (!conversation_person(context, &person, reterr_failure) ||
            !context_run(context, QUERY_CONVERSATION_STATUS,
                         VALUES(value_uuid(context->agent.id), value_uuid(person), value_integer(conversation),
                                value_uuid(context->caller->message_id)),
                         &rows, reterr_failure))
                return false;
        Json *result = *ret_result = conversation_record(context);
        json_put_text(result, "state", rows_text(rows, 0, 0));
        if (!rows_is_null(rows, 0, 1))
                json_put_text(result, "pause_reason", rows_text(rows, 0, 1));
        json_put_text(result, "model", rows_text(rows, 0, 2));
        json_put_boolean(result, "remembers", !rows_boolean(rows, 0, 3));
        json_put_integer(result, "waiting", rows_integer(rows, 0, 4));
        json_put_integer(result, "exchanges", rows_integer(rows, 0, 5));
        return true;
}

const Operation conversation_status = {
        .name = "conversation-status",
        .summary = "Shows how an agent is, what of yours it still has to answer, and how much it remembers.",
        .example = "support.acme@agents.example.org",
        .role = ROLE_NONE,
        .chat = "status",
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/agents/{agent}/conversation",
        .input = conversation_input,
        .run = show_conversation,
};
