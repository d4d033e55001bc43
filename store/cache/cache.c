#include "store/cache/cache.h"

#include "base/clock.h"
#include "base/map.h"
#include "store/cache/server.h"

#include <endian.h>

#define MEMORY_SECONDS 86400
#define RETRY_US       SECONDS

struct Cache {
        CacheServer server;
        int64_t memory_seconds;
        Keyring *keyring;
        redisContext *redis;
        int64_t retry_us; /* not asked before, monotonic */
};

bool cache_new(const CacheSettings *settings, Keyring *keyring, Cache **ret_cache, Failure *reterr_failure) {
        _cleanup_(cache_freep) Cache *cache = memory_new(sizeof(Cache));
        cache->keyring = keyring;
        cache->memory_seconds = settings->memory_seconds > 0 ? settings->memory_seconds : MEMORY_SECONDS;
        if (!cache_server_set(&cache->server, settings->address, settings->password, settings->patience_us,
                              reterr_failure))
                return false;
        *ret_cache = cache;
        cache = NULL;
        return true;
}

void cache_free(Cache *cache) {
        if (cache->redis)
                redisFree(cache->redis);
        cache_server_release(&cache->server);
        free(cache);
}

static bool away(Cache *cache) {
        if (cache->redis)
                redisFree(cache->redis);
        cache->redis = NULL;
        cache->retry_us = clock_now().monotonic_us + RETRY_US;
        return false;
}

/* Takes the next reply; its errors are failures. */
static bool take(Cache *cache, redisReply **ret_reply, Failure *reterr_failure) {
        return cache_take(cache->redis, ret_reply, reterr_failure) || away(cache);
}

static bool take_only(Cache *cache, Failure *reterr_failure) {
        _reply_ *reply = NULL;
        return take(cache, &reply, reterr_failure);
}

static bool connect_redis(Cache *cache, Failure *reterr_failure) {
        if (cache->redis)
                return true;
        if (clock_now().monotonic_us < cache->retry_us)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away");
        return cache_server_connect(&cache->server, &cache->redis, reterr_failure) || away(cache);
}

bool cache_ping(Cache *cache, Failure *reterr_failure) {
        if (!connect_redis(cache, reterr_failure))
                return false;
        redisAppendCommand(cache->redis, "PING");
        return take_only(cache, reterr_failure);
}

#define LANE_KEY_SIZE (5 + HASH_SIZE)

/* A digest, so that Redis knows nothing of who talks to whom. */
static Hash lane_hash(const CacheLane *lane) {
        int32_t conversation = (int32_t) htobe32((uint32_t) lane->conversation);
        const Text parts[] = { MAP_KEY(lane->tenant_id), MAP_KEY(lane->agent_id), MAP_KEY(lane->person_id),
                               lane->thread, MAP_KEY(conversation) };
        return crypto_sha256_parts(parts, COUNT_OF(parts));
}

static Text lane_key(const Hash *hash, char room[static LANE_KEY_SIZE]) {
        static const char prefix[5] = { 'l', 'a', 'n', 'e', ':' };

        memcpy(room, prefix, sizeof(prefix));
        memcpy(room + sizeof(prefix), hash->bytes, HASH_SIZE);
        return (Text){ room, LANE_KEY_SIZE };
}

typedef struct ExchangePlace {
        uint8_t id[HASH_SIZE + 16];
} ExchangePlace;

static SealPlace exchange_place(const Hash *lane, Uuid message_id, ExchangePlace *room) {
        memcpy(room->id, lane->bytes, HASH_SIZE);
        memcpy(room->id + HASH_SIZE, message_id.bytes, 16);
        return (SealPlace){ "cache", "exchange", { (const char *) room->id, sizeof(room->id) } };
}

