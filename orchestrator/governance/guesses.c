#include "orchestrator/governance/guesses.h"

#include "base/clock.h"
#include "base/jid.h"
#include "base/map.h"

#include <pthread.h>

#define CAPACITY 16384
#define SWEEP_US SECONDS

/* Tokens that come back with time. */
typedef struct Bucket {
        double tokens;
        int64_t refilled_us;
        char key[];
} Bucket;

typedef struct Bound {
        double burst, per_minute;
        Map *buckets;
        Bucket *rest; /* of those for whom there is no room */
        int64_t swept_us;
} Bound;

struct Guesses {
        pthread_mutex_t lock;
        Bound people, domains;
};

static Bucket *bucket_new(const Bound *bound, Text key, int64_t now_us) {
        Bucket *bucket = memory_new(sizeof(*bucket) + key.length + 1);
        if (key.length > 0)
                memcpy(bucket->key, key.bytes, key.length);
        bucket->tokens = bound->burst;
        bucket->refilled_us = now_us;
        return bucket;
}

static Bound bound_of(double burst, double per_minute) {
        Bound bound = { .burst = burst, .per_minute = per_minute, .buckets = map_new(16) };
        bound.rest = bucket_new(&bound, TEXT_NONE, 0);
        return bound;
}

Guesses *guesses_new(void) {
        Guesses *guesses = memory_new(sizeof(*guesses));
        pthread_mutex_init(&guesses->lock, NULL);
        guesses->people = bound_of(10, 1);
        guesses->domains = bound_of(100, 10);
        return guesses;
}

static void refill(const Bound *bound, Bucket *bucket, int64_t now_us) {
        if (now_us <= bucket->refilled_us)
                return;
        bucket->tokens += (double) (now_us - bucket->refilled_us) * bound->per_minute / (60.0 * SECONDS);
        if (bucket->tokens > bound->burst)
                bucket->tokens = bound->burst;
        bucket->refilled_us = now_us;
}

/* One that has filled up again says no more than one that isn't there. Looked for now and then, not for everyone who
 * finds no room. */
static void sweep(Bound *bound, int64_t now_us) {
        Bucket *bucket;
        if (now_us - bound->swept_us < SWEEP_US)
                return;
        bound->swept_us = now_us;
        for (size_t i = 0; (bucket = map_each(bound->buckets, &i));) {
                refill(bound, bucket, now_us);
                if (bucket->tokens >= bound->burst) {
                        map_remove(bound->buckets, text_of(bucket->key));
                        free(bucket);
                }
        }
}

static Bucket *bucket_of(Bound *bound, Text key, int64_t now_us) {
        Bucket *bucket = map_get(bound->buckets, key);
        if (!bucket && map_count(bound->buckets) >= CAPACITY)
                sweep(bound, now_us);
        if (!bucket && map_count(bound->buckets) < CAPACITY) {
                bucket = bucket_new(bound, key, now_us);
                map_put(bound->buckets, text_of(bucket->key), bucket);
        }
        bucket = bucket ? bucket : bound->rest;
        refill(bound, bucket, now_us);
        return bucket;
}

bool guesses_take(Guesses *guesses, Text principal, int64_t monotonic_us, Failure *reterr_failure) {
        pthread_mutex_lock(&guesses->lock);
        Bucket *person = bucket_of(&guesses->people, principal, monotonic_us);
        Bucket *domain = bucket_of(&guesses->domains, jid_domain(principal), monotonic_us);
        bool open = person->tokens >= 1 && domain->tokens >= 1;
        if (open) {
                person->tokens -= 1;
                domain->tokens -= 1;
        }
        pthread_mutex_unlock(&guesses->lock);
        return open ||
               failure_set(reterr_failure, FAILURE_LIMIT, "too much was tried from here: try again in a minute");
}

static void bound_free(Bound *bound) {
        Bucket *bucket;
        for (size_t i = 0; (bucket = map_each(bound->buckets, &i));)
                free(bucket);
        map_free(bound->buckets);
        free(bound->rest);
}

void guesses_free(Guesses *guesses) {
        if (!guesses)
                return;
        bound_free(&guesses->people);
        bound_free(&guesses->domains);
        pthread_mutex_destroy(&guesses->lock);
        free(guesses);
}
