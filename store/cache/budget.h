/* Budgets in Redis: what is spent and what is reserved, by account, and who reserved it, by message. One script does
 * each step, so that nothing comes between looking and taking, and doing it twice is doing it once. Decides what fits
 * (the rule stands in orchestrator/governance/budgets.h); does not wait, does not know the ledger, and never makes a
 * generation valid by itself.
 *
 * A generation is "RUN_ID:TOKEN": the run_id of the server that it was made on, and a random token under which all its
 * keys stand. Everything else is a stranger's, or of another life, and counts for nothing.
 *
 * Any thread; calls block for at most the patience, over a few connections that are shared. False is always
 * FAILURE_UNAVAILABLE: not known whether it was done; ask again.
 */
#pragma once

#include "base/budget.h"
#include "base/clock.h"
#include "base/failure.h"

typedef struct BudgetCache BudgetCache;

#define BUDGET_RUN_ID_SIZE     41 /* with NUL */
#define BUDGET_GENERATION_SIZE 80
#define BUDGET_OWNER_SIZE      96
#define BUDGET_ACCOUNT_SIZE    72
#define BUDGET_BUDGETS_MOST    64
#define BUDGET_CURSOR_SIZE     24
#define BUDGET_CALLS_MOST      64 /* outstanding ones of a message */

typedef struct BudgetCacheSettings {
        const char *address;  /* "redis://host:port/number" or "unix:/path" */
        const char *password; /* of the default user; NULL = none */
        int64_t patience_us;  /* 0 = 500 ms */
        int connections;      /* 0 = 8 */
} BudgetCacheSettings;

bool budget_cache_new(const BudgetCacheSettings *settings, BudgetCache **ret_cache,
                      Failure *reterr_failure) _must_check_;
void budget_cache_free(BudgetCache *cache);
DEFINE_RELEASE(BudgetCache *, budget_cache_free)

typedef struct BudgetProbe {
        char run_id[BUDGET_RUN_ID_SIZE];
        char open[BUDGET_GENERATION_SIZE];    /* the valid one; empty = none, or of another server */
        char rebuild[BUDGET_GENERATION_SIZE]; /* one being built; empty = none */
        int64_t now_us;                       /* Redis' TIME */
        bool evicts;                          /* the server may drop keys when memory runs out: not to be used */
} BudgetProbe;

/* Over a connection of its own, made anew when the server is another one than before. */
bool budget_cache_probe(BudgetCache *cache, BudgetProbe *ret_probe, Failure *reterr_failure) _must_check_;

/* Name of a party's account; false when the message has no such party. */
bool budget_account(BudgetSubject subject, const BudgetParties *parties, char ret_name[static BUDGET_ACCOUNT_SIZE]);

/* Where day and month of a calendar begin and end, wall clock. */
typedef struct BudgetCalendar {
        int64_t begins_us[BUDGET_WINDOW_COUNT], ends_us[BUDGET_WINDOW_COUNT]; /* that of minutes is not looked at */
} BudgetCalendar;

/* Of the installation, then of the tenant. */
typedef struct BudgetCalendars {
        BudgetCalendar installation, tenant;
} BudgetCalendars;

typedef enum BudgetAnswer {
        BUDGET_DONE,
        BUDGET_WAITS,
        BUDGET_REFUSED,
        BUDGET_GONE,    /* no such reservation */
        BUDGET_CLOSED,  /* the generation is not, or no longer, valid */
        BUDGET_OUTSIDE, /* the server's time, now_us, is in none of the windows of a calendar */
        BUDGET_ANSWER_COUNT,
} BudgetAnswer;

typedef struct BudgetReply {
        BudgetAnswer answer;
        BudgetAmounts amounts;  /* granted; presumed */
        int64_t budget;         /* which of the budgets does not fit or is the fullest, from 0; -1 = none */
        int64_t spent, ends_us; /* of that one, within its window */
        int64_t now_us;
} BudgetReply;

typedef struct BudgetAsk {
        Uuid message_id;
        int32_t ordinal;
        const char *owner; /* hub and epoch */
        Text zone;         /* kept with the message: "DAY ZONE" */
        const BudgetParties *parties;
        const Budget *budgets; /* at most BUDGET_BUDGETS_MOST, of parties that the message has */
        size_t budget_count;
        BudgetAmounts spent, least, most;
} BudgetAsk;

