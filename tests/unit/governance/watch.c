#include "orchestrator/governance/watch.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define HOUR (3600 * SECONDS)

static const Uuid acme = { { 1 } }, zeta = { { 2 } }, agent = { { 3 } };
static const Text ann = { "ann@example.org", 15 }, bob = { "bob@example.org", 15 };

static Observed member(Uuid tenant, Text who) {
        return (Observed){
                .tenant_id = tenant, .agent_id = agent, .sender = who, .domain = TEXT("example.org"), .local = true
        };
}

static Observed stranger(Uuid tenant, Text who, const char *domain, bool local) {
        return (Observed){ .tenant_id = tenant,
                           .agent_id = agent,
                           .sender = who,
                           .domain = text_of(domain),
                           .stranger = true,
                           .local = local };
}

static int refuse(Watch *watch, Observed observed, int64_t from_us, int64_t apart_us, int count) {
        Alarm alarm;
        int alarms = 0;
        for (int i = 0; i < count; i++)
                alarms += watch_refusal(watch, &observed, from_us + i * apart_us, &alarm);
        return alarms;
}

START_TEST(refusals_again_and_again_are_said_once_an_hour) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        Observed observed = member(acme, ann);
        Alarm alarm;
        ck_assert_int_eq(refuse(watch, observed, SECONDS, SECONDS, 19), 0);
        ck_assert(watch_refusal(watch, &observed, 20 * SECONDS, &alarm) ||
                  watch_refusal(watch, &observed, 20 * SECONDS, &alarm));
        ck_assert_int_eq(alarm.kind, ALARM_REFUSALS);
        ck_assert_text(alarm.sender, ann);
        ck_assert_int_ge(alarm.count, 19);
        ck_assert_int_eq(refuse(watch, observed, 30 * SECONDS, SECONDS, 500), 0);
        ck_assert_int_eq(refuse(watch, observed, HOUR + 30 * SECONDS, SECONDS, 30), 1);
}
END_TEST

START_TEST(refusals_of_others_and_long_ago_do_not_add_up) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        for (int i = 0; i < 15; i++) {
                ck_assert_int_eq(refuse(watch, member(acme, ann), i * SECONDS, 0, 1), 0);
                ck_assert_int_eq(refuse(watch, member(acme, bob), i * SECONDS, 0, 1), 0);
                ck_assert_int_eq(refuse(watch, member(zeta, ann), i * SECONDS, 0, 1), 0);
        }
        ck_assert_int_eq(refuse(watch, member(acme, ann), HOUR, 60 * SECONDS, 200), 0);
}
END_TEST

typedef struct Heard {
        int refusals, crowds;
} Heard;

/* So many people of a domain, each refused so often. */
static Heard crowd(Watch *watch, const char *domain, bool local, int64_t from_us, int people, int each) {
        Heard heard = { 0 };
        char who[60];
        for (int i = 0; i < people * each; i++) {
                int length = snprintf(who, sizeof(who), "p%d@%s", i % people, domain);
                Observed observed = stranger(acme, (Text){ who, (size_t) length }, domain, local);
                Alarm alarm;
                if (!watch_refusal(watch, &observed, from_us + i * SECONDS / 10, &alarm))
                        continue;
                heard.refusals += alarm.kind == ALARM_REFUSALS;
                heard.crowds += alarm.kind == ALARM_CROWD;
                if (alarm.kind == ALARM_CROWD) {
                        ck_assert_text(alarm.domain, text_of(domain));
                        ck_assert_int_ge(alarm.count, 49);
                        ck_assert_uint_eq(alarm.sender.length, 0);
                }
        }
        return heard;
}

START_TEST(stranger_who_is_refused_again_and_again_is_said_by_his_jid) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        ck_assert_int_eq(refuse(watch, stranger(acme, bob, "example.org", false), SECONDS, SECONDS, 40), 1);
        ck_assert_int_eq(refuse(watch, stranger(acme, ann, "example.org", true), SECONDS, SECONDS, 40), 1);
}
END_TEST

