/* What senders change of their messages: corrections, messages taken back, /stop; and commands beside a paused agent.
 */
#include "tests/unit/orchestrator/rig.h"

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig->settings.workers = 4;
        rig_start(rig);
}

static void retract(Rig *rig, const char *from, const char *agent, const char *id) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Event event = { .kind = EVENT_RETRACTED, .retraction = { .agent = text_of(agent), .id = text_of(id) } };
        Failure failure;

        ck_assert_done(jid_parse(arena, text_of(from), &event.retraction.from, &failure), failure);
        rig_step(rig, event);
}

START_TEST(correction_of_a_waiting_message_takes_its_place) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "first" });
        rig_accept(&rig, (Said){ .body = "wehn", .id = "typo" });
        rig_accept(&rig, (Said){ .body = "whe", .id = "better", .replaces = "typo" });
        /* Later corrections name the first one, as XEP-0308 says. */
        rig_accept(&rig, (Said){ .body = "when", .id = "best", .replaces = "typo" });
        rig_answer(&rig, rig_turn(&rig, "first"), "one");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 1);
        rig_answer(&rig, rig_turn(&rig, "when"), "now");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 0);
        ck_assert_int_eq(core_counts(rig.core).concluded, 4);
        ck_assert_int_eq(core_counts(rig.core).answered, 2); /* nothing is said of what was corrected */
}
END_TEST

START_TEST(correction_of_a_message_that_runs_is_another_message) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "wehn", .id = "typo" });
        rig_accept(&rig, (Said){ .body = "when", .replaces = "typo" });
        ck_assert(!rig_turn(&rig, "wehn")->stopped);
        rig_answer(&rig, rig_turn(&rig, "wehn"), "what?");
        rig_settle(&rig);
        rig_answer(&rig, rig_turn(&rig, "when"), "now");
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).answered, 2);
}
END_TEST

START_TEST(nobody_corrects_or_takes_back_what_another_wrote) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "first" });
        rig_accept(&rig, (Said){ .body = "mine", .id = "known" });
        rig_accept(&rig, (Said){ .from = "bob@example.org/x", .body = "his", .replaces = "known" });
        rig_accept(&rig, (Said){ .agent = "open.zeta", .body = "elsewhere", .replaces = "known" });
        retract(&rig, "bob@example.org/x", "guide", "known");
        retract(&rig, "eve@example.org/x", "open.zeta", "known");
        retract(&rig, "eve@example.org/x", "secret.acme", "known");
        rig_answer(&rig, rig_turn(&rig, "first"), "one");
        rig_settle(&rig);
        ck_assert(!rig_turn(&rig, "mine")->stopped);
}
END_TEST

START_TEST(message_taken_back_is_not_answered_and_leaves_a_durable_request) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "first" });
        rig_accept(&rig, (Said){ .body = "oops", .id = "o" });
        retract(&rig, "eve@example.org/other", "guide", "o");
        ck_assert_ptr_nonnull(rig.request);
        ck_assert_uint_eq(rig.request->batch.cancelled_count, 1);
        ck_assert_text(rig.request->batch.cancelled[0].by, TEXT("eve@example.org"));
        rig_settle(&rig);
        rig_answer(&rig, rig_turn(&rig, "first"), "one");
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 0);
        ck_assert_int_eq(core_counts(rig.core).answered, 1);
}
END_TEST

START_TEST(message_taken_back_while_it_runs_is_stopped) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "oops", .id = "o" });
        retract(&rig, "eve@example.org/phone", "guide", "o");
        ck_assert_uint_eq(rig_count(&rig, COMMAND_STOP_TURN), 1);
        rig_settle(&rig);
        rig_end_with(&rig, rig_turn(&rig, "oops"), (TurnResult){ .outcome = OUTCOME_CANCELLED });
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).concluded, 1);
        ck_assert_int_eq(core_counts(rig.core).answered, 0);
}
END_TEST

