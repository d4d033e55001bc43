#include "orchestrator/operations/tenant.h"

#include "orchestrator/operations/allowance.h"

bool tenant_make(OperationContext *context, Text slug, Text name, Text plan, Failure *reterr_failure) {
        if (!context_run(context, QUERY_TENANT_ADD,
                         VALUES(value_uuid(context->tenant_id), value_text(slug), value_text(name), value_text(plan)),
                         NULL, reterr_failure)) {
                if (reterr_failure->kind == FAILURE_CONFLICT)
                        failure_set(reterr_failure, FAILURE_CONFLICT, "there is a tenant of this slug already");
                return false;
        }
        if (!keyring_make(context->operations->keyring, context->transaction, context->tenant_id, reterr_failure))
                return false;
        context->slug = slug;
        context_announce(
                context,
                (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = context->tenant_id, .name = slug, .plan = plan });
        return true;
}

/* Who is a member already takes no more room. */
static bool member_fits(OperationContext *context, Uuid account_id, Failure *reterr_failure) {
        int64_t members, is_one;
        bool counted;
        return limit_count(context, LIMIT_MEMBERS, account_id, &counted, &members, &is_one, reterr_failure) &&
               (is_one > 0 || limit_check(context, LIMIT_MEMBERS, 1, reterr_failure));
}

bool member_put(OperationContext *context, Uuid account_id, Role role, Failure *reterr_failure) {
        if (!member_fits(context, account_id, reterr_failure) ||
            !context_run(context, QUERY_MEMBER_PUT, VALUES(value_uuid(account_id), value_string(role_name(role))), NULL,
                         reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_MEMBER,
                                                     .id = account_id,
                                                     .tenant_id = context->tenant_id,
                                                     .role = role });
        json_put_uuid(context->facts, "account", account_id);
        json_put_string(context->facts, "role", role_name(role));
        return true;
}

bool member_check_owners(OperationContext *context, Uuid account_id, Role role, Failure *reterr_failure) {
        const Rows *owners;
        if (!context_run(context, QUERY_MEMBERS_HOLD, NO_VALUES, NULL, reterr_failure) ||
            !context_run(context, QUERY_OWNERS_LOCK, NO_VALUES, &owners, reterr_failure))
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

bool member_end(OperationContext *context, Text jid, bool is_self, Json **ret_result, Failure *reterr_failure) {
        const Rows *member;
        if (!context_run(context, QUERY_MEMBERS_HOLD, NO_VALUES, NULL, reterr_failure) ||
            !context_run(context, QUERY_MEMBER_FIND, VALUES(value_text(jid)), &member, reterr_failure))
                return false;
        if (rows_count(member) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such member");
        Uuid account_id = rows_uuid(member, 0, 0);
        int64_t agents = rows_integer(member, 0, 2);
        if (!member_check_owners(context, account_id, ROLE_NONE, reterr_failure))
                return false;
        if (agents > 0)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "%s %lld agents: give them another owner, or delete them",
                                   is_self ? "you own" : "this member owns", (long long) agents);
        if (!context_run(context, QUERY_MEMBER_REMOVE, VALUES(value_uuid(account_id)), NULL, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_MEMBER,
                                                     .gone = true,
                                                     .id = account_id,
                                                     .tenant_id = context->tenant_id });
        json_put_uuid(context->facts, "account", account_id);
        *ret_result = json_new_object();
        json_put_text(*ret_result, "jid", jid);
        json_put_boolean(*ret_result, "removed", true);
        return true;
}
