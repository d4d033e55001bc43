#include "store/cache/rates.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "store/cache/server.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_US     SECONDS
#define ENTRY_ITEMS  1024      /* of one entry of the stream */
#define ITEM_SIZE    24        /* a limit's id, then the amount */
#define LEVEL_SIZE   28        /* a limit's id, then what is held and wanted, and the milliseconds that were waited */
#define LEVEL_MOST   (1 << 24) /* of one limit on one hub; sums of many hubs fit */
#define KEPT         "1000"
#define KEPT_LEVELS  "200" /* each takes the place of the one before */
#define READ_AT_ONCE "256"

struct RateStream {
        CacheServer server;
        redisContext *redis;
        int64_t retry_us;     /* not asked before, monotonic */
        Uuid own;             /* by which our own entries are known */
        char last[48];        /* id of the entry read last, of rates */
        char last_levels[48]; /* of levels; empty = to be found */
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

Uuid rate_stream_own(const RateStream *stream) {
        return stream->own;
}

static void last_set(char last[static 48], const redisReply *entry) {
        if (entry->type == REDIS_REPLY_ARRAY && entry->elements == 2 && entry->element[0]->type == REDIS_REPLY_STRING)
                snprintf(last, 48, "%s", entry->element[0]->str);
}

static bool find_end(RateStream *stream, char last[static 48], Failure *reterr_failure) {
        _reply_ *newest = NULL;
        if (!take(stream, &newest, reterr_failure))
                return false;
        snprintf(last, 48, "0-0");
        if (newest->type == REDIS_REPLY_ARRAY && newest->elements == 1)
                last_set(last, newest->element[0]);
        return true;
}

/* What was sent while nobody listened is history: reading begins at the streams' ends. */
static bool connect_stream(RateStream *stream, Failure *reterr_failure) {
        if (stream->redis)
                return true;
        if (clock_now().monotonic_us < stream->retry_us)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away");
        if (!cache_server_connect(&stream->server, &stream->redis, reterr_failure))
                return away(stream);
        stream->last_levels[0] = '\0';
        redisAppendCommand(stream->redis, "XREVRANGE rates + - COUNT 1");
        return find_end(stream, stream->last, reterr_failure);
}

void rate_stream_skip_levels(RateStream *stream) {
        stream->last_levels[0] = '\0';
}

static bool find_levels(RateStream *stream, Failure *reterr_failure) {
        if (stream->last_levels[0])
                return true;
        redisAppendCommand(stream->redis, "XREVRANGE levels + - COUNT 1");
        return find_end(stream, stream->last_levels, reterr_failure);
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

static void put_number(char *bytes, int32_t number) {
        uint32_t big = htobe32((uint32_t) number);
        memcpy(bytes, &big, sizeof(big));
}

/* What no hub can hold or want is none. */
static int32_t get_number(const char *bytes, int32_t most) {
        uint32_t big;
        memcpy(&big, bytes, sizeof(big));
        big = be32toh(big);
        return big <= (uint32_t) most ? (int32_t) big : 0;
}

bool rate_stream_send_levels(RateStream *stream, const Level *levels, size_t count, Failure *reterr_failure) {
        _reply_ *reply = NULL;
        if (!connect_stream(stream, reterr_failure))
                return false;
        char *bytes = memory_new(count * LEVEL_SIZE + 1);
        for (size_t i = 0; i < count; i++) {
                char *item = bytes + i * LEVEL_SIZE;
                memcpy(item, levels[i].limit.bytes, 16);
                put_number(item + 16, levels[i].held);
                put_number(item + 20, levels[i].wanted);
                put_number(item + 24, levels[i].waited_ms);
        }
        redisAppendCommand(stream->redis, "XADD levels MAXLEN ~ " KEPT_LEVELS " * hub %b levels %b", stream->own.bytes,
                           (size_t) 16, bytes, count * LEVEL_SIZE);
        free(bytes);
        return take(stream, &reply, reterr_failure);
}

/* One entry's two fields: hub, its value, and the items', which are of one size; anything else is nobody's of ours. */
static const redisReply *entry_items(const redisReply *entry, size_t size, Uuid *ret_hub) {
        if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
                return NULL;
        const redisReply *fields = entry->element[1];
        if (fields->type != REDIS_REPLY_ARRAY || fields->elements != 4)
                return NULL;
        const redisReply *hub = fields->element[1], *items = fields->element[3];
        if (hub->type != REDIS_REPLY_STRING || hub->len != sizeof(ret_hub->bytes) ||
            items->type != REDIS_REPLY_STRING || items->len % size != 0)
                return NULL;
        memcpy(ret_hub->bytes, hub->str, sizeof(ret_hub->bytes));
        return items;
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

static void take_deltas(RateStream *stream, const redisReply *entries, Arena *arena, RatesHeard *heard) {
        size_t count = 0;
        Uuid hub;
        for (size_t i = 0; i < entries->elements; i++) {
                const redisReply *items = entry_items(entries->element[i], ITEM_SIZE, &hub);
                count += items ? items->len / ITEM_SIZE : 0;
        }
        heard->deltas = arena_take_array(arena, RateDelta, count + 1);
        for (size_t i = 0; i < entries->elements; i++) {
                const redisReply *items = entry_items(entries->element[i], ITEM_SIZE, &hub);
                last_set(stream->last, entries->element[i]);
                if (items && heard->deltas && !uuid_equal(hub, stream->own))
                        heard->delta_count += deltas_read(items, heard->deltas + heard->delta_count);
        }
}

static bool levels_read(const redisReply *bytes, Arena *arena, HubLevels *levels) {
        size_t count = bytes->len / LEVEL_SIZE;
        Level *items = arena_take_array(arena, Level, count + 1);
        for (size_t i = 0; items && i < count; i++) {
                const char *item = bytes->str + i * LEVEL_SIZE;
                memcpy(items[i].limit.bytes, item, 16);
                items[i].held = get_number(item + 16, LEVEL_MOST);
                items[i].wanted = get_number(item + 20, LEVEL_MOST);
                items[i].waited_ms = get_number(item + 24, INT32_MAX);
        }
        levels->levels = items;
        levels->count = count;
        return items != NULL;
}

/* Entries are named after the milliseconds of the server's clock. */
static void take_levels(RateStream *stream, const redisReply *entries, Arena *arena, RatesHeard *heard) {
        heard->levels = arena_take_array(arena, HubLevels, entries->elements + 1);
        for (size_t i = 0; i < entries->elements; i++) {
                HubLevels levels;
                const redisReply *items = entry_items(entries->element[i], LEVEL_SIZE, &levels.hub);
                last_set(stream->last_levels, entries->element[i]);
                levels.told_ms = strtoll(stream->last_levels, NULL, 10);
                if (items && heard->levels && levels_read(items, arena, &levels))
                        heard->levels[heard->level_count++] = levels;
        }
}

bool rate_stream_receive(RateStream *stream, Arena *arena, RatesHeard *ret_heard, Failure *reterr_failure) {
        _reply_ *reply = NULL;
        *ret_heard = (RatesHeard){ 0 };
        if (!connect_stream(stream, reterr_failure) || !find_levels(stream, reterr_failure))
                return false;
        redisAppendCommand(stream->redis, "XREAD COUNT " READ_AT_ONCE " STREAMS rates levels %s %s", stream->last,
                           stream->last_levels);
        if (!take(stream, &reply, reterr_failure))
                return false;
        for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) { /* those with news */
                const redisReply *each = reply->element[i];
                if (each->type != REDIS_REPLY_ARRAY || each->elements != 2 ||
                    each->element[0]->type != REDIS_REPLY_STRING)
                        continue;
                if (strcmp(each->element[0]->str, "levels") == 0)
                        take_levels(stream, each->element[1], arena, ret_heard);
                else
                        take_deltas(stream, each->element[1], arena, ret_heard);
        }
        return true;
}
