#include "orchestrator/operations/context.h"

static const Field list_input[] = {
        { "level", FIELD_CHOICE, OPTIONAL, "Only of this level.", .choices = "info|warning|error" },
        { "agent", FIELD_AGENT, OPTIONAL, "Only of this agent." },
        { "since", FIELD_TIME, OPTIONAL, "Not older than this." },
        { .type = FIELD_END },
};

static Json *line_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object(), *fields;
        (void) context;
        json_put_time(item, "at", rows_time(rows, row, 1));
        json_put_text(item, "level", rows_text(rows, row, 2));
        json_put_text_or_null(item, "agent", rows_text(rows, row, 5));
        json_put_text(item, "sentence", rows_text(rows, row, 3));
        json_put(item, "fields", json_parse(rows_text(rows, row, 6), 0, &fields, NULL) ? fields : json_new_null());
        json_put_text(item, "hub", rows_text(rows, row, 7));
        json_put_uuid(item, "id", rows_uuid(rows, row, 0));
        return item;
}

static bool list_log(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;
        if (!list_after_id(input, &after, reterr_failure) ||
            !context_run(context, QUERY_TENANT_LOG_PAGE,
                         VALUES(after, value_text_or_null(input_text(input, "level")),
                                input_has(input, "agent") ? value_uuid(context->agent.id) : value_null(),
                                input_has(input, "since") ? value_time(input_integer(input, "since")) : value_null(),
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, line_item, "id");
        return true;
}

const Operation log_list = {
        .name = "log-list",
        .summary = "Lists what happened to the tenant's agents that its people should know of, newest first: failures, "
                   "refusals, limits, violations.",
        .example = "--level error --tenant acme",
        .role = ROLE_OPERATOR,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/log",
        .input = list_input,
        .shared = list_fields,
        .columns = "at level agent sentence fields",
        .items = "lines of the log",
        .run = list_log,
};
