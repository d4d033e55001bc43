/* The sharer: tells the other hubs once a second what this one let through of each rate, and brings back what they did
 * (store/cache/rates.h). Not where a rate is decided: that is the hub thread's, from its own buckets.
 *
 * A thread of its own, which may block; sharer_give() from the hub thread, never blocks.
 */
#pragma once

#include "base/queue.h"
#include "store/cache/rates.h"

typedef struct Sharer Sharer;

/* The inbox gets a NOTE_RATES whenever there is something of the others, or the cache goes away or comes back. Takes
 * the stream over. */
Sharer *sharer_start(RateStream *stream, Queue *inbox);
/* What was let through since the last call. hubs: how many live; while there is one, nobody is told anything. */
void sharer_give(Sharer *sharer, const RateDelta *deltas, size_t count, int32_t hubs);
/* Stops its thread. */
void sharer_free(Sharer *sharer);
