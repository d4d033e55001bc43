/* The treasurer: watches over the generation, joins one that is being built or builds it, says again what could not be
 * settled, and clears up after hubs that died. It decides nothing about who may spend. */
#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/governance/budgets_parts.h"

#include <stdio.h>

#define WATCH_US     SECONDS
#define CLOSED_US    (200 * MILLISECONDS)
#define CLEAR_US     (2 * SECONDS) /* between two looks at what was left behind */
#define LEFT_US      (2 * SECONDS) /* what was touched since is nobody's leftover yet */
#define CONCLUDED_S  10            /* then its hub has had the time to settle it */
#define CLEAR_AT_ONE 200
#define CLEAN_US     (3600 * SECONDS)
#define OVER_US      (24 * CLEAN_US) /* an account's last window is: no clock goes back that far */

void owner_format(const char *hub, int64_t epoch, char ret_owner[static BUDGET_OWNER_SIZE]) {
        snprintf(ret_owner, BUDGET_OWNER_SIZE, "%lld %.64s", (long long) epoch, hub);
}

bool owner_is_alive(const char *owner, const LedgerLease *leases, size_t count) {
        char name[BUDGET_OWNER_SIZE];
        for (size_t i = 0; i < count; i++) {
                owner_format(leases[i].hub, leases[i].epoch, name);
                if (!leases[i].released && strcmp(owner, name) == 0)
                        return true;
        }
        return false;
}

static void change_state(Budgets *budgets, BudgetsState state) {
        static const char *const sentences[] = {
                [BUDGETS_AWAY] = "budgets: the cache is away, nothing that costs money is started",
                [BUDGETS_REBUILDING] =
                        "budgets: the cache is another or has lost its memory, what was spent is summed up",
                [BUDGETS_OPEN] = "budgets are open",
        };
        pthread_mutex_lock(&budgets->lock);
        bool changed = budgets->state != (int) state;
        budgets->state = (int) state;
        if (changed)
                wake_all(budgets);
        pthread_mutex_unlock(&budgets->lock);
        if (changed)
                log_info(sentences[state]);
}

/* What is held of a message, as it goes into a generation. False: nothing of it is in Redis. */
static bool held_open(const Budgets *budgets, const HeldMessage *message, BudgetOpen *ret_open) {
        *ret_open = (BudgetOpen){ .message_id = message->message_id };
        for (size_t i = 0; i < message->call_count && ret_open->call_count < BUDGET_CALLS_MOST; i++) {
                const HeldCall *call = &message->calls[i];
                BudgetHeld *held = &ret_open->calls[ret_open->call_count];
                if (call->free)
                        continue;
                *held = (BudgetHeld){ .ordinal = call->ordinal, .sent = call->sent, .bound = call->bound };
                memcpy(held->owner, budgets->owner, sizeof(held->owner));
                ret_open->call_count++;
        }
        return ret_open->call_count > 0;
}

typedef struct Joining {
        BudgetOpen open;
        BudgetParties parties;
        char domain[1024], zone[100];
} Joining;

/* NULL: it was told before. */
static Joining *copy_held(Budgets *budgets, const char *generation, size_t *ret_count, char *ret_owner) {
        const HeldMessage *message;
        pthread_mutex_lock(&budgets->lock);
        bool told = strcmp(budgets->joined, generation) == 0;
        Joining *joining = told ? NULL : memory_new(sizeof(Joining) * (map_count(budgets->held) + 1));
        size_t count = 0;
        for (size_t i = 0; joining && (message = map_each(budgets->held, &i));) {
                Joining *each = &joining[count];
                if (!held_open(budgets, message, &each->open))
                        continue;
                each->parties = message->parties;
                snprintf(each->domain, sizeof(each->domain), "%.*s", TEXT_ARGUMENTS(message->parties.domain));
                each->parties.domain = text_of(each->domain);
                each->open.zone = zone_format(text_of(message->zone), message->billing_day, each->zone,
                                              sizeof(each->zone));
                count++;
        }
        memcpy(ret_owner, budgets->owner, sizeof(budgets->owner));
        pthread_mutex_unlock(&budgets->lock);
        *ret_count = count;
        return joining;
}

