/* Who waits for a budget stands in a line before the account that is short, and only the first of a line asks Redis:
 * when something of that account was settled here, and gently in between, because hubs elsewhere settle too. So those
 * who came first are served first, and a thousand who wait cost no more than one. */
#include "orchestrator/governance/budgets_parts.h"

#include <stdio.h>

struct WaitLine {
        char account[BUDGET_ACCOUNT_SIZE];
        Waiter *first, *last;
};

void waiter_init(Waiter *waiter) {
        *waiter = (Waiter){ 0 };
        clock_condition_init(&waiter->changed);
}

static void wake(WaitLine *line) {
        line->first->woken = true;
        pthread_cond_signal(&line->first->changed);
}

static void leave(Budgets *budgets, Waiter *waiter) {
        WaitLine *line = waiter->line;
        Waiter *before = NULL;
        if (!line)
                return;
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
                wake(line);
        }
}

void waiter_release(Budgets *budgets, Waiter *waiter) {
        leave(budgets, waiter);
        pthread_cond_destroy(&waiter->changed);
}

bool waiter_is_first(const Waiter *waiter) {
        return !waiter->line || waiter->line->first == waiter;
}

void waiter_enter(Budgets *budgets, Waiter *waiter, const char *account) {
        if (waiter->line && strcmp(waiter->line->account, account) == 0)
                return;
        leave(budgets, waiter);
        WaitLine *line = map_get(budgets->lines, text_of(account));
        if (!line) {
                line = memory_new(sizeof(*line));
                snprintf(line->account, sizeof(line->account), "%s", account);
                map_put(budgets->lines, text_of(line->account), line);
        }
        *(line->last ? &line->last->next : &line->first) = waiter;
        line->last = waiter;
        waiter->line = line;
}

bool wait_line_is_there(Budgets *budgets, const char *account) {
        return map_get(budgets->lines, text_of(account)) != NULL;
}

void wake_parties(Budgets *budgets, const BudgetParties *parties) {
        char account[BUDGET_ACCOUNT_SIZE];
        if (map_count(budgets->lines) == 0)
                return;
        for (int i = 0; i < BUDGET_SUBJECT_COUNT; i++) {
                WaitLine *line = budget_account((BudgetSubject) i, parties, account)
                                         ? map_get(budgets->lines, text_of(account))
                                         : NULL;
                if (line)
                        wake(line);
        }
}

void wake_all(Budgets *budgets) {
        WaitLine *line;
        for (size_t i = 0; (line = map_each(budgets->lines, &i));)
                wake(line);
}
