#include "tests/integration/store/cases.h"

#include "base/uuid.h"
#include "tests/unit/unit.h"

#define DOMAIN "agents.example"

/* A process that asks: what the core keeps between requests. */
typedef struct Client {
        StoreUnderTest *store;
        int number;
        Text hub;
        Uuid process;
        int64_t epoch, counter;
        uint64_t requests;
} Client;

static UuidGenerator generator;

static Uuid new_id(void) {
        return uuid_make(&generator, clock_now().wall_us);
}

static Client client(StoreUnderTest *store, int number, const char *hub) {
        return (Client){ .store = store, .number = number, .hub = text_of(hub), .process = new_id() };
}

static StoreRequest request(Client *client, StoreRequestKind kind) {
        return (StoreRequest){ .kind = kind, .number = ++client->requests, .epoch = client->epoch, .hub = client->hub,
                               .process = client->process, .domains = TEXT(DOMAIN " other.example") };
}

typedef StoreReport *(*Asker)(StoreUnderTest *store, int client, const StoreRequest *request);

/* Reports are kept until the case, a process of its own, ends. */
static StoreReport *ask_by(Asker asker, Client *client, const StoreRequest *request) {
        static Arena **kept;
        static size_t count;
        StoreReport *report = asker(client->store, client->number, request);
        kept = memory_resize(kept, sizeof(Arena *) * (count + 1));
        kept[count++] = report->arena;
        ck_assert_int_eq(report->kind, request->kind);
        ck_assert_uint_eq(report->number, request->number);
        return report;
}

/* As the core does it: what is unavailable is asked for again. */
static StoreReport *ask(Client *client, const StoreRequest *request) {
        StoreReport *report;
        int tries = 0;
        do
                report = ask_by(client->store->ask, client, request);
        while (report->result == STORE_UNAVAILABLE && ++tries < 20);
        return report;
}

static StoreReport *ask_done(Client *client, const StoreRequest *request) {
        StoreReport *report = ask(client, request);
        ck_assert_msg(report->result == STORE_DONE, "result %d: %s", report->result, report->failure.text);
        return report;
}

static StoreReport *start(Client *client) {
        StoreRequest asked = request(client, STORE_START);
        StoreReport *report = ask_done(client, &asked);
        ck_assert_int_gt(report->epoch, client->epoch);
        client->epoch = report->epoch;
        client->counter = 0;
        return report;
}

static int64_t next_sequence(Client *client) {
        return (client->epoch << 40) + ++client->counter;
}

static Hash hash_of(const char *string) {
        return crypto_sha256(text_of(string));
}

static AcceptedRecord message(Client *client, const char *key) {
        AcceptedRecord record = {
                .id = new_id(),
                .tenant_id = client->store->tenant_id,
                .agent_id = new_id(),
                .sequence = next_sequence(client),
                .sender = TEXT("ana@example.org"),
                .reply_to = { DOOR_CHAT, TEXT("guide@" DOMAIN), TEXT("ana@example.org/phone"), TEXT("thread-1"),
                              TEXT("stanza-1") },
                .body = TEXT("hello"),
                .conversation = 3,
                .content = hash_of("content"),
                .accepted_us = clock_now().wall_us,
        };
        if (key) {
                record.keys[0] = hash_of(key);
                record.key_count = 1;
        }
        return record;
}

static ConcludedRecord conclusion(Client *client, Uuid id, const char *answer) {
        return (ConcludedRecord){
                .id = id,
                .tenant_id = client->store->tenant_id,
                .agent_id = new_id(),
                .version_id = new_id(),
                .sequence = next_sequence(client),
                .outcome = OUTCOME_SUCCESS,
                .answer = text_of(answer),
                .usage = { .prompt_tokens = 10, .completion_tokens = 20, .cost_nano = 30, .model_calls = 1 },
                .timings = { 1, 2, 3, 4 },
                .worker = TEXT("thread-1"),
                .policy_hash = hash_of("policy"),
                .sender = TEXT("ana@example.org"),
                .concluded_us = clock_now().wall_us,
        };
}