bool treasurer_join(Budgets *budgets, const char *generation) {
        char owner[BUDGET_OWNER_SIZE];
        Failure failure;
        BudgetReply reply;
        size_t count;
        Joining *joining = copy_held(budgets, generation, &count, owner);
        if (!joining)
                return true;
        bool done = true;
        for (size_t i = 0; done && i < count; i++)
                done = budget_cache_join(budgets->cache, generation, &joining[i].parties, &joining[i].open, &reply,
                                         &failure) &&
                       reply.answer == BUDGET_DONE;
        free(joining);
        if (done && owner[0] != '\0')
                done = budget_cache_joined(budgets->cache, generation, owner, &reply, &failure) &&
                       reply.answer == BUDGET_DONE;
        if (done && owner[0] != '\0') {
                pthread_mutex_lock(&budgets->lock);
                if (strcmp(budgets->owner, owner) == 0)
                        snprintf(budgets->joined, sizeof(budgets->joined), "%s", generation);
                pthread_mutex_unlock(&budgets->lock);
        }
        return done;
}

/* What we hold counts for nothing in a generation that we have not joined: others took us for dead. What we have sent
 * they presume; should the cache be lost again they take us for alive, and only we can tell of it. */
static void adopt(Budgets *budgets, const char *generation) {
        pthread_mutex_lock(&budgets->lock);
        if (strcmp(budgets->generation, generation) != 0) {
                if (strcmp(budgets->joined, generation) != 0)
                        held_keep_sent(budgets);
                snprintf(budgets->generation, sizeof(budgets->generation), "%s", generation);
        }
        pthread_mutex_unlock(&budgets->lock);
        change_state(budgets, BUDGETS_OPEN);
}

/* A settlement that is still to be said. */
typedef struct Unsaid {
        Uuid message_id;
        char zone[100];
        int32_t billing_day, ordinal;
        BudgetAmounts total;
} Unsaid;

static Unsaid *find_unsaid(Budgets *budgets, size_t *ret_count) {
        const HeldMessage *message;
        pthread_mutex_lock(&budgets->lock);
        Unsaid *unsaid = memory_new(sizeof(Unsaid) * (map_count(budgets->held) + 1));
        size_t count = 0;
        for (size_t i = 0; (message = map_each(budgets->held, &i));) {
                if (!message->settling)
                        continue;
                Unsaid *each = &unsaid[count++];
                *each = (Unsaid){ .message_id = message->message_id,
                                  .billing_day = message->billing_day,
                                  .ordinal = message->settle_ordinal,
                                  .total = message->settle_total };
                snprintf(each->zone, sizeof(each->zone), "%s", message->zone ? message->zone : "");
        }
        pthread_mutex_unlock(&budgets->lock);
        *ret_count = count;
        return unsaid;
}

static void say_unsaid(Budgets *budgets) {
        Snapshot snapshot;
        Failure failure;
        size_t count;
        Unsaid *unsaid = find_unsaid(budgets, &count);
        bool going = count > 0 && budgets_snapshot(budgets, &snapshot, &failure);
        for (size_t i = 0; going && i < count; i++) {
                const Unsaid *each = &unsaid[i];
                going = budgets_say(budgets, &snapshot, text_of(each->zone), each->billing_day, each->message_id,
                                    each->ordinal, each->total, &failure);
                pthread_mutex_lock(&budgets->lock);
                HeldMessage *message = going ? held_find(budgets, each->message_id) : NULL;
                if (message) {
                        wake_parties(budgets, &message->parties);
                        held_settled(budgets, message, each->ordinal);
                }
                pthread_mutex_unlock(&budgets->lock);
        }
        free(unsaid);
}

/* What was left behind: messages whose calls are outstanding since a while. */
typedef struct Left {
        BudgetOpen open;
        char zone[100];
        LedgerTotal total;
} Left;

typedef struct Clearing {
        Left lefts[CLEAR_AT_ONE];
        size_t count;
        Map *by_id;
} Clearing;

static void take_left(void *taker, const BudgetOpen *open) {
        Clearing *clearing = taker;
        Left *left = &clearing->lefts[clearing->count++];
        left->open = *open;
        snprintf(left->zone, sizeof(left->zone), "%.*s", TEXT_ARGUMENTS(open->zone));
        left->total = (LedgerTotal){ .concluded_for_s = -1 };
        map_put(clearing->by_id, MAP_KEY(left->open.message_id), left);
}

