#include "orchestrator/governance/recurrence.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

START_TEST(the_first_is_recorded_and_then_one_a_minute) {
        Recurrence *recurrence = recurrence_new(8);
        int64_t count;
        ck_assert(recurrence_count(recurrence, TEXT("a"), 1 * SECONDS, &count));
        ck_assert_int_eq(count, 1);
        for (int i = 0; i < 10; i++)
                ck_assert(!recurrence_count(recurrence, TEXT("a"), (2 + i) * SECONDS, &count));
        ck_assert(recurrence_count(recurrence, TEXT("a"), 61 * SECONDS, &count));
        ck_assert_int_eq(count, 11);
        ck_assert(!recurrence_count(recurrence, TEXT("a"), 62 * SECONDS, &count));
        recurrence_free(recurrence);
}
END_TEST

START_TEST(different_events_are_counted_apart) {
        Recurrence *recurrence = recurrence_new(8);
        int64_t count;
        ck_assert(recurrence_count(recurrence, TEXT("a"), 1, &count));
        ck_assert(recurrence_count(recurrence, TEXT("b"), 1, &count));
        ck_assert(!recurrence_count(recurrence, TEXT("a"), 2, &count));
        recurrence_free(recurrence);
}
END_TEST

START_TEST(it_never_holds_more_than_its_capacity) {
        Recurrence *recurrence = recurrence_new(4);
        int64_t count;
        for (int i = 0; i < 1000; i++)
                ck_assert(recurrence_count(recurrence, (Text){ (const char *) &i, sizeof(i) }, i, &count));
        ck_assert(recurrence_count(recurrence, (Text){ (const char *) &(int){ 0 }, sizeof(int) }, 1000, &count));
        recurrence_free(recurrence);
}
END_TEST

UNIT_TESTS("governance/recurrence", the_first_is_recorded_and_then_one_a_minute, different_events_are_counted_apart,
           it_never_holds_more_than_its_capacity)
