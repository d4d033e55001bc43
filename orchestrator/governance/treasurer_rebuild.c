/* Building a generation, by whoever takes the lock: wait until every live hub has told what it holds, let nobody tell
 * any more, read the ledger as of one moment after that, put down what was spent, and open.
 *
 * The order makes it exact. What a hub had settled before it told is in the ledger, which is read later. What it told
 * is outstanding, with what the ledger holds of that message already; so that a row that was committed in between is
 * not booked again when it is settled. Messages of hubs that did not tell, because they are dead, or live and cannot,
 * count with the largest bound of their model until they are taken up or concluded. */
#include "base/clock.h"
#include "base/log.h"
#include "base/record.h"
#include "base/thread.h"
#include "orchestrator/governance/budgets_parts.h"

#include <stdio.h>

#define LOCK_US     (10 * SECONDS)
#define RENEW_US    (2 * SECONDS)
#define AGAIN_US    SECONDS /* after a failure, whoever is first */
#define LOOK_US     (100 * MILLISECONDS)
#define SUM_MOST    ((INT64_C(1) << 53) - 1)
#define PROMPT_MOST (INT64_C(1) << 20) /* tokens: what no model takes more of */
#define LIST_AT_ONE 500

__extension__ typedef __int128 Wide;

/* A hub that is waited for. */
typedef struct Watched {
        char owner[BUDGET_OWNER_SIZE];
        int64_t beats, since_us; /* monotonic: when that was first read */
        bool joined, named, passed_over;
} Watched;

/* What will be put down for an account. */
typedef struct Sum {
        char account[BUDGET_ACCOUNT_SIZE];
        BudgetAccount sums;
} Sum;

/* A message of a hub that is dead. */
typedef struct Orphan {
        BudgetOpen open;
        BudgetParties parties;
        BudgetAmounts spent;
        char domain[1024], zone[100];
} Orphan;

typedef struct Rebuild {
        Budgets *budgets;
        char generation[BUDGET_GENERATION_SIZE];
        int64_t began_us; /* monotonic */
        int64_t now_us;   /* Redis' time */
        Watched *watched;
        size_t watched_count;
        Map *sums;
        Uuid *joined; /* messages with outstanding calls */
        size_t joined_count, joined_capacity;
        LedgerTotal *totals;
        size_t total_count;
        Orphan *orphans;
        size_t orphan_count, orphan_capacity;
        pthread_t keeper;
        pthread_mutex_t lock;
        pthread_cond_t ended_changed;
        bool ended;
} Rebuild;

/* Holds the lock of the generation while the database sums up, which may take longer than it lasts. */
static void *keep_lock(void *rebuild_) {
        Rebuild *rebuild = rebuild_;
        Failure failure;
        BudgetReply reply;
        pthread_mutex_lock(&rebuild->lock);
        while (!rebuild->ended) {
                struct timespec until = clock_timespec(clock_now().monotonic_us + RENEW_US);
                if (pthread_cond_timedwait(&rebuild->ended_changed, &rebuild->lock, &until) == 0)
                        continue;
                pthread_mutex_unlock(&rebuild->lock);
                bool renewed = budget_cache_renew(rebuild->budgets->cache, rebuild->generation, LOCK_US, &reply,
                                                  &failure);
                pthread_mutex_lock(&rebuild->lock);
                if (!renewed || reply.answer != BUDGET_DONE)
                        break; /* the scripts that follow will find it gone */
        }
        pthread_mutex_unlock(&rebuild->lock);
        return NULL;
}

/* Whether this script was heard, and the lock is still ours. */
static bool is_ours(bool asked, const BudgetReply *reply, Failure *reterr_failure) {
        if (!asked)
                return false;
        return reply->answer != BUDGET_CLOSED || failure_set(reterr_failure, FAILURE_UNAVAILABLE,
                                                             "somebody else is building, or the cache was lost again");
}

