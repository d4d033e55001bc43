#include "orchestrator/operations/limit.h"

static Json *limit_item(OperationContext *context, const Rows *rows, size_t row) {
        LimitWhat what;
        Json *item = json_new_object();
        int64_t window_us = rows_integer(rows, row, 4);
        json_put_text(item, "id", rows_text(rows, row, 0));
        json_put_text(item, "subject", rows_text(rows, row, 1));
        json_put_text_or_null(item, "name", rows_text(rows, row, 2));
        json_put_text(item, "what", rows_text(rows, row, 3));
        json_put(item, "window_seconds", window_us ? json_new_integer(window_us / SECONDS) : json_new_null());
        json_put_integer(item, "amount", rows_integer(rows, row, 5));
        if (limit_what_from_name(rows_text(rows, row, 3), &what))
                limit_put_shown(item, context, what, window_us, rows_integer(rows, row, 5));
        json_put_time(item, "created_at", rows_time(rows, row, 6));
        return item;
}

static bool list_limits(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(
                    context, QUERY_LIMITS_LIST,
                    VALUES(value_text(input_text(input, "after")), value_integer(input_integer(input, "limit") + 1)),
                    &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, limit_item, "id");
        return true;
}

const Operation limit_list = {
        .name = "limit-list",
        .summary = "Lists the limits that were set: a tenant's, or without a tenant those of everybody, people and "
                   "domains. The plan's are in limit-usage, those of grants in grant-list.",
        .example = "--tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/limits",
        .shared = list_fields,
        .columns = "subject name what limit",
        .items = "limits",
        .run = list_limits,
};
