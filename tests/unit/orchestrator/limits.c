#include "orchestrator/governance/limits.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

#define NOW    (100 * SECONDS)
#define MINUTE (60 * SECONDS)

static Limit rate(int64_t amount, int64_t window_us) {
        return (Limit){ .subject = LIMIT_OF_TENANT, .what = LIMIT_MESSAGES, .amount = amount, .window_us = window_us };
}

static LimitVerdict take(Limit *limit, int64_t amount, int64_t now_us) {
        return limits_take(&limit, 1, LIMIT_MESSAGES, amount, now_us, 1);
}

/* How many messages are let in at this moment. */
static int let_in(Limit *limit, int64_t now_us) {
        int count = 0;

        while (count < 1000 && !take(limit, 1, now_us).refused)
                count++;
        return count;
}

START_TEST(bucket_starts_full_and_refills_evenly) {
        const struct {
                int64_t amount, window_us, later_us;
                int expected;
        } cases[] = {
                { 10, MINUTE, 0, 0 },
                { 10, MINUTE, 6 * SECONDS, 1 },
                { 10, MINUTE, 5 * SECONDS, 0 },
                { 10, MINUTE, 30 * SECONDS, 5 },
                { 10, MINUTE, MINUTE, 10 },
                { 10, MINUTE, 100 * MINUTE, 10 },
                { 1, 3600 * SECONDS, MINUTE, 0 },
                { 600, MINUTE, SECONDS, 10 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Limit limit = rate(cases[i].amount, cases[i].window_us);
                ck_assert_int_eq(let_in(&limit, NOW), cases[i].amount);
                ck_assert_int_eq(let_in(&limit, NOW + cases[i].later_us), cases[i].expected);
        }
}
END_TEST

START_TEST(refusal_says_when_it_opens) {
        Limit limit = rate(2, MINUTE);

        let_in(&limit, NOW);
        LimitVerdict verdict = take(&limit, 1, NOW);
        ck_assert(verdict.refused);
        ck_assert_int_eq(verdict.amount, 2);
        ck_assert_int_eq(verdict.window_us, MINUTE);
        ck_assert_int_eq(verdict.subject, LIMIT_OF_TENANT);
        ck_assert(take(&limit, 1, verdict.opens_us - SECONDS).refused);
        ck_assert(!take(&limit, 1, verdict.opens_us).refused);
}
END_TEST

START_TEST(what_exceeds_the_whole_bucket_never_opens) {
        Limit limit = rate(2, MINUTE), none = rate(0, MINUTE);

        ck_assert(take(&limit, 3, NOW).refused);
        ck_assert_int_eq(take(&limit, 3, NOW).opens_us, 0);
        ck_assert(take(&none, 1, NOW).refused);
        ck_assert_int_eq(take(&none, 1, NOW).opens_us, 0);
        ck_assert_int_eq(let_in(&limit, NOW), 2);
}
END_TEST

START_TEST(limit_without_a_window_bounds_a_single_amount) {
        Limit limit = { .what = LIMIT_BODY_BYTES, .amount = 100 };
        Limit *list = &limit;
        const struct {
                int64_t amount;
                bool refused;
        } cases[] = { { 100, false }, { 100, false }, { 101, true }, { 1, false } };

        for (size_t i = 0; i < COUNT_OF(cases); i++)
                ck_assert(limits_take(&list, 1, LIMIT_BODY_BYTES, cases[i].amount, NOW, 1).refused == cases[i].refused);
}
END_TEST

START_TEST(limits_of_something_else_do_not_count) {
        Limit bytes = { .what = LIMIT_BODY_BYTES, .amount = 0 };
        Limit *list = &bytes;

        ck_assert(!limits_take(&list, 1, LIMIT_MESSAGES, 1, NOW, 1).refused);
        ck_assert(limits_take(&list, 1, LIMIT_BODY_BYTES, 1, NOW, 1).refused);
        ck_assert(!limits_take(NULL, 0, LIMIT_BODY_BYTES, 1, NOW, 1).refused);
}
END_TEST

START_TEST(every_list_counts_and_the_narrowest_that_refuses_is_named) {
        Limit wide = rate(100, MINUTE), narrow = rate(3, MINUTE), other = rate(5, MINUTE);
        Limit *lists[] = { &wide, NULL, &other };

        wide.subject = LIMIT_OF_INSTALLATION;
        narrow.subject = LIMIT_OF_AGENT;
        other.subject = LIMIT_OF_GRANT;
        wide.next = &narrow;
        for (int i = 0; i < 3; i++)
                ck_assert(!limits_take(lists, 3, LIMIT_MESSAGES, 1, NOW, 1).refused);
        LimitVerdict verdict = limits_take(lists, 3, LIMIT_MESSAGES, 1, NOW, 1);
        ck_assert(verdict.refused);
        ck_assert_int_eq(verdict.subject, LIMIT_OF_AGENT);
        verdict = limits_take(lists, 3, LIMIT_MESSAGES, 200, NOW, 1);
        ck_assert_int_eq(verdict.amount, 3);
}
END_TEST

START_TEST(refusal_takes_nothing_from_anybody) {
        Limit wide = rate(10, MINUTE), narrow = rate(1, MINUTE);
        Limit *lists[] = { &wide, &narrow };

        ck_assert(!limits_take(lists, 2, LIMIT_MESSAGES, 1, NOW, 1).refused);
        for (int i = 0; i < 50; i++)
                ck_assert(limits_take(lists, 2, LIMIT_MESSAGES, 1, NOW, 1).refused);
        ck_assert_int_eq(let_in(&wide, NOW), 9);
}
END_TEST

START_TEST(clock_that_goes_back_gives_nothing) {
        Limit limit = rate(10, MINUTE);

        ck_assert_int_eq(let_in(&limit, NOW), 10);
        for (int i = 0; i < 5; i++) {
                ck_assert_int_eq(let_in(&limit, NOW - 30 * SECONDS), 0);
                ck_assert_int_eq(let_in(&limit, NOW), 0);
        }
        ck_assert_int_eq(let_in(&limit, NOW + 6 * SECONDS), 1);
}
END_TEST

START_TEST(clock_at_zero_is_as_good_as_any) {
        Limit limit = rate(10, MINUTE);

        ck_assert_int_eq(let_in(&limit, 0), 10);
        ck_assert_int_eq(let_in(&limit, 0), 0);
}
END_TEST

START_TEST(changed_limit_remembers_what_was_used) {
        const struct {
                int64_t used, amount_before, amount_after, window_after;
                int expected;
        } cases[] = {
                { 10, 10, 10, MINUTE, 0 }, /* written again, the same */
                { 4, 10, 10, MINUTE, 6 },  { 10, 10, 15, MINUTE, 5 },
                { 4, 10, 3, MINUTE, 0 },   { 4, 10, 10, 3600 * SECONDS, 6 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Limit limit = rate(cases[i].amount_before, MINUTE);
                for (int64_t k = 0; k < cases[i].used; k++)
                        ck_assert(!take(&limit, 1, NOW).refused);
                limit_change(&limit, cases[i].window_after, cases[i].amount_after);
                ck_assert_int_eq(let_in(&limit, NOW), cases[i].expected);
        }
}
END_TEST

START_TEST(limit_changed_before_its_first_use_starts_full) {
        Limit limit = rate(10, MINUTE);

        limit_change(&limit, MINUTE, 20);
        ck_assert_int_eq(let_in(&limit, NOW), 20);
}
END_TEST

START_TEST(names_are_read_as_they_are_written) {
        LimitSubject subject;
        LimitWhat what;
        Text listed = TEXT(LIMIT_NAMES), name;

        for (int i = 0; i < LIMIT_WHAT_COUNT; i++) {
                ck_assert(text_split(&listed, '|', &name));
                ck_assert(text_equal(name, text_of(limit_facts[i].name)));
        }
        ck_assert(!text_split(&listed, '|', &name));

        for (int i = 0; i < LIMIT_SUBJECT_COUNT; i++) {
                ck_assert(limit_subject_from_name(text_of(limit_subject_name((LimitSubject) i)), &subject));
                ck_assert_int_eq(subject, i);
        }
        for (int i = 0; i < LIMIT_WHAT_COUNT; i++) {
                ck_assert(limit_what_from_name(text_of(limit_what_name((LimitWhat) i)), &what));
                ck_assert_int_eq(what, i);
        }
        ck_assert(!limit_subject_from_name(TEXT("nobody"), &subject));
        ck_assert(!limit_what_from_name(TEXT_NONE, &what));
}
END_TEST

UNIT_TESTS("orchestrator/limits", bucket_starts_full_and_refills_evenly, refusal_says_when_it_opens,
           what_exceeds_the_whole_bucket_never_opens, limit_without_a_window_bounds_a_single_amount,
           limits_of_something_else_do_not_count, every_list_counts_and_the_narrowest_that_refuses_is_named,
           refusal_takes_nothing_from_anybody, clock_that_goes_back_gives_nothing, clock_at_zero_is_as_good_as_any,
           changed_limit_remembers_what_was_used, limit_changed_before_its_first_use_starts_full,
           names_are_read_as_they_are_written)