static Watched *watched_of(Rebuild *rebuild, const char *owner) {
        for (size_t i = 0; i < rebuild->watched_count; i++)
                if (strcmp(rebuild->watched[i].owner, owner) == 0)
                        return &rebuild->watched[i];
        rebuild->watched = memory_resize(rebuild->watched, sizeof(Watched) * (rebuild->watched_count + 1));
        Watched *watched = &rebuild->watched[rebuild->watched_count++];
        *watched = (Watched){ .beats = -1 };
        snprintf(watched->owner, sizeof(watched->owner), "%s", owner);
        return watched;
}

/* It lives: it has no budgets, or another Redis, or none that it can reach. */
static bool is_passed_over(const Rebuild *rebuild, Watched *watched, const char *hub, int64_t now_us) {
        int64_t patience_us = rebuild->budgets->settings.patience_us, waited_us = now_us - rebuild->began_us;
        if (waited_us >= patience_us / 4 && !watched->named)
                log_warning("budgets: a hub that lives has not told yet what it has outstanding, and is waited for",
                            "hub", LOG_STRING, hub, "seconds", LOG_INTEGER, (patience_us - waited_us) / SECONDS);
        watched->named |= waited_us >= patience_us / 4;
        if (waited_us >= patience_us && !watched->passed_over)
                log_error(
                        "budgets: a hub that lives did not tell what it has outstanding; its open messages count with "
                        "the largest bounds of their models",
                        "hub", LOG_STRING, hub);
        watched->passed_over |= waited_us >= patience_us;
        return watched->passed_over;
}

/* A hub that has not told yet, and is not known to be dead. */
static bool is_waited_for(Rebuild *rebuild, const LedgerLease *lease, bool *ret_waited, Failure *reterr_failure) {
        char owner[BUDGET_OWNER_SIZE];
        BudgetReply reply;
        int64_t now_us = clock_now().monotonic_us;
        owner_format(lease->hub, lease->epoch, owner);
        Watched *watched = watched_of(rebuild, owner);
        if (!watched->joined) {
                if (!is_ours(budget_cache_has_joined(rebuild->budgets->cache, rebuild->generation, owner, &reply,
                                                     reterr_failure),
                             &reply, reterr_failure))
                        return false;
                watched->joined = reply.answer == BUDGET_DONE;
        }
        if (watched->beats != lease->beats) {
                watched->beats = lease->beats;
                watched->since_us = now_us;
        }
        *ret_waited = !watched->joined && now_us < watched->since_us + rebuild->budgets->settings.lease_us &&
                      !is_passed_over(rebuild, watched, lease->hub, now_us);
        return true;
}

static bool all_have_told(Rebuild *rebuild, bool *ret_all, Failure *reterr_failure) {
        LedgerLease *leases;
        size_t count;
        bool done = ledger_leases(rebuild->budgets->settings.database, &leases, &count, reterr_failure);
        *ret_all = true;
        if (!done)
                return false;
        for (size_t i = 0; done && i < count; i++) {
                bool waited = false;
                if (!leases[i].released)
                        done = is_waited_for(rebuild, &leases[i], &waited, reterr_failure);
                *ret_all &= !waited;
        }
        free(leases);
        return done;
}

static bool is_stopped(Budgets *budgets, int64_t pause_us) {
        struct timespec until = clock_timespec(clock_now().monotonic_us + pause_us);
        pthread_mutex_lock(&budgets->lock);
        while (!budgets->stop && pthread_cond_timedwait(&budgets->due, &budgets->lock, &until) == 0) {
        }
        bool stopped = budgets->stop;
        pthread_mutex_unlock(&budgets->lock);
        return stopped;
}

static bool await_hubs(Rebuild *rebuild, Failure *reterr_failure) {
        for (;;) {
                bool all;
                if (!treasurer_join(rebuild->budgets, rebuild->generation))
                        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache was lost again");
                if (!all_have_told(rebuild, &all, reterr_failure))
                        return false;
                if (all)
                        return true;
                if (is_stopped(rebuild->budgets, LOOK_US))
                        return failure_set(reterr_failure, FAILURE_CANCELLED, "the hub stops");
        }
}