bool budget_cache_reserve(BudgetCache *cache, const char *generation, const BudgetCalendars *calendars,
                          const BudgetAsk *ask, BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;
bool budget_cache_sent(BudgetCache *cache, const char *generation, Uuid message_id, int32_t ordinal, const char *owner,
                       BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;
bool budget_cache_release(BudgetCache *cache, const char *generation, Uuid message_id, int32_t ordinal,
                          BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;
bool budget_cache_settle(BudgetCache *cache, const char *generation, const BudgetCalendars *calendars, Uuid message_id,
                         int32_t ordinal, BudgetAmounts total, BudgetReply *ret_reply,
                         Failure *reterr_failure) _must_check_;
/* Of the calls before `ordinal`: what was held comes back, what was sent is added up and stays. */
bool budget_cache_presume(BudgetCache *cache, const char *generation, Uuid message_id, int32_t ordinal,
                          BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;
/* What `owner` held of this message, and had not sent, comes back. */
bool budget_cache_recover(BudgetCache *cache, const char *generation, Uuid message_id, const char *owner,
                          BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;
/* As it is stored: windows that ended at ends_us are over. All zero when there is no such account. */
typedef struct BudgetAccount {
        BudgetAmounts held, spent[BUDGET_WINDOW_COUNT];
        int64_t ends_us[BUDGET_WINDOW_COUNT], now_us;
} BudgetAccount;
bool budget_cache_look(BudgetCache *cache, const char *generation, const char *account, BudgetAccount *ret_account,
                       BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;

/* An outstanding call. */
typedef struct BudgetHeld {
        int32_t ordinal;
        bool sent;
        BudgetAmounts bound;
        char owner[BUDGET_OWNER_SIZE];
} BudgetHeld;

/* A message with outstanding calls, as it stands in Redis. */
typedef struct BudgetOpen {
        Uuid message_id;
        Text zone;
        BudgetHeld calls[BUDGET_CALLS_MOST];
        size_t call_count;
} BudgetOpen;

/* `take` is called for each message touched before before_us and after after_us, oldest first, at most `limit`;
 * ret_last is the time of the last. */
typedef void (*BudgetTaker)(void *taker, const BudgetOpen *open);
bool budget_cache_list(BudgetCache *cache, const char *generation, int64_t after_us, int64_t before_us, int limit,
                       BudgetTaker take, void *taker, int64_t *ret_last_us, size_t *ret_count,
                       Failure *reterr_failure) _must_check_;

/* Building a generation: whoever holds the lock, whose value it is, fills it in; hubs join it with what they hold. The
 * lock ends by itself after ten seconds, unless it is renewed; DONE only for who has it. */
bool budget_cache_lock(BudgetCache *cache, const char *generation, BudgetReply *ret_reply,
                       Failure *reterr_failure) _must_check_;
bool budget_cache_renew(BudgetCache *cache, const char *generation, int64_t for_us, BudgetReply *ret_reply,
                        Failure *reterr_failure) _must_check_;
/* A message with outstanding calls; twice is once. */
bool budget_cache_join(BudgetCache *cache, const char *generation, const BudgetParties *parties, const BudgetOpen *open,
                       BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;
/* This owner has said all it holds; "": everybody has, and who still joins is CLOSED. */
bool budget_cache_joined(BudgetCache *cache, const char *generation, const char *owner, BudgetReply *ret_reply,
                         Failure *reterr_failure) _must_check_;
bool budget_cache_has_joined(BudgetCache *cache, const char *generation, const char *owner, BudgetReply *ret_reply,
                             Failure *reterr_failure) _must_check_;
/* What the ledger holds of a message that joined, and so needs not be booked again. */
bool budget_cache_booked(BudgetCache *cache, const char *generation, Uuid message_id, BudgetAmounts total,
                         BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;
bool budget_cache_seed(BudgetCache *cache, const char *generation, const char *account, const BudgetAccount *sums,
                       BudgetReply *ret_reply, Failure *reterr_failure) _must_check_;
/* It is valid from now on. */
bool budget_cache_open(BudgetCache *cache, const char *generation, BudgetReply *ret_reply,
                       Failure *reterr_failure) _must_check_;
/* Looks at some of the accounts, and removes those whose windows all ended before then and of which nothing is
 * reserved: they are as good as none. The cursor is "0" at the beginning, and again at the end. */
bool budget_cache_clean(BudgetCache *cache, const char *generation, int64_t before_us,
                        char cursor[static BUDGET_CURSOR_SIZE], BudgetReply *ret_reply,
                        Failure *reterr_failure) _must_check_;
/* Removes what other generations left. */
bool budget_cache_sweep(BudgetCache *cache, const char *generation, Failure *reterr_failure) _must_check_;
