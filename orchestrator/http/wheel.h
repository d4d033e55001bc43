/* A timer wheel: for each of thousands of transfers one moment at which it is to be looked at again. Putting and
 * removing cost the same however many there are. Coarse on purpose: an entry comes up to WHEEL_TICK late, never early.
 * Not a clock.
 *
 * Entries are the caller's and are linked in place. One thread; never blocks.
 */
#pragma once

#include "base/defer.h"

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK INT64_C(20000) /* microseconds */

typedef struct WheelEntry {
        struct WheelEntry *next, **link; /* link: what points here; NULL = in no wheel */
        int64_t due_us;
} WheelEntry;

typedef struct Wheel Wheel;

Wheel *wheel_new(int64_t now_us);
/* Puts it in, or moves it. */
void wheel_put(Wheel *wheel, WheelEntry *entry, int64_t due_us);
void wheel_remove(Wheel *wheel, WheelEntry *entry); /* also when it is not in */
/* Takes out one entry that is due; NULL when there is none. */
WheelEntry *wheel_take(Wheel *wheel, int64_t now_us);
/* When wheel_take() is worth calling again; INT64_MAX when the wheel is empty. */
int64_t wheel_next_us(const Wheel *wheel);
void wheel_free(Wheel *wheel);
DEFINE_RELEASE(Wheel *, wheel_free)
