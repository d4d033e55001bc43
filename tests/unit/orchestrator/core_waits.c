/* Turns that wait for a budget: they hold no worker, keep their place and what they have done, and end like others. */
#include "tests/unit/orchestrator/rig.h"

static const char *const senders[] = { "ann@example.org/x", "bob@example.org/x", "carl@example.org/x" };

static void setup(Rig *rig, int32_t workers) {
        rig_prepare(rig);
        rig->settings.workers = workers;
        rig_start(rig);
}

static const TurnResult must_wait = {
        .outcome = OUTCOME_REFUSED, .reason = FAILURE_LIMIT, .explanation = { "All is reserved.", 16 }, .waits = true
};

/* Its turn runs, and ends because it must wait. */
static Uuid begin_to_wait(Rig *rig, Said said) {
        rig_accept(rig, said);
        RigTurn *turn = rig_turn(rig, said.body);
        Uuid id = turn->input->message_id;
        rig_end_with(rig, turn, must_wait);
        return id;
}

static void go_on(Rig *rig, Uuid id) {
        rig_step(rig, (Event){ .kind = EVENT_WAIT_OVER, .answer = { .message_id = id } });
}

START_TEST(turn_that_waits_leaves_its_worker_to_others_and_goes_on_when_it_may) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 1);
        Uuid id = begin_to_wait(&rig, (Said){ .body = "dear", .from = senders[0], .agent = "open.zeta" });
        ck_assert_ptr_null(rig.request); /* nothing is concluded */
        ck_assert_int_eq(core_counts(rig.core).running, 0);
        ck_assert_int_eq(core_counts(rig.core).waiting_for_budget, 1);
        ck_assert_int_eq(core_counts(rig.core).waiting_in_lanes, 1);
        rig_accept(&rig, (Said){ .body = "cheap", .from = senders[1] });
        rig_turn(&rig, "cheap");
        go_on(&rig, id); /* there is no worker now */
        ck_assert_uint_eq(rig.turn_count, 1);
        ck_assert_int_eq(core_counts(rig.core).waiting_for_budget, 0);
        rig_answer(&rig, rig_turn(&rig, "cheap"), "done");
        rig_settle(&rig);
        const TurnInput *input = rig_turn(&rig, "dear")->input;
        ck_assert(input->before.resumed && !input->last);
        ck_assert_int_eq(input->attempt, 0);
        rig_answer(&rig, rig_turn(&rig, "dear"), "done");
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).concluded, 2);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
}
END_TEST

START_TEST(word_that_comes_before_the_end_of_the_turn_is_not_lost) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "dear" });
        go_on(&rig, rig_turn(&rig, "dear")->input->message_id);
        rig_end_with(&rig, rig_turn(&rig, "dear"), must_wait);
        ck_assert(rig_turn(&rig, "dear")->input->before.resumed);
        rig_end_with(&rig, rig_turn(&rig, "dear"), must_wait); /* that word was for the part before */
        ck_assert_uint_eq(rig.turn_count, 0);
}
END_TEST

START_TEST(next_of_a_conversation_waits_behind_it_and_goes_on_when_it_is_cancelled) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 4);
        Uuid id = begin_to_wait(&rig, (Said){ .body = "dear", .from = senders[0] });
        rig_accept(&rig, (Said){ .body = "behind", .from = senders[0] });
        ck_assert_uint_eq(rig.turn_count, 0);
        rig_step(&rig, (Event){ .kind = EVENT_CANCEL, .cancel = { .message_id = id, .tenant_id = rig_installation } });
        rig_turn(&rig, "behind");
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).concluded, 1);
        ck_assert_int_eq(core_counts(rig.core).waiting_for_budget, 0);
        go_on(&rig, id); /* too late: nobody is there any more */
        ck_assert_uint_eq(rig.turn_count, 1);
}
END_TEST

/* The budgets may have held something for it by then. */
START_TEST(end_of_who_waited_is_settled_with_what_it_has_cost) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 4);
        TurnResult left = must_wait;
        left.usage.cost_nano = 7;
        left.answer = TEXT("half");
        rig_accept(&rig, (Said){ .body = "dear", .from = senders[0] });
        Uuid id = rig_turn(&rig, "dear")->input->message_id;
        rig_end_with(&rig, rig_turn(&rig, "dear"), left);
        rig_step(&rig, (Event){ .kind = EVENT_CANCEL,
                                .cancel = { .message_id = id, .tenant_id = rig_installation, .durable = true } });
        const ConcludedRecord *concluded = &rig.request->batch.concluded[0];
        ck_assert_int_eq(concluded->outcome, OUTCOME_CANCELLED);
        ck_assert_text(concluded->answer, TEXT("half"));
        ck_assert_int_eq(concluded->usage.cost_nano, 7);
        rig_store(&rig, STORE_DONE);
        const Command *settle = rig_command(&rig, COMMAND_SETTLE, 0);
        ck_assert_ptr_nonnull(settle);
        ck_assert_int_eq(settle->settle.total.units[BUDGET_MONEY], 7);
}
END_TEST

