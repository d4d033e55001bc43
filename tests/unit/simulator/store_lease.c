/* START, BEAT, TAKE_OVER, READ_UNSENT, RELEASE: who is there, who is heir of whom, what is left to send. */
#include "tests/unit/simulator/store_tables.h"

#include <assert.h>

/* What a report is about: all that `keeper` has, or only what it took from `from` when it ended that epoch. */
typedef struct Estates {
        int keeper, from; /* from -1: all */
        int64_t from_epoch;
} Estates;

static const Estate *estate_of(const SimulatedStore *store, int hub, int64_t sequence) {
        const StoredHub *stored = &store->hubs[hub];
        int64_t epoch = sequence_epoch(sequence);

        for (size_t i = 0; i < stored->estate_count; i++)
                if (epoch > stored->estates[i].after && epoch <= stored->estates[i].upto)
                        return &stored->estates[i];
        return NULL;
}

static bool is_taken(const Estate *estate, Estates estates) {
        return estate->heir == estates.keeper && estate->from == estates.from &&
               estate->from_epoch == estates.from_epoch;
}

static bool is_among(const SimulatedStore *store, const StoredMessage *message, Estates estates) {
        if (message->concluded)
                return false;
        const Estate *estate = estate_of(store, message->hub, message->accepted.sequence);
        if (estates.from < 0)
                return (estate ? estate->heir : message->hub) == estates.keeper;
        return estate && is_taken(estate, estates);
}

int simulated_store_heir(const SimulatedStore *store, int hub, int64_t sequence) {
        const Estate *estate = estate_of(store, hub, sequence);

        return estate ? estate->heir : -1;
}

int simulated_store_owner(const SimulatedStore *store, int hub, int64_t sequence) {
        int heir = simulated_store_heir(store, hub, sequence);

        return heir < 0 ? hub : heir;
}

static size_t count_open(SimulatedStore *store, Estates estates) {
        size_t count = 0;

        for (int i = 0; i < store->hub_count; i++) {
                StoredHub *hub = &store->hubs[i];
                while (hub->closed < hub->accepted_count && hub->accepted[hub->closed]->concluded)
                        hub->closed++;
                for (size_t k = hub->closed; k < hub->accepted_count; k++)
                        count += is_among(store, hub->accepted[k], estates);
        }
        return count;
}

/* As the journal's role reads it: everything but the body. */
static void open_copy(Arena *arena, const StoredMessage *message, OpenMessage *ret_open) {
        const ReplyTo *reply_to = &message->accepted.reply_to;

        ret_open->accepted = message->accepted;
        ret_open->accepted.body = TEXT_NONE;
        ret_open->accepted.sender = text_copy(arena, message->accepted.sender);
        ret_open->accepted.sender_domain = text_copy(arena, message->accepted.sender_domain);
        ret_open->accepted.reply_to = (ReplyTo){ reply_to->door, text_copy(arena, reply_to->agent),
                                                 text_copy(arena, reply_to->address),
                                                 text_copy(arena, reply_to->thread),
                                                 text_copy(arena, reply_to->stanza_id) };
        ret_open->cancelled = message->cancelled;
        ret_open->attempts = message->attempts;
        ret_open->steps = arena_take_array(arena, StepRecord, message->step_count);
        assert(ret_open->steps);
        ret_open->step_count = message->step_count;
        for (size_t i = 0; i < message->step_count; i++) {
                size_t place = i;
                while (place > 0 && ret_open->steps[place - 1].ordinal > message->steps[i].ordinal) {
                        ret_open->steps[place] = ret_open->steps[place - 1];
                        place--;
                }
                ret_open->steps[place] = message->steps[i];
                ret_open->steps[place].payload = text_copy(arena, message->steps[i].payload);
        }
}

