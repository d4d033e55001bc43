/* Markdown (CommonMark with tables, strike-through and task lists) as a stream of events: what begins, what ends, and
 * text between. The only user of md4c. Not a tree and no output: what becomes of a heading is for who reads.
 *
 * Texts are borrowed and live for the call. Entities have become characters. The work is bounded however odd a document
 * is: paragraphs of many kilobytes are ended. Any thread; never blocks.
 */
#pragma once

#include "base/text.h"

typedef enum MarkdownPart {
        /* blocks */
        MARKDOWN_PARAGRAPH,
        MARKDOWN_HEADING, /* level */
        MARKDOWN_QUOTE,
        MARKDOWN_LIST, /* ordered, number, tight */
        MARKDOWN_ITEM, /* task; in a tight list its text stands in no paragraph */
        MARKDOWN_CODE_BLOCK,
        MARKDOWN_HTML_BLOCK,
        MARKDOWN_RULE,
        MARKDOWN_TABLE, /* columns */
        MARKDOWN_ROW,
        MARKDOWN_CELL,
        /* within a block */
        MARKDOWN_EMPHASIS,
        MARKDOWN_STRONG,
        MARKDOWN_STRIKE,
        MARKDOWN_CODE,
        MARKDOWN_LINK,  /* target */
        MARKDOWN_IMAGE, /* target */
} MarkdownPart;

typedef struct MarkdownNode {
        MarkdownPart part;
        unsigned level;  /* 1 to 6 */
        bool ordered;    /* numbered, from `number` on */
        bool tight;      /* its items stand without empty lines between them */
        unsigned number; /* of an ordered list's first item */
        char task;       /* '\0': none; ' ' or 'x' */
        unsigned columns;
        Text target;
} MarkdownNode;

typedef enum MarkdownText {
        MARKDOWN_PLAIN,
        MARKDOWN_BREAK,      /* a line ends here; no text */
        MARKDOWN_SOFT_BREAK, /* a line of the source ends here; no text */
        MARKDOWN_HTML,       /* as it was written */
} MarkdownText;

/* Each returns false to stop. */
typedef struct MarkdownReader {
        bool (*enter)(void *user, const MarkdownNode *node);
        bool (*leave)(void *user, const MarkdownNode *node);
        bool (*text)(void *user, MarkdownText kind, Text text);
} MarkdownReader;

/* False when a call stopped it, or a table has absurdly many empty cells, or the machine has no memory. */
bool markdown_read(Text document, const MarkdownReader *reader, void *user) _must_check_;
