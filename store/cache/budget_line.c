#include "store/cache/budget_line.h"

#include "base/map.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>

#define CONNECTIONS      8
#define CONNECTIONS_MOST 64
#define RETRY_US         SECONDS

typedef struct Line {
        redisContext *redis;
        int64_t series; /* of the cache, when it was made */
        char run_id[BUDGET_RUN_ID_SIZE];
        bool evicts;
        char hashes[SCRIPT_COUNT][41];
} Line;

struct BudgetCache {
        CacheServer server;
        pthread_mutex_t lock;
        pthread_cond_t freed;
        int connections, taken;
        Line *free[CONNECTIONS_MOST];
        int free_count;
        int64_t series;   /* raised when the server turned out to be another one */
        int64_t retry_us; /* monotonic: nobody connects before, so that a thousand threads do not wait one by one */
        Line *probe;      /* the treasurer's */
        char run_id[BUDGET_RUN_ID_SIZE];
};

bool budget_cache_new(const BudgetCacheSettings *settings, BudgetCache **ret_cache, Failure *reterr_failure) {
        _cleanup_(budget_cache_freep) BudgetCache *cache = memory_new(sizeof(*cache));
        pthread_mutex_init(&cache->lock, NULL);
        clock_condition_init(&cache->freed);
        cache->connections = settings->connections > 0 ? settings->connections : CONNECTIONS;
        assert(cache->connections <= CONNECTIONS_MOST);
        if (!cache_server_set(&cache->server, settings->address, settings->password, settings->patience_us,
                              reterr_failure))
                return false;
        *ret_cache = cache;
        cache = NULL;
        return true;
}

static void line_free(Line *line) {
        if (line->redis)
                redisFree(line->redis);
        free(line);
}
DEFINE_RELEASE(Line *, line_free)

void budget_cache_free(BudgetCache *cache) {
        for (int i = 0; i < cache->free_count; i++)
                line_free(cache->free[i]);
        if (cache->probe)
                line_free(cache->probe);
        cache_server_release(&cache->server);
        pthread_cond_destroy(&cache->freed);
        pthread_mutex_destroy(&cache->lock);
        free(cache);
}

/* The value of a line "name:value" of INFO. */
static Text info_value(Text info, const char *name) {
        Text rest = info, line, wanted = text_of(name);
        while (text_split(&rest, '\n', &line))
                if (text_starts_with(line, wanted))
                        return text_trim((Text){ line.bytes + wanted.length, line.length - wanted.length });
        return TEXT_NONE;
}

static bool line_learn(Line *line, Failure *reterr_failure) {
        _reply_ *info = NULL;
        redisAppendCommand(line->redis, "INFO");
        if (!cache_take(line->redis, &info, reterr_failure))
                return false;
        Text text = { info->str, info->len }, run_id = info_value(text, "run_id:");
        bool bounded = !text_equal(info_value(text, "maxmemory:"), TEXT("0"));
        if (run_id.length != BUDGET_RUN_ID_SIZE - 1)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache does not say its run_id");
        memcpy(line->run_id, run_id.bytes, run_id.length);
        line->evicts = bounded && !text_equal(info_value(text, "maxmemory_policy:"), TEXT("noeviction"));
        return true;
}

static bool line_load(Line *line, Failure *reterr_failure) {
        for (int i = 0; i < SCRIPT_COUNT; i++)
                redisAppendCommand(line->redis, "SCRIPT LOAD %s", budget_scripts[i]);
        for (int i = 0; i < SCRIPT_COUNT; i++) {
                _reply_ *hash = NULL;
                if (!cache_take(line->redis, &hash, reterr_failure))
                        return false;
                snprintf(line->hashes[i], sizeof(line->hashes[i]), "%.40s", hash->str);
        }
        return true;
}

static bool line_connect(const BudgetCache *cache, int64_t series, Line **ret_line, Failure *reterr_failure) {
        _cleanup_(line_freep) Line *line = memory_new(sizeof(*line));
        line->series = series;
        if (!cache_server_connect(&cache->server, &line->redis, reterr_failure) || !line_learn(line, reterr_failure) ||
            !line_load(line, reterr_failure))
                return false;
        *ret_line = line;
        line = NULL;
        return true;
}

/* A free one, or NULL: then the caller connects. */
static Line *line_wait(BudgetCache *cache, int64_t *ret_series) {
        Line *line = NULL;
        pthread_mutex_lock(&cache->lock);
        while (cache->taken == cache->connections)
                pthread_cond_wait(&cache->freed, &cache->lock);
        cache->taken++;
        while (!line && cache->free_count > 0) {
                Line *found = cache->free[--cache->free_count];
                if (found->series == cache->series)
                        line = found;
                else
                        line_free(found); /* of the server before */
        }
        *ret_series = cache->series;
        pthread_mutex_unlock(&cache->lock);
        return line;
}

