#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field update_input[] = {
        { "slug", FIELD_NAME, REQUIRED, "The tenant." },
        { "name", FIELD_TEXT, OPTIONAL, "Name shown to people.", .least = 1, .most = 200 },
        { "plan", FIELD_NAME, OPTIONAL, "Its plan; for platform admins." },
        { "state", FIELD_CHOICE, OPTIONAL, "A suspended tenant's agents are as if absent; for platform admins.",
          .choices = "active|suspended" },
        { .type = FIELD_END },
};

static bool update_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text state = input_text(input, "state");
        if ((input_has(input, "plan") || input_has(input, "state")) && context->role < ROLE_PLATFORM)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "plan and state are set by platform admins");
        if (text_equal(state, TEXT("suspended")) && uuid_equal(context->tenant_id, installation_tenant_id))
                return failure_set(reterr_failure, FAILURE_POLICY, "the installation itself cannot be suspended");
        if (!context_run(context, QUERY_TENANT_CHANGE,
                         VALUES(value_text_or_null(input_text(input, "name")),
                                value_text_or_null(input_text(input, "plan")), value_text_or_null(state)),
                         NULL, reterr_failure))
                return false;
        if (state.length > 0)
                context_announce(context, (DirectoryChange){ .kind = DIRECTORY_TENANT,
                                                             .id = context->tenant_id,
                                                             .name = input_text(input, "slug"),
                                                             .suspended = text_equal(state, TEXT("suspended")) });
        return tenant_show.run(context, input, ret_result, reterr_failure);
}

const Operation tenant_update = {
        .name = "tenant-update",
        .summary = "Changes a tenant's name, plan or state.",
        .example = "acme --name 'Acme Limited'",
        .role = ROLE_ADMIN,
        .tenant_field = "slug",
        .partial = true,
        .effect = EFFECT_CHANGE,
        .method = "PATCH",
        .path = "/workspaces/{slug}",
        .input = update_input,
        .run = update_tenant,
};
