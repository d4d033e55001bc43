/* The simulated store: the semantics that base/record.h gives each StoreRequest, over tables in memory shared by
 * several hubs. A request is carried out whole at the moment it is handed in, as a serializable transaction would be;
 * delays and who is away are the simulator's. It can lose a reply after writing, not write at all, be full, and refuse
 * a row. Not SQL: that PostgreSQL does the same is what the table of store cases shows for both.
 *
 * One thread; never blocks. Rows live until the store is freed; whoever gets a report frees its arena.
 */
#pragma once

#include "base/record.h"

#define SIMULATED_HUBS 16

typedef struct SimulatedStore SimulatedStore;

/* What goes wrong with one request. */
typedef enum StoreFault {
        STORE_FAULT_NONE,
        STORE_FAULT_REPLY_LOST,  /* carried out, reported as UNAVAILABLE */
        STORE_FAULT_NOT_REACHED, /* not carried out, reported as UNAVAILABLE */
        STORE_FAULT_FULL,        /* nothing can be written */
} StoreFault;

/* A message as it stands in the tables. */
typedef struct StoredMessage {
        AcceptedRecord accepted;
        int hub; /* whose row it is; see simulated_store_hub() */
        StepRecord *steps;
        int *step_hubs;
        size_t step_count, step_capacity;
        ConcludedRecord *concluded; /* NULL: open */
        int concluded_hub;
        bool cancelled;
        int32_t attempts;
        void *life; /* for whoever watches */
} StoredMessage;

/* The simulator watches what is written as it is written. */
typedef struct StoreWatcher {
        void *self;
        void (*accepted)(void *self, StoredMessage *message);
        void (*concluded)(void *self, StoredMessage *message);
        /* The store was asked for something that no correct hub asks for. */
        void (*violated)(void *self, const char *sentence);
} StoreWatcher;

SimulatedStore *simulated_store_new(void);
void simulated_store_watch(SimulatedStore *store, const StoreWatcher *watcher);
/* Texts that begin like this are bytes which the database refuses, in a body, an answer or a step. */
void simulated_store_refuse(SimulatedStore *store, Text beginning);
/* wall_us: the database's own clock. */
StoreReport *simulated_store_run(SimulatedStore *store, const StoreRequest *request, StoreFault fault, int64_t wall_us);
void simulated_store_free(SimulatedStore *store);
DEFINE_RELEASE(SimulatedStore *, simulated_store_free)

/* For those who watch. */
StoredMessage *simulated_store_find(const SimulatedStore *store, Uuid id);
size_t simulated_store_count(const SimulatedStore *store);
StoredMessage *simulated_store_at(const SimulatedStore *store, size_t index); /* in order of writing */
/* Requests to cancel, in order of writing. */
size_t simulated_store_cancelled_count(const SimulatedStore *store);
const CancelledRecord *simulated_store_cancelled(const SimulatedStore *store, size_t index);
int simulated_store_hub(const SimulatedStore *store, Text name); /* -1: never started */
int64_t simulated_store_epoch(const SimulatedStore *store, int hub);
Uuid simulated_store_process(const SimulatedStore *store, int hub);
/* Who has to finish what `hub` wrote with this sequence. */
int simulated_store_heir(const SimulatedStore *store, int hub, int64_t sequence); /* -1: nobody took it over */
int simulated_store_owner(const SimulatedStore *store, int hub, int64_t sequence);
