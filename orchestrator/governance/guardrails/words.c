#include "orchestrator/governance/guardrails/kinds.h"

#define PHRASES_MOST 512
#define BUCKETS      1024 /* a power of two, more than there can be phrases */

typedef struct Phrase {
        struct Phrase *next; /* with the same first word's bucket */
        size_t count;
        uint64_t words[]; /* hashes */
} Phrase;

typedef struct Words {
        size_t count;
        Phrase *buckets[BUCKETS];
} Words;

static void words_release(void *words_) {
        Words *words = words_;

        for (size_t i = 0; words && i < BUCKETS; i++)
                for (Phrase *phrase = words->buckets[i], *next; phrase; phrase = next) {
                        next = phrase->next;
                        free(phrase);
                }
        free(words);
}

static bool phrase_add(Words *words, Text phrase_text, Arena *arena, Failure *reterr_failure) {
        Folded folded;
        FoldedWord word;
        size_t count = 0;

        if (!text_fold(phrase_text, arena, &folded))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the words are too long");
        for (size_t place = 0; folded_word(folded.text, &place, &word);)
                count++;
        if (count == 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "'%.*s' holds no letter and no digit",
                                   TEXT_ARGUMENTS(text_prefix(phrase_text, 40)));
        if (words->count++ == PHRASES_MOST)
                return failure_set(reterr_failure, FAILURE_INVALID, "there are more than %d phrases", PHRASES_MOST);
        Phrase *phrase = memory_new(sizeof(*phrase) + count * sizeof(phrase->words[0]));
        for (size_t place = 0; folded_word(folded.text, &place, &word);)
                phrase->words[phrase->count++] = word.hash;
        Phrase **bucket = &words->buckets[phrase->words[0] % BUCKETS];
        phrase->next = *bucket;
        *bucket = phrase;
        return true;
}

static bool words_read(Text argument, void **ret_state, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Words *words = memory_new(sizeof(*words));
        Text phrase;

        while (text_split(&argument, '|', &phrase))
                if (!phrase_add(words, text_trim(phrase), arena, reterr_failure)) {
                        words_release(words);
                        return false;
                }
        *ret_state = words;
        return true;
}

/* How many words from the nth on are those of a phrase; the longest. */
static size_t phrase_at(const Words *words, const FoldedWord *list, size_t left) {
        size_t longest = 0;

        for (const Phrase *phrase = words->buckets[list[0].hash % BUCKETS]; phrase; phrase = phrase->next) {
                size_t same = 0;
                while (same < phrase->count && same < left && phrase->words[same] == list[same].hash)
                        same++;
                if (same == phrase->count && same > longest)
                        longest = same;
        }
        return longest;
}

static bool words_find(const void *words_, Subject *subject, Spans *spans, Failure *reterr_failure) {
        const Words *words = words_;
        size_t count = 0, place = 0;
        FoldedWord word;

        if (!subject_fold(subject, reterr_failure))
                return false;
        Text text = subject->folded.text;
        while (folded_word(text, &place, &word))
                count++;
        FoldedWord *list = arena_take_array(subject->arena, FoldedWord, count);
        if (count && !list)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The text takes more memory than a turn may.");
        place = 0;
        for (size_t i = 0; i < count; i++)
                folded_word(text, &place, &list[i]);
        for (size_t i = 0; i < count; i++) {
                size_t length = phrase_at(words, list + i, count - i);
                if (length > 0) {
                        spans_add_folded(spans, subject, list[i].from, list[i + length - 1].to);
                        i += length - 1;
                }
        }
        return true;
}

const Kind words_kind = {
        .name = "words",
        .found = "a word or phrase that its owner has ruled out",
        .stands_in = "[removed]",
        .argument = true,
        .read = words_read,
        .release = words_release,
        .find = words_find,
};
