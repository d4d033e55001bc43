#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static Json *member_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object();
        json_put_text(item, "jid", rows_text(rows, row, 0));
        json_put_text(item, "role", rows_text(rows, row, 1));
        json_put_text(item, "state", rows_text(rows, row, 2));
        json_put_time(item, "since", rows_time(rows, row, 3));
        return item;
}

static bool list_members(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(
                    context, QUERY_MEMBERS_LIST,
                    VALUES(value_text(input_text(input, "after")), value_integer(input_integer(input, "limit") + 1)),
                    &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, member_item, "jid");
        return true;
}

const Operation member_list = {
        .name = "member-list",
        .summary = "Lists the tenant's members.",
        .example = "--tenant acme",
        .role = ROLE_VIEWER,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/members",
        .shared = list_fields,
        .columns = "jid role state since",
        .items = "members",
        .run = list_members,
};
