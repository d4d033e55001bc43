#include "orchestrator/pipeline.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <time.h>

#define NOW (1000 * SECONDS)

static Meter *meter_of(int32_t sender_burst, int32_t domain_burst) {
        Rate sender = { .per_minute = sender_burst, .burst = sender_burst };
        Rate domain = { .per_minute = domain_burst, .burst = domain_burst };

        return meter_new(sender, domain, "agents.example.org other.example");
}

static bool take(Meter *meter, const char *bare, int64_t now_us) {
        Text local, rest = text_of(bare);
        Jid jid = { .full = text_of(bare), .bare = text_of(bare) };
        int64_t opens_us;

        ck_assert(text_split(&rest, '@', &local));
        jid.local = local;
        jid.domain = rest;
        bool taken = meter_take(meter, &jid, now_us, &opens_us);
        ck_assert(taken || opens_us > now_us);
        return taken;
}

static int let_in(Meter *meter, const char *bare, int64_t now_us) {
        int count = 0;

        while (count < 1000 && take(meter, bare, now_us))
                count++;
        return count;
}

START_TEST(sender_may_burst_and_then_write_at_its_rate) {
        Meter *meter = meter_of(60, 0);

        ck_assert_int_eq(let_in(meter, "eve@example.net", NOW), 60);
        ck_assert_int_eq(let_in(meter, "eva@example.net", NOW), 60);
        ck_assert_int_eq(let_in(meter, "eve@example.net", NOW + 10 * SECONDS), 10);
        ck_assert_int_eq(let_in(meter, "eve@example.net", NOW + 3600 * SECONDS), 60);
        meter_free(meter);
}
END_TEST

START_TEST(rate_of_zero_lets_everything_through) {
        Meter *meter = meter_of(0, 0);

        ck_assert_int_eq(let_in(meter, "eve@example.net", NOW), 1000);
        meter_free(meter);
}
END_TEST

START_TEST(clock_that_goes_back_gives_nothing) {
        Meter *meter = meter_of(60, 0);

        ck_assert_int_eq(let_in(meter, "eve@example.net", NOW), 60);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(let_in(meter, "eve@example.net", NOW - 10 * SECONDS), 0);
                ck_assert_int_eq(let_in(meter, "eve@example.net", NOW), 0);
        }
        meter_free(meter);
}
END_TEST

START_TEST(people_of_another_server_share_its_rate_and_ours_do_not) {
        const struct {
                const char *first, *second;
                int expected;
        } cases[] = {
                { "a@example.net", "b@example.net", 0 },
                { "a@example.net", "b@example.com", 10 },
                { "a@example.org", "b@example.org", 10 },               /* beside a component of ours */
                { "a@agents.example.org", "b@agents.example.org", 10 }, /* our own agents */
                { "a@other.example", "b@other.example", 10 },
                { "a@badexample.org", "b@badexample.org", 0 },
                { "a@org.example", "b@org.example", 0 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Meter *meter = meter_of(10, 10);
                ck_assert_int_eq(let_in(meter, cases[i].first, NOW), 10);
                ck_assert_msg(let_in(meter, cases[i].second, NOW) == cases[i].expected, "%s", cases[i].second);
                meter_free(meter);
        }
}
END_TEST

/* Who is over its own rate takes nothing from the others of its domain. */
START_TEST(what_is_refused_takes_nothing) {
        Meter *meter = meter_of(10, 100);

        for (int i = 0; i < 500; i++)
                take(meter, "flood@example.net", NOW);
        for (int i = 0; i < 9; i++) {
                char bare[64];
                snprintf(bare, sizeof(bare), "p%d@example.net", i);
                ck_assert_int_eq(let_in(meter, bare, NOW), 10);
        }
        ck_assert_int_eq(let_in(meter, "last@example.net", NOW), 0);
        /* And who is over its domain's rate has its own left. */
        ck_assert_int_eq(let_in(meter, "flood@example.net", NOW + 6 * SECONDS), 1);
        ck_assert_int_eq(let_in(meter, "last@example.net", NOW + 12 * SECONDS), 10);
        meter_free(meter);
}
END_TEST

static double seconds_now(void) {
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* A million senders of one domain: memory stays bounded, each costs little, and others are let in as ever. */
START_TEST(flood_of_distinct_senders_concerns_only_its_domain) {
        Meter *meter = meter_of(10, 0);
        double began = seconds_now();
        int let = 0;

        ck_assert(take(meter, "known@example.com", NOW));
        for (int i = 0; i < 300000; i++) {
                char bare[64];
                snprintf(bare, sizeof(bare), "p%d@example.net", i);
                let += take(meter, bare, NOW + i);
        }
        ck_assert_int_le(let, 65536 + 10 + 1);
        ck_assert_int_ge(let, 65000);
        if (!UNIT_SANITIZED)
                ck_assert_double_lt(seconds_now() - began, 3);
        ck_assert_int_eq(let_in(meter, "known@example.com", NOW + SECONDS), 9);
        ck_assert_int_eq(let_in(meter, "new@example.com", NOW + SECONDS), 10);
        ck_assert_int_eq(let_in(meter, "new@example.info", NOW + SECONDS), 10);
        /* When the flood is over everybody has its own again. */
        ck_assert_int_eq(let_in(meter, "x@example.com", NOW + 600 * SECONDS), 10);
        ck_assert_int_eq(let_in(meter, "y@example.com", NOW + 600 * SECONDS), 10);
        meter_free(meter);
}
END_TEST

START_TEST(flood_of_distinct_domains_stays_bounded_too) {
        Meter *meter = meter_of(10, 10);
        int let = 0;

        for (int i = 0; i < 200000; i++) {
                char bare[64];
                snprintf(bare, sizeof(bare), "p@d%d.example", i);
                let += take(meter, bare, NOW);
        }
        ck_assert_int_le(let, 2 * 65536);
        ck_assert_int_eq(let_in(meter, "new@agents.example.org", NOW), 10);
        meter_free(meter);
}
END_TEST

UNIT_TESTS("orchestrator/meter", sender_may_burst_and_then_write_at_its_rate, rate_of_zero_lets_everything_through,
           clock_that_goes_back_gives_nothing, people_of_another_server_share_its_rate_and_ours_do_not,
           what_is_refused_takes_nothing, flood_of_distinct_senders_concerns_only_its_domain,
           flood_of_distinct_domains_stays_bounded_too)
