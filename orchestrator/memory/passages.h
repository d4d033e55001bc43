/* Passages: a document cut into pieces small enough to be found, ranked and quoted, each with the headings above it.
 * Input is plain text or Markdown (CommonMark with tables); output is plain text without markup, code kept as it is.
 * The only user of md4c. Not storage and not search.
 *
 * Cuts are made at headings, then at the ends of paragraphs, list items and table rows, and only within a paragraph
 * that is longer than a passage at sentences, then at words. Any thread; never blocks.
 */
#pragma once

#include "base/failure.h"

#define PASSAGE_SIZE           1200          /* bytes a passage aims at and does not exceed */
#define PASSAGE_DOCUMENT_LIMIT (1024 * 1024) /* bytes of one document */

typedef enum PassageFormat { PASSAGE_PLAIN, PASSAGE_MARKDOWN } PassageFormat;

typedef struct Passage {
        Text heading; /* "Guide › Install › Debian"; empty above the first heading */
        Text content;
} Passage;

typedef struct PassageList {
        Passage *items;
        size_t count;
} PassageList;

/* FAILURE_INVALID when the document is not UTF-8, TOO_LARGE when it or the arena's limit is exceeded: the arena needs
 * about three times the document. A document without text has no passages. Texts live in the arena. */
bool passages_split(PassageFormat format, Text document, Arena *arena, PassageList *ret_passages,
                    Failure *reterr_failure) _must_check_;
