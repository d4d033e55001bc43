/* The simulated store's tables: shared by the files that carry out requests, and by nothing else.
 *
 * One thread; the store owns all of it.
 */
#pragma once

#include "base/map.h"
#include "tests/unit/simulator/store.h"

/* A stretch of a hub's epochs that another hub became heir of. */
typedef struct Estate {
        int64_t after, upto; /* epochs: after < epoch <= upto */
        int heir;
        int from;           /* whom the heir took it from, last */
        int64_t from_epoch; /* and which epoch of theirs it ended */
} Estate;

typedef struct StoredMark {
        int keeper, hub;
        Text domain;
        int64_t sequence;
} StoredMark;

typedef struct StoredHub {
        Text name, domains;
        Uuid process;
        int64_t epoch, beats;
        Uuid low_water; /* as the hub said with its last beat: readers look no further down */
        bool released, unsent;
        Estate *estates;
        size_t estate_count, estate_capacity;
        StoredMessage **accepted;                         /* its rows, in order of sequence */
        size_t accepted_count, accepted_capacity, closed; /* none of the first `closed` is open */
        StoredMessage **concluded;
        size_t concluded_count, concluded_capacity;
        int64_t last_accepted, last_concluded;
} StoredHub;

typedef struct StoredKey {
        Hash key;
        StoredMessage *message;
        int64_t day;
} StoredKey;

struct SimulatedStore {
        Arena *arena; /* all rows */
        StoredHub hubs[SIMULATED_HUBS];
        int hub_count;
        StoredMessage **messages;
        size_t message_count, message_capacity;
        Map *by_id, *by_key;
        CancelledRecord *cancelled;
        size_t cancelled_count, cancelled_capacity;
        StoredMark *marks;
        size_t mark_count, mark_capacity;
        Text refused;
        StoreWatcher watcher;
};

#define STORE_DAY (INT64_C(86400) * SECONDS)

static inline int64_t sequence_epoch(int64_t sequence) {
        return sequence >> 40;
}

/* Room for one more item; the arena's old copy is left behind. */
void *table_grow(Arena *arena, void *items, size_t size, size_t count, size_t *capacity);

void store_commit(SimulatedStore *store, const StoreRequest *request, int hub, int64_t wall_us, StoreReport *report);
void store_start(SimulatedStore *store, const StoreRequest *request, StoreReport *report);
void store_beat(SimulatedStore *store, const StoreRequest *request, int hub, StoreReport *report);
void store_take_over(SimulatedStore *store, const StoreRequest *request, int hub, StoreReport *report);
void store_read_unsent(SimulatedStore *store, const StoreRequest *request, int hub, StoreReport *report);
void store_release(SimulatedStore *store, const StoreRequest *request, int hub, StoreReport *report);
void store_violated(SimulatedStore *store, const char *sentence);
