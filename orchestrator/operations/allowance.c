#include "orchestrator/operations/allowance.h"
#include "orchestrator/operations/limit.h"

#include "orchestrator/governance/plans.h"

#include <assert.h>
#include <stdio.h>

#define MEGABYTE 1000000
#define MOST     (INT64_MAX / 8) /* leaves room for four and five times it */

/* How what there is is counted, and in which unit a limit's amount stands. What is not here nothing can add yet. */
static const struct {
        Query count;
        int64_t unit;
} counted[LIMIT_WHAT_COUNT] = {
        [LIMIT_AGENTS] = { QUERY_COUNT_AGENTS, 1 },           [LIMIT_MEMBERS] = { QUERY_COUNT_MEMBERS, 1 },
        [LIMIT_PROVIDERS] = { QUERY_COUNT_PROVIDERS, 1 },     [LIMIT_KEYS] = { QUERY_COUNT_KEYS, 1 },
        [LIMIT_MEMORY_MB] = { QUERY_COUNT_MEMORY, MEGABYTE },
};

static void allowance_read(OperationContext *context, const Rows *rows, LimitWhat what, int64_t window_us,
                           PlanAllowance *ret_allowance) {
        const Plan *plan = plan_of(context->operations->hub->plans(context->operations->hub), rows_text(rows, 0, 0));
        const PlanFigure *figure = uuid_equal(context->tenant_id, installation_tenant_id)
                                           ? NULL
                                           : plan_figure(plan, what, window_us);

        *ret_allowance = (PlanAllowance){ .plan = text_copy(context->arena, rows_text(rows, 0, 0)),
                                          .limited = figure != NULL,
                                          .amount = figure ? figure->amount : 0 };
        if (rows_is_null(rows, 0, 1))
                return;
        ret_allowance->limited = ret_allowance->own = true;
        ret_allowance->amount = rows_integer(rows, 0, 1);
}

bool plan_allowance(OperationContext *context, LimitWhat what, int64_t window_us, PlanAllowance *ret_allowance,
                    Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_PLAN_ALLOWANCE,
                         VALUES(value_string(limit_what_name(what)), value_integer(window_us)), &rows, reterr_failure))
                return false;
        allowance_read(context, rows, what, window_us, ret_allowance);
        return true;
}

bool limit_narrows(OperationContext *context, const char *field, LimitWhat what, int64_t window_us, int64_t amount,
                   Failure *reterr_failure) {
        PlanAllowance allowance;
        char text[LIMIT_TEXT_SIZE];

        if (!plan_allowance(context, what, window_us, &allowance, reterr_failure))
                return false;
        if (!allowance.limited || !limit_is_wider(what, amount, allowance.amount))
                return true;
        limit_show(context, what, window_us, allowance.amount, text);
        return failure_set(reterr_failure, FAILURE_POLICY,
                           "'%s': the plan %.*s gives %s%s, and a limit can only narrow that; for more a platform "
                           "admin sets another figure in the plan's stead (limit-set with 'plan') or gives the tenant "
                           "another plan (tenant-update)",
                           field, TEXT_ARGUMENTS(allowance.plan), text,
                           allowance.own ? " by a figure of this tenant's own" : "");
}

bool limit_count(OperationContext *context, LimitWhat what, Uuid of, bool *ret_counted, int64_t *ret_of_tenant,
                 int64_t *ret_of_one, Failure *reterr_failure) {
        int64_t unit = counted[what].unit;
        const Rows *rows;

        *ret_counted = unit > 0;
        if (!*ret_counted)
                return true;
        if (!context_run(context, counted[what].count, VALUES(value_uuid_or_null(of)), &rows, reterr_failure))
                return false;
        *ret_of_tenant = (rows_integer(rows, 0, 0) + unit - 1) / unit;
        *ret_of_one = (rows_integer(rows, 0, 1) + unit - 1) / unit;
        return true;
}

