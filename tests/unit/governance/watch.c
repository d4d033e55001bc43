#include "orchestrator/governance/watch.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define HOUR (3600 * SECONDS)

static const Uuid acme = { { 1 } }, zeta = { { 2 } }, agent = { { 3 } };
static const Text ann = { "ann@example.org", 15 }, bob = { "bob@example.org", 15 };

static int refuse(Watch *watch, Uuid tenant, Text who, int64_t from_us, int64_t apart_us, int count) {
        Alarm alarm;
        int alarms = 0;
        for (int i = 0; i < count; i++)
                alarms += watch_refusal(watch, tenant, agent, who, from_us + i * apart_us, &alarm);
        return alarms;
}

/* So many messages in each of the hours, evenly. */
static int write_hours(Watch *watch, Text who, int64_t *now_us, int hours, int each) {
        Alarm alarm;
        int alarms = 0;
        for (int hour = 0; hour < hours; hour++, *now_us += HOUR)
                for (int i = 0; i < each; i++)
                        alarms += watch_message(watch, acme, agent, who, *now_us + i * (HOUR / 2 / each), &alarm);
        return alarms;
}

START_TEST(refusals_again_and_again_are_said_once_an_hour) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        Alarm alarm;
        ck_assert_int_eq(refuse(watch, acme, ann, SECONDS, SECONDS, 19), 0);
        ck_assert(watch_refusal(watch, acme, agent, ann, 20 * SECONDS, &alarm) ||
                  watch_refusal(watch, acme, agent, ann, 20 * SECONDS, &alarm));
        ck_assert_int_eq(alarm.kind, ALARM_REFUSALS);
        ck_assert_text(alarm.sender, ann);
        ck_assert_int_ge(alarm.count, 19);
        ck_assert_int_eq(refuse(watch, acme, ann, 30 * SECONDS, SECONDS, 500), 0);
        ck_assert_int_eq(refuse(watch, acme, ann, HOUR + 30 * SECONDS, SECONDS, 30), 1);
}
END_TEST

START_TEST(refusals_of_others_and_long_ago_do_not_add_up) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        for (int i = 0; i < 15; i++) {
                ck_assert_int_eq(refuse(watch, acme, ann, i * SECONDS, 0, 1), 0);
                ck_assert_int_eq(refuse(watch, acme, bob, i * SECONDS, 0, 1), 0);
                ck_assert_int_eq(refuse(watch, zeta, ann, i * SECONDS, 0, 1), 0);
        }
        ck_assert_int_eq(refuse(watch, acme, ann, HOUR, 60 * SECONDS, 200), 0);
}
END_TEST

START_TEST(hour_far_above_ones_own_hours_is_said_and_a_busy_persons_usual_hour_is_not) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        int64_t now_us = 5 * HOUR, busy_us = 5 * HOUR;
        ck_assert_int_eq(write_hours(watch, ann, &now_us, 48, 10), 0);
        ck_assert_int_eq(write_hours(watch, bob, &busy_us, 48, 400), 0);
        ck_assert_int_eq(write_hours(watch, bob, &busy_us, 1, 500), 0);
        ck_assert_int_eq(write_hours(watch, ann, &now_us, 1, 500), 1);
        /* What goes on becomes usual. */
        write_hours(watch, ann, &now_us, 500, 500);
        ck_assert_int_eq(write_hours(watch, ann, &now_us, 1, 600), 0);
}
END_TEST

START_TEST(nobody_is_unusual_before_a_days_history) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        int64_t now_us = HOUR;
        ck_assert_int_eq(write_hours(watch, ann, &now_us, 20, 1), 0);
        ck_assert_int_eq(write_hours(watch, ann, &now_us, 1, 5000), 0);
}
END_TEST

/* The monotonic clock does not jump; but a hub may sleep for a year, or a caller give the same moment again. */
START_TEST(clock_that_jumps_ahead_or_stands_is_survived) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        int64_t now_us = HOUR;
        Alarm alarm;
        write_hours(watch, ann, &now_us, 48, 10);
        now_us += 9000 * HOUR;
        ck_assert_int_eq(write_hours(watch, ann, &now_us, 1, 50), 0);
        for (int i = 0; i < 300; i++)
                watch_message(watch, acme, agent, ann, now_us - HOUR, &alarm);
        ck_assert_int_eq(write_hours(watch, ann, &now_us, 2, 10), 0);
        ck_assert(!watch_refusal(watch, acme, agent, ann, now_us - 5 * HOUR, &alarm));
}
END_TEST

START_TEST(domain_is_new_once_to_each_tenant) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        Alarm alarm;
        ck_assert(watch_domain(watch, acme, agent, TEXT("example.net"), &alarm));
        ck_assert_int_eq(alarm.kind, ALARM_DOMAIN);
        ck_assert_text(alarm.domain, TEXT("example.net"));
        ck_assert(!watch_domain(watch, acme, agent, TEXT("example.net"), &alarm));
        ck_assert(watch_domain(watch, zeta, agent, TEXT("example.net"), &alarm));
}
END_TEST

START_TEST(crowd_of_senders_is_bounded) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        Alarm alarm;
        char who[40];
        for (int i = 0; i < 40000; i++) {
                int length = snprintf(who, sizeof(who), "p%d@example.net", i);
                ck_assert(!watch_message(watch, acme, agent, (Text){ who, (size_t) length }, i * SECONDS, &alarm));
        }
        ck_assert_int_eq(refuse(watch, acme, (Text){ who, strlen(who) }, 40000 * SECONDS, 1, 40), 1);
}
END_TEST

UNIT_TESTS("governance/watch", refusals_again_and_again_are_said_once_an_hour,
           refusals_of_others_and_long_ago_do_not_add_up,
           hour_far_above_ones_own_hours_is_said_and_a_busy_persons_usual_hour_is_not,
           nobody_is_unusual_before_a_days_history, clock_that_jumps_ahead_or_stands_is_survived,
           domain_is_new_once_to_each_tenant, crowd_of_senders_is_bounded)
