#include "component/seldom.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

#include <stdio.h>

START_TEST(each_key_has_its_turn_once_in_an_interval) {
        _cleanup_(seldom_freep) Seldom *seldom = seldom_new(4096, 3600 * SECONDS);
        ck_assert(seldom_now(seldom, TEXT("ann"), TEXT("guide"), 1));
        ck_assert(!seldom_now(seldom, TEXT("ann"), TEXT("guide"), 2));
        ck_assert(seldom_now(seldom, TEXT("bob"), TEXT("guide"), 3));
        ck_assert(seldom_now(seldom, TEXT("ann"), TEXT("echo"), 4));
        ck_assert(seldom_now(seldom, TEXT("an"), TEXT("nguide"), 4));
        ck_assert(!seldom_now(seldom, TEXT("ann"), TEXT("guide"), 3600 * SECONDS));
        ck_assert(seldom_now(seldom, TEXT("ann"), TEXT("guide"), 3600 * SECONDS + 1));
        ck_assert(!seldom_now(seldom, TEXT("ann"), TEXT("guide"), 3600 * SECONDS + 2));
}
END_TEST

START_TEST(many_keys_take_no_more_room) {
        _cleanup_(seldom_freep) Seldom *seldom = seldom_new(16, 3600 * SECONDS);
        char name[32];
        int again = 0;
        for (int i = 0; i < 10000; i++) {
                snprintf(name, sizeof(name), "%d", i);
                ck_assert(seldom_now(seldom, text_of(name), TEXT("guide"), 1));
        }
        for (int i = 0; i < 10000; i++) {
                snprintf(name, sizeof(name), "%d", i);
                again += seldom_now(seldom, text_of(name), TEXT("guide"), 2);
        }
        ck_assert_int_ge(again, 9984);
}
END_TEST

UNIT_TESTS("component/seldom", each_key_has_its_turn_once_in_an_interval, many_keys_take_no_more_room)
