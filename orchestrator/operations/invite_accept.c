#include "base/map.h"
#include "orchestrator/operations/invite.h"
#include "orchestrator/operations/tenant.h"

static const Field accept_input[] = {
        { "code", FIELD_TEXT, REQUIRED, "The invitation's code.", .most = 100 },
        { .type = FIELD_END },
};

/* An invitation only ever raises what somebody may do. */
static bool check_gain(OperationContext *context, Role role, Failure *reterr_failure) {
        const Rows *member;
        Role present;
        if (!context_run(context, QUERY_MEMBER_FIND, VALUES(value_text(context->caller->principal)), &member,
                         reterr_failure))
                return false;
        return rows_count(member) == 0 || !role_from_name(rows_text(member, 0, 1), &present) || present < role ||
               failure_set(reterr_failure, FAILURE_CONFLICT, "you are a member of this tenant already, as %s",
                           role_name(present));
}

static bool take(OperationContext *context, const Input *input, Role *ret_role, Failure *reterr_failure) {
        Hash hash = invite_hash(input_text(input, "code"));
        const Rows *rows;
        if (!context_run(context, QUERY_INVITE_TAKE,
                         VALUES(value_bytes(MAP_KEY(hash)), value_text(context->caller->principal)), &rows,
                         reterr_failure))
                return false;
        if (!text_equal(rows_text(rows, 0, 0), TEXT("good")))
                return invite_refuse(rows_text(rows, 0, 0), reterr_failure);
        if (context->caller->platform && rows_boolean(rows, 0, 3))
                return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                   "a platform admin is invited by an admin of the tenant, not by a platform admin");
        json_put_uuid(context->facts, "invite", rows_uuid(rows, 0, 2));
        return role_from_name(rows_text(rows, 0, 1), ret_role) ||
               failure_set(reterr_failure, FAILURE_INTERNAL, "an invitation has a role this program does not know");
}

/* What a refusal undoes is the use that was taken, too. */
static bool accept_invite(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Uuid account_id;
        Role role = ROLE_NONE;
        if (!context_is_person(context))
                return failure_set(reterr_failure, FAILURE_INVALID, "only people are invited, each for himself");
        if (!take(context, input, &role, reterr_failure) || !check_gain(context, role, reterr_failure) ||
            !account_ensure(context, context->caller->principal, &account_id, reterr_failure) ||
            !member_put(context, account_id, role, reterr_failure))
                return false;
        *ret_result = json_new_object();
        json_put_text(*ret_result, "tenant", context->slug);
        json_put_text(*ret_result, "jid", context->caller->principal);
        json_put_string(*ret_result, "role", role_name(role));
        return true;
}

static bool is_offered(OperationContext *context, bool *ret_offered, Failure *reterr_failure) {
        (void) reterr_failure;
        *ret_offered = context_is_person(context);
        return true;
}

const Operation invite_accept = {
        .name = "invite-accept",
        .summary = "Makes you a member of the tenant that you were invited to.",
        .example = "0f3c6b1e94d24c5f8a7de2b19c0a6f35",
        .role = ROLE_NONE,
        .scope = SCOPE_INVITED,
        .strangers = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/invites/accept",
        .input = accept_input,
        .offered = is_offered,
        .run = accept_invite,
};
