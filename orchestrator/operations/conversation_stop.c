#include "orchestrator/operations/conversation.h"

static bool stop_conversation(OperationContext *context, const Input *input, Json **ret_result,
                              Failure *reterr_failure) {
        int32_t conversation = conversation_of(input_text(input, "thread"));
        Hub *hub = context->operations->hub;
        const Rows *rows;
        Uuid person;
        if (!conversation_person(context, &person, reterr_failure) ||
            !context_run(context, QUERY_CONVERSATION_OPEN,
                         VALUES(value_uuid(context->agent.id), value_uuid(person), value_integer(conversation),
                                value_uuid(context->caller->message_id)),
                         &rows, reterr_failure))
                return false;
        for (size_t i = 0; i < rows_count(rows); i++)
                if (!hub->cancel(hub, context->tenant_id, rows_uuid(rows, i, 0), context->caller->principal,
                                 reterr_failure))
                        return false;
        *ret_result = conversation_record(context);
        json_put_integer(*ret_result, "stopped", (int64_t) rows_count(rows));
        return true;
}

const Operation conversation_stop = {
        .name = "conversation-stop",
        .summary = "Stops what an agent is answering you; what there is of the answer is kept.",
        .example = "support.acme@agents.example.org",
        .role = ROLE_NONE,
        .chat = "stop",
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/conversation/stop",
        .input = conversation_input,
        .run = stop_conversation,
};
