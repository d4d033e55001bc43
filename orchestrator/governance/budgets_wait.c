/* Who waits for a budget stands in a line before the account that is short, or before the closed door, and no thread
 * stands there with it: the usher, one thread for all, asks for the first of each line, when something of that account
 * was settled here, and gently in between, because hubs elsewhere settle too. So those who came first are served first,
 * and a thousand who wait cost no more than one. What is held for somebody who waited is there under its key when its
 * turn goes on and asks again. */
#include "base/clock.h"
#include "base/thread.h"
#include "orchestrator/governance/budgets_parts.h"

#include <stdio.h>

#define POLL_FIRST_US (20 * MILLISECONDS)
#define POLL_MOST_US  (250 * MILLISECONDS)
#define POLL_LINE_US  MILLISECONDS /* and for each line so much: a thousand questions a second at most */

struct WaitLine {
        char account[BUDGET_ACCOUNT_SIZE]; /* empty: budgets are closed */
        Waiter *first, *last;
        int64_t due_us, pause_us; /* due: monotonic */
};

/* A call that waits; what it points to is its own. */
struct Waiter {
        Waiter *next;
        WaitLine *line;
        BudgetCall call;
        bool asked;  /* the usher asks for it at this moment */
        bool gone;   /* and nobody wants to know any more */
        bool called; /* in no line any more: it is to hear for itself that it is refused */
};

static void call_release(BudgetCall *call) {
        if (call->parties.domain.length > 0)
                free((void *) call->parties.domain.bytes);
        if (call->zone.length > 0)
                free((void *) call->zone.bytes);
        free((void *) call->budgets);
}

static Text text_own(Text text) {
        return text.length > 0 ? (Text){ text_keep(text), text.length } : TEXT_NONE;
}

static BudgetCall call_copy(const BudgetCall *call) {
        BudgetCall copy = *call;
        Budget *budgets = memory_new(sizeof(*budgets) * (call->budget_count + 1));

        if (call->budget_count > 0)
                memcpy(budgets, call->budgets, sizeof(*budgets) * call->budget_count);
        copy.budgets = budgets;
        copy.zone = text_own(call->zone);
        copy.parties.domain = text_own(call->parties.domain);
        return copy;
}

static void waiter_free(Waiter *waiter) {
        call_release(&waiter->call);
        free(waiter);
}

/* Whoever is first now is asked for at once. */
static void line_wake(Budgets *budgets, WaitLine *line, int64_t now_us) {
        if (line->due_us > now_us)
                line->due_us = now_us;
        pthread_cond_signal(&budgets->called);
}

static void leave(Budgets *budgets, Waiter *waiter) {
        WaitLine *line = waiter->line;
        Waiter *before = NULL;
        for (Waiter *each = line->first; each != waiter; each = each->next)
                before = each;
        *(before ? &before->next : &line->first) = waiter->next;
        if (line->last == waiter)
                line->last = before;
        waiter->line = NULL;
        waiter->next = NULL;
        if (!line->first) {
                map_remove(budgets->lines, text_of(line->account));
                free(line);
        } else if (!before) {
                line->pause_us = POLL_FIRST_US;
                line_wake(budgets, line, clock_now().monotonic_us);
        }
}

static void enter(Budgets *budgets, Waiter *waiter, const char *account) {
        WaitLine *line = map_get(budgets->lines, text_of(account));
        if (!line) {
                line = memory_new(sizeof(*line));
                snprintf(line->account, sizeof(line->account), "%s", account);
                line->pause_us = POLL_FIRST_US;
                line->due_us = clock_now().monotonic_us + POLL_FIRST_US;
                map_put(budgets->lines, text_of(line->account), line);
                pthread_cond_signal(&budgets->called);
        }
        *(line->last ? &line->last->next : &line->first) = waiter;
        line->last = waiter;
        waiter->line = line;
}

