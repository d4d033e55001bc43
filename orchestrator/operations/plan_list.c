#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/plan.h"

static bool list_plans(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input, (void) reterr_failure;
        const Plans *plans = context->operations->hub->plans(context->operations->hub);
        Json *data = json_new_array();
        for (size_t i = 0; i < plans->count; i++)
                json_append(data, plan_json(&plans->items[i]));
        *ret_result = json_new_object();
        json_put_boolean(*ret_result, "has_more", false);
        json_put_text_or_null(*ret_result, "after", TEXT_NONE);
        json_put(*ret_result, "data", data);
        return true;
}

const Operation plan_list = {
        .name = "plan-list",
        .summary = "Lists the plans that tenants may have; plan-show says what one gives.",
        .role = ROLE_NONE,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/plans",
        .columns = "name title price",
        .items = "plans",
        .run = list_plans,
};
