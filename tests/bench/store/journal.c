/* What the journal costs: whole lives of messages (accepted in one batch, concluded in the next) through
 * store/journal.h against the PostgreSQL of tests/lab/with-postgres, on one connection. Closed loop: the next batch is
 * sent when the report of the last is there, so the rate is the most that this machine commits. CPU is that of all of
 * PostgreSQL's processes, and of this thread, per message.
 *
 *      tests/lab/with-postgres build/tests/bench/journal [SECONDS [BODY_BYTES]]
 */
#include "base/clock.h"
#include "base/map.h"
#include "tests/integration/store/place.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS  5
#define SENDERS 1000

typedef struct Bench {
        Journal *journal;
        UuidGenerator generator;
        StoreRequest request;
        AcceptedRecord accepted[512];
        ConcludedRecord concluded[512];
        int64_t counter;
        Text body;
        char senders[SENDERS][40];
} Bench;

typedef struct Figures {
        double rate, database_us, own_us, p50_ms, p99_ms;
} Figures;

static int64_t thread_cpu_us(void) {
        struct timespec used;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
        return used.tv_sec * SECONDS + used.tv_nsec / 1000;
}

/* Parent, and user and system time with that of children that ended; false when there is no such process. */
static bool process_read(long pid, long *ret_parent, int64_t *ret_ticks) {
        char path[40], line[600];
        unsigned long user, system;
        long children_user, children_system;
        snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
        FILE *file = fopen(path, "r");
        if (!file)
                return false;
        const char *after = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
        bool good = after && sscanf(after, ") %*c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", ret_parent,
                                    &user, &system, &children_user, &children_system) == 5;
        fclose(file);
        if (good)
                *ret_ticks = (int64_t) (user + system) + children_user + children_system;
        return good;
}

static long parent_of(long pid) {
        long parent = 0;
        int64_t ticks;
        (void) process_read(pid, &parent, &ticks);
        return parent;
}

/* Of the postmaster and all its children. */
static int64_t database_cpu_us(long postmaster) {
        DIR *processes = opendir("/proc");
        struct dirent *entry;
        int64_t sum = 0, ticks;
        long parent;
        while (processes && (entry = readdir(processes))) {
                long pid = atol(entry->d_name);
                if (pid > 0 && process_read(pid, &parent, &ticks) && (pid == postmaster || parent == postmaster))
                        sum += ticks;
        }
        if (processes)
                closedir(processes);
        return sum * SECONDS / sysconf(_SC_CLK_TCK);
}

static void stop(const char *sentence, const char *cause) {
        fprintf(stderr, "%s: %s\n", sentence, cause);
        exit(1);
}

static StoreReport *ask(Bench *bench) {
        bench->request.number++;
        StoreReport *report = place_request(bench->journal, &bench->request);
        if (report->result != STORE_DONE)
                stop("the journal", report->failure.text);
        return report;
}

static void start(Bench *bench) {
        bench->request = (StoreRequest){ .kind = STORE_START,
                                         .hub = TEXT("bench"),
                                         .domains = TEXT("agents.example"),
                                         .process = uuid_make(&bench->generator, clock_now().wall_us) };
        StoreReport *report = ask(bench);
        bench->request.epoch = report->epoch;
        bench->counter = report->epoch << 40;
        bench->request.kind = STORE_COMMIT;
        arena_free(report->arena);
}

static void make_accepted(Bench *bench, AcceptedRecord *record, Moment now) {
        Text sender = text_of(bench->senders[bench->counter % SENDERS]);
        *record = (AcceptedRecord){
                .id = uuid_make(&bench->generator, now.wall_us),
                .tenant_id = installation_tenant_id,
                .agent_id = { { 1 } },
                .sequence = ++bench->counter,
                .sender = sender,
                .reply_to = { DOOR_CHAT, TEXT("guide@agents.example"), sender,
                              TEXT("e0ffe42b28561960c6b12b944a092794b"), TEXT("4fd61b376fbc4950b9433f031a5595ab") },
                .body = bench->body,
                .key_count = 1,
                .accepted_us = now.wall_us,
        };
        memcpy(record->keys[0].bytes, &record->sequence, sizeof(record->sequence));
        record->keys[0] = crypto_sha256(MAP_KEY(record->keys[0]));
        record->content = record->keys[0];
}

