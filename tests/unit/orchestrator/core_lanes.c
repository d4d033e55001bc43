#include "tests/unit/orchestrator/rig.h"

#include <stdio.h>

static void setup(Rig *rig, int32_t workers) {
        rig_prepare(rig);
        rig->settings.workers = workers;
        rig_start(rig);
}

static void cancel(Rig *rig, Uuid message_id, Uuid tenant_id) {
        rig_step(rig, (Event){ .kind = EVENT_CANCEL,
                               .cancel = { .message_id = message_id,
                                           .tenant_id = tenant_id,
                                           .by = TEXT("ann@example.org"),
                                           .ticket = 77 } });
}

/* Says it and gives the id under which it was accepted. */
static Uuid accept_id(Rig *rig, Said said) {
        rig_say(rig, said);
        Uuid id = rig->request->batch.accepted[0].id;
        rig_settle(rig);
        return id;
}

START_TEST(lane_runs_one_turn_at_a_time_in_commit_order) {
        _cleanup_(rig_release) Rig rig;
        const char *const bodies[] = { "first", "second", "third" };

        setup(&rig, 4);
        for (size_t i = 0; i < COUNT_OF(bodies); i++)
                rig_accept(&rig, (Said){ .body = bodies[i] });
        for (size_t i = 0; i < COUNT_OF(bodies); i++) {
                ck_assert_uint_eq(rig.turn_count, 1);
                rig_answer(&rig, rig_turn(&rig, bodies[i]), "done");
                ck_assert_uint_eq(rig_count(&rig, COMMAND_TURN), 0); /* not before the answer is durable */
                rig_settle(&rig);
        }
        ck_assert_uint_eq(rig.turn_count, 0);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
}
END_TEST

START_TEST(conversations_of_one_sender_run_side_by_side) {
        _cleanup_(rig_release) Rig rig;
        const Said said[] = {
                { .body = "a" },
                { .body = "b", .thread = "t" },
                { .body = "c", .agent = "open.zeta" },
                { .body = "d", .from = "carl@example.org/x" },
        };

        setup(&rig, 8);
        for (size_t i = 0; i < COUNT_OF(said); i++)
                rig_accept(&rig, said[i]);
        ck_assert_uint_eq(rig.turn_count, COUNT_OF(said));
        /* Another resource of the same person is the same lane. */
        rig_accept(&rig, (Said){ .body = "e", .from = "eve@example.org/desk" });
        ck_assert_uint_eq(rig.turn_count, COUNT_OF(said));
}
END_TEST

START_TEST(threads_are_no_way_around_what_a_sender_may_have_waiting) {
        _cleanup_(rig_release) Rig rig;
        char thread[16];

        rig_prepare(&rig);
        rig.settings.sender_depth = 30;
        rig_start(&rig);
        for (int i = 0; i < rig.settings.sender_depth; i++) {
                snprintf(thread, sizeof(thread), "t%d", i);
                rig_accept(&rig, (Said){ .body = thread, .thread = thread });
        }
        rig_say(&rig, (Said){ .body = "too many", .thread = "another" });
        const Command *refused = rig_command(&rig, COMMAND_REFUSE, 0);
        ck_assert_ptr_nonnull(refused);
        ck_assert_int_eq(refused->arrival.failure.kind, FAILURE_LIMIT);
        ck_assert_ptr_nonnull(strstr(refused->arrival.failure.text, "30 of your messages"));
        /* Another sender, and another agent, are not concerned; from another resource it is the same sender. */
        rig_accept(&rig, (Said){ .body = "carl", .from = "carl@example.org/x" });
        rig_accept(&rig, (Said){ .body = "open", .agent = "open.zeta", .thread = "another" });
        rig_say(&rig, (Said){ .body = "too many", .thread = "another", .from = "eve@example.org/desk" });
        ck_assert_ptr_nonnull(rig_command(&rig, COMMAND_REFUSE, 0));
        /* A conclusion makes room for one. */
        rig_answer(&rig, rig_turn(&rig, "t0"), "done");
        rig_settle(&rig);
        rig_accept(&rig, (Said){ .body = "room again", .thread = "another" });
        rig_say(&rig, (Said){ .body = "too many", .thread = "one more" });
        ck_assert_ptr_nonnull(rig_command(&rig, COMMAND_REFUSE, 0));
}
END_TEST

