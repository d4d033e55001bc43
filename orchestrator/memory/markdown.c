#include "orchestrator/memory/markdown.h"

#include "base/markdown.h"

#define LIST_DEPTH 16 /* deeper lists are indented no further */

typedef struct List {
        bool ordered;
        unsigned next;
} List;

typedef struct Reader {
        Cutter *cutter;
        TextBuilder block; /* text of the innermost block, as far as it has come */
        List lists[LIST_DEPTH];
        unsigned depth; /* of lists; may exceed LIST_DEPTH */
        bool joined;    /* the next block goes on a list or table */
        bool marked;    /* the item's mark is to come before the next block */
        unsigned cells; /* in this row */
        unsigned html;  /* within raw HTML */
} Reader;

static List *innermost(Reader *reader) {
        return &reader->lists[reader->depth < LIST_DEPTH ? reader->depth - 1 : LIST_DEPTH - 1];
}

/* What comes before a block of a list's item: "- ", "3. ", or as much white space. */
static void add_mark(Reader *reader, TextBuilder *block) {
        if (reader->depth == 0)
                return;
        for (unsigned i = 1; i < reader->depth && i < LIST_DEPTH; i++)
                text_add_string(block, "  ");
        List *list = innermost(reader);
        if (!reader->marked)
                text_add_string(block, "  ");
        else if (list->ordered)
                text_add_format(block, "%u. ", list->next++);
        else
                text_add_string(block, "- ");
        reader->marked = false;
}

/* Hands over what the block holds, if anything. */
static bool emit(Reader *reader) {
        bool ok = true;

        if (text_trim(text_built(&reader->block)).length > 0) {
                _cleanup_(text_builder_release) TextBuilder block = text_builder(0);
                add_mark(reader, &block);
                text_add(&block, text_built(&reader->block));
                while (block.length > 0 && strchr(" \n", block.bytes[block.length - 1]))
                        block.length--;
                ok = cutter_block(reader->cutter, text_built(&block), reader->joined);
                reader->joined = reader->depth > 0;
        }
        text_builder_reset(&reader->block);
        return ok;
}

static bool is_within_block(MarkdownPart part) {
        return part >= MARKDOWN_EMPHASIS;
}

static bool enter(void *user, const MarkdownNode *node) {
        Reader *reader = user;

        if (is_within_block(node->part))
                return true;
        if (node->part != MARKDOWN_CELL && !emit(reader))
                return false;
        switch (node->part) {
        case MARKDOWN_LIST:
                if (reader->depth++ == 0)
                        reader->joined = false;
                *innermost(reader) = (List){ .ordered = node->ordered, .next = node->number };
                break;
        case MARKDOWN_ITEM:
                reader->marked = true;
                break;
        case MARKDOWN_TABLE:
                reader->joined = false;
                break;
        case MARKDOWN_ROW:
                reader->cells = 0;
                break;
        case MARKDOWN_CELL:
                if (reader->cells++ > 0)
                        text_add_string(&reader->block, " | ");
                break;
        case MARKDOWN_HTML_BLOCK:
                reader->html++;
                break;
        default:
                break;
        }
        return true;
}

static bool leave_heading(Reader *reader, unsigned level) {
        const bool ok = cutter_heading(reader->cutter, level, text_built(&reader->block));

        text_builder_reset(&reader->block);
        reader->joined = false;
        return ok;
}

static bool leave(void *user, const MarkdownNode *node) {
        Reader *reader = user;
        bool ok = true;

        switch (node->part) {
        case MARKDOWN_HEADING:
                return leave_heading(reader, node->level);
        case MARKDOWN_LIST:
                ok = emit(reader);
                if (--reader->depth == 0)
                        reader->joined = false;
                break;
        case MARKDOWN_ITEM:
                ok = emit(reader);
                reader->marked = false;
                break;
        case MARKDOWN_ROW:
                ok = emit(reader);
                reader->joined = true;
                break;
        case MARKDOWN_TABLE:
                reader->joined = reader->depth > 0;
                break;
        case MARKDOWN_CELL:
                break;
        case MARKDOWN_HTML_BLOCK:
                reader->html--;
                break;
        default:
                ok = is_within_block(node->part) || emit(reader);
                break;
        }
        return ok;
}

static bool take_text(void *user, MarkdownText kind, Text text) {
        Reader *reader = user;

        if (kind == MARKDOWN_HTML || reader->html > 0)
                return true;
        if (kind == MARKDOWN_BREAK)
                text_add_char(&reader->block, '\n');
        else if (kind == MARKDOWN_SOFT_BREAK)
                text_add_char(&reader->block, ' ');
        else
                text_add(&reader->block, text);
        return true;
}

bool markdown_cut(Text document, Cutter *cutter) {
        static const MarkdownReader events = { enter, leave, take_text };
        Reader reader = { .cutter = cutter, .block = text_builder(0) };
        const bool ok = markdown_read(document, &events, &reader);

        text_builder_release(&reader.block);
        return ok;
}
