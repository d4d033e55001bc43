/* Worker threads: each runs one turn at a time and blocks as it pleases. A turn reaches the hub thread through its
 * inbox and is reached by number; what it may touch is its World, made in world.c. Operations have threads of their
 * own, at the desk.
 *
 * Everything here belongs to the hub thread; nothing but workers_free() blocks.
 */
#pragma once

#include "component/inbox.h"
#include "component/world.h"

typedef struct Workers Workers;

/* The core numbers turns by slot in the low bits. */
#define WORKERS_SLOT_MASK 0xffff

typedef struct WorkersSettings {
        int32_t turns; /* threads */
        const char *pool;
        Queue *inbox;
        const WorldSettings *world;
} WorkersSettings;

Workers *workers_new(const WorkersSettings *settings);
/* Handed over with the next workers_flush(), so that a batch costs one wake-up. */
void workers_turn(Workers *workers, uint64_t turn, const TurnInput *input);
void workers_flush(Workers *workers);
void workers_step_done(Workers *workers, uint64_t turn, const Failure *failure);
void workers_stop_turn(Workers *workers, uint64_t turn);

/* One row for each thread; in the arena. */
bool workers_snapshot(Workers *workers, Arena *arena, Snapshot *snapshot) _must_check_;
/* Stops every turn and waits for the threads. */
void workers_free(Workers *workers);
DEFINE_RELEASE(Workers *, workers_free)