static void line_return(BudgetCache *cache, Line *line) {
        pthread_mutex_lock(&cache->lock);
        cache->taken--;
        if (line)
                cache->free[cache->free_count++] = line;
        pthread_cond_signal(&cache->freed);
        pthread_mutex_unlock(&cache->lock);
}

void add_bytes(Arguments *arguments, const void *bytes, size_t length) {
        assert(arguments->count < STRINGS_MOST);
        arguments->values[arguments->count] = bytes;
        arguments->lengths[arguments->count++] = length;
}

void add_string(Arguments *arguments, const char *string) {
        add_bytes(arguments, string, strlen(string));
}

void add_number(Arguments *arguments, int64_t number) {
        assert(arguments->number_count < NUMBERS_MOST);
        arguments->numbers[arguments->number_count++] = htole64((uint64_t) number);
}

void add_amounts(Arguments *arguments, BudgetAmounts amounts) {
        for (int i = 0; i < BUDGET_UNIT_COUNT; i++)
                add_number(arguments, amounts.units[i]);
}

/* As EVALSHA has them; the hash is filled in when a connection is known, the numbers when all are. */
enum { ARGUMENT_HASH = 1, ARGUMENT_GENERATION = 3, ARGUMENT_NUMBERS };

void arguments_start(Arguments *arguments, const char *generation) {
        arguments->count = arguments->number_count = 0;
        add_string(arguments, "EVALSHA");
        add_string(arguments, "");
        add_string(arguments, "0");
        add_string(arguments, generation);
        add_string(arguments, "");
}

static bool line_ask(Line *line, BudgetScript script, Arguments *arguments, redisReply **ret_reply) {
        arguments->values[ARGUMENT_HASH] = line->hashes[script];
        arguments->lengths[ARGUMENT_HASH] = 40;
        arguments->values[ARGUMENT_NUMBERS] = (const char *) arguments->numbers;
        arguments->lengths[ARGUMENT_NUMBERS] = sizeof(arguments->numbers[0]) * (size_t) arguments->number_count;
        *ret_reply = redisCommandArgv(line->redis, arguments->count, arguments->values, arguments->lengths);
        return *ret_reply != NULL;
}

static bool line_reconnect(BudgetCache *cache, int64_t series, Line **ret_line, Failure *reterr_failure) {
        pthread_mutex_lock(&cache->lock);
        bool early = clock_now().monotonic_us < cache->retry_us;
        pthread_mutex_unlock(&cache->lock);
        if (early)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away");
        bool connected = line_connect(cache, series, ret_line, reterr_failure);
        pthread_mutex_lock(&cache->lock);
        cache->retry_us = connected ? 0 : clock_now().monotonic_us + RETRY_US;
        pthread_mutex_unlock(&cache->lock);
        return connected;
}

/* All scripts may be asked twice: a connection that went stale is made again once, and scripts that were flushed are
 * loaded again. */
static bool ask_line(BudgetCache *cache, Line **line, int64_t series, BudgetScript script, Arguments *arguments,
                     redisReply **ret_reply, Failure *reterr_failure) {
        for (int tries = 0;; tries++) {
                _reply_ *reply = NULL;
                bool fresh = !*line;
                if (fresh && !line_reconnect(cache, series, line, reterr_failure))
                        return false;
                if (!line_ask(*line, script, arguments, &reply)) {
                        failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away: %s",
                                    (*line)->redis->errstr);
                        line_freep(line);
                        if (fresh || tries > 0)
                                return false;
                        continue;
                }
                if (reply->type != REDIS_REPLY_ERROR) {
                        *ret_reply = reply;
                        reply = NULL;
                        return true;
                }
                failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache refuses: %s", reply->str);
                if (tries > 0 || strncmp(reply->str, "NOSCRIPT", 8) != 0 || !line_load(*line, reterr_failure)) {
                        line_freep(line);
                        return false;
                }
        }
}

bool budget_ask(BudgetCache *cache, BudgetScript script, Arguments *arguments, redisReply **ret_reply,
                Failure *reterr_failure) {
        int64_t series;
        Line *line = line_wait(cache, &series);
        bool done = ask_line(cache, &line, series, script, arguments, ret_reply, reterr_failure);
        if (done && memcmp(line->run_id, arguments->values[ARGUMENT_GENERATION], BUDGET_RUN_ID_SIZE - 1) != 0) {
                freeReplyObject(*ret_reply);
                *ret_reply = NULL; /* another server that answers for it: closed */
        }
        line_return(cache, line);
        return done;
}

