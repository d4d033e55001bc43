#include "orchestrator/governance/budgets.h"

#include "base/clock.h"
#include "base/money.h"
#include "base/record.h"
#include "base/thread.h"
#include "orchestrator/governance/budgets_parts.h"

#include <errno.h>
#include <stdio.h>

#define OUTSIDE_TRIES 3
#define AMOUNT_MOST   ((INT64_C(1) << 53) - 1)
#define LEASE_US      (10 * SECONDS)
#define PATIENCE_US   (60 * SECONDS)

bool budgets_new(const BudgetsSettings *settings, Budgets **ret_budgets, Failure *reterr_failure) {
        BudgetCache *cache;
        if (!budget_cache_new(&(BudgetCacheSettings){ .address = settings->address, .password = settings->password },
                              &cache, reterr_failure))
                return false;
        Budgets *budgets = memory_new(sizeof(*budgets));
        budgets->settings = *settings;
        budgets->settings.address = budgets->settings.password = NULL; /* the cache has its own */
        if (budgets->settings.lease_us <= 0)
                budgets->settings.lease_us = LEASE_US;
        if (budgets->settings.patience_us <= 0)
                budgets->settings.patience_us = PATIENCE_US;
        budgets->cache = cache;
        budgets->windows = windows_new(settings->database);
        budgets->held = map_new(64);
        pthread_mutex_init(&budgets->lock, NULL);
        clock_condition_init(&budgets->due);
        Moment now = clock_now();
        budgets->offset_us = now.wall_us - now.monotonic_us;
        usher_start(budgets);
        if (thread_start(&budgets->treasurer, NULL, treasurer_run, budgets) != 0)
                abort();
        *ret_budgets = budgets;
        return true;
}

void budgets_free(Budgets *budgets) {
        pthread_mutex_lock(&budgets->lock);
        budgets->stop = true;
        pthread_cond_signal(&budgets->due);
        pthread_cond_signal(&budgets->called);
        pthread_mutex_unlock(&budgets->lock);
        pthread_join(budgets->treasurer, NULL);
        usher_stop(budgets);
        held_clear(budgets);
        map_free(budgets->held);
        windows_free(budgets->windows);
        budget_cache_free(budgets->cache);
        pthread_cond_destroy(&budgets->due);
        pthread_mutex_destroy(&budgets->lock);
        free(budgets);
}

/* What was reserved under an earlier epoch is no longer ours: the turns are dropped, and whoever took the epoch settles
 * it. */
void budgets_hold_lease(Budgets *budgets, Text hub, int64_t epoch) {
        char name[BUDGET_OWNER_SIZE], owner[BUDGET_OWNER_SIZE];
        snprintf(name, sizeof(name), "%.*s", TEXT_ARGUMENTS(hub));
        owner_format(name, epoch, owner);
        pthread_mutex_lock(&budgets->lock);
        if (strcmp(owner, budgets->owner) != 0) {
                held_clear(budgets);
                wait_end_all(budgets);
                budgets->joined[0] = '\0';
                memcpy(budgets->owner, owner, sizeof(owner));
        }
        pthread_mutex_unlock(&budgets->lock);
}

BudgetsState budgets_state(const Budgets *budgets) {
        return (BudgetsState) atomic_load_explicit(&budgets->state, memory_order_relaxed);
}

/* Redis' time, nearly. */
static int64_t budgets_now(const Budgets *budgets) {
        return clock_now().monotonic_us + budgets->offset_us;
}

bool budgets_snapshot(Budgets *budgets, Snapshot *ret_snapshot, Failure *reterr_failure) {
        pthread_mutex_lock(&budgets->lock);
        BudgetsState state = budgets_state(budgets);
        bool leased = budgets->owner[0] != '\0';
        memcpy(ret_snapshot->owner, budgets->owner, sizeof(budgets->owner));
        memcpy(ret_snapshot->generation, budgets->generation, sizeof(budgets->generation));
        pthread_mutex_unlock(&budgets->lock);
        if (state == BUDGETS_AWAY)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE,
                                   "What this may spend cannot be checked: the budgets' cache is away.");
        if (state == BUDGETS_REBUILDING || !leased)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE,
                                   "What this may spend cannot be checked yet: what was spent is being summed up.");
        return true;
}

