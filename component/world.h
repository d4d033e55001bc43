/* The World of a worker thread: what a turn sees of the database, the models and the hub, each call blocking the
 * thread. Versions are kept in memory by id, since they never change.
 *
 * world_settings is shared and constant; a WorkerWorld belongs to one thread.
 */
#pragma once

#include "base/queue.h"
#include "component/settings.h"
#include "orchestrator/world.h"
#include "store/database.h"
#include "store/keyring.h"

#include <pthread.h>

typedef struct Versions Versions;

typedef struct WorldSettings {
        Database *database;
        Keyring *keyring;
        Versions *versions;
        Queue *inbox;
} WorldSettings;

/* Where the hub thread reaches a running turn. */
typedef struct TurnControl {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        uint64_t turn; /* that runs here; 0 = none */
        bool stopped, step_done;
        bool closed; /* the hub stops: steps fail at once */
        Failure step_failure;
} TurnControl;

typedef struct WorkerWorld {
        World world; /* first */
        const WorldSettings *settings;
        TurnControl *control;
        uint64_t turn;
        Version *version; /* held for the turn */
} WorkerWorld;

WorkerWorld worker_world(const WorldSettings *settings, TurnControl *control, uint64_t turn);
/* Gives back what the turn held. */
void worker_world_release(WorkerWorld *world);

Versions *versions_new(void);
void versions_free(Versions *versions);
