#include "orchestrator/operations/account.h"
#include "orchestrator/operations/catalogue.h"

static bool resume_account(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        return account_set_state(context, input_text(input, "jid"), false, TEXT_NONE, ret_result, reterr_failure);
}

const Operation account_resume = {
        .name = "account-resume",
        .summary = "Lets a suspended person in again.",
        .example = "mallory@example.org",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/accounts/{jid}/resume",
        .input = account_input,
        .run = resume_account,
};
