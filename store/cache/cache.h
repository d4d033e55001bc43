/* The cache: short-term memory of conversations in Redis (or Valkey), sealed, never the only copy. A lane's exchanges
 * are keyed by the message's id, so that one written twice stands once. The only user of hiredis. Not budgets, and not
 * the source of anything: what is not here is read from PostgreSQL.
 *
 * One Cache a thread. Calls block for at most `patience_us`; while the server is away they fail at once, and it is
 * asked again a second later. Every failure is FAILURE_UNAVAILABLE, unless it says otherwise.
 */
#pragma once

#include "store/keyring.h"

typedef struct Cache Cache;

typedef struct CacheSettings {
        const char *address;    /* "redis://host:port/number" or "unix:/path" */
        const char *password;   /* of the default user; NULL = none */
        int64_t patience_us;    /* 0 = 500 ms */
        int64_t memory_seconds; /* how long a lane is kept after its last message; 0 = one day */
} CacheSettings;

/* Connects at the first call. FAILURE_INVALID when the address does not read. The keyring is borrowed. */
bool cache_new(const CacheSettings *settings, Keyring *keyring, Cache **ret_cache,
               Failure *reterr_failure) _must_check_;
void cache_free(Cache *cache);
DEFINE_RELEASE(Cache *, cache_free)

/* Whether the server answers. */
bool cache_ping(Cache *cache, Failure *reterr_failure) _must_check_;

/* One conversation of one person with one agent. */
typedef struct CacheLane {
        Uuid tenant_id, agent_id, person_id;
        Text thread;
        int32_t conversation;
} CacheLane;

typedef struct CacheExchange {
        Uuid message_id;
        Text question, answer;
} CacheExchange;

/* Adds an exchange; of those over `keep` the oldest go. */
bool cache_remember(Cache *cache, const CacheLane *lane, const CacheExchange *exchange, int keep,
                    Failure *reterr_failure) _must_check_;
/* The last exchanges before message `before`, at most `limit`, oldest first, in the arena. ret_complete: what is not
 * here never was, so that nobody needs to look elsewhere; false after the server lost its memory, for lanes that are
 * not here. */
bool cache_recall(Cache *cache, const CacheLane *lane, Uuid before, int limit, Arena *arena,
                  CacheExchange **ret_exchanges, size_t *ret_count, bool *ret_complete,
                  Failure *reterr_failure) _must_check_;
bool cache_forget(Cache *cache, const CacheLane *lane, Failure *reterr_failure) _must_check_;
