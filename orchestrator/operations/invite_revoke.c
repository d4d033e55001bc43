#include "orchestrator/operations/context.h"

static const Field revoke_input[] = {
        { "id", FIELD_UUID, REQUIRED, "The invitation, as invite-list names it." },
        { .type = FIELD_END },
};

static bool revoke_invite(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Uuid id = input_uuid(input, "id");
        const Rows *rows;
        if (!context_run(context, QUERY_INVITE_REVOKE, VALUES(value_uuid(id)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such invitation");
        json_put_uuid(context->facts, "invite", id);
        *ret_result = json_new_object();
        json_put_uuid(*ret_result, "id", id);
        json_put_string(*ret_result, "state", "revoked");
        return true;
}

const Operation invite_revoke = {
        .name = "invite-revoke",
        .summary = "Withdraws an invitation; who has accepted it stays a member.",
        .example = "0190b6b2-6f7e-7c3a-9d2e-3f5a1c7b9e01 --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/invites/{id}",
        .input = revoke_input,
        .run = revoke_invite,
};
