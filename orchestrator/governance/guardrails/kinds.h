/* The kinds of guardrails, for guardrails.c and the files of the kinds alone: a kind reads its argument when a chain is
 * made, and finds its places in a text.
 *
 * Never blocks.
 */
#pragma once

#include "base/fold.h"
#include "orchestrator/governance/guardrails/guardrails.h"

/* What a text is asked about; forms of it that several rules want are made once. */
typedef struct Subject {
        Text text;
        GuardPlace place;
        const Shingles *secret; /* NULL = none */
        Arena *arena;
        bool is_folded;
        Folded folded;
} Subject;

/* A stretch of the subject's text, between characters. */
typedef struct Span {
        size_t from, to;
} Span;

/* In order and apart; what overlaps the one before joins it. */
typedef struct Spans {
        Span *items;
        size_t count, capacity;
        Arena *arena;
        bool overflowed;
} Spans;

bool subject_fold(Subject *subject, Failure *reterr_failure) _must_check_;
void spans_add(Spans *spans, size_t from, size_t to);
/* The same, of places in the folded text. */
void spans_add_folded(Spans *spans, const Subject *subject, size_t from, size_t to);
void spans_add_all(Spans *spans, const Subject *subject);

typedef struct Kind {
        const char *name;
        const char *found;     /* plain words: "a payment card number" */
        const char *stands_in; /* for what is redacted; NULL: it concerns the text as a whole, so nothing can be */
        bool output_only;
        bool argument; /* wants one; one that may be absent is the kind's own to judge */
        /* What the rule keeps; NULL = takes no argument. */
        bool (*read)(Text argument, void **ret_state, Failure *reterr_failure);
        void (*release)(void *state);
        bool (*able)(Failure *reterr_failure); /* whether this machine has what it needs; NULL = nothing */
        bool (*find)(const void *state, Subject *subject, Spans *spans, Failure *reterr_failure);
} Kind;

extern const Kind mail_kind, phone_kind, card_kind, key_kind, words_kind, pattern_kind, length_kind, language_kind,
        leak_kind;
