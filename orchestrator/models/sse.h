/* Server-sent events: a push parser (WHATWG HTML §9.2.6) that takes bytes split anywhere, also within a line end or a
 * character, and calls back with each event. Not HTTP, and not the meaning of the data. Lines end with CR, LF or CRLF;
 * bytes that are not UTF-8 become U+FFFD, as the standard's decoder does; a line or an event longer than the limit is a
 * failure, and memory stays under it.
 *
 * One thread at a time; never blocks.
 */
#pragma once

#include "base/failure.h"

#define SSE_LINE_LIMIT (1024 * 1024) /* bytes of one line, and of one event's data */

typedef struct SseEvent {
        Text type; /* "message" when not named */
        Text data;
        Text id; /* the last one seen */
} SseEvent;

typedef struct SseParser SseParser;

/* event: called from sse_push(), its texts valid during the call; false stops the parser, quietly and for good. */
SseParser *sse_new(size_t limit, bool (*event)(void *listener, const SseEvent *event), void *listener);
/* False: FAILURE_TOO_LARGE, or stopped by event() (FAILURE_CANCELLED); every later push fails alike. */
bool sse_push(SseParser *parser, Text bytes, Failure *reterr_failure) _must_check_;
/* At the end of the stream an event without its empty line is dropped (§9.2.6), so there is nothing to finish. */
void sse_free(SseParser *parser);
DEFINE_RELEASE(SseParser *, sse_free)
