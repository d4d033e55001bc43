#include "orchestrator/operations/conversation.h"

const Field conversation_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent you talk to." },
        { "thread", FIELD_TEXT, OPTIONAL, "A thread of the chat; when absent, the chat outside of threads." },
        { .type = FIELD_END },
};

bool conversation_person(OperationContext *context, Uuid *ret_person, Failure *reterr_failure) {
        return keyring_person(context->operations->keyring, context->tenant_id, context->caller->principal, ret_person,
                              reterr_failure);
}

bool conversation_begin_anew(OperationContext *context, int32_t conversation, Failure *reterr_failure) {
        Uuid person, after = context->caller->message_id;
        if (uuid_is_zero(after))
                after = context_id(context);
        return conversation_person(context, &person, reterr_failure) &&
               context_run(context, QUERY_CONVERSATION_START,
                           VALUES(value_uuid(context->agent.id), value_uuid(person), value_integer(conversation),
                                  value_uuid(after)),
                           NULL, reterr_failure);
}

Json *conversation_record(OperationContext *context) {
        Json *result = json_new_object();
        json_put_text(result, "agent", agent_address(context, context->agent.name));
        return result;
}
