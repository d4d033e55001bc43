/* The master key is changed while a hub works: how long it takes to wrap the keys of many tenants anew, and whether any
 * request meanwhile fails. Requests are what a hub does with keys: it seals and opens a value of a tenant, and makes a
 * tenant. Beside the PostgreSQL of tests/lab/with-postgres.
 *
 *      tests/lab/with-postgres build/tests/bench/store/bench-rewrap [TENANTS]
 */
#include "base/clock.h"
#include "store/keyring_rotate.h"
#include "tests/integration/store/place.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TENANTS_AT_ONCE 500

typedef struct Bench {
        Database *database;
        Keyring *keyring;
        Uuid *tenants;
        size_t tenant_count, made;
        atomic_bool stop;
        size_t requests, failed;
} Bench;

static UuidGenerator generator;

static bool add_tenant(Bench *bench, Transaction *transaction, Uuid id, Failure *failure) {
        char slug[40];
        snprintf(slug, sizeof(slug), "tenant-%zu", bench->made++);
        return transaction_run(transaction, QUERY_TRANSACTION_TENANT, VALUES(value_uuid(id)), NULL, failure) &&
               transaction_run(transaction, QUERY_TENANT_ADD,
                               VALUES(value_uuid(id), value_string(slug), value_string("Bench"), value_string("free")),
                               NULL, failure) &&
               keyring_make(bench->keyring, transaction, id, failure);
}

static bool add_tenants(Bench *bench, Uuid *ids, size_t count, Failure *failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        if (!transaction_begin(bench->database, DATABASE_TENANT, installation_tenant_id, &transaction, failure))
                return false;
        for (size_t i = 0; i < count; i++) {
                ids[i] = uuid_make(&generator, clock_now().wall_us);
                if (!add_tenant(bench, transaction, ids[i], failure))
                        return false;
        }
        return transaction_commit(transaction, failure);
}

static bool request(Bench *bench, size_t number, Failure *failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        SealPlace place = { "accepted", "body", TEXT("id") };
        Uuid tenant = bench->tenants[number % bench->tenant_count], made;
        Text sealed, plain;
        int key_id;
        if (number % 100 == 0 && !add_tenants(bench, &made, 1, failure))
                return false;
        return keyring_seal(bench->keyring, tenant, place, TEXT("hello"), arena, &sealed, &key_id, failure) &&
               keyring_unseal(bench->keyring, tenant, key_id, place, sealed, arena, &plain, failure) &&
               (number % 50 != 0 || keyring_refresh(bench->keyring, bench->database, failure));
}

static void *work(void *bench_) {
        Bench *bench = bench_;
        Failure failure;
        while (!atomic_load(&bench->stop))
                if (!request(bench, ++bench->requests, &failure) && ++bench->failed < 5)
                        fprintf(stderr, "a request failed: %s\n", failure.text);
        return NULL;
}

static bool write_keys(const char *path, const char *new_path, Failure *failure) {
        FILE *old_file = fopen(path, "w"), *new_file = fopen(new_path, "w");
        if (!old_file || !new_file)
                return failure_set(failure, FAILURE_INTERNAL, "cannot write beside the master key");
        for (int i = 0; i < 32; i++) {
                fprintf(old_file, "%02x", i);
                fprintf(new_file, "%02x", i + 100);
        }
        return (fclose(old_file) == 0) & (fclose(new_file) == 0);
}

static bool run(Bench *bench, const char *path, const char *new_path, Failure *failure) {
        pthread_t worker;
        RotateReport report;
        for (size_t i = 0; i < bench->tenant_count; i += TENANTS_AT_ONCE)
                if (!add_tenants(bench, &bench->tenants[i],
                                 bench->tenant_count - i < TENANTS_AT_ONCE ? bench->tenant_count - i : TENANTS_AT_ONCE,
                                 failure))
                        return false;
        if (pthread_create(&worker, NULL, work, bench) != 0)
                abort();
        int64_t begun_us = clock_now().monotonic_us;
        bool done = keyring_rotate(bench->database, path, new_path, &report, failure);
        int64_t took_us = clock_now().monotonic_us - begun_us;
        atomic_store(&bench->stop, true);
        pthread_join(worker, NULL);
        if (!done)
                return false;
        Keyring *after;
        if (!keyring_open(bench->database, path, &after, failure))
                return false;
        keyring_free(after);
        printf("%zu keys wrapped anew in %.2f s; %zu requests meanwhile, %zu failed\n", report.wrapped,
               (double) took_us / SECONDS, bench->requests, bench->failed);
        return bench->failed == 0;
}

int main(int count, char **arguments) {
        Bench bench = { .database = place_database(),
                        .tenant_count = count > 1 ? strtoul(arguments[1], NULL, 10) : 10000 };
        char path[400], new_path[400];
        Failure failure = { 0 };
        umask(077);
        snprintf(path, sizeof(path), "%s.bench", getenv("AIOX_MASTER_KEY_FILE"));
        snprintf(new_path, sizeof(new_path), "%s.bench-new", getenv("AIOX_MASTER_KEY_FILE"));
        bench.tenants = memory_new(sizeof(Uuid) * (bench.tenant_count + 1));
        place_fresh(bench.database);
        bool done = bench.tenant_count > 0 && write_keys(path, new_path, &failure) &&
                    keyring_open(bench.database, path, &bench.keyring, &failure) &&
                    run(&bench, path, new_path, &failure);
        if (!done)
                fprintf(stderr, "%s\n", failure.text);
        return done ? 0 : 1;
}
