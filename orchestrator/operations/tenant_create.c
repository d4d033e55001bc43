#include "orchestrator/operations/allowance.h"
#include "orchestrator/operations/tenant.h"

static const Field create_input[] = {
        { "slug", FIELD_NAME, REQUIRED, "Its short name, part of its agents' addresses." },
        { "name", FIELD_TEXT, OPTIONAL, "Name shown to people; the slug when absent.", .least = 1, .most = 200 },
        { "plan", FIELD_NAME, OPTIONAL, "Its plan; plan-list shows them.", .fallback = "enterprise" },
        { "owner", FIELD_JID, OPTIONAL, "Its first owner; an account is made when there is none." },
        { .type = FIELD_END },
};

static bool create_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text slug = input_text(input, "slug"), owner = input_text(input, "owner");
        Text name = input_has(input, "name") ? input_text(input, "name") : slug;
        Uuid account_id;
        if (!plan_known(context, "plan", input_text(input, "plan"), reterr_failure) ||
            !tenant_make(context, slug, name, input_text(input, "plan"), reterr_failure))
                return false;
        if (owner.length > 0 && (!account_ensure(context, owner, &account_id, reterr_failure) ||
                                 !member_put(context, account_id, ROLE_OWNER, reterr_failure)))
                return false;
        *ret_result = json_new_object();
        json_put_uuid(*ret_result, "id", context->tenant_id);
        json_put_text(*ret_result, "slug", slug);
        json_put_text(*ret_result, "name", name);
        json_put_text_or_null(*ret_result, "owner", owner);
        return true;
}

const Operation tenant_create = {
        .name = "tenant-create",
        .summary = "Makes a tenant, with its own data key.",
        .example = "acme --name 'Acme Ltd' --owner alice@example.org",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_NEW_TENANT,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/workspaces",
        .input = create_input,
        .run = create_tenant,
};
