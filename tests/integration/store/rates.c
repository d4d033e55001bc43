/* Hubs that share their rates and levels through a real Redis: each has its own directory and its own connection. */
#include "store/cache/rates.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "orchestrator/directory/directory.h"
#include "orchestrator/governance/levels.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define AMOUNT 60

static const Uuid installation = { { 1 } }, acme = { { 2 } }, desk = { { 4, 1 } }, ann = { { 5, 1 } };

typedef struct Side {
        RateStream *stream;
        Directory *directory;
        Sender ann;
        Agent *desk;
} Side;

static RateStream *stream_to(const char *address) {
        const char *path = getenv("AIOX_REDIS_SECRET_FILE");
        char password[200] = "";
        RateStream *stream;
        Failure failure;
        FILE *file = path ? fopen(path, "r") : NULL;
        if (file) {
                ck_assert_ptr_nonnull(fgets(password, sizeof(password), file));
                password[strcspn(password, "\n")] = '\0';
                fclose(file);
        }
        ck_assert_done(rate_stream_new(address, file ? password : NULL, &stream, &failure), failure);
        return stream;
}

static Side side_open(Uuid limit) {
        const Text jid = TEXT("ann@example.org");
        const DirectoryChange changes[] = {
                { .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme") },
                { .kind = DIRECTORY_ACCOUNT, .id = ann, .name = jid },
                { .kind = DIRECTORY_AGENT,
                  .id = desk,
                  .tenant_id = acme,
                  .name = TEXT("desk"),
                  .owner_id = ann,
                  .owner = jid },
                { .kind = DIRECTORY_LIMIT,
                  .id = limit,
                  .tenant_id = acme,
                  .subject = LIMIT_OF_AGENT,
                  .subject_id = desk,
                  .what = LIMIT_MESSAGES,
                  .window_us = LIMIT_HOUR_US,
                  .amount = AMOUNT },
        };
        Side side = { .stream = stream_to(getenv("AIOX_REDIS")),
                      .directory = directory_new("agents.example", installation) };
        Jid who = jid_of_bare(jid);
        for (size_t i = 0; i < COUNT_OF(changes); i++)
                directory_apply(side.directory, &changes[i]);
        side.ann = directory_sender(side.directory, &who);
        side.desk = directory_agent_by_id(side.directory, desk);
        return side;
}

static void side_close(Side *side) {
        rate_stream_free(side->stream);
        directory_free(side->directory);
}

static int take(Side *side, int most) {
        int count = 0;
        while (count < most && !directory_take(side->directory, &side->ann, side->desk, NULL, LIMIT_MESSAGES, 1,
                                               clock_now().monotonic_us)
                                        .refused)
                count++;
        return count;
}

static void share(Side *side) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1024 * 1024);
        RateDelta out[16];
        RatesHeard heard;
        size_t given = 0;
        Failure failure;
        ck_assert_done(rate_stream_receive(side->stream, arena, &heard, &failure), failure);
        for (size_t i = 0; i < heard.delta_count; i++)
                directory_subtract(side->directory, heard.deltas[i].limit, heard.deltas[i].amount,
                                   clock_now().monotonic_us);
        while (given < COUNT_OF(out) &&
               directory_untold(side->directory, clock_now().monotonic_us, &out[given].limit, &out[given].amount))
                given++;
        ck_assert_done(rate_stream_send(side->stream, out, given, &failure), failure);
}

static Uuid new_limit(void) {
        Uuid id = { { 0 } };
        crypto_random(id.bytes, sizeof(id.bytes));
        return id;
}

START_TEST(what_one_hub_let_through_the_others_have_not) {
        Uuid limit = new_limit();
        Side sides[] = { side_open(limit), side_open(limit), side_open(limit) };
        for (size_t i = 0; i < COUNT_OF(sides); i++)
                share(&sides[i]); /* from here on they listen */
        ck_assert_int_eq(take(&sides[0], 40), 40);
        ck_assert_int_eq(take(&sides[1], 10), 10);
        for (int round = 0; round < 2; round++)
                for (size_t i = 0; i < COUNT_OF(sides); i++)
                        share(&sides[i]);
        /* Each delta counts once, and a hub's own not at all. */
        ck_assert_int_eq(take(&sides[2], 100), 10);
        for (int round = 0; round < 2; round++)
                for (size_t i = 0; i < COUNT_OF(sides); i++)
                        share(&sides[i]);
        for (size_t i = 0; i < COUNT_OF(sides); i++) {
                ck_assert_int_eq(take(&sides[i], 100), 0);
                side_close(&sides[i]);
        }
}
END_TEST

START_TEST(hub_that_comes_later_hears_nothing_of_before) {
        Uuid limit = new_limit();
        Side one = side_open(limit);
        share(&one);
        ck_assert_int_eq(take(&one, 30), 30);
        share(&one);
        Side late = side_open(limit);
        share(&late);
        share(&late);
        ck_assert_int_eq(take(&late, 100), AMOUNT);
        side_close(&one);
        side_close(&late);
}
END_TEST

static void hold(Side *side, const Level *levels, size_t count) {
        Failure failure;
        ck_assert_done(rate_stream_send_levels(side->stream, levels, count, &failure), failure);
}

