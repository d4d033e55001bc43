#include "component/bookkeeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#include <errno.h>
#include <time.h>

#define ROUND_US (60 * SECONDS)
#define HOUR_US  (3600 * SECONDS)

struct Bookkeeper {
        Database *database;
        Meters *meters;
        pthread_t thread;
        bool stopping, behind;
        int64_t sampled_hour; /* of the wall clock */
        pthread_mutex_t lock;
        pthread_cond_t stop;
};

static bool sample(Bookkeeper *bookkeeper, Failure *reterr_failure) {
        int64_t hour = clock_now().wall_us / HOUR_US;

        if (hour == bookkeeper->sampled_hour)
                return true;
        if (!usage_sample(bookkeeper->database, reterr_failure))
                return false;
        bookkeeper->sampled_hour = hour;
        return true;
}

static void bookkeeper_round(Bookkeeper *bookkeeper) {
        Failure failure;
        bool done = meters_write(bookkeeper->meters, bookkeeper->database, &failure) &&
                    usage_count(bookkeeper->database, 0, NULL, &failure) && sample(bookkeeper, &failure);

        if (!done && !bookkeeper->behind)
                log_warning("what was used is not counted", "cause", LOG_STRING, failure.text);
        if (done && bookkeeper->behind)
                log_info("what was used is counted again");
        bookkeeper->behind = !done;
}

/* False: it is to stop. */
static bool bookkeeper_wait(Bookkeeper *bookkeeper) {
        struct timespec deadline = clock_timespec(clock_now().monotonic_us + ROUND_US);

        pthread_mutex_lock(&bookkeeper->lock);
        while (!bookkeeper->stopping &&
               pthread_cond_timedwait(&bookkeeper->stop, &bookkeeper->lock, &deadline) != ETIMEDOUT) {
        }
        bool stopping = bookkeeper->stopping;
        pthread_mutex_unlock(&bookkeeper->lock);
        return !stopping;
}

static void *bookkeeper_thread(void *bookkeeper_) {
        Bookkeeper *bookkeeper = bookkeeper_;
        Failure failure;

        while (bookkeeper_wait(bookkeeper))
                bookkeeper_round(bookkeeper);
        if (!meters_write(bookkeeper->meters, bookkeeper->database, &failure))
                log_warning("calls of the last minute are not counted", "cause", LOG_STRING, failure.text);
        return NULL;
}

Bookkeeper *bookkeeper_start(Database *database, Meters *meters) {
        Bookkeeper *bookkeeper = memory_new(sizeof(*bookkeeper));

        bookkeeper->database = database;
        bookkeeper->meters = meters;
        clock_condition_init(&bookkeeper->stop);
        pthread_mutex_init(&bookkeeper->lock, NULL);
        if (thread_start(&bookkeeper->thread, NULL, bookkeeper_thread, bookkeeper) != 0)
                abort();
        return bookkeeper;
}

void bookkeeper_free(Bookkeeper *bookkeeper) {
        if (!bookkeeper)
                return;
        pthread_mutex_lock(&bookkeeper->lock);
        bookkeeper->stopping = true;
        pthread_cond_signal(&bookkeeper->stop);
        pthread_mutex_unlock(&bookkeeper->lock);
        pthread_join(bookkeeper->thread, NULL);
        pthread_cond_destroy(&bookkeeper->stop);
        pthread_mutex_destroy(&bookkeeper->lock);
        free(bookkeeper);
}
