#include "tests/integration/budgets/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PATIENCE_US (20 * SECONDS)

static void execute(const char *format, ...) _printf_(1, 2);
static void execute(const char *format, ...) {
        char sql[4000];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(sql, sizeof(sql), format, arguments);
        va_end(arguments);
        place_execute(sql);
}

static void run_shell(const char *format, ...) _printf_(1, 2);
static void run_shell(const char *format, ...) {
        char command[2000];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(command, sizeof(command), format, arguments);
        va_end(arguments);
        ck_assert_msg(system(command) == 0, "%s", command); /* NOLINT(cert-env33-c): names of our own */
}

void rig_open(Rig *rig) {
        *rig = (Rig){ .database = place_database() };
        signal(SIGPIPE, SIG_IGN); /* as the hub does */
        place_clean(rig->database);
        execute("SET aiox.tenant = 'a10c0000-0000-4000-8000-000000000000'");
        snprintf(rig->folder, sizeof(rig->folder), "/tmp/aiox-budgets.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(rig->folder));
        snprintf(rig->address, sizeof(rig->address), "unix:%s/socket", rig->folder);
        rig->parties = (BudgetParties){ .tenant_id = installation_tenant_id, .agent_id = rig_id(rig) };
        redis_run(rig);
}

void rig_close(Rig *rig) {
        if (rig->redis > 0)
                redis_kill(rig);
        run_shell("rm -rf '%s'", rig->folder);
        database_free(rig->database);
}

void redis_run(Rig *rig) {
        rig->redis = fork();
        ck_assert_int_ge(rig->redis, 0);
        if (rig->redis == 0) {
                char socket[96];
                int quiet = open("/dev/null", O_RDWR);
                prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
                snprintf(socket, sizeof(socket), "%s/socket", rig->folder);
                dup2(quiet, 1);
                execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir",
                       rig->folder, (char *) NULL);
                _exit(127);
        }
        run_shell("for i in $(seq 200); do redis-cli -s %s/socket ping 2>/dev/null | grep -q PONG && exit 0; sleep "
                  "0.05; done; exit 1",
                  rig->folder);
}

void redis_kill(Rig *rig) {
        kill(rig->redis, SIGKILL);
        waitpid(rig->redis, NULL, 0);
        rig->redis = 0;
}

void redis_do(Rig *rig, const char *command) {
        run_shell("redis-cli -s %s/socket %s >/dev/null", rig->folder, command);
}

void redis_says(Rig *rig, const char *command, const char *answer) {
        run_shell("for i in $(seq 200); do test \"$(redis-cli -s %s/socket --raw %s)\" = '%s' && exit 0; sleep 0.05; "
                  "done; exit 1",
                  rig->folder, command, answer);
}

void redis_copy(Rig *rig) {
        redis_do(rig, "save");
        run_shell("mv %s/dump.rdb %s/copy", rig->folder, rig->folder);
}

void redis_put_copy(Rig *rig) {
        run_shell("cp %s/copy %s/dump.rdb", rig->folder, rig->folder);
}

/* Somebody who waits to be told; each is woken alone. */
typedef struct Listener {
        struct Listener *next;
        Uuid message_id;
        pthread_cond_t told;
        bool done;
} Listener;

/* Messages told to go on that nobody has asked about, and those who wait. */
static struct {
        pthread_mutex_t lock;
        Uuid ids[4096];
        size_t count;
        Listener *listeners;
} told = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void tell_to_go_on(void *listener, Uuid message_id) {
        (void) listener;
        pthread_mutex_lock(&told.lock);
        Listener *each = told.listeners;
        while (each && (each->done || !uuid_equal(each->message_id, message_id)))
                each = each->next;
        if (each) {
                each->done = true;
                pthread_cond_signal(&each->told);
        } else {
                ck_assert_uint_lt(told.count, COUNT_OF(told.ids));
                told.ids[told.count++] = message_id;
        }
        pthread_mutex_unlock(&told.lock);
}

static bool told_take(Uuid message_id) {
        for (size_t i = 0; i < told.count; i++)
                if (uuid_equal(told.ids[i], message_id)) {
                        told.ids[i] = told.ids[--told.count];
                        return true;
                }
        return false;
}

bool told_to_go_on(Uuid message_id, int64_t patience_us) {
        struct timespec until = clock_timespec(clock_now().wall_us + patience_us);
        Listener own = { .message_id = message_id, .told = PTHREAD_COND_INITIALIZER };
        pthread_mutex_lock(&told.lock);
        own.done = told_take(message_id);
        own.next = told.listeners;
        told.listeners = &own;
        for (int late = 0; !own.done && late == 0;)
                late = pthread_cond_timedwait(&own.told, &told.lock, &until);
        Listener **place = &told.listeners;
        while (*place != &own)
                place = &(*place)->next;
        *place = own.next;
        pthread_mutex_unlock(&told.lock);
        pthread_cond_destroy(&own.told);
        return own.done;
}

Budgets *rig_hub(Rig *rig, const char *name) {
        const BudgetsSettings settings = {
                .address = rig->address,
                .database = rig->database,
                .lease_us = 2 * SECONDS,
                .patience_us = 4 * SECONDS,
                .go_on = tell_to_go_on,
        };
        Budgets *budgets;
        Failure failure;
        rig_lease(rig, name);
        ck_assert_done(budgets_new(&settings, &budgets, &failure), failure);
        budgets_hold_lease(budgets, text_of(name), 1);
        return budgets;
}