START_TEST(many_strangers_of_one_domain_are_said_as_a_domain_unless_it_is_ours) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        Heard foreign = crowd(watch, "many.example", false, SECONDS, 60, 30);
        ck_assert_int_eq(foreign.crowds, 1);
        ck_assert_int_eq(foreign.refusals, 0); /* they are all the one thing */
        Heard few = crowd(watch, "few.example", false, SECONDS, 40, 2);
        ck_assert_int_eq(few.crowds + few.refusals, 0);
        Heard own = crowd(watch, "our.example", true, SECONDS, 500, 2);
        ck_assert_int_eq(own.crowds + own.refusals, 0);
        /* The same in an hour again. */
        ck_assert_int_eq(crowd(watch, "many.example", false, HOUR - 100 * SECONDS, 60, 2).crowds, 0);
        ck_assert_int_eq(crowd(watch, "many.example", false, 3 * HOUR, 60, 2).crowds, 1);
}
END_TEST

START_TEST(one_stranger_who_tries_for_hours_is_no_crowd) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        for (int i = 0; i < 3000; i++) {
                Observed observed = stranger(acme, bob, "many.example", false);
                Alarm alarm;
                if (watch_refusal(watch, &observed, (1 + i * 5) * SECONDS, &alarm))
                        ck_assert_int_eq(alarm.kind, ALARM_REFUSALS);
        }
}
END_TEST

START_TEST(a_million_made_up_jids_make_no_more_alarms_than_a_tenant_can_read) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        char who[60], domain[40];
        int alarms = 0;
        for (int i = 0; i < 1000000; i++) {
                int length = snprintf(domain, sizeof(domain), "d%d.example", i / 40);
                snprintf(who, sizeof(who), "p%d@%s", i, domain);
                Observed observed = stranger(acme, text_of(who), domain, false);
                Alarm alarm;
                ck_assert_int_gt(length, 0);
                for (int k = 0; k < 2; k++)
                        alarms += watch_refusal(watch, &observed, i * SECONDS / 1000, &alarm);
                alarms += watch_domain(watch, &observed, i * SECONDS / 1000, &alarm);
        }
        ck_assert_int_le(alarms, 2 * (30 + 1000 / 120 + 1));
        /* Who has an account is seen all the same, and another tenant hears of its own. */
        ck_assert_int_eq(refuse(watch, member(acme, ann), 1000 * SECONDS, 1, 40), 1);
        Observed other = stranger(zeta, bob, "d1.example", false);
        Alarm alarm;
        ck_assert(watch_domain(watch, &other, 1000 * SECONDS, &alarm));
}
END_TEST

START_TEST(made_up_jids_that_are_refused_often_are_bounded_too) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        int alarms = 0;
        char who[60];
        for (int i = 0; i < 2000; i++) {
                snprintf(who, sizeof(who), "p%d@our.example", i);
                alarms += refuse(watch, stranger(acme, text_of(who), "our.example", true), i * SECONDS / 100, 1, 25);
        }
        ck_assert_int_ge(alarms, 30);
        ck_assert_int_le(alarms, 31);
}
END_TEST

static int write_within(Watch *watch, Observed observed, int64_t from_us, int64_t apart_us, int count) {
        Alarm alarm;
        int alarms = 0;
        for (int i = 0; i < count; i++) {
                if (!watch_message(watch, &observed, from_us + i * apart_us, &alarm))
                        continue;
                ck_assert_int_eq(alarm.kind, ALARM_VOLUME);
                ck_assert_int_gt(alarm.count, 100);
                alarms++;
        }
        return alarms;
}

START_TEST(an_hours_messages_are_worth_a_look_above_a_hundred_and_a_quarter_more_each_time) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        ck_assert_int_eq(write_within(watch, member(acme, ann), SECONDS, SECONDS, 100), 0);
        ck_assert_int_eq(write_within(watch, member(acme, ann), 200 * SECONDS, SECONDS, 1), 1);
        ck_assert_int_eq(write_within(watch, member(acme, ann), 201 * SECONDS, SECONDS, 24), 0);
        ck_assert_int_eq(write_within(watch, member(acme, ann), 300 * SECONDS, SECONDS, 1), 1);
        ck_assert_int_eq(write_within(watch, member(acme, ann), 400 * SECONDS, 1, 1000000), 40);
        /* Evenly over a day: never a hundred in an hour. */
        ck_assert_int_eq(write_within(watch, member(acme, bob), SECONDS, 40 * SECONDS, 2160), 0);
}
END_TEST

static History history_of(int64_t days, int64_t each, int64_t last, int64_t today) {
        History history = { .days = days, .today = today };
        for (int64_t day = 0; day < days; day++) {
                int64_t messages = day == days - 1 ? last : each;
                history.sum += (double) messages;
                history.squares += (double) (messages * messages);
        }
        return history;
}