START_TEST(lane_holds_as_many_messages_as_its_depth) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 4);
        for (int i = 0; i < rig.settings.lane_depth; i++)
                rig_accept(&rig, (Said){ .body = "again" });
        rig_say(&rig, (Said){ .body = "too many" });
        const Command *refused = rig_command(&rig, COMMAND_REFUSE, 0);
        ck_assert_ptr_nonnull(refused);
        ck_assert_int_eq(refused->arrival.failure.kind, FAILURE_LIMIT);
        ck_assert_ptr_nonnull(strstr(refused->arrival.failure.text, "20 of your messages"));
        rig_settle(&rig);
        /* Another conversation is not concerned, and a conclusion makes room. */
        rig_accept(&rig, (Said){ .body = "elsewhere", .thread = "t" });
        rig_answer(&rig, rig_turn(&rig, "again"), "done");
        rig_settle(&rig);
        rig_accept(&rig, (Said){ .body = "room again" });
}
END_TEST

START_TEST(messages_on_their_way_to_the_store_count_for_the_depth) {
        _cleanup_(rig_release) Rig rig;
        size_t refused = 0;

        setup(&rig, 4);
        for (int i = 0; i < rig.settings.lane_depth + 5; i++) {
                rig_say(&rig, (Said){ .body = "flood" });
                refused += rig_count(&rig, COMMAND_REFUSE);
        }
        ck_assert_uint_eq(refused, 5);
}
END_TEST

/* Says from senders 0 to `senders`, in turns. */
static void flood(Rig *rig, const char *agent, int count, int senders, const char *body) {
        for (int i = 0; i < count; i++) {
                char from[64], thread[32];
                snprintf(from, sizeof(from), "p%d@example.net/x", i % senders);
                snprintf(thread, sizeof(thread), "%d", i);
                rig_say(rig, (Said){ .from = from, .agent = agent, .thread = thread, .body = body });
        }
        rig_settle(rig);
}

START_TEST(flood_of_one_tenant_does_not_starve_another) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        flood(&rig, "open.zeta", 10000, 50, "flood");
        rig_accept(&rig, (Said){ .body = "please", .from = "zoe@example.org/x" });
        int before = 0;
        while (!text_equal(rig.turns[0].input->body, TEXT("please"))) {
                rig_answer(&rig, &rig.turns[0], "");
                rig_settle(&rig);
                ck_assert_int_lt(++before, 10);
        }
}
END_TEST

START_TEST(flood_of_one_sender_does_not_starve_another_of_the_same_tenant) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        flood(&rig, "guide", 5000, 1, "flood");
        rig_accept(&rig, (Said){ .body = "please", .from = "zoe@example.org/x" });
        int before = 0;
        while (!text_equal(rig.turns[0].input->body, TEXT("please"))) {
                rig_answer(&rig, &rig.turns[0], "");
                rig_settle(&rig);
                ck_assert_int_lt(++before, 10);
        }
}
END_TEST

/* Two tenants with as many messages: the one whose lanes weigh four is served four times as often as the one with one.
 */
START_TEST(weight_is_the_share_a_lane_gets) {
        _cleanup_(rig_release) Rig rig;
        int served = 0;

        rig_prepare(&rig);
        rig.settings.workers = 1;
        rig.settings.score_priority = 1;
        rig.settings.score_capacity = rig.settings.score_reputation = rig.settings.score_tools = 0;
        rig_start(&rig);
        rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                            .id = rig_guide,
                                            .tenant_id = rig_installation,
                                            .name = TEXT("guide"),
                                            .owner = TEXT("ann@example.org"),
                                            .visibility = VISIBILITY_PUBLIC,
                                            .priority = 1 });
        flood(&rig, "guide", 300, 1, "heavy");
        flood(&rig, "open.zeta", 300, 1, "light");
        rig_answer(&rig, rig_turn(&rig, "heavy"), "");
        rig_settle(&rig);
        for (int i = 0; i < 200; i++) {
                served += text_equal(rig.turns[0].input->body, TEXT("heavy"));
                rig_answer(&rig, &rig.turns[0], "");
                rig_settle(&rig);
        }
        ck_assert_int_ge(served, 158);
        ck_assert_int_le(served, 162);
}
END_TEST

