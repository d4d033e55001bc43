/* How many texts a second are asked for their language, by as many threads as would like to at the same time. Prints
 * texts a second of the clock on the wall, and CPU microseconds per text of all threads together.
 */
#include "orchestrator/governance/guardrails/guardrails.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define TEXTS        2000 /* of all threads together */
#define THREADS_MOST 16

static const char prose[] =
        "The heron stood at the edge of the pond for the whole of the afternoon, and nobody who came by saw it move. "
        "We "
        "counted the steps from the gate to the water and back again, and when we had come to the end it was gone. ";

typedef struct Asker {
        const Guardrails *guardrails;
        pthread_t thread;
        size_t texts;
} Asker;

static double now_s(clockid_t clock) {
        struct timespec now;
        clock_gettime(clock, &now);
        return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void *run(void *asker_) {
        const Asker *asker = asker_;
        _cleanup_(text_builder_release) TextBuilder text = text_builder(2048);

        while (!text.overflowed)
                text_add_string(&text, prose);
        for (size_t i = 0; i < asker->texts; i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                GuardVerdict verdict;
                Failure failure;
                if (!guardrails_ask(asker->guardrails, GUARD_OUTPUT, text_built(&text), NULL, arena, &verdict,
                                    &failure) ||
                    verdict.blocked)
                        abort();
        }
        return NULL;
}

static void measure(const Guardrails *guardrails, size_t threads) {
        Asker askers[THREADS_MOST];
        double wall_s = now_s(CLOCK_MONOTONIC), cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID);

        for (size_t i = 0; i < threads; i++) {
                askers[i] = (Asker){ .guardrails = guardrails, .texts = TEXTS / threads };
                if (pthread_create(&askers[i].thread, NULL, run, &askers[i]) != 0)
                        abort();
        }
        for (size_t i = 0; i < threads; i++)
                pthread_join(askers[i].thread, NULL);
        wall_s = now_s(CLOCK_MONOTONIC) - wall_s;
        cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
        printf("language, %2zu threads %8.0f texts/s %8.1f us of CPU each\n", threads, TEXTS / wall_s,
               cpu_s * 1e6 / TEXTS);
}

int main(void) {
        Guardrails *guardrails;
        Failure failure;

        if (!guardrails_parse(TEXT("output block language en"), &guardrails, &failure))
                abort();
        measure(guardrails, THREADS_MOST); /* makes what threads share */
        for (size_t threads = 1; threads <= THREADS_MOST; threads *= 2)
                measure(guardrails, threads);
        guardrails_free(guardrails);
        return 0;
}
