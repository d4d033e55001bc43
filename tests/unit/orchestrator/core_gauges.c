/* How many turns run at once and messages wait, of a tenant, a person and an agent. */
#include "tests/unit/orchestrator/rig.h"

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig->settings.workers = 16;
        rig_start(rig);
}

static void limit(Rig *rig, uint8_t id, LimitSubject subject, Uuid of, LimitWhat what, int64_t amount) {
        rig_change(rig, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                           .id = { { 7, id } },
                                           .subject = subject,
                                           .subject_id = of,
                                           .what = what,
                                           .amount = amount });
}

static const char *const senders[] = { "ann@example.org/x", "bob@example.org/x", "carl@example.org/x" };

START_TEST(turns_beyond_the_tenants_limit_wait_and_others_go_on) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 1);
        rig_accept(&rig, (Said){ .body = "a", .from = senders[0], .agent = "open.zeta" });
        rig_accept(&rig, (Said){ .body = "b", .from = senders[1], .agent = "open.zeta" });
        rig_accept(&rig, (Said){ .body = "c", .from = senders[2], .agent = "open.zeta" });
        ck_assert_uint_eq(rig.turn_count, 1);
        rig_accept(&rig, (Said){ .body = "else", .from = senders[1], .agent = "guide" });
        ck_assert_uint_eq(rig.turn_count, 2);
        /* In the order in which they came, one for one. */
        rig_answer(&rig, rig_turn(&rig, "a"), "done");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 2);
        rig_answer(&rig, rig_turn(&rig, "b"), "done");
        rig_settle(&rig);
        rig_answer(&rig, rig_turn(&rig, "c"), "done");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 1);
}
END_TEST

START_TEST(wider_limit_lets_those_that_wait_begin) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_AGENT, rig_open, LIMIT_TURNS, 1);
        for (size_t i = 0; i < COUNT_OF(senders); i++)
                rig_accept(&rig, (Said){ .body = senders[i], .from = senders[i], .agent = "open.zeta" });
        ck_assert_uint_eq(rig.turn_count, 1);
        limit(&rig, 1, LIMIT_OF_AGENT, rig_open, LIMIT_TURNS, 3);
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 3);
}
END_TEST

/* bob's one turn runs elsewhere: his message for zeta must not keep zeta's only place from ann's. */
START_TEST(lane_that_cannot_use_a_place_leaves_it_to_the_next) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 1);
        limit(&rig, 2, LIMIT_OF_ACCOUNT, rig_bob, LIMIT_TURNS, 1);
        rig_accept(&rig, (Said){ .body = "first", .from = senders[2], .agent = "open.zeta" });
        rig_accept(&rig, (Said){ .body = "of bob", .from = senders[1], .agent = "open.zeta" });
        rig_accept(&rig, (Said){ .body = "of ann", .from = senders[0], .agent = "open.zeta" });
        rig_accept(&rig, (Said){ .body = "bob elsewhere", .from = senders[1], .agent = "guide" });
        ck_assert_uint_eq(rig.turn_count, 2);
        rig_answer(&rig, rig_turn(&rig, "first"), "done");
        rig_settle(&rig);
        rig_turn(&rig, "of ann");
        rig_answer(&rig, rig_turn(&rig, "of ann"), "done");
        rig_settle(&rig);
        rig_answer(&rig, rig_turn(&rig, "bob elsewhere"), "done");
        rig_settle(&rig);
        rig_answer(&rig, rig_turn(&rig, "of bob"), "done");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 0);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
}
END_TEST

START_TEST(limit_of_none_stops_a_tenant_and_a_deadline_ends_the_wait) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 0);
        rig_accept(&rig, (Said){ .body = "a", .from = senders[0], .agent = "open.zeta" });
        ck_assert_uint_eq(rig.turn_count, 0);
        rig_pass(&rig, rig.settings.turn_us + 2 * SECONDS);
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
        rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_LIMIT, .id = { { 7, 1 } }, .gone = true });
        rig_accept(&rig, (Said){ .body = "b", .from = senders[0], .agent = "open.zeta" });
        ck_assert_uint_eq(rig.turn_count, 1);
}
END_TEST

