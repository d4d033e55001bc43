#include "orchestrator/operations/tenant.h"

static const Field add_input[] = {
        { "jid", FIELD_JID, REQUIRED, "The person; an account is made when there is none." },
        { "role", FIELD_CHOICE, OPTIONAL, "What they may do.", .choices = "owner|admin|operator|viewer",
          .fallback = "operator" },
        { .type = FIELD_END },
};

static bool add_member(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text jid = input_text(input, "jid");
        Uuid account_id;
        Role role;
        /* Who administers the installation is nobody's member by that, or could read what members read. */
        if (context->role == ROLE_PLATFORM && text_equal(jid, context->caller->principal))
                return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                   "a platform admin is made a member by an admin of the tenant, not by himself");
        if (!role_from_name(input_text(input, "role"), &role) ||
            !account_ensure(context, jid, &account_id, reterr_failure) ||
            !member_check_owners(context, account_id, role, reterr_failure) ||
            !member_put(context, account_id, role, reterr_failure))
                return false;
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