/* Question with its length before it, then the answer; sealed; the key's id before the seal. */
static bool pack(Cache *cache, const CacheLane *lane, const Hash *hash, const CacheExchange *exchange, Arena *arena,
                 Text *ret_packed, Failure *reterr_failure) {
        uint32_t length = htobe32((uint32_t) exchange->question.length);
        size_t size = 4 + exchange->question.length + exchange->answer.length;
        ExchangePlace room;
        Text sealed;
        int key_id;
        char *plain = arena_take(arena, size);
        if (!plain)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "an exchange is too long to be remembered");
        memcpy(plain, &length, 4);
        if (exchange->question.length > 0)
                memcpy(plain + 4, exchange->question.bytes, exchange->question.length);
        if (exchange->answer.length > 0)
                memcpy(plain + 4 + exchange->question.length, exchange->answer.bytes, exchange->answer.length);
        if (!keyring_seal(cache->keyring, lane->tenant_id, exchange_place(hash, exchange->message_id, &room),
                          (Text){ plain, size }, arena, &sealed, &key_id, reterr_failure))
                return false;
        char *packed = arena_take(arena, 2 + sealed.length);
        if (!packed)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "an exchange is too long to be remembered");
        packed[0] = (char) (key_id >> 8);
        packed[1] = (char) key_id;
        memcpy(packed + 2, sealed.bytes, sealed.length);
        *ret_packed = (Text){ packed, 2 + sealed.length };
        return true;
}

static bool unpack(Cache *cache, const CacheLane *lane, const Hash *hash, Text packed, Arena *arena,
                   CacheExchange *exchange) {
        ExchangePlace room;
        Failure ignored;
        Text plain;
        uint32_t length;
        if (packed.length < 2)
                return false;
        int key_id = (uint8_t) packed.bytes[0] << 8 | (uint8_t) packed.bytes[1];
        if (!keyring_unseal(cache->keyring, lane->tenant_id, key_id, exchange_place(hash, exchange->message_id, &room),
                            (Text){ packed.bytes + 2, packed.length - 2 }, arena, &plain, &ignored) ||
            plain.length < 4)
                return false;
        memcpy(&length, plain.bytes, 4);
        length = be32toh(length);
        if (length > plain.length - 4)
                return false;
        exchange->question = (Text){ plain.bytes + 4, length };
        exchange->answer = (Text){ plain.bytes + 4 + length, plain.length - 4 - length };
        return true;
}

static int compare_replies(const void *a, const void *b) {
        return memcmp((*(redisReply *const *) a)->str, (*(redisReply *const *) b)->str, 16);
}

/* Of the ids that HKEYS lists, all but the newest `keep` go. */
static bool trim(Cache *cache, Text key, int keep, Failure *reterr_failure) {
        _reply_ *ids = NULL;
        redisAppendCommand(cache->redis, "HKEYS %b", key.bytes, key.length);
        if (!take(cache, &ids, reterr_failure))
                return false;
        if (ids->type != REDIS_REPLY_ARRAY || ids->elements <= (size_t) keep)
                return true;
        for (size_t i = 0; i < ids->elements; i++)
                if (ids->element[i]->len != 16)
                        return failure_set(reterr_failure, FAILURE_INTERNAL, "a lane in the cache is not ours");
        qsort(ids->element, ids->elements, sizeof(redisReply *), compare_replies);
        size_t old = ids->elements - (size_t) keep;
        for (size_t i = 0; i < old; i++)
                redisAppendCommand(cache->redis, "HDEL %b %b", key.bytes, key.length, ids->element[i]->str,
                                   (size_t) 16);
        for (size_t i = 0; i < old; i++)
                if (!take_only(cache, reterr_failure))
                        return false;
        return true;
}

