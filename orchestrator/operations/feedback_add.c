#include "orchestrator/operations/agent.h"

#define REACTIONS 16

static const Field add_input[] = {
        { "id", FIELD_EXECUTION, REQUIRED, "The message whose answer is meant." },
        { "reactions", FIELD_LIST, OPTIONAL,
          "What you think of it, in place of what you said before; none takes it back.", .most = REACTIONS },
        { .type = FIELD_END },
};

/* An answer is judged by who asked for it. To others there is none. */
static bool find_person(OperationContext *context, Uuid *ret_person, Failure *reterr_failure) {
        if (context->domain.length > 0 && !keyring_person(context->operations->keyring, context->tenant_id,
                                                          context->caller->principal, ret_person, reterr_failure))
                return false;
        return (context->domain.length > 0 && uuid_equal(*ret_person, context->sender_id)) ||
               failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such execution of yours");
}

static bool keep(OperationContext *context, Uuid person, const Text *reactions, size_t count, Failure *reterr_failure) {
        Value message = value_uuid(context->execution_id), who = value_uuid(person);
        if (count == 0)
                return context_run(context, QUERY_FEEDBACK_REMOVE, VALUES(message, who), NULL, reterr_failure);
        return context_run(context, QUERY_FEEDBACK_PUT,
                           VALUES(message, who, value_uuid(context->agent.id), value_texts(reactions, count)), NULL,
                           reterr_failure);
}

static bool add_feedback(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Text *reactions;
        size_t count = input_list(input, "reactions", &reactions);
        Uuid person = { 0 };
        if (!find_person(context, &person, reterr_failure) || !keep(context, person, reactions, count, reterr_failure))
                return false;
        json_put_uuid(context->facts, "message", context->execution_id);
        json_put_integer(context->facts, "reactions", (int64_t) count);
        *ret_result = json_new_object();
        json_put_uuid(*ret_result, "id", context->execution_id);
        Json *kept = json_new_array();
        for (size_t i = 0; i < count; i++)
                json_append(kept, json_new_text(reactions[i]));
        json_put(*ret_result, "reactions", kept);
        return true;
}

const Operation feedback_add = {
        .name = "feedback-add",
        .summary = "Keeps what you think of an answer; a reaction in chat does the same.",
        .example = "0190b6b2-6f7e-7c3a-9d2e-3f5a1c7b9e01 --reactions \U0001F44D --tenant acme",
        .role = ROLE_NONE,
        .deleted_too = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/invocations/{id}/feedback",
        .input = add_input,
        .run = add_feedback,
};
