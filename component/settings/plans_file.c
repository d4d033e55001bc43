#include "component/settings/plans_file.h"

#include "component/settings/yaml_reader.h"
#include "orchestrator/operations/input.h"

#define PLANS_LIMIT  64
#define TEXT_LIMIT   200
#define AMOUNT_LIMIT INT64_C(9007199254740991)

static bool read_text(Yaml *yaml, size_t line, Text value, const char **place) {
        if (value.length > TEXT_LIMIT)
                return yaml_refuse(yaml, line, "this value is longer than 200 bytes");
        free((char *) *place);
        *place = text_keep(value);
        return true;
}

static bool read_figure(Yaml *yaml, Text key, size_t line, Text value, Plan *plan) {
        PlanFigure figure;
        if (!plan_key_parse(key, &figure.what, &figure.window_us, yaml->failure))
                return failure_prefix(yaml->failure, "%s:%zu", yaml->path, line + 1);
        if (text_equal(value, TEXT("unlimited")))
                return true;
        if (!text_to_int64(value, &figure.amount) || figure.amount < 0 || figure.amount > AMOUNT_LIMIT)
                return yaml_refuse(yaml, line, "expected a whole number, or 'unlimited'");
        plan_add(plan, figure);
        return true;
}

static bool read_entry(Yaml *yaml, Text key, size_t line, void *plan_) {
        Plan *plan = plan_;
        Text value;
        if (!yaml_next(yaml) || !yaml_scalar(yaml, &value))
                return false;
        if (text_equal(key, TEXT("title")))
                return read_text(yaml, line, value, &plan->title);
        if (text_equal(key, TEXT("price")))
                return read_text(yaml, line, value, &plan->price);
        return read_figure(yaml, key, line, value, plan);
}

static bool read_plan(Yaml *yaml, Text name, size_t line, void *plans_) {
        Plans *plans = plans_;
        if (!is_name(name))
                return yaml_refuse(yaml, line, "a plan's name has 1 to 63 of a-z, 0-9, '_' and '-'");
        if (plans->count == PLANS_LIMIT)
                return yaml_refuse(yaml, line, "there are more than 64 plans");
        Plan *plan = plans_add(plans, name);
        if (!yaml_next(yaml))
                return false;
        if (yaml->event.type != YAML_MAPPING_START_EVENT)
                return yaml_refuse_event(yaml, "expected what the plan has, as lines of 'name: value'");
        return yaml_mapping(yaml, read_entry, plan);
}

static bool plans_check(const Plans *plans, const char *path, Failure *reterr_failure) {
        return plan_find(plans, TEXT(PLAN_FALLBACK)) ||
               failure_set(reterr_failure, FAILURE_INVALID,
                           "%s names no plan '" PLAN_FALLBACK "', which tenants have that nobody gave another", path);
}

bool plans_read_yaml(Text yaml, const char *path, Plans **ret_plans, Failure *reterr_failure) {
        _cleanup_(plans_freep) Plans *plans = plans_new();
        if (!yaml_read(yaml, path, read_plan, plans, reterr_failure) || !plans_check(plans, path, reterr_failure))
                return false;
        *ret_plans = plans;
        plans = NULL;
        return true;
}

bool plans_read_file(const char *path, Plans **ret_plans, Failure *reterr_failure) {
        _cleanup_(plans_freep) Plans *plans = plans_new();
        if (!yaml_read_file(path, "plans", read_plan, plans, reterr_failure) ||
            !plans_check(plans, path, reterr_failure))
                return false;
        *ret_plans = plans;
        plans = NULL;
        return true;
}