static StepRecord step(Client *client, Uuid message_id, int32_t ordinal, StepKind kind, const char *payload) {
        return (StepRecord){ .message_id = message_id, .tenant_id = client->store->tenant_id, .ordinal = ordinal,
                             .kind = kind, .sequence = next_sequence(client), .payload = text_of(payload) };
}

static StoreReport *commit(Client *client, JournalBatch batch) {
        StoreRequest asked = request(client, STORE_COMMIT);
        asked.batch = batch;
        return ask_done(client, &asked);
}

/* Accepts one message that must be new. */
static AcceptedRecord accept(Client *client, const char *key) {
        AcceptedRecord record = message(client, key);
        StoreReport *report = commit(client, (JournalBatch){ .accepted = &record, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        return record;
}

static void conclude(Client *client, Uuid id, const char *answer, RowFate fate) {
        ConcludedRecord record = conclusion(client, id, answer);
        StoreReport *report = commit(client, (JournalBatch){ .concluded = &record, .concluded_count = 1 });
        ck_assert_int_eq(report->concluded[0], fate);
}

static StoreReport *take_over(Client *client, const Client *other) {
        StoreRequest asked = request(client, STORE_TAKE_OVER);
        asked.other = other->hub;
        asked.other_epoch = other->epoch;
        return ask(client, &asked);
}

static void assert_open(const StoreReport *report, const AcceptedRecord *records, size_t count) {
        ck_assert_uint_eq(report->open_count, count);
        for (size_t i = 0; i < count; i++) {
                const AcceptedRecord *read = &report->open[i].accepted, *written = &records[i];
                ck_assert(uuid_equal(read->id, written->id));
                ck_assert(uuid_equal(read->tenant_id, written->tenant_id));
                ck_assert(uuid_equal(read->agent_id, written->agent_id));
                ck_assert(uuid_equal(read->continues, written->continues));
                ck_assert_int_eq(read->sequence, written->sequence);
                ck_assert_int_eq(read->conversation, written->conversation);
                ck_assert_int_eq(read->accepted_us, written->accepted_us);
                ck_assert_text(read->sender, written->sender);
                ck_assert_text(read->reply_to.agent, written->reply_to.agent);
                ck_assert_text(read->reply_to.address, written->reply_to.address);
                ck_assert_text(read->reply_to.thread, written->reply_to.thread);
                ck_assert_text(read->reply_to.stanza_id, written->reply_to.stanza_id);
                ck_assert_int_eq(read->reply_to.door, written->reply_to.door);
                ck_assert_uint_eq(read->body.length, 0);
        }
}

START_TEST(accepted_messages_are_open_after_a_restart_in_their_order) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        StoreReport *first = start(&hub);
        ck_assert_uint_eq(first->open_count, 0);
        AcceptedRecord records[] = { message(&hub, "a"), message(&hub, NULL), message(&hub, "b") };
        records[1].continues = records[0].id;
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = records, .accepted_count = 3 });
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(report->accepted[i].fate, ROW_WRITTEN);
        hub.process = new_id();
        assert_open(start(&hub), records, 3);
}
END_TEST

START_TEST(concluded_message_is_not_open) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord concluded = accept(&hub, "a"), open = accept(&hub, "b");
        conclude(&hub, concluded.id, "done", ROW_WRITTEN);
        assert_open(start(&hub), &open, 1);
}
END_TEST

START_TEST(message_accepted_and_concluded_in_one_batch_is_not_open) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord accepted = message(&hub, "a");
        ConcludedRecord concluded = conclusion(&hub, accepted.id, "done");
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = &accepted, .accepted_count = 1,
                                                           .concluded = &concluded, .concluded_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->concluded[0], ROW_WRITTEN);
        assert_open(start(&hub), NULL, 0);
}
END_TEST

