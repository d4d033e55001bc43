/* What hubs hold of one limit at the same time: what each makes of what all have said. */
#include "orchestrator/governance/levels.h"

#include "base/clock.h"
#include "orchestrator/governance/limits.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define NOW  (100 * SECONDS)
#define HUBS 5

static const Uuid limit_id = { { 7 } }, other_id = { { 3 } };

static Uuid hub_id(int number) {
        return (Uuid){ { 1, (uint8_t) number } };
}

static void say(Levels *levels, int hub, Level level, int64_t told_ms, int64_t now_us) {
        level.limit = limit_id;
        levels_hear(levels, &(HubLevels){ hub_id(hub), told_ms, &level, 1 }, now_us);
}

static LevelElsewhere elsewhere(const Levels *levels, Uuid limit) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1 << 20);
        LevelElsewhere *found, none = { 0 };
        size_t count;

        ck_assert(levels_elsewhere(levels, arena, &found, &count));
        for (size_t i = 0; i < count; i++)
                if (uuid_equal(found[i].limit, limit))
                        return found[i];
        return none;
}

START_TEST(what_others_hold_is_added_up_by_limit_without_ones_own) {
        Levels *levels = levels_new(hub_id(0));
        const Level both[] = { { limit_id, 3, 1, 0 }, { other_id, 4, 0, 0 } };

        say(levels, 0, (Level){ .held = 10, .wanted = 2 }, 1000, NOW);
        say(levels, 1, (Level){ .held = 2 }, 1000, NOW);
        levels_hear(levels, &(HubLevels){ hub_id(2), 1000, both, 2 }, NOW);
        LevelElsewhere of = elsewhere(levels, limit_id);
        ck_assert_int_eq(of.held, 5);
        ck_assert_int_eq(of.content, 2);
        ck_assert_int_eq(of.wanting, 1);
        ck_assert_int_eq(elsewhere(levels, other_id).held, 4);
        ck_assert_int_eq(elsewhere(levels, hub_id(0)).held, 0);
        levels_free(levels);
}
END_TEST

START_TEST(hub_says_all_it_holds_and_what_it_said_before_is_gone) {
        Levels *levels = levels_new(hub_id(0));

        say(levels, 1, (Level){ .held = 2 }, 1000, NOW);
        say(levels, 1, (Level){ .held = 1 }, 2000, NOW);
        ck_assert_int_eq(elsewhere(levels, limit_id).held, 1);
        levels_hear(levels, &(HubLevels){ .hub = hub_id(1), .told_ms = 3000 }, NOW);
        ck_assert_int_eq(elsewhere(levels, limit_id).held, 0);
        levels_free(levels);
}
END_TEST

START_TEST(hub_that_is_silent_holds_nothing_after_five_seconds) {
        Levels *levels = levels_new(hub_id(0));

        say(levels, 1, (Level){ .held = 2 }, 1000, NOW);
        say(levels, 2, (Level){ .held = 1 }, 1000, NOW);
        ck_assert(!levels_expire(levels, NOW + 4 * SECONDS));
        say(levels, 2, (Level){ .held = 1 }, 1000, NOW + 4 * SECONDS);
        ck_assert_int_eq(elsewhere(levels, limit_id).held, 3);
        ck_assert(levels_expire(levels, NOW + 5 * SECONDS));
        ck_assert_int_eq(elsewhere(levels, limit_id).held, 1);
        ck_assert(levels_forget(levels));
        ck_assert_int_eq(elsewhere(levels, limit_id).held, 0);
        ck_assert(!levels_forget(levels));
        levels_free(levels);
}
END_TEST

/* What one hub may hold, as its directory works it out. */
static int64_t part(const Levels *levels, int64_t amount) {
        Limit limit = { .what = LIMIT_TURNS, .amount = amount };
        LevelElsewhere others = elsewhere(levels, limit_id);

        limit_share(&limit, &others);
        return limit.amount - limit.kept;
}

START_TEST(who_has_waited_longest_goes_first_where_there_is_not_one_for_each) {
        Levels *levels[2] = { levels_new(hub_id(0)), levels_new(hub_id(1)) };

        for (int of = 0; of < 2; of++) {
                say(levels[of], 0, (Level){ .wanted = 3, .waited_ms = 1000 }, 100000, NOW);
                say(levels[of], 1, (Level){ .wanted = 1, .waited_ms = 20000 }, 100000, NOW);
        }
        ck_assert_int_eq(part(levels[0], 1), 0);
        ck_assert_int_eq(part(levels[1], 1), 1);
        ck_assert_int_eq(part(levels[0], 3), 1);
        ck_assert_int_eq(part(levels[1], 3), 2);
        for (int of = 0; of < 2; of++) {
                say(levels[of], 1, (Level){ .held = 1, .wanted = 1, .waited_ms = 10 }, 130000, NOW);
                say(levels[of], 0, (Level){ .wanted = 3, .waited_ms = 31000 }, 130000, NOW);
        }
        ck_assert_int_eq(part(levels[0], 1), 1);
        ck_assert_int_eq(part(levels[1], 1), 0);
        levels_free(levels[0]);
        levels_free(levels[1]);
}
END_TEST

/* Numbers below most, the same in each run. */
static int32_t draw(uint32_t *state, int32_t most) {
        *state = *state * 1664525 + 1013904223;
        return (int32_t) ((*state >> 8) % (uint32_t) most);
}

/* Whatever hubs hold and want: those that want something have parts that fit in what the others leave, and when there
 * is a place, one of them may take it. */
START_TEST(parts_fit_and_one_may_always_go_on) {
        uint32_t state = 1;
        for (int round = 0; round < 20000; round++) {
                int64_t amount = draw(&state, 8) + 1, held = 0, content = 0, parts = 0;
                int hubs = draw(&state, HUBS - 1) + 2, wanting = 0, may = 0;
                Levels *levels[HUBS];
                Level of[HUBS];
                for (int i = 0; i < hubs; i++) {
                        levels[i] = levels_new(hub_id(i));
                        of[i] = (Level){ .held = draw(&state, 3),
                                         .wanted = draw(&state, 2) * draw(&state, 4),
                                         .waited_ms = draw(&state, 20000) };
                        held += of[i].held;
                        content += of[i].wanted ? 0 : of[i].held;
                        wanting += of[i].wanted > 0;
                }
                for (int i = 0; i < hubs * hubs; i++)
                        say(levels[i / hubs], i % hubs, of[i % hubs], 100000 + i % hubs, NOW);
                for (int i = 0; i < hubs; i++) {
                        int64_t mine = part(levels[i], amount);
                        if (of[i].wanted && wanting > 1)
                                parts += mine;
                        may += of[i].wanted && of[i].held < mine && held < amount;
                        levels_free(levels[i]);
                }
                int64_t left = amount > content ? amount - content : 0;
                ck_assert_int_le(parts, left);
                if (wanting > 0 && held < amount)
                        ck_assert_int_gt(may, 0);
        }
}
END_TEST

UNIT_TESTS("governance/levels", what_others_hold_is_added_up_by_limit_without_ones_own,
           hub_says_all_it_holds_and_what_it_said_before_is_gone, hub_that_is_silent_holds_nothing_after_five_seconds,
           who_has_waited_longest_goes_first_where_there_is_not_one_for_each, parts_fit_and_one_may_always_go_on)
