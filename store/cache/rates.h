/* Rates and levels shared between hubs: what each let through of a limit, and what it holds of others at the moment, go
 * into two streams in Redis, which all the others read. Not a counter, and never the only copy: each hub keeps its own
 * buckets and gauges, and what is lost here was lost for a second.
 *
 * One RateStream a thread; calls block for half a second at most. Every failure is FAILURE_UNAVAILABLE.
 */
#pragma once

#include "base/failure.h"
#include "base/level.h"

typedef struct RateDelta {
        Uuid limit;
        int64_t amount;
} RateDelta;

typedef struct RateStream RateStream;

/* Connects at the first call. FAILURE_INVALID when the address does not read. */
bool rate_stream_new(const char *address, const char *password, RateStream **ret_stream,
                     Failure *reterr_failure) _must_check_;
void rate_stream_free(RateStream *stream);
DEFINE_RELEASE(RateStream *, rate_stream_free)

/* By which a hub's entries are known. */
Uuid rate_stream_own(const RateStream *stream);

bool rate_stream_send(RateStream *stream, const RateDelta *deltas, size_t count, Failure *reterr_failure) _must_check_;
/* All that this hub holds: in the place of what it said before, also when it is nothing. */
bool rate_stream_send_levels(RateStream *stream, const Level *levels, size_t count,
                             Failure *reterr_failure) _must_check_;

typedef struct RatesHeard {
        RateDelta *deltas; /* of others */
        size_t delta_count;
        HubLevels *levels; /* in order, also this hub's own */
        size_t level_count;
} RatesHeard;

/* What others hold by now is history when it is asked for next: those that live say it again. */
void rate_stream_skip_levels(RateStream *stream);
/* What was sent since the last call, or since the connection stands; in the arena, at most what fits there. */
bool rate_stream_receive(RateStream *stream, Arena *arena, RatesHeard *ret_heard, Failure *reterr_failure) _must_check_;
