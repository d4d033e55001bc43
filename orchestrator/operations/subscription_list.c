#include "orchestrator/operations/agent.h"

static Json *subscription_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object();
        json_put_text(item, "who", rows_text(rows, row, 0));
        json_put_text(item, "at", rows_text(rows, row, 1));
        json_put_time(item, "since", rows_time(rows, row, 2));
        return item;
}

static bool list_subscriptions(OperationContext *context, const Input *input, Json **ret_result,
                               Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_SUBSCRIPTIONS_LIST,
                         VALUES(value_uuid(context->agent.id), value_text(input_text(input, "after")),
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, subscription_item, "who");
        return true;
}

const Operation subscription_list = {
        .name = "subscription-list",
        .summary = "Lists who is subscribed to an agent's presence.",
        .example = "support --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/agents/{agent}/subscriptions",
        .input = agent_input,
        .shared = list_fields,
        .columns = "who at since",
        .items = "subscriptions",
        .run = list_subscriptions,
};