START_TEST(weight_stays_between_one_and_four_whatever_the_directory_says) {
        _cleanup_(rig_release) Rig rig;
        const double priorities[] = { -1000, 1000, 0.0 / 0.0 };

        setup(&rig, 1);
        for (size_t i = 0; i < COUNT_OF(priorities); i++) {
                rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                                    .id = rig_guide,
                                                    .tenant_id = rig_installation,
                                                    .name = TEXT("guide"),
                                                    .owner = TEXT("ann@example.org"),
                                                    .visibility = VISIBILITY_PUBLIC,
                                                    .priority = priorities[i] });
                rig_accept(&rig, (Said){ .body = "served" });
                rig_answer(&rig, rig_turn(&rig, "served"), "yes");
                rig_settle(&rig);
        }
}
END_TEST

START_TEST(cancelled_before_its_turn_it_never_runs) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "runs" });
        Uuid id = accept_id(&rig, (Said){ .body = "waits", .thread = "t" });
        cancel(&rig, id, rig_installation);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_STOP_TURN), 0);
        ck_assert_int_eq(rig.request->batch.concluded[0].outcome, OUTCOME_CANCELLED);
        /* The worker becomes free before the conclusion is durable. */
        rig_answer(&rig, rig_turn(&rig, "runs"), "done");
        ck_assert_uint_eq(rig_count(&rig, COMMAND_TURN), 0);
        rig_store(&rig, STORE_DONE);
        ck_assert_ptr_nonnull(rig_command(&rig, COMMAND_ANSWER, 0));
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
        ck_assert_int_eq(core_counts(rig.core).concluded, 2);
}
END_TEST

START_TEST(cancelled_while_it_runs_it_is_stopped_and_keeps_its_partial_text) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        Uuid id = accept_id(&rig, (Said){ .body = "long" });
        cancel(&rig, id, rig_installation);
        ck_assert(rig_turn(&rig, "long")->stopped);
        rig_settle(&rig);
        rig_end_with(&rig, rig_turn(&rig, "long"),
                     (TurnResult){ .outcome = OUTCOME_CANCELLED, .reason = FAILURE_CANCELLED, .answer = TEXT("half") });
        const ConcludedRecord *concluded = &rig.request->batch.concluded[0];
        ck_assert_int_eq(concluded->outcome, OUTCOME_CANCELLED);
        ck_assert_text(concluded->answer, TEXT("half"));
        rig_settle(&rig);
}
END_TEST

START_TEST(cancelled_when_it_had_succeeded_it_counts_as_cancelled) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        Uuid id = accept_id(&rig, (Said){ .body = "quick" });
        cancel(&rig, id, rig_installation);
        rig_settle(&rig);
        rig_answer(&rig, rig_turn(&rig, "quick"), "all");
        ck_assert_int_eq(rig.request->batch.concluded[0].outcome, OUTCOME_CANCELLED);
        rig_settle(&rig);
}
END_TEST

START_TEST(cancelled_while_it_concludes_it_ends_once) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        Uuid id = accept_id(&rig, (Said){ .body = "quick" });
        rig_answer(&rig, rig_turn(&rig, "quick"), "all");
        cancel(&rig, id, rig_installation);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_STOP_TURN), 0);
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).concluded, 1);
}
END_TEST