static void take_joined(void *taker, const BudgetOpen *open) {
        Rebuild *rebuild = taker;
        if (rebuild->joined_count == rebuild->joined_capacity) {
                rebuild->joined_capacity = rebuild->joined_capacity > 0 ? 2 * rebuild->joined_capacity : 64;
                rebuild->joined = memory_resize(rebuild->joined, sizeof(Uuid) * rebuild->joined_capacity);
        }
        rebuild->joined[rebuild->joined_count++] = open->message_id;
}

static bool list_joined(Rebuild *rebuild, Failure *reterr_failure) {
        int64_t after_us = 0;
        size_t count;
        do {
                if (!budget_cache_list(rebuild->budgets->cache, rebuild->generation, after_us, INT64_MAX, LIST_AT_ONE,
                                       take_joined, rebuild, &after_us, &count, reterr_failure))
                        return false;
        } while (count > 0);
        return true;
}

static void add_sum(Rebuild *rebuild, const char *account, const BudgetAmounts *spent, const int64_t *ends_us) {
        Sum *sum = map_get(rebuild->sums, text_of(account));
        if (!sum) {
                sum = memory_new(sizeof(*sum));
                snprintf(sum->account, sizeof(sum->account), "%s", account);
                map_put(rebuild->sums, text_of(sum->account), sum);
        }
        for (int window = 0; window < BUDGET_WINDOW_COUNT; window++) {
                sum->sums.ends_us[window] = ends_us[window];
                for (int unit = 0; unit < BUDGET_UNIT_COUNT; unit++) {
                        int64_t *total = &sum->sums.spent[window].units[unit];
                        int64_t more = spent[window].units[unit];
                        *total = more > SUM_MOST - *total ? SUM_MOST : *total + more;
                }
        }
}

static bool take_sum(void *taker, const LedgerSum *sum, Failure *reterr_failure) {
        Rebuild *rebuild = taker;
        char account[BUDGET_ACCOUNT_SIZE];
        Calendars calendars;
        if (!budgets_calendars(rebuild->budgets, TEXT_NONE, 0, rebuild->now_us, &calendars, reterr_failure))
                return false;
        for (int i = 0; i < BUDGET_SUBJECT_COUNT; i++) {
                bool installation = i == BUDGET_OF_INSTALLATION;
                if (budget_account((BudgetSubject) i, &sum->parties, account))
                        add_sum(rebuild, account, installation ? sum->installation : sum->spent,
                                installation ? calendars.installation.ends_us : sum->ends_us);
        }
        return true;
}

/* Where the calls of dead attempts stand, as if they were one; false when all that there may be is accounted for. */
static bool orphan_ordinal(const Rebuild *rebuild, const LedgerOpen *open, int32_t *ret_ordinal) {
        char hub[BUDGET_OWNER_SIZE], owner[BUDGET_OWNER_SIZE];
        bool alive = false;
        snprintf(hub, sizeof(hub), "%.*s", TEXT_ARGUMENTS(open->hub));
        owner_format(hub, open->epoch, owner);
        for (size_t i = 0; i < rebuild->watched_count; i++)
                alive |= rebuild->watched[i].joined && strcmp(rebuild->watched[i].owner, owner) == 0;
        if (alive && (open->taken_up < 0 || open->presumed > open->taken_up))
                return false;
        int32_t begin = open->taken_up < 0 ? 0 : open->taken_up / STEP_ATTEMPT * STEP_ATTEMPT;
        *ret_ordinal = alive ? begin - 1 : begin + STEP_ATTEMPT - 1;
        return true;
}