START_TEST(repeat_of_an_open_message_names_the_first) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord first = accept(&hub, "key"), again = message(&hub, "key");
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = &again, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[0].first, first.id));
        ck_assert(!report->accepted[0].concluded);
        assert_open(start(&hub), &first, 1);
}
END_TEST

START_TEST(repeat_of_a_concluded_message_brings_its_answer) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord first = accept(&hub, "key"), again = message(&hub, "key");
        ConcludedRecord record = conclusion(&hub, first.id, "half an answer");
        record.outcome = OUTCOME_ERROR;
        record.reason = FAILURE_TIMED_OUT;
        record.explanation = TEXT("the model did not answer");
        commit(&hub, (JournalBatch){ .concluded = &record, .concluded_count = 1 });
        again.reply_to.address = TEXT("ana@example.org/laptop");
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = &again, .accepted_count = 1 });
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
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord records[] = { message(&hub, "key"), message(&hub, "key"), message(&hub, "other") };
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = records, .accepted_count = 3 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->accepted[1].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[1].first, records[0].id));
        ck_assert_int_eq(report->accepted[2].fate, ROW_WRITTEN);
}
END_TEST

START_TEST(repeat_is_recognised_by_the_key_of_the_slot_before) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord first = accept(&hub, "slot 1"), again = message(&hub, "slot 2");
        again.keys[1] = hash_of("slot 1");
        again.key_count = 2;
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = &again, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[0].first, first.id));
}
END_TEST

START_TEST(repeat_across_slots_within_one_batch_is_recognised) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord records[] = { message(&hub, "slot 1"), message(&hub, "slot 2") };
        records[1].keys[1] = hash_of("slot 1");
        records[1].key_count = 2;
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = records, .accepted_count = 2 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->accepted[1].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[1].first, records[0].id));
}
END_TEST

START_TEST(same_key_with_other_content_is_a_conflict) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord first = accept(&hub, "key"), other = message(&hub, "key");
        other.content = hash_of("other content");
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = &other, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_CONFLICT);
        assert_open(start(&hub), &first, 1);
}
END_TEST

START_TEST(messages_without_a_key_are_never_repeats) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        accept(&hub, NULL);
        accept(&hub, NULL);
}
END_TEST

START_TEST(repeat_through_another_hub_is_recognised) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        AcceptedRecord first = accept(&one, "key"), again = message(&two, "key");
        StoreReport *report = commit(&two, (JournalBatch){ .accepted = &again, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_REPEAT);
        ck_assert(uuid_equal(report->accepted[0].first, first.id));
}
END_TEST

