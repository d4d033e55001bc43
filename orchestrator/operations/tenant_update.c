#include "orchestrator/operations/allowance.h"
#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field update_input[] = {
        { "slug", FIELD_NAME, REQUIRED, "The tenant's short name." },
        { "name", FIELD_TEXT, OPTIONAL, "Name shown to people.", .least = 1, .most = 200 },
        { "plan", FIELD_NAME, OPTIONAL, "Its plan; for platform admins. plan-list shows them." },
        { "state", FIELD_CHOICE, OPTIONAL, "A suspended tenant's agents are as if absent; for platform admins.",
          .choices = "active|suspended" },
        { "zone", FIELD_TEXT, OPTIONAL, "Whose days it counts by, such as Europe/Vienna; for platform admins.",
          .least = 2, .most = 64 },
        { "billing_day", FIELD_INTEGER, OPTIONAL,
          "On which day of a month its billing period begins, or on the last of a shorter one; for platform admins.",
          .least = 1, .most = 31 },
        { .type = FIELD_END },
};

/* What gives a tenant its figures, or says when they begin anew, is not its own to change. */
static bool check_caller(const OperationContext *context, const Input *input, Failure *reterr_failure) {
        static const char *const reserved[] = { "plan", "state", "zone", "billing_day" };
        for (size_t i = 0; i < COUNT_OF(reserved) && context->role < ROLE_PLATFORM; i++)
                if (input_has(input, reserved[i]))
                        return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                           "plan, state, zone and billing day are set by platform admins");
        return true;
}

static bool check_zone(OperationContext *context, const Input *input, Failure *reterr_failure) {
        const Rows *rows;
        if (!input_has(input, "zone"))
                return true;
        return context_run(context, QUERY_TIME_ZONE_EXISTS, VALUES(value_text(input_text(input, "zone"))), &rows,
                           reterr_failure) &&
               (rows_boolean(rows, 0, 0) ||
                failure_set(reterr_failure, FAILURE_INVALID, "'zone' must be a name such as Europe/Vienna or UTC"));
}

/* The audit says which plan came after which. */
static bool plan_facts(OperationContext *context, Text plan, Failure *reterr_failure) {
        const Rows *rows;
        if (plan.length == 0)
                return true;
        if (!context_run(context, QUERY_TENANT_READ, NO_VALUES, &rows, reterr_failure))
                return false;
        json_put_text(context->facts, "plan_before", rows_text(rows, 0, 3));
        json_put_text(context->facts, "plan", plan);
        return true;
}

static bool announce_tenant(OperationContext *context, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_TENANT_READ, NO_VALUES, &rows, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_TENANT,
                                                     .id = context->tenant_id,
                                                     .name = rows_text(rows, 0, 1),
                                                     .plan = rows_text(rows, 0, 3),
                                                     .zone = rows_text(rows, 0, 9),
                                                     .billing_day = (int32_t) rows_integer(rows, 0, 10),
                                                     .suspended = !text_equal(rows_text(rows, 0, 4), TEXT("active")) });
        return true;
}

static bool update_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text state = input_text(input, "state");
        if (!check_caller(context, input, reterr_failure) || !check_zone(context, input, reterr_failure))
                return false;
        if (text_equal(state, TEXT("suspended")) && uuid_equal(context->tenant_id, installation_tenant_id))
                return failure_set(reterr_failure, FAILURE_POLICY, "the installation itself cannot be suspended");
        if (input_has(input, "plan") && !plan_known(context, "plan", input_text(input, "plan"), reterr_failure))
                return false;
        if (!plan_facts(context, input_text(input, "plan"), reterr_failure))
                return false;
        if (!context_run(context, QUERY_TENANT_CHANGE,
                         VALUES(value_text_or_null(input_text(input, "name")),
                                value_text_or_null(input_text(input, "plan")), value_text_or_null(state),
                                value_text_or_null(input_text(input, "zone")),
                                input_has(input, "billing_day") ? value_integer(input_integer(input, "billing_day"))
                                                                : value_null()),
                         NULL, reterr_failure))
                return false;
        return announce_tenant(context, reterr_failure) && tenant_show.run(context, input, ret_result, reterr_failure);
}

const Operation tenant_update = {
        .name = "tenant-update",
        .summary = "Changes a tenant's name, plan, state or calendar.",
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
