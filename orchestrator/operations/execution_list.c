#include "orchestrator/operations/agent.h"

static const Field list_input[] = {
        { "agent", FIELD_AGENT, OPTIONAL, "Only this agent's." },
        { "status", FIELD_CHOICE, OPTIONAL, "Only these.",
          .choices = "pending|success|error|refused|cancelled|parked" },
        { .type = FIELD_END },
};

static Json *execution_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object();
        json_put_uuid(item, "id", rows_uuid(rows, row, 0));
        json_put_text(item, "agent", rows_text(rows, row, 1));
        json_put_text(item, "status", rows_text(rows, row, 2));
        json_put_text_or_null(item, "reason", rows_text(rows, row, 3));
        json_put_time(item, "created_at", rows_time(rows, row, 4));
        json_put_time(item, "concluded_at", rows_time(rows, row, 5));
        json_put(item, "total_ms",
                 rows_is_null(rows, row, 6) ? json_new_null() : json_new_real(rows_real(rows, row, 6)));
        json_put_integer(item, "tokens", rows_integer(rows, row, 7));
        json_put_integer(item, "cost_nano", rows_integer(rows, row, 8));
        json_put_text_or_null(item, "worker", rows_text(rows, row, 9));
        return item;
}

/* Whose agents: operators those they may see, everybody their own. */
static bool list_executions(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;
        if (!list_after_id(input, &after, reterr_failure) ||
            !context_run(context, QUERY_EXECUTIONS_LIST,
                         VALUES(value_uuid_or_null(context->agent.id), value_uuid(context->account_id),
                                value_boolean(context_sees_all(context)), after,
                                value_integer(input_integer(input, "limit") + 1),
                                value_text_or_null(input_text(input, "status")),
                                value_boolean(context->role >= ROLE_OPERATOR)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, execution_item, "id");
        return true;
}

const Operation execution_list = {
        .name = "execution-list",
        .summary = "Lists messages and how they ended, newest first: of your own agents, and of others you operate.",
        .example = "--status error --tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/invocations",
        .input = list_input,
        .shared = list_fields,
        .columns = "id agent status reason created_at tokens",
        .items = "messages",
        .run = list_executions,
};