/* Something of ours says that this generation is not valid, or that the server is away. */
static void budgets_doubt(Budgets *budgets, const char *generation, BudgetsState state) {
        pthread_mutex_lock(&budgets->lock);
        if (strcmp(budgets->generation, generation) == 0 && budgets->state == BUDGETS_OPEN) {
                budgets->state = (int) state;
                budgets->kicked = true;
                pthread_cond_signal(&budgets->due);
                wake_all(budgets);
        }
        pthread_mutex_unlock(&budgets->lock);
}

static BudgetCalendar calendar_bounds(const Calendar *calendar) {
        BudgetCalendar bounds;
        memcpy(bounds.begins_us, calendar->begins_us, sizeof(bounds.begins_us));
        memcpy(bounds.ends_us, calendar->ends_us, sizeof(bounds.ends_us));
        return bounds;
}

bool budgets_calendars(Budgets *budgets, Text zone, int32_t billing_day, int64_t now_us, Calendars *ret_calendars,
                       Failure *reterr_failure) {
        if (!windows_at(budgets->windows, TEXT_NONE, 0, now_us, &ret_calendars->installation, reterr_failure) ||
            !windows_at(budgets->windows, zone, billing_day, now_us, &ret_calendars->tenant, reterr_failure))
                return false;
        ret_calendars->windows = (BudgetCalendars){ calendar_bounds(&ret_calendars->installation),
                                                    calendar_bounds(&ret_calendars->tenant) };
        return true;
}

Text zone_format(Text zone, int32_t billing_day, char *room, size_t size) {
        int length = snprintf(room, size, "%d %.*s", billing_day, TEXT_ARGUMENTS(zone));
        return (Text){ room, (size_t) length < size ? (size_t) length : size - 1 };
}

void zone_parse(Text packed, Text *ret_zone, int32_t *ret_billing_day) {
        Text day;
        int64_t value;
        bool good = text_split(&packed, ' ', &day) && text_to_int64(day, &value) && value >= 0 && value <= 31;
        *ret_billing_day = good ? (int32_t) value : 0;
        *ret_zone = good ? packed : TEXT_NONE;
}

/* What an answer that was no answer to the question means. */
static bool is_answered(Budgets *budgets, const Snapshot *snapshot, bool asked, const BudgetReply *reply,
                        Failure *reterr_failure) {
        if (!asked) {
                budgets_doubt(budgets, snapshot->generation, BUDGETS_AWAY);
                return false;
        }
        if (reply->answer != BUDGET_CLOSED)
                return true;
        budgets_doubt(budgets, snapshot->generation, BUDGETS_REBUILDING);
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE,
                           "What this may spend cannot be checked: what was spent is being summed up.");
}

bool budgets_apply(const BudgetCall *call) {
        if (call->most.units[BUDGET_MONEY] > 0)
                return true;
        for (size_t i = 0; i < call->budget_count; i++)
                if (call->budgets[i].unit == BUDGET_TOKENS && call->most.units[BUDGET_TOKENS] > 0)
                        return true;
        return false;
}

/* One attempt. */
typedef struct Attempt {
        Snapshot snapshot;
        Calendars calendars;
        BudgetReply reply;
} Attempt;

static bool attempt(Budgets *budgets, const BudgetCall *call, Attempt *attempt, Failure *reterr_failure) {
        char room[100];
        const BudgetAsk ask = {
                .message_id = call->message_id,
                .ordinal = call->ordinal,
                .owner = attempt->snapshot.owner,
                .zone = zone_format(call->zone, call->billing_day, room, sizeof(room)),
                .parties = &call->parties,
                .budgets = call->budgets,
                .budget_count = call->budget_count,
                .spent = call->spent,
                .least = call->least,
                .most = call->most,
        };
        int64_t now_us = budgets_now(budgets);
        if (!budgets_snapshot(budgets, &attempt->snapshot, reterr_failure))
                return false;
        for (int i = 0; i < OUTSIDE_TRIES; i++) {
                if (!budgets_calendars(budgets, call->zone, call->billing_day, now_us, &attempt->calendars,
                                       reterr_failure))
                        return false;
                bool asked = budget_cache_reserve(budgets->cache, attempt->snapshot.generation,
                                                  &attempt->calendars.windows, &ask, &attempt->reply, reterr_failure);
                if (!is_answered(budgets, &attempt->snapshot, asked, &attempt->reply, reterr_failure))
                        return false;
                if (attempt->reply.answer != BUDGET_OUTSIDE)
                        return true;
                now_us = attempt->reply.now_us;
        }
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "The cache's clock and the calendar do not agree.");
}

