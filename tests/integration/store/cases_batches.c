/* COMMIT: acceptance, repeats, steps, conclusions, batches that come twice or cannot be written. */
#include "tests/integration/store/client.h"

#include "tests/unit/unit.h"

START_TEST(accepted_messages_are_open_after_a_restart_in_their_order) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        StoreReport *first = client_start(&hub);
        ck_assert_uint_eq(first->open_count, 0);
        AcceptedRecord records[] = { client_message(&hub, "a"), client_message(&hub, NULL), client_message(&hub, "b") };
        records[1].continues = records[0].id;
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = records, .accepted_count = 3 });
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(report->accepted[i].fate, ROW_WRITTEN);
        hub.process = new_id();
        assert_open(client_start(&hub), records, 3);
}
END_TEST

START_TEST(concluded_message_is_not_open) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord concluded = client_accept(&hub, "a"), open = client_accept(&hub, "b");
        client_conclude(&hub, concluded.id, "done", ROW_WRITTEN);
        assert_open(client_start(&hub), &open, 1);
}
END_TEST

START_TEST(message_accepted_and_concluded_in_one_batch_is_not_open) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord accepted = client_message(&hub, "a");
        ConcludedRecord concluded = client_conclusion(&hub, accepted.id, "done");
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = &accepted,
                                                                  .accepted_count = 1,
                                                                  .concluded = &concluded,
                                                                  .concluded_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->concluded[0], ROW_WRITTEN);
        assert_open(client_start(&hub), NULL, 0);
}
END_TEST

START_TEST(repeat_of_an_open_message_names_the_first) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord first = client_accept(&hub, "key"), again = client_message(&hub, "key");
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = &again, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[0].first, first.id));
        ck_assert(!report->accepted[0].concluded);
        assert_open(client_start(&hub), &first, 1);
}
END_TEST

START_TEST(repeat_of_a_concluded_message_brings_its_answer) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord first = client_accept(&hub, "key"), again = client_message(&hub, "key");
        ConcludedRecord record = client_conclusion(&hub, first.id, "half an answer");
        record.outcome = OUTCOME_ERROR;
        record.reason = FAILURE_TIMED_OUT;
        record.explanation = TEXT("the model did not answer");
        client_commit(&hub, (JournalBatch){ .concluded = &record, .concluded_count = 1 });
        again.reply_to.address = TEXT("ana@example.org/laptop");
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = &again, .accepted_count = 1 });
        const AcceptedFate *fate = &report->accepted[0];
        ck_assert_int_eq(fate->fate, ROW_REPEAT);
        ck_assert(uuid_equal(fate->first, first.id));
        ck_assert(fate->concluded);
        ck_assert_int_eq(fate->outcome, OUTCOME_ERROR);
        ck_assert_int_eq(fate->reason, FAILURE_TIMED_OUT);
        ck_assert_text(fate->answer, TEXT("half an answer"));
        ck_assert_text(fate->explanation, TEXT("the model did not answer"));
        ck_assert_text(fate->reply_to.address, TEXT("ana@example.org/phone"));
}
END_TEST

START_TEST(repeat_within_one_batch_is_recognised) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord records[] = { client_message(&hub, "key"), client_message(&hub, "key"),
                                     client_message(&hub, "other") };
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = records, .accepted_count = 3 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->accepted[1].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[1].first, records[0].id));
        ck_assert_int_eq(report->accepted[2].fate, ROW_WRITTEN);
}
END_TEST

START_TEST(repeat_is_recognised_by_the_key_of_the_slot_before) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord first = client_accept(&hub, "slot 1"), again = client_message(&hub, "slot 2");
        again.keys[1] = hash_of("slot 1");
        again.key_count = 2;
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = &again, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[0].first, first.id));
}
END_TEST

START_TEST(repeat_across_slots_within_one_batch_is_recognised) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord records[] = { client_message(&hub, "slot 1"), client_message(&hub, "slot 2") };
        records[1].keys[1] = hash_of("slot 1");
        records[1].key_count = 2;
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = records, .accepted_count = 2 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->accepted[1].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[1].first, records[0].id));
}
END_TEST

START_TEST(same_key_with_other_content_is_a_conflict) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord first = client_accept(&hub, "key"), other = client_message(&hub, "key");
        other.content = hash_of("other content");
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = &other, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_CONFLICT);
        assert_open(client_start(&hub), &first, 1);
}
END_TEST

START_TEST(messages_without_a_key_are_never_repeats) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        client_accept(&hub, NULL);
        client_accept(&hub, NULL);
}
END_TEST

START_TEST(repeat_through_another_hub_is_recognised) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        AcceptedRecord first = client_accept(&one, "key"), again = client_message(&two, "key");
        StoreReport *report = client_commit(&two, (JournalBatch){ .accepted = &again, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[0].first, first.id));
}
END_TEST