static bool take_open(void *taker, const LedgerOpen *open, Failure *reterr_failure) {
        Rebuild *rebuild = taker;
        int32_t ordinal;
        (void) reterr_failure;
        if (!orphan_ordinal(rebuild, open, &ordinal))
                return true;
        if (rebuild->orphan_count == rebuild->orphan_capacity) {
                rebuild->orphan_capacity = rebuild->orphan_capacity > 0 ? 2 * rebuild->orphan_capacity : 16;
                rebuild->orphans = memory_resize(rebuild->orphans, sizeof(Orphan) * rebuild->orphan_capacity);
        }
        Orphan *orphan = &rebuild->orphans[rebuild->orphan_count++];
        *orphan = (Orphan){ .open = { .message_id = open->message_id, .call_count = 1 },
                            .parties = open->parties,
                            .spent = open->spent };
        orphan->open.calls[0] = (BudgetHeld){ .ordinal = ordinal, .sent = true };
        snprintf(orphan->domain, sizeof(orphan->domain), "%.*s", TEXT_ARGUMENTS(open->parties.domain));
        (void) zone_format(open->zone, open->billing_day, orphan->zone, sizeof(orphan->zone));
        return true;
}

static bool take_total(void *taker, const LedgerTotal *total, Failure *reterr_failure) {
        Rebuild *rebuild = taker;
        (void) reterr_failure;
        rebuild->totals[rebuild->total_count++] = *total;
        return true;
}

static BudgetAmounts largest_bound(const LedgerPrice *price) {
        Wide nano = (Wide) PROMPT_MOST * price->prompt_nano + (Wide) price->completion_tokens * price->completion_nano;
        nano = (nano + 999999) / 1000000;
        return (BudgetAmounts){ { nano > SUM_MOST ? SUM_MOST : (int64_t) nano,
                                  PROMPT_MOST + price->completion_tokens } };
}

static bool put_orphan(Rebuild *rebuild, Orphan *orphan, const LedgerPrice *price, Failure *reterr_failure) {
        BudgetCache *cache = rebuild->budgets->cache;
        BudgetReply reply;
        orphan->parties.domain = text_of(orphan->domain);
        orphan->open.zone = text_of(orphan->zone);
        orphan->open.calls[0].bound = largest_bound(price);
        return is_ours(budget_cache_join(cache, rebuild->generation, &orphan->parties, &orphan->open, &reply,
                                         reterr_failure),
                       &reply, reterr_failure) &&
               is_ours(budget_cache_booked(cache, rebuild->generation, orphan->open.message_id, orphan->spent, &reply,
                                           reterr_failure),
                       &reply, reterr_failure);
}

/* Those of models that cost nothing are left out. */
static bool put_orphans(Rebuild *rebuild, Failure *reterr_failure) {
        _cleanup_(free_memoryp) Uuid *agents = memory_new(sizeof(Uuid) * (rebuild->orphan_count + 1));
        _cleanup_(free_memoryp) LedgerPrice *prices = NULL;
        _cleanup_(map_freep) Map *by_agent = map_new(64);
        size_t count;
        for (size_t i = 0; i < rebuild->orphan_count; i++)
                agents[i] = rebuild->orphans[i].parties.agent_id;
        if (!ledger_prices(rebuild->budgets->settings.database, agents, rebuild->orphan_count, &prices, &count,
                           reterr_failure))
                return false;
        for (size_t i = 0; i < count; i++)
                if (prices[i].prompt_nano > 0 || prices[i].completion_nano > 0)
                        map_put(by_agent, MAP_KEY(prices[i].agent_id), &prices[i]);
        for (size_t i = 0; i < rebuild->orphan_count; i++) {
                const LedgerPrice *price = map_get(by_agent, MAP_KEY(rebuild->orphans[i].parties.agent_id));
                if (price && !put_orphan(rebuild, &rebuild->orphans[i], price, reterr_failure))
                        return false;
        }
        return true;
}

static bool put_sums(Rebuild *rebuild, Failure *reterr_failure) {
        BudgetCache *cache = rebuild->budgets->cache;
        BudgetReply reply;
        const Sum *sum;
        for (size_t i = 0; (sum = map_each(rebuild->sums, &i));)
                if (!is_ours(budget_cache_seed(cache, rebuild->generation, sum->account, &sum->sums, &reply,
                                               reterr_failure),
                             &reply, reterr_failure))
                        return false;
        for (size_t i = 0; i < rebuild->total_count; i++)
                if (!is_ours(budget_cache_booked(cache, rebuild->generation, rebuild->totals[i].message_id,
                                                 rebuild->totals[i].spent, &reply, reterr_failure),
                             &reply, reterr_failure))
                        return false;
        return true;
}