START_TEST(stop_ends_who_waits_and_what_waits_behind_it) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 4);
        begin_to_wait(&rig, (Said){ .body = "dear", .from = senders[0] });
        rig_accept(&rig, (Said){ .body = "behind", .from = senders[0] });
        rig_accept(&rig, (Said){ .body = "/stop", .from = senders[0], .command = true, .stops = true });
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).concluded, 3);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
}
END_TEST

static void limit_zeta(Rig *rig, uint8_t id, LimitWhat what, bool gone) {
        rig_change(rig, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                           .id = { { 7, id } },
                                           .gone = gone,
                                           .tenant_id = rig_zeta,
                                           .subject = what == LIMIT_TOKENS ? LIMIT_OF_TENANT : LIMIT_OF_SENDER,
                                           .subject_id = what == LIMIT_TOKENS ? rig_zeta : (Uuid){ { 0 } },
                                           .name = TEXT("example.net"),
                                           .what = what,
                                           .window_us = 60 * SECONDS,
                                           .amount = 5 });
}

START_TEST(pause_ends_who_waits_and_changes_of_no_budget_or_of_other_tenants_disturb_nobody) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 4);
        begin_to_wait(&rig, (Said){ .body = "dear", .from = senders[0], .agent = "open.zeta" });
        rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                            .id = { { 7, 1 } },
                                            .tenant_id = rig_acme,
                                            .subject = LIMIT_OF_TENANT,
                                            .subject_id = rig_acme,
                                            .what = LIMIT_TOKENS,
                                            .window_us = 60 * SECONDS,
                                            .amount = 5 });
        ck_assert_uint_eq(rig.turn_count, 0);
        limit_zeta(&rig, 3, LIMIT_MESSAGES, false); /* a throttle, say */
        limit_zeta(&rig, 3, LIMIT_MESSAGES, true);
        ck_assert_uint_eq(rig.turn_count, 0);
        limit_zeta(&rig, 2, LIMIT_TOKENS, false);
        ck_assert_uint_eq(rig_turn(&rig, "dear")->input->budget_count, 1); /* asks by the new limit */
        rig_end_with(&rig, rig_turn(&rig, "dear"), must_wait);
        limit_zeta(&rig, 2, LIMIT_TOKENS, true);
        ck_assert_uint_eq(rig_turn(&rig, "dear")->input->budget_count, 0);
        rig_end_with(&rig, rig_turn(&rig, "dear"), must_wait);
        rig_change(&rig,
                   (DirectoryChange){ .kind = DIRECTORY_AGENT, .id = rig_open, .tenant_id = rig_zeta, .gone = true });
        ck_assert_int_eq(rig.request->batch.concluded_count, 1);
        ck_assert_int_eq(rig.request->batch.concluded[0].outcome, OUTCOME_REFUSED);
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
}
END_TEST

START_TEST(near_its_deadline_it_asks_for_the_last_time_and_without_a_worker_hears_why_it_waited) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 1);
        begin_to_wait(&rig, (Said){ .body = "dear", .from = senders[0] });
        rig_pass(&rig, rig.settings.turn_us - 3 * SECONDS);
        ck_assert_uint_eq(rig.turn_count, 0);
        rig_pass(&rig, SECONDS + 100 * MILLISECONDS);
        ck_assert(rig_turn(&rig, "dear")->input->last);
        rig_answer(&rig, rig_turn(&rig, "dear"), "in time");
        rig_settle(&rig);
        begin_to_wait(&rig, (Said){ .body = "again", .from = senders[0] });
        rig_pass(&rig, 10 * SECONDS);
        rig_accept(&rig, (Said){ .body = "other", .from = senders[1] }); /* has the only worker */
        rig_pass(&rig, rig.settings.turn_us - 10 * SECONDS + 10 * MILLISECONDS);
        while (rig.request && !rig.request->batch.concluded_count)
                rig_store(&rig, STORE_DONE);
        ck_assert_ptr_nonnull(rig.request);
        const ConcludedRecord *concluded = &rig.request->batch.concluded[0];
        ck_assert_int_eq(concluded->outcome, OUTCOME_REFUSED);
        ck_assert_int_eq(concluded->reason, FAILURE_LIMIT);
        ck_assert_text(concluded->explanation, TEXT("All is reserved."));
        rig_settle(&rig);
}
END_TEST

START_TEST(who_waits_counts_as_waiting_and_not_as_a_turn) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 4);
        static const LimitWhat whats[] = { LIMIT_TURNS, LIMIT_WAITING };
        for (uint8_t i = 0; i < 2; i++)
                rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                                    .id = { { 7, i } },
                                                    .tenant_id = rig_zeta,
                                                    .subject = LIMIT_OF_TENANT,
                                                    .subject_id = rig_zeta,
                                                    .what = whats[i],
                                                    .amount = 1 + i });
        begin_to_wait(&rig, (Said){ .body = "dear", .from = senders[0], .agent = "open.zeta" });
        rig_accept(&rig, (Said){ .body = "cheap", .from = senders[1], .agent = "open.zeta" });
        rig_turn(&rig, "cheap");
        rig_accept(&rig, (Said){ .body = "third", .from = senders[2], .agent = "open.zeta" });
        rig_say(&rig, (Said){ .body = "fourth", .from = senders[2], .agent = "open.zeta" });
        ck_assert_ptr_nonnull(rig_command(&rig, COMMAND_REFUSE, 0));
}
END_TEST

