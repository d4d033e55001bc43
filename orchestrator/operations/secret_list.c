#include "orchestrator/operations/context.h"

static Json *secret_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object();
        json_put_text(item, "name", rows_text(rows, row, 0));
        json_put_text_or_null(item, "host", rows_text(rows, row, 1));
        json_put_time(item, "created_at", rows_time(rows, row, 2));
        json_put_time(item, "rotated_at", rows_time(rows, row, 3));
        json_put_time(item, "last_used_at", rows_time(rows, row, 4));
        json_put_uuid(item, "id", rows_uuid(rows, row, 5));
        return item;
}

static bool list_secrets(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(
                    context, QUERY_SECRETS_LIST,
                    VALUES(value_text(input_text(input, "after")), value_integer(input_integer(input, "limit") + 1)),
                    &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, secret_item, "name");
        return true;
}

const Operation secret_list = {
        .name = "secret-list",
        .summary = "Lists a tenant's secrets by name, and when each was last used; values are shown to nobody.",
        .example = "--tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/secrets",
        .shared = list_fields,
        .columns = "name host created_at rotated_at last_used_at",
        .items = "secrets",
        .run = list_secrets,
};
