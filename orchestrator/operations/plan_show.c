#include "orchestrator/operations/allowance.h"
#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/plan.h"

static const Field show_input[] = {
        { "name", FIELD_NAME, REQUIRED, "The plan, as plan-list names it." },
        { .type = FIELD_END },
};

Json *plan_json(const Plan *plan) {
        Json *json = json_new_object(), *limits = json_new_object();
        char key[PLAN_KEY_SIZE];
        json_put_string(json, "name", plan->name);
        json_put_text_or_null(json, "title", text_of(plan->title));
        json_put_text_or_null(json, "price", text_of(plan->price));
        for (size_t i = 0; i < plan->figure_count; i++) {
                plan_key_format(plan->figures[i].what, plan->figures[i].window_us, key);
                json_put_integer(limits, key, plan->figures[i].amount);
        }
        json_put(json, "limits", limits);
        return json;
}

static bool show_plan(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text name = input_text(input, "name");
        if (!plan_known(context, "name", name, reterr_failure)) {
                reterr_failure->kind = FAILURE_NOT_FOUND;
                return false;
        }
        *ret_result = plan_json(plan_find(context->operations->hub->plans(context->operations->hub), name));
        return true;
}

const Operation plan_show = {
        .name = "plan-show",
        .summary = "Shows what tenants of a plan may have; what is not named is without limit.",
        .example = "free",
        .role = ROLE_NONE,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/plans/{name}",
        .input = show_input,
        .run = show_plan,
};
