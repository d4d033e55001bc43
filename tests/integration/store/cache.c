#include "store/cache/cache.h"

#include "base/clock.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static UuidGenerator generator;

static Uuid new_id(void) {
        return uuid_make(&generator, clock_now().wall_us);
}

static Keyring *open_keyring(Database *database) {
        Keyring *keyring;
        Failure failure;
        place_clean(database);
        ck_assert_done(keyring_open(database, getenv("AIOX_MASTER_KEY_FILE"), &keyring, &failure), failure);
        return keyring;
}

static Cache *open_cache(Keyring *keyring, int64_t memory_seconds) {
        const char *path = getenv("AIOX_REDIS_SECRET_FILE");
        char password[200] = "";
        Cache *cache;
        Failure failure;
        FILE *file = path ? fopen(path, "r") : NULL;
        if (file) {
                ck_assert_ptr_nonnull(fgets(password, sizeof(password), file));
                password[strcspn(password, "\n")] = '\0';
                fclose(file);
        }
        ck_assert_done(cache_new(&(CacheSettings){ .address = getenv("AIOX_REDIS"),
                                                   .password = file ? password : NULL,
                                                   .memory_seconds = memory_seconds },
                                 keyring, &cache, &failure),
                       failure);
        return cache;
}

static CacheLane new_lane(void) {
        return (CacheLane){ installation_tenant_id, new_id(), new_id(), TEXT("thread"), 1 };
}

static void remember(Cache *cache, const CacheLane *lane, Uuid id, const char *question, int keep) {
        CacheExchange exchange = { id, text_of(question), TEXT("an answer") };
        Failure failure;
        ck_assert_done(cache_remember(cache, lane, &exchange, keep, &failure), failure);
}

static size_t recall(Cache *cache, const CacheLane *lane, Uuid before, int limit, Arena *arena,
                     CacheExchange **ret_exchanges, bool *ret_complete) {
        Failure failure;
        size_t count;
        ck_assert_done(cache_recall(cache, lane, before, limit, arena, ret_exchanges, &count, ret_complete, &failure),
                       failure);
        return count;
}

START_TEST(last_exchanges_come_back_oldest_first) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database);
        _cleanup_(cache_freep) Cache *cache = open_cache(keyring, 0);
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        CacheLane lane = new_lane();
        CacheExchange *exchanges;
        Uuid ids[] = { new_id(), new_id(), new_id() };
        bool complete;
        remember(cache, &lane, ids[1], "second", 10);
        remember(cache, &lane, ids[0], "first", 10);
        remember(cache, &lane, ids[2], "third", 10);
        ck_assert_uint_eq(recall(cache, &lane, new_id(), 2, arena, &exchanges, &complete), 2);
        ck_assert(complete);
        ck_assert_text(exchanges[0].question, TEXT("second"));
        ck_assert_text(exchanges[1].question, TEXT("third"));
        ck_assert_text(exchanges[1].answer, TEXT("an answer"));
        ck_assert_uint_eq(recall(cache, &lane, ids[2], 10, arena, &exchanges, &complete), 2);
}
END_TEST

START_TEST(exchange_written_twice_stands_once) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database);
        _cleanup_(cache_freep) Cache *cache = open_cache(keyring, 0);
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        CacheLane lane = new_lane();
        CacheExchange *exchanges;
        Uuid id = new_id();
        bool complete;
        remember(cache, &lane, id, "question", 10);
        remember(cache, &lane, id, "question", 10);
        ck_assert_uint_eq(recall(cache, &lane, new_id(), 10, arena, &exchanges, &complete), 1);
}
END_TEST

