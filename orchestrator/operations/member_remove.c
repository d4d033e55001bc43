#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static const Field remove_input[] = {
        { "jid", FIELD_JID, REQUIRED, "The member." },
        { .type = FIELD_END },
};

static bool check_remaining(OperationContext *context, const Rows *member, Failure *reterr_failure) {
        const Rows *owners;
        Role role;
        int64_t agents = rows_integer(member, 0, 2);
        if (!context_run(context, QUERY_OWNERS_LOCK, NO_VALUES, &owners, reterr_failure))
                return false;
        if (role_from_name(rows_text(member, 0, 1), &role) && role == ROLE_OWNER) {
                if (context->role < ROLE_OWNER)
                        return failure_set(reterr_failure, FAILURE_FORBIDDEN, "only owners make and unmake owners");
                if (rows_count(owners) == 1)
                        return failure_set(reterr_failure, FAILURE_CONFLICT,
                                           "this is the tenant's last owner: add another first");
        }
        return agents == 0 ||
               failure_set(reterr_failure, FAILURE_CONFLICT,
                           "this member owns %lld agents: give them another owner, or delete them", (long long) agents);
}

static bool remove_member(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *member;
        if (!context_run(context, QUERY_MEMBER_FIND, VALUES(value_text(input_text(input, "jid"))), &member,
                         reterr_failure))
                return false;
        if (rows_count(member) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such member");
        Uuid account_id = rows_uuid(member, 0, 0);
        if (!check_remaining(context, member, reterr_failure) ||
            !context_run(context, QUERY_MEMBER_REMOVE, VALUES(value_uuid(account_id)), NULL, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_MEMBER,
                                                     .gone = true,
                                                     .id = account_id,
                                                     .tenant_id = context->tenant_id });
        json_put_uuid(context->facts, "account", account_id);
        *ret_result = json_new_object();
        json_put_text(*ret_result, "jid", input_text(input, "jid"));
        json_put_boolean(*ret_result, "removed", true);
        return true;
}

const Operation member_remove = {
        .name = "member-remove",
        .summary = "Ends a person's membership in the tenant.",
        .example = "bob@example.org --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/members/{jid}",
        .input = remove_input,
        .run = remove_member,
};
