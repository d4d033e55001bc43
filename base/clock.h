/* Two clocks, in microseconds: monotonic for deadlines, rates and leases, wall (Unix time, UTC) for ids and records.
 * Code that decides is handed a Moment and never asks the system itself, so that the simulator can hold the clock.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <time.h>

typedef struct Moment {
        int64_t monotonic_us;
        int64_t wall_us;
} Moment;

#define MILLISECONDS INT64_C(1000)    /* in microseconds */
#define SECONDS      INT64_C(1000000) /* in microseconds */

Moment clock_now(void);
/* For waiting on a condition until a moment of the monotonic clock. */
struct timespec clock_timespec(int64_t monotonic_us);
void clock_condition_init(pthread_cond_t *condition);

#define CLOCK_STRING_SIZE 28
/* RFC 3339 in UTC with milliseconds: 2026-11-20T08:15:30.123Z; the form of XEP-0082. */
void clock_format(int64_t wall_us, char ret_string[static CLOCK_STRING_SIZE]);
