#include "component/settler.h"

#include "base/queue.h"
#include "base/thread.h"

typedef struct Settlement {
        QueueItem item; /* first */
        Uuid message_id;
        BudgetAmounts total;
} Settlement;

struct Settler {
        Budgets *budgets;
        Queue *settlements;
        pthread_t thread;
};

static void *settler_thread(void *settler_) {
        Settler *settler = settler_;
        QueueItem *item;

        while ((item = queue_take(settler->settlements, -1))) {
                Settlement *settlement = (Settlement *) item;
                budgets_settle(settler->budgets, settlement->message_id, BUDGET_CONCLUDED, settlement->total);
                free(settlement);
        }
        return NULL;
}

Settler *settler_new(Budgets *budgets) {
        Settler *settler = memory_new(sizeof(*settler));

        settler->budgets = budgets;
        settler->settlements = queue_new(false);
        if (thread_start(&settler->thread, NULL, settler_thread, settler) != 0)
                abort();
        return settler;
}

void settler_put(Settler *settler, Uuid message_id, BudgetAmounts total) {
        Settlement *settlement = memory_new(sizeof(*settlement));

        settlement->message_id = message_id;
        settlement->total = total;
        queue_put(settler->settlements, &settlement->item);
}

void settler_free(Settler *settler) {
        queue_close(settler->settlements);
        pthread_join(settler->thread, NULL);
        queue_free(settler->settlements);
        free(settler);
}
