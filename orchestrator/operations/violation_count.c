#include "orchestrator/operations/context.h"

#define RULES_MOST 1000

static const Field count_input[] = {
        { "agent", FIELD_AGENT, OPTIONAL, "Only this agent's." },
        { "since", FIELD_TIME, OPTIONAL, "Not older than this." },
        { .type = FIELD_END },
};

static Json *rule_item(const Rows *rows, size_t row) {
        Json *item = json_new_object();

        json_put_text_or_null(item, "agent", rows_text(rows, row, 0));
        json_put_text(item, "of", rows_text(rows, row, 1));
        json_put_integer(item, "rule", rows_integer(rows, row, 2));
        json_put_text(item, "kind", rows_text(rows, row, 3));
        json_put_text(item, "where", rows_text(rows, row, 4));
        json_put_text(item, "action", rows_text(rows, row, 5));
        json_put_integer(item, "messages", rows_integer(rows, row, 6));
        json_put_integer(item, "found", rows_integer(rows, row, 7));
        json_put_time(item, "last_at", rows_time(rows, row, 8));
        return item;
}

static bool count_violations(OperationContext *context, const Input *input, Json **ret_result,
                             Failure *reterr_failure) {
        const Rows *rows;

        if (!context_run(context, QUERY_VIOLATIONS_COUNTED,
                         VALUES(value_uuid_or_null(context->agent.id),
                                input_has(input, "since") ? value_time(input_integer(input, "since")) : value_null(),
                                value_integer(RULES_MOST)),
                         &rows, reterr_failure))
                return false;
        Json *data = json_new_array();
        for (size_t i = 0; i < rows_count(rows); i++)
                json_append(data, rule_item(rows, i));
        *ret_result = json_new_object();
        json_put(*ret_result, "data", data);
        return true;
}

const Operation violation_count = {
        .name = "violation-count",
        .summary = "Counts by rule what guardrails found in messages and answers.",
        .example = "--since 2026-01-01T00:00:00Z --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/violations/counts",
        .input = count_input,
        .columns = "agent where kind action rule of messages found last_at",
        .items = "violations",
        .run = count_violations,
};