/* A batch of every kind whose first try ends unknown, sent again. */
static void send_twice(StoreUnderTest *store, Asker first_try) {
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord earlier = accept(&hub, "earlier"), stepped = accept(&hub, "stepped"), other = accept(&hub, "other");
        /* From here on nothing has to be read before a batch is written. */
        conclude(&hub, other.id, "done", ROW_WRITTEN);
        AcceptedRecord accepted[] = { message(&hub, "a"), message(&hub, "earlier"), message(&hub, NULL) };
        ConcludedRecord concluded = conclusion(&hub, earlier.id, "done");
        StepRecord steps[] = { step(&hub, stepped.id, 0, STEP_MODEL_REPLY, "reply") };
        CancelledRecord cancelled = { .message_id = stepped.id, .tenant_id = store->tenant_id,
                                      .sequence = next_sequence(&hub), .by = TEXT("ana@example.org") };
        AuditRecord audit = { .tenant_id = store->tenant_id, .type = TEXT("message.refused"), .severity = TEXT("info"),
                              .person = TEXT("bob@example.org"), .facts = TEXT("{\"count\":1}"),
                              .at_us = clock_now().wall_us };
        StoreRequest asked = request(&hub, STORE_COMMIT);
        asked.batch = (JournalBatch){ .accepted = accepted, .accepted_count = 3, .concluded = &concluded, .concluded_count = 1,
                                      .steps = steps, .step_count = 1, .cancelled = &cancelled, .cancelled_count = 1,
                                      .audit = &audit, .audit_count = 1 };
        StoreReport *report = ask_by(first_try, &hub, &asked);
        ck_assert_int_eq(report->result, STORE_UNAVAILABLE);
        report = ask_done(&hub, &asked);
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->accepted[1].fate, ROW_REPEAT);
        ck_assert_int_eq(report->accepted[2].fate, ROW_WRITTEN);
        ck_assert_int_eq(report->concluded[0], ROW_WRITTEN);
        ck_assert_int_eq(report->steps[0], ROW_WRITTEN);
        report = start(&hub);
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
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord to_conclude[] = { accept(&hub, "x"), accept(&hub, "y") };
        AcceptedRecord accepted[7];
        ConcludedRecord concluded[2];
        for (int i = 0; i < 7; i++)
                accepted[i] = message(&hub, NULL);
        for (int i = 0; i < 2; i++)
                concluded[i] = conclusion(&hub, to_conclude[i].id, "done");
        store->spoil_accepted(store, &accepted[4]);
        store->spoil_concluded(store, &concluded[0]);
        StoreReport *report = commit(&hub, (JournalBatch){ .accepted = accepted, .accepted_count = 7,
                                                           .concluded = concluded, .concluded_count = 2 });
        for (int i = 0; i < 7; i++)
                ck_assert_int_eq(report->accepted[i].fate, i == 4 ? ROW_REFUSED : ROW_WRITTEN);
        ck_assert_int_eq(report->concluded[0], ROW_REFUSED);
        ck_assert_int_eq(report->concluded[1], ROW_WRITTEN);
}
END_TEST

START_TEST(older_process_of_a_name_is_fenced) {
        StoreUnderTest *store = store_under_test();
        Client older = client(store, 0, "hub1"), newer = client(store, 1, "hub1");
        start(&older);
        AcceptedRecord kept = accept(&older, "a");
        assert_open(start(&newer), &kept, 1);
        AcceptedRecord late = message(&older, "b");
        StoreRequest asked = request(&older, STORE_COMMIT);
        asked.batch = (JournalBatch){ .accepted = &late, .accepted_count = 1 };
        ck_assert_int_eq(ask(&older, &asked)->result, STORE_FENCED);
        asked = request(&older, STORE_START);
        asked.again = true;
        ck_assert_int_eq(ask(&older, &asked)->result, STORE_FENCED);
        assert_open(start(&newer), &kept, 1);
}
END_TEST

START_TEST(fenced_process_starts_again_under_a_new_epoch) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        ck_assert(take_over(&two, &one)->taken);
        StoreRequest asked = request(&one, STORE_BEAT);
        ck_assert_int_eq(ask(&one, &asked)->result, STORE_FENCED);
        asked = request(&one, STORE_START);
        asked.again = true;
        StoreReport *report = ask_done(&one, &asked);
        ck_assert_int_gt(report->epoch, one.epoch + 1);
        one.epoch = report->epoch;
        accept(&one, "a");
}
END_TEST

START_TEST(message_is_concluded_once) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        AcceptedRecord messages[] = { accept(&one, "a"), accept(&one, "b") };
        ConcludedRecord first = conclusion(&one, messages[0].id, "the first");
        for (int i = 0; i < 2; i++) {
                StoreReport *report = commit(&one, (JournalBatch){ .concluded = &first, .concluded_count = 1 });
                ck_assert_int_eq(report->concluded[0], ROW_WRITTEN);
        }
        ConcludedRecord both[] = { conclusion(&two, messages[0].id, "the second"), conclusion(&two, messages[1].id, "mine") };
        StoreReport *report = commit(&two, (JournalBatch){ .concluded = both, .concluded_count = 2 });
        ck_assert_int_eq(report->concluded[0], ROW_REPEAT);
        ck_assert_int_eq(report->concluded[1], ROW_WRITTEN);
        StoreRequest asked = request(&one, STORE_READ_UNSENT);
        asked.message_id = messages[0].id;
        report = ask_done(&one, &asked);
        ck_assert_uint_eq(report->unsent_count, 1);
        ck_assert_text(report->unsent[0].answer, TEXT("the first"));
}
END_TEST

