/* What one rule costs a message: each kind over 2 KiB and over 64 KiB of ordinary text in which it finds nothing.
 * Prints microseconds of this thread's CPU per text, the median of five rounds.
 */
#include "orchestrator/governance/guardrails/guardrails.h"

#include <stdio.h>
#include <time.h>

#define ROUNDS 5
#define BYTES  ((size_t) 4 * 1024 * 1024) /* of one round */

static const char prose[] =
        "The heron stood at the edge of the pond for the whole of the afternoon, and nobody who came by on the 3rd of "
        "May saw it move; at 16:45 it was gone. We counted 1,204 steps from the gate. ";
static const char accents[] =
        "Le h\u00e9ron est rest\u00e9 au bord de l'\u00e9tang tout l'apr\u00e8s-midi, et personne ne l'a vu bouger ; "
        "\u00e0 16 h 45 il n'\u00e9tait plus l\u00e0. \u041e\u043d \u0443\u043b\u0435\u0442\u0435\u043b. ";

static double cpu_us(void) {
        struct timespec now;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return (double) now.tv_sec * 1e6 + (double) now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;
        return (x > y) - (x < y);
}

static double measure(const Guardrails *guardrails, Text text, const Shingles *secret) {
        double rounds[ROUNDS];

        for (int round = 0; round < ROUNDS; round++) {
                size_t texts = BYTES / text.length;
                double before = cpu_us();
                for (size_t i = 0; i < texts; i++) {
                        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 8 * 1024 * 1024);
                        GuardVerdict verdict;
                        Failure failure;
                        if (!guardrails_ask(guardrails, GUARD_OUTPUT, text, secret, arena, &verdict, &failure))
                                abort();
                }
                rounds[round] = (cpu_us() - before) / (double) texts;
        }
        qsort(rounds, ROUNDS, sizeof(*rounds), compare);
        return rounds[ROUNDS / 2];
}

int main(void) {
        static const char *const rules[] = {
                "output warn mail",
                "output warn phone",
                "output warn card",
                "output warn key",
                "output warn words project x|secret sauce|egret",
                "output warn pattern ORD-[0-9]{6}",
                "output warn pattern (?i)\\b(egret|stork)s?\\b",
                "output warn length 100000000",
                "output warn language en|fr",
                "output warn leak",
        };
        static const struct {
                const char *name, *text;
                size_t length;
        } texts[] = { { "2 KiB of ASCII", prose, 2048 },
                      { "2 KiB with accents", accents, 2048 },
                      { "64 KiB of ASCII", prose, 65536 } };
        _cleanup_(text_builder_release) TextBuilder secret = text_builder(0);

        for (int i = 0; i < 300; i++)
                text_add_format(&secret, "instruction%d ", i);
        Shingles *shingles = shingles_new(text_built(&secret));
        for (size_t t = 0; t < COUNT_OF(texts); t++)
                for (size_t r = 0; r < COUNT_OF(rules); r++) {
                        _cleanup_(text_builder_release) TextBuilder text = text_builder(texts[t].length);
                        Guardrails *guardrails;
                        Failure failure;
                        while (!text.overflowed)
                                text_add_string(&text, texts[t].text);
                        if (!guardrails_parse(text_of(rules[r]), &guardrails, &failure))
                                abort();
                        printf("%-20s %-48s %8.1f us\n", texts[t].name, rules[r],
                               measure(guardrails, text_built(&text), shingles));
                        guardrails_free(guardrails);
                }
        shingles_free(shingles);
        return 0;
}
