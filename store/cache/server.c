#include "store/cache/server.h"

#include "base/clock.h"
#include "base/crypto.h"

#define PATIENCE_US (500 * MILLISECONDS)

static bool parse_number(Text text, int64_t least, int64_t most, int *ret_number) {
        int64_t value;
        if (!text_to_int64(text, &value) || value < least || value > most)
                return false;
        *ret_number = (int) value;
        return true;
}

static bool parse_address(Text address, CacheServer *server) {
        static const Text redis = { "redis://", 8 }, local = { "unix:", 5 };
        Text host, number = TEXT("0"), port = TEXT("6379");
        if (text_starts_with(address, local)) {
                server->path = text_keep((Text){ address.bytes + local.length, address.length - local.length });
                return server->path[0] == '/';
        }
        if (!text_starts_with(address, redis))
                return false;
        Text rest = { address.bytes + redis.length, address.length - redis.length }, place;
        if (!text_split(&rest, '/', &place))
                return false;
        if (rest.length > 0)
                number = rest;
        if (!text_split(&place, ':', &host) || host.length == 0)
                return false;
        if (place.length > 0)
                port = place;
        server->host = text_keep(host);
        return parse_number(port, 1, 65535, &server->port) && parse_number(number, 0, 1 << 20, &server->number);
}

bool cache_server_set(CacheServer *server, const char *address, const char *password, int64_t patience_us,
                      Failure *reterr_failure) {
        server->password = password ? memory_string(password) : NULL;
        server->patience_us = patience_us > 0 ? patience_us : PATIENCE_US;
        if (!parse_address(text_of(address), server))
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "\"%s\" is no address of Redis: write redis://host:port/number or unix:/path",
                                   address);
        return true;
}

void cache_server_release(CacheServer *server) {
        if (server->password)
                crypto_wipe(server->password, strlen(server->password));
        free(server->password);
        free(server->host);
        free(server->path);
        *server = (CacheServer){ 0 };
}

bool cache_take(redisContext *redis, redisReply **ret_reply, Failure *reterr_failure) {
        redisReply *reply;
        if (redisGetReply(redis, (void **) &reply) != REDIS_OK)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away: %s", redis->errstr);
        if (reply->type != REDIS_REPLY_ERROR) {
                *ret_reply = reply;
                return true;
        }
        failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away: %s", reply->str); /* LOADING, OOM … */
        freeReplyObject(reply);
        return false;
}

static bool log_in(const CacheServer *server, redisContext *redis, Failure *reterr_failure) {
        _reply_ *authenticated = NULL, *selected = NULL;
        if (server->password)
                redisAppendCommand(redis, "AUTH %s", server->password);
        redisAppendCommand(redis, "SELECT %d", server->number);
        return (!server->password || cache_take(redis, &authenticated, reterr_failure)) &&
               cache_take(redis, &selected, reterr_failure);
}

bool cache_server_connect(const CacheServer *server, redisContext **ret_redis, Failure *reterr_failure) {
        struct timeval patience = { .tv_sec = server->patience_us / SECONDS, .tv_usec = server->patience_us % SECONDS };
        redisContext *redis = server->path ? redisConnectUnixWithTimeout(server->path, patience)
                                           : redisConnectWithTimeout(server->host, server->port, patience);
        if (!redis)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away: no memory");
        if (redis->err || redisSetTimeout(redis, patience) != REDIS_OK)
                failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the cache is away: %s", redis->errstr);
        else if (log_in(server, redis, reterr_failure)) {
                *ret_redis = redis;
                return true;
        }
        redisFree(redis);
        return false;
}

bool cache_server_answers(const char *address, const char *password, int64_t patience_us, Failure *reterr_failure) {
        CacheServer server = { 0 };
        redisContext *redis = NULL;
        bool answers = cache_server_set(&server, address, password, patience_us, reterr_failure) &&
                       cache_server_connect(&server, &redis, reterr_failure);
        if (redis)
                redisFree(redis);
        cache_server_release(&server);
        return answers;
}