START_TEST(step_fences_rivals) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        AcceptedRecord open = accept(&one, "a");
        StepRecord mine = step(&one, open.id, STEP_ATTEMPT, STEP_TAKEN_UP, "");
        StepRecord theirs[] = { step(&two, open.id, STEP_ATTEMPT, STEP_TAKEN_UP, ""),
                                step(&two, open.id, STEP_ATTEMPT + 1, STEP_MODEL_REPLY, "reply") };
        StoreReport *report = commit(&one, (JournalBatch){ .steps = &mine, .step_count = 1 });
        ck_assert_int_eq(report->steps[0], ROW_WRITTEN);
        report = commit(&two, (JournalBatch){ .steps = theirs, .step_count = 2 });
        ck_assert_int_eq(report->steps[0], ROW_REPEAT);
        ck_assert_int_eq(report->steps[1], ROW_WRITTEN);
        report = commit(&one, (JournalBatch){ .steps = &mine, .step_count = 1 });
        ck_assert_int_eq(report->steps[0], ROW_WRITTEN);
}
END_TEST

START_TEST(open_message_comes_with_its_steps) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord messages[] = { accept(&hub, "a"), accept(&hub, "b") };
        StepRecord steps[] = { step(&hub, messages[1].id, STEP_ATTEMPT + 2, STEP_TOOL_STARTED, "tool"),
                               step(&hub, messages[1].id, STEP_ATTEMPT, STEP_TAKEN_UP, ""),
                               step(&hub, messages[1].id, STEP_ATTEMPT + 1, STEP_MODEL_REPLY, "reply") };
        commit(&hub, (JournalBatch){ .steps = steps, .step_count = 3 });
        StoreReport *report = start(&hub);
        assert_open(report, messages, 2);
        ck_assert_uint_eq(report->open[0].step_count, 0);
        ck_assert_int_eq(report->open[0].attempts, 0);
        const OpenMessage *open = &report->open[1];
        ck_assert_uint_eq(open->step_count, 3);
        ck_assert_int_eq(open->attempts, 1);
        ck_assert_int_eq(open->steps[0].kind, STEP_TAKEN_UP);
        ck_assert_int_eq(open->steps[0].ordinal, STEP_ATTEMPT);
        ck_assert_text(open->steps[1].payload, TEXT("reply"));
        ck_assert_text(open->steps[2].payload, TEXT("tool"));
        ck_assert_int_eq(open->steps[2].kind, STEP_TOOL_STARTED);
}
END_TEST

START_TEST(heir_gets_what_was_left_open_and_its_owner_does_not_get_it_back) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        AcceptedRecord left = accept(&one, "a"), own = accept(&two, "b");
        StoreReport *report = take_over(&two, &one);
        ck_assert_int_eq(report->result, STORE_DONE);
        ck_assert(report->taken);
        assert_open(report, &left, 1);
        assert_open(start(&one), NULL, 0);
        AcceptedRecord after = accept(&one, "c");
        assert_open(start(&one), &after, 1);
        assert_open(start(&two), (AcceptedRecord[]){ left, own }, 2);
        conclude(&two, left.id, "done by the heir", ROW_WRITTEN);
        assert_open(start(&two), &own, 1);
}
END_TEST