START_TEST(conversations_do_not_mix) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database);
        _cleanup_(cache_freep) Cache *cache = open_cache(keyring, 0);
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        CacheLane lane = new_lane(), others[] = { lane, lane, lane, lane };
        CacheExchange *exchanges;
        bool complete;
        remember(cache, &lane, new_id(), "question", 10);
        others[0].agent_id = new_id();
        others[1].person_id = new_id();
        others[2].thread = TEXT("other");
        others[3].conversation = 2;
        for (size_t i = 0; i < COUNT_OF(others); i++)
                ck_assert_uint_eq(recall(cache, &others[i], new_id(), 10, arena, &exchanges, &complete), 0);
}
END_TEST

START_TEST(long_conversation_is_trimmed_to_its_end) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database);
        _cleanup_(cache_freep) Cache *cache = open_cache(keyring, 0);
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        CacheLane lane = new_lane();
        CacheExchange *exchanges;
        bool complete;
        char question[20];
        for (int i = 0; i < 50; i++) {
                snprintf(question, sizeof(question), "question %d", i);
                remember(cache, &lane, new_id(), question, 5);
        }
        size_t count = recall(cache, &lane, new_id(), 100, arena, &exchanges, &complete);
        ck_assert_uint_ge(count, 5);
        ck_assert_uint_le(count, 11);
        ck_assert_text(exchanges[count - 1].question, TEXT("question 49"));
}
END_TEST

START_TEST(lane_that_is_missing_is_complete_only_when_the_server_forgot_nothing) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database);
        _cleanup_(cache_freep) Cache *cache = open_cache(keyring, 1), *patient = NULL;
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        CacheLane lane = new_lane(), missing = new_lane();
        CacheExchange *exchanges;
        bool complete = false;
        remember(cache, &lane, new_id(), "question", 5);
        patient = open_cache(keyring, 3600);
        recall(patient, &missing, new_id(), 5, arena, &exchanges, &complete);
        ck_assert(!complete);
        for (int64_t deadline = clock_now().monotonic_us + 10 * SECONDS; !complete;) {
                ck_assert_int_lt(clock_now().monotonic_us, deadline);
                recall(cache, &missing, new_id(), 5, arena, &exchanges, &complete);
        }
}
END_TEST

START_TEST(forgotten_lane_is_empty) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(keyring_freep) Keyring *keyring = open_keyring(database);
        _cleanup_(cache_freep) Cache *cache = open_cache(keyring, 0);
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        CacheLane lane = new_lane();
        CacheExchange *exchanges;
        Failure failure;
        bool complete;
        remember(cache, &lane, new_id(), "question", 5);
        ck_assert_done(cache_forget(cache, &lane, &failure), failure);
        ck_assert_uint_eq(recall(cache, &lane, new_id(), 10, arena, &exchanges, &complete), 0);
}
END_TEST

START_TEST(server_that_is_away_is_said_at_once) {
        _cleanup_(cache_freep) Cache *cache = NULL;
        Failure failure;
        ck_assert_done(cache_new(&(CacheSettings){ .address = "unix:/nonexistent/redis" }, NULL, &cache, &failure),
                       failure);
        for (int i = 0; i < 2; i++) {
                ck_assert(!cache_ping(cache, &failure));
                ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        }
}
END_TEST

START_TEST(address_that_does_not_read_is_refused) {
        static const char *const addresses[] = { "",
                                                 "redis://",
                                                 "redis://host:0",
                                                 "redis://host:99999",
                                                 "redis://h/x",
                                                 "http://host:6379",
                                                 "unix:relative" };
        for (size_t i = 0; i < COUNT_OF(addresses); i++) {
                Cache *cache;
                Failure failure;
                ck_assert(!cache_new(&(CacheSettings){ .address = addresses[i] }, NULL, &cache, &failure));
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        }
}
END_TEST

UNIT_TESTS("store/cache", last_exchanges_come_back_oldest_first, exchange_written_twice_stands_once,
           conversations_do_not_mix, long_conversation_is_trimmed_to_its_end,
           lane_that_is_missing_is_complete_only_when_the_server_forgot_nothing, forgotten_lane_is_empty,
           server_that_is_away_is_said_at_once, address_that_does_not_read_is_refused)
