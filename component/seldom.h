/* Seldom: things that are to happen once in an interval for each key, and not again for whoever insists. Bounded: keys
 * share a fixed number of places, and one that loses its place may happen again early. Not a limit of anything that
 * costs.
 *
 * One thread at a time; never blocks.
 */
#pragma once

#include "base/text.h"

typedef struct Seldom Seldom;

Seldom *seldom_new(size_t places, int64_t interval_us);
/* True, and remembered: the time has come. The parts together are the key. */
bool seldom_now(Seldom *seldom, Text one, Text other, int64_t monotonic_us);
void seldom_free(Seldom *seldom);
DEFINE_RELEASE(Seldom *, seldom_free)