START_TEST(heir_of_an_heir_gets_both_estates) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2"), three = client(store, 2, "hub3");
        start(&one);
        start(&two);
        start(&three);
        AcceptedRecord first = accept(&one, "a"), second = accept(&two, "b");
        ck_assert(take_over(&two, &one)->taken);
        assert_open(take_over(&three, &two), (AcceptedRecord[]){ first, second }, 2);
        assert_open(start(&two), NULL, 0);
        assert_open(start(&three), (AcceptedRecord[]){ first, second }, 2);
}
END_TEST

START_TEST(estates_of_two_epochs_may_have_two_heirs) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2"), three = client(store, 2, "hub3");
        start(&one);
        start(&two);
        start(&three);
        AcceptedRecord first = accept(&one, "a");
        assert_open(take_over(&two, &one), &first, 1);
        start(&one);
        AcceptedRecord second = accept(&one, "b");
        assert_open(take_over(&three, &one), &second, 1);
        assert_open(start(&two), &first, 1);
        assert_open(start(&three), &second, 1);
        assert_open(start(&one), NULL, 0);
}
END_TEST

START_TEST(slower_of_two_heirs_gets_nothing) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2"), three = client(store, 2, "hub3");
        start(&one);
        start(&two);
        start(&three);
        AcceptedRecord left = accept(&one, "a");
        assert_open(take_over(&two, &one), &left, 1);
        StoreReport *report = take_over(&three, &one);
        ck_assert_int_eq(report->result, STORE_FENCED);
        ck_assert(!report->taken);
        assert_open(start(&three), NULL, 0);
}
END_TEST

START_TEST(takeover_whose_report_was_lost_succeeds_when_asked_again) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        AcceptedRecord left = accept(&one, "a");
        StoreRequest asked = request(&two, STORE_TAKE_OVER);
        asked.other = one.hub;
        asked.other_epoch = one.epoch;
        ck_assert_int_eq(ask_by(store->ask_deaf, &two, &asked)->result, STORE_UNAVAILABLE);
        StoreReport *report = ask_done(&two, &asked);
        ck_assert(report->taken);
        assert_open(report, &left, 1);
}
END_TEST

static void beat(Client *client, const DeliveredMark *marks, size_t count) {
        StoreRequest asked = request(client, STORE_BEAT);
        asked.marks = marks;
        asked.mark_count = count;
        ask_done(client, &asked);
}

static const DeliveredMark *find_mark(const StoreReport *report, const char *hub, const char *domain) {
        for (size_t i = 0; i < report->mark_count; i++)
                if (text_equal(report->marks[i].hub, text_of(hub)) && text_equal(report->marks[i].domain, text_of(domain)))
                        return &report->marks[i];
        return NULL;
}

START_TEST(marks_come_back_at_the_start_and_go_to_the_heir) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        beat(&one, (DeliveredMark[]){ { TEXT("hub1"), TEXT(DOMAIN), 7 }, { TEXT("hub1"), TEXT("other.example"), 8 } }, 2);
        beat(&one, (DeliveredMark[]){ { TEXT("hub1"), TEXT(DOMAIN), 9 } }, 1);
        StoreReport *report = start(&one);
        ck_assert_int_eq(find_mark(report, "hub1", DOMAIN)->sequence, 9);
        ck_assert_int_eq(find_mark(report, "hub1", "other.example")->sequence, 8);
        report = take_over(&two, &one);
        ck_assert_int_eq(find_mark(report, "hub1", DOMAIN)->sequence, 9);
        beat(&two, (DeliveredMark[]){ { TEXT("hub1"), TEXT(DOMAIN), 20 }, { TEXT("hub2"), TEXT(DOMAIN), 30 } }, 2);
        report = start(&two);
        ck_assert_int_eq(find_mark(report, "hub1", DOMAIN)->sequence, 20);
        ck_assert_int_eq(find_mark(report, "hub2", DOMAIN)->sequence, 30);
}
END_TEST

