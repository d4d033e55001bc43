#include "base/map.h"
#include "orchestrator/pipeline.h"

#define METER_CAPACITY 65536
#define SWEEP_US       SECONDS

typedef struct Bucket {
        double tokens;
        int64_t refilled_us;
        char key[];
} Bucket;

typedef struct Buckets {
        Rate rate;
        Map *by_key;
        Bucket *rest; /* shared by those for whom there is no room */
        int64_t swept_us;
} Buckets;

struct Meter {
        char *domains;
        Buckets senders; /* by bare JID */
        Buckets crowds;  /* by domain: senders for whom there is no room; ours and the others' apart */
        Buckets locals;
        Buckets remotes; /* by domain */
};

static Bucket *bucket_new(Rate rate, Text key, int64_t now_us) {
        Bucket *bucket = memory_new(sizeof(*bucket) + key.length + 1);

        if (key.length)
                memcpy(bucket->key, key.bytes, key.length);
        bucket->tokens = rate.burst;
        bucket->refilled_us = now_us;
        return bucket;
}

static Buckets buckets_of(Rate rate) {
        return (Buckets){ .rate = rate, .by_key = map_new(16), .rest = bucket_new(rate, TEXT_NONE, INT64_MIN) };
}

Meter *meter_new(Rate sender_rate, Rate domain_rate, const char *domains) {
        Meter *meter = memory_new(sizeof(*meter));

        *meter = (Meter){ memory_string(domains), buckets_of(sender_rate), buckets_of(sender_rate),
                          buckets_of(sender_rate), buckets_of(domain_rate) };
        return meter;
}

/* A clock that went back refills nothing, then and later. */
static double bucket_refill(Bucket *bucket, Rate rate, int64_t now_us) {
        if (now_us <= bucket->refilled_us)
                return bucket->tokens;
        if (bucket->refilled_us != INT64_MIN)
                bucket->tokens += (double) (now_us - bucket->refilled_us) * rate.per_minute / (60.0 * SECONDS);
        if (bucket->tokens > rate.burst)
                bucket->tokens = rate.burst;
        bucket->refilled_us = now_us;
        return bucket->tokens;
}

/* A bucket that has filled up again says no more than one that isn't there. Looked for now and then, not for everyone
 * who finds no room. */
static void buckets_sweep(Buckets *buckets, int64_t now_us) {
        Bucket *bucket;

        if (now_us - buckets->swept_us < SWEEP_US)
                return;
        buckets->swept_us = now_us;
        for (size_t i = 0; (bucket = map_each(buckets->by_key, &i));)
                if (bucket_refill(bucket, buckets->rate, now_us) >= buckets->rate.burst) {
                        map_remove(buckets->by_key, text_of(bucket->key));
                        free(bucket);
                }
}

/* NULL: there is no room for another. */
static Bucket *bucket_of(Buckets *buckets, Text key, int64_t now_us) {
        Bucket *bucket = map_get(buckets->by_key, key);

        if (bucket)
                return bucket;
        if (map_count(buckets->by_key) >= METER_CAPACITY)
                buckets_sweep(buckets, now_us);
        if (map_count(buckets->by_key) >= METER_CAPACITY)
                return NULL;
        bucket = bucket_new(buckets->rate, key, now_us);
        map_put(buckets->by_key, text_of(bucket->key), bucket);
        return bucket;
}

static Bucket *bucket_or_rest(Buckets *buckets, Text key, int64_t now_us) {
        Bucket *bucket = bucket_of(buckets, key, now_us);
        return bucket ? bucket : buckets->rest;
}

/* Whether there is something in it, and if not, when there will be. */
static bool bucket_opens(Bucket *bucket, Rate rate, int64_t now_us, int64_t *opens_us) {
        if (!bucket || bucket_refill(bucket, rate, now_us) >= 1)
                return true;
        int64_t at_us = now_us + (int64_t) ((1 - bucket->tokens) * 60.0 * SECONDS / rate.per_minute) + 1;
        if (at_us > *opens_us)
                *opens_us = at_us;
        return false;
}

/* Ours is a domain that one of the component's lies below: its people come over no s2s stream. */
bool meter_is_local(const Meter *meter, Text domain) {
        Text rest = text_of(meter->domains), each;
        while (text_split(&rest, ' ', &each)) {
                if (text_equal(each, domain))
                        return true;
                if (each.length > domain.length && each.bytes[each.length - domain.length - 1] == '.' &&
                    memcmp(each.bytes + each.length - domain.length, domain.bytes, domain.length) == 0)
                        return true;
        }
        return false;
}

/* Taken from both or from neither: who writes too fast uses up nothing of the others of its domain. */
bool meter_take(Meter *meter, const Jid *from, int64_t monotonic_us, int64_t *ret_opens_us) {
        bool local = meter_is_local(meter, from->domain);
        Rate sender_rate = meter->senders.rate, domain_rate = meter->remotes.rate;
        Bucket *sender = NULL, *domain = NULL;

        *ret_opens_us = 0;
        if (sender_rate.per_minute)
                sender = bucket_of(&meter->senders, from->bare, monotonic_us);
        if (sender_rate.per_minute && !sender)
                sender = bucket_or_rest(local ? &meter->locals : &meter->crowds, from->domain, monotonic_us);
        if (domain_rate.per_minute && !local)
                domain = bucket_or_rest(&meter->remotes, from->domain, monotonic_us);
        bool open = bucket_opens(sender, sender_rate, monotonic_us, ret_opens_us);
        if (!bucket_opens(domain, domain_rate, monotonic_us, ret_opens_us) || !open)
                return false;
        if (sender)
                sender->tokens -= 1;
        if (domain)
                domain->tokens -= 1;
        return true;
}

void meter_free(Meter *meter) {
        Buckets *all[] = { &meter->senders, &meter->crowds, &meter->locals, &meter->remotes };
        Bucket *bucket;

        for (size_t i = 0; i < COUNT_OF(all); i++) {
                for (size_t k = 0; (bucket = map_each(all[i]->by_key, &k));)
                        free(bucket);
                map_free(all[i]->by_key);
                free(all[i]->rest);
        }
        free(meter->domains);
        free(meter);
}

/* Before anything is looked up: whoever writes too fast learns nothing but that. */
bool stage_meter(Admission *admission, Failure *ret_refusal) {
        int64_t opens_us;

        if (meter_take(admission->meter, &admission->arrival->from, admission->now.monotonic_us, &opens_us))
                return true;
        return failure_set(ret_refusal, FAILURE_LIMIT, "You are writing too fast. Try again in %lld seconds.",
                           (long long) ((opens_us - admission->now.monotonic_us) / SECONDS + 1));
}
