#include "orchestrator/operations/account.h"
#include "orchestrator/operations/catalogue.h"

static const Field suspend_input[] = {
        { "jid", FIELD_JID, REQUIRED, "The account." },
        { "reason", FIELD_TEXT, OPTIONAL, "Why, for other admins.", .most = 500 },
        { .type = FIELD_END },
};

bool account_set_state(OperationContext *context, Text jid, bool suspended, Text reason, Json **ret_result,
                       Failure *reterr_failure) {
        if (!account_result(context, jid, ret_result, reterr_failure))
                return false;
        const char *state = suspended ? "suspended" : "active";
        Uuid id;
        if (!uuid_parse(json_to_text(json_member(*ret_result, "id")), &id) ||
            !context_run(context, QUERY_ACCOUNT_STATE,
                         VALUES(value_uuid(id), value_string(state), value_text_or_null(reason)), NULL, reterr_failure))
                return false;
        json_put_string(*ret_result, "state", state);
        json_put_text_or_null(*ret_result, "reason", reason);
        json_put_uuid(context->facts, "account", id);
        context_announce(context,
                         (DirectoryChange){ .kind = DIRECTORY_ACCOUNT, .id = id, .name = jid, .suspended = suspended });
        return true;
}

static bool suspend_account(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        context->severity = TEXT("warning");
        return account_set_state(context, input_text(input, "jid"), true, input_text(input, "reason"), ret_result,
                                 reterr_failure);
}

const Operation account_suspend = {
        .name = "account-suspend",
        .summary = "Shuts a person out: to every agent they are a stranger, until resumed.",
        .example = "mallory@example.org --reason 'complaints'",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/accounts/{jid}/suspend",
        .input = suspend_input,
        .run = suspend_account,
};
