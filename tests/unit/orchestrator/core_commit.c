#include "tests/unit/orchestrator/rig.h"

#include <stdio.h>

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig_start(rig);
}

/* What goes out to anybody but the store. */
static size_t heard(const Rig *rig) {
        return rig_count(rig, COMMAND_ACCEPTED) + rig_count(rig, COMMAND_REFUSE) + rig_count(rig, COMMAND_ANSWER) +
               rig_count(rig, COMMAND_TURN);
}

START_TEST(nobody_hears_of_a_message_before_it_is_durable) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "hello", .id = "s1", .ticket = 5 });
        ck_assert_uint_eq(heard(&rig), 0);
        ck_assert_int_eq(rig.request->kind, STORE_COMMIT);
        rig_pass(&rig, SECONDS);
        ck_assert_uint_eq(heard(&rig), 0);
        Uuid id = rig.request->batch.accepted[0].id;
        rig_store(&rig, STORE_DONE);
        const Command *accepted = rig_command(&rig, COMMAND_ACCEPTED, 0);
        ck_assert_ptr_nonnull(accepted);
        ck_assert(uuid_equal(accepted->arrival.message_id, id));
        ck_assert(accepted->arrival.receipt_wanted);
        ck_assert_uint_eq(accepted->arrival.ticket, 5);
        ck_assert_text(accepted->arrival.reply_to.stanza_id, TEXT("s1"));
        ck_assert_text(accepted->arrival.reply_to.agent, TEXT("guide@agents.example"));
        ck_assert_text(accepted->arrival.reply_to.address, TEXT("eve@example.org/phone"));
        ck_assert_uint_eq(rig_count(&rig, COMMAND_TURN), 1);
}
END_TEST

START_TEST(answer_goes_out_when_its_conclusion_is_durable) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "hello" });
        Uuid id = rig_turn(&rig, "hello")->input->message_id;
        rig_answer(&rig, rig_turn(&rig, "hello"), "good day");
        ck_assert_uint_eq(heard(&rig), 0);
        const ConcludedRecord *concluded = &rig.request->batch.concluded[0];
        ck_assert_int_eq(concluded->outcome, OUTCOME_SUCCESS);
        ck_assert_text(concluded->worker, TEXT("w-1"));
        ck_assert_text(concluded->sender, TEXT("eve@example.org"));
        rig_store(&rig, STORE_DONE);
        const Command *answer = rig_command(&rig, COMMAND_ANSWER, 0);
        ck_assert_ptr_nonnull(answer);
        ck_assert(uuid_equal(answer->answer.message_id, id));
        ck_assert_text(answer->answer.text, TEXT("good day"));
        ck_assert(!answer->answer.again);
}
END_TEST

START_TEST(what_arrives_while_a_commit_runs_is_the_next_one) {
        _cleanup_(rig_release) Rig rig;
        char body[32];

        setup(&rig);
        for (int i = 0; i < 1 + 512 + 512 + 3; i++) {
                snprintf(body, sizeof(body), "%d", i);
                rig_say(&rig, (Said){ .body = body, .thread = body });
        }
        const size_t expected[] = { 1, 512, 512, 3 };
        size_t next = 0;
        for (size_t i = 0; i < COUNT_OF(expected); i++) {
                ck_assert_uint_eq(rig.request->batch.accepted_count, expected[i]);
                for (size_t k = 0; k < expected[i]; k++, next++) {
                        snprintf(body, sizeof(body), "%zu", next);
                        ck_assert_text(rig.request->batch.accepted[k].body, text_of(body));
                }
                rig_store(&rig, STORE_DONE);
        }
        ck_assert_ptr_null(rig.request);
}
END_TEST

START_TEST(batch_holds_at_most_a_mebibyte) {
        _cleanup_(rig_release) Rig rig;
        _cleanup_(free_memoryp) char *body = memory_new(60001);

        setup(&rig);
        memset(body, 'x', 60000);
        for (int i = 0; i < 41; i++)
                rig_say(&rig, (Said){ .body = body, .thread = i % 2 ? "a" : "b", .from = i % 3 ? "a@b/c" : "d@e/f" });
        ck_assert_uint_eq(rig.request->batch.accepted_count, 1);
        for (int i = 0; i < 3; i++) {
                rig_store(&rig, STORE_DONE);
                ck_assert_uint_eq(rig.request->batch.accepted_count, i < 2 ? 17 : 6);
        }
}
END_TEST

