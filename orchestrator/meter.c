#include "base/map.h"
#include "orchestrator/pipeline.h"

#define METER_CAPACITY 65536

typedef struct Bucket {
        double tokens;
        int64_t refilled_us;
        char key[];
} Bucket;

struct Meter {
        Rate sender_rate, domain_rate;
        char *domains;
        Map *senders, *remotes;
};

Meter *meter_new(Rate sender_rate, Rate domain_rate, const char *domains) {
        Meter *meter = memory_new(sizeof(*meter));

        *meter = (Meter){ sender_rate, domain_rate, memory_string(domains), map_new(64), map_new(16) };
        return meter;
}

static double bucket_refill(Bucket *bucket, Rate rate, int64_t now_us) {
        if (now_us > bucket->refilled_us)
                bucket->tokens += (double) (now_us - bucket->refilled_us) * rate.per_minute / (60.0 * SECONDS);
        if (bucket->tokens > rate.burst)
                bucket->tokens = rate.burst;
        bucket->refilled_us = now_us;
        return bucket->tokens;
}

/* A bucket that has filled up again says no more than one that isn't there. */
static void buckets_sweep(Map *buckets, Rate rate, int64_t now_us) {
        Bucket *bucket;
        for (size_t i = 0; (bucket = map_each(buckets, &i));)
                if (bucket_refill(bucket, rate, now_us) >= rate.burst) {
                        map_remove(buckets, text_of(bucket->key));
                        free(bucket);
                }
}

static Bucket *bucket_of(Map *buckets, Rate rate, Text key, int64_t now_us) {
        Bucket *bucket = map_get(buckets, key);

        if (bucket)
                return bucket;
        if (map_count(buckets) >= METER_CAPACITY)
                buckets_sweep(buckets, rate, now_us);
        if (map_count(buckets) >= METER_CAPACITY)
                return NULL;
        bucket = memory_new(sizeof(*bucket) + key.length + 1);
        memcpy(bucket->key, key.bytes, key.length);
        bucket->tokens = rate.burst;
        bucket->refilled_us = now_us;
        map_put(buckets, text_of(bucket->key), bucket);
        return bucket;
}

static bool bucket_take(Bucket *bucket, Rate rate, int64_t now_us, int64_t *ret_opens_us) {
        if (bucket_refill(bucket, rate, now_us) >= 1) {
                bucket->tokens -= 1;
                return true;
        }
        *ret_opens_us = now_us + (int64_t) ((1 - bucket->tokens) * 60.0 * SECONDS / rate.per_minute);
        return false;
}

/* Ours is a domain that one of the component's lies below: its people come over no s2s stream. */
static bool domain_is_local(const Meter *meter, Text domain) {
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

bool meter_take(Meter *meter, const Jid *from, int64_t monotonic_us, int64_t *ret_opens_us) {
        *ret_opens_us = 0;
        if (meter->domain_rate.per_minute && !domain_is_local(meter, from->domain)) {
                Bucket *bucket = bucket_of(meter->remotes, meter->domain_rate, from->domain, monotonic_us);
                if (!bucket || !bucket_take(bucket, meter->domain_rate, monotonic_us, ret_opens_us))
                        return false;
        }
        if (!meter->sender_rate.per_minute)
                return true;
        Bucket *bucket = bucket_of(meter->senders, meter->sender_rate, from->bare, monotonic_us);
        return bucket && bucket_take(bucket, meter->sender_rate, monotonic_us, ret_opens_us);
}

void meter_free(Meter *meter) {
        Bucket *bucket;
        for (size_t i = 0; (bucket = map_each(meter->senders, &i));)
                free(bucket);
        for (size_t i = 0; (bucket = map_each(meter->remotes, &i));)
                free(bucket);
        map_free(meter->senders);
        map_free(meter->remotes);
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
