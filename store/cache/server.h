/* Where Redis is, and a connection to it that has logged in. Internal to store/cache, but for
 * cache_server_answers().
 *
 * A CacheServer is read by any thread; connecting blocks for at most its patience.
 */
#pragma once

#include "base/failure.h"

#include <hiredis/hiredis.h>

typedef struct CacheServer {
        char *host; /* NULL: a Unix socket */
        char *path, *password;
        int port, number;
        int64_t patience_us; /* for one answer, and for connecting */
} CacheServer;

/* FAILURE_INVALID when the address does not read. `server` is zeroed before, and released in either case. */
bool cache_server_set(CacheServer *server, const char *address, const char *password, int64_t patience_us,
                      Failure *reterr_failure) _must_check_;
void cache_server_release(CacheServer *server);
/* Every failure is FAILURE_UNAVAILABLE. */
bool cache_server_connect(const CacheServer *server, redisContext **ret_redis, Failure *reterr_failure) _must_check_;

/* Whether it can be connected to and logged in to; FAILURE_INVALID when the address does not read. */
bool cache_server_answers(const char *address, const char *password, int64_t patience_us,
                          Failure *reterr_failure) _must_check_;

/* The next reply of a pipeline. False: the connection is broken, or the server refuses; it can only be closed. */
bool cache_take(redisContext *redis, redisReply **ret_reply, Failure *reterr_failure) _must_check_;

static inline void cache_reply_freep(redisReply **reply) {
        if (*reply)
                freeReplyObject(*reply);
}
#define _reply_ _cleanup_(cache_reply_freep) redisReply
