/* What budgets cost: turns that each reserve, send, and settle about a second later, against the PostgreSQL and Redis
 * of tests/lab/with-postgres. Open loop: each turn has its moments, and is timed from them; a thread a turn, as the hub
 * has them. Turns begin evenly, and end at moments of their own: were those the moments at which others begin, half of
 * all calls would stand behind the other half. A pair is reserving and settling, without sending. Then as many turns as
 * there can be, by 16 threads, one after the other, sending included. Pings are what the same moments take when Redis
 * has nothing to do; "scripts" is what Redis says it spent in all three of a turn.
 *
 *      tests/lab/with-postgres build/tests/bench/store/bench-budgets [SECONDS [IN_FLIGHT [PAIRS_A_SECOND]]]
 */
#include "orchestrator/governance/budgets.h"
#include "base/clock.h"
#include "store/cache/server.h"
#include "tests/integration/store/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define CLOSED_THREADS 16
#define PINGERS        8 /* connections, as budgets have them */

static const Budget budgets_of_all[] = {
        { BUDGET_OF_INSTALLATION, BUDGET_MONEY, BUDGET_MONTH, INT64_C(1) << 50 },
        { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, INT64_C(1) << 50 },
        { BUDGET_OF_TENANT, BUDGET_TOKENS, BUDGET_MINUTE, INT64_C(1) << 50 },
        { BUDGET_OF_AGENT, BUDGET_MONEY, BUDGET_DAY, INT64_C(1) << 50 },
};

typedef struct Bench {
        Budgets *budgets;
        BudgetParties parties;
        int64_t begin_us, end_us, hold_us, apart_us; /* apart: between two turns */
        int64_t *due, *calls; /* microseconds of each pair: from its moments, and of the calls alone */
        size_t capacity;
        _Atomic size_t count;
        _Atomic int64_t number, place; /* of calls; of threads */
        bool pings;                    /* in place of all that is said to the budgets */
        redisContext *pingers[PINGERS];
        int free;
        pthread_mutex_t lock;
} Bench;

static void stop(const char *sentence, const char *cause) {
        fprintf(stderr, "%s: %s\n", sentence, cause);
        exit(1);
}

static BudgetCall make_call(Bench *bench) {
        int64_t number = ++bench->number;
        BudgetCall call = {
                .ordinal = 1,
                .parties = bench->parties,
                .budgets = budgets_of_all,
                .budget_count = COUNT_OF(budgets_of_all),
                .least = { { 10, 10 } },
                .most = { { 1000, 1000 } },
                .last = true,
        };
        memcpy(call.message_id.bytes, &number, sizeof(number));
        return call;
}

static void ping(Bench *bench) {
        pthread_mutex_lock(&bench->lock);
        redisContext *redis = bench->free > 0 ? bench->pingers[--bench->free] : NULL;
        pthread_mutex_unlock(&bench->lock);
        redisReply *reply = redis ? redisCommand(redis, "PING") : NULL;
        if (!reply)
                return; /* all are taken: the machine is busy, and the budgets would wait */
        freeReplyObject(reply);
        pthread_mutex_lock(&bench->lock);
        bench->pingers[bench->free++] = redis;
        pthread_mutex_unlock(&bench->lock);
}

static void reserve(Bench *bench, const BudgetCall *call) {
        BudgetVerdict verdict;
        Failure failure;
        if (bench->pings)
                ping(bench);
        else if (!budgets_reserve(bench->budgets, call, &verdict, &failure))
                stop("a call", failure.text);
}

static void send_off(Bench *bench, const BudgetCall *call) {
        Failure failure;
        if (bench->pings)
                ping(bench);
        else if (!budgets_sent(bench->budgets, call->message_id, 1, &failure))
                stop("a call", failure.text);
}

static void settle(Bench *bench, const BudgetCall *call) {
        if (bench->pings) {
                ping(bench);
                return;
        }
        budgets_settle(bench->budgets, call->message_id, BUDGET_CONCLUDED, (BudgetAmounts){ { 100, 100 } });
}

static void sleep_until(int64_t monotonic_us) {
        struct timespec until = clock_timespec(monotonic_us);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
        }
}

