#include "orchestrator/models/words.h"

#define WORD_SIZE 48 /* bytes of a word that are compared */

/* Sorted. What a question is made of without being about it. */
static const char *const common_words[] = {
        "a",     "about",  "all",    "also", "am",    "an",   "and",    "any",   "are",     "as",   "at",    "be",
        "been",  "but",    "by",     "can",  "could", "did",  "do",     "does",  "explain", "for",  "from",  "get",
        "give",  "had",    "has",    "have", "hello", "help", "her",    "here",  "hey",     "hi",   "his",   "how",
        "i",     "if",     "in",     "into", "is",    "it",   "its",    "just",  "know",    "let",  "like",  "me",
        "mean",  "more",   "my",     "need", "no",    "not",  "now",    "of",    "ok",      "on",   "one",   "or",
        "our",   "out",    "please", "say",  "shall", "she",  "should", "show",  "so",      "some", "tell",  "than",
        "thank", "thanks", "that",   "the",  "their", "them", "then",   "there", "these",   "they", "thing", "this",
        "those", "to",     "too",    "up",   "us",    "very", "want",   "was",   "we",      "were", "what",  "when",
        "where", "which",  "while",  "who",  "why",   "will", "with",   "would", "yes",     "you",  "your",
};

/* The longer ending first; what is left must keep three letters. */
static const char *const endings[] = { "ations", "ation", "ings", "ing", "ies", "ied", "ers",
                                       "er",     "es",    "ed",   "s",   "e",   "y" };

static bool is_word_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char) c >= 0x80;
}

static bool is_common(Text word) {
        size_t low = 0, high = COUNT_OF(common_words);

        while (low < high) {
                const size_t middle = low + (high - low) / 2;
                const int order = text_compare(word, text_of(common_words[middle]));
                if (order == 0)
                        return true;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return false;
}

static Text stem(Text word) {
        for (size_t i = 0; i < COUNT_OF(endings); i++) {
                const Text ending = text_of(endings[i]);
                if (word.length < ending.length + 3)
                        continue;
                const Text end = { word.bytes + word.length - ending.length, ending.length };
                const bool is_double_s = text_equal(ending, TEXT("s")) && word.bytes[word.length - 2] == 's';
                if (text_equal(end, ending) && !is_double_s)
                        return (Text){ word.bytes, word.length - ending.length };
        }
        return word;
}

static uint32_t hash(Text word) {
        uint32_t value = 2166136261u; /* FNV-1a */

        for (size_t i = 0; i < word.length; i++)
                value = (value ^ (unsigned char) word.bytes[i]) * 16777619u;
        return value;
}

/* Takes the next word that counts off *rest; false when there is none. */
static bool next_stem(Text *rest, uint32_t *ret_stem) {
        while (rest->length > 0) {
                char lower[WORD_SIZE];
                size_t length = 0, taken = 0;
                while (taken < rest->length && is_word_byte(rest->bytes[taken])) {
                        const char c = rest->bytes[taken++];
                        if (length < sizeof(lower))
                                lower[length++] = (char) (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
                }
                const size_t step = taken > 0 ? taken : 1;
                *rest = (Text){ rest->bytes + step, rest->length - step };
                const Text word = { lower, length };
                if (length < 2 || is_common(word))
                        continue;
                *ret_stem = hash(stem(word));
                return true;
        }
        return false;
}

static size_t index_of(const Words *words, uint32_t wanted) {
        size_t i = 0;
        while (i < words->count && words->stems[i] != wanted)
                i++;
        return i;
}

Words words_of(Text question) {
        Words words = { .count = 0 };
        uint32_t found;

        while (words.count < WORDS_LIMIT && next_stem(&question, &found))
                if (index_of(&words, found) == words.count)
                        words.stems[words.count++] = found;
        return words;
}

uint64_t words_found(const Words *words, Text text) {
        uint64_t bits = 0;
        uint32_t found;

        while (next_stem(&text, &found)) {
                const size_t i = index_of(words, found);
                if (i < words->count)
                        bits |= UINT64_C(1) << i;
        }
        return bits;
}
