#include "component/desk.h"

#include "base/thread.h"

#define WAITING_LIMIT 256

struct Desk {
        Operations *operations;
        Queue *queue;
        bool stopping; /* set before the queue closes, read after */
        int thread_count;
        pthread_t threads[];
};

static bool work(DeskCall *call, Operations *operations) {
        return operation_call(operations, &call->caller, call->operation, call->input, &call->result, &call->failure);
}

static void run_call(Desk *desk, DeskCall *call) {
        if (__atomic_load_n(&desk->stopping, __ATOMIC_ACQUIRE))
                failure_set(&call->failure, FAILURE_UNAVAILABLE, "the hub is stopping; try again in a moment");
        else if (call->work ? call->work(call, desk->operations) : work(call, desk->operations))
                call->failure.kind = FAILURE_NONE;
        call->done(call);
}

static void *serve(void *argument) {
        Desk *desk = argument;
        QueueItem *item;
        while ((item = queue_take(desk->queue, -1)))
                run_call(desk, (DeskCall *) item);
        return NULL;
}

Desk *desk_new(Operations *operations, int threads) {
        Desk *desk = memory_new(sizeof(*desk) + (size_t) threads * sizeof(pthread_t));
        desk->operations = operations;
        desk->queue = queue_new(false);
        for (; desk->thread_count < threads; desk->thread_count++)
                if (thread_start(&desk->threads[desk->thread_count], NULL, serve, desk) != 0)
                        abort();
        return desk;
}

bool desk_submit(Desk *desk, DeskCall *call) {
        if (queue_length(desk->queue) >= WAITING_LIMIT)
                return false;
        queue_put(desk->queue, &call->item);
        return true;
}

void desk_free(Desk *desk) {
        if (!desk)
                return;
        __atomic_store_n(&desk->stopping, true, __ATOMIC_RELEASE);
        queue_close(desk->queue);
        for (int i = 0; i < desk->thread_count; i++)
                pthread_join(desk->threads[i], NULL);
        queue_free(desk->queue);
        free(desk);
}
