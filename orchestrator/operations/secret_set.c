#include "orchestrator/operations/context.h"
#include "orchestrator/operations/secret.h"

static const Field set_input[] = {
        { "name", FIELD_NAME, REQUIRED, "What it is called where it is used." },
        { "value", FIELD_SECRET, REQUIRED, "The secret. Sealed; nobody reads it again." },
        { "host", FIELD_TEXT, OPTIONAL, "The only host it is sent to; the installation's own provider when absent.",
          .most = 255 },
        { .type = FIELD_END },
};

static bool set_secret(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Uuid id = context_id(context);
        Text sealed, name = input_text(input, "name"), host = input_text(input, "host");
        const Rows *rows;
        SecretPlace room;
        int key_id;
        if (memchr(host.bytes ? host.bytes : "", '/', host.length))
                return failure_set(reterr_failure, FAILURE_INVALID, "'host' is a name such as api.example.com, no URL");
        if (!context_run(context, QUERY_SECRET_FIND, VALUES(value_text(name)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) > 0)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "there is a secret of this name: secret-rotate gives it another value");
        if (!keyring_seal(context->operations->keyring, context->tenant_id, secret_place(id, 1, &room),
                          input_text(input, "value"), context->arena, &sealed, &key_id, reterr_failure) ||
            !context_run(context, QUERY_SECRET_ADD,
                         VALUES(value_uuid(id), value_text(name), value_text_or_null(host), value_bytes(sealed),
                                value_integer(key_id), value_integer(SECRETS_MOST),
                                value_uuid_or_null(context->account_id)),
                         &rows, reterr_failure))
                return false;
        if (rows_changed(rows) == 0)
                return failure_set(reterr_failure, FAILURE_LIMIT, "a tenant has at most %d secrets: remove one",
                                   SECRETS_MOST);
        json_put_uuid(context->facts, "secret", id);
        *ret_result = json_new_object();
        json_put_text(*ret_result, "name", name);
        json_put_text_or_null(*ret_result, "host", host);
        return true;
}

const Operation secret_set = {
        .name = "secret-set",
        .summary = "Keeps a secret of the tenant, such as its own provider's key, for agents to use by name.",
        .example = "mistral --host api.mistral.ai --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/secrets",
        .input = set_input,
        .run = set_secret,
};
