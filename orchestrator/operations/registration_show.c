#include "orchestrator/operations/context.h"

/* What a person's registration stands at, also for the door of XEP-0077. */
static bool show_registration(OperationContext *context, const Input *input, Json **ret_result,
                              Failure *reterr_failure) {
        (void) input;
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Hub *hub = context->operations->hub;
        Registration registration = hub->registration(context->operations->hub);
        const Rows *rows;
        if (!context_ask_directory(context, QUERY_REGISTERED_TENANT, VALUES(value_text(context->caller->principal)),
                                   &transaction, &rows, reterr_failure))
                return false;
        bool admitted = registration_admits(&registration, hub->domains, context->domain);
        Json *result = *ret_result = json_new_object();
        json_put_string(result, "registration", registration_mode_name(registration.mode));
        json_put_boolean(result, "open_to_you", admitted && rows_count(rows) == 0);
        json_put_boolean(result, "by_invitation", registration.mode != REGISTRATION_CLOSED);
        json_put_text_or_null(result, "slug", rows_count(rows) > 0 ? rows_text(rows, 0, 0) : TEXT_NONE);
        json_put_text_or_null(result, "name", rows_count(rows) > 0 ? rows_text(rows, 0, 1) : TEXT_NONE);
        json_put_text_or_null(result, "state", rows_count(rows) > 0 ? rows_text(rows, 0, 2) : TEXT_NONE);
        return true;
}

const Operation registration_show = {
        .name = "registration-show",
        .summary = "Says whether you may make a workspace of your own here, and which one you have made.",
        .role = ROLE_NONE,
        .scope = SCOPE_INSTALLATION,
        .strangers = true,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/registration",
        .run = show_registration,
};
