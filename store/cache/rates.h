/* Rates shared between hubs: what each let through of a limit goes into one stream in Redis, which all the others read.
 * Not a counter, and never the only copy: each hub keeps its own buckets, and what is lost here was lost for a second.
 *
 * One RateStream a thread; calls block for half a second at most. Every failure is FAILURE_UNAVAILABLE.
 */
#pragma once

#include "base/failure.h"
#include "base/uuid.h"

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

bool rate_stream_send(RateStream *stream, const RateDelta *deltas, size_t count, Failure *reterr_failure) _must_check_;
/* What others have sent since the last call, or since the connection stands; in the arena, at most what fits there. */
bool rate_stream_receive(RateStream *stream, Arena *arena, RateDelta **ret_deltas, size_t *ret_count,
                         Failure *reterr_failure) _must_check_;