START_TEST(sequence_rises_over_all_rows_and_begins_with_the_epoch) {
        _cleanup_(rig_release) Rig rig;
        int64_t last = INT64_C(1) << 40;

        setup(&rig);
        for (int i = 0; i < 4; i++) {
                rig_say(&rig, (Said){ .body = "x", .thread = i % 2 ? "a" : "b" });
                ck_assert_int_eq(rig.request->epoch, 1);
                ck_assert_int_eq(rig.request->batch.accepted[0].sequence, ++last);
                rig_settle(&rig);
                rig_answer(&rig, rig_turn(&rig, "x"), "y");
                ck_assert_int_eq(rig.request->batch.concluded[0].sequence, ++last);
                rig_settle(&rig);
        }
}
END_TEST

START_TEST(full_store_refuses_what_was_not_promised_and_keeps_the_rest) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "promised" });
        rig_say(&rig, (Said){ .body = "late", .thread = "t" });
        rig_answer(&rig, rig_turn(&rig, "promised"), "yes");
        rig_store(&rig, STORE_FULL);
        const Command *refused = rig_command(&rig, COMMAND_REFUSE, 0);
        ck_assert_ptr_nonnull(refused);
        ck_assert_int_eq(refused->arrival.failure.kind, FAILURE_LIMIT);
        ck_assert_ptr_null(rig.request); /* not at once */
        rig_pass(&rig, SECONDS);
        rig_store(&rig, STORE_DONE); /* a heartbeat */
        ck_assert_uint_eq(rig.request->batch.concluded_count, 1);
        ck_assert_uint_eq(rig.request->batch.accepted_count, 0);
        rig_store(&rig, STORE_FULL);
        ck_assert_uint_eq(heard(&rig), 0);
        rig_pass(&rig, SECONDS);
        rig_store(&rig, STORE_DONE);
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
}
END_TEST

static bool same_request(const StoreRequest *request, const Uuid *ids, size_t count, uint64_t number) {
        bool same = request->number == number && request->batch.accepted_count == count;

        for (size_t i = 0; same && i < count; i++)
                same = uuid_equal(request->batch.accepted[i].id, ids[i]);
        return same;
}

START_TEST(lost_reply_sends_the_same_request_again_before_anything_newer) {
        _cleanup_(rig_release) Rig rig;
        int64_t waited = 0;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "first", .thread = "a" });
        Uuid id = rig.request->batch.accepted[0].id;
        uint64_t number = rig.request->number;
        for (int i = 0; i < 8; i++) {
                rig_say(&rig, (Said){ .body = "newer", .thread = "b" });
                rig_store(&rig, STORE_UNAVAILABLE);
                int64_t began_us = rig.now.monotonic_us;
                while (!rig.request)
                        rig_wake(&rig);
                ck_assert_int_le(rig.now.monotonic_us - began_us, 2 * SECONDS);
                waited += rig.now.monotonic_us - began_us;
                ck_assert(same_request(rig.request, &id, 1, number));
        }
        ck_assert_int_gt(waited, 3 * SECONDS); /* it backs off */
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ACCEPTED), 1);
        ck_assert_int_eq(rig.request->kind, STORE_BEAT);
}
END_TEST

/* A commit whose reply was lost may be durable: a disk that is full since then says nothing about it. */
START_TEST(full_after_a_lost_reply_refuses_nothing) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "perhaps" });
        uint64_t number = rig.request->number;
        rig_store(&rig, STORE_UNAVAILABLE);
        rig_pass(&rig, SECONDS);
        rig_store(&rig, STORE_FULL);
        ck_assert_uint_eq(heard(&rig), 0);
        rig_pass(&rig, SECONDS);
        ck_assert_uint_eq(rig.request->number, number);
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ACCEPTED), 1);
}
END_TEST

START_TEST(report_of_another_request_is_thrown_away) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "hello" });
        StoreReport *report = rig_report(&rig);
        const StoreRequest *request = rig.request;
        report->number++;
        rig_give(&rig, report);
        ck_assert_uint_eq(rig.commands.count, 0);
        rig.request = request;
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ACCEPTED), 1);
}
END_TEST

START_TEST(what_waits_too_long_is_refused_and_what_is_on_its_way_is_not) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "on its way", .thread = "a" });
        rig_say(&rig, (Said){ .body = "waits", .thread = "b", .ticket = 8 });
        rig_pass(&rig, 5 * SECONDS);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_REFUSE), 0);
        rig_pass(&rig, 1);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_REFUSE), 1);
        ck_assert_uint_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.ticket, 8);
        ck_assert_int_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.failure.kind, FAILURE_LIMIT);
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ACCEPTED), 1);
        rig_settle(&rig);
}
END_TEST

