#include "xmpp/styling.h"

#include "base/markdown.h"
#include "xmpp/writer.h"

#include <stdio.h>

#define DEPTH       16          /* of quotes, lists and marks; deeper ones leave their text */
#define STYLED_SIZE (64 * 1024) /* bytes; what is longer goes out as it is */
#define COLUMNS     32          /* of a table that is put in order */
#define COLUMN      32          /* characters that a column is made as wide as */
#define CELL_END    '\x1f'
#define FENCE       "```"
#define FENCE_ROOM  8 /* bytes that ending and beginning a block again takes */

/* What stands before each line: a quote's mark, or an item's and then as much room. */
typedef struct Container {
        bool quote;
        bool marked; /* the item's mark stands there already */
        size_t width;
        char mark[24];
} Container;

typedef struct Styler {
        TextBuilder out;
        TextBuilder cells; /* of a table: each with CELL_END behind, rows with a line feed */
        Container containers[DEPTH];
        size_t depth;  /* may exceed DEPTH */
        size_t shared; /* containers that the last block and the next one are both in */
        MarkdownNode lists[DEPTH];
        size_t list_depth; /* may exceed DEPTH */
        char marks[DEPTH]; /* that are open, outermost first */
        size_t mark_count; /* may exceed DEPTH */
        size_t link_from, image_from;
        bool list_begins;  /* its first item comes next */
        bool in_block;     /* something stands in this block already */
        bool line_started; /* its line has what comes before it */
        bool code, heading, in_cell;
        bool styled; /* there was something that plain text has not */
} Styler;

static size_t least(size_t a, size_t b) {
        return a < b ? a : b;
}

static MarkdownNode *list_of(Styler *styler) {
        return styler->list_depth > 0 && styler->list_depth <= DEPTH ? &styler->lists[styler->list_depth - 1] : NULL;
}

/* Code begins where its line does, whatever list it is in: only there clients see it. */
static void start_line(Styler *styler) {
        if (styler->line_started)
                return;
        styler->line_started = true;
        for (size_t i = 0; i < least(styler->depth, DEPTH); i++) {
                Container *container = &styler->containers[i];
                if (container->quote)
                        text_add_string(&styler->out, "> ");
                else if (!container->marked)
                        text_add_string(&styler->out, container->mark);
                else
                        for (size_t j = 0; j < container->width && !styler->code; j++)
                                text_add_char(&styler->out, ' ');
                container->marked = true;
        }
}

static void end_line(Styler *styler) {
        text_add_char(&styler->out, '\n');
        styler->line_started = false;
}

/* An empty line between two blocks, within the quotes that both are in. */
static void add_gap(Styler *styler) {
        for (size_t i = 0; i < least(least(styler->shared, styler->depth), DEPTH); i++)
                if (styler->containers[i].quote)
                        text_add_char(&styler->out, '>');
        text_add_char(&styler->out, '\n');
}

static void begin_block(Styler *styler) {
        const MarkdownNode *list = list_of(styler);

        if (styler->in_block)
                return;
        styler->in_block = true;
        if (styler->out.length > 0) {
                text_add_char(&styler->out, '\n');
                if (!list || !list->tight || (styler->list_begins && styler->list_depth == 1))
                        add_gap(styler);
        }
        styler->line_started = styler->list_begins = false;
        styler->shared = styler->depth;
}

static void end_block(Styler *styler) {
        styler->in_block = false;
        styler->mark_count = 0;
}

/* No mark goes on to the next line: each is ended before and begun again behind. */
static void break_line(Styler *styler) {
        const size_t count = least(styler->mark_count, DEPTH);

        for (size_t i = count; i > 0; i--)
                text_add_char(&styler->out, styler->marks[i - 1]);
        end_line(styler);
        start_line(styler);
        for (size_t i = 0; i < count; i++)
                text_add_char(&styler->out, styler->marks[i]);
}

static void add_piece(Styler *styler, Text piece) {
        /* A fence that is code must not end the block. */
        const bool fence = styler->code && !styler->line_started && text_starts_with(piece, TEXT(FENCE));

        start_line(styler);
        if (fence)
                text_add_char(&styler->out, ' ');
        text_add(&styler->out, piece);
}

static void add_text(Styler *styler, Text text) {
        Text line;

        begin_block(styler);
        while (text.length > 0) {
                const bool ends = memchr(text.bytes, '\n', text.length) != NULL;
                text_split(&text, '\n', &line);
                add_piece(styler, line);
                if (ends && styler->code)
                        end_line(styler);
                else if (ends)
                        break_line(styler);
        }
}