START_TEST(messages_that_wait_are_bounded_where_they_arrive) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_AGENT, rig_open, LIMIT_TURNS, 1);
        limit(&rig, 2, LIMIT_OF_TENANT, rig_zeta, LIMIT_WAITING, 1);
        rig_accept(&rig, (Said){ .body = "a", .from = senders[0], .agent = "open.zeta" }); /* runs */
        rig_accept(&rig, (Said){ .body = "b", .from = senders[1], .agent = "open.zeta" }); /* waits */
        rig_say(&rig, (Said){ .body = "c", .from = senders[2], .agent = "open.zeta" });
        const Command *refused = rig_command(&rig, COMMAND_REFUSE, 0);
        ck_assert_ptr_nonnull(refused);
        ck_assert_int_eq(refused->arrival.failure.kind, FAILURE_LIMIT);
        ck_assert_str_eq(
                refused->arrival.failure.text,
                "The tenant's limit of 1 messages that wait is reached. Try again when one of them is answered.");
        rig_answer(&rig, rig_turn(&rig, "a"), "done");
        rig_settle(&rig);
        rig_accept(&rig, (Said){ .body = "d", .from = senders[2], .agent = "open.zeta" });
        ck_assert_int_eq(core_counts(rig.core).waiting_in_lanes, 1);
}
END_TEST

/* What others hold of the limit with that id. */
static void hear(Rig *rig, uint8_t id, LevelElsewhere elsewhere) {
        elsewhere.limit = (Uuid){ { 7, id } };
        rig_step(rig, (Event){ EVENT_LEVELS, .levels = { &elsewhere, 1, 1 } });
        rig_settle(rig);
}

static void hear_nothing(Rig *rig, int32_t hubs) {
        rig_step(rig, (Event){ EVENT_LEVELS, .levels = { .hubs = hubs } });
        rig_settle(rig);
}

START_TEST(what_other_hubs_hold_counts_and_lanes_go_on_when_it_is_less) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 3);
        hear(&rig, 1, (LevelElsewhere){ .held = 2, .content = 2 });
        for (size_t i = 0; i < COUNT_OF(senders); i++)
                rig_accept(&rig, (Said){ .body = senders[i], .from = senders[i], .agent = "open.zeta" });
        ck_assert_uint_eq(rig.turn_count, 1);
        hear(&rig, 1, (LevelElsewhere){ .held = 2, .content = 2 });
        ck_assert_uint_eq(rig.turn_count, 1);
        /* One place is free, then all: nobody here has ended a turn. */
        hear(&rig, 1, (LevelElsewhere){ .held = 1, .content = 1 });
        ck_assert_uint_eq(rig.turn_count, 2);
        hear_nothing(&rig, 1);
        ck_assert_uint_eq(rig.turn_count, 3);
}
END_TEST

START_TEST(limit_of_another_tenant_is_not_touched_by_what_others_hold) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 1);
        limit(&rig, 2, LIMIT_OF_TENANT, rig_installation, LIMIT_TURNS, 1);
        hear(&rig, 1, (LevelElsewhere){ .held = 1, .content = 1 });
        rig_accept(&rig, (Said){ .body = "a", .from = senders[0], .agent = "open.zeta" });
        rig_accept(&rig, (Said){ .body = "b", .from = senders[1], .agent = "guide" });
        ck_assert_uint_eq(rig.turn_count, 1);
        rig_turn(&rig, "b");
}
END_TEST