void rig_lease(Rig *rig, const char *name) {
        rig->leases++;
        execute("INSERT INTO leases (number, hub, epoch, process, domains) VALUES (%lld, '%s', 1, gen_random_uuid(), "
                "'x') ON CONFLICT (hub) DO NOTHING",
                (long long) rig->leases, name);
        execute("INSERT INTO heartbeats (hub, low_water) SELECT number, lowest_id(current_date)::uuid FROM leases "
                "ON CONFLICT DO NOTHING");
}

void rig_beat(Rig *rig, const char *name) {
        (void) rig;
        execute("UPDATE heartbeats SET beats = beats + 1 FROM leases WHERE number = heartbeats.hub AND leases.hub = "
                "'%s'",
                name);
}

void await_state(const Budgets *budgets, BudgetsState state) {
        for (int64_t deadline = clock_now().monotonic_us + PATIENCE_US; budgets_state(budgets) != state; usleep(2000))
                ck_assert_msg(clock_now().monotonic_us < deadline, "state %d, not %d", budgets_state(budgets), state);
}

void lease_raise(Rig *rig, const char *name) {
        (void) rig;
        execute("UPDATE leases SET epoch = epoch + 1, released = true WHERE hub = '%s'", name);
}

Uuid rig_id(Rig *rig) {
        return uuid_make(&rig->generator, clock_now().wall_us);
}

BudgetAmounts money(int64_t nano) {
        return (BudgetAmounts){ { nano, 0 } };
}

BudgetCall call_of(Rig *rig, Uuid message_id, int32_t ordinal, int64_t least, int64_t most, const Budget *budgets,
                   size_t count) {
        return (BudgetCall){ .message_id = message_id,
                             .ordinal = ordinal,
                             .parties = rig->parties,
                             .budgets = budgets,
                             .budget_count = count,
                             .least = money(least),
                             .most = money(most) };
}

int64_t spend_begin(Budgets *budgets, const BudgetCall *call, Failure *ret_failure) {
        BudgetVerdict verdict;
        while (!budgets_reserve(budgets, call, &verdict, ret_failure))
                if (!verdict.waits || !told_to_go_on(call->message_id, PATIENCE_US))
                        return 0;
        if (!budgets_sent(budgets, call->message_id, call->ordinal, ret_failure))
                return 0;
        return verdict.granted.units[BUDGET_MONEY];
}

static BudgetLook look(Budgets *budgets, Rig *rig) {
        BudgetLook look;
        Failure failure;
        ck_assert_done(budgets_look(budgets, BUDGET_OF_TENANT, &rig->parties, TEXT_NONE, 0, &look, &failure), failure);
        return look;
}

int64_t spent(Budgets *budgets, Rig *rig, BudgetWindow window) {
        return look(budgets, rig).spent[window].units[BUDGET_MONEY];
}

int64_t held(Budgets *budgets, Rig *rig) {
        return look(budgets, rig).held.units[BUDGET_MONEY];
}

void await_held(Budgets *budgets, Rig *rig, int64_t nano) {
        for (int64_t deadline = clock_now().monotonic_us + PATIENCE_US; held(budgets, rig) != nano; usleep(20000))
                ck_assert_msg(clock_now().monotonic_us < deadline, "held are %lld", (long long) held(budgets, rig));
}

void ledger_accept(Rig *rig, Uuid message_id, int64_t number, int64_t epoch) {
        char id[UUID_STRING_SIZE], agent[UUID_STRING_SIZE];
        uuid_format(message_id, id);
        uuid_format(rig->parties.agent_id, agent);
        execute("INSERT INTO accepted (id, tenant_id, agent_id, person_id, sequence, accepted_at, conversation, hub, "
                "key_id, domain) VALUES ('%s', current_tenant(), '%s', gen_random_uuid(), %lld, now(), 0, %lld, 1, "
                "'x')",
                id, agent, (long long) (epoch << 40) + 1, (long long) number);
}

void ledger_step(Rig *rig, Uuid message_id, int32_t ordinal, StepKind kind, int64_t nano, int64_t number,
                 int64_t epoch) {
        char id[UUID_STRING_SIZE];
        (void) rig;
        uuid_format(message_id, id);
        execute("INSERT INTO steps (message_id, ordinal, tenant_id, sequence, hub, key_id, kind, spent_nano) "
                "VALUES ('%s', %d, current_tenant(), %lld, %lld, 1, %d, %lld)",
                id, ordinal, (long long) (epoch << 40) + 2, (long long) number, kind, (long long) nano);
}

void ledger_conclude(Rig *rig, Uuid message_id, int64_t nano, const char *booked_at) {
        char id[UUID_STRING_SIZE], agent[UUID_STRING_SIZE];
        uuid_format(message_id, id);
        uuid_format(rig->parties.agent_id, agent);
        execute("INSERT INTO concluded (id, tenant_id, agent_id, sequence, concluded_at, cost_nano, queue_us, "
                "model_us, "
                "total_us, admission_us, prompt_tokens, completion_tokens, cached_tokens, model_calls, tool_calls, "
                "attempt, hub, key_id, outcome, reason, booked_at) VALUES ('%s', current_tenant(), '%s', 1, now(), "
                "%lld, "
                "0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, %s)",
                id, agent, (long long) nano, booked_at);
}