/* Out of its line and out of sight; who is asked for just now is freed when the answer is there. */
static void waiter_remove(Budgets *budgets, Waiter *waiter) {
        map_remove(budgets->waiters, MAP_KEY(waiter->call.message_id));
        if (waiter->line)
                leave(budgets, waiter);
        waiter->gone = true;
        if (!waiter->asked)
                waiter_free(waiter);
}

/* Not one that is asked for at this moment: that is known at once. */
static Waiter *waiter_find(Budgets *budgets, Uuid message_id) {
        Waiter *waiter;
        while ((waiter = map_get(budgets->waiters, MAP_KEY(message_id))) && waiter->asked)
                pthread_cond_wait(&budgets->answered, &budgets->lock);
        return waiter;
}

/* Whether the line is one of the call's. */
static bool line_concerns(const WaitLine *line, const BudgetCall *call) {
        char account[BUDGET_ACCOUNT_SIZE];
        for (size_t i = 0; i < call->budget_count; i++)
                if (budget_account(call->budgets[i].subject, &call->parties, account) &&
                    strcmp(line->account, account) == 0)
                        return true;
        return line->account[0] == '\0';
}

bool wait_called(Budgets *budgets, Uuid message_id) {
        Waiter *waiter = waiter_find(budgets, message_id);
        if (!waiter || !waiter->called)
                return false;
        waiter_remove(budgets, waiter);
        return true;
}

bool wait_goes_on(Budgets *budgets, const BudgetCall *call) {
        Waiter *waiter = waiter_find(budgets, call->message_id);
        if (!waiter)
                return false;
        if (call->last || waiter->call.ordinal != call->ordinal || !line_concerns(waiter->line, call)) {
                waiter_remove(budgets, waiter);
                return false;
        }
        call_release(&waiter->call);
        waiter->call = call_copy(call);
        line_wake(budgets, waiter->line, clock_now().monotonic_us);
        return true;
}

void wait_begin(Budgets *budgets, const BudgetCall *call, const char *account) {
        Waiter *waiter = memory_new(sizeof(*waiter));
        waiter->call = call_copy(call);
        map_put(budgets->waiters, MAP_KEY(waiter->call.message_id), waiter);
        enter(budgets, waiter, account);
}

void wait_end(Budgets *budgets, Uuid message_id) {
        Waiter *waiter = map_get(budgets->waiters, MAP_KEY(message_id));
        if (waiter)
                waiter_remove(budgets, waiter);
}

void wait_end_all(Budgets *budgets) {
        Waiter *waiter;
        for (size_t i = 0; (waiter = map_each(budgets->waiters, &i));)
                waiter_remove(budgets, waiter);
}

bool wait_behind(Budgets *budgets, const BudgetCall *call) {
        char account[BUDGET_ACCOUNT_SIZE];
        for (size_t i = 0; i < call->budget_count; i++)
                if (budget_account(call->budgets[i].subject, &call->parties, account) &&
                    map_get(budgets->lines, text_of(account))) {
                        wait_begin(budgets, call, account);
                        return true;
                }
        return false;
}

void wake_parties(Budgets *budgets, const BudgetParties *parties) {
        char account[BUDGET_ACCOUNT_SIZE];
        if (map_count(budgets->lines) == 0)
                return;
        int64_t now_us = clock_now().monotonic_us;
        for (int i = 0; i < BUDGET_SUBJECT_COUNT; i++) {
                WaitLine *line = budget_account((BudgetSubject) i, parties, account)
                                         ? map_get(budgets->lines, text_of(account))
                                         : NULL;
                if (line)
                        line_wake(budgets, line, now_us);
        }
}

void wake_all(Budgets *budgets) {
        int64_t now_us = clock_now().monotonic_us;
        WaitLine *line;
        for (size_t i = 0; (line = map_each(budgets->lines, &i));)
                line_wake(budgets, line, now_us);
}

