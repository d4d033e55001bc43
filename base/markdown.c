#include "base/markdown.h"

#include <md4c.h>

#define PARAGRAPH_SIZE (8 * 1024) /* bytes after which a paragraph is ended at its next line */
#define STOP           (-1)       /* md4c goes on after what is positive */
#define CELLS_A_BYTE   16         /* a row is filled up to its table's columns, however many those are */
#define CELLS          1000
#define CODE_SIZE      (16 * 1024) /* the same of what seems to be a block of code */

typedef struct Pass {
        const MarkdownReader *reader;
        void *user;
        size_t cells, most_cells;
} Pass;

static const MarkdownPart blocks[] = {
        [MD_BLOCK_P] = MARKDOWN_PARAGRAPH,     [MD_BLOCK_H] = MARKDOWN_HEADING,       [MD_BLOCK_QUOTE] = MARKDOWN_QUOTE,
        [MD_BLOCK_UL] = MARKDOWN_LIST,         [MD_BLOCK_OL] = MARKDOWN_LIST,         [MD_BLOCK_LI] = MARKDOWN_ITEM,
        [MD_BLOCK_CODE] = MARKDOWN_CODE_BLOCK, [MD_BLOCK_HTML] = MARKDOWN_HTML_BLOCK, [MD_BLOCK_HR] = MARKDOWN_RULE,
        [MD_BLOCK_TABLE] = MARKDOWN_TABLE,     [MD_BLOCK_TR] = MARKDOWN_ROW,          [MD_BLOCK_TH] = MARKDOWN_CELL,
        [MD_BLOCK_TD] = MARKDOWN_CELL,
};

/* The document itself and the halves of a table are nothing to a reader. */
static bool is_passed_over(MD_BLOCKTYPE type) {
        return type == MD_BLOCK_DOC || type == MD_BLOCK_THEAD || type == MD_BLOCK_TBODY;
}

static MarkdownNode block_node(MD_BLOCKTYPE type, const void *detail) {
        MarkdownNode node = { .part = blocks[type] };
        const MD_BLOCK_LI_DETAIL *item = detail;

        switch (type) {
        case MD_BLOCK_H:
                node.level = ((const MD_BLOCK_H_DETAIL *) detail)->level;
                break;
        case MD_BLOCK_UL:
                node.tight = ((const MD_BLOCK_UL_DETAIL *) detail)->is_tight;
                break;
        case MD_BLOCK_OL:
                node.ordered = true;
                node.tight = ((const MD_BLOCK_OL_DETAIL *) detail)->is_tight;
                node.number = ((const MD_BLOCK_OL_DETAIL *) detail)->start;
                break;
        case MD_BLOCK_LI:
                node.task = (char) (!item->is_task ? '\0' : item->task_mark == ' ' ? ' ' : 'x');
                break;
        case MD_BLOCK_TABLE:
                node.columns = ((const MD_BLOCK_TABLE_DETAIL *) detail)->col_count;
                break;
        default:
                break;
        }
        return node;
}

static MarkdownNode span_node(MD_SPANTYPE type, const void *detail) {
        MarkdownNode node = { .part = MARKDOWN_EMPHASIS };
        const MD_ATTRIBUTE *target = NULL;

        switch (type) {
        case MD_SPAN_STRONG:
                node.part = MARKDOWN_STRONG;
                break;
        case MD_SPAN_DEL:
                node.part = MARKDOWN_STRIKE;
                break;
        case MD_SPAN_CODE:
                node.part = MARKDOWN_CODE;
                break;
        case MD_SPAN_A:
                node.part = MARKDOWN_LINK;
                target = &((const MD_SPAN_A_DETAIL *) detail)->href;
                break;
        case MD_SPAN_IMG:
                node.part = MARKDOWN_IMAGE;
                target = &((const MD_SPAN_IMG_DETAIL *) detail)->src;
                break;
        default:
                break;
        }
        if (target)
                node.target = (Text){ target->text, target->size };
        return node;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *user) {
        Pass *pass = user;
        const MarkdownNode node = block_node(type, detail);

        if (node.part == MARKDOWN_CELL && ++pass->cells > pass->most_cells)
                return STOP;
        return is_passed_over(type) || pass->reader->enter(pass->user, &node) ? 0 : STOP;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *user) {
        const Pass *pass = user;
        const MarkdownNode node = block_node(type, detail);

        return is_passed_over(type) || pass->reader->leave(pass->user, &node) ? 0 : STOP;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *user) {
        const Pass *pass = user;
        const MarkdownNode node = span_node(type, detail);

        return pass->reader->enter(pass->user, &node) ? 0 : STOP;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *user) {
        const Pass *pass = user;
        const MarkdownNode node = span_node(type, detail);

        return pass->reader->leave(pass->user, &node) ? 0 : STOP;
}

static Text character(uint32_t code, char ret_bytes[static 4]) {
        size_t length = 0;

        if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
                code = 0xFFFD;
        if (code < 0x80) {
                ret_bytes[length++] = (char) code;
        } else if (code < 0x800) {
                ret_bytes[length++] = (char) (0xC0 | (code >> 6));
        } else if (code < 0x10000) {
                ret_bytes[length++] = (char) (0xE0 | (code >> 12));
                ret_bytes[length++] = (char) (0x80 | ((code >> 6) & 0x3F));
        } else {
                ret_bytes[length++] = (char) (0xF0 | (code >> 18));
                ret_bytes[length++] = (char) (0x80 | ((code >> 12) & 0x3F));
                ret_bytes[length++] = (char) (0x80 | ((code >> 6) & 0x3F));
        }
        if (code >= 0x80)
                ret_bytes[length++] = (char) (0x80 | (code & 0x3F));
        return (Text){ ret_bytes, length };
}