static bool take_left_total(void *taker, const LedgerTotal *total, Failure *reterr_failure) {
        Clearing *clearing = taker;
        Left *left = map_get(clearing->by_id, MAP_KEY(total->message_id));
        (void) reterr_failure;
        if (left)
                left->total = *total;
        return true;
}

/* Ours, and we know nothing of it: an answer of Redis was lost, and nothing went out. */
static bool is_forgotten(Budgets *budgets, const Snapshot *snapshot, Uuid message_id, const BudgetHeld *call) {
        pthread_mutex_lock(&budgets->lock);
        HeldMessage *message = held_find(budgets, message_id);
        bool known = message && (message->presumed || held_call(message, call->ordinal));
        bool ours = strcmp(call->owner, snapshot->owner) == 0 && strcmp(budgets->owner, snapshot->owner) == 0;
        pthread_mutex_unlock(&budgets->lock);
        return ours && !known;
}

static bool clear_left(Budgets *budgets, const Snapshot *snapshot, const Left *left, const LedgerLease *leases,
                       size_t lease_count, Failure *reterr_failure) {
        Uuid id = left->open.message_id;
        int32_t billing_day;
        BudgetReply reply;
        Text zone;
        if (left->total.concluded_for_s >= CONCLUDED_S) {
                zone_parse(text_of(left->zone), &zone, &billing_day);
                if (!budgets_say(budgets, snapshot, zone, billing_day, id, BUDGET_CONCLUDED, left->total.spent,
                                 reterr_failure))
                        return false;
                pthread_mutex_lock(&budgets->lock);
                held_forget(budgets, id);
                wake_all(budgets);
                pthread_mutex_unlock(&budgets->lock);
                return true;
        }
        for (size_t i = 0; i < left->open.call_count; i++) {
                const BudgetHeld *call = &left->open.calls[i];
                bool heard = true;
                if (!owner_is_alive(call->owner, leases, lease_count) && !call->sent)
                        heard = budget_cache_recover(budgets->cache, snapshot->generation, id, call->owner, &reply,
                                                     reterr_failure);
                else if (is_forgotten(budgets, snapshot, id, call))
                        heard = budget_cache_release(budgets->cache, snapshot->generation, id, call->ordinal, &reply,
                                                     reterr_failure);
                else
                        continue;
                if (!heard)
                        return false;
                pthread_mutex_lock(&budgets->lock);
                wake_all(budgets);
                pthread_mutex_unlock(&budgets->lock);
        }
        return true;
}

/* One page of them; ret_more: there are others after it. */
static bool clear_page(Budgets *budgets, const Snapshot *snapshot, Clearing *clearing, const LedgerLease *leases,
                       size_t lease_count, int64_t before_us, int64_t *after_us, bool *ret_more,
                       Failure *reterr_failure) {
        Uuid ids[CLEAR_AT_ONE];
        size_t listed;
        clearing->count = 0;
        if (!budget_cache_list(budgets->cache, snapshot->generation, *after_us, before_us, CLEAR_AT_ONE, take_left,
                               clearing, after_us, &listed, reterr_failure))
                return false;
        *ret_more = listed == CLEAR_AT_ONE;
        for (size_t i = 0; i < clearing->count; i++)
                ids[i] = clearing->lefts[i].open.message_id;
        bool done = clearing->count == 0 ||
                    ledger_totals(budgets->settings.database, ids, clearing->count,
                                  &(LedgerTakers){ .total = take_left_total, .taker = clearing }, reterr_failure);
        for (size_t i = 0; done && i < clearing->count; i++)
                done = clear_left(budgets, snapshot, &clearing->lefts[i], leases, lease_count, reterr_failure);
        for (size_t i = 0; i < clearing->count; i++)
                map_remove(clearing->by_id, MAP_KEY(clearing->lefts[i].open.message_id));
        return done;
}

