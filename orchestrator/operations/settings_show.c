#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static bool show_settings(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input, (void) reterr_failure;
        Hub *hub = context->operations->hub;
        *ret_result = json_new_object();
        json_put(*ret_result, "data", hub->settings(hub));
        json_put_boolean(*ret_result, "has_more", false);
        json_put(*ret_result, "after", json_new_null());
        return true;
}

const Operation settings_show = {
        .name = "settings-show",
        .summary = "Shows the settings the running hub has; never secrets.",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/settings",
        .columns = "name value change",
        .items = "settings",
        .run = show_settings,
};
