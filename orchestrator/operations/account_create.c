#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field create_input[] = {
        { "jid", FIELD_JID, REQUIRED, "The person's address; its password is the XMPP server's business." },
        { "name", FIELD_TEXT, OPTIONAL, "Name shown to people.", .most = 200 },
        { "email", FIELD_TEXT, OPTIONAL, "E-mail address.", .most = 254 },
        { .type = FIELD_END },
};

static bool create_account(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text jid = input_text(input, "jid");
        Uuid id = context_id(context);
        if (!context_run(context, QUERY_ACCOUNT_ADD,
                         VALUES(value_uuid(id), value_text(jid), value_text_or_null(input_text(input, "name")),
                                value_text_or_null(input_text(input, "email"))),
                         NULL, reterr_failure)) {
                if (reterr_failure->kind == FAILURE_CONFLICT)
                        failure_set(reterr_failure, FAILURE_CONFLICT, "there is an account of this address already");
                return false;
        }
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_ACCOUNT, .id = id, .name = jid });
        json_put_uuid(context->facts, "account", id);
        *ret_result = json_new_object();
        json_put_uuid(*ret_result, "id", id);
        json_put_text(*ret_result, "jid", jid);
        json_put_string(*ret_result, "state", "active");
        return true;
}

const Operation account_create = {
        .name = "account-create",
        .summary = "Makes a person known to the installation.",
        .example = "alice@example.org --name Alice",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/accounts",
        .input = create_input,
        .run = create_account,
};
