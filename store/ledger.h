/* The ledger: what the journal says that messages have cost, for those who build budgets anew. It is read as
 * aiox_journal, which sees the costs of all tenants and no body; prices as aiox_directory. Writes nothing: the rows are
 * the journal's (base/record.h).
 *
 * Any thread; blocks. What it hands over lives for the call.
 */
#pragma once

#include "base/budget.h"
#include "store/database.h"

/* Sums by all that messages were booked on, within the windows that `now` is in. */
typedef struct LedgerSum {
        BudgetParties parties;
        BudgetAmounts spent[BUDGET_WINDOW_COUNT];        /* by the tenant's calendar */
        BudgetAmounts installation[BUDGET_WINDOW_COUNT]; /* by that of UTC */
        int64_t ends_us[BUDGET_WINDOW_COUNT];            /* of the tenant's, wall clock */
} LedgerSum;

/* A message for a model, accepted and not concluded. */
typedef struct LedgerOpen {
        Uuid message_id;
        BudgetParties parties;
        Text zone; /* of the tenant */
        int32_t billing_day;
        Text hub; /* that runs it, since when it was accepted or last taken up, in this epoch */
        int64_t epoch;
        int32_t taken_up, presumed; /* ordinals of the last such steps; -1 = none */
        BudgetAmounts spent;        /* so far */
} LedgerOpen;

/* What a message has cost so far. */
typedef struct LedgerTotal {
        Uuid message_id;
        BudgetAmounts spent;
        int64_t concluded_for_s; /* seconds since; -1: it is open */
} LedgerTotal;

typedef struct LedgerTakers {
        bool (*sum)(void *taker, const LedgerSum *sum, Failure *reterr_failure);
        bool (*open)(void *taker, const LedgerOpen *open, Failure *reterr_failure);
        bool (*total)(void *taker, const LedgerTotal *total, Failure *reterr_failure);
        void *taker;
} LedgerTakers;

/* All of it as of one moment. `now_us` is Redis' time. Totals are of `messages`. A false of a taker ends it. */
bool ledger_read(Database *database, int64_t now_us, const Uuid *messages, size_t message_count,
                 const LedgerTakers *takers, Failure *reterr_failure) _must_check_;
bool ledger_totals(Database *database, const Uuid *messages, size_t count, const LedgerTakers *takers,
                   Failure *reterr_failure) _must_check_;

/* Of the versions that an agent has had, the dearest figures; nano-units per million tokens. */
typedef struct LedgerPrice {
        Uuid agent_id;
        int64_t prompt_nano, completion_nano, completion_tokens;
} LedgerPrice;
/* Agents without versions are left out. The caller frees *ret_prices. */
bool ledger_prices(Database *database, const Uuid *agents, size_t count, LedgerPrice **ret_prices, size_t *ret_count,
                   Failure *reterr_failure) _must_check_;

/* One row of `leases`. */
typedef struct LedgerLease {
        char hub[64];
        int64_t epoch, beats;
        bool released;
} LedgerLease;
/* The caller frees *ret_leases. */
bool ledger_leases(Database *database, LedgerLease **ret_leases, size_t *ret_count,
                   Failure *reterr_failure) _must_check_;