static bool probe_line(BudgetCache *cache, BudgetProbe *ret_probe, Failure *reterr_failure) {
        _reply_ *open = NULL, *rebuild = NULL, *time = NULL;
        redisContext *redis = cache->probe->redis;
        redisAppendCommand(redis, "GET budget:generation");
        redisAppendCommand(redis, "GET budget:rebuild");
        redisAppendCommand(redis, "TIME");
        if (!cache_take(redis, &open, reterr_failure) || !cache_take(redis, &rebuild, reterr_failure) ||
            !cache_take(redis, &time, reterr_failure))
                return false;
        const char *own = cache->probe->run_id;
        *ret_probe = (BudgetProbe){ .evicts = cache->probe->evicts };
        memcpy(ret_probe->run_id, own, BUDGET_RUN_ID_SIZE);
        if (open->str && strncmp(open->str, own, BUDGET_RUN_ID_SIZE - 1) == 0)
                snprintf(ret_probe->open, sizeof(ret_probe->open), "%s", open->str);
        if (rebuild->str && strncmp(rebuild->str, own, BUDGET_RUN_ID_SIZE - 1) == 0)
                snprintf(ret_probe->rebuild, sizeof(ret_probe->rebuild), "%s", rebuild->str);
        if (time->elements == 2)
                ret_probe->now_us = strtoll(time->element[0]->str, NULL, 10) * SECONDS +
                                    strtoll(time->element[1]->str, NULL, 10);
        return true;
}

bool budget_cache_probe(BudgetCache *cache, BudgetProbe *ret_probe, Failure *reterr_failure) {
        if (!cache->probe) {
                if (!line_connect(cache, 0, &cache->probe, reterr_failure))
                        return false;
                if (strcmp(cache->run_id, cache->probe->run_id) != 0) {
                        memcpy(cache->run_id, cache->probe->run_id, BUDGET_RUN_ID_SIZE);
                        pthread_mutex_lock(&cache->lock);
                        cache->series++;
                        pthread_mutex_unlock(&cache->lock);
                }
        }
        if (probe_line(cache, ret_probe, reterr_failure)) {
                pthread_mutex_lock(&cache->lock);
                cache->retry_us = 0;
                pthread_mutex_unlock(&cache->lock);
                return true;
        }
        line_freep(&cache->probe);
        return false;
}

static bool is_ours(const char *key, size_t length, Text own) {
        static const Text shared[] = { { "budget:generation", 17 }, { "budget:rebuild", 14 } };
        for (size_t i = 0; i < COUNT_OF(shared); i++)
                if (text_equal((Text){ key, length }, shared[i]))
                        return true;
        return text_starts_with((Text){ key, length }, own);
}

static bool sweep_some(redisContext *redis, Text own, char cursor[static BUDGET_CURSOR_SIZE], Failure *reterr_failure) {
        _reply_ *found = NULL;
        int removed = 0;
        redisAppendCommand(redis, "SCAN %s MATCH budget:* COUNT 500", cursor);
        if (!cache_take(redis, &found, reterr_failure))
                return false;
        if (found->elements != 2)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache cannot be searched");
        snprintf(cursor, BUDGET_CURSOR_SIZE, "%s", found->element[0]->str);
        for (size_t i = 0; i < found->element[1]->elements; i++) {
                const redisReply *key = found->element[1]->element[i];
                if (is_ours(key->str, key->len, own))
                        continue;
                redisAppendCommand(redis, "UNLINK %b", key->str, key->len);
                removed++;
        }
        for (int i = 0; i < removed; i++) {
                _reply_ *done = NULL;
                if (!cache_take(redis, &done, reterr_failure))
                        return false;
        }
        return true;
}

bool budget_cache_sweep(BudgetCache *cache, const char *generation, Failure *reterr_failure) {
        char cursor[BUDGET_CURSOR_SIZE] = "0", own[BUDGET_GENERATION_SIZE + 8];
        snprintf(own, sizeof(own), "budget:%s:", generation + BUDGET_RUN_ID_SIZE);
        do {
                if (!cache->probe)
                        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away");
                if (!sweep_some(cache->probe->redis, text_of(own), cursor, reterr_failure)) {
                        line_freep(&cache->probe);
                        return false;
                }
        } while (strcmp(cursor, "0") != 0);
        return true;
}