/* A batch of every kind whose first try ends unknown, sent again. */
static void send_twice(StoreUnderTest *store, Asker first_try) {
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord earlier = client_accept(&hub, "earlier"), stepped = client_accept(&hub, "stepped"),
                       other = client_accept(&hub, "other");
        /* From here on nothing has to be read before a batch is written. */
        client_conclude(&hub, other.id, "done", ROW_WRITTEN);
        AcceptedRecord accepted[] = { client_message(&hub, "a"), client_message(&hub, "earlier"),
                                      client_message(&hub, NULL) };
        ConcludedRecord concluded = client_conclusion(&hub, earlier.id, "done");
        StepRecord steps[] = { client_step(&hub, stepped.id, 0, STEP_MODEL_REPLY, "reply") };
        CancelledRecord cancelled = { .message_id = stepped.id,
                                      .tenant_id = store->tenant_id,
                                      .sequence = client_sequence(&hub),
                                      .by = TEXT("ana@example.org") };
        AuditRecord audit = { .tenant_id = store->tenant_id,
                              .type = TEXT("message.refused"),
                              .severity = TEXT("info"),
                              .person = TEXT("bob@example.org"),
                              .facts = TEXT("{\"count\":1}"),
                              .at_us = clock_now().wall_us };
        StoreRequest asked = client_request(&hub, STORE_COMMIT);
        asked.batch = (JournalBatch){ .accepted = accepted,
                                      .accepted_count = 3,
                                      .concluded = &concluded,
                                      .concluded_count = 1,
                                      .steps = steps,
                                      .step_count = 1,
                                      .cancelled = &cancelled,
                                      .cancelled_count = 1,
                                      .audit = &audit,
                                      .audit_count = 1 };
        StoreReport *report = client_ask_by(first_try, &hub, &asked);
        ck_assert_int_eq(report->result, STORE_UNAVAILABLE);
        report = client_ask_done(&hub, &asked);
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->accepted[1].fate, ROW_REPEAT);
        ck_assert_int_eq(report->accepted[2].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->concluded[0], ROW_WRITTEN);
        ck_assert_int_eq(report->steps[0], ROW_WRITTEN);
        report = client_start(&hub);
        assert_open(report, (AcceptedRecord[]){ stepped, accepted[0], accepted[2] }, 3);
        ck_assert(report->open[0].cancelled);
        ck_assert_uint_eq(report->open[0].step_count, 1);
}

START_TEST(batch_whose_report_was_lost_is_written_once) {
        StoreUnderTest *store = store_under_test();
        send_twice(store, store->ask_deaf);
}
END_TEST

START_TEST(batch_that_did_not_arrive_is_written_by_the_second_try) {
        StoreUnderTest *store = store_under_test();
        send_twice(store, store->ask_dumb);
}
END_TEST

START_TEST(unstorable_row_is_refused_alone) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord to_conclude[] = { client_accept(&hub, "x"), client_accept(&hub, "y") };
        AcceptedRecord accepted[7];
        ConcludedRecord concluded[2];
        for (int i = 0; i < 7; i++)
                accepted[i] = client_message(&hub, NULL);
        for (int i = 0; i < 2; i++)
                concluded[i] = client_conclusion(&hub, to_conclude[i].id, "done");
        store->spoil_accepted(store, &accepted[4]);
        store->spoil_concluded(store, &concluded[0]);
        StoreReport *report = client_commit(&hub, (JournalBatch){ .accepted = accepted,
                                                                  .accepted_count = 7,
                                                                  .concluded = concluded,
                                                                  .concluded_count = 2 });
        for (int i = 0; i < 7; i++)
                ck_assert_int_eq(report->accepted[i].fate, i == 4 ? ROW_REFUSED : ROW_WRITTEN);
        ck_assert_int_eq(report->concluded[0], ROW_REFUSED);
        ck_assert_int_eq(report->concluded[1], ROW_WRITTEN);
}
END_TEST

START_TEST(message_is_concluded_once) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        AcceptedRecord messages[] = { client_accept(&one, "a"), client_accept(&one, "b") };
        ConcludedRecord first = client_conclusion(&one, messages[0].id, "the first");
        for (int i = 0; i < 2; i++) {
                StoreReport *report = client_commit(&one, (JournalBatch){ .concluded = &first, .concluded_count = 1 });
                ck_assert_int_eq(report->concluded[0], ROW_WRITTEN);
        }
        ConcludedRecord both[] = { client_conclusion(&two, messages[0].id, "the second"),
                                   client_conclusion(&two, messages[1].id, "mine") };
        StoreReport *report = client_commit(&two, (JournalBatch){ .concluded = both, .concluded_count = 2 });
        ck_assert_int_eq(report->concluded[0], ROW_REPEAT);
        ck_assert_int_eq(report->concluded[1], ROW_WRITTEN);
        StoreRequest asked = client_request(&one, STORE_READ_UNSENT);
        asked.message_id = messages[0].id;
        report = client_ask_done(&one, &asked);
        ck_assert_uint_eq(report->unsent_count, 1);
        ck_assert_text(report->unsent[0].answer, TEXT("the first"));
}
END_TEST

