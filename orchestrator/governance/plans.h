/* Plans: what a tenant may have because of what it subscribed to, as figures of what can be limited. Plans are an
 * installation's, read from a file or built in; a Plans is immutable once it is made, so that any thread may read it.
 * Not the rows that narrow a plan or stand in its stead: those are limits.
 *
 * Never blocks. Whoever made a Plans frees it, save the built-in ones.
 */
#pragma once

#include "base/failure.h"
#include "orchestrator/governance/limits.h"

/* Stands for a plan that a tenant has and nobody knows: what is not known allows least. A file without it is refused.
 */
#define PLAN_FALLBACK "free"

typedef struct PlanFigure {
        LimitWhat what;
        int64_t window_us, amount;
} PlanFigure;

typedef struct Plan {
        const char *name, *title, *price; /* title and price are for people; empty = none */
        PlanFigure *figures;              /* what is not named is without limit */
        size_t figure_count;
} Plan;

typedef struct Plans {
        Plan *items;
        size_t count;
} Plans;

/* free, starter, pro and enterprise. */
const Plans *plans_builtin(void);

Plans *plans_new(void);
Plan *plans_add(Plans *plans, Text name); /* valid until the next one is added */
void plan_add(Plan *plan, PlanFigure figure);
void plans_free(Plans *plans);
DEFINE_RELEASE(Plans *, plans_free)

const Plan *plan_find(const Plans *plans, Text name); /* NULL when there is none */
/* The same, or the one that stands for those nobody knows. */
const Plan *plan_of(const Plans *plans, Text name);
const PlanFigure *plan_figure(const Plan *plan, LimitWhat what, int64_t window_us); /* NULL: without limit */

/* "messages per minute", "members": a figure's key in the file, and how people read it. */
#define PLAN_KEY_SIZE 64
void plan_key_format(LimitWhat what, int64_t window_us, char string[static PLAN_KEY_SIZE]);
bool plan_key_parse(Text key, LimitWhat *ret_what, int64_t *ret_window_us, Failure *reterr_failure) _must_check_;
