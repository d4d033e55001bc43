/* Allowances: what a tenant's plan and limits let an operation add, and how wide a limit may be set. Everything here is
 * asked within the operation's transaction; rates, budgets and gauges are not counted here. Only for files of this
 * folder.
 */
#pragma once

#include "orchestrator/operations/context.h"

/* Whether `add` more of a LIMIT_IS_COUNT may be there; bytes where the limit counts megabytes. Locks the tenant's row,
 * so that two at once cannot both be the last one, and counts afterwards. FAILURE_LIMIT names limit, amount and plan.
 * Owners are told when four fifths are passed. */
bool limit_check(OperationContext *context, LimitWhat what, int64_t add, Failure *reterr_failure) _must_check_;

/* Whether the acting agent, or one that is being made, may ask the host of this URL: whichever live agent asks it
 * already, it is one provider. Without a URL, the host that the agent's present version asks. */
bool limit_check_provider(OperationContext *context, Text url, Failure *reterr_failure) _must_check_;

/* What the acting tenant's plan gives, or a platform admin set in its stead. */
typedef struct PlanAllowance {
        Text plan;    /* name */
        bool limited; /* else without limit */
        bool own;     /* set for this tenant alone */
        int64_t amount;
} PlanAllowance;
bool plan_allowance(OperationContext *context, LimitWhat what, int64_t window_us, PlanAllowance *ret_allowance,
                    Failure *reterr_failure) _must_check_;

/* How much there is of what limit_check() counts, in the limit's own unit, rounded up: in the tenant, and of one agent,
 * or 1 for the agent or person itself (zero: none). ret_counted false: nothing counts it yet. */
bool limit_count(OperationContext *context, LimitWhat what, Uuid of, bool *ret_counted, int64_t *ret_of_tenant,
                 int64_t *ret_of_one, Failure *reterr_failure) _must_check_;

/* Whether there is such a plan; a failure names the field, and the plans there are. */
bool plan_known(const OperationContext *context, const char *field, Text name, Failure *reterr_failure) _must_check_;

/* A limit within a tenant narrows its plan: a wider one is refused, whoever sets it, with the plan's figure and what
 * would change that. `field` is where the amount stood. */
bool limit_narrows(OperationContext *context, const char *field, LimitWhat what, int64_t window_us, int64_t amount,
                   Failure *reterr_failure) _must_check_;