/* A mark comes with the rows that it is about. */
static bool mark_is_among(const SimulatedStore *store, const StoredMark *mark, Estates estates) {
        const StoredHub *hub = &store->hubs[mark->hub];

        if (mark->keeper != estates.keeper)
                return false;
        for (size_t i = 0; i < hub->estate_count; i++)
                if (estates.from >= 0 && is_taken(&hub->estates[i], estates))
                        return true;
        return estates.from < 0;
}

static void report_estates(SimulatedStore *store, Estates estates, StoreReport *report) {
        report->open = arena_take_array(report->arena, OpenMessage, count_open(store, estates));
        report->marks = arena_take_array(report->arena, DeliveredMark, store->mark_count);
        assert(report->open && report->marks);
        for (int i = 0; i < store->hub_count; i++)
                for (size_t k = store->hubs[i].closed; k < store->hubs[i].accepted_count; k++)
                        if (is_among(store, store->hubs[i].accepted[k], estates))
                                open_copy(report->arena, store->hubs[i].accepted[k],
                                          &report->open[report->open_count++]);
        for (size_t i = 0; i < store->mark_count; i++)
                if (mark_is_among(store, &store->marks[i], estates))
                        report->marks[report->mark_count++] = (DeliveredMark){
                                text_copy(report->arena, store->hubs[store->marks[i].hub].name),
                                text_copy(report->arena, store->marks[i].domain), store->marks[i].sequence
                        };
}

static StoredMark *mark_find(SimulatedStore *store, int keeper, int hub, Text domain) {
        for (size_t i = 0; i < store->mark_count; i++) {
                StoredMark *mark = &store->marks[i];
                if (mark->keeper == keeper && mark->hub == hub && text_equal(mark->domain, domain))
                        return mark;
        }
        return NULL;
}

static void mark_write(SimulatedStore *store, int keeper, int hub, Text domain, int64_t sequence) {
        StoredMark *mark = mark_find(store, keeper, hub, domain);

        if (mark) {
                mark->sequence = sequence;
                return;
        }
        store->marks = table_grow(store->arena, store->marks, sizeof(StoredMark), store->mark_count,
                                  &store->mark_capacity);
        store->marks[store->mark_count++] = (StoredMark){ keeper, hub, text_copy(store->arena, domain), sequence };
}

static void marks_write(SimulatedStore *store, const StoreRequest *request, int keeper) {
        for (size_t i = 0; i < request->mark_count; i++) {
                int hub = simulated_store_hub(store, request->marks[i].hub);
                if (hub < 0)
                        store_violated(store, "a mark names a hub that never was");
                else
                        mark_write(store, keeper, hub, request->marks[i].domain, request->marks[i].sequence);
        }
}

void store_start(SimulatedStore *store, const StoreRequest *request, StoreReport *report) {
        int index = simulated_store_hub(store, request->hub);

        if (request->again && (index < 0 || !uuid_equal(store->hubs[index].process, request->process))) {
                report->result = STORE_FENCED;
                return;
        }
        if (index < 0) {
                assert(store->hub_count < SIMULATED_HUBS);
                index = store->hub_count++;
                store->hubs[index].name = text_copy(store->arena, request->hub);
        }
        StoredHub *hub = &store->hubs[index];
        hub->epoch++;
        hub->process = request->process;
        hub->released = hub->unsent = false;
        hub->low_water = (Uuid){ 0 };
        if (!text_equal(hub->domains, request->domains))
                hub->domains = text_copy(store->arena, request->domains);
        report->epoch = hub->epoch;
        report_estates(store, (Estates){ .keeper = index, .from = -1 }, report);
}

static void check_low_water(SimulatedStore *store, const StoreRequest *request, int keeper) {
        if (uuid_is_zero(request->low_water))
                return;
        store->hubs[keeper].low_water = request->low_water;
        for (int i = 0; i < store->hub_count; i++)
                for (size_t k = store->hubs[i].closed; k < store->hubs[i].accepted_count; k++) {
                        const StoredMessage *message = store->hubs[i].accepted[k];
                        if (is_among(store, message, (Estates){ .keeper = keeper, .from = -1 }) &&
                            uuid_compare(message->accepted.id, request->low_water) < 0)
                                store_violated(store, "an open message is older than its hub's low water");
                }
}

