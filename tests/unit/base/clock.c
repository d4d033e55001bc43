#include "base/clock.h"
#include "tests/unit/unit.h"

START_TEST(times_are_written_as_rfc_3339) {
        static const struct {
                int64_t wall_us;
                const char *expected;
        } cases[] = {
                { 0, "1970-01-01T00:00:00.000Z" },
                { 1, "1970-01-01T00:00:00.000Z" },
                { 999, "1970-01-01T00:00:00.000Z" },
                { 1000, "1970-01-01T00:00:00.001Z" },
                { -1, "1969-12-31T23:59:59.999Z" },
                { -1000, "1969-12-31T23:59:59.999Z" },
                { -1001, "1969-12-31T23:59:59.998Z" },
                { 951782400 * SECONDS, "2000-02-29T00:00:00.000Z" },
                { 951868800 * SECONDS, "2000-03-01T00:00:00.000Z" },
                { 1709251199 * SECONDS + 999999, "2024-02-29T23:59:59.999Z" },
                { 1795162530 * SECONDS + 123000, "2026-11-20T08:15:30.123Z" },
                { 4107542400 * SECONDS, "2100-03-01T00:00:00.000Z" },
                { INT64_C(253402300799) * SECONDS, "9999-12-31T23:59:59.000Z" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char string[CLOCK_STRING_SIZE];
                clock_format(cases[i].wall_us, string);
                ck_assert_str_eq(string, cases[i].expected);
        }
}
END_TEST

START_TEST(times_beyond_four_digits_are_the_nearest_that_fit) {
        char string[CLOCK_STRING_SIZE];
        clock_format(INT64_MAX, string);
        ck_assert_str_eq(string, "9999-12-31T23:59:59.999Z");
        clock_format(INT64_MIN, string);
        ck_assert_str_eq(string, "0001-01-01T00:00:00.000Z");
}
END_TEST

START_TEST(monotonic_clock_does_not_go_back) {
        Moment before = clock_now();
        for (size_t i = 0; i < 1000; i++) {
                Moment now = clock_now();
                ck_assert_int_ge(now.monotonic_us, before.monotonic_us);
                before = now;
        }
        ck_assert_int_gt(before.wall_us, INT64_C(1600000000) * SECONDS);
}
END_TEST

UNIT_TESTS("base/clock", times_are_written_as_rfc_3339, times_beyond_four_digits_are_the_nearest_that_fit,
           monotonic_clock_does_not_go_back)
