#include "orchestrator/operations/context.h"

static const Field list_input[] = {
        { "type", FIELD_TEXT, OPTIONAL,
          "Only records of this type, or of those that begin so: message., operation.agent-.", .most = 100 },
        { "severity", FIELD_CHOICE, OPTIONAL, "Only these.", .choices = "info|warning|critical" },
        { "since", FIELD_TIME, OPTIONAL, "Not older than this." },
        { .type = FIELD_END },
};

static Json *record_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object(), *facts;
        json_put_time(item, "at", rows_time(rows, row, 1));
        json_put_text(item, "type", rows_text(rows, row, 3));
        json_put_text(item, "severity", rows_text(rows, row, 4));
        json_put_uuid(item, "message", rows_uuid(rows, row, 5));
        json_put_uuid(item, "agent", rows_uuid(rows, row, 6));
        json_put_uuid(item, "person", rows_uuid(rows, row, 7));
        json_put(item, "facts", json_parse(rows_text(rows, row, 8), 0, &facts, NULL) ? facts : json_new_null());
        json_put_text(item, "hub", rows_text(rows, row, 2));
        json_put_integer(item, "position", rows_integer(rows, row, 9));
        json_put_text(item, "cursor", rows_text(rows, row, 0));
        return item;
}

static bool list_audit(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;
        if (!list_after_record(input, &after, reterr_failure) ||
            !context_run(context, QUERY_AUDIT_PAGE,
                         VALUES(after, value_text_or_null(input_text(input, "type")),
                                input_has(input, "since") ? value_time(input_integer(input, "since")) : value_null(),
                                value_text_or_null(input_text(input, "severity")),
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, record_item, "cursor");
        return true;
}

const Operation audit_list = {
        .name = "audit-list",
        .summary = "Lists what was decided and done, newest first; people stand in it as ids.",
        .example = "--type message.refused --since 2026-01-01T00:00:00Z --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/audit",
        .input = list_input,
        .shared = list_fields,
        .columns = "at type severity hub position facts",
        .items = "records",
        .run = list_audit,
};