START_TEST(step_fences_rivals) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        AcceptedRecord open = client_accept(&one, "a");
        StepRecord mine = client_step(&one, open.id, STEP_ATTEMPT, STEP_TAKEN_UP, "");
        StepRecord theirs[] = { client_step(&two, open.id, STEP_ATTEMPT, STEP_TAKEN_UP, ""),
                                client_step(&two, open.id, STEP_ATTEMPT + 1, STEP_MODEL_REPLY, "reply") };
        StoreReport *report = client_commit(&one, (JournalBatch){ .steps = &mine, .step_count = 1 });
        ck_assert_int_eq(report->steps[0], ROW_WRITTEN);
        report = client_commit(&two, (JournalBatch){ .steps = theirs, .step_count = 2 });
        ck_assert_int_eq(report->steps[0], ROW_REPEAT);
        ck_assert_int_eq(report->steps[1], ROW_WRITTEN);
        report = client_commit(&one, (JournalBatch){ .steps = &mine, .step_count = 1 });
        ck_assert_int_eq(report->steps[0], ROW_WRITTEN);
}
END_TEST

START_TEST(open_message_comes_with_its_steps) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord messages[] = { client_accept(&hub, "a"), client_accept(&hub, "b") };
        StepRecord steps[] = { client_step(&hub, messages[1].id, STEP_ATTEMPT + 2, STEP_TOOL_STARTED, "tool"),
                               client_step(&hub, messages[1].id, STEP_ATTEMPT, STEP_TAKEN_UP, ""),
                               client_step(&hub, messages[1].id, STEP_ATTEMPT + 1, STEP_MODEL_REPLY, "reply") };
        steps[2].spent = (BudgetAmounts){ { 7000, 12 } };
        client_commit(&hub, (JournalBatch){ .steps = steps, .step_count = 3 });
        StoreReport *report = client_start(&hub);
        assert_open(report, messages, 2);
        ck_assert_uint_eq(report->open[0].step_count, 0);
        ck_assert_int_eq(report->open[0].attempts, 0);
        const OpenMessage *open = &report->open[1];
        ck_assert_uint_eq(open->step_count, 3);
        ck_assert_int_eq(open->attempts, 1);
        ck_assert_int_eq(open->steps[0].kind, STEP_TAKEN_UP);
        ck_assert_int_eq(open->steps[0].ordinal, STEP_ATTEMPT);
        ck_assert_text(open->steps[1].payload, TEXT("reply"));
        ck_assert_int_eq(open->steps[1].spent.units[BUDGET_MONEY], 7000);
        ck_assert_int_eq(open->steps[1].spent.units[BUDGET_TOKENS], 12);
        ck_assert_text(open->steps[2].payload, TEXT("tool"));
        ck_assert_int_eq(open->steps[2].kind, STEP_TOOL_STARTED);
}
END_TEST

START_TEST(cancelling_marks_an_open_message) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord open = client_accept(&hub, "a");
        for (int i = 0; i < 2; i++) {
                CancelledRecord record = { .message_id = open.id,
                                           .tenant_id = store->tenant_id,
                                           .sequence = client_sequence(&hub),
                                           .by = TEXT("ana@example.org") };
                client_commit(&hub, (JournalBatch){ .cancelled = &record, .cancelled_count = 1 });
        }
        StoreReport *report = client_start(&hub);
        assert_open(report, &open, 1);
        ck_assert(report->open[0].cancelled);
}
END_TEST

size_t batch_cases(const TTest **ret_cases) {
        const TTest *const cases[] = {
                accepted_messages_are_open_after_a_restart_in_their_order,
                concluded_message_is_not_open,
                message_accepted_and_concluded_in_one_batch_is_not_open,
                repeat_of_an_open_message_names_the_first,
                repeat_of_a_concluded_message_brings_its_answer,
                repeat_within_one_batch_is_recognised,
                repeat_is_recognised_by_the_key_of_the_slot_before,
                repeat_across_slots_within_one_batch_is_recognised,
                same_key_with_other_content_is_a_conflict,
                messages_without_a_key_are_never_repeats,
                repeat_through_another_hub_is_recognised,
                batch_whose_report_was_lost_is_written_once,
                batch_that_did_not_arrive_is_written_by_the_second_try,
                unstorable_row_is_refused_alone,
                message_is_concluded_once,
                step_fences_rivals,
                open_message_comes_with_its_steps,
                cancelling_marks_an_open_message,
        };
        memcpy(ret_cases, cases, sizeof(cases));
        return COUNT_OF(cases);
}
