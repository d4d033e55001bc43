#include "orchestrator/operations/context.h"
#include "orchestrator/operations/secret.h"

static const Field rotate_input[] = {
        { "name", FIELD_NAME, REQUIRED, "The secret." },
        { "value", FIELD_SECRET, REQUIRED, "Its new value; the one before is gone." },
        { .type = FIELD_END },
};

static bool rotate_secret(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text sealed, name = input_text(input, "name");
        const Rows *rows;
        SecretPlace room;
        int key_id;
        if (!context_run(context, QUERY_SECRET_FIND, VALUES(value_text(name)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such secret");
        Uuid id = rows_uuid(rows, 0, 0);
        int64_t number = rows_integer(rows, 0, 1) + 1;
        if (!keyring_seal(context->operations->keyring, context->tenant_id, secret_place(id, number, &room),
                          input_text(input, "value"), context->arena, &sealed, &key_id, reterr_failure) ||
            !context_run(context, QUERY_SECRET_ROTATE,
                         VALUES(value_uuid(id), value_integer(number), value_bytes(sealed), value_integer(key_id)),
                         NULL, reterr_failure))
                return false;
        json_put_uuid(context->facts, "secret", id);
        json_put_integer(context->facts, "number", number);
        *ret_result = json_new_object();
        json_put_text(*ret_result, "name", name);
        json_put_boolean(*ret_result, "rotated", true);
        return true;
}

const Operation secret_rotate = {
        .name = "secret-rotate",
        .summary = "Gives a secret another value, which its next use takes.",
        .example = "mistral --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/secrets/{name}/rotate",
        .input = rotate_input,
        .run = rotate_secret,
};