START_TEST(day_far_above_ones_own_days_is_unusual_and_a_busy_persons_is_not) {
        static const struct {
                int64_t days, each, last, today, hour;
                bool unusual;
        } cases[] = {
                { 28, 10, 10, 0, 101, true },
                { 28, 10, 10, 0, 100, false },
                { 28, 10, 10, 101, 1, true }, /* other hubs' as well */
                { 28, 400, 410, 500, 500, false },
                { 28, 400, 410, 1210, 101, true },
                { 7, 10, 10, 0, 500, true },
                { 6, 10, 10, 0, 5000, false }, /* no history */
                { 0, 0, 0, 5000, 5000, false },
                { 28, 0, 1000, 0, 1000, false }, /* has written as much on a day before */
                { 28, 0, 1, 0, 200, true },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                History history = history_of(cases[i].days, cases[i].each, cases[i].last, cases[i].today);
                int64_t today, usual;
                ck_assert_msg(history_is_exceeded(&history, cases[i].hour, &today, &usual) == cases[i].unusual,
                              "case %zu", i);
                ck_assert_int_eq(today, cases[i].today > cases[i].hour ? cases[i].today : cases[i].hour);
        }
}
END_TEST

/* The monotonic clock does not jump; but a hub may sleep for a year, or a caller give the same moment again. */
START_TEST(clock_that_jumps_ahead_or_stands_is_survived) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        ck_assert_int_eq(write_within(watch, member(acme, ann), HOUR, 1, 90), 0);
        ck_assert_int_eq(write_within(watch, member(acme, ann), 9000 * HOUR, 0, 90), 0);
        ck_assert_int_eq(write_within(watch, member(acme, ann), 9000 * HOUR - SECONDS, 0, 9), 0);
        ck_assert_int_eq(refuse(watch, member(acme, ann), 9000 * HOUR, 0, 19), 0);
        ck_assert_int_eq(refuse(watch, member(acme, ann), 8000 * HOUR, 0, 1), 1);
}
END_TEST

START_TEST(domain_is_new_once_to_each_tenant_and_ours_never_is) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        Observed observed = stranger(acme, TEXT("zoe@example.net"), "example.net", false);
        Alarm alarm;
        ck_assert(watch_domain(watch, &observed, SECONDS, &alarm));
        ck_assert_int_eq(alarm.kind, ALARM_DOMAIN);
        ck_assert_text(alarm.domain, TEXT("example.net"));
        ck_assert(!watch_domain(watch, &observed, HOUR, &alarm));
        observed.tenant_id = zeta;
        ck_assert(watch_domain(watch, &observed, HOUR, &alarm));
        observed = member(zeta, ann);
        ck_assert(!watch_domain(watch, &observed, HOUR, &alarm));
}
END_TEST

START_TEST(crowd_of_senders_is_bounded) {
        _cleanup_(watch_freep) Watch *watch = watch_new();
        char who[40];
        for (int i = 0; i < 40000; i++) {
                snprintf(who, sizeof(who), "p%d@example.org", i);
                ck_assert_int_eq(write_within(watch, member(acme, text_of(who)), i * SECONDS, 0, 1), 0);
        }
        ck_assert_int_eq(refuse(watch, member(acme, text_of(who)), 40000 * SECONDS, 1, 40), 1);
}
END_TEST

UNIT_TESTS("governance/watch", refusals_again_and_again_are_said_once_an_hour,
           refusals_of_others_and_long_ago_do_not_add_up, stranger_who_is_refused_again_and_again_is_said_by_his_jid,
           many_strangers_of_one_domain_are_said_as_a_domain_unless_it_is_ours,
           one_stranger_who_tries_for_hours_is_no_crowd,
           a_million_made_up_jids_make_no_more_alarms_than_a_tenant_can_read,
           made_up_jids_that_are_refused_often_are_bounded_too,
           an_hours_messages_are_worth_a_look_above_a_hundred_and_a_quarter_more_each_time,
           day_far_above_ones_own_days_is_unusual_and_a_busy_persons_is_not,
           clock_that_jumps_ahead_or_stands_is_survived, domain_is_new_once_to_each_tenant_and_ours_never_is,
           crowd_of_senders_is_bounded)