static void note(Bench *bench, int64_t due_us, int64_t calls_us) {
        size_t place = bench->count++;
        if (place >= bench->capacity)
                return;
        bench->due[place] = due_us;
        bench->calls[place] = calls_us;
}

/* Nine tenths of the time there is, and up to the time between two turns more, spread evenly over them. */
static int64_t held_for_us(const Bench *bench, const BudgetCall *call) {
        int64_t number;
        memcpy(&number, call->message_id.bytes, sizeof(number));
        return bench->hold_us * 9 / 10 + number * 618 % 1000 * bench->apart_us / 1000;
}

/* One turn after the other, each at its moment and settled when it was held long enough. */
static void *run_open(void *bench_) {
        Bench *bench = bench_;
        int64_t due_us = bench->begin_us + bench->place++ * bench->apart_us;
        for (; due_us < bench->end_us; due_us += bench->hold_us) {
                BudgetCall call = make_call(bench);
                sleep_until(due_us);
                int64_t begun_us = clock_now().monotonic_us;
                reserve(bench, &call);
                int64_t held_us = clock_now().monotonic_us, settle_us = due_us + held_for_us(bench, &call);
                send_off(bench, &call);
                sleep_until(settle_us);
                int64_t again_us = clock_now().monotonic_us;
                settle(bench, &call);
                int64_t over_us = clock_now().monotonic_us;
                note(bench, held_us - due_us + over_us - settle_us, held_us - begun_us + over_us - again_us);
        }
        return NULL;
}

static void *run_closed(void *bench_) {
        Bench *bench = bench_;
        for (int64_t now_us = clock_now().monotonic_us; now_us < bench->end_us;) {
                BudgetCall call = make_call(bench);
                reserve(bench, &call);
                send_off(bench, &call);
                settle(bench, &call);
                int64_t over_us = clock_now().monotonic_us;
                note(bench, over_us - now_us, over_us - now_us);
                now_us = over_us;
        }
        return NULL;
}

static int compare(const void *a, const void *b) {
        int64_t first = *(const int64_t *) a, second = *(const int64_t *) b;
        return first < second ? -1 : first > second;
}

static int64_t own_cpu_us(void) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECONDS + usage.ru_utime.tv_usec +
               usage.ru_stime.tv_usec;
}

/* The figure after `name`, and then after `key`, in a section of INFO. */
static double redis_figure(redisContext *redis, const char *section, const char *name, const char *key) {
        redisReply *reply = redisCommand(redis, "INFO %s", section);
        const char *found = reply && reply->str ? strstr(reply->str, name) : NULL;
        found = found ? strstr(found, key) : NULL;
        double figure = found ? atof(found + strlen(key)) : 0;
        if (reply)
                freeReplyObject(reply);
        return figure;
}

static double redis_cpu_us(redisContext *redis) {
        return (redis_figure(redis, "cpu", "used_cpu_sys:", ":") + redis_figure(redis, "cpu", "used_cpu_user:", ":")) *
               (double) SECONDS;
}

static double scripts_us(redisContext *redis) {
        return redis_figure(redis, "commandstats", "cmdstat_evalsha:", "usec=");
}

/* Prints one line of figures. */
static void measure(Bench *bench, const char *what, int threads, void *(*turn)(void *), redisContext *redis) {
        pthread_t *all = memory_new(sizeof(pthread_t) * (size_t) threads);
        pthread_attr_t small;
        bench->count = 0;
        bench->place = 0;
        int64_t own = own_cpu_us();
        double other = redis_cpu_us(redis), scripts = scripts_us(redis);
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, (size_t) 256 * 1024);
        for (int i = 0; i < threads; i++)
                if (pthread_create(&all[i], &small, turn, bench) != 0)
                        stop("threads", "there are no more");
        for (int i = 0; i < threads; i++)
                pthread_join(all[i], NULL);
        size_t count = bench->count < bench->capacity ? bench->count : bench->capacity;
        double seconds = (double) (bench->end_us - bench->begin_us) / (double) SECONDS;
        if (count == 0)
                stop(what, "no pair came to its end");
        qsort(bench->due, count, sizeof(int64_t), compare);
        qsort(bench->calls, count, sizeof(int64_t), compare);
        size_t half = count / 2, most = count * 99 / 100;
        printf("%-12s %9d %9.0f %12.3f %8.3f %10.3f %8.3f %12.1f %9.1f %8.1f\n", what, threads,
               (double) count / seconds, (double) bench->due[half] / 1000, (double) bench->due[most] / 1000,
               (double) bench->calls[half] / 1000, (double) bench->calls[most] / 1000,
               (double) (own_cpu_us() - own) / (double) count, (redis_cpu_us(redis) - other) / (double) count,
               (scripts_us(redis) - scripts) / (double) count);
        free(all);
}

