#include "orchestrator/operations/account.h"
#include "orchestrator/operations/catalogue.h"

const Field account_input[] = {
        { "jid", FIELD_JID, REQUIRED, "The account." },
        { .type = FIELD_END },
};

static Json *memberships(const Rows *rows) {
        Json *list = json_new_array();
        for (size_t row = 0; row < rows_count(rows); row++) {
                Json *item = json_new_object();
                json_put_text(item, "tenant", rows_text(rows, row, 0));
                json_put_text(item, "role", rows_text(rows, row, 1));
                json_append(list, item);
        }
        return list;
}

bool account_result(OperationContext *context, Text jid, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows, *tenants;
        if (!context_ask_directory(context, QUERY_ACCOUNT_FIND, VALUES(value_text(jid)), &transaction, &rows,
                                   reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such account");
        if (!transaction_run(transaction, QUERY_ACCOUNT_TENANTS, VALUES(value_uuid(rows_uuid(rows, 0, 0))), &tenants,
                             reterr_failure))
                return false;
        Json *account = *ret_result = json_new_object();
        json_put_uuid(account, "id", rows_uuid(rows, 0, 0));
        json_put_text(account, "jid", rows_text(rows, 0, 1));
        json_put_text_or_null(account, "name", rows_text(rows, 0, 2));
        json_put_text_or_null(account, "email", rows_text(rows, 0, 3));
        json_put_text(account, "state", rows_text(rows, 0, 4));
        json_put_text_or_null(account, "reason", rows_text(rows, 0, 5));
        json_put(account, "tenants", memberships(tenants));
        json_put_time(account, "created_at", rows_time(rows, 0, 6));
        json_put_time(account, "updated_at", rows_time(rows, 0, 7));
        return true;
}

static bool show_account(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        return account_result(context, input_text(input, "jid"), ret_result, reterr_failure);
}

const Operation account_show = {
        .name = "account-show",
        .summary = "Shows an account and the tenants it is a member of.",
        .example = "alice@example.org",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/accounts/{jid}",
        .input = account_input,
        .run = show_account,
};