/* The commonest of the two thousand that HTML names; others stay as they are written. */
static const struct {
        const char *name;
        const char *character;
} entities[] = {
        { "&amp;", "&" },        { "&lt;", "<" },         { "&gt;", ">" },          { "&quot;", "\"" },
        { "&apos;", "'" },       { "&nbsp;", " " },       { "&hellip;", "\u2026" }, { "&ndash;", "\u2013" },
        { "&mdash;", "\u2014" }, { "&rarr;", "\u2192" },  { "&larr;", "\u2190" },   { "&lsquo;", "\u2018" },
        { "&rsquo;", "\u2019" }, { "&ldquo;", "\u201C" }, { "&rdquo;", "\u201D" },  { "&copy;", "\u00A9" },
        { "&times;", "\u00D7" }, { "&euro;", "\u20AC" },
};

static Text entity_text(Text entity, char ret_bytes[static 4]) {
        if (entity.length > 3 && entity.bytes[1] == '#') {
                char digits[16] = "";
                const bool hexadecimal = entity.bytes[2] == 'x' || entity.bytes[2] == 'X';
                const size_t from = hexadecimal ? 3 : 2, length = entity.length - from - 1;
                memcpy(digits, entity.bytes + from, length < sizeof(digits) ? length : sizeof(digits) - 1);
                const unsigned long code = strtoul(digits, NULL, hexadecimal ? 16 : 10);
                return character(code <= 0x10FFFF ? (uint32_t) code : 0, ret_bytes);
        }
        for (size_t i = 0; i < COUNT_OF(entities); i++)
                if (text_equal(entity, text_of(entities[i].name)))
                        return text_of(entities[i].character);
        return entity;
}

static int take_text(MD_TEXTTYPE type, const MD_CHAR *bytes, MD_SIZE size, void *user) {
        const Pass *pass = user;
        char decoded[4];
        Text text = { bytes, size };
        MarkdownText kind = MARKDOWN_PLAIN;

        switch (type) {
        case MD_TEXT_BR:
                kind = MARKDOWN_BREAK;
                break;
        case MD_TEXT_SOFTBR:
                kind = MARKDOWN_SOFT_BREAK;
                break;
        case MD_TEXT_HTML:
                kind = MARKDOWN_HTML;
                break;
        case MD_TEXT_ENTITY:
                text = entity_text(text, decoded);
                break;
        case MD_TEXT_NULLCHAR:
                text = TEXT("\uFFFD");
                break;
        default:
                break;
        }
        if (kind == MARKDOWN_BREAK || kind == MARKDOWN_SOFT_BREAK)
                text = TEXT_NONE;
        return pass->reader->text(pass->user, kind, text) ? 0 : STOP;
}

typedef struct Fence {
        char mark; /* '\0': none is open */
        size_t length;
} Fence;

/* Follows blocks of code between fences, as far as they stand in no quote and no deep list. */
static void follow_fence(Fence *fence, Text line) {
        size_t at = 0, length = 0;

        while (at < line.length && at < 3 && line.bytes[at] == ' ')
                at++;
        const char mark = (char) (at < line.length ? line.bytes[at] : '\0');
        while ((mark == '`' || mark == '~') && at + length < line.length && line.bytes[at + length] == mark)
                length++;
        if (length < 3)
                return;
        const Text info = { line.bytes + at + length, line.length - at - length };
        if (fence->mark == '\0' && !(mark == '`' && info.length > 0 && memchr(info.bytes, '`', info.length)))
                *fence = (Fence){ mark, length };
        else if (fence->mark == mark && length >= fence->length && text_trim(info).length == 0)
                *fence = (Fence){ 0 };
}

/* md4c's work can grow with the square of a paragraph's length: nobody writes such long ones, but somebody may. */
static void end_long_paragraphs(Text document, TextBuilder *ret_document) {
        size_t length = 0;
        Fence fence = { 0 };
        Text line;

        while (text_split(&document, '\n', &line)) {
                follow_fence(&fence, line);
                length = text_trim(line).length > 0 ? length + line.length + 1 : 0;
                text_add(ret_document, line);
                text_add_char(ret_document, '\n');
                if (length <= (fence.mark ? CODE_SIZE : PARAGRAPH_SIZE))
                        continue;
                text_add_char(ret_document, '\n');
                length = 0;
        }
}

bool markdown_read(Text document, const MarkdownReader *reader, void *user) {
        _cleanup_(text_builder_release) TextBuilder tamed = text_builder(0);
        Pass pass = { reader, user, 0, CELLS + CELLS_A_BYTE * document.length };
        const MD_PARSER parser = {
                .flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS,
                .enter_block = enter_block,
                .leave_block = leave_block,
                .enter_span = enter_span,
                .leave_span = leave_span,
                .text = take_text,
        };

        end_long_paragraphs(document, &tamed);
        return md_parse(tamed.bytes, (MD_SIZE) tamed.length, &parser, &pass) == 0;
}