/* Of two turns each of two hubs that want more has one, and a single one the hub that has waited longer. */
START_TEST(hub_that_holds_its_part_leaves_the_rest_to_one_that_wants_it) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 2);
        for (size_t i = 0; i < COUNT_OF(senders); i++)
                rig_accept(&rig, (Said){ .body = senders[i], .from = senders[i], .agent = "open.zeta" });
        ck_assert_uint_eq(rig.turn_count, 2);
        hear(&rig, 1, (LevelElsewhere){ .wanting = 1 });
        rig_answer(&rig, rig_turn(&rig, senders[0]), "done");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 1);
        /* It took the place and wants no more; then it gives it back. */
        hear(&rig, 1, (LevelElsewhere){ .held = 1, .content = 1 });
        ck_assert_uint_eq(rig.turn_count, 1);
        hear_nothing(&rig, 1);
        ck_assert_uint_eq(rig.turn_count, 2);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 1);
        hear(&rig, 1, (LevelElsewhere){ .wanting = 1, .ahead = 1 });
        rig_accept(&rig, (Said){ .body = "last", .from = senders[0], .agent = "open.zeta" });
        rig_answer(&rig, rig_turn(&rig, senders[1]), "done");
        rig_settle(&rig);
        rig_answer(&rig, rig_turn(&rig, senders[2]), "done");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 0);
        hear(&rig, 1, (LevelElsewhere){ .wanting = 1 });
        rig_turn(&rig, "last");
}
END_TEST

START_TEST(hubs_that_cannot_tell_each_other_run_their_part_of_the_turns) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 2);
        hear(&rig, 1, (LevelElsewhere){ .held = 2, .content = 2 });
        for (size_t i = 0; i < COUNT_OF(senders); i++)
                rig_accept(&rig, (Said){ .body = senders[i], .from = senders[i], .agent = "open.zeta" });
        ck_assert_uint_eq(rig.turn_count, 0);
        hear_nothing(&rig, 5); /* at least one */
        ck_assert_uint_eq(rig.turn_count, 1);
        hear_nothing(&rig, 2);
        ck_assert_uint_eq(rig.turn_count, 1);
        hear_nothing(&rig, 1);
        ck_assert_uint_eq(rig.turn_count, 2);
}
END_TEST

START_TEST(messages_that_wait_elsewhere_count_where_one_arrives) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_WAITING, 2);
        hear(&rig, 1, (LevelElsewhere){ .held = 2, .content = 2 });
        rig_say(&rig, (Said){ .body = "a", .from = senders[0], .agent = "open.zeta" });
        const Command *refused = rig_command(&rig, COMMAND_REFUSE, 0);
        ck_assert_ptr_nonnull(refused);
        ck_assert_str_eq(
                refused->arrival.failure.text,
                "The tenant's limit of 2 messages that wait is reached. Try again when one of them is answered.");
        hear(&rig, 1, (LevelElsewhere){ .held = 1, .content = 1 });
        rig_accept(&rig, (Said){ .body = "b", .from = senders[0], .agent = "open.zeta" });
        rig_turn(&rig, "b");
}
END_TEST

static Level told(Rig *rig, uint8_t id) {
        CoreLevels levels = { 0 };
        Level found = { 0 };

        core_levels(rig->core, &levels);
        for (size_t i = 0; i < levels.count; i++)
                if (uuid_equal(levels.items[i].limit, (Uuid){ { 7, id } }))
                        found = levels.items[i];
        free(levels.items);
        return found;
}

START_TEST(others_are_told_what_is_held_and_wanted_here) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_TENANT, rig_zeta, LIMIT_TURNS, 1);
        limit(&rig, 2, LIMIT_OF_AGENT, rig_open, LIMIT_WAITING, 10);
        for (size_t i = 0; i < COUNT_OF(senders); i++)
                rig_accept(&rig, (Said){ .body = senders[i], .from = senders[i], .agent = "open.zeta" });
        rig_pass(&rig, 3 * SECONDS);
        ck_assert(core_levels_moved(rig.core));
        ck_assert_int_eq(told(&rig, 1).held, 1);
        ck_assert_int_eq(told(&rig, 1).wanted, 2);
        ck_assert_int_eq(told(&rig, 1).waited_ms, 3000);
        ck_assert_int_eq(told(&rig, 2).held, 2);
        ck_assert(!core_levels_moved(rig.core));
        /* What it could not use it does not want. */
        rig_step(&rig, (Event){ .kind = EVENT_DRAIN });
        ck_assert_int_eq(told(&rig, 1).wanted, 0);
        ck_assert_int_eq(told(&rig, 1).held, 1);
        rig_answer(&rig, rig_turn(&rig, senders[0]), "done");
        ck_assert(core_levels_moved(rig.core));
        ck_assert_int_eq(told(&rig, 1).held, 0);
}
END_TEST

