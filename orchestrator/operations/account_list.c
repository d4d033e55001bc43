#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field list_input[] = {
        { "state", FIELD_CHOICE, OPTIONAL, "Only these.", .choices = "active|suspended" },
        { .type = FIELD_END },
};

static Json *account_item(OperationContext *context, const Rows *rows, size_t row) {
        (void) context;
        Json *item = json_new_object();
        json_put_text(item, "jid", rows_text(rows, row, 0));
        json_put_text_or_null(item, "name", rows_text(rows, row, 1));
        json_put_text(item, "state", rows_text(rows, row, 2));
        json_put_time(item, "created_at", rows_time(rows, row, 3));
        return item;
}

static bool list_accounts(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!context_ask_directory(context, QUERY_ACCOUNTS_LIST,
                                   VALUES(value_text(input_text(input, "after")),
                                          value_text_or_null(input_text(input, "state")),
                                          value_integer(input_integer(input, "limit") + 1)),
                                   &transaction, &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, account_item, "jid");
        return true;
}

const Operation account_list = {
        .name = "account-list",
        .summary = "Lists the installation's accounts.",
        .example = "--state suspended",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/accounts",
        .input = list_input,
        .shared = list_fields,
        .columns = "jid name state created_at",
        .items = "accounts",
        .run = list_accounts,
};
