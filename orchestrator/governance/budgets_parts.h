/* The parts of budgets that its own files share: budgets.c reserves and settles, budgets_wait.c makes those wait who
 * must, budgets_held.c remembers what this process holds, treasurer.c keeps the generation, treasurer_rebuild.c builds
 * one.
 *
 * What is under the lock says so; the rest is set before the treasurer starts, or its own.
 */
#pragma once

#include "base/map.h"
#include "orchestrator/governance/budgets.h"
#include "store/cache/budget.h"
#include "store/ledger.h"
#include "store/windows.h"

#include <stdatomic.h>

typedef struct Waiter Waiter;     /* budgets_wait.c */
typedef struct WaitLine WaitLine; /* and this */

struct Budgets {
        BudgetsSettings settings;
        BudgetCache *cache;
        Windows *windows;
        _Atomic int state;         /* BudgetsState */
        _Atomic int64_t offset_us; /* Redis' time less our monotonic clock */

        pthread_mutex_t lock;
        Map *held;                               /* HeldMessage by id */
        Map *lines, *waiters;                    /* WaitLine by account, Waiter by message */
        pthread_cond_t called, answered;         /* the usher has something to do; it has heard an answer */
        char owner[BUDGET_OWNER_SIZE];           /* "EPOCH HUB"; empty: no lease yet */
        char generation[BUDGET_GENERATION_SIZE]; /* the last that was valid */
        char joined[BUDGET_GENERATION_SIZE];     /* that we have told what we hold */
        pthread_cond_t due;
        bool kicked, stop;
        bool sweeps; /* we built the generation: what others left is ours to remove */

        pthread_t usher, treasurer;
        int64_t cleared_us; /* monotonic: the treasurer's last look at what was left behind */
        int64_t clean_us;   /* monotonic: when it looks for accounts that are over next */
        bool told_evicts;
};

typedef struct HeldCall {
        int32_t ordinal;
        bool sent, free; /* free: needs no reservation, and Redis knows nothing of it */
        BudgetAmounts bound;
} HeldCall;

/* A message of ours with outstanding calls, or with something to say about it. */
typedef struct HeldMessage {
        Uuid message_id;
        BudgetParties parties; /* the domain is kept */
        char *zone;
        int32_t billing_day;
        HeldCall *calls;
        size_t call_count, call_capacity;
        bool presumed; /* its earlier attempts' calls are outstanding, and shall be settled by us */
        bool settling; /* to be said to Redis */
        int32_t settle_ordinal;
        BudgetAmounts settle_total;
} HeldMessage;

/* budgets_held.c, under the lock */
HeldMessage *held_find(Budgets *budgets, Uuid message_id);
HeldMessage *held_make(Budgets *budgets, const BudgetCall *call);
HeldCall *held_call(HeldMessage *message, int32_t ordinal);
void held_add(HeldMessage *message, HeldCall call);
void held_drop(Budgets *budgets, HeldMessage *message, int32_t ordinal);           /* one call */
void held_settled(Budgets *budgets, HeldMessage *message, int32_t before_ordinal); /* all before */
void held_forget(Budgets *budgets, Uuid message_id);
void held_keep_sent(Budgets *budgets); /* and what is to be said of it */
void held_clear(Budgets *budgets);

/* budgets.c */
typedef struct Snapshot {
        char owner[BUDGET_OWNER_SIZE], generation[BUDGET_GENERATION_SIZE];
} Snapshot;
/* False: closed, FAILURE_UNAVAILABLE. */
bool budgets_snapshot(Budgets *budgets, Snapshot *ret_snapshot, Failure *reterr_failure) _must_check_;
typedef struct Calendars {
        Calendar installation, tenant;
        BudgetCalendars windows;
} Calendars;
bool budgets_calendars(Budgets *budgets, Text zone, int32_t billing_day, int64_t now_us, Calendars *ret_calendars,
                       Failure *reterr_failure) _must_check_;
/* Says one settlement. False: not known whether it was heard. */
bool budgets_say(Budgets *budgets, const Snapshot *snapshot, Text zone, int32_t billing_day, Uuid message_id,
                 int32_t ordinal, BudgetAmounts total, Failure *reterr_failure) _must_check_;

/* What came of a call that was asked for in its turn. */
typedef enum WaitOutcome {
        WAIT_GOES_ON, /* ret_account: the one that is short; empty = budgets are closed */
        WAIT_GRANTED,
        WAIT_OVER, /* it is refused: its turn shall ask why */
} WaitOutcome;
/* Not under the lock. */
WaitOutcome budgets_ask_for(Budgets *budgets, const BudgetCall *call, char ret_account[static BUDGET_ACCOUNT_SIZE]);

/* budgets_wait.c */
void usher_start(Budgets *budgets);
void usher_stop(Budgets *budgets); /* `stop` is set */
/* The rest under the lock. Whether it was called to hear that it is refused, and so stands behind nobody: said once. */
bool wait_called(Budgets *budgets, Uuid message_id);
/* True: the message stands in line already and keeps its place, as what it is by now. */
bool wait_goes_on(Budgets *budgets, const BudgetCall *call);
/* At the end of the line before an account; empty: before the closed door. */
void wait_begin(Budgets *budgets, const BudgetCall *call, const char *account);
/* In the first line there is before an account of the call's, behind those who came first. False: there is none. */
bool wait_behind(Budgets *budgets, const BudgetCall *call);
void wait_end(Budgets *budgets, Uuid message_id);
void wait_end_all(Budgets *budgets);
void wake_parties(Budgets *budgets, const BudgetParties *parties);
void wake_all(Budgets *budgets);

/* treasurer.c */
void *treasurer_run(void *budgets);
void owner_format(const char *hub, int64_t epoch, char ret_owner[static BUDGET_OWNER_SIZE]);
bool owner_is_alive(const char *owner, const LedgerLease *leases, size_t count);
/* Tells a generation being built what we hold. */
bool treasurer_join(Budgets *budgets, const char *generation);

/* treasurer_rebuild.c: takes the lock, and returns when the generation is open, or somebody else shall try. */
bool treasurer_rebuild(Budgets *budgets, const BudgetProbe *probe, Failure *reterr_failure) _must_check_;
/* "DAY ZONE", as it stands with a message in Redis, and back. */
Text zone_format(Text zone, int32_t billing_day, char *room, size_t size);
void zone_parse(Text packed, Text *ret_zone, int32_t *ret_billing_day);
