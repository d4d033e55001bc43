/* The sharer: tells the other hubs what this one let through of each rate and what it holds of what may be at the same
 * time, and brings back what they did and do (store/cache/rates.h, orchestrator/governance/levels.h). Not where that is
 * decided: that is the hub thread's, from its own buckets and gauges.
 *
 * A thread of its own, which may block; sharer_give() and sharer_hold() from the hub thread, never block.
 */
#pragma once

#include "base/level.h"
#include "base/queue.h"
#include "store/cache/rates.h"

typedef struct Sharer Sharer;

/* The inbox gets a NOTE_RATES whenever there is something of the others, or the cache goes away or comes back. Takes
 * the stream over. */
Sharer *sharer_start(RateStream *stream, Queue *inbox);
/* What was let through since the last call. hubs: how many live; while there is one, nobody is told anything. */
void sharer_give(Sharer *sharer, const RateDelta *deltas, size_t count, int32_t hubs);
/* All that this hub holds at the moment. Others forget what they have not heard of for five seconds. */
void sharer_hold(Sharer *sharer, const Level *levels, size_t count);
/* Stops its thread. */
void sharer_free(Sharer *sharer);
