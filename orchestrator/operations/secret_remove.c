#include "orchestrator/operations/context.h"

static const Field remove_input[] = {
        { "name", FIELD_NAME, REQUIRED, "The secret; what names it fails from now on." },
        { .type = FIELD_END },
};

static bool remove_secret(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Text name = input_text(input, "name");
        if (!context_run(context, QUERY_SECRET_REMOVE, VALUES(value_text(name)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such secret");
        json_put_uuid(context->facts, "secret", rows_uuid(rows, 0, 0));
        *ret_result = json_new_object();
        json_put_text(*ret_result, "name", name);
        json_put_boolean(*ret_result, "removed", true);
        return true;
}

const Operation secret_remove = {
        .name = "secret-remove",
        .summary = "Destroys a secret.",
        .example = "mistral --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/secrets/{name}",
        .input = remove_input,
        .run = remove_secret,
};