START_TEST(stop_acts_past_lane_and_depth_and_keeps_what_there_is) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        for (int i = 0; i < rig.settings.lane_depth; i++)
                rig_accept(&rig, (Said){ .body = i ? "waits" : "runs" });
        rig_accept(&rig, (Said){ .body = "elsewhere", .thread = "t" });
        rig_say(&rig, (Said){ .body = "/stop", .command = true, .stops = true });
        ck_assert_uint_eq(rig_count(&rig, COMMAND_STOP_TURN), 0); /* not before it is durable */
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_STOP_TURN), 1);
        rig_settle(&rig);
        ck_assert_int_eq(core_counts(rig.core).answered, 1); /* "Stopped."; the waiting ones are over without a word */
        rig_end_with(&rig, rig_turn(&rig, "runs"),
                     (TurnResult){ .outcome = OUTCOME_CANCELLED, .answer = TEXT("Once upon") });
        rig_store(&rig, STORE_DONE);
        const Command *answer = rig_command(&rig, COMMAND_ANSWER, 0);
        ck_assert_ptr_nonnull(answer);
        ck_assert_int_eq(answer->answer.outcome, OUTCOME_CANCELLED);
        ck_assert_text(answer->answer.text, TEXT("Once upon"));
        ck_assert_text(answer->answer.explanation, TEXT("Stopped."));
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 1);
        ck_assert(!rig_turn(&rig, "elsewhere")->stopped);
}
END_TEST

START_TEST(repeat_of_a_stop_stops_nothing_new) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "later" });
        rig_say(&rig, (Said){ .body = "/stop", .command = true, .stops = true });
        StoreReport *report = rig_report(&rig);
        report->accepted[0] = (AcceptedFate){ .fate = ROW_REPEAT, .concluded = true, .outcome = OUTCOME_SUCCESS };
        rig_give(&rig, report);
        rig_settle(&rig);
        ck_assert(!rig_turn(&rig, "later")->stopped);
}
END_TEST

START_TEST(commands_pass_though_the_agent_is_paused) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                            .id = rig_guide,
                                            .tenant_id = rig_installation,
                                            .name = TEXT("guide"),
                                            .owner = TEXT("ann@example.org"),
                                            .visibility = VISIBILITY_PUBLIC,
                                            .state = AGENT_PAUSED });
        rig_say(&rig, (Said){ .body = "hello" });
        ck_assert_uint_eq(rig_count(&rig, COMMAND_REFUSE), 1);
        rig_settle(&rig);
        rig_accept(&rig, (Said){ .body = "/status", .command = true });
        ck_assert(rig_turn(&rig, "/status")->input->command);
}
END_TEST

START_TEST(hub_itself_takes_commands_from_anybody_but_the_suspended) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .agent = "", .body = "/help", .command = true });
        ck_assert_text(rig_turn(&rig, "/help")->input->agent, TEXT(RIG_DOMAIN));
        rig_answer(&rig, rig_turn(&rig, "/help"), "commands");
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
        rig_settle(&rig);
        rig_change(&rig, (DirectoryChange){ .kind = DIRECTORY_ACCOUNT,
                                            .id = rig_bob,
                                            .name = TEXT("bob@example.org"),
                                            .suspended = true });
        rig_say(&rig, (Said){ .from = "bob@example.org/x", .agent = "", .body = "/help", .command = true });
        ck_assert_uint_eq(rig_count(&rig, COMMAND_REFUSE), 1);
}
END_TEST

UNIT_TESTS("orchestrator/core_names", correction_of_a_waiting_message_takes_its_place,
           correction_of_a_message_that_runs_is_another_message, nobody_corrects_or_takes_back_what_another_wrote,
           message_taken_back_is_not_answered_and_leaves_a_durable_request, message_taken_back_while_it_runs_is_stopped,
           stop_acts_past_lane_and_depth_and_keeps_what_there_is, repeat_of_a_stop_stops_nothing_new,
           commands_pass_though_the_agent_is_paused, hub_itself_takes_commands_from_anybody_but_the_suspended)