static void make_concluded(Bench *bench, ConcludedRecord *record, const AcceptedRecord *accepted, Moment now) {
        *record = (ConcludedRecord){
                .id = accepted->id,
                .tenant_id = accepted->tenant_id,
                .agent_id = accepted->agent_id,
                .version_id = { { 2 } },
                .sequence = ++bench->counter,
                .outcome = OUTCOME_SUCCESS,
                .answer = bench->body,
                .usage = { .prompt_tokens = 10, .completion_tokens = 10, .model_calls = 1 },
                .timings = { 5, 300, 20, 700 },
                .worker = TEXT("thread-1"),
                .policy_hash = { { 3 } },
                .sender = accepted->sender,
                .concluded_us = now.wall_us,
        };
}

static int compare(const void *a, const void *b) {
        return *(const int64_t *) a < *(const int64_t *) b ? -1 : 1;
}

/* One round: batches of `size` messages accepted together with the conclusions of the batch before. */
static Figures run(Bench *bench, size_t size, int64_t round_us, long postmaster) {
        size_t messages = 0, batches = 0, open = 0, capacity = 1 << 20;
        int64_t *times = memory_new(sizeof(int64_t) * capacity);
        int64_t database_before = database_cpu_us(postmaster), own_before = thread_cpu_us();
        int64_t begin = clock_now().monotonic_us, now_us = begin;
        while (now_us < begin + round_us && batches < capacity) {
                Moment now = clock_now();
                for (size_t i = 0; i < open; i++)
                        make_concluded(bench, &bench->concluded[i], &bench->accepted[i], now);
                bench->request.batch = (JournalBatch){ .concluded = bench->concluded, .concluded_count = open };
                for (size_t i = 0; i < size; i++)
                        make_accepted(bench, &bench->accepted[i], now);
                bench->request.batch.accepted = bench->accepted;
                bench->request.batch.accepted_count = open = size;
                StoreReport *report = ask(bench);
                for (size_t i = 0; i < size; i++)
                        if (report->accepted[i].fate != ROW_WRITTEN)
                                stop("a message", "not written");
                arena_free(report->arena);
                now_us = clock_now().monotonic_us;
                times[batches++] = now_us - now.monotonic_us;
                messages += size;
        }
        qsort(times, batches, sizeof(times[0]), compare);
        const size_t middle = (size_t) batches / 2, late = (size_t) batches * 99 / 100;
        Figures figures = {
                .rate = (double) messages * SECONDS / (double) (now_us - begin),
                .database_us = (double) (database_cpu_us(postmaster) - database_before) / (double) messages,
                .own_us = (double) (thread_cpu_us() - own_before) / (double) messages,
                .p50_ms = (double) times[middle] / 1000,
                .p99_ms = (double) times[late] / 1000,
        };
        free(times);
        return figures;
}

static int compare_rates(const void *a, const void *b) {
        return ((const Figures *) a)->rate < ((const Figures *) b)->rate ? -1 : 1;
}

int main(int count, char **arguments) {
        static const size_t sizes[] = { 1, 30, 512 };
        static Bench bench;
        static char body[65536];
        int64_t round_us = (count > 1 ? atoll(arguments[1]) : 3) * SECONDS;
        size_t body_size = count > 2 ? (size_t) atoll(arguments[2]) : 200;
        Figures figures[COUNT_OF(sizes)][ROUNDS];
        Keyring *keyring;
        Failure failure;
        _cleanup_(database_freep) Database *database = place_database();
        place_fresh(database);
        if (!keyring_open(database, getenv("AIOX_MASTER_KEY_FILE"), &keyring, &failure))
                stop("the keyring", failure.text);
        long postmaster = parent_of(atol(place_ask("SELECT pg_backend_pid()")));
        memset(body, 'x', sizeof(body));
        bench.body = (Text){ body, body_size < sizeof(body) ? body_size : sizeof(body) };
        bench.journal = place_journal(keyring);
        for (int i = 0; i < SENDERS; i++)
                snprintf(bench.senders[i], sizeof(bench.senders[i]), "person-%d@example.org", i);
        start(&bench);
        run(&bench, 512, SECONDS, postmaster); /* plans, persons, first pages */
        for (int round = 0; round < ROUNDS; round++)
                for (size_t i = 0; i < COUNT_OF(sizes); i++)
                        figures[i][round] = run(&bench, sizes[i], round_us, postmaster);
        printf("batch  messages/s  database us/msg  hub us/msg  commit p50 ms  p99 ms   (median of %d rounds)\n",
               ROUNDS);
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
                qsort(figures[i], ROUNDS, sizeof(Figures), compare_rates);
                const Figures *median = &figures[i][ROUNDS / 2];
                printf("%5zu  %10.0f  %15.1f  %10.1f  %13.2f  %6.2f\n", sizes[i], median->rate, median->database_us,
                       median->own_us, median->p50_ms, median->p99_ms);
        }
        journal_free(bench.journal);
        keyring_free(keyring);
        return 0;
}
