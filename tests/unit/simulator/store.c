#include "tests/unit/simulator/store_tables.h"

#include <assert.h>

SimulatedStore *simulated_store_new(void) {
        SimulatedStore *store = memory_new(sizeof(*store));

        store->arena = arena_new(SIZE_MAX);
        store->by_id = map_new(1024);
        store->by_key = map_new(1024);
        return store;
}

void simulated_store_watch(SimulatedStore *store, const StoreWatcher *watcher) {
        store->watcher = *watcher;
}

void simulated_store_refuse(SimulatedStore *store, Text beginning) {
        store->refused = text_copy(store->arena, beginning);
}

void simulated_store_free(SimulatedStore *store) {
        map_free(store->by_id);
        map_free(store->by_key);
        arena_free(store->arena);
        free(store);
}

void store_violated(SimulatedStore *store, const char *sentence) {
        if (store->watcher.violated)
                store->watcher.violated(store->watcher.self, sentence);
}

void *table_grow(Arena *arena, void *items, size_t size, size_t count, size_t *capacity) {
        if (count < *capacity)
                return items;
        *capacity = *capacity ? *capacity * 2 : 4;
        void *grown = arena_take_items(arena, size, *capacity);
        assert(grown);
        if (count > 0)
                memcpy(grown, items, size * count);
        return grown;
}

StoredMessage *simulated_store_find(const SimulatedStore *store, Uuid id) {
        return map_get(store->by_id, MAP_KEY(id));
}

size_t simulated_store_count(const SimulatedStore *store) {
        return store->message_count;
}

StoredMessage *simulated_store_at(const SimulatedStore *store, size_t index) {
        return store->messages[index];
}

size_t simulated_store_cancelled_count(const SimulatedStore *store) {
        return store->cancelled_count;
}

const CancelledRecord *simulated_store_cancelled(const SimulatedStore *store, size_t index) {
        return &store->cancelled[index];
}

int simulated_store_hub(const SimulatedStore *store, Text name) {
        for (int i = 0; i < store->hub_count; i++)
                if (text_equal(store->hubs[i].name, name))
                        return i;
        return -1;
}

int64_t simulated_store_epoch(const SimulatedStore *store, int hub) {
        return store->hubs[hub].epoch;
}

Uuid simulated_store_process(const SimulatedStore *store, int hub) {
        return store->hubs[hub].process;
}

static void run_request(SimulatedStore *store, const StoreRequest *request, int64_t wall_us, StoreReport *report) {
        if (request->kind == STORE_START) {
                store_start(store, request, report);
                return;
        }
        int hub = simulated_store_hub(store, request->hub);
        if (hub < 0 || store->hubs[hub].epoch != request->epoch) {
                report->result = STORE_FENCED;
                return;
        }
        switch (request->kind) {
        case STORE_COMMIT:
                store_commit(store, request, hub, wall_us, report);
                break;
        case STORE_BEAT:
                store_beat(store, request, hub, report);
                break;
        case STORE_TAKE_OVER:
                store_take_over(store, request, hub, report);
                break;
        case STORE_READ_UNSENT:
                store_read_unsent(store, request, hub, report);
                break;
        case STORE_RELEASE:
                store_release(store, request, hub, report);
                break;
        case STORE_START:
                break;
        }
}

static StoreReport *report_new(const StoreRequest *request) {
        Arena *arena = arena_new(SIZE_MAX);
        StoreReport *report = arena_take(arena, sizeof(*report));

        assert(report);
        report->arena = arena;
        report->kind = request->kind;
        report->number = request->number;
        return report;
}

/* What happened stays in the store; the hub learns nothing of it. */
static StoreReport *report_unavailable(const StoreRequest *request) {
        StoreReport *report = report_new(request);

        report->result = STORE_UNAVAILABLE;
        failure_set(&report->failure, FAILURE_UNAVAILABLE, "The simulated database is away.");
        return report;
}

StoreReport *simulated_store_run(SimulatedStore *store, const StoreRequest *request, StoreFault fault,
                                 int64_t wall_us) {
        if (fault == STORE_FAULT_NOT_REACHED)
                return report_unavailable(request);
        StoreReport *report = report_new(request);
        bool writes = request->kind != STORE_READ_UNSENT;
        if (fault == STORE_FAULT_FULL && writes) {
                report->result = STORE_FULL;
                failure_set(&report->failure, FAILURE_UNAVAILABLE, "The simulated disk is full.");
                return report;
        }
        run_request(store, request, wall_us, report);
        if (fault != STORE_FAULT_REPLY_LOST)
                return report;
        arena_free(report->arena);
        return report_unavailable(request);
}
