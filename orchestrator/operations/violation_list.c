#include "orchestrator/operations/context.h"

#define KINDS "mail|phone|card|key|words|pattern|length|language|leak|max_output"

static const Field list_input[] = {
        { "agent", FIELD_AGENT, OPTIONAL, "Only this agent's." },
        { "kind", FIELD_CHOICE, OPTIONAL, "Only of this kind of rule.", .choices = KINDS },
        { "action", FIELD_CHOICE, OPTIONAL, "Only where this was done.",
          .choices = "pass|redact|warn|block|unchecked" },
        { "where", FIELD_CHOICE, OPTIONAL, "Only in messages, or only in answers.", .choices = "input|output" },
        { "since", FIELD_TIME, OPTIONAL, "Not older than this." },
        { .type = FIELD_END },
};

static Json *violation_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object(), *facts = NULL;
        static const char *const names[] = { "of", "rule", "kind", "where", "action", "count" };

        (void) context;
        if (!json_parse(rows_text(rows, row, 5), 0, &facts, NULL))
                facts = json_new_object();
        json_put_time(item, "at", rows_time(rows, row, 1));
        json_put_text_or_null(item, "agent", rows_text(rows, row, 2));
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                const Json *value = json_member(facts, names[i]);
                json_put(item, names[i], value ? json_clone(value) : json_new_null());
        }
        json_put_uuid(item, "message", rows_uuid(rows, row, 3));
        json_put_uuid(item, "person", rows_uuid(rows, row, 4));
        json_put_text(item, "cursor", rows_text(rows, row, 0));
        json_free(facts);
        return item;
}

static bool list_violations(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;

        if (!list_after_record(input, &after, reterr_failure) ||
            !context_run(context, QUERY_VIOLATIONS_LIST,
                         VALUES(after, value_uuid_or_null(context->agent.id),
                                value_text_or_null(input_text(input, "kind")),
                                value_text_or_null(input_text(input, "action")),
                                value_text_or_null(input_text(input, "where")),
                                input_has(input, "since") ? value_time(input_integer(input, "since")) : value_null(),
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, violation_item, "cursor");
        return true;
}

const Operation violation_list = {
        .name = "violation-list",
        .summary = "Lists what guardrails found in messages and answers, and what they could not check, newest first; "
                   "never the text itself.",
        .example = "--agent support --action block --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/violations",
        .input = list_input,
        .shared = list_fields,
        .columns = "at agent where kind action rule of count",
        .items = "violations",
        .run = list_violations,
};
