/* The scripts of store/cache/budget.c, as Redis runs them. Internal to it. */
#pragma once

typedef enum BudgetScript {
        SCRIPT_RESERVE,
        SCRIPT_SENT,
        SCRIPT_RELEASE,
        SCRIPT_SETTLE,
        SCRIPT_PRESUME,
        SCRIPT_RECOVER,
        SCRIPT_LOOK,
        SCRIPT_LIST,
        SCRIPT_LOCK,
        SCRIPT_RENEW,
        SCRIPT_JOIN,
        SCRIPT_JOINED,
        SCRIPT_HAS_JOINED,
        SCRIPT_BOOKED,
        SCRIPT_SEED,
        SCRIPT_OPEN,
        SCRIPT_CLEAN,
        SCRIPT_COUNT,
} BudgetScript;

extern const char *const budget_scripts[SCRIPT_COUNT];