START_TEST(unsent_answers_come_in_order_by_pages) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        AcceptedRecord messages[5];
        ConcludedRecord concluded[5];
        start(&hub);
        for (int i = 0; i < 5; i++) {
                messages[i] = message(&hub, NULL);
                if (i == 2)
                        messages[i].reply_to.agent = TEXT("guide@other.example");
        }
        commit(&hub, (JournalBatch){ .accepted = messages, .accepted_count = 5 });
        for (int i = 0; i < 5; i++)
                concluded[i] = conclusion(&hub, messages[i].id, i == 4 ? "" : "answer");
        commit(&hub, (JournalBatch){ .concluded = concluded, .concluded_count = 5 });
        StoreRequest asked = request(&hub, STORE_READ_UNSENT);
        asked.other = hub.hub;
        asked.domain = TEXT(DOMAIN);
        asked.after = concluded[0].sequence;
        asked.limit = 2;
        size_t read = 0;
        static const int expected[] = { 1, 3, 4 };
        for (bool more = true; more;) {
                StoreReport *report = ask_done(&hub, &asked);
                for (size_t i = 0; i < report->unsent_count; i++, read++) {
                        const ConcludedRecord *unsent = &report->unsent[i];
                        ck_assert_uint_lt(read, 3);
                        ck_assert(uuid_equal(unsent->id, messages[expected[read]].id));
                        ck_assert_int_eq(unsent->sequence, concluded[expected[read]].sequence);
                        ck_assert_int_eq(unsent->outcome, OUTCOME_SUCCESS);
                        ck_assert_text(unsent->answer, concluded[expected[read]].answer);
                        ck_assert_text(unsent->reply_to.address, TEXT("ana@example.org/phone"));
                        ck_assert_text(unsent->sender, TEXT("ana@example.org"));
                }
                ck_assert_int_gt(report->read_to, asked.after);
                asked.after = report->read_to;
                more = report->more;
        }
        ck_assert_uint_eq(read, 3);
        ck_assert_int_eq(asked.after, concluded[4].sequence);
}
END_TEST

START_TEST(unsent_answers_are_the_heirs_to_send) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        AcceptedRecord before = accept(&one, "a");
        conclude(&one, before.id, "before", ROW_WRITTEN);
        ck_assert(take_over(&two, &one)->taken);
        start(&one);
        AcceptedRecord after = accept(&one, "b");
        conclude(&one, after.id, "after", ROW_WRITTEN);
        Client *askers[] = { &one, &two };
        const Uuid expected[] = { after.id, before.id };
        for (int i = 0; i < 2; i++) {
                StoreRequest asked = request(askers[i], STORE_READ_UNSENT);
                asked.other = one.hub;
                asked.domain = TEXT(DOMAIN);
                asked.limit = 10;
                StoreReport *report = ask_done(askers[i], &asked);
                ck_assert_uint_eq(report->unsent_count, 1);
                ck_assert(uuid_equal(report->unsent[0].id, expected[i]));
        }
}
END_TEST

static const Lease *find_lease(const StoreReport *report, const char *hub) {
        for (size_t i = 0; i < report->lease_count; i++)
                if (text_equal(report->leases[i].hub, text_of(hub)))
                        return &report->leases[i];
        return NULL;
}

START_TEST(heartbeat_shows_every_lease) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        StoreRequest asked = request(&one, STORE_BEAT);
        int64_t beats = find_lease(ask_done(&one, &asked), "hub1")->beats;
        StoreReport *report = ask_done(&one, &asked);
        ck_assert_int_eq(find_lease(report, "hub1")->beats, beats + 1);
        ck_assert_int_eq(find_lease(report, "hub1")->epoch, one.epoch);
        ck_assert_int_eq(find_lease(report, "hub2")->epoch, two.epoch);
        ck_assert_text(find_lease(report, "hub2")->domains, TEXT(DOMAIN " other.example"));
        ck_assert(!find_lease(report, "hub2")->released);
        ck_assert(!find_lease(report, "hub2")->has_open);
}
END_TEST