static void open_mark(Styler *styler, char mark) {
        if (styler->in_cell || styler->heading)
                return;
        begin_block(styler);
        start_line(styler);
        text_add_char(&styler->out, mark);
        if (styler->mark_count < DEPTH)
                styler->marks[styler->mark_count] = mark;
        styler->mark_count++;
}

static void close_mark(Styler *styler, char mark) {
        if (styler->in_cell || styler->heading || styler->mark_count == 0)
                return;
        styler->mark_count--;
        if (styler->out.length > 0 && styler->out.bytes[styler->out.length - 1] == mark)
                styler->out.length--; /* there is nothing in between */
        else
                text_add_char(&styler->out, mark);
}

static void open_code(Styler *styler) {
        const Container *item = styler->depth > 0 && styler->depth <= DEPTH ? &styler->containers[styler->depth - 1]
                                                                            : NULL;
        begin_block(styler);
        if (item && !item->quote && !item->marked) {
                start_line(styler);
                end_line(styler);
        }
        styler->code = true;
        start_line(styler);
        text_add_string(&styler->out, FENCE);
        end_line(styler);
}

static void close_code(Styler *styler) {
        if (styler->line_started)
                end_line(styler);
        start_line(styler);
        text_add_string(&styler->out, FENCE);
        styler->code = false;
        end_block(styler);
}

static void push(Styler *styler, Container container) {
        if (styler->depth++ < DEPTH)
                styler->containers[styler->depth - 1] = container;
}

static void pop(Styler *styler) {
        end_block(styler);
        styler->depth--;
        styler->shared = least(styler->shared, styler->depth);
}

static void push_item(Styler *styler, char task) {
        MarkdownNode *list = list_of(styler);
        Container item = { .width = task ? 6 : 2 };

        if (list && list->ordered)
                item.width = (size_t) snprintf(item.mark, sizeof(item.mark), "%u. ", list->number++);
        else
                snprintf(item.mark, sizeof(item.mark), "\u2022 %s", task == 'x' ? "[x] " : task ? "[ ] " : "");
        push(styler, item);
}

static void push_list(Styler *styler, const MarkdownNode *node) {
        if (styler->list_depth++ < DEPTH)
                styler->lists[styler->list_depth - 1] = *node;
        styler->list_begins = true;
}

/* Tables: columns in order, as a block of code, for a space is as wide as a letter only there. */

static size_t characters(Text text) {
        size_t count = 0;

        for (; text.length > 0; count++) {
                size_t length = text_character(text);
                length = length > 0 ? length : 1;
                text = (Text){ text.bytes + length, text.length - length };
        }
        return count;
}

static void measure(Text cells, size_t widths[static COLUMNS]) {
        Text row, cell;

        while (text_split(&cells, '\n', &row))
                for (size_t i = 0; i < COLUMNS && text_split(&row, CELL_END, &cell); i++) {
                        const size_t width = least(characters(cell), COLUMN);
                        if (width > widths[i])
                                widths[i] = width;
                }
}

static void fill(TextBuilder *line, char with, size_t count) {
        for (size_t i = 0; i < count; i++)
                text_add_char(line, with);
}

static void add_row(Styler *styler, Text row, const size_t widths[static COLUMNS]) {
        _cleanup_(text_builder_release) TextBuilder line = text_builder(0);
        Text cell;

        for (size_t i = 0; text_split(&row, CELL_END, &cell); i++) {
                const size_t width = characters(cell);
                text_add_string(&line, i > 0 ? " | " : "");
                text_add(&line, cell);
                if (row.length > 0 && i < COLUMNS && width < widths[i])
                        fill(&line, ' ', widths[i] - width);
        }
        add_text(styler, text_built(&line));
        add_text(styler, TEXT("\n"));
}

static void add_ruler(Styler *styler, size_t columns, const size_t widths[static COLUMNS]) {
        _cleanup_(text_builder_release) TextBuilder line = text_builder(0);

        for (size_t i = 0; i < least(columns, COLUMNS); i++) {
                text_add_string(&line, i > 0 ? "-+-" : "");
                fill(&line, '-', widths[i]);
        }
        text_add_char(&line, '\n');
        add_text(styler, text_built(&line));
}

