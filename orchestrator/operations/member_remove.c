#include "orchestrator/operations/tenant.h"

static const Field remove_input[] = {
        { "jid", FIELD_JID, REQUIRED, "The member." },
        { .type = FIELD_END },
};

static bool remove_member(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        return member_end(context, input_text(input, "jid"), false, ret_result, reterr_failure);
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