START_TEST(patience_ends_at_so_many_messages_and_so_many_bytes) {
        const struct {
                int32_t messages;
                size_t bytes;
                size_t expected;
        } cases[] = { { 5, 1 << 20, 5 }, { 1000, 35, 4 } };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                size_t refused = 0;
                rig_prepare(&rig);
                rig.settings.waiting_messages = cases[i].messages;
                rig.settings.waiting_bytes = cases[i].bytes;
                rig_start(&rig);
                for (size_t k = 0; k < 10; k++) {
                        rig_say(&rig, (Said){ .body = "ten bytes.", .agent = "nobody-here" });
                        ck_assert_int_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.failure.kind, FAILURE_NOT_FOUND);
                        rig_settle(&rig);
                }
                for (size_t k = 0; k < 10; k++) {
                        rig_say(&rig, (Said){ .body = "ten bytes." });
                        refused += rig_count(&rig, COMMAND_REFUSE);
                }
                ck_assert_uint_eq(refused, 10 - cases[i].expected);
                /* Before the directory is asked: also who asks for nobody hears that the hub is busy. */
                rig_say(&rig, (Said){ .body = "ten bytes.", .agent = "nobody-here" });
                ck_assert_int_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.failure.kind, FAILURE_LIMIT);
                rig_settle(&rig);
        }
}
END_TEST

static void give_fate(Rig *rig, AcceptedFate fate) {
        StoreReport *report = rig_report(rig);

        report->accepted[0] = fate;
        rig_give(rig, report);
}

START_TEST(repeat_gets_its_receipt_again_and_nothing_runs) {
        _cleanup_(rig_release) Rig rig;
        Uuid first = { { 7 } };

        setup(&rig);
        rig_say(&rig, (Said){ .body = "again" });
        give_fate(&rig, (AcceptedFate){ .fate = ROW_REPEAT, .first = first });
        ck_assert(uuid_equal(rig_command(&rig, COMMAND_ACCEPTED, 0)->arrival.message_id, first));
        ck_assert_uint_eq(heard(&rig), 1);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
        ck_assert_int_eq(core_counts(rig.core).repeated, 1);
}
END_TEST

START_TEST(repeat_of_what_is_concluded_gets_its_answer_at_the_address_it_asks_from) {
        _cleanup_(rig_release) Rig rig;
        Uuid first = { { 7 } };

        setup(&rig);
        rig_say(&rig, (Said){ .body = "again", .from = "eve@example.org/new" });
        give_fate(&rig, (AcceptedFate){ .fate = ROW_REPEAT,
                                        .first = first,
                                        .concluded = true,
                                        .outcome = OUTCOME_SUCCESS,
                                        .answer = TEXT("as I said") });
        const Command *answer = rig_command(&rig, COMMAND_ANSWER, 0);
        ck_assert_ptr_nonnull(answer);
        ck_assert(uuid_equal(answer->answer.message_id, first));
        ck_assert_text(answer->answer.reply_to.address, TEXT("eve@example.org/new"));
        ck_assert_text(answer->answer.text, TEXT("as I said"));
        ck_assert(answer->answer.again);
}
END_TEST

START_TEST(refused_row_is_an_error_before_acceptance) {
        const struct {
                RowFate fate;
                FailureKind expected;
        } cases[] = { { ROW_CONFLICT, FAILURE_CONFLICT }, { ROW_REFUSED, FAILURE_INVALID } };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                setup(&rig);
                rig_say(&rig, (Said){ .body = "again", .ticket = 3 });
                give_fate(&rig, (AcceptedFate){ .fate = cases[i].fate });
                const Command *refused = rig_command(&rig, COMMAND_REFUSE, 0);
                ck_assert_ptr_nonnull(refused);
                ck_assert_int_eq(refused->arrival.failure.kind, cases[i].expected);
                ck_assert_uint_eq(refused->arrival.ticket, 3);
                ck_assert_uint_eq(heard(&rig), 1);
                ck_assert_int_eq(core_counts(rig.core).lanes, 0);
        }
}
END_TEST

static AcceptedRecord accepted_record(Rig *rig, Said said) {
        rig_say(rig, said);
        AcceptedRecord record = rig->request->batch.accepted[0];
        rig_settle(rig);
        return record;
}

static bool keys_meet(const AcceptedRecord *a, const AcceptedRecord *b) {
        for (int i = 0; i < b->key_count; i++)
                if (a->key_count && memcmp(&a->keys[0], &b->keys[i], sizeof(Hash)) == 0)
                        return true;
        return false;
}

