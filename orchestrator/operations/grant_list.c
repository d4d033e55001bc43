#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/limit.h"

/* For people: "10 messages per minute". */
static Json *limits_of(const OperationContext *context, Text rows) {
        _cleanup_(json_freep) Json *limits = NULL;
        Json *list = json_new_array();
        LimitWhat what;
        int64_t window_us, amount;
        char shown[LIMIT_TEXT_SIZE];
        if (rows.length == 0 || !json_parse(rows, SIZE_MAX, &limits, NULL))
                return list;
        for (size_t i = 0; i < json_count(limits); i++) {
                const Json *limit = json_item(limits, i);
                if (!limit_what_from_name(json_to_text(json_member(limit, "what")), &what) ||
                    !json_to_integer(json_member(limit, "window_us"), &window_us) ||
                    !json_to_integer(json_member(limit, "amount"), &amount))
                        continue;
                limit_show(context, what, window_us, amount, shown);
                json_append(list, json_new_text(text_of(shown)));
        }
        return list;
}

static Json *grant_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object();
        json_put_text(item, "who", rows_text(rows, row, 0));
        json_put_text(item, "kind", rows_text(rows, row, 1));
        json_put_boolean(item, "read_bodies", rows_boolean(rows, row, 2));
        json_put_time(item, "not_before", rows_time(rows, row, 3));
        json_put_time(item, "expires", rows_time(rows, row, 4));
        json_put(item, "messages_per_minute",
                 rows_is_null(rows, row, 6) ? json_new_null() : json_new_integer(rows_integer(rows, row, 6)));
        json_put(item, "limits", limits_of(context, rows_text(rows, row, 7)));
        json_put_time(item, "created_at", rows_time(rows, row, 5));
        return item;
}

static bool list_grants(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_GRANTS_LIST,
                         VALUES(value_uuid(context->agent.id), value_text(input_text(input, "after")),
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, grant_item, "who");
        return true;
}

const Operation grant_list = {
        .name = "grant-list",
        .summary = "Lists who may talk to a shared agent.",
        .example = "support --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/agents/{agent}/grants",
        .input = agent_input,
        .shared = list_fields,
        .columns = "who kind read_bodies limits expires",
        .items = "grants",
        .run = list_grants,
};
