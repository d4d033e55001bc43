#include "orchestrator/operations/context.h"

static Json *invite_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object();
        json_put_uuid(item, "id", rows_uuid(rows, row, 0));
        json_put_text(item, "for", rows_is_null(rows, row, 1) ? TEXT("workspace") : rows_text(rows, row, 1));
        json_put_text_or_null(item, "jid", rows_text(rows, row, 2));
        json_put_integer(item, "uses", rows_integer(rows, row, 3));
        json_put_integer(item, "used", rows_integer(rows, row, 4));
        json_put_text(item, "state", rows_text(rows, row, 8));
        json_put_text_or_null(item, "created_by", rows_text(rows, row, 5));
        json_put_time(item, "created_at", rows_time(rows, row, 6));
        json_put_time(item, "expires_at", rows_time(rows, row, 7));
        return item;
}

static bool list_invites(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;
        if (!list_after_id(input, &after, reterr_failure) ||
            !context_run(context, QUERY_INVITES_LIST, VALUES(after, value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, invite_item, "id");
        return true;
}

const Operation invite_list = {
        .name = "invite-list",
        .summary = "Lists the tenant's invitations, without their codes.",
        .example = "--tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/invites",
        .shared = list_fields,
        .columns = "id for jid state expires_at",
        .items = "invitations",
        .run = list_invites,
};
