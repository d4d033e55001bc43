#include "orchestrator/operations/profile.h"

static const Field show_input[] = {
        { "picture", FIELD_BOOLEAN, OPTIONAL, "With the picture itself, in base64." },
        { .type = FIELD_END },
};

static bool show_profile(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        return profile_result(context, input_boolean(input, "picture"), ret_result, reterr_failure);
}

const Operation profile_show = {
        .name = "profile-show",
        .summary = "Shows what you have said of yourself.",
        .role = ROLE_NONE,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/profile",
        .input = show_input,
        .run = show_profile,
};
