/* Recurrence: of events that repeat, the first is to be recorded at once, then at most one a minute with how many there
 * were. Bounded: when too many different ones repeat at a time, the oldest is forgotten. Not a limit: nothing is
 * refused.
 *
 * Any thread; never blocks beyond a short lock.
 */
#pragma once

#include "base/text.h"

typedef struct Recurrence Recurrence;

Recurrence *recurrence_new(size_t capacity);
/* Counts one event. True: record it now; *ret_count says how many it stands for. */
bool recurrence_count(Recurrence *recurrence, Text event, int64_t monotonic_us, int64_t *ret_count);
void recurrence_free(Recurrence *recurrence);
DEFINE_RELEASE(Recurrence *, recurrence_free)