static void add_table(Styler *styler, size_t columns) {
        size_t widths[COLUMNS] = { 0 };
        Text rest = text_built(&styler->cells), row;

        measure(rest, widths);
        open_code(styler);
        for (size_t i = 0; text_split(&rest, '\n', &row); i++) {
                add_row(styler, row, widths);
                if (i == 0)
                        add_ruler(styler, columns, widths);
        }
        close_code(styler);
        text_builder_reset(&styler->cells);
}

/* Links: their text, and where they lead if that does not say it already. */

static void begin_link(Styler *styler, size_t *ret_from) {
        if (styler->in_cell) {
                *ret_from = styler->cells.length;
                return;
        }
        begin_block(styler);
        start_line(styler);
        *ret_from = styler->out.length;
}

static void end_link(Styler *styler, size_t from, Text target) {
        TextBuilder *builder = styler->in_cell ? &styler->cells : &styler->out;
        const Text shown = { builder->bytes + from, builder->length - from };
        Text bare = target;

        if (text_starts_with(target, TEXT("mailto:")))
                bare = (Text){ target.bytes + strlen("mailto:"), target.length - strlen("mailto:") };
        if (target.length == 0 || text_equal(shown, target) || text_equal(shown, bare))
                return;
        const bool alone = shown.length == 0;
        text_add_string(builder, alone ? "" : " (");
        text_add(builder, target);
        text_add_string(builder, alone ? "" : ")");
}

/* Events */

static bool goes_on(const Styler *styler) {
        return !styler->out.overflowed && !styler->cells.overflowed;
}

static bool enter(void *user, const MarkdownNode *node) {
        static const char marks[] = {
                [MARKDOWN_EMPHASIS] = '_', [MARKDOWN_STRONG] = '*', [MARKDOWN_STRIKE] = '~', [MARKDOWN_CODE] = '`'
        };
        Styler *styler = user;

        styler->styled |= node->part != MARKDOWN_PARAGRAPH;
        if (node->part < MARKDOWN_TABLE)
                end_block(styler);
        switch (node->part) {
        case MARKDOWN_HEADING:
                open_mark(styler, '*');
                styler->heading = true;
                break;
        case MARKDOWN_QUOTE:
                push(styler, (Container){ .quote = true });
                break;
        case MARKDOWN_LIST:
                push_list(styler, node);
                break;
        case MARKDOWN_ITEM:
                push_item(styler, node->task);
                break;
        case MARKDOWN_CODE_BLOCK:
                open_code(styler);
                break;
        case MARKDOWN_RULE:
                add_text(styler, TEXT("---"));
                break;
        case MARKDOWN_CELL:
                styler->in_cell = true;
                break;
        case MARKDOWN_EMPHASIS:
        case MARKDOWN_STRONG:
        case MARKDOWN_STRIKE:
        case MARKDOWN_CODE:
                open_mark(styler, marks[node->part]);
                break;
        case MARKDOWN_LINK:
                begin_link(styler, &styler->link_from);
                break;
        case MARKDOWN_IMAGE:
                begin_link(styler, &styler->image_from);
                break;
        default:
                break;
        }
        return goes_on(styler);
}

static bool leave(void *user, const MarkdownNode *node) {
        static const char marks[] = {
                [MARKDOWN_EMPHASIS] = '_', [MARKDOWN_STRONG] = '*', [MARKDOWN_STRIKE] = '~', [MARKDOWN_CODE] = '`'
        };
        Styler *styler = user;

        switch (node->part) {
        case MARKDOWN_HEADING:
                styler->heading = false;
                close_mark(styler, '*');
                end_block(styler);
                break;
        case MARKDOWN_LIST:
                end_block(styler);
                styler->list_depth--;
                break;
        case MARKDOWN_QUOTE:
        case MARKDOWN_ITEM:
                pop(styler);
                break;
        case MARKDOWN_CODE_BLOCK:
                close_code(styler);
                break;
        case MARKDOWN_TABLE:
                add_table(styler, node->columns);
                break;
        case MARKDOWN_ROW:
                text_add_char(&styler->cells, '\n');
                break;
        case MARKDOWN_CELL:
                styler->in_cell = false;
                text_add_char(&styler->cells, CELL_END);
                break;
        case MARKDOWN_EMPHASIS:
        case MARKDOWN_STRONG:
        case MARKDOWN_STRIKE:
        case MARKDOWN_CODE:
                close_mark(styler, marks[node->part]);
                break;
        case MARKDOWN_LINK:
                end_link(styler, styler->link_from, node->target);
                break;
        case MARKDOWN_IMAGE:
                end_link(styler, styler->image_from, node->target);
                break;
        case MARKDOWN_HTML_BLOCK:
                while (styler->out.length > 0 && styler->out.bytes[styler->out.length - 1] == '\n')
                        styler->out.length--;
                end_block(styler);
                break;
        default:
                end_block(styler);
                break;
        }
        return goes_on(styler);
}

