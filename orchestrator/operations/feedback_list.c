#include "orchestrator/operations/agent.h"

static const Field list_input[] = {
        { "agent", FIELD_AGENT, OPTIONAL, "Only this agent's." },
        { .type = FIELD_END },
};

static Json *feedback_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object(), *reactions = json_new_array();
        Text *list;
        size_t count = 0;
        if (rows_texts(rows, row, 2, context->arena, &list, &count))
                for (size_t i = 0; i < count; i++)
                        json_append(reactions, json_new_text(list[i]));
        json_put_uuid(item, "id", rows_uuid(rows, row, 0));
        json_put_text(item, "agent", rows_text(rows, row, 1));
        json_put(item, "reactions", reactions);
        json_put_time(item, "updated_at", rows_time(rows, row, 3));
        return item;
}

/* Whose agents: operators those they may see, everybody their own. */
static bool list_feedback(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;
        if (!list_after_id(input, &after, reterr_failure) ||
            !context_run(context, QUERY_FEEDBACK_LIST,
                         VALUES(value_uuid_or_null(context->agent.id), value_uuid(context->account_id),
                                value_boolean(context_sees_all(context)), after,
                                value_integer(input_integer(input, "limit") + 1),
                                value_boolean(context->role >= ROLE_OPERATOR)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, feedback_item, "id");
        return true;
}

const Operation feedback_list = {
        .name = "feedback-list",
        .summary = "Lists what people think of answers, newest first: of your own agents, and of others you operate.",
        .example = "--agent support --tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/feedback",
        .input = list_input,
        .shared = list_fields,
        .columns = "id agent reactions updated_at",
        .items = "feedback",
        .run = list_feedback,
};