bool cache_remember(Cache *cache, const CacheLane *lane, const CacheExchange *exchange, int keep,
                    Failure *reterr_failure) {
        _cleanup_(arena_freep)
                Arena *arena = arena_new(4096 + 4 * (exchange->question.length + exchange->answer.length));
        _reply_ *length = NULL;
        Hash hash = lane_hash(lane);
        char room[LANE_KEY_SIZE];
        Text key = lane_key(&hash, room), packed;
        if (!pack(cache, lane, &hash, exchange, arena, &packed, reterr_failure) ||
            !connect_redis(cache, reterr_failure))
                return false;
        redisAppendCommand(cache->redis, "SET memory:since %lld NX", (long long) (clock_now().wall_us / SECONDS));
        redisAppendCommand(cache->redis, "HSET %b %b %b", key.bytes, key.length, exchange->message_id.bytes,
                           (size_t) 16, packed.bytes, packed.length);
        redisAppendCommand(cache->redis, "EXPIRE %b %lld", key.bytes, key.length, (long long) cache->memory_seconds);
        redisAppendCommand(cache->redis, "HLEN %b", key.bytes, key.length);
        for (int i = 0; i < 3; i++)
                if (!take_only(cache, reterr_failure))
                        return false;
        if (!take(cache, &length, reterr_failure))
                return false;
        /* A few more than asked for cost less than trimming each time. */
        return length->integer <= keep + keep / 2 + 4 || trim(cache, key, keep, reterr_failure);
}

/* The server has kept everything since then; older exchanges have run out of their time. */
static bool is_complete(const Cache *cache, const redisReply *since) {
        int64_t seconds;
        return since->type == REDIS_REPLY_STRING && text_to_int64((Text){ since->str, since->len }, &seconds) &&
               seconds + cache->memory_seconds <= clock_now().wall_us / SECONDS;
}

typedef struct Found {
        Uuid id;
        Text packed;
} Found;

static int compare_found(const void *a, const void *b) {
        return uuid_compare(((const Found *) a)->id, ((const Found *) b)->id);
}

/* Those before `before`, in order of their ids, which is that of time. */
static size_t sort_found(const redisReply *lane, Uuid before, Found *found) {
        size_t count = 0;
        for (size_t i = 0; i + 1 < lane->elements; i += 2) {
                const redisReply *id = lane->element[i], *packed = lane->element[i + 1];
                if (id->len != 16 || memcmp(id->str, before.bytes, 16) >= 0)
                        continue;
                memcpy(found[count].id.bytes, id->str, 16);
                found[count++].packed = (Text){ packed->str, packed->len };
        }
        if (count > 0)
                qsort(found, count, sizeof(Found), compare_found);
        return count;
}

bool cache_recall(Cache *cache, const CacheLane *lane, Uuid before, int limit, Arena *arena,
                  CacheExchange **ret_exchanges, size_t *ret_count, bool *ret_complete, Failure *reterr_failure) {
        _reply_ *since = NULL, *fields = NULL;
        Hash hash = lane_hash(lane);
        char room[LANE_KEY_SIZE];
        Text key = lane_key(&hash, room);
        if (!connect_redis(cache, reterr_failure))
                return false;
        redisAppendCommand(cache->redis, "GET memory:since");
        redisAppendCommand(cache->redis, "HGETALL %b", key.bytes, key.length);
        if (!take(cache, &since, reterr_failure) || !take(cache, &fields, reterr_failure))
                return false;
        Found *found = memory_new(sizeof(Found) * (fields->elements + 1));
        size_t count = sort_found(fields, before, found), first = count > (size_t) limit ? count - (size_t) limit : 0;
        CacheExchange *exchanges = arena_take_array(arena, CacheExchange, count - first + 1);
        size_t taken = 0;
        for (size_t i = first; exchanges && i < count; i++) {
                exchanges[taken].message_id = found[i].id;
                /* What does not open is of a key that is gone, or was tampered with: it is not remembered. */
                taken += unpack(cache, lane, &hash, found[i].packed, arena, &exchanges[taken]);
        }
        free(found);
        if (!exchanges)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the conversation is too long");
        *ret_exchanges = exchanges;
        *ret_count = taken;
        *ret_complete = fields->elements > 0 || is_complete(cache, since);
        return true;
}

bool cache_forget(Cache *cache, const CacheLane *lane, Failure *reterr_failure) {
        Hash hash = lane_hash(lane);
        char room[LANE_KEY_SIZE];
        Text key = lane_key(&hash, room);
        if (!connect_redis(cache, reterr_failure))
                return false;
        redisAppendCommand(cache->redis, "DEL %b", key.bytes, key.length);
        return take_only(cache, reterr_failure);
}
