/* Budgets as plain data: whom the cost of a message is booked on, and how much may be spent within a calendar window.
 * The core fills them in, a turn carries them, orchestrator/governance/budgets.h keeps them, store/ledger.h sums them
 * up. Here are shapes only, no functions.
 */
#pragma once

#include "base/uuid.h"

typedef enum BudgetUnit {
        BUDGET_MONEY,  /* nano-units of the installation's currency */
        BUDGET_TOKENS, /* of prompts and completions together */
        BUDGET_UNIT_COUNT,
} BudgetUnit;

/* Calendar windows. Day and month are those of the tenant's zone, a month begins on its billing day (or on the last day
 * of a month that is too short for that); those of the installation are of UTC, and begin on the first. */
typedef enum BudgetWindow {
        BUDGET_MINUTE,
        BUDGET_DAY,
        BUDGET_MONTH,
        BUDGET_WINDOW_COUNT,
} BudgetWindow;

/* Whose budget. An account's and a domain's budgets count what they use of one tenant. */
typedef enum BudgetSubject {
        BUDGET_OF_INSTALLATION,
        BUDGET_OF_TENANT,
        BUDGET_OF_AGENT,
        BUDGET_OF_ACCOUNT,
        BUDGET_OF_GRANT,
        BUDGET_OF_DOMAIN,
        BUDGET_SUBJECT_COUNT,
} BudgetSubject;

/* Of one message. What it costs is counted for all of them, whether one has a budget or not, so that a budget that is
 * set in the middle of a window begins with what was spent in it. They are columns of `accepted` and `concluded`. */
typedef struct BudgetParties {
        Uuid tenant_id, agent_id;
        Uuid account_id; /* of the sender; zero = it has none here */
        Uuid grant_id;   /* by which the sender may; zero = by none */
        Text domain;     /* of a sender without account; empty = none */
} BudgetParties;

/* One amount per unit. All below 2⁵³. */
typedef struct BudgetAmounts {
        int64_t units[BUDGET_UNIT_COUNT];
} BudgetAmounts;

/* At most `amount` of a unit within a window, for one of the message's parties. */
typedef struct Budget {
        BudgetSubject subject;
        BudgetUnit unit;
        BudgetWindow window;
        int64_t amount;
} Budget;
