#include "base/ticker.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/thread.h"

#include <errno.h>
#include <stdlib.h>

struct Ticker {
        int64_t pause_us;
        void (*round)(void *argument);
        void *argument;
        pthread_t thread;
        bool stopping;
        pthread_mutex_t lock;
        pthread_cond_t stop;
};

/* False: it is to stop. */
static bool ticker_wait(Ticker *ticker) {
        struct timespec deadline = clock_timespec(clock_now().monotonic_us + ticker->pause_us);

        pthread_mutex_lock(&ticker->lock);
        while (!ticker->stopping && pthread_cond_timedwait(&ticker->stop, &ticker->lock, &deadline) != ETIMEDOUT) {
        }
        bool stopping = ticker->stopping;
        pthread_mutex_unlock(&ticker->lock);
        return !stopping;
}

static void *ticker_thread(void *ticker_) {
        Ticker *ticker = ticker_;

        while (ticker_wait(ticker))
                ticker->round(ticker->argument);
        return NULL;
}

Ticker *ticker_start(int64_t pause_us, void (*round)(void *argument), void *argument) {
        Ticker *ticker = memory_new(sizeof(*ticker));

        ticker->pause_us = pause_us;
        ticker->round = round;
        ticker->argument = argument;
        clock_condition_init(&ticker->stop);
        pthread_mutex_init(&ticker->lock, NULL);
        if (thread_start(&ticker->thread, NULL, ticker_thread, ticker) != 0)
                abort();
        return ticker;
}

void ticker_stop(Ticker *ticker) {
        if (!ticker)
                return;
        pthread_mutex_lock(&ticker->lock);
        ticker->stopping = true;
        pthread_cond_signal(&ticker->stop);
        pthread_mutex_unlock(&ticker->lock);
        pthread_join(ticker->thread, NULL);
        pthread_cond_destroy(&ticker->stop);
        pthread_mutex_destroy(&ticker->lock);
        free(ticker);
}