static bool clear_up(Budgets *budgets, int64_t redis_us, Failure *reterr_failure) {
        Snapshot snapshot;
        LedgerLease *leases;
        size_t lease_count;
        int64_t after_us = 0;
        bool more = true, done = true;
        if (!budgets_snapshot(budgets, &snapshot, reterr_failure) ||
            !ledger_leases(budgets->settings.database, &leases, &lease_count, reterr_failure))
                return false;
        Clearing *clearing = memory_new(sizeof(*clearing));
        clearing->by_id = map_new(CLEAR_AT_ONE);
        while (done && more)
                done = clear_page(budgets, &snapshot, clearing, leases, lease_count, redis_us - LEFT_US, &after_us,
                                  &more, reterr_failure);
        map_free(clearing->by_id);
        free(clearing);
        free(leases);
        return done;
}

/* Whoever was written to once would otherwise have an account for ever. */
static bool clean(Budgets *budgets, int64_t redis_us, Failure *reterr_failure) {
        char cursor[BUDGET_CURSOR_SIZE] = "0";
        Snapshot snapshot;
        BudgetReply reply;
        if (!budgets_snapshot(budgets, &snapshot, reterr_failure))
                return false;
        do {
                if (!budget_cache_clean(budgets->cache, snapshot.generation, redis_us - OVER_US, cursor, &reply,
                                        reterr_failure))
                        return false;
        } while (reply.answer == BUDGET_DONE && strcmp(cursor, "0") != 0);
        return true;
}

static bool may_be_used(Budgets *budgets, const BudgetProbe *probe) {
        if (probe->evicts && !budgets->told_evicts)
                log_error("budgets: the cache may drop what it is told when its memory runs out; set maxmemory-policy "
                          "noeviction");
        budgets->told_evicts = probe->evicts;
        return !probe->evicts;
}

static bool has_lease(Budgets *budgets) {
        pthread_mutex_lock(&budgets->lock);
        bool leased = budgets->owner[0] != '\0';
        pthread_mutex_unlock(&budgets->lock);
        return leased;
}

static bool watch(Budgets *budgets, Failure *reterr_failure) {
        BudgetProbe probe;
        if (!budget_cache_probe(budgets->cache, &probe, reterr_failure) || !may_be_used(budgets, &probe)) {
                change_state(budgets, BUDGETS_AWAY);
                return true; /* which has been said */
        }
        int64_t now_us = clock_now().monotonic_us;
        budgets->offset_us = probe.now_us - now_us;
        if (!probe.open[0]) {
                change_state(budgets, BUDGETS_REBUILDING);
                if (probe.rebuild[0]) {
                        (void) treasurer_join(budgets, probe.rebuild); /* tried again until it is open */
                        return true;
                }
                return treasurer_rebuild(budgets, &probe, reterr_failure);
        }
        adopt(budgets, probe.open);
        say_unsaid(budgets);
        if (budgets->sweeps && !budget_cache_sweep(budgets->cache, probe.open, reterr_failure))
                return false;
        budgets->sweeps = false;
        if (now_us < budgets->cleared_us + CLEAR_US || !has_lease(budgets))
                return true;
        budgets->cleared_us = now_us;
        if (!clear_up(budgets, probe.now_us, reterr_failure))
                return false;
        if (now_us < budgets->clean_us)
                return true;
        budgets->clean_us = now_us + CLEAN_US;
        return clean(budgets, probe.now_us, reterr_failure);
}

static bool wait_until_due(Budgets *budgets) {
        int64_t pause_us = budgets_state(budgets) == BUDGETS_OPEN ? WATCH_US : CLOSED_US;
        struct timespec until = clock_timespec(clock_now().monotonic_us + pause_us);
        pthread_mutex_lock(&budgets->lock);
        while (!budgets->stop && !budgets->kicked &&
               pthread_cond_timedwait(&budgets->due, &budgets->lock, &until) == 0) {
        }
        budgets->kicked = false;
        bool going = !budgets->stop;
        pthread_mutex_unlock(&budgets->lock);
        return going;
}

void *treasurer_run(void *budgets_) {
        Budgets *budgets = budgets_;
        Failure failure;
        do {
                if (!watch(budgets, &failure))
                        log_warning("budgets: what is due cannot be done now", "cause", LOG_STRING, failure.text);
        } while (wait_until_due(budgets));
        return NULL;
}
