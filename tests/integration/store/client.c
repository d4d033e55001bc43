#include "tests/integration/store/client.h"

#include "tests/unit/unit.h"

static UuidGenerator generator;

Uuid new_id(void) {
        return uuid_make(&generator, clock_now().wall_us);
}

Client client_new(StoreUnderTest *store, int number, const char *hub) {
        return (Client){ .store = store, .number = number, .hub = text_of(hub), .process = new_id() };
}

StoreRequest client_request(Client *client, StoreRequestKind kind) {
        return (StoreRequest){ .kind = kind,
                               .number = ++client->requests,
                               .epoch = client->epoch,
                               .hub = client->hub,
                               .process = client->process,
                               .domains = TEXT(DOMAIN " other.example") };
}

/* Reports are kept until the case, a process of its own, ends. */
StoreReport *client_ask_by(Asker asker, Client *client, const StoreRequest *request) {
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
StoreReport *client_ask(Client *client, const StoreRequest *request) {
        StoreReport *report;
        int tries = 0;
        do
                report = client_ask_by(client->store->ask, client, request);
        while (report->result == STORE_UNAVAILABLE && ++tries < 20);
        return report;
}

StoreReport *client_ask_done(Client *client, const StoreRequest *request) {
        StoreReport *report = client_ask(client, request);
        ck_assert_msg(report->result == STORE_DONE, "result %d: %s", report->result, report->failure.text);
        return report;
}

StoreReport *client_start(Client *client) {
        StoreRequest asked = client_request(client, STORE_START);
        StoreReport *report = client_ask_done(client, &asked);
        ck_assert_int_gt(report->epoch, client->epoch);
        client->epoch = report->epoch;
        client->counter = 0;
        return report;
}

int64_t client_sequence(Client *client) {
        return (client->epoch << 40) + ++client->counter;
}

Hash hash_of(const char *string) {
        return crypto_sha256(text_of(string));
}

AcceptedRecord client_message(Client *client, const char *key) {
        AcceptedRecord record = {
                .id = new_id(),
                .tenant_id = client->store->tenant_id,
                .agent_id = new_id(),
                .sequence = client_sequence(client),
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

ConcludedRecord client_conclusion(Client *client, Uuid id, const char *answer) {
        return (ConcludedRecord){
                .id = id,
                .tenant_id = client->store->tenant_id,
                .agent_id = new_id(),
                .version_id = new_id(),
                .sequence = client_sequence(client),
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

StepRecord client_step(Client *client, Uuid message_id, int32_t ordinal, StepKind kind, const char *payload) {
        return (StepRecord){ .message_id = message_id,
                             .tenant_id = client->store->tenant_id,
                             .ordinal = ordinal,
                             .kind = kind,
                             .sequence = client_sequence(client),
                             .payload = text_of(payload) };
}

StoreReport *client_commit(Client *client, JournalBatch batch) {
        StoreRequest asked = client_request(client, STORE_COMMIT);
        asked.batch = batch;
        return client_ask_done(client, &asked);
}

/* Accepts one message that must be new. */
AcceptedRecord client_accept(Client *client, const char *key) {
        AcceptedRecord record = client_message(client, key);
        StoreReport *report = client_commit(client, (JournalBatch){ .accepted = &record, .accepted_count = 1 });
        ck_assert_int_eq(report->accepted[0].fate, ROW_WRITTEN);
        return record;
}

void client_conclude(Client *client, Uuid id, const char *answer, RowFate fate) {
        ConcludedRecord record = client_conclusion(client, id, answer);
        StoreReport *report = client_commit(client, (JournalBatch){ .concluded = &record, .concluded_count = 1 });
        ck_assert_int_eq(report->concluded[0], fate);
}

StoreReport *client_take_over(Client *client, const Client *other) {
        StoreRequest asked = client_request(client, STORE_TAKE_OVER);
        asked.other = other->hub;
        asked.other_epoch = other->epoch;
        return client_ask(client, &asked);
}

void assert_open(const StoreReport *report, const AcceptedRecord *records, size_t count) {
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
