/* Random numbers of a run: SplitMix64, so that one seed gives one run on every machine. A stream per concern, forked
 * from the seed, keeps what is drawn for one thing from shifting everything else. Not for anything secret.
 *
 * Plain values; one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Random {
        uint64_t state;
} Random;

static inline uint64_t random_next(Random *random) {
        uint64_t z = (random->state += UINT64_C(0x9E3779B97F4A7C15));
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return z ^ (z >> 31);
}

static inline Random random_fork(Random *random, uint64_t purpose) {
        Random fork = { random_next(random) ^ (purpose * UINT64_C(0xD6E8FEB86659FD93)) };
        random_next(&fork);
        return fork;
}

/* From 0 to below. */
static inline uint64_t random_below(Random *random, uint64_t below) {
        return below < 2 ? 0 : (uint64_t) (((__uint128_t) random_next(random) * below) >> 64);
}

/* From first to last, both included. */
static inline int64_t random_between(Random *random, int64_t first, int64_t last) {
        return first + (int64_t) random_below(random, (uint64_t) (last - first) + 1);
}

static inline bool random_chance(Random *random, double probability) {
        return (double) (random_next(random) >> 11) * 0x1.0p-53 < probability;
}

/* Mostly short, at times long: the shape of real delays. Mean about `typical`, at most a hundred times that. */
static inline int64_t random_delay(Random *random, int64_t typical) {
        int64_t delay = random_between(random, typical / 4, typical * 5 / 4);
        if (random_chance(random, 0.02))
                delay *= random_between(random, 2, 80);
        return delay;
}