START_TEST(turn_ends_when_its_own_limit_is_over) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        limit(&rig, 1, LIMIT_OF_AGENT, rig_open, LIMIT_TURN_SECONDS, 20);
        rig_accept(&rig, (Said){ .body = "slow", .from = senders[0], .agent = "open.zeta" });
        RigTurn *turn = rig_turn(&rig, "slow");
        ck_assert_int_eq(turn->input->deadline_us, rig.now.monotonic_us + 20 * SECONDS);
        rig_pass(&rig, 19 * SECONDS);
        ck_assert(!turn->stopped);
        rig_pass(&rig, 2 * SECONDS);
        ck_assert(turn->stopped);
}
END_TEST

START_TEST(time_of_workers_is_charged_when_it_is_known_and_comes_back_evenly) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                            .id = { { 7, 1 } },
                                            .subject = LIMIT_OF_TENANT,
                                            .subject_id = rig_zeta,
                                            .what = LIMIT_WORKER_MS,
                                            .window_us = LIMIT_MINUTE_US,
                                            .amount = 10000 });
        rig_accept(&rig, (Said){ .body = "long", .from = senders[0], .agent = "open.zeta" });
        rig_pass(&rig, 15 * SECONDS);
        rig_answer(&rig, rig_turn(&rig, "long"), "done");
        rig_settle(&rig);
        rig_say(&rig, (Said){ .body = "next", .from = senders[1], .agent = "open.zeta" });
        const Command *refused = rig_command(&rig, COMMAND_REFUSE, 0);
        ck_assert_ptr_nonnull(refused);
        ck_assert_msg(
                strstr(refused->arrival.failure.text,
                       "The tenant's limit of 10000 milliseconds of workers per minute is reached. Try again in 31 "
                       "seconds."),
                "%s", refused->arrival.failure.text);
        rig_accept(&rig, (Said){ .body = "elsewhere", .from = senders[1], .agent = "guide" });
        ck_assert_uint_eq(rig.turn_count, 1);
        rig_pass(&rig, 31 * SECONDS);
        rig_accept(&rig, (Said){ .body = "again", .from = senders[1], .agent = "open.zeta" });
        ck_assert_uint_eq(rig.turn_count, 2);
}
END_TEST

START_TEST(owners_are_told_when_four_fifths_are_used) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig);
        rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                            .id = { { 7, 1 } },
                                            .subject = LIMIT_OF_AGENT,
                                            .subject_id = rig_open,
                                            .what = LIMIT_MESSAGES,
                                            .window_us = LIMIT_HOUR_US,
                                            .amount = 5 });
        for (int i = 0; i < 5; i++) {
                rig_say(&rig, (Said){ .body = "x", .from = senders[0], .agent = "open.zeta" });
                const Command *told = rig_command(&rig, COMMAND_TELL, 0);
                ck_assert_int_eq(told != NULL, i == 3);
                if (!told)
                        continue;
                ck_assert(text_equal(told->tell.who, TEXT("ann@example.org")));
                ck_assert(text_equal(told->tell.text,
                                     TEXT("The agent open has used four fifths of its limit of 5 messages "
                                          "per hour.")));
        }
}
END_TEST

UNIT_TESTS("orchestrator/core_gauges", turns_beyond_the_tenants_limit_wait_and_others_go_on,
           wider_limit_lets_those_that_wait_begin, lane_that_cannot_use_a_place_leaves_it_to_the_next,
           limit_of_none_stops_a_tenant_and_a_deadline_ends_the_wait, messages_that_wait_are_bounded_where_they_arrive,
           what_other_hubs_hold_counts_and_lanes_go_on_when_it_is_less,
           limit_of_another_tenant_is_not_touched_by_what_others_hold,
           hub_that_holds_its_part_leaves_the_rest_to_one_that_wants_it,
           hubs_that_cannot_tell_each_other_run_their_part_of_the_turns,
           messages_that_wait_elsewhere_count_where_one_arrives, others_are_told_what_is_held_and_wanted_here,
           turn_ends_when_its_own_limit_is_over, time_of_workers_is_charged_when_it_is_known_and_comes_back_evenly,
           owners_are_told_when_four_fifths_are_used)