static void add_amount(TextBuilder *text, const Budgets *budgets, BudgetUnit unit, int64_t amount) {
        const char *currency = budgets->settings.currency;
        if (unit == BUDGET_TOKENS) {
                text_add_format(text, "%lld tokens", (long long) amount);
                return;
        }
        char money[MONEY_SIZE];
        money_format(amount, money);
        text_add_format(text, "%s %s", money, currency ? currency : "EUR");
}

static void add_opening(TextBuilder *text, const BudgetCall *call, const Budget *budget, const Calendars *calendars) {
        bool installation = budget->subject == BUDGET_OF_INSTALLATION;
        const Calendar *calendar = installation ? &calendars->installation : &calendars->tenant;
        Text zone = installation || call->zone.length == 0 ? TEXT("UTC") : call->zone;
        if (budget->window == BUDGET_MINUTE)
                text_add_string(text, " It opens again within a minute.");
        else
                text_add_format(text, " It opens again on %s (%.*s).", calendar->ends[budget->window],
                                TEXT_ARGUMENTS(zone));
}

/* Says what does not fit, how much of it there is, and when there is more. */
static bool refuse(const Budgets *budgets, const BudgetCall *call, const Attempt *attempt, BudgetVerdict *verdict,
                   Failure *reterr_failure) {
        static const char *const owners[BUDGET_SUBJECT_COUNT] = { "installation", "tenant", "agent",
                                                                  "account",      "grant",  "domain" };
        static const char *const windows[BUDGET_WINDOW_COUNT] = { "minute", "day", "month" };
        const Budget *budget = &call->budgets[attempt->reply.budget];
        TextBuilder text = text_builder(FAILURE_TEXT_LIMIT - 1);
        bool reserved = attempt->reply.answer == BUDGET_WAITS, fits = call->least.units[budget->unit] <= budget->amount;
        text_add_format(&text, "The %s's budget of ", owners[budget->subject]);
        add_amount(&text, budgets, budget->unit, budget->amount);
        text_add_format(&text, " a %s is %s: ", windows[budget->window], reserved ? "spent or reserved" : "spent");
        add_amount(&text, budgets, budget->unit, attempt->reply.spent);
        text_add_string(&text, " are spent, and this needs at least ");
        add_amount(&text, budgets, budget->unit, call->least.units[budget->unit]);
        text_add_char(&text, '.');
        if (fits)
                add_opening(&text, call, budget, &attempt->calendars);
        verdict->budget = budget;
        verdict->spent = attempt->reply.spent;
        verdict->opens_us = fits && !reserved ? attempt->reply.ends_us : 0;
        failure_set(reterr_failure, FAILURE_LIMIT, "%s", text.bytes);
        text_builder_release(&text);
        return false;
}

static void remember(Budgets *budgets, const BudgetCall *call, BudgetAmounts granted, bool free) {
        pthread_mutex_lock(&budgets->lock);
        held_add(held_make(budgets, call), (HeldCall){ .ordinal = call->ordinal, .bound = granted, .free = free });
        pthread_mutex_unlock(&budgets->lock);
}

static bool is_enough(const BudgetAmounts *granted, const BudgetAmounts *least) {
        for (int i = 0; i < BUDGET_UNIT_COUNT; i++)
                if (granted->units[i] < least->units[i])
                        return false;
        return true;
}

/* What was held for it while it waited may be too little by now: its prompt or its price is another. */
static bool attempt_enough(Budgets *budgets, const BudgetCall *call, Attempt *tried, Failure *reterr_failure) {
        if (!attempt(budgets, call, tried, reterr_failure))
                return false;
        if (tried->reply.answer != BUDGET_DONE || is_enough(&tried->reply.amounts, &call->least))
                return true;
        budgets_release(budgets, call->message_id, call->ordinal);
        return attempt(budgets, call, tried, reterr_failure);
}