START_TEST(cancel_is_answered_when_it_is_durable) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        Uuid id = accept_id(&rig, (Said){ .body = "long" });
        cancel(&rig, id, rig_installation);
        ck_assert_ptr_null(rig_command(&rig, COMMAND_CANCEL_DONE, 0));
        ck_assert_uint_eq(rig.request->batch.cancelled_count, 1);
        ck_assert_text(rig.request->batch.cancelled[0].by, TEXT("ann@example.org"));
        rig_store(&rig, STORE_DONE);
        const Command *done = rig_command(&rig, COMMAND_CANCEL_DONE, 0);
        ck_assert_ptr_nonnull(done);
        ck_assert_uint_eq(done->note.ticket, 77);
        ck_assert_int_eq(done->note.failure.kind, FAILURE_NONE);
}
END_TEST

START_TEST(cancel_that_another_hub_wrote_is_not_written_again) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        Uuid id = accept_id(&rig, (Said){ .body = "long" });
        rig_step(&rig, (Event){ .kind = EVENT_CANCEL,
                                .cancel = { .message_id = id, .tenant_id = rig_installation, .durable = true } });
        ck_assert(rig_turn(&rig, "long")->stopped);
        ck_assert_ptr_null(rig.request);
}
END_TEST

START_TEST(cancel_by_another_tenant_does_nothing) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        Uuid id = accept_id(&rig, (Said){ .body = "long" });
        cancel(&rig, id, rig_zeta);
        ck_assert(!rig_turn(&rig, "long")->stopped);
        const Command *done = rig_command(&rig, COMMAND_CANCEL_DONE, 0);
        ck_assert_ptr_nonnull(done);
        ck_assert_int_eq(done->note.failure.kind, FAILURE_NOT_FOUND);
        ck_assert_ptr_null(rig.request);
}
END_TEST

START_TEST(turn_past_its_deadline_is_stopped_and_ends_as_timed_out) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "slow" });
        ck_assert_int_eq(rig_turn(&rig, "slow")->input->deadline_us, rig.now.monotonic_us + rig.settings.turn_us);
        rig_pass(&rig, rig.settings.turn_us - SECONDS);
        rig_settle(&rig);
        ck_assert(!rig_turn(&rig, "slow")->stopped);
        rig_pass(&rig, 2 * SECONDS);
        rig_settle(&rig);
        ck_assert(rig_turn(&rig, "slow")->stopped);
        rig_end_with(&rig, rig_turn(&rig, "slow"),
                     (TurnResult){ .outcome = OUTCOME_CANCELLED, .reason = FAILURE_CANCELLED, .answer = TEXT("half") });
        const ConcludedRecord *concluded = &rig.request->batch.concluded[0];
        ck_assert_int_eq(concluded->outcome, OUTCOME_ERROR);
        ck_assert_int_eq(concluded->reason, FAILURE_TIMED_OUT);
        ck_assert_text(concluded->answer, TEXT("half"));
        rig_settle(&rig);
}
END_TEST

START_TEST(message_that_waits_past_its_deadline_is_concluded_without_a_turn) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "slow" });
        for (int i = 0; i < 5; i++)
                rig_accept(&rig, (Said){ .body = "waits", .thread = "t" });
        rig_pass(&rig, rig.settings.turn_us);
        /* The worker becomes free before the conclusions are durable. */
        rig_end_with(&rig, rig_turn(&rig, "slow"), (TurnResult){ .outcome = OUTCOME_CANCELLED });
        ck_assert_uint_eq(rig_count(&rig, COMMAND_TURN), 0);
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).concluded, 6);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
}
END_TEST

static void pause_guide(Rig *rig, const char *reason) {
        rig_change(rig, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                           .id = rig_guide,
                                           .tenant_id = rig_installation,
                                           .name = TEXT("guide"),
                                           .owner = TEXT("ann@example.org"),
                                           .visibility = VISIBILITY_PUBLIC,
                                           .state = AGENT_PAUSED,
                                           .pause_reason = text_of(reason) });
}