/* Whether the second is looked up as a repeat of the first. */
START_TEST(repeats_are_recognised_by_their_keys) {
        static const struct {
                const char *name;
                Said first, second;
                int64_t later_us;
                bool repeat, same_content;
        } cases[] = {
                { "same origin id", { .origin = "o" }, { .origin = "o" }, 86400 * SECONDS, true, true },
                { "same origin id, another resource and stanza id",
                  { .origin = "o", .id = "1", .from = "eve@example.org/a" },
                  { .origin = "o", .id = "2", .from = "eve@example.org/b" },
                  0,
                  true,
                  true },
                { "same origin id, other content",
                  { .origin = "o", .body = "a" },
                  { .origin = "o", .body = "b" },
                  0,
                  true,
                  false },
                { "same origin id, other sender",
                  { .origin = "o" },
                  { .origin = "o", .from = "zoe@example.org/x" },
                  0,
                  false,
                  true },
                { "same origin id, other agent",
                  { .origin = "o" },
                  { .origin = "o", .agent = "open.zeta" },
                  0,
                  false,
                  true },
                { "same id by REST and chat", { .origin = "o" }, { .origin = "o", .door = DOOR_REST }, 0, false, true },
                { "same stanza id", { .id = "s" }, { .id = "s" }, 0, true, true },
                { "same stanza id in the next slot", { .id = "s" }, { .id = "s" }, 600 * SECONDS, true, true },
                { "same stanza id two slots later", { .id = "s" }, { .id = "s" }, 1200 * SECONDS, false, true },
                { "same stanza id, other content",
                  { .id = "s", .body = "a" },
                  { .id = "s", .body = "b" },
                  0,
                  false,
                  false },
                { "same stanza id, other thread",
                  { .id = "s", .thread = "a" },
                  { .id = "s", .thread = "b" },
                  0,
                  false,
                  false },
                { "same stanza id, another resource",
                  { .id = "s" },
                  { .id = "s", .from = "eve@example.org/b" },
                  0,
                  false,
                  true },
                { "without an id", { .anonymous = true }, { .anonymous = true }, 0, false, true },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                setup(&rig);
                AcceptedRecord first = accepted_record(&rig, cases[i].first);
                rig.now.wall_us += cases[i].later_us;
                AcceptedRecord second = accepted_record(&rig, cases[i].second);
                ck_assert_msg(keys_meet(&first, &second) == cases[i].repeat, "%s", cases[i].name);
                ck_assert_msg((memcmp(&first.content, &second.content, sizeof(Hash)) == 0) == cases[i].same_content,
                              "%s", cases[i].name);
        }
}
END_TEST

static void give_concluded(Rig *rig, RowFate fate) {
        StoreReport *report = rig_report(rig);

        report->concluded[0] = fate;
        rig_give(rig, report);
}

START_TEST(hub_whose_conclusion_came_second_sends_nothing) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "hello" });
        rig_answer(&rig, rig_turn(&rig, "hello"), "late");
        give_concluded(&rig, ROW_REPEAT);
        ck_assert_uint_eq(heard(&rig), 0);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
}
END_TEST

/* Whatever of an answer the store refuses, the message is concluded, and its sender hears so. */
START_TEST(answer_that_cannot_be_stored_becomes_an_error) {
        const TurnResult results[] = {
                { .outcome = OUTCOME_SUCCESS, .answer = TEXT("bad") },
                { .outcome = OUTCOME_SUCCESS, .tools = TEXT("bad") },
                { .outcome = OUTCOME_ERROR, .reason = FAILURE_INTERNAL, .explanation = TEXT("bad") },
        };

        for (size_t i = 0; i < COUNT_OF(results); i++) {
                _cleanup_(rig_release) Rig rig;
                setup(&rig);
                rig_accept(&rig, (Said){ .body = "hello" });
                rig_end_with(&rig, rig_turn(&rig, "hello"), results[i]);
                give_concluded(&rig, ROW_REFUSED);
                ck_assert_ptr_nonnull(rig.request);
                const ConcludedRecord *concluded = &rig.request->batch.concluded[0];
                ck_assert_int_eq(concluded->outcome, OUTCOME_ERROR);
                ck_assert_uint_eq(concluded->answer.length + concluded->tools.length, 0);
                ck_assert_text(concluded->explanation, TEXT("The answer holds something that cannot be stored."));
                rig_store(&rig, STORE_DONE);
                ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
        }
}
END_TEST

START_TEST(conclusion_that_is_refused_even_so_is_noted) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "hello" });
        rig_answer(&rig, rig_turn(&rig, "hello"), "bad");
        give_concluded(&rig, ROW_REFUSED);
        give_concluded(&rig, ROW_REFUSED);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_NOTE), 1);
        ck_assert_int_eq(core_counts(rig.core).lanes, 0);
}
END_TEST

