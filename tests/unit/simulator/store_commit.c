/* COMMIT: what a batch leaves behind, row by row. */
#include "tests/unit/simulator/store_tables.h"

#include <assert.h>

static bool is_refused(const SimulatedStore *store, Text text) {
        return store->refused.length > 0 && text_starts_with(text, store->refused);
}

static Text keep(SimulatedStore *store, Text text) {
        return text_copy(store->arena, text);
}

static ReplyTo reply_to_copy(Arena *arena, const ReplyTo *from) {
        return (ReplyTo){ from->door, text_copy(arena, from->agent), text_copy(arena, from->address),
                          text_copy(arena, from->thread), text_copy(arena, from->stanza_id) };
}

/* Today's and yesterday's keys, as the database counts days. */
static StoredKey *key_find(const SimulatedStore *store, const Hash *key, int64_t wall_us) {
        StoredKey *found = map_get(store->by_key, MAP_KEY(*key));

        return found && found->day >= wall_us / STORE_DAY - 1 ? found : NULL;
}

static void fill_repeat(Arena *arena, const StoredMessage *first, AcceptedFate *fate) {
        fate->first = first->accepted.id;
        fate->reply_to = reply_to_copy(arena, &first->accepted.reply_to);
        if (!first->concluded)
                return;
        fate->concluded = true;
        fate->outcome = first->concluded->outcome;
        fate->reason = first->concluded->reason;
        fate->answer = text_copy(arena, first->concluded->answer);
        fate->explanation = text_copy(arena, first->concluded->explanation);
}

static void order_accepted(SimulatedStore *store, StoredHub *hub, StoredMessage *message) {
        if (message->accepted.sequence <= hub->last_accepted)
                store_violated(store, "a hub's rows do not rise in sequence");
        hub->last_accepted = message->accepted.sequence;
        if (uuid_compare(message->accepted.id, hub->low_water) < 0)
                store_violated(store, "a message was accepted below its hub's low water");
        if (sequence_epoch(message->accepted.sequence) != hub->epoch)
                store_violated(store, "a row carries another epoch than its transaction");
        hub->accepted = table_grow(store->arena, hub->accepted, sizeof(*hub->accepted), hub->accepted_count,
                                   &hub->accepted_capacity);
        hub->accepted[hub->accepted_count++] = message;
}

static void insert_accepted(SimulatedStore *store, const AcceptedRecord *record, int hub, int64_t wall_us) {
        StoredMessage *message = arena_take(store->arena, sizeof(*message));

        assert(message);
        message->accepted = *record;
        message->accepted.sender = keep(store, record->sender);
        message->accepted.sender_domain = keep(store, record->sender_domain);
        message->accepted.reply_to = reply_to_copy(store->arena, &record->reply_to);
        message->accepted.body = keep(store, record->body);
        message->hub = hub;
        store->messages = table_grow(store->arena, store->messages, sizeof(*store->messages), store->message_count,
                                     &store->message_capacity);
        store->messages[store->message_count++] = message;
        map_put(store->by_id, MAP_KEY(message->accepted.id), message);
        order_accepted(store, &store->hubs[hub], message);
        if (record->key_count > 0) {
                StoredKey *key = arena_take(store->arena, sizeof(*key));
                assert(key);
                *key = (StoredKey){ record->keys[0], message, wall_us / STORE_DAY };
                map_put(store->by_key, MAP_KEY(key->key), key);
        }
        if (store->watcher.accepted)
                store->watcher.accepted(store->watcher.self, message);
}

static void accept(SimulatedStore *store, const AcceptedRecord *record, int hub, int64_t wall_us, Arena *arena,
                   AcceptedFate *fate) {
        const StoredMessage *same = simulated_store_find(store, record->id);

        if (same) {
                fate->fate = ROW_WRITTEN;
                if (same->hub != hub || same->accepted.sequence != record->sequence)
                        store_violated(store, "two messages were given one id");
                return;
        }
        if (is_refused(store, record->body)) {
                fate->fate = ROW_REFUSED;
                return;
        }
        for (int i = 0; i < record->key_count; i++) {
                const StoredKey *key = key_find(store, &record->keys[i], wall_us);
                if (!key)
                        continue;
                bool equal = memcmp(&key->message->accepted.content, &record->content, sizeof(Hash)) == 0;
                fate->fate = equal ? ROW_REPEAT : ROW_CONFLICT;
                if (equal)
                        fill_repeat(arena, key->message, fate);
                return;
        }
        fate->fate = ROW_WRITTEN;
        insert_accepted(store, record, hub, wall_us);
}