static bool build(Rebuild *rebuild, Failure *reterr_failure) {
        const LedgerTakers takers = { take_sum, take_open, take_total, rebuild };
        BudgetCache *cache = rebuild->budgets->cache;
        BudgetProbe probe;
        BudgetReply reply;
        if (!await_hubs(rebuild, reterr_failure) ||
            !is_ours(budget_cache_joined(cache, rebuild->generation, "", &reply, reterr_failure), &reply,
                     reterr_failure) ||
            !list_joined(rebuild, reterr_failure) || !budget_cache_probe(cache, &probe, reterr_failure))
                return false;
        rebuild->now_us = probe.now_us;
        rebuild->totals = memory_new(sizeof(LedgerTotal) * (rebuild->joined_count + 1));
        return ledger_read(rebuild->budgets->settings.database, rebuild->now_us, rebuild->joined, rebuild->joined_count,
                           &takers, reterr_failure) &&
               put_orphans(rebuild, reterr_failure) && put_sums(rebuild, reterr_failure) &&
               is_ours(budget_cache_open(cache, rebuild->generation, &reply, reterr_failure), &reply, reterr_failure);
}

static void rebuild_release(Rebuild *rebuild) {
        Sum *sum;
        for (size_t i = 0; (sum = map_each(rebuild->sums, &i));)
                free(sum);
        map_free(rebuild->sums);
        free(rebuild->watched);
        free(rebuild->joined);
        free(rebuild->totals);
        free(rebuild->orphans);
        pthread_cond_destroy(&rebuild->ended_changed);
        pthread_mutex_destroy(&rebuild->lock);
}

static void end_keeper(Rebuild *rebuild) {
        pthread_mutex_lock(&rebuild->lock);
        rebuild->ended = true;
        pthread_cond_signal(&rebuild->ended_changed);
        pthread_mutex_unlock(&rebuild->lock);
        pthread_join(rebuild->keeper, NULL);
}

bool treasurer_rebuild(Budgets *budgets, const BudgetProbe *probe, Failure *reterr_failure) {
        _cleanup_(rebuild_release)
                Rebuild rebuild = { .budgets = budgets, .began_us = clock_now().monotonic_us, .sums = map_new(64) };
        TextBuilder generation = text_builder(BUDGET_GENERATION_SIZE);
        uint64_t token = crypto_random_uint64();
        BudgetReply reply;
        text_add_format(&generation, "%s:", probe->run_id);
        text_add_hex(&generation, (const uint8_t *) &token, sizeof(token));
        snprintf(rebuild.generation, sizeof(rebuild.generation), "%s", generation.bytes);
        text_builder_release(&generation);
        pthread_mutex_init(&rebuild.lock, NULL);
        clock_condition_init(&rebuild.ended_changed);
        if (!budget_cache_lock(budgets->cache, rebuild.generation, &reply, reterr_failure))
                return false;
        if (reply.answer != BUDGET_DONE)
                return true; /* somebody was faster */
        if (thread_start(&rebuild.keeper, NULL, keep_lock, &rebuild) != 0)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "there is no thread left to build with");
        bool built = build(&rebuild, reterr_failure);
        end_keeper(&rebuild);
        if (!built) {
                (void) !budget_cache_renew(budgets->cache, rebuild.generation, AGAIN_US, &reply, NULL);
                return false;
        }
        log_info("budgets were rebuilt from the ledger", "accounts", LOG_INTEGER, (int64_t) map_count(rebuild.sums),
                 "outstanding", LOG_INTEGER, (int64_t) rebuild.joined_count, "presumed", LOG_INTEGER,
                 (int64_t) rebuild.orphan_count, "milliseconds", LOG_INTEGER,
                 (clock_now().monotonic_us - rebuild.began_us) / MILLISECONDS);
        pthread_mutex_lock(&budgets->lock);
        budgets->kicked = budgets->sweeps = true; /* so that it is found to be open at once */
        pthread_mutex_unlock(&budgets->lock);
        return true;
}
