/* The simulator: several cores over one simulated store, XMPP servers, models, tools and people, in one thread and in
 * simulated time, all from one seed. Things crash, freeze, are lost and come late anywhere; what the design promises is
 * checked at every step and once more when all has settled. The same seed gives the same run.
 *
 * One run at a time in a process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct SimulatorOptions {
        int64_t messages; /* that people write in one run */
        bool print_trace; /* every event, to standard output */
        bool print_last;  /* when something was violated, the last of them */
        bool calm;        /* no faults */
} SimulatorOptions;

typedef struct SimulatorResult {
        int64_t lives; /* messages accepted and followed to their end */
        int64_t answered, refused, cancelled, failed, repeats;
        int64_t crashes, freezes, takeovers, breaks, model_calls, tool_calls, steps, commits, waits;
        int64_t simulated_us, events;
        uint64_t trace; /* the same for the same seed */
        int violations;
        int64_t violated_us;
        uint64_t violated_lines;
        char violation[400]; /* the first */
} SimulatorResult;

/* False: something that was promised did not hold. */
bool simulate(uint64_t seed, const SimulatorOptions *options, SimulatorResult *ret_result);