START_TEST(message_that_leaves_no_room_in_its_arena_is_refused) {
        for (size_t limit = 700; limit < 6000; limit += 16) {
                _cleanup_(rig_release) Rig rig;
                setup(&rig);
                rig_say(&rig, (Said){ .body = "hello", .arena = limit });
                if (rig_count(&rig, COMMAND_REFUSE)) {
                        ck_assert_int_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.failure.kind, FAILURE_TOO_LARGE);
                        continue;
                }
                ck_assert_text(rig.request->batch.accepted[0].reply_to.agent, TEXT("guide@agents.example"));
                rig_store(&rig, STORE_DONE);
                if (rig.turn_count)
                        ck_assert_text(rig.turns[0].input->owner, TEXT("ann@example.org"));
                else
                        ck_assert_int_eq(rig.request->batch.concluded[0].reason, FAILURE_TOO_LARGE);
        }
}
END_TEST

START_TEST(thread_that_is_too_long_for_a_lane_is_refused) {
        _cleanup_(rig_release) Rig rig;
        _cleanup_(free_memoryp) char *thread = memory_new(10001);

        setup(&rig);
        memset(thread, 't', 10000);
        rig_say(&rig, (Said){ .body = "hello", .thread = thread });
        ck_assert_int_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.failure.kind, FAILURE_TOO_LARGE);
}
END_TEST

static size_t events_of(const Rig *rig, const char *type) {
        size_t count = 0;

        for (size_t i = 0; i < rig->request->batch.audit_count; i++)
                count += text_equal(rig->request->batch.audit[i].type, text_of(type));
        return count;
}

START_TEST(events_of_a_turn_are_written_with_its_conclusion_and_once) {
        _cleanup_(rig_release) Rig rig;
        TurnEvent events[] = {
                { "policy.violation", "warning", { "{\"rule\":1}", 10 } },
                { "policy.violation", "info", { "{\"rule\":2}", 10 } },
        };

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "hello" });
        rig_end_with(&rig, rig_turn(&rig, "hello"),
                     (TurnResult){ .outcome = OUTCOME_SUCCESS,
                                   .answer = TEXT("hi"),
                                   .events = events,
                                   .event_count = COUNT_OF(events) });
        const JournalBatch *batch = &rig.request->batch;
        ck_assert_uint_eq(batch->concluded_count, 1);
        ck_assert_uint_eq(events_of(&rig, "policy.violation"), 2);
        for (size_t i = 0; i < COUNT_OF(events); i++) {
                ck_assert(uuid_equal(batch->audit[i].message_id, batch->concluded[0].id));
                ck_assert(uuid_equal(batch->audit[i].agent_id, batch->concluded[0].agent_id));
                ck_assert(uuid_equal(batch->audit[i].tenant_id, batch->concluded[0].tenant_id));
                ck_assert_text(batch->audit[i].person, batch->concluded[0].sender);
                ck_assert_text(batch->audit[i].severity, text_of(events[i].severity));
                ck_assert_text(batch->audit[i].facts, events[i].facts);
        }
        give_concluded(&rig, ROW_REFUSED);
        ck_assert_uint_eq(rig.request->batch.concluded_count, 1);
        ck_assert_uint_eq(events_of(&rig, "policy.violation"), 0);
}
END_TEST

UNIT_TESTS("orchestrator/core_commit", events_of_a_turn_are_written_with_its_conclusion_and_once,
           nobody_hears_of_a_message_before_it_is_durable, answer_goes_out_when_its_conclusion_is_durable,
           what_arrives_while_a_commit_runs_is_the_next_one, batch_holds_at_most_a_mebibyte,
           sequence_rises_over_all_rows_and_begins_with_the_epoch,
           full_store_refuses_what_was_not_promised_and_keeps_the_rest,
           lost_reply_sends_the_same_request_again_before_anything_newer, full_after_a_lost_reply_refuses_nothing,
           report_of_another_request_is_thrown_away, what_waits_too_long_is_refused_and_what_is_on_its_way_is_not,
           patience_ends_at_so_many_messages_and_so_many_bytes, repeat_gets_its_receipt_again_and_nothing_runs,
           repeat_of_what_is_concluded_gets_its_answer_at_the_address_it_asks_from,
           refused_row_is_an_error_before_acceptance, repeats_are_recognised_by_their_keys,
           hub_whose_conclusion_came_second_sends_nothing, answer_that_cannot_be_stored_becomes_an_error,
           conclusion_that_is_refused_even_so_is_noted, message_that_leaves_no_room_in_its_arena_is_refused,
           thread_that_is_too_long_for_a_lane_is_refused)