static void report_leases(SimulatedStore *store, StoreReport *report) {
        report->leases = arena_take_array(report->arena, Lease, (size_t) store->hub_count);
        assert(report->leases);
        for (int i = 0; i < store->hub_count; i++) {
                const StoredHub *each = &store->hubs[i];
                size_t open = count_open(store, (Estates){ .keeper = i, .from = -1 });
                report->leases[report->lease_count++] = (Lease){
                        .hub = text_copy(report->arena, each->name),
                        .epoch = each->epoch,
                        .beats = each->beats,
                        .domains = text_copy(report->arena, each->domains),
                        .released = each->released,
                        .has_open = each->released && (open > 0 || each->unsent),
                };
        }
}

void store_beat(SimulatedStore *store, const StoreRequest *request, int hub, StoreReport *report) {
        store->hubs[hub].beats++;
        marks_write(store, request, hub);
        check_low_water(store, request, hub);
        report_leases(store, report);
}

static size_t first_after(const StoredHub *hub, int64_t after) {
        size_t low = 0, high = hub->concluded_count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                if (hub->concluded[middle]->concluded->sequence > after)
                        high = middle;
                else
                        low = middle + 1;
        }
        return low;
}

/* The first answer that is its keeper's to send and that the mark leaves out. */
static int64_t first_missing(const SimulatedStore *store, const StoredMark *mark) {
        const StoredHub *hub = &store->hubs[mark->hub];

        for (size_t i = first_after(hub, mark->sequence); i < hub->concluded_count; i++)
                if (simulated_store_owner(store, mark->hub, hub->concluded[i]->concluded->sequence) == mark->keeper)
                        return hub->concluded[i]->concluded->sequence;
        return INT64_MAX;
}

/* Two marks about different answers of one hub become one, which leaves out whatever either of them does. */
static int64_t marks_meet(const SimulatedStore *store, const StoredMark *mark, const StoredMark *held) {
        int64_t missing = first_missing(store, mark), later = mark->sequence;

        if (!held)
                return mark->sequence;
        if (first_missing(store, held) < missing)
                missing = first_missing(store, held);
        if (held->sequence > later)
                later = held->sequence;
        return missing < INT64_MAX ? missing - 1 : later;
}

/* The marks of those that `other` was heir of move to the heir; its own are copied, since it may come back. */
static void inherit_marks(SimulatedStore *store, int other, int heir) {
        size_t kept = 0;

        for (size_t i = 0, count = store->mark_count; i < count; i++) {
                StoredMark mark = store->marks[i];
                if (mark.keeper == other)
                        mark_write(store, heir, mark.hub, mark.domain,
                                   marks_meet(store, &mark, mark_find(store, heir, mark.hub, mark.domain)));
        }
        for (size_t i = 0; i < store->mark_count; i++)
                if (store->marks[i].keeper != other || store->marks[i].hub == other)
                        store->marks[kept++] = store->marks[i];
        store->mark_count = kept;
}

/* Everything of `other` up to its present epoch, and what `other` was heir of, goes to the heir. */
static void inherit(SimulatedStore *store, int other, int heir) {
        StoredHub *hub = &store->hubs[other];
        int64_t after = 0;

        inherit_marks(store, other, heir); /* while it can still be told whose answers each is about */
        for (int i = 0; i < store->hub_count; i++)
                for (size_t k = 0; k < store->hubs[i].estate_count; k++) {
                        Estate *estate = &store->hubs[i].estates[k];
                        if (estate->heir == other)
                                *estate = (Estate){ estate->after, estate->upto, heir, other, hub->epoch };
                }
        for (size_t k = 0; k < hub->estate_count; k++)
                after = hub->estates[k].upto > after ? hub->estates[k].upto : after;
        hub->estates = table_grow(store->arena, hub->estates, sizeof(Estate), hub->estate_count, &hub->estate_capacity);
        hub->estates[hub->estate_count++] = (Estate){ after, hub->epoch, heir, other, hub->epoch };
}

