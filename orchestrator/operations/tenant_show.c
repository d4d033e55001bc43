#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field show_input[] = {
        { "slug", FIELD_NAME, REQUIRED, "The tenant." },
        { .type = FIELD_END },
};

static bool show_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input;
        const Rows *rows;
        if (!context_run(context, QUERY_TENANT_READ, NO_VALUES, &rows, reterr_failure))
                return false;
        Json *tenant = *ret_result = json_new_object();
        json_put_uuid(tenant, "id", rows_uuid(rows, 0, 0));
        json_put_text(tenant, "slug", rows_text(rows, 0, 1));
        json_put_text(tenant, "name", rows_text(rows, 0, 2));
        json_put_text(tenant, "plan", rows_text(rows, 0, 3));
        json_put_text(tenant, "state", rows_text(rows, 0, 4));
        json_put_text(tenant, "zone", rows_text(rows, 0, 9));
        json_put_integer(tenant, "billing_day", rows_integer(rows, 0, 10));
        json_put_integer(tenant, "members", rows_integer(rows, 0, 7));
        json_put_integer(tenant, "agents", rows_integer(rows, 0, 8));
        json_put_time(tenant, "created_at", rows_time(rows, 0, 5));
        json_put_time(tenant, "updated_at", rows_time(rows, 0, 6));
        return true;
}

const Operation tenant_show = {
        .name = "tenant-show",
        .summary = "Shows a tenant.",
        .example = "acme",
        .role = ROLE_VIEWER,
        .tenant_field = "slug",
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/workspaces/{slug}",
        .input = show_input,
        .run = show_tenant,
};
