#include "orchestrator/governance/plans.h"

#include "base/nearest.h"

#include <stdio.h>

#define MINUTE LIMIT_MINUTE_US
#define MONTH  LIMIT_MONTH_US

static PlanFigure free_figures[] = {
        { LIMIT_MESSAGES, MINUTE, 60 }, { LIMIT_TOKENS, MONTH, 1000000 }, { LIMIT_TURNS, 0, 2 },
        { LIMIT_WAITING, 0, 100 },      { LIMIT_TURN_SECONDS, 0, 300 },   { LIMIT_AGENTS, 0, 5 },
        { LIMIT_MEMBERS, 0, 1 },        { LIMIT_PROVIDERS, 0, 1 },        { LIMIT_KEYS, 0, 2 },
        { LIMIT_MEMORY_MB, 0, 64 },     { LIMIT_STORAGE_MB, 0, 256 },     { LIMIT_ARTIFACT_BYTES, 0, 16 << 20 },
        { LIMIT_BODY_DAYS, 0, 90 },     { LIMIT_LOG_DAYS, 0, 30 },
};
static PlanFigure starter_figures[] = {
        { LIMIT_MESSAGES, MINUTE, 300 }, { LIMIT_TOKENS, MONTH, 10000000 }, { LIMIT_TURNS, 0, 5 },
        { LIMIT_WAITING, 0, 1000 },      { LIMIT_TURN_SECONDS, 0, 900 },    { LIMIT_AGENTS, 0, 20 },
        { LIMIT_MEMBERS, 0, 3 },         { LIMIT_PROVIDERS, 0, 3 },         { LIMIT_KEYS, 0, 5 },
        { LIMIT_MEMORY_MB, 0, 512 },     { LIMIT_STORAGE_MB, 0, 2048 },     { LIMIT_ARTIFACT_BYTES, 0, 64 << 20 },
        { LIMIT_BODY_DAYS, 0, 365 },     { LIMIT_LOG_DAYS, 0, 90 },
};
static PlanFigure pro_figures[] = {
        { LIMIT_MESSAGES, MINUTE, 3000 },
        { LIMIT_TOKENS, MONTH, 50000000 },
        { LIMIT_TURNS, 0, 20 },
        { LIMIT_WAITING, 0, 10000 },
        { LIMIT_TURN_SECONDS, 0, 1800 },
        { LIMIT_AGENTS, 0, 200 },
        { LIMIT_MEMBERS, 0, 10 },
        { LIMIT_KEYS, 0, 50 },
        { LIMIT_MEMORY_MB, 0, 4096 },
        { LIMIT_STORAGE_MB, 0, 20480 },
        { LIMIT_ARTIFACT_BYTES, 0, 256 << 20 },
        { LIMIT_BODY_DAYS, 0, 1095 },
        { LIMIT_LOG_DAYS, 0, 365 },
};

static Plan builtin_items[] = {
        { "free", "Free", "", free_figures, COUNT_OF(free_figures) },
        { "starter", "Starter", "$49 a month", starter_figures, COUNT_OF(starter_figures) },
        { "pro", "Pro", "$149 a month", pro_figures, COUNT_OF(pro_figures) },
        { "enterprise", "Enterprise", "custom", NULL, 0 },
};
static const Plans builtin = { builtin_items, COUNT_OF(builtin_items) };

const Plans *plans_builtin(void) {
        return &builtin;
}

Plans *plans_new(void) {
        return memory_new(sizeof(Plans));
}

Plan *plans_add(Plans *plans, Text name) {
        plans->items = memory_resize(plans->items, (plans->count + 1) * sizeof(*plans->items));
        Plan *plan = &plans->items[plans->count++];
        *plan = (Plan){ .name = text_keep(name), .title = memory_string(""), .price = memory_string("") };
        return plan;
}

void plan_add(Plan *plan, PlanFigure figure) {
        plan->figures = memory_resize(plan->figures, (plan->figure_count + 1) * sizeof(*plan->figures));
        plan->figures[plan->figure_count++] = figure;
}

