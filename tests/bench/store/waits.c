/* What calls cost that wait for a budget: memory of each, and CPU of all together, of ours and of Redis, while nothing
 * moves; then how fast they are served when each settles as soon as it is held. In one line, and each in a line of its
 * own.
 *
 *      tests/lab/with-postgres build/tests/bench/store/bench-waits [SECONDS [WAITERS]]
 */
#include "base/clock.h"
#include "orchestrator/governance/budgets.h"
#include "store/cache/server.h"
#include "tests/integration/store/place.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const Budget of_tenant = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, 100 };
static const Budget of_account = { BUDGET_OF_ACCOUNT, BUDGET_MONEY, BUDGET_DAY, 100 };

static Budgets *budgets;
static _Atomic int told;

/* Nothing is written to a journal here: what was held is settled at once, on the usher's own thread. */
static void go_on(void *listener, Uuid message_id) {
        (void) listener;
        told++;
        budgets_settle(budgets, message_id, BUDGET_CONCLUDED, (BudgetAmounts){ { 0 } });
}

static void stop(const char *sentence, const char *cause) {
        fprintf(stderr, "%s: %s\n", sentence, cause);
        exit(1);
}

static Uuid numbered(uint8_t kind, int number) {
        Uuid id = { { kind } };
        memcpy(id.bytes + 4, &number, sizeof(number));
        return id;
}

static BudgetCall call_of(int number, bool apart, uint8_t kind) {
        return (BudgetCall){
                .message_id = numbered(kind, number),
                .ordinal = 1,
                .parties = { .tenant_id = installation_tenant_id,
                             .agent_id = { { 1 } },
                             .account_id = numbered(9, apart ? number : 0) },
                .budgets = apart ? &of_account : &of_tenant,
                .budget_count = 1,
                .least = { { 100, 0 } },
                .most = { { 100, 0 } },
        };
}

static int64_t own_us(void) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECONDS + usage.ru_utime.tv_usec +
               usage.ru_stime.tv_usec;
}

static double redis_us(redisContext *redis) {
        redisReply *reply = redisCommand(redis, "INFO cpu");
        const char *user = reply && reply->str ? strstr(reply->str, "used_cpu_user:") : NULL;
        const char *system = reply && reply->str ? strstr(reply->str, "used_cpu_sys:") : NULL;
        double seconds = user && system ? atof(user + 14) + atof(system + 13) : 0;
        freeReplyObject(reply);
        return seconds * 1e6;
}

static void reserve(const BudgetCall *call, bool waits) {
        BudgetVerdict verdict;
        Failure failure;
        if (budgets_reserve(budgets, call, &verdict, &failure) == waits || verdict.waits != waits)
                stop("a call", "was not what it should be");
}

static void measure(redisContext *redis, int waiters, bool apart, int64_t pause_us) {
        uint8_t kind = apart ? 4 : 3;
        int holders = apart ? waiters : 1;
        for (int i = 0; i < holders; i++) {
                const BudgetCall call = call_of(i, apart, kind - 2);
                reserve(&call, false);
        }
        size_t before = mallinfo2().uordblks;
        for (int i = 0; i < waiters; i++) {
                const BudgetCall call = call_of(i, apart, kind);
                reserve(&call, true);
        }
        size_t bytes = mallinfo2().uordblks - before;
        usleep(SECONDS); /* until nobody is asked for more often than need be */
        int64_t own = own_us();
        double other = redis_us(redis);
        usleep((useconds_t) pause_us);
        double own_share = (double) (own_us() - own) / (double) pause_us;
        double redis_share = (redis_us(redis) - other) / (double) pause_us;
        told = 0;
        int64_t begun_us = clock_now().monotonic_us;
        for (int i = 0; i < holders; i++)
                budgets_settle(budgets, numbered(kind - 2, i), BUDGET_CONCLUDED, (BudgetAmounts){ { 0 } });
        while (told < waiters && clock_now().monotonic_us < begun_us + 60 * SECONDS)
                usleep(1000);
        printf("%-22s %8d %10zu %10.2f %10.2f %12.0f\n", apart ? "each in its own line" : "in one line", waiters,
               bytes / (size_t) waiters, 100 * own_share, 100 * redis_share,
               (double) told * 1e6 / (double) (clock_now().monotonic_us - begun_us));
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
        int64_t pause_us = (count > 1 ? atoll(arguments[1]) : 5) * SECONDS;
        int waiters = count > 2 ? atoi(arguments[2]) : 1000;
        CacheServer server = { 0 };
        redisContext *redis;
        Failure failure;
        _cleanup_(database_freep) Database *database = place_database();
        place_fresh(database);
        place_execute("INSERT INTO leases (number, hub, epoch, process, domains) VALUES (1, 'bench', 1, "
                      "gen_random_uuid(), 'x'); INSERT INTO heartbeats (hub, low_water) VALUES (1, "
                      "lowest_id(current_date)::uuid)");
        const BudgetsSettings settings = {
                .address = getenv("AIOX_REDIS"), .password = read_password(), .database = database, .go_on = go_on
        };
        if (!budgets_new(&settings, &budgets, &failure) ||
            !cache_server_set(&server, settings.address, settings.password, 0, &failure) ||
            !cache_server_connect(&server, &redis, &failure))
                stop("Redis", failure.text);
        budgets_hold_lease(budgets, TEXT("bench"), 1);
        while (budgets_state(budgets) != BUDGETS_OPEN)
                usleep(10000);
        printf("%-22s %8s %10s %10s %10s %12s\n", "", "waiters", "bytes each", "own CPU %", "Redis %", "served a s");
        measure(redis, waiters, false, pause_us);
        measure(redis, waiters, true, pause_us);
        redisFree(redis);
        cache_server_release(&server);
        budgets_free(budgets);
        return 0;
}
