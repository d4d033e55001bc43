#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field list_input[] = {
        { "state", FIELD_CHOICE, OPTIONAL, "Those there are, or deleted ones that can still be restored.",
          .choices = "present|deleted", .fallback = "present" },
        { .type = FIELD_END },
};

static Json *tenant_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object();
        json_put_text(item, "slug", rows_text(rows, row, 1));
        json_put_text(item, "name", rows_text(rows, row, 2));
        json_put_text(item, "plan", rows_text(rows, row, 3));
        json_put_text(item, "state", rows_text(rows, row, 4));
        json_put_text_or_null(item, "role", rows_text(rows, row, 6));
        json_put_uuid(item, "id", rows_uuid(rows, row, 0));
        json_put_time(item, "created_at", rows_time(rows, row, 5));
        return item;
}

/* A platform admin sees all, everybody else those they are a member of. */
static bool list_tenants(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!context_ask_directory(
                    context, QUERY_TENANTS_LIST,
                    VALUES(context->role == ROLE_PLATFORM ? value_null() : value_uuid(context->account_id),
                           value_text(input_text(input, "after")), value_integer(input_integer(input, "limit") + 1),
                           value_boolean(text_equal(input_text(input, "state"), TEXT("deleted")))),
                    &transaction, &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, tenant_item, "slug");
        return true;
}

const Operation tenant_list = {
        .name = "tenant-list",
        .summary = "Lists the tenants you are a member of; a platform admin sees all.",
        .role = ROLE_NONE,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/workspaces",
        .input = list_input,
        .shared = list_fields,
        .columns = "slug name plan state role",
        .items = "tenants",
        .run = list_tenants,
};