/* What others hold of the limit, as a hub that has heard all of it has it. */
static LevelElsewhere hear(Side *side, Levels *levels, Uuid limit) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1024 * 1024);
        LevelElsewhere *elsewhere, none = { 0 };
        RatesHeard heard;
        size_t count;
        Failure failure;
        ck_assert_done(rate_stream_receive(side->stream, arena, &heard, &failure), failure);
        for (size_t i = 0; i < heard.level_count; i++) {
                int64_t off_ms = heard.levels[i].told_ms - clock_now().wall_us / MILLISECONDS;
                ck_assert(off_ms > -60000 && off_ms < 60000);
                levels_hear(levels, &heard.levels[i], clock_now().monotonic_us);
        }
        ck_assert(levels_elsewhere(levels, arena, &elsewhere, &count));
        for (size_t i = 0; i < count; i++)
                if (uuid_equal(elsewhere[i].limit, limit))
                        return elsewhere[i];
        return none;
}

START_TEST(what_one_hub_holds_the_others_hear_until_it_holds_it_no_more) {
        Uuid limit = new_limit();
        Side sides[] = { side_open(limit), side_open(limit), side_open(limit) };
        Levels *levels[COUNT_OF(sides)];
        for (size_t i = 0; i < COUNT_OF(sides); i++) {
                levels[i] = levels_new(rate_stream_own(sides[i].stream));
                hear(&sides[i], levels[i], limit); /* from here on they listen */
        }
        hold(&sides[0], (Level[]){ { new_limit(), 9, 0, 0 }, { limit, 2, 3, 70000 } }, 2);
        hold(&sides[1], (Level[]){ { limit, 1, 1, 10 } }, 1);
        LevelElsewhere of[COUNT_OF(sides)];
        for (size_t i = 0; i < COUNT_OF(sides); i++)
                of[i] = hear(&sides[i], levels[i], limit);
        ck_assert_int_eq(of[0].held, 1);
        ck_assert_int_eq(of[0].ahead, 0);
        ck_assert_int_eq(of[1].held, 2);
        ck_assert_int_eq(of[1].ahead, 1); /* it has waited longer */
        ck_assert_int_eq(of[2].held, 3);
        ck_assert_int_eq(of[2].wanting, 2);
        hold(&sides[0], NULL, 0);
        ck_assert_int_eq(hear(&sides[2], levels[2], limit).held, 1);
        hold(&sides[1], (Level[]){ { limit, 1, 0, 0 } }, 1);
        ck_assert_int_eq(hear(&sides[2], levels[2], limit).content, 1);
        /* Who has not listened for a while begins with what is said from then on. */
        hold(&sides[0], (Level[]){ { limit, 5, 0, 0 } }, 1);
        rate_stream_skip_levels(sides[2].stream);
        ck_assert_int_eq(hear(&sides[2], levels[2], limit).held, 1);
        hold(&sides[0], (Level[]){ { limit, 4, 0, 0 } }, 1);
        ck_assert_int_eq(hear(&sides[2], levels[2], limit).held, 5);
        for (size_t i = 0; i < COUNT_OF(sides); i++) {
                levels_free(levels[i]);
                side_close(&sides[i]);
        }
}
END_TEST

START_TEST(figures_that_no_hub_can_hold_count_for_nothing) {
        Uuid limit = new_limit();
        Side strange = side_open(limit), sound = side_open(limit), listener = side_open(limit);
        Levels *levels = levels_new(rate_stream_own(listener.stream));
        hear(&listener, levels, limit); /* from here on it listens */
        hold(&sound, (Level[]){ { limit, 2, 1, 0 } }, 1);
        const Level figures[] = { { limit, -5, -1, -1 }, { limit, INT32_MAX, INT32_MAX, INT32_MAX } };
        for (size_t i = 0; i < COUNT_OF(figures); i++) {
                hold(&strange, &figures[i], 1);
                LevelElsewhere elsewhere = hear(&listener, levels, limit);
                ck_assert_int_eq(elsewhere.held, 2);
                ck_assert_int_eq(elsewhere.wanting, 1);
        }
        levels_free(levels);
        side_close(&strange);
        side_close(&sound);
        side_close(&listener);
}
END_TEST

START_TEST(redis_that_is_away_is_a_failure_and_no_more) {
        RateStream *stream = stream_to("unix:/nonexistent/redis.sock");
        _cleanup_(arena_freep) Arena *arena = arena_new(4096);
        RateDelta delta = { new_limit(), 1 };
        Level level = { delta.limit, 1, 0, 0 };
        RatesHeard heard;
        Failure failure;
        ck_assert(!rate_stream_send(stream, &delta, 1, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        ck_assert(!rate_stream_send_levels(stream, &level, 1, &failure));
        ck_assert(!rate_stream_receive(stream, arena, &heard, &failure));
        ck_assert_uint_eq(heard.delta_count + heard.level_count, 0);
        rate_stream_free(stream);
        ck_assert(!rate_stream_new("nowhere", NULL, &stream, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_INVALID);
}
END_TEST

UNIT_TESTS("integration/store/rates", what_one_hub_let_through_the_others_have_not,
           hub_that_comes_later_hears_nothing_of_before, what_one_hub_holds_the_others_hear_until_it_holds_it_no_more,
           figures_that_no_hub_can_hold_count_for_nothing, redis_that_is_away_is_a_failure_and_no_more)
