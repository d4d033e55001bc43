/* Budgets: what model calls may cost, on all hubs together. Before a call its bound is reserved, in Redis; after its
 * cost is committed to the journal it is settled. Nothing starts that does not fit in what is neither spent nor
 * reserved; what does not fit now, but would once others settle, waits; only what would not fit if all others settled
 * at zero is refused. Not limits of rates (limits.h), and not the ledger, which is the journal: whatever Redis forgets
 * is summed up from there (store/ledger.h), and until that is done everything is closed.
 *
 *      reserve → (wait → reserve) → sent, just before the request goes out → (row committed) → settle
 *              → release, when the call was not made, or is known to have cost nothing
 *
 * The ledger. Each step that a reply of the model leads to (STEP_MODEL_REPLY), each presumption (STEP_PRESUMED) and
 * each conclusion holds what the message has cost SO FAR, all attempts and presumptions included: StepRecord.spent, and
 * of a conclusion usage.cost_nano and usage.prompt_tokens + completion_tokens + presumed_tokens. Settling says that
 * figure, not what one call cost, so that saying it twice, or after a rebuild that has seen the row already, books
 * nothing twice. A call whose usage nobody knows counts as its bound, in both units (presumed_tokens).
 *
 * Parties. AcceptedRecord and ConcludedRecord carry `parties` (columns account_id, grant_id, sender_domain), because a
 * rebuild has nothing else to go by.
 *
 * A message that is taken up again asks budgets_presumed() what the calls of dead attempts may have cost that no step
 * accounts for, commits that as a STEP_PRESUMED right after its STEP_TAKEN_UP, and settles with that step's ordinal. A
 * message that is given up does the same before it is concluded.
 *
 * Everything here blocks and is for worker threads, save what is said to be for any thread; never the hub thread. Calls
 * may come from a thousand threads at once; they share a few connections.
 */
#pragma once

#include "base/budget.h"
#include "base/failure.h"
#include "store/database.h"

typedef struct Budgets Budgets;

typedef struct BudgetsSettings {
        const char *address;  /* of Redis, as BudgetCacheSettings.address */
        const char *password; /* NULL = none */
        const char *currency; /* of all money, for people; borrowed; NULL = EUR */
        Database *database;   /* borrowed: the ledger is read as aiox_journal, prices as aiox_directory */
        int64_t lease_us;     /* a hub whose heartbeat stood still that long is not waited for in a rebuild */
        int64_t patience_us;  /* nor one that lives and has not told by then what it has outstanding; 0 = a minute */
        /* A message's call that had to wait is held by now, or refused: it shall be reserved again, under its key. On a
         * thread of the budgets, under no lock. NULL: every call is the last that may be asked for. */
        void (*go_on)(void *listener, Uuid message_id);
        void *listener;
} BudgetsSettings;

/* Starts the treasurer, a thread that watches over the generation, rebuilds what was lost, says again what could not be
 * settled, and clears up after hubs that died. FAILURE_INVALID when the address does not read. Closed until the
 * treasurer has found or made a generation, and until budgets_hold_lease() was called once. */
bool budgets_new(const BudgetsSettings *settings, Budgets **ret_budgets, Failure *reterr_failure) _must_check_;
void budgets_free(Budgets *budgets); /* nobody may be in a call */
DEFINE_RELEASE(Budgets *, budgets_free)

/* Under which lease reservations are made from now on (hub's name and epoch, as in `leases`). Any thread, at every
 * epoch raised; does not block. */
void budgets_hold_lease(Budgets *budgets, Text hub, int64_t epoch);

typedef enum BudgetsState {
        BUDGETS_AWAY,       /* Redis does not answer */
        BUDGETS_REBUILDING, /* it does, but what was spent is being summed up */
        BUDGETS_OPEN,
} BudgetsState;

/* Any thread, without a lock: for admission, which refuses what costs money unless it is open. */
BudgetsState budgets_state(const Budgets *budgets);

