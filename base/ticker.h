/* A ticker: a thread of its own that does a round every so often, for as long as it is not stopped. Not a clock, and
 * not for what must be told when there is something to do: that is a queue (base/queue.h).
 *
 * Rounds run on the ticker's thread, one after the other, and may block; each begins one pause after the one before has
 * ended, the first one pause after the start.
 */
#pragma once

#include <stdint.h>

typedef struct Ticker Ticker;

Ticker *ticker_start(int64_t pause_us, void (*round)(void *argument), void *argument);
/* Waits for the round that is under way, if any. NULL: nothing to stop. */
void ticker_stop(Ticker *ticker);
