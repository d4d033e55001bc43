#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field add_input[] = {
        { "jid", FIELD_JID, REQUIRED, "The person; an account is made when there is none." },
        { "role", FIELD_CHOICE, OPTIONAL, "What they may do.", .choices = "owner|admin|operator|viewer",
          .fallback = "operator" },
        { .type = FIELD_END },
};

/* Who adds or changes an owner must be one; the last owner stays one. */
static bool check_owners(OperationContext *context, Uuid account_id, Role role, Failure *reterr_failure) {
        const Rows *owners;
        if (!context_run(context, QUERY_OWNERS_LOCK, NO_VALUES, &owners, reterr_failure))
                return false;
        bool was_owner = false;
        for (size_t i = 0; i < rows_count(owners); i++)
                was_owner = was_owner || uuid_equal(rows_uuid(owners, i, 0), account_id);
        if ((role == ROLE_OWNER || was_owner) && context->role < ROLE_OWNER)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "only owners make and unmake owners");
        if (was_owner && role != ROLE_OWNER && rows_count(owners) == 1)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "this is the tenant's last owner: add another first");
        return true;
}

static bool add_member(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text jid = input_text(input, "jid");
        Uuid account_id;
        Role role;
        if (!role_from_name(input_text(input, "role"), &role) ||
            !account_ensure(context, jid, &account_id, reterr_failure) ||
            !check_owners(context, account_id, role, reterr_failure) ||
            !context_run(context, QUERY_MEMBER_PUT, VALUES(value_uuid(account_id), value_string(role_name(role))), NULL,
                         reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_MEMBER,
                                                     .id = account_id,
                                                     .tenant_id = context->tenant_id,
                                                     .role = role });
        json_put_uuid(context->facts, "account", account_id);
        json_put_string(context->facts, "role", role_name(role));
        *ret_result = json_new_object();
        json_put_text(*ret_result, "jid", jid);
        json_put_string(*ret_result, "role", role_name(role));
        return true;
}

const Operation member_add = {
        .name = "member-add",
        .summary = "Makes a person a member of the tenant, or changes what a member may do.",
        .example = "bob@example.org --role viewer --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/members",
        .input = add_input,
        .run = add_member,
};
