#include "orchestrator/operations/limit.h"

static const Field remove_input[] = {
        { "what", FIELD_CHOICE, REQUIRED, "What is limited, as limit-list names it.", .choices = LIMIT_NAMES },
        { .type = FIELD_END },
};

static bool remove_limit(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        LimitRow row;
        if (!limit_row(context, input, &row, reterr_failure) ||
            !context_run(context, QUERY_LIMIT_REMOVE,
                         VALUES(value_string(limit_subject_name(row.subject)), value_uuid_or_null(row.subject_id),
                                value_text_or_null(row.domain), value_string(limit_what_name(row.what)),
                                value_integer(row.window_us)),
                         &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such limit");
        Uuid id = rows_uuid(rows, 0, 0);
        DirectoryChange change = limit_row_change(context, &row, id, 0);
        change.gone = true;
        context_announce(context, change);
        json_put_uuid(context->facts, "limit", id);
        *ret_result = limit_row_json(&row);
        json_put_boolean(*ret_result, "removed", true);
        return true;
}

const Operation limit_remove = {
        .name = "limit-remove",
        .summary = "Takes a limit away: the one of the same subject, kind and window. The others, and the plan, still "
                   "hold.",
        .example = "messages --window 1h --agent support --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/limits",
        .input = remove_input,
        .shared = limit_fields,
        .run = remove_limit,
};
