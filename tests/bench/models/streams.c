/* What streams cost: N answers at once from a scripted model server, each of twenty pieces over some seconds, each read
 * by a thread of its own as turns do; and the parsers alone, without a network.
 *
 *     tests/lab/model-server --run streams [STREAMS [SECONDS]]
 *
 * Prints processor time for each piece (whole process, and the curl thread's share), the peak of memory, and how late
 * the last answer was; fails when an answer is wrong or memory exceeds its limit.
 */
#include "orchestrator/http/http.h"
#include "orchestrator/models/openai.h"
#include "orchestrator/models/sse.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>

#define MEMORY_LIMIT_KIB (400 * 1024)
#define PIECES           20
#define PARSED_EVENTS    200000

static char model[64];
static atomic_int pieces, wrong;

static void hear(void *listener, Text piece) {
        (void) listener;
        (void) piece;
        atomic_fetch_add(&pieces, 1);
}

static bool never(void *listener) {
        (void) listener;
        return false;
}

static void *read_answer(void *user) {
        Arena *arena = arena_new(0);
        ModelMessage message = { .role = MODEL_USER, .content = TEXT("Tell me something that takes a while.") };
        ModelReply reply;
        Failure failure;
        const ModelRequest request = {
                .model = text_of(model),
                .messages = &message,
                .message_count = 1,
                .temperature = -1,
                .max_tokens = 100,
                .deadline_us = clock_now().monotonic_us + 120 * SECONDS,
                .stream = hear,
                .stopped = never,
        };
        (void) user;
        if (!model_complete(&request, arena, &reply, &failure) || !text_starts_with(reply.content, TEXT("piece 0 "))) {
                if (atomic_fetch_add(&wrong, 1) == 0)
                        (void) fprintf(stderr, "%s\n", failure.text);
        }
        arena_free(arena);
        return NULL;
}

static int64_t processor_us(void) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECONDS + usage.ru_utime.tv_usec +
               usage.ru_stime.tv_usec;
}

static long peak_kib(void) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
}

static bool read_line(const char *path, char *ret_line, int size) {
        FILE *file = fopen(path, "r");
        const bool ok = file && fgets(ret_line, size, file);
        if (file)
                (void) fclose(file);
        return ok;
}

/* Of the thread that is named so, from the kernel's scheduler. */
static int64_t thread_us(const char *name) {
        DIR *tasks = opendir("/proc/self/task");
        int64_t found_us = 0;
        for (const struct dirent *task; tasks && (task = readdir(tasks));) {
                char path[300], line[100];
                (void) snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", task->d_name);
                if (!read_line(path, line, sizeof(line)) || strncmp(line, name, strlen(name)) != 0)
                        continue;
                (void) snprintf(path, sizeof(path), "/proc/self/task/%.20s/schedstat", task->d_name);
                if (read_line(path, line, sizeof(line)))
                        found_us = strtoll(line, NULL, 10) / 1000;
        }
        if (tasks)
                closedir(tasks);
        return found_us;
}

static bool take_event(void *listener, const SseEvent *event) {
        ModelReply unused;
        Failure failure;
        return openai_reply_take(listener, event->data, &unused, &failure);
}

static void measure_parsers(void) {
        static const char event[] = "data: "
                                    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":"
                                    "1700000000,\"model\":\"gpt-test\","
                                    "\"system_fingerprint\":\"fp_0123456789\",\"choices\":[{\"index\":0,\"delta\":{"
                                    "\"content\":\" word\"},\"logprobs\":null,"
                                    "\"finish_reason\":null}]}\n\n";
        const ModelRequest request = { 0 };
        OpenaiReply *reply = openai_reply_new(&request);
        SseParser *parser = sse_new(SSE_LINE_LIMIT, take_event, reply);
        Failure failure;
        bool ok = true;
        const int64_t before_us = processor_us();
        for (int i = 0; i < PARSED_EVENTS && ok; i++)
                ok = sse_push(parser, text_of(event), &failure);
        (void) printf("parsers alone: %.2f us a piece%s\n", (double) (processor_us() - before_us) / PARSED_EVENTS,
                      ok ? "" : " (failed)");
        sse_free(parser);
        openai_reply_free(reply);
}

static bool measure_streams(int count, int seconds) {
        pthread_t *threads = memory_new((size_t) count * sizeof(*threads));
        pthread_attr_t attributes;
        (void) snprintf(model, sizeof(model), "openai/slow-%d", seconds);
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 256UL * 1024);

        const long before_kib = peak_kib();
        const int64_t started_us = clock_now().monotonic_us, before_us = processor_us();
        for (int i = 0; i < count; i++)
                if (pthread_create(&threads[i], &attributes, read_answer, NULL) != 0)
                        abort();
        for (int i = 0; i < count; i++)
                pthread_join(threads[i], NULL);
        const int64_t took_us = clock_now().monotonic_us - started_us, used_us = processor_us() - before_us;
        const long grown_kib = peak_kib() - before_kib;
        const int total = atomic_load(&pieces);

        (void) printf(
                "%d streams of %d s: %d wrong, %d pieces in %.2f s; processor %.1f us a piece (curl thread %.1f); "
                "memory %.1f MB, of which %.1f KB a stream\n",
                count, seconds, atomic_load(&wrong), total, (double) took_us / SECONDS, (double) used_us / total,
                (double) thread_us("aiox-http") / total, (double) peak_kib() / 1024, (double) grown_kib / count);
        pthread_attr_destroy(&attributes);
        free(threads);
        return atomic_load(&wrong) == 0 && total == count * PIECES && peak_kib() < MEMORY_LIMIT_KIB;
}

int main(int argc, char **argv) {
        const int count = argc > 1 ? (int) strtol(argv[1], NULL, 10) : 1000;
        const int seconds = argc > 2 ? (int) strtol(argv[2], NULL, 10) : 5;
        const char *url = getenv("MODEL_SERVER_URL");
        const HttpSettings http = { 0 };
        const ModelSettings models = { .openai_url = text_of(url) };
        Failure failure;
        struct rlimit files;

        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        if (!url || count < 1 || !http_start(&http, &failure) || !model_start(&models, &failure)) {
                (void) fprintf(stderr, "Run this by tests/lab/model-server --run streams [STREAMS [SECONDS]].\n");
                return 2;
        }
        measure_parsers();
        const bool ok = measure_streams(count, seconds);
        model_stop();
        http_stop();
        return ok ? 0 : 1;
}