START_TEST(agent_paused_meanwhile_answers_what_it_accepted_with_the_reason) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "runs" });
        rig_accept(&rig, (Said){ .body = "waits" });
        pause_guide(&rig, "being repaired");
        rig_answer(&rig, rig_turn(&rig, "runs"), "done");
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig.turn_count, 0);
        const ConcludedRecord *concluded = &rig.request->batch.concluded[0];
        ck_assert_int_eq(concluded->outcome, OUTCOME_REFUSED);
        ck_assert_int_eq(concluded->reason, FAILURE_POLICY);
        ck_assert_text(concluded->explanation, TEXT("guide is paused: being repaired"));
        rig_store(&rig, STORE_DONE);
        ck_assert_ptr_nonnull(rig_command(&rig, COMMAND_ANSWER, 0));
        rig_settle(&rig);
}
END_TEST

static void step(Rig *rig, uint64_t turn, int32_t ordinal, StepKind kind) {
        rig_step(rig, (Event){ .kind = EVENT_STEP,
                               .step = { .turn = turn, .ordinal = ordinal, .kind = kind, .payload = TEXT("{}") } });
}

START_TEST(step_is_done_when_it_is_durable) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "tool" });
        uint64_t turn = rig_turn(&rig, "tool")->turn;
        step(&rig, turn, 2, STEP_MODEL_REPLY);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_STEP_DONE), 0);
        ck_assert_uint_eq(rig.request->batch.step_count, 1);
        ck_assert_int_eq(rig.request->batch.steps[0].ordinal, 2);
        rig_store(&rig, STORE_DONE);
        const Command *done = rig_command(&rig, COMMAND_STEP_DONE, 0);
        ck_assert_ptr_nonnull(done);
        ck_assert_uint_eq(done->turn.turn, turn);
        ck_assert_int_eq(done->turn.failure.kind, FAILURE_NONE);
}
END_TEST

START_TEST(tool_does_not_start_when_the_agent_was_paused) {
        _cleanup_(rig_release) Rig rig;
        const struct {
                StepKind kind;
                FailureKind expected;
        } cases[] = { { STEP_TOOL_STARTED, FAILURE_POLICY }, { STEP_TOOL_RESULT, FAILURE_NONE } };

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "tool" });
        pause_guide(&rig, "");
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                step(&rig, rig_turn(&rig, "tool")->turn, 2, cases[i].kind);
                if (rig.request)
                        rig_store(&rig, STORE_DONE);
                const Command *done = rig_command(&rig, COMMAND_STEP_DONE, 0);
                ck_assert_ptr_nonnull(done);
                ck_assert_int_eq(done->turn.failure.kind, cases[i].expected);
        }
}
END_TEST

START_TEST(step_of_a_cancelled_turn_is_not_written) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        Uuid id = accept_id(&rig, (Said){ .body = "tool" });
        cancel(&rig, id, rig_installation);
        rig_settle(&rig);
        step(&rig, rig_turn(&rig, "tool")->turn, 2, STEP_MODEL_REPLY);
        const Command *done = rig_command(&rig, COMMAND_STEP_DONE, 0);
        ck_assert_ptr_nonnull(done);
        ck_assert_int_eq(done->turn.failure.kind, FAILURE_CANCELLED);
        ck_assert_ptr_null(rig.request);
}
END_TEST

START_TEST(turn_whose_step_another_hub_wrote_counts_for_nothing) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "tool" });
        step(&rig, rig_turn(&rig, "tool")->turn, 2, STEP_MODEL_REPLY);
        StoreReport *report = rig_report(&rig);
        report->steps[0] = ROW_REPEAT;
        rig_give(&rig, report);
        ck_assert_int_eq(rig_command(&rig, COMMAND_STEP_DONE, 0)->turn.failure.kind, FAILURE_CANCELLED);
        rig_answer(&rig, rig_turn(&rig, "tool"), "mine");
        ck_assert_ptr_null(rig.request);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
        ck_assert_int_eq(core_counts(rig.core).running, 0);
}
END_TEST