static char *read_password(void) {
        static char password[200];
        const char *path = getenv("AIOX_REDIS_SECRET_FILE");
        FILE *file = path ? fopen(path, "r") : NULL;
        if (!file || !fgets(password, sizeof(password), file))
                stop("Redis", "run this by tests/lab/with-postgres");
        fclose(file);
        password[strcspn(password, "\n")] = '\0';
        return password;
}

int main(int count, char **arguments) {
        int64_t round_us = (count > 1 ? atoll(arguments[1]) : 10) * SECONDS;
        int in_flight = count > 2 ? atoi(arguments[2]) : 1000;
        int64_t rate = count > 3 ? atoll(arguments[3]) : 1000;
        static Bench bench;
        CacheServer server = { 0 };
        redisContext *redis;
        Failure failure;
        _cleanup_(database_freep) Database *database = place_database();
        place_fresh(database);
        place_execute("INSERT INTO leases (number, hub, epoch, process, domains) VALUES (1, 'bench', 1, "
                      "gen_random_uuid(), 'x'); INSERT INTO heartbeats (hub, low_water) VALUES (1, "
                      "lowest_id(current_date)::uuid)");
        const BudgetsSettings settings = { .address = getenv("AIOX_REDIS"),
                                           .password = read_password(),
                                           .database = database };
        if (!budgets_new(&settings, &bench.budgets, &failure) ||
            !cache_server_set(&server, settings.address, settings.password, 0, &failure) ||
            !cache_server_connect(&server, &redis, &failure))
                stop("Redis", failure.text);
        /* Threads inherit it: a moment that comes 50 us late by the kernel's leave is not the budgets' time. */
        prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
        budgets_hold_lease(bench.budgets, TEXT("bench"), 1);
        while (budgets_state(bench.budgets) != BUDGETS_OPEN)
                usleep(10000);
        bench.parties = (BudgetParties){ installation_tenant_id, { { 1 } }, { { 2 } }, { { 0 } }, TEXT_NONE };
        bench.hold_us = (int64_t) in_flight * SECONDS / rate;
        bench.apart_us = SECONDS / rate;
        bench.capacity = (size_t) (200000 * (round_us / SECONDS));
        bench.due = memory_new(sizeof(int64_t) * bench.capacity);
        bench.calls = memory_new(sizeof(int64_t) * bench.capacity);
        pthread_mutex_init(&bench.lock, NULL);
        while (bench.free < PINGERS)
                if (!cache_server_connect(&server, &bench.pingers[bench.free++], &failure))
                        stop("Redis", failure.text);
        printf("%-12s %9s %9s %12s %8s %10s %8s %12s %9s %8s\n", "load", "in flight", "pairs/s", "pair p50 ms",
               "p99 ms", "calls p50", "p99 ms", "own us/pair", "Redis us", "scripts");
        for (int pings = 1; pings >= 0; pings--) {
                bench.pings = pings;
                bench.begin_us = clock_now().monotonic_us + SECONDS;
                bench.end_us = bench.begin_us + round_us;
                measure(&bench, pings ? "pings" : "open loop", in_flight, run_open, redis);
        }
        bench.begin_us = clock_now().monotonic_us;
        bench.end_us = bench.begin_us + round_us;
        measure(&bench, "saturation", CLOSED_THREADS, run_closed, redis);
        for (int i = 0; i < bench.free; i++)
                redisFree(bench.pingers[i]);
        pthread_mutex_destroy(&bench.lock);
        redisFree(redis);
        cache_server_release(&server);
        budgets_free(bench.budgets);
        free(bench.due);
        free(bench.calls);
        return 0;
}