WaitOutcome budgets_ask_for(Budgets *budgets, const BudgetCall *call, char ret_account[static BUDGET_ACCOUNT_SIZE]) {
        Attempt tried = { 0 };
        Failure failure;
        ret_account[0] = '\0';
        if (!attempt(budgets, call, &tried, &failure))
                return failure.kind == FAILURE_UNAVAILABLE ? WAIT_GOES_ON : WAIT_OVER;
        if (tried.reply.answer == BUDGET_DONE)
                remember(budgets, call, tried.reply.amounts, false);
        if (tried.reply.answer == BUDGET_WAITS)
                (void) budget_account(call->budgets[tried.reply.budget].subject, &call->parties, ret_account);
        return tried.reply.answer == BUDGET_DONE    ? WAIT_GRANTED
               : tried.reply.answer == BUDGET_WAITS ? WAIT_GOES_ON
                                                    : WAIT_OVER;
}

static bool is_held(Budgets *budgets, const BudgetCall *call) {
        HeldMessage *message = held_find(budgets, call->message_id);
        return message && held_call(message, call->ordinal);
}

/* Behind those who came first, if anybody waits for what it needs. */
static bool stands_in_line(Budgets *budgets, const BudgetCall *call) {
        pthread_mutex_lock(&budgets->lock);
        bool stands = !wait_called(budgets, call->message_id) &&
                      (wait_goes_on(budgets, call) ||
                       (!call->last && !is_held(budgets, call) && wait_behind(budgets, call)));
        pthread_mutex_unlock(&budgets->lock);
        return stands;
}

static void stand_in_line(Budgets *budgets, const BudgetCall *call, const char *account) {
        pthread_mutex_lock(&budgets->lock);
        wait_begin(budgets, call, account);
        pthread_mutex_unlock(&budgets->lock);
}

static bool reserve(Budgets *budgets, const BudgetCall *call, BudgetVerdict *verdict, Failure *reterr_failure) {
        char account[BUDGET_ACCOUNT_SIZE] = "";
        Attempt tried = { 0 };
        if (!attempt_enough(budgets, call, &tried, reterr_failure)) {
                verdict->waits = reterr_failure->kind == FAILURE_UNAVAILABLE && !call->last;
                if (verdict->waits)
                        stand_in_line(budgets, call, account);
                return false;
        }
        if (tried.reply.answer != BUDGET_DONE) {
                verdict->waits = tried.reply.answer == BUDGET_WAITS && !call->last;
                refuse(budgets, call, &tried, verdict, reterr_failure);
                if (verdict->waits && budget_account(verdict->budget->subject, &call->parties, account))
                        stand_in_line(budgets, call, account);
                return false;
        }
        verdict->granted = tried.reply.amounts;
        verdict->budget = tried.reply.budget >= 0 ? &call->budgets[tried.reply.budget] : NULL;
        verdict->spent = tried.reply.spent;
        verdict->opens_us = tried.reply.ends_us;
        remember(budgets, call, verdict->granted, false);
        return true;
}

/* What it waited for, or was held for it meanwhile, is needed no more: its budgets are gone. */
static void forgo(Budgets *budgets, const BudgetCall *call) {
        pthread_mutex_lock(&budgets->lock);
        wait_end(budgets, call->message_id);
        bool held = is_held(budgets, call);
        pthread_mutex_unlock(&budgets->lock);
        if (held)
                budgets_release(budgets, call->message_id, call->ordinal);
}

bool budgets_reserve(Budgets *budgets, const BudgetCall *call, BudgetVerdict *ret_verdict, Failure *reterr_failure) {
        *ret_verdict = (BudgetVerdict){ .granted = call->most };
        if (!budgets_apply(call)) {
                forgo(budgets, call);
                remember(budgets, call, (BudgetAmounts){ { 0 } }, true);
                return true;
        }
        for (int i = 0; i < BUDGET_UNIT_COUNT; i++)
                if (call->most.units[i] < 0 || call->most.units[i] > AMOUNT_MOST)
                        return failure_set(reterr_failure, FAILURE_INVALID, "A call cannot cost that much.");
        if (call->budget_count > BUDGET_BUDGETS_MOST)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "There are too many budgets to check.");
        ret_verdict->waits = stands_in_line(budgets, call);
        if (ret_verdict->waits)
                return failure_set(
                        reterr_failure, FAILURE_LIMIT,
                        "Others came first who wait for the same budget, and nothing of it was left in time.");
        return reserve(budgets, call, ret_verdict, reterr_failure);
}