START_TEST(released_hub_says_whether_it_left_messages_open) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2"), three = client(store, 2, "hub3");
        start(&one);
        start(&two);
        start(&three);
        AcceptedRecord left = accept(&one, "a");
        Client *released[] = { &one, &two };
        for (int i = 0; i < 2; i++) {
                StoreRequest asked = request(released[i], STORE_RELEASE);
                ask_done(released[i], &asked);
        }
        StoreRequest asked = request(&three, STORE_BEAT);
        StoreReport *report = ask_done(&three, &asked);
        ck_assert(find_lease(report, "hub1")->released);
        ck_assert(find_lease(report, "hub1")->has_open);
        ck_assert(find_lease(report, "hub2")->released);
        ck_assert(!find_lease(report, "hub2")->has_open);
        assert_open(take_over(&three, &one), &left, 1);
        report = ask_done(&three, &asked);
        ck_assert(find_lease(report, "hub1")->released);
        ck_assert(!find_lease(report, "hub1")->has_open);
}
END_TEST

START_TEST(low_water_at_an_open_message_keeps_it) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord concluded = accept(&hub, "a"), open = accept(&hub, "b");
        conclude(&hub, concluded.id, "done", ROW_WRITTEN);
        StoreRequest asked = request(&hub, STORE_BEAT);
        asked.low_water = open.id;
        ask_done(&hub, &asked);
        assert_open(start(&hub), &open, 1);
}
END_TEST

START_TEST(low_water_of_an_heir_reaches_back_to_its_estate) {
        StoreUnderTest *store = store_under_test();
        Client one = client(store, 0, "hub1"), two = client(store, 1, "hub2");
        start(&one);
        start(&two);
        AcceptedRecord left = accept(&one, "a");
        StoreRequest asked = request(&two, STORE_BEAT);
        asked.low_water = new_id();
        ask_done(&two, &asked);
        assert_open(take_over(&two, &one), &left, 1);
        assert_open(start(&two), &left, 1);
}
END_TEST

START_TEST(cancelling_marks_an_open_message) {
        StoreUnderTest *store = store_under_test();
        Client hub = client(store, 0, "hub1");
        start(&hub);
        AcceptedRecord open = accept(&hub, "a");
        for (int i = 0; i < 2; i++) {
                CancelledRecord record = { .message_id = open.id, .tenant_id = store->tenant_id,
                                           .sequence = next_sequence(&hub), .by = TEXT("ana@example.org") };
                commit(&hub, (JournalBatch){ .cancelled = &record, .cancelled_count = 1 });
        }
        StoreReport *report = start(&hub);
        assert_open(report, &open, 1);
        ck_assert(report->open[0].cancelled);
}
END_TEST

int store_cases_run(const char *module) {
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
                older_process_of_a_name_is_fenced,
                fenced_process_starts_again_under_a_new_epoch,
                message_is_concluded_once,
                step_fences_rivals,
                open_message_comes_with_its_steps,
                heir_gets_what_was_left_open_and_its_owner_does_not_get_it_back,
                heir_of_an_heir_gets_both_estates,
                estates_of_two_epochs_may_have_two_heirs,
                slower_of_two_heirs_gets_nothing,
                takeover_whose_report_was_lost_succeeds_when_asked_again,
                marks_come_back_at_the_start_and_go_to_the_heir,
                unsent_answers_come_in_order_by_pages,
                unsent_answers_are_the_heirs_to_send,
                heartbeat_shows_every_lease,
                released_hub_says_whether_it_left_messages_open,
                low_water_at_an_open_message_keeps_it,
                low_water_of_an_heir_reaches_back_to_its_estate,
                cancelling_marks_an_open_message,
        };
        return unit_run(module, cases, COUNT_OF(cases));
}
