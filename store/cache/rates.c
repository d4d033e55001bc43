#include "store/cache/rates.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "store/cache/server.h"

#include <endian.h>
#include <stdio.h>

#define RETRY_US     SECONDS
#define ENTRY_ITEMS  1024 /* of one entry of the stream */
#define ITEM_SIZE    24   /* a limit's id, then the amount */
#define KEPT         "1000"
#define READ_AT_ONCE "256"

struct RateStream {
        CacheServer server;
        redisContext *redis;
        int64_t retry_us; /* not asked before, monotonic */
        Uuid own;         /* by which our own entries are known */
        char last[48];    /* id of the entry read last */
};

bool rate_stream_new(const char *address, const char *password, RateStream **ret_stream, Failure *reterr_failure) {
        _cleanup_(rate_stream_freep) RateStream *stream = memory_new(sizeof(*stream));
        crypto_random(stream->own.bytes, sizeof(stream->own.bytes));
        if (!cache_server_set(&stream->server, address, password, 0, reterr_failure))
                return false;
        *ret_stream = stream;
        stream = NULL;
        return true;
}

void rate_stream_free(RateStream *stream) {
        if (stream->redis)
                redisFree(stream->redis);
        cache_server_release(&stream->server);
        free(stream);
}

static bool away(RateStream *stream) {
        if (stream->redis)
                redisFree(stream->redis);
        stream->redis = NULL;
        stream->retry_us = clock_now().monotonic_us + RETRY_US;
        return false;
}

static bool take(RateStream *stream, redisReply **ret_reply, Failure *reterr_failure) {
        return cache_take(stream->redis, ret_reply, reterr_failure) || away(stream);
}

static void last_set(RateStream *stream, const redisReply *entry) {
        if (entry->type == REDIS_REPLY_ARRAY && entry->elements == 2 && entry->element[0]->type == REDIS_REPLY_STRING)
                snprintf(stream->last, sizeof(stream->last), "%s", entry->element[0]->str);
}

/* What was sent while nobody listened is history: reading begins at the stream's end. */
static bool connect_stream(RateStream *stream, Failure *reterr_failure) {
        _reply_ *newest = NULL;
        if (stream->redis)
                return true;
        if (clock_now().monotonic_us < stream->retry_us)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away");
        if (!cache_server_connect(&stream->server, &stream->redis, reterr_failure))
                return away(stream);
        redisAppendCommand(stream->redis, "XREVRANGE rates + - COUNT 1");
        if (!take(stream, &newest, reterr_failure))
                return false;
        snprintf(stream->last, sizeof(stream->last), "0-0");
        if (newest->type == REDIS_REPLY_ARRAY && newest->elements == 1)
                last_set(stream, newest->element[0]);
        return true;
}

static bool send_entry(RateStream *stream, const RateDelta *deltas, size_t count, Failure *reterr_failure) {
        _reply_ *reply = NULL;
        char bytes[ENTRY_ITEMS * ITEM_SIZE];
        for (size_t i = 0; i < count; i++) {
                uint64_t amount = htobe64((uint64_t) deltas[i].amount);
                memcpy(bytes + i * ITEM_SIZE, deltas[i].limit.bytes, 16);
                memcpy(bytes + i * ITEM_SIZE + 16, &amount, 8);
        }
        redisAppendCommand(stream->redis, "XADD rates MAXLEN ~ " KEPT " * hub %b deltas %b", stream->own.bytes,
                           (size_t) 16, bytes, count * ITEM_SIZE);
        return take(stream, &reply, reterr_failure);
}

bool rate_stream_send(RateStream *stream, const RateDelta *deltas, size_t count, Failure *reterr_failure) {
        if (!connect_stream(stream, reterr_failure))
                return false;
        for (size_t i = 0; i < count; i += ENTRY_ITEMS)
                if (!send_entry(stream, deltas + i, count - i < ENTRY_ITEMS ? count - i : ENTRY_ITEMS, reterr_failure))
                        return false;
        return true;
}

/* hub, its value, deltas, their value; anything else is nobody's of ours. */
static const redisReply *entry_deltas(const RateStream *stream, const redisReply *entry) {
        if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
                return NULL;
        const redisReply *fields = entry->element[1];
        if (fields->type != REDIS_REPLY_ARRAY || fields->elements != 4)
                return NULL;
        const redisReply *hub = fields->element[1], *deltas = fields->element[3];
        bool own = hub->len == 16 && memcmp(hub->str, stream->own.bytes, 16) == 0;
        return !own && deltas->type == REDIS_REPLY_STRING && deltas->len % ITEM_SIZE == 0 ? deltas : NULL;
}

static size_t deltas_read(const redisReply *bytes, RateDelta *deltas) {
        size_t count = bytes->len / ITEM_SIZE;
        for (size_t i = 0; i < count; i++) {
                uint64_t amount;
                memcpy(deltas[i].limit.bytes, bytes->str + i * ITEM_SIZE, 16);
                memcpy(&amount, bytes->str + i * ITEM_SIZE + 16, 8);
                deltas[i].amount = (int64_t) be64toh(amount);
        }
        return count;
}

bool rate_stream_receive(RateStream *stream, Arena *arena, RateDelta **ret_deltas, size_t *ret_count,
                         Failure *reterr_failure) {
        _reply_ *reply = NULL;
        size_t count = 0;
        *ret_count = 0;
        *ret_deltas = NULL;
        if (!connect_stream(stream, reterr_failure))
                return false;
        redisAppendCommand(stream->redis, "XREAD COUNT " READ_AT_ONCE " STREAMS rates %s", stream->last);
        if (!take(stream, &reply, reterr_failure))
                return false;
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 || reply->element[0]->elements != 2)
                return true; /* nothing is new */
        const redisReply *entries = reply->element[0]->element[1];
        for (size_t i = 0; i < entries->elements; i++) {
                const redisReply *deltas = entry_deltas(stream, entries->element[i]);
                count += deltas ? deltas->len / ITEM_SIZE : 0;
        }
        *ret_deltas = arena_take_array(arena, RateDelta, count + 1);
        for (size_t i = 0; i < entries->elements; i++) {
                const redisReply *deltas = entry_deltas(stream, entries->element[i]);
                last_set(stream, entries->element[i]);
                if (deltas && *ret_deltas)
                        *ret_count += deltas_read(deltas, *ret_deltas + *ret_count);
        }
        return true;
}
