#include "orchestrator/governance/guardrails/kinds.h"

#define SHINGLE_WORDS  5
#define SHINGLES_LEAST 4     /* a shorter secret is not told from ordinary words */
#define SHINGLES_MOST  65536 /* of a secret; what comes behind is not looked at */
#define SHARE_USUAL    20    /* percent */
#define RUN_MOST       24    /* shingles in a row: so much of even a long secret is one told */

/* Hashes of each five words in a row, in an open table. */
struct Shingles {
        size_t count, mask;
        uint64_t table[]; /* 0 = free */
};

/* The hash of the last five words, kept from word to word. */
typedef struct Window {
        uint64_t words[SHINGLE_WORDS];
        size_t count;
} Window;

static uint64_t window_add(Window *window, uint64_t word) {
        uint64_t hash = 0;

        window->words[window->count++ % SHINGLE_WORDS] = word;
        for (size_t i = 0; i < SHINGLE_WORDS; i++)
                hash = (hash ^ window->words[(window->count + i) % SHINGLE_WORDS]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
        return window->count < SHINGLE_WORDS ? 0 : hash ? hash : 1;
}

static size_t shingle_place(const Shingles *shingles, uint64_t hash) {
        size_t place = (size_t) hash & shingles->mask;
        while (shingles->table[place] && shingles->table[place] != hash)
                place = (place + 1) & shingles->mask;
        return place;
}

Shingles *shingles_new(Text secret) {
        _cleanup_(arena_freep) Arena *arena = arena_new(secret.length * 24 + 4096);
        Window window = { 0 };
        Folded folded;
        FoldedWord word;
        size_t words = 0, size = 16;

        if (!text_fold(secret, arena, &folded))
                return NULL;
        for (size_t place = 0; folded_word(folded.text, &place, &word);)
                words++;
        if (words < SHINGLE_WORDS + SHINGLES_LEAST - 1)
                return NULL;
        if (words > SHINGLES_MOST)
                words = SHINGLES_MOST;
        while (size < words * 2)
                size *= 2;
        Shingles *shingles = memory_new(sizeof(*shingles) + size * sizeof(shingles->table[0]));
        shingles->mask = size - 1;
        for (size_t place = 0; words > 0 && folded_word(folded.text, &place, &word); words--) {
                uint64_t hash = window_add(&window, word.hash);
                size_t free_place = shingle_place(shingles, hash);
                if (hash && !shingles->table[free_place]) {
                        shingles->table[free_place] = hash;
                        shingles->count++;
                }
        }
        return shingles;
}

void shingles_free(Shingles *shingles) {
        free(shingles);
}

static bool leak_read(Text argument, void **ret_state, Failure *reterr_failure) {
        int64_t share = SHARE_USUAL;

        if (argument.length && argument.bytes[argument.length - 1] == '%')
                argument.length--;
        if (argument.length && (!text_to_int64(argument, &share) || share < 1 || share > 100))
                return failure_set(reterr_failure, FAILURE_INVALID, "leak wants a share in percent, such as 20%%");
        int64_t *state = memory_new(sizeof(*state));
        *state = share;
        *ret_state = state;
        return true;
}

static bool leak_find(const void *share, Subject *subject, Spans *spans, Failure *reterr_failure) {
        const Shingles *secret = subject->secret;
        Window window = { 0 };
        FoldedWord word;
        size_t told = 0, run = 0, longest = 0;

        if (!secret)
                return true;
        size_t bytes = (secret->mask + 8) / 8;
        uint8_t *seen = arena_take(subject->arena, bytes);
        if (!seen)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The text takes more memory than a turn may.");
        if (!subject_fold(subject, reterr_failure))
                return false;
        for (size_t at = 0; folded_word(subject->folded.text, &at, &word);) {
                uint64_t hash = window_add(&window, word.hash);
                size_t place = shingle_place(secret, hash);
                bool known = hash && secret->table[place];
                run = known ? run + 1 : 0;
                longest = run > longest ? run : longest;
                if (known && !(seen[place / 8] & 1 << place % 8)) {
                        seen[place / 8] |= (uint8_t) (1 << place % 8);
                        told++;
                }
        }
        if (longest >= RUN_MOST || (int64_t) told * 100 >= *(const int64_t *) share * (int64_t) secret->count)
                spans_add_all(spans, subject);
        return true;
}

const Kind leak_kind = {
        .name = "leak",
        .found = "part of its own instructions",
        .output_only = true,
        .read = leak_read,
        .release = free,
        .find = leak_find,
};
