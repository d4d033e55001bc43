#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field restore_input[] = {
        { "slug", FIELD_NAME, REQUIRED, "The tenant." },
        { .type = FIELD_END },
};

static bool restore_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_TENANT_RESTORE, NO_VALUES, &rows, reterr_failure))
                return false;
        if (rows_changed(rows) == 0)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "the time in which this tenant could be restored is over");
        context_announce(context, (DirectoryChange){
                                          .kind = DIRECTORY_TENANT, .id = context->tenant_id, .name = context->slug });
        context->severity = TEXT("warning");
        return tenant_show.run(context, input, ret_result, reterr_failure);
}

const Operation tenant_restore = {
        .name = "tenant-restore",
        .summary = "Brings a deleted tenant back as it was, as long as it is not destroyed.",
        .example = "acme",
        .role = ROLE_OWNER,
        .tenant_field = "slug",
        .deleted_tenant = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/workspaces/{slug}/restore",
        .input = restore_input,
        .run = restore_tenant,
};
