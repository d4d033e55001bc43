#include "orchestrator/http/wheel.h"
#include "tests/unit/unit.h"

#define ENTRIES 2000

static uint32_t next_random(uint32_t *state) {
        *state = *state * 1664525u + 1013904223u;
        return *state >> 8;
}

START_TEST(entries_come_when_due_and_never_early) {
        const int64_t start_us = 123456789;
        _cleanup_(wheel_freep) Wheel *wheel = wheel_new(start_us);
        static WheelEntry entries[ENTRIES];
        uint32_t random = 1;
        size_t taken = 0;
        for (size_t i = 0; i < ENTRIES; i++)
                wheel_put(wheel, &entries[i],
                          start_us + next_random(&random) % 60000000); /* up to three times around */

        for (int64_t now_us = start_us; taken < ENTRIES;) {
                const int64_t next_us = wheel_next_us(wheel);
                ck_assert_int_ne(next_us, INT64_MAX);
                now_us = next_us > now_us ? next_us : now_us + WHEEL_TICK;
                for (WheelEntry *entry; (entry = wheel_take(wheel, now_us)); taken++) {
                        ck_assert_int_le(entry->due_us, now_us);
                        ck_assert_int_lt(now_us - entry->due_us, 2 * WHEEL_TICK);
                }
        }
        ck_assert_int_eq(wheel_next_us(wheel), INT64_MAX);
}
END_TEST

START_TEST(a_removed_entry_does_not_come) {
        _cleanup_(wheel_freep) Wheel *wheel = wheel_new(0);
        WheelEntry a = { 0 }, b = { 0 }, c = { 0 };
        wheel_put(wheel, &a, 1000000);
        wheel_put(wheel, &b, 1000000);
        wheel_put(wheel, &c, 1000000);
        wheel_remove(wheel, &b);
        wheel_remove(wheel, &b);
        wheel_put(wheel, &a, 3000000);
        ck_assert_ptr_eq(wheel_take(wheel, 2000000), &c);
        ck_assert_ptr_null(wheel_take(wheel, 2000000));
        ck_assert_ptr_eq(wheel_take(wheel, 4000000), &a);
}
END_TEST

START_TEST(a_long_sleep_loses_nothing) {
        _cleanup_(wheel_freep) Wheel *wheel = wheel_new(0);
        WheelEntry soon = { 0 }, late = { 0 }, past = { 0 };
        wheel_put(wheel, &soon, 1000);
        wheel_put(wheel, &late, INT64_C(500000000));
        ck_assert_ptr_eq(wheel_take(wheel, INT64_C(400000000)), &soon);
        ck_assert_ptr_null(wheel_take(wheel, INT64_C(400000000)));
        wheel_put(wheel, &past, 5);
        ck_assert_ptr_eq(wheel_take(wheel, INT64_C(400000000) + 2 * WHEEL_TICK), &past);
        ck_assert_ptr_eq(wheel_take(wheel, INT64_C(500000000) + WHEEL_TICK), &late);
}
END_TEST

UNIT_TESTS("http/wheel", entries_come_when_due_and_never_early, a_removed_entry_does_not_come,
           a_long_sleep_loses_nothing)
