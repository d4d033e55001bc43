#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field create_input[] = {
        { "slug", FIELD_NAME, REQUIRED, "Its short name, part of its agents' addresses." },
        { "name", FIELD_TEXT, OPTIONAL, "Name shown to people; the slug when absent.", .least = 1, .most = 200 },
        { "plan", FIELD_NAME, OPTIONAL, "Its plan.", .fallback = "starter" },
        { "owner", FIELD_JID, OPTIONAL, "Its first owner; an account is made when there is none." },
        { .type = FIELD_END },
};

static bool add_owner(OperationContext *context, Text jid, Failure *reterr_failure) {
        Uuid account_id;
        if (!account_ensure(context, jid, &account_id, reterr_failure) ||
            !context_run(context, QUERY_MEMBER_PUT, VALUES(value_uuid(account_id), value_string(role_name(ROLE_OWNER))),
                         NULL, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_MEMBER,
                                                     .id = account_id,
                                                     .tenant_id = context->tenant_id,
                                                     .role = ROLE_OWNER });
        return true;
}

static bool create_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text slug = input_text(input, "slug"), owner = input_text(input, "owner");
        Text name = input_has(input, "name") ? input_text(input, "name") : slug;
        if (!context_run(context, QUERY_TENANT_ADD,
                         VALUES(value_uuid(context->tenant_id), value_text(slug), value_text(name),
                                value_text(input_text(input, "plan"))),
                         NULL, reterr_failure)) {
                if (reterr_failure->kind == FAILURE_CONFLICT)
                        failure_set(reterr_failure, FAILURE_CONFLICT, "there is a tenant of this slug already");
                return false;
        }
        if (!keyring_make(context->operations->keyring, context->transaction, context->tenant_id, reterr_failure))
                return false;
        context_announce(context,
                         (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = context->tenant_id, .name = slug });
        if (owner.length > 0 && !add_owner(context, owner, reterr_failure))
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
