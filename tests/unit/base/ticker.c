#include "base/ticker.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

#include <stdatomic.h>
#include <unistd.h>

typedef struct Counted {
        atomic_int begun, ended;
        useconds_t takes_us;
} Counted;

static void count(void *counted_) {
        Counted *counted = counted_;

        ck_assert_int_eq(atomic_fetch_add(&counted->begun, 1), counted->ended);
        usleep(counted->takes_us);
        counted->ended++;
}

static void wait_for(const atomic_int *number, int least) {
        for (int64_t end_us = clock_now().monotonic_us + 20 * SECONDS; *number < least; usleep(500))
                ck_assert_int_lt(clock_now().monotonic_us, end_us);
}

START_TEST(rounds_come_one_after_the_other_until_it_is_stopped) {
        Counted counted = { .takes_us = 2000 };
        Ticker *ticker = ticker_start(MILLISECONDS, count, &counted);

        wait_for(&counted.begun, 3);
        ticker_stop(ticker);
        int ended = counted.ended;
        ck_assert_int_eq(counted.begun, ended); /* the one under way was waited for */
        usleep(10000);
        ck_assert_int_eq(counted.begun, ended);
}
END_TEST

START_TEST(a_long_pause_holds_up_no_stop) {
        Counted counted = { 0 };

        ticker_stop(ticker_start(3600 * SECONDS, count, &counted));
        ck_assert_int_eq(counted.begun, 0);
        ticker_stop(NULL);
}
END_TEST

UNIT_TESTS("base/ticker", rounds_come_one_after_the_other_until_it_is_stopped, a_long_pause_holds_up_no_stop)