static void insert_concluded(SimulatedStore *store, const ConcludedRecord *record, StoredMessage *message, int hub) {
        StoredHub *owner = &store->hubs[hub];
        ConcludedRecord *concluded = arena_take(store->arena, sizeof(*concluded));

        assert(concluded);
        *concluded = *record;
        concluded->answer = keep(store, record->answer);
        concluded->explanation = keep(store, record->explanation);
        concluded->worker = keep(store, record->worker);
        concluded->tools = keep(store, record->tools);
        concluded->sender = message->accepted.sender;
        concluded->reply_to = message->accepted.reply_to;
        message->concluded = concluded;
        message->concluded_hub = hub;
        if (record->sequence <= owner->last_concluded)
                store_violated(store, "a hub's conclusions do not rise in sequence");
        owner->last_concluded = record->sequence;
        owner->concluded = table_grow(store->arena, owner->concluded, sizeof(*owner->concluded), owner->concluded_count,
                                      &owner->concluded_capacity);
        owner->concluded[owner->concluded_count++] = message;
        if (store->watcher.concluded)
                store->watcher.concluded(store->watcher.self, message);
}

static RowFate conclude(SimulatedStore *store, const ConcludedRecord *record, int hub) {
        StoredMessage *message = simulated_store_find(store, record->id);

        if (!message) {
                store_violated(store, "a conclusion names a message that was never accepted");
                return ROW_REFUSED;
        }
        if (message->concluded)
                return message->concluded_hub == hub && message->concluded->sequence == record->sequence ? ROW_WRITTEN
                                                                                                         : ROW_REPEAT;
        if (is_refused(store, record->answer))
                return ROW_REFUSED;
        insert_concluded(store, record, message, hub);
        return ROW_WRITTEN;
}

static RowFate step(SimulatedStore *store, const StepRecord *record, int hub) {
        StoredMessage *message = simulated_store_find(store, record->message_id);

        if (!message) {
                store_violated(store, "a step names a message that was never accepted");
                return ROW_REFUSED;
        }
        for (size_t i = 0; i < message->step_count; i++)
                if (message->steps[i].ordinal == record->ordinal)
                        return message->step_hubs[i] == hub && message->steps[i].sequence == record->sequence
                                       ? ROW_WRITTEN
                                       : ROW_REPEAT;
        if (is_refused(store, record->payload))
                return ROW_REFUSED;
        size_t capacity = message->step_capacity;
        message->step_hubs = table_grow(store->arena, message->step_hubs, sizeof(int), message->step_count, &capacity);
        message->steps = table_grow(store->arena, message->steps, sizeof(StepRecord), message->step_count,
                                    &message->step_capacity);
        message->steps[message->step_count] = *record;
        message->steps[message->step_count].payload = keep(store, record->payload);
        message->step_hubs[message->step_count++] = hub;
        message->attempts += record->kind == STEP_TAKEN_UP;
        return ROW_WRITTEN;
}

static void cancel(SimulatedStore *store, const CancelledRecord *record) {
        StoredMessage *message = simulated_store_find(store, record->message_id);

        if (message && message->cancelled)
                return;
        if (message)
                message->cancelled = true;
        store->cancelled = table_grow(store->arena, store->cancelled, sizeof(CancelledRecord), store->cancelled_count,
                                      &store->cancelled_capacity);
        store->cancelled[store->cancelled_count] = *record;
        store->cancelled[store->cancelled_count++].by = keep(store, record->by);
}

void store_commit(SimulatedStore *store, const StoreRequest *request, int hub, int64_t wall_us, StoreReport *report) {
        const JournalBatch *batch = &request->batch;

        report->accepted = arena_take_array(report->arena, AcceptedFate, batch->accepted_count);
        report->concluded = arena_take_array(report->arena, RowFate, batch->concluded_count);
        report->steps = arena_take_array(report->arena, RowFate, batch->step_count);
        assert(report->accepted && report->concluded && report->steps);
        for (size_t i = 0; i < batch->accepted_count; i++)
                accept(store, &batch->accepted[i], hub, wall_us, report->arena, &report->accepted[i]);
        for (size_t i = 0; i < batch->step_count; i++)
                report->steps[i] = step(store, &batch->steps[i], hub);
        for (size_t i = 0; i < batch->cancelled_count; i++)
                cancel(store, &batch->cancelled[i]);
        for (size_t i = 0; i < batch->concluded_count; i++)
                report->concluded[i] = conclude(store, &batch->concluded[i], hub);
}