void store_take_over(SimulatedStore *store, const StoreRequest *request, int hub, StoreReport *report) {
        int other = simulated_store_hub(store, request->other);

        if (other < 0 || other == hub) {
                store_violated(store, "a hub wants to inherit from itself or from nobody");
                report->result = STORE_FENCED;
                return;
        }
        StoredHub *taken = &store->hubs[other];
        /* Asked again because the reply was lost: what this hub took is still its own. */
        const Estate *last = taken->estate_count > 0 ? &taken->estates[taken->estate_count - 1] : NULL;
        bool again = last && taken->released && last->upto == request->other_epoch && last->heir == hub &&
                     last->from == other;
        if (taken->epoch != request->other_epoch && !again) {
                report->result = STORE_FENCED;
                return;
        }
        if (!again) {
                inherit(store, other, hub);
                taken->epoch++;
                taken->released = true;
                taken->unsent = false;
        }
        report->taken = true;
        report_estates(store, (Estates){ hub, other, request->other_epoch }, report);
}

static void unsent_copy(Arena *arena, const StoredMessage *message, ConcludedRecord *ret_unsent) {
        const ReplyTo *reply_to = &message->accepted.reply_to;

        *ret_unsent = *message->concluded;
        ret_unsent->answer = text_copy(arena, message->concluded->answer);
        ret_unsent->explanation = text_copy(arena, message->concluded->explanation);
        ret_unsent->worker = TEXT_NONE;
        ret_unsent->tools = TEXT_NONE;
        ret_unsent->sender = text_copy(arena, message->accepted.sender);
        ret_unsent->reply_to = (ReplyTo){ reply_to->door, text_copy(arena, reply_to->agent),
                                          text_copy(arena, reply_to->address), text_copy(arena, reply_to->thread),
                                          text_copy(arena, reply_to->stanza_id) };
}

static Text domain_of(Text jid) {
        Text local;

        return text_split(&jid, '@', &local) && jid.length > 0 ? jid : local;
}

void store_read_unsent(SimulatedStore *store, const StoreRequest *request, int hub, StoreReport *report) {
        report->read_to = request->after;
        report->unsent = arena_take_array(report->arena, ConcludedRecord,
                                          uuid_is_zero(request->message_id) ? (size_t) request->limit : 1);
        assert(report->unsent);
        if (!uuid_is_zero(request->message_id)) {
                const StoredMessage *message = simulated_store_find(store, request->message_id);
                if (message && message->concluded)
                        unsent_copy(report->arena, message, &report->unsent[report->unsent_count++]);
                return;
        }
        int other = simulated_store_hub(store, request->other);
        if (other < 0)
                return;
        const StoredHub *stored = &store->hubs[other];
        int64_t bytes = 0;
        for (size_t i = first_after(stored, request->after); i < stored->concluded_count; i++) {
                const StoredMessage *message = stored->concluded[i];
                if (simulated_store_owner(store, other, message->concluded->sequence) != hub)
                        continue;
                if (report->unsent_count == (size_t) request->limit ||
                    (report->unsent_count && bytes >= request->limit_bytes)) {
                        report->more = true;
                        return;
                }
                report->read_to = message->concluded->sequence;
                if (!text_equal(domain_of(message->accepted.reply_to.agent), request->domain))
                        continue;
                bytes += (int64_t) (message->concluded->answer.length + message->concluded->explanation.length);
                unsent_copy(report->arena, message, &report->unsent[report->unsent_count++]);
        }
}

void store_release(SimulatedStore *store, const StoreRequest *request, int hub, StoreReport *report) {
        marks_write(store, request, hub);
        store->hubs[hub].released = true;
        store->hubs[hub].unsent = request->unsent;
        report_leases(store, report);
}
