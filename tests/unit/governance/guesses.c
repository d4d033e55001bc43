#include "orchestrator/governance/guesses.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static int taken(Guesses *guesses, const char *who, int tries, int64_t at_us) {
        Failure failure;
        int count = 0;
        for (int i = 0; i < tries; i++)
                count += guesses_take(guesses, text_of(who), at_us, &failure);
        return count;
}

START_TEST(a_person_has_ten_guesses_and_one_a_minute_after_that) {
        Guesses *guesses = guesses_new();
        ck_assert_int_eq(taken(guesses, "ann@example.org", 50, SECONDS), 10);
        ck_assert_int_eq(taken(guesses, "bob@example.org", 1, SECONDS), 1);
        ck_assert_int_eq(taken(guesses, "ann@example.org", 5, 61 * SECONDS), 1);
        ck_assert_int_eq(taken(guesses, "ann@example.org", 5, 31 * SECONDS),
                         0); /* a clock that went back gives nothing */
        ck_assert_int_eq(taken(guesses, "ann@example.org", 50, 7200 * SECONDS), 10);
        guesses_free(guesses);
}
END_TEST

START_TEST(a_servers_people_share_what_they_may_try_and_other_servers_do_not) {
        Guesses *guesses = guesses_new();
        char who[64];
        int count = 0;
        for (int i = 0; i < 50; i++) {
                snprintf(who, sizeof(who), "bot%d@bots.example", i);
                count += taken(guesses, who, 5, SECONDS);
        }
        ck_assert_int_eq(count, 100);
        ck_assert_int_eq(taken(guesses, "ann@example.org", 5, SECONDS), 5);
        guesses_free(guesses);
}
END_TEST

START_TEST(more_people_than_there_is_room_for_share_the_rest) {
        Guesses *guesses = guesses_new();
        char who[64];
        int count = 0;
        for (int i = 0; i < 40000; i++) {
                snprintf(who, sizeof(who), "a@server%d.example", i);
                count += taken(guesses, who, 1, SECONDS);
        }
        ck_assert_int_ge(count, 16384);
        ck_assert_int_le(count, 16384 + 110);
        guesses_free(guesses);
}
END_TEST

UNIT_TESTS("governance/guesses", a_person_has_ten_guesses_and_one_a_minute_after_that,
           a_servers_people_share_what_they_may_try_and_other_servers_do_not,
           more_people_than_there_is_room_for_share_the_rest)