/* It is marked before it is said, so that a rebuild in between counts it as sent. */
static bool mark_sent(Budgets *budgets, Uuid message_id, int32_t ordinal, bool *ret_free) {
        pthread_mutex_lock(&budgets->lock);
        HeldMessage *message = held_find(budgets, message_id);
        HeldCall *call = message ? held_call(message, ordinal) : NULL;
        if (call) {
                call->sent = true;
                *ret_free = call->free;
                if (call->free)
                        held_drop(budgets, message, ordinal);
        }
        pthread_mutex_unlock(&budgets->lock);
        return call != NULL;
}

static void drop_call(Budgets *budgets, Uuid message_id, int32_t ordinal) {
        pthread_mutex_lock(&budgets->lock);
        HeldMessage *message = held_find(budgets, message_id);
        if (message) {
                wake_parties(budgets, &message->parties);
                held_drop(budgets, message, ordinal);
        }
        pthread_mutex_unlock(&budgets->lock);
}

bool budgets_sent(Budgets *budgets, Uuid message_id, int32_t ordinal, Failure *reterr_failure) {
        Snapshot snapshot;
        BudgetReply reply;
        bool free;
        if (!mark_sent(budgets, message_id, ordinal, &free))
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "What was reserved for this call is gone.");
        if (free)
                return true;
        if (budgets_snapshot(budgets, &snapshot, reterr_failure)) {
                bool asked = budget_cache_sent(budgets->cache, snapshot.generation, message_id, ordinal, snapshot.owner,
                                               &reply, reterr_failure);
                if (is_answered(budgets, &snapshot, asked, &reply, reterr_failure)) {
                        if (reply.answer == BUDGET_DONE)
                                return true;
                        failure_set(reterr_failure, FAILURE_UNAVAILABLE, "What was reserved for this call is gone.");
                }
        }
        drop_call(budgets, message_id, ordinal);
        return false;
}

/* What is not heard of here is found by the treasurer: ours, and not in our memory. */
void budgets_release(Budgets *budgets, Uuid message_id, int32_t ordinal) {
        Snapshot snapshot;
        BudgetReply reply;
        Failure failure;
        pthread_mutex_lock(&budgets->lock);
        HeldMessage *message = held_find(budgets, message_id);
        const HeldCall *call = message ? held_call(message, ordinal) : NULL;
        bool known = call && !call->free;
        pthread_mutex_unlock(&budgets->lock);
        if (known && budgets_snapshot(budgets, &snapshot, &failure)) {
                bool asked = budget_cache_release(budgets->cache, snapshot.generation, message_id, ordinal, &reply,
                                                  &failure);
                (void) is_answered(budgets, &snapshot, asked, &reply, &failure);
        }
        drop_call(budgets, message_id, ordinal);
}

bool budgets_say(Budgets *budgets, const Snapshot *snapshot, Text zone, int32_t billing_day, Uuid message_id,
                 int32_t ordinal, BudgetAmounts total, Failure *reterr_failure) {
        int64_t now_us = budgets_now(budgets);
        Calendars calendars;
        BudgetReply reply;
        for (int i = 0; i < OUTSIDE_TRIES; i++) {
                if (!budgets_calendars(budgets, zone, billing_day, now_us, &calendars, reterr_failure))
                        return false;
                bool asked = budget_cache_settle(budgets->cache, snapshot->generation, &calendars.windows, message_id,
                                                 ordinal, total, &reply, reterr_failure);
                if (!is_answered(budgets, snapshot, asked, &reply, reterr_failure))
                        return false;
                if (reply.answer != BUDGET_OUTSIDE)
                        return true;
                now_us = reply.now_us;
        }
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "The cache's clock and the calendar do not agree.");
}