void plans_free(Plans *plans) {
        for (size_t i = 0; i < plans->count; i++) {
                free((char *) plans->items[i].name);
                free((char *) plans->items[i].title);
                free((char *) plans->items[i].price);
                free(plans->items[i].figures);
        }
        free(plans->items);
        free(plans);
}

const Plan *plan_find(const Plans *plans, Text name) {
        for (size_t i = 0; i < plans->count; i++)
                if (text_equal(text_of(plans->items[i].name), name))
                        return &plans->items[i];
        return NULL;
}

const Plan *plan_of(const Plans *plans, Text name) {
        const Plan *plan = plan_find(plans, name);
        return plan ? plan : plan_find(plans, TEXT(PLAN_FALLBACK));
}

const PlanFigure *plan_figure(const Plan *plan, LimitWhat what, int64_t window_us) {
        for (size_t i = 0; i < plan->figure_count; i++)
                if (plan->figures[i].what == what && plan->figures[i].window_us == window_us)
                        return &plan->figures[i];
        return NULL;
}

void plan_key_format(LimitWhat what, int64_t window_us, char string[static PLAN_KEY_SIZE]) {
        char window[LIMIT_WINDOW_SIZE];

        limit_window_format(window_us, window);
        snprintf(string, PLAN_KEY_SIZE, window_us ? "%s per %s" : "%s", limit_what_name(what), window);
}

static bool window_parse(Text text, LimitKind kind, int64_t *ret_window_us) {
        static const int64_t windows[] = { LIMIT_MINUTE_US, LIMIT_HOUR_US, LIMIT_DAY_US, LIMIT_MONTH_US };
        char name[LIMIT_WINDOW_SIZE];

        for (size_t i = 0; i < COUNT_OF(windows); i++) {
                limit_window_format(windows[i], name);
                if (!text_equal(text, text_of(name)) || (kind == LIMIT_IS_BUDGET && windows[i] == LIMIT_HOUR_US))
                        continue;
                *ret_window_us = windows[i];
                return true;
        }
        return false;
}

static bool key_unknown(Text name, Failure *reterr_failure) {
        Nearest nearest = nearest_to(name);
        char hint[NEAREST_HINT_SIZE];
        Text shown = text_prefix(name, 64);

        for (int i = 0; i < LIMIT_WHAT_COUNT; i++)
                nearest_offer(&nearest, text_of(limit_facts[i].name));
        return failure_set(reterr_failure, FAILURE_INVALID, "'%.*s' is nothing that a plan has%s",
                           TEXT_ARGUMENTS(shown), nearest.name.length ? nearest_hint(&nearest, hint) : ".");
}

bool plan_key_parse(Text key, LimitWhat *ret_what, int64_t *ret_window_us, Failure *reterr_failure) {
        Text rest = key, name, per;

        *ret_window_us = 0;
        text_split(&rest, ' ', &name);
        if (!limit_what_from_name(name, ret_what) ||
            !(limit_facts[*ret_what].subjects & LIMIT_SUBJECT_BIT(LIMIT_OF_PLAN)))
                return key_unknown(name, reterr_failure);
        LimitKind kind = limit_facts[*ret_what].kind;
        bool windowed = kind == LIMIT_IS_RATE || kind == LIMIT_IS_BUDGET;
        bool said = text_split(&rest, ' ', &per) && text_equal(per, TEXT("per"));
        if (windowed ? said && window_parse(rest, kind, ret_window_us) : key.length == name.length)
                return true;
        if (!windowed)
                return failure_set(reterr_failure, FAILURE_INVALID, "'%s' has no window: write '%s'",
                                   limit_what_name(*ret_what), limit_what_name(*ret_what));
        return failure_set(reterr_failure, FAILURE_INVALID,
                           "'%s' needs a window: write '%s per minute', %sday or month", limit_what_name(*ret_what),
                           limit_what_name(*ret_what), kind == LIMIT_IS_RATE ? "hour, " : "");
}