static bool take_text(void *user, MarkdownText kind, Text text) {
        Styler *styler = user;

        if (styler->in_cell)
                text_add(&styler->cells, kind == MARKDOWN_BREAK || kind == MARKDOWN_SOFT_BREAK ? TEXT(" ") : text);
        else if (kind == MARKDOWN_BREAK || kind == MARKDOWN_SOFT_BREAK)
                break_line(styler);
        else
                add_text(styler, text);
        return goes_on(styler);
}

/* Whether anything in it could be Markdown; most answers are short and plain. */
static bool may_be_markdown(Text text) {
        bool begins = true;

        for (size_t i = 0; i < text.length; i++) {
                const char c = text.bytes[i];
                if (c == '\0' || strchr("*_~`#>[]|<\\&", c))
                        return true;
                if (begins && (strchr("-+=\t", c) || (c >= '0' && c <= '9')))
                        return true;
                if (i >= 3 && memcmp(text.bytes + i - 3, "    ", 4) == 0)
                        return true;
                begins = c == '\n' || (begins && c == ' ');
        }
        return false;
}

Text styling_of(Arena *arena, Text markdown) {
        static const MarkdownReader events = { enter, leave, take_text };
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0), cells = text_builder(0);
        Styler styler = { .out = text_builder(4 * STYLED_SIZE), .cells = text_builder(4 * STYLED_SIZE) };
        Text styled = TEXT_NONE;

        if (markdown.length > STYLED_SIZE || !may_be_markdown(markdown))
                return markdown;
        const bool whole = markdown_read(markdown, &events, &styler);
        out = styler.out;
        cells = styler.cells;
        if (whole && (styler.styled || memchr(markdown.bytes, '\\', markdown.length) ||
                      memchr(markdown.bytes, '&', markdown.length)))
                styled = text_copy(arena, text_built(&out));
        return styled.length > 0 ? styled : markdown;
}

/* Parts */

/* Follows the blocks of code in a text; where the last one begins that is open at its end. */
static bool ends_within_code(Text text, bool within, size_t *ret_begins) {
        const char *start = text.bytes;
        Text line;

        *ret_begins = 0;
        while (text_split(&text, '\n', &line)) {
                const size_t at = line.bytes ? (size_t) (line.bytes - start) : 0;
                while (text_starts_with(line, TEXT("> ")))
                        line = (Text){ line.bytes + 2, line.length - 2 };
                if (!text_starts_with(line, TEXT(FENCE)))
                        continue;
                within = !within;
                *ret_begins = at;
        }
        return within;
}

static Text fenced(Arena *arena, Text part, bool before, bool behind) {
        _cleanup_(text_builder_release) TextBuilder built = text_builder(0);

        text_add_string(&built, before ? FENCE "\n" : "");
        text_add(&built, part);
        text_add_string(&built, behind ? "\n" FENCE : "");
        const Text copy = text_copy(arena, text_built(&built));
        return copy.length > 0 ? copy : part;
}

bool styling_next_part(StylingParts *parts, size_t limit, Arena *arena, Text *ret_part) {
        const bool before = parts->within_code;
        size_t begins;
        Text rest = parts->rest, part;

        if (!text_split_part(&rest, limit - FENCE_ROOM, &part))
                return false;
        if (rest.length == 0) {
                parts->rest = TEXT_NONE;
                *ret_part = before ? fenced(arena, part, true, false) : part;
                return true;
        }
        const bool within = ends_within_code(part, before, &begins);
        if (within && begins > 0) {
                const size_t skipped = (size_t) (part.bytes - parts->rest.bytes) + begins;
                rest = (Text){ parts->rest.bytes + skipped, parts->rest.length - skipped };
                part = text_trim((Text){ part.bytes, begins });
        }
        parts->within_code = within && begins == 0;
        parts->rest = rest;
        *ret_part = before || parts->within_code ? fenced(arena, part, before, parts->within_code) : part;
        return true;
}
