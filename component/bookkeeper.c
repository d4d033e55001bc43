#include "component/bookkeeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"

#define ROUND_US (60 * SECONDS)
#define HOUR_US  (3600 * SECONDS)

struct Bookkeeper {
        Database *database;
        Meters *meters;
        Ticker *ticker;
        bool behind;
        int64_t sampled_hour; /* of the wall clock */
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

static void bookkeeper_round(void *bookkeeper_) {
        Bookkeeper *bookkeeper = bookkeeper_;
        Failure failure;
        bool done = meters_write(bookkeeper->meters, bookkeeper->database, &failure) &&
                    usage_count(bookkeeper->database, 0, NULL, &failure) && sample(bookkeeper, &failure);

        if (!done && !bookkeeper->behind)
                log_warning("what was used is not counted", "cause", LOG_STRING, failure.text);
        if (done && bookkeeper->behind)
                log_info("what was used is counted again");
        bookkeeper->behind = !done;
}

Bookkeeper *bookkeeper_start(Database *database, Meters *meters) {
        Bookkeeper *bookkeeper = memory_new(sizeof(*bookkeeper));

        bookkeeper->database = database;
        bookkeeper->meters = meters;
        bookkeeper->ticker = ticker_start(ROUND_US, bookkeeper_round, bookkeeper);
        return bookkeeper;
}

void bookkeeper_free(Bookkeeper *bookkeeper) {
        Failure failure;

        if (!bookkeeper)
                return;
        ticker_stop(bookkeeper->ticker);
        if (!meters_write(bookkeeper->meters, bookkeeper->database, &failure))
                log_warning("calls of the last minute are not counted", "cause", LOG_STRING, failure.text);
        free(bookkeeper);
}