START_TEST(steps_of_the_part_before_are_there_for_the_next) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "dear" });
        RigTurn *turn = rig_turn(&rig, "dear");
        Uuid id = turn->input->message_id;
        char payload[] = "{\"content\":\"look\"}";
        StepRecord step = { .message_id = id, .ordinal = 2, .kind = STEP_MODEL_REPLY, .payload = text_of(payload) };
        TurnResult left = must_wait;
        left.ordinal = 4;
        left.usage.tool_calls = 1;
        left.steps = &step;
        left.step_count = 1;
        rig_end_with(&rig, turn, left);
        memset(payload, 'x', sizeof(payload) - 1); /* what the turn had is gone */
        rig_pass(&rig, MILLISECONDS);
        go_on(&rig, id);
        const TurnInput *input = rig_turn(&rig, "dear")->input;
        ck_assert_uint_eq(input->step_count, 1);
        ck_assert_text(input->steps[0].payload, TEXT("{\"content\":\"look\"}"));
        ck_assert_int_eq(input->before.ordinal, 4);
        ck_assert_int_eq(input->before.tool_calls, 1);
        rig_answer(&rig, rig_turn(&rig, "dear"), "done");
        rig_settle(&rig);
}
END_TEST

START_TEST(what_cannot_be_checked_holds_no_worker_until_the_cache_is_back) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 1);
        rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                            .id = rig_desk,
                                            .tenant_id = rig_acme,
                                            .name = TEXT("desk"),
                                            .owner_id = rig_ann,
                                            .owner = TEXT("ann@example.org"),
                                            .visibility = VISIBILITY_TENANT,
                                            .model = TEXT("openai/m"),
                                            .priced = true });
        rig_accept(&rig, (Said){ .body = "busy", .from = senders[1] });
        rig_accept(&rig, (Said){ .body = "dear", .from = senders[0], .agent = "desk.acme" });
        rig_accept(&rig, (Said){ .body = "late", .from = senders[1], .agent = "desk.acme" });
        core_set_cache_away(rig.core, true);
        rig_answer(&rig, rig_turn(&rig, "busy"), "done");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 0);
        ck_assert_int_eq(core_counts(rig.core).waiting_for_budget, 2);
        rig_accept(&rig, (Said){ .body = "cheap", .from = senders[2] });
        rig_answer(&rig, rig_turn(&rig, "cheap"), "done");
        rig_settle(&rig);
        core_set_cache_away(rig.core, false);
        rig_pass(&rig, MILLISECONDS);
        rig_answer(&rig, rig_turn(&rig, "dear"), "done");
        rig_settle(&rig);
        core_set_cache_away(rig.core, true);
        rig_end_with(&rig, rig_turn(&rig, "late"), must_wait);
        rig_pass(&rig, rig.settings.turn_us - SECONDS);
        ck_assert(rig_turn(&rig, "late")->input->last); /* and hears of its own turn what cannot be checked */
}
END_TEST

START_TEST(drain_does_not_wait_for_who_waits_and_leaves_it_open) {
        _cleanup_(rig_release) Rig rig;
        setup(&rig, 1);
        Uuid id = begin_to_wait(&rig, (Said){ .body = "dear" });
        rig_step(&rig, (Event){ .kind = EVENT_DRAIN });
        go_on(&rig, id);
        ck_assert_uint_eq(rig.turn_count, 0);
        ck_assert_ptr_nonnull(rig.request);
        ck_assert_int_eq(rig.request->kind, STORE_RELEASE);
        rig_settle(&rig);
        ck_assert_ptr_nonnull(rig_command(&rig, COMMAND_EXIT, 0));
}
END_TEST

UNIT_TESTS("core_waits", turn_that_waits_leaves_its_worker_to_others_and_goes_on_when_it_may,
           word_that_comes_before_the_end_of_the_turn_is_not_lost,
           next_of_a_conversation_waits_behind_it_and_goes_on_when_it_is_cancelled,
           end_of_who_waited_is_settled_with_what_it_has_cost, stop_ends_who_waits_and_what_waits_behind_it,
           pause_ends_who_waits_and_changes_of_no_budget_or_of_other_tenants_disturb_nobody,
           near_its_deadline_it_asks_for_the_last_time_and_without_a_worker_hears_why_it_waited,
           who_waits_counts_as_waiting_and_not_as_a_turn, steps_of_the_part_before_are_there_for_the_next,
           what_cannot_be_checked_holds_no_worker_until_the_cache_is_back,
           drain_does_not_wait_for_who_waits_and_leaves_it_open)
