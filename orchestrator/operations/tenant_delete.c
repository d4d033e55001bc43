#include "orchestrator/operations/context.h"

static const Field delete_input[] = {
        { "slug", FIELD_NAME, REQUIRED, "The tenant." },
        { .type = FIELD_END },
};

/* To hubs it is a tenant that is gone: its agents are absent from now on, and no turn begins. */
static bool delete_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Registration registration = context->operations->hub->registration(context->operations->hub);
        const Rows *rows;
        if (uuid_equal(context->tenant_id, installation_tenant_id))
                return failure_set(reterr_failure, FAILURE_POLICY, "the installation itself cannot be deleted");
        if (!context_run(context, QUERY_TENANT_DELETE, VALUES(value_integer(registration.retention_days)), &rows,
                         reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such tenant");
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_TENANT,
                                                     .gone = true,
                                                     .id = context->tenant_id,
                                                     .name = context->slug });
        context->severity = TEXT("warning");
        *ret_result = json_new_object();
        json_put_text(*ret_result, "slug", input_text(input, "slug"));
        json_put_string(*ret_result, "state", "deleted");
        json_put_time(*ret_result, "restorable_until", rows_time(rows, 0, 0));
        return true;
}

const Operation tenant_delete = {
        .name = "tenant-delete",
        .summary = "Deletes a tenant: its agents vanish at once. tenant-restore brings it back until its time is over, "
                   "then everything in it is destroyed.",
        .example = "acme",
        .role = ROLE_OWNER,
        .tenant_field = "slug",
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/workspaces/{slug}",
        .input = delete_input,
        .run = delete_tenant,
};