/* The line that is due for longest, or when the next one will be. */
static WaitLine *line_due(const Budgets *budgets, int64_t now_us, int64_t *ret_due_us) {
        WaitLine *line, *first = NULL;
        for (size_t i = 0; (line = map_each(budgets->lines, &i));)
                if (!first || line->due_us < first->due_us)
                        first = line;
        *ret_due_us = first ? first->due_us : INT64_MAX;
        return first && first->due_us <= now_us ? first : NULL;
}

/* It must go on waiting: before another account, if that is the one that is short now. */
static void wait_on(Budgets *budgets, Waiter *waiter, const char *account) {
        WaitLine *line = waiter->line;
        int64_t pause_us = 2 * line->pause_us, least_us = POLL_LINE_US * (int64_t) map_count(budgets->lines);
        if (strcmp(line->account, account) != 0) {
                leave(budgets, waiter);
                enter(budgets, waiter, account);
                return;
        }
        line->pause_us = pause_us < POLL_MOST_US ? pause_us : POLL_MOST_US;
        line->due_us = clock_now().monotonic_us + (line->pause_us > least_us ? line->pause_us : least_us);
}

/* Under the lock, which is let go meanwhile. */
static void usher_ask(Budgets *budgets, Waiter *waiter) {
        const BudgetCall *call = &waiter->call;
        Uuid message_id = call->message_id;
        int32_t ordinal = call->ordinal;
        char account[BUDGET_ACCOUNT_SIZE];
        WaitOutcome outcome;
        bool granted;

        waiter->asked = true;
        waiter->line->due_us = INT64_MAX; /* whoever wakes it meanwhile has something new to say */
        pthread_mutex_unlock(&budgets->lock);
        outcome = budgets_ask_for(budgets, call, account);
        pthread_mutex_lock(&budgets->lock);
        waiter->asked = false;
        granted = outcome == WAIT_GRANTED;
        pthread_cond_broadcast(&budgets->answered);
        if (waiter->gone) {
                waiter_free(waiter);
                pthread_mutex_unlock(&budgets->lock);
                if (granted)
                        budgets_release(budgets, message_id, ordinal);
        } else if (outcome == WAIT_GOES_ON) {
                bool woken = waiter->line->due_us != INT64_MAX;
                wait_on(budgets, waiter, account[0] ? account : waiter->line->account);
                if (woken)
                        line_wake(budgets, waiter->line, clock_now().monotonic_us);
                return;
        } else {
                if (granted) {
                        waiter_remove(budgets, waiter);
                } else {
                        leave(budgets, waiter);
                        waiter->called = true;
                }
                pthread_mutex_unlock(&budgets->lock);
                budgets->settings.go_on(budgets->settings.listener, message_id);
        }
        pthread_mutex_lock(&budgets->lock);
}

static void *usher_run(void *budgets_) {
        Budgets *budgets = budgets_;
        pthread_mutex_lock(&budgets->lock);
        while (!budgets->stop) {
                int64_t now_us = clock_now().monotonic_us, due_us;
                const WaitLine *line = line_due(budgets, now_us, &due_us);
                struct timespec until = clock_timespec(due_us);
                if (line)
                        usher_ask(budgets, line->first);
                else if (due_us == INT64_MAX)
                        pthread_cond_wait(&budgets->called, &budgets->lock);
                else
                        pthread_cond_timedwait(&budgets->called, &budgets->lock, &until);
        }
        pthread_mutex_unlock(&budgets->lock);
        return NULL;
}

void usher_start(Budgets *budgets) {
        budgets->lines = map_new(8);
        budgets->waiters = map_new(8);
        clock_condition_init(&budgets->called);
        clock_condition_init(&budgets->answered);
        if (thread_start(&budgets->usher, NULL, usher_run, budgets) != 0)
                abort();
}

void usher_stop(Budgets *budgets) {
        pthread_join(budgets->usher, NULL);
        wait_end_all(budgets);
        map_free(budgets->lines);
        map_free(budgets->waiters);
        pthread_cond_destroy(&budgets->called);
        pthread_cond_destroy(&budgets->answered);
}