/* Notes down what is to be said. False: nothing of this message is reserved. */
static bool note_settlement(Budgets *budgets, Uuid message_id, int32_t ordinal, BudgetAmounts total, char *ret_zone,
                            size_t size, int32_t *ret_billing_day) {
        pthread_mutex_lock(&budgets->lock);
        if (ordinal == BUDGET_CONCLUDED)
                wait_end(budgets, message_id);
        HeldMessage *message = held_find(budgets, message_id);
        if (message && (!message->settling || message->settle_ordinal <= ordinal)) {
                message->settling = true;
                message->settle_ordinal = ordinal;
                message->settle_total = total;
        }
        if (message) {
                snprintf(ret_zone, size, "%s", message->zone ? message->zone : "");
                *ret_billing_day = message->billing_day;
        }
        pthread_mutex_unlock(&budgets->lock);
        return message != NULL;
}

void budgets_settle(Budgets *budgets, Uuid message_id, int32_t ordinal, BudgetAmounts total) {
        char zone[100];
        int32_t billing_day;
        Snapshot snapshot;
        Failure failure;
        if (!note_settlement(budgets, message_id, ordinal, total, zone, sizeof(zone), &billing_day) ||
            !budgets_snapshot(budgets, &snapshot, &failure) ||
            !budgets_say(budgets, &snapshot, text_of(zone), billing_day, message_id, ordinal, total, &failure))
                return;
        pthread_mutex_lock(&budgets->lock);
        HeldMessage *message = held_find(budgets, message_id);
        if (message) {
                wake_parties(budgets, &message->parties);
                held_settled(budgets, message, ordinal);
        }
        pthread_mutex_unlock(&budgets->lock);
}

bool budgets_presumed(Budgets *budgets, const BudgetCall *call, int32_t covered_ordinal, BudgetAmounts *ret_bound,
                      Failure *reterr_failure) {
        int32_t begin = call->ordinal / STEP_ATTEMPT * STEP_ATTEMPT;
        Snapshot snapshot;
        BudgetReply reply;
        if (!budgets_snapshot(budgets, &snapshot, reterr_failure) ||
            !budgets_say(budgets, &snapshot, call->zone, call->billing_day, call->message_id, covered_ordinal,
                         call->spent, reterr_failure))
                return false;
        bool asked = budget_cache_presume(budgets->cache, snapshot.generation, call->message_id, begin, &reply,
                                          reterr_failure);
        if (!is_answered(budgets, &snapshot, asked, &reply, reterr_failure))
                return false;
        *ret_bound = reply.amounts;
        pthread_mutex_lock(&budgets->lock);
        if (reply.amounts.units[BUDGET_MONEY] > 0 || reply.amounts.units[BUDGET_TOKENS] > 0)
                held_make(budgets, call)->presumed = true;
        wake_parties(budgets, &call->parties);
        pthread_mutex_unlock(&budgets->lock);
        return true;
}

bool budgets_look(Budgets *budgets, BudgetSubject subject, const BudgetParties *parties, Text zone, int32_t billing_day,
                  BudgetLook *ret_look, Failure *reterr_failure) {
        char name[BUDGET_ACCOUNT_SIZE];
        BudgetAccount account = { 0 };
        BudgetReply reply;
        Calendars calendars;
        Snapshot snapshot;
        *ret_look = (BudgetLook){ 0 };
        if (!budget_account(subject, parties, name) || !budgets_snapshot(budgets, &snapshot, reterr_failure))
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "What was spent is not known now.");
        bool asked = budget_cache_look(budgets->cache, snapshot.generation, name, &account, &reply, reterr_failure);
        if (!is_answered(budgets, &snapshot, asked, &reply, reterr_failure) ||
            !budgets_calendars(budgets, zone, billing_day, account.now_us, &calendars, reterr_failure))
                return false;
        const Calendar *calendar = subject == BUDGET_OF_INSTALLATION ? &calendars.installation : &calendars.tenant;
        ret_look->held = account.held;
        for (int window = 0; window < BUDGET_WINDOW_COUNT; window++) {
                bool running = account.ends_us[window] > account.now_us;
                ret_look->ends_us[window] = running ? account.ends_us[window] : calendar->ends_us[window];
                if (running)
                        ret_look->spent[window] = account.spent[window];
        }
        return true;
}
