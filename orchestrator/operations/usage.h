/* What the operations on usage share: of which days, and whose. Only for files of this folder. */
#pragma once

#include "orchestrator/operations/context.h"

/* period, from, to. */
#define USAGE_PERIOD_FIELDS                                                                                            \
        { "period", FIELD_CHOICE, OPTIONAL,                                                                            \
          "Which billing period of the tenant; the current one when neither this nor days are given.",                 \
          .choices = "current|previous" },                                                                             \
                { "from", FIELD_TEXT, OPTIONAL, "First day, such as 2026-01-31, in the tenant's zone.", .most = 10 },  \
        {                                                                                                              \
                "to", FIELD_TEXT, OPTIONAL,                                                                            \
                        "Last day, that one included; with 'from' alone it goes to the end of the current period.",    \
                        .most = 10                                                                                     \
        }

typedef struct UsageQuestion {
        Text from, to; /* days, both included */
        Text zone;     /* whose days */
        Value person;  /* null: everybody's */
        Value agent;   /* null: of every agent */
} UsageQuestion;

/* Who administers the tenant, or owns the agent that is named, asks about everybody; who does not, about himself.
 * What was used a moment ago is in it. */
bool usage_question(OperationContext *context, const Input *input, UsageQuestion *ret_question,
                    Failure *reterr_failure) _must_check_;
/* Counts what is not counted yet, as far as that is possible. */
void usage_catch_up(OperationContext *context);
/* The days alone, of the acting tenant's calendar. */
bool usage_days(OperationContext *context, const Input *input, UsageQuestion *question,
                Failure *reterr_failure) _must_check_;

/* Members by the ids they have in what was used; others stay ids. */
typedef struct UsagePeople UsagePeople;
bool usage_people(OperationContext *context, UsagePeople **ret_people, Failure *reterr_failure) _must_check_;
Text usage_person(const UsagePeople *people, Uuid id); /* TEXT_NONE: no member */

/* Counts and cost of a row whose columns from `column` on are those of usage_groups from messages on. */
void usage_put_counts(OperationContext *context, Json *item, const Rows *rows, size_t row, int column);