bool plan_known(const OperationContext *context, const char *field, Text name, Failure *reterr_failure) {
        const Plans *plans = context->operations->hub->plans(context->operations->hub);
        char names[300] = "";

        if (plan_find(plans, name))
                return true;
        for (size_t i = 0, length = 0; i < plans->count && length + 66 < sizeof(names); i++)
                length += (size_t) snprintf(names + length, sizeof(names) - length, "%s%s", i ? ", " : "",
                                            plans->items[i].name);
        return failure_set(reterr_failure, FAILURE_INVALID, "'%s': there is no plan '%.*s'; there are %s", field,
                           TEXT_ARGUMENTS(name), names);
}

static void tell_owners(OperationContext *context, LimitWhat what, int64_t have, int64_t amount) {
        char limit[LIMIT_TEXT_SIZE], text[LIMIT_TEXT_SIZE + 200];
        const Rows *rows;
        Failure failure;

        if (!context_run(context, QUERY_OWNERS_JIDS, NO_VALUES, &rows, &failure))
                return; /* the operation goes on; the next one that counts says it */
        limit_format(what, 0, amount, limit);
        snprintf(text, sizeof(text), "The tenant %.*s has %lld of at most %s.", TEXT_ARGUMENTS(context->slug),
                 (long long) have, limit);
        for (size_t i = 0; i < rows_count(rows); i++)
                context_tell(context, rows_text(rows, i, 0), limit_what_name(what), text_of(text));
}

/* Plan first, so that of two that are as narrow the plan is named: a limit is changed sooner than a plan. */
static bool check_amount(OperationContext *context, LimitWhat what, int64_t add, LimitSubject subject, Text plan,
                         int64_t amount, int64_t have, Failure *reterr_failure) {
        /* Amounts go up to 2⁵³, of megabytes too. */
        int64_t unit = counted[what].unit, most = amount < MOST / unit ? amount * unit : MOST;
        char limit[LIMIT_TEXT_SIZE];

        if (have + add > most) {
                limit_format(what, 0, amount, limit);
                return failure_set(reterr_failure, FAILURE_LIMIT,
                                   "The %s's limit of %s is reached (the tenant's plan is %.*s). Remove something, or "
                                   "ask for a wider limit.",
                                   limit_subject_name(subject), limit, TEXT_ARGUMENTS(plan));
        }
        if (have * 5 < most * 4 && (have + add) * 5 >= most * 4)
                tell_owners(context, what, (have + add + unit - 1) / unit, amount);
        return true;
}

bool limit_check(OperationContext *context, LimitWhat what, int64_t add, Failure *reterr_failure) {
        const Rows *rows, *count;
        PlanAllowance allowance;

        assert(counted[what].unit > 0);
        if (!context_run(context, QUERY_LIMIT_FIGURES,
                         VALUES(value_string(limit_what_name(what)), value_uuid_or_null(context->agent.id)), &rows,
                         reterr_failure))
                return false;
        allowance_read(context, rows, what, 0, &allowance);
        bool tenant = !rows_is_null(rows, 0, 2), agent = !rows_is_null(rows, 0, 3);
        if (!allowance.limited && !tenant && !agent)
                return true;
        int64_t tenant_amount = rows_integer(rows, 0, 2), agent_amount = rows_integer(rows, 0, 3);
        if (!context_run(context, counted[what].count, VALUES(value_uuid_or_null(context->agent.id)), &count,
                         reterr_failure))
                return false;
        int64_t have = rows_integer(count, 0, 0), of_agent = rows_integer(count, 0, 1);
        return (!allowance.limited || check_amount(context, what, add, LIMIT_OF_PLAN, allowance.plan, allowance.amount,
                                                   have, reterr_failure)) &&
               (!tenant || check_amount(context, what, add, LIMIT_OF_TENANT, allowance.plan, tenant_amount, have,
                                        reterr_failure)) &&
               (!agent || check_amount(context, what, add, LIMIT_OF_AGENT, allowance.plan, agent_amount, of_agent,
                                       reterr_failure));
}

bool limit_check_provider(OperationContext *context, Text url, Failure *reterr_failure) {
        const Rows *rows;

        return context_run(context, QUERY_PROVIDER_IS_NEW,
                           VALUES(value_uuid_or_null(context->agent.id), value_text_or_null(url)), &rows,
                           reterr_failure) &&
               (rows_count(rows) == 0 || !rows_boolean(rows, 0, 0) ||
                limit_check(context, LIMIT_PROVIDERS, 1, reterr_failure));
}
