#include "orchestrator/governance/guardrails/kinds.h"

#define MEASURE_MOST 64 /* of a key's characters, to tell whether they are random */

/* What may follow a prefix. */
typedef enum Alphabet { CAPITALS, ALPHANUMERIC, ALPHANUMERIC_UNDERSCORE, BASE64URL } Alphabet;

typedef struct Shape {
        const char *prefix;
        size_t least; /* characters after the prefix */
        Alphabet alphabet;
        bool random; /* short prefix: only with many different characters */
} Shape;

static const Shape shapes[] = {
        { "AKIA", 16, CAPITALS, false },         { "ASIA", 16, CAPITALS, false },
        { "AROA", 16, CAPITALS, false },         { "AIDA", 16, CAPITALS, false },
        { "ghp_", 30, ALPHANUMERIC, false },     { "gho_", 30, ALPHANUMERIC, false },
        { "ghu_", 30, ALPHANUMERIC, false },     { "ghs_", 30, ALPHANUMERIC, false },
        { "ghr_", 30, ALPHANUMERIC, false },     { "github_pat_", 22, ALPHANUMERIC_UNDERSCORE, false },
        { "glpat-", 20, BASE64URL, false },      { "xoxa-", 10, BASE64URL, false },
        { "xoxb-", 10, BASE64URL, false },       { "xoxp-", 10, BASE64URL, false },
        { "AIza", 35, BASE64URL, false },        { "hf_", 30, ALPHANUMERIC, false },
        { "npm_", 36, ALPHANUMERIC, false },     { "sk_live_", 16, ALPHANUMERIC, false },
        { "rk_live_", 16, ALPHANUMERIC, false }, { "sk-", 20, BASE64URL, true },
        { "pk-", 20, BASE64URL, true },
};

static bool is_of(Alphabet alphabet, char c) {
        bool digit = c >= '0' && c <= '9', capital = c >= 'A' && c <= 'Z', small = c >= 'a' && c <= 'z';

        switch (alphabet) {
        case CAPITALS:
                return digit || capital;
        case ALPHANUMERIC:
                return digit || capital || small;
        case ALPHANUMERIC_UNDERSCORE:
                return digit || capital || small || c == '_';
        case BASE64URL:
                return digit || capital || small || c == '_' || c == '-';
        }
        return false;
}

static size_t run_length(Text text, size_t from, Alphabet alphabet, size_t most) {
        size_t length = 0;
        while (length < most && from + length < text.length && is_of(alphabet, text.bytes[from + length]))
                length++;
        return length;
}

/* Words of a language repeat their letters and have no digits; keys do neither. */
static bool looks_random(Text text, size_t from, size_t length) {
        bool seen[256] = { false }, digit = false;
        size_t different = 0;

        for (size_t i = from; i < from + length; i++) {
                unsigned char c = (unsigned char) text.bytes[i];
                different += !seen[c];
                seen[c] = true;
                digit |= c >= '0' && c <= '9';
        }
        return digit && different >= 12;
}

static bool starts_at(Text text, size_t place, Text word) {
        return text.length - place >= word.length && memcmp(text.bytes + place, word.bytes, word.length) == 0;
}

/* The first characters of the prefixes: most of a text is passed over by them. */
static const bool begins_shape[256] = {
        ['A'] = true, ['g'] = true, ['h'] = true, ['n'] = true, ['p'] = true, ['r'] = true, ['s'] = true, ['x'] = true
};

static size_t shape_end(Text text, size_t from) {
        for (size_t i = 0; i < COUNT_OF(shapes); i++) {
                const Shape *shape = &shapes[i];
                Text prefix = text_of(shape->prefix);
                if (text.bytes[from] != prefix.bytes[0] || !starts_at(text, from, prefix))
                        continue;
                size_t body = from + prefix.length;
                size_t measured = run_length(text, body, shape->alphabet, MEASURE_MOST);
                if (measured >= shape->least && (!shape->random || looks_random(text, body, measured)))
                        return body + run_length(text, body, shape->alphabet, SIZE_MAX);
        }
        return from;
}

/* RFC 7519: header and claims are objects, whose Base64 begins with "eyJ"; then a signature. */
static size_t token_end(Text text, size_t from) {
        size_t place = from;

        for (int part = 0; part < 3; part++) {
                if (part > 0 && (place >= text.length || text.bytes[place++] != '.'))
                        return from;
                if (part < 2 && !starts_at(text, place, TEXT("eyJ")))
                        return from;
                size_t length = run_length(text, place, BASE64URL, SIZE_MAX);
                if (length < 10)
                        return from;
                place += length;
        }
        return place;
}

/* RFC 7468: from its first line to the end of its last, or of the text when that is missing. */
static size_t block_end(Text text, size_t from) {
        Text begin = TEXT("-----BEGIN "), key = TEXT("PRIVATE KEY-----"), end = TEXT("-----END ");
        size_t line = from + begin.length, label = 0;

        if (!starts_at(text, from, begin))
                return from;
        while (label < 40 && line + label < text.length && !starts_at(text, line + label, key))
                label++;
        if (line + label >= text.length || !starts_at(text, line + label, key))
                return from;
        size_t place = line + label + key.length;
        const char *found = memmem(text.bytes + place, text.length - place, end.bytes, end.length);
        if (!found)
                return text.length;
        place = (size_t) (found - text.bytes) + end.length;
        const char *closing = memmem(text.bytes + place, text.length - place, "-----", 5);
        return closing ? (size_t) (closing - text.bytes) + 5 : text.length;
}

static bool key_find(const void *state, Subject *subject, Spans *spans, Failure *reterr_failure) {
        Text text = subject->text;
        bool inside = false; /* a word */

        (void) state, (void) reterr_failure;
        for (size_t i = 0; i < text.length; i++) {
                char c = text.bytes[i];
                size_t end = i;
                if (!inside && c == 'e')
                        end = token_end(text, i);
                if (!inside && begins_shape[(unsigned char) c])
                        end = shape_end(text, i);
                if (c == '-' && end == i)
                        end = block_end(text, i);
                if (end > i) {
                        spans_add(spans, i, end);
                        i = end - 1;
                        c = text.bytes[i];
                }
                inside = is_of(ALPHANUMERIC_UNDERSCORE, c);
        }
        return true;
}

const Kind key_kind = {
        .name = "key",
        .found = "what looks like a key or a password token",
        .stands_in = "[key]",
        .find = key_find,
};