START_TEST(step_that_cannot_be_stored_fails_the_turn) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "tool" });
        step(&rig, rig_turn(&rig, "tool")->turn, 2, STEP_TOOL_RESULT);
        StoreReport *report = rig_report(&rig);
        report->steps[0] = ROW_REFUSED;
        rig_give(&rig, report);
        ck_assert_int_eq(rig_command(&rig, COMMAND_STEP_DONE, 0)->turn.failure.kind, FAILURE_INTERNAL);
}
END_TEST

START_TEST(late_word_of_an_old_turn_meets_no_other_message) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "first" });
        RigTurn old = *rig_turn(&rig, "first");
        rig_answer(&rig, rig_turn(&rig, "first"), "one");
        rig_settle(&rig);
        rig_accept(&rig, (Said){ .body = "second" });
        rig.turns[rig.turn_count++] = old;
        rig_answer(&rig, &rig.turns[1], "other");
        ck_assert_ptr_null(rig.request);
        ck_assert_uint_eq(rig.turn_count, 1);
        step(&rig, old.turn, 3, STEP_TOOL_STARTED);
        ck_assert_ptr_null(rig.request);
}
END_TEST

START_TEST(owner_is_warned_of_an_unknown_outcome) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 1);
        rig_accept(&rig, (Said){ .body = "tool" });
        rig_end_with(&rig, rig_turn(&rig, "tool"),
                     (TurnResult){ .outcome = OUTCOME_SUCCESS, .warning = TEXT("unknown outcome") });
        const Command *warning = rig_command(&rig, COMMAND_TELL, 0);
        ck_assert_ptr_nonnull(warning);
        ck_assert_text(warning->tell.who, TEXT("ann@example.org"));
        ck_assert_text(warning->tell.text, TEXT("unknown outcome"));
}
END_TEST

START_TEST(counts_say_what_waits_and_what_runs) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig, 2);
        for (int i = 0; i < 5; i++)
                rig_accept(&rig, (Said){ .body = i ? "waits" : "runs", .thread = i < 2 ? "a" : "b" });
        CoreCounts counts = core_counts(rig.core);
        ck_assert_int_eq(counts.running, 2);
        ck_assert_int_eq(counts.waiting_in_lanes, 3);
        ck_assert_int_eq(counts.lanes, 2);
        rig_answer(&rig, rig_turn(&rig, "runs"), "");
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).waiting_in_lanes, 2);
        rig_pass(&rig, rig.settings.turn_us);
        ck_assert_int_eq(core_counts(rig.core).waiting_in_lanes, 0);
}
END_TEST

UNIT_TESTS("orchestrator/core_lanes", lane_runs_one_turn_at_a_time_in_commit_order,
           conversations_of_one_sender_run_side_by_side, threads_are_no_way_around_what_a_sender_may_have_waiting,
           lane_holds_as_many_messages_as_its_depth, messages_on_their_way_to_the_store_count_for_the_depth,
           flood_of_one_tenant_does_not_starve_another, flood_of_one_sender_does_not_starve_another_of_the_same_tenant,
           weight_is_the_share_a_lane_gets, weight_stays_between_one_and_four_whatever_the_directory_says,
           cancelled_before_its_turn_it_never_runs, cancelled_while_it_runs_it_is_stopped_and_keeps_its_partial_text,
           cancelled_when_it_had_succeeded_it_counts_as_cancelled, cancelled_while_it_concludes_it_ends_once,
           cancel_is_answered_when_it_is_durable, cancel_that_another_hub_wrote_is_not_written_again,
           cancel_by_another_tenant_does_nothing, turn_past_its_deadline_is_stopped_and_ends_as_timed_out,
           message_that_waits_past_its_deadline_is_concluded_without_a_turn,
           agent_paused_meanwhile_answers_what_it_accepted_with_the_reason, step_is_done_when_it_is_durable,
           tool_does_not_start_when_the_agent_was_paused, step_of_a_cancelled_turn_is_not_written,
           turn_whose_step_another_hub_wrote_counts_for_nothing, step_that_cannot_be_stored_fails_the_turn,
           late_word_of_an_old_turn_meets_no_other_message, owner_is_warned_of_an_unknown_outcome,
           counts_say_what_waits_and_what_runs)