/* One model call, as it is asked for. */
typedef struct BudgetCall {
        Uuid message_id;
        int32_t ordinal; /* CallKey.ordinal: attempt * STEP_ATTEMPT + n; with message_id the key of the reservation */
        BudgetParties parties;
        Text zone;           /* the tenant's, a name of PostgreSQL's; empty = UTC */
        int32_t billing_day; /* 1 to 31; 0 = 1 */
        const Budget *budgets;
        size_t budget_count;
        BudgetAmounts spent; /* what the ledger holds of this message so far: of its last such step, else zero */
        BudgetAmounts least; /* without so much the call is of no use: prompt bound + an eighth of the output limit */
        BudgetAmounts most;  /* its whole bound */
        bool last;           /* it may not wait any more */
} BudgetCall;

/* Facts beside the sentence, for admission, presence and warnings. */
typedef struct BudgetVerdict {
        BudgetAmounts granted; /* between least and most: the output limit that is sent must be lowered to it */
        const Budget *budget;  /* refused: the one that did not fit. Granted: the fullest; NULL = none */
        int64_t spent;         /* within that budget's window, this call's bound not included */
        int64_t opens_us;      /* wall clock: when its window ends; 0 = the call is larger than the whole budget, or
                                * others have reserved what it would need */
        bool waits;            /* not granted, and its place is kept: settings.go_on says when to ask again */
} BudgetVerdict;

/* Whether such a call needs a reservation at all: it costs money, or there is a budget of tokens. Those that do not may
 * still be reserved, sent and settled: nothing happens, and Redis is not asked. Any thread. */
bool budgets_apply(const BudgetCall *call);

/* Idempotent by key; asks and does not wait. FAILURE_LIMIT: refused, or with ret_verdict->waits it would fit if others
 * settled; the sentence names budget, amount and when it opens. FAILURE_UNAVAILABLE: closed or away; later helps, and
 * with ret_verdict->waits it is told when. Who waits stands in line until it is told, asks again as the last time, or
 * its message is settled as concluded. One call of a message at a time. ret_verdict is filled in every case. */
bool budgets_reserve(Budgets *budgets, const BudgetCall *call, BudgetVerdict *ret_verdict,
                     Failure *reterr_failure) _must_check_;

/* Just before the request goes out. False: it must not go out, and the reservation is gone (the cache was lost
 * meanwhile, or this hub was taken for dead): FAILURE_UNAVAILABLE, reserve again. */
bool budgets_sent(Budgets *budgets, Uuid message_id, int32_t ordinal, Failure *reterr_failure) _must_check_;

/* The call was not made, or the provider turned it away and asks no money for it. */
void budgets_release(Budgets *budgets, Uuid message_id, int32_t ordinal);

/* The ordinal of a conclusion, which comes after every step. */
#define BUDGET_CONCLUDED INT32_MAX

/* A ledger row of the message was committed: the step with this ordinal, or the conclusion (BUDGET_CONCLUDED). Ends all
 * its reservations with smaller ordinals and books up to `total`, what the message has cost so far. Never fails: what
 * cannot be said to Redis now is said by the treasurer later. */
void budgets_settle(Budgets *budgets, Uuid message_id, int32_t ordinal, BudgetAmounts total);

/* The message is taken up again, as `call->ordinal / STEP_ATTEMPT`; of `call` message_id, ordinal, parties, zone,
 * billing_day and spent count. covered_ordinal: of the last step that holds `spent` (STEP_MODEL_REPLY, STEP_PRESUMED);
 * -1 = none. What of earlier attempts was sent, and is not covered, adds up to ret_bound, which the STEP_PRESUMED holds
 * on top of `spent`; what was only held comes back. Asking again gives the same, until the step is settled. A hub that
 * has lost the cache as well is told the largest bound of the agent's model. FAILURE_UNAVAILABLE: closed or away. */
bool budgets_presumed(Budgets *budgets, const BudgetCall *call, int32_t covered_ordinal, BudgetAmounts *ret_bound,
                      Failure *reterr_failure) _must_check_;

/* What a party has spent and what is reserved of it, for those who want to see it. */
typedef struct BudgetLook {
        BudgetAmounts held;
        BudgetAmounts spent[BUDGET_WINDOW_COUNT];
        int64_t ends_us[BUDGET_WINDOW_COUNT]; /* wall clock */
} BudgetLook;

bool budgets_look(Budgets *budgets, BudgetSubject subject, const BudgetParties *parties, Text zone, int32_t billing_day,
                  BudgetLook *ret_look, Failure *reterr_failure) _must_check_;
