#include "orchestrator/memory/markdown.h"

#include <md4c.h>

#define LIST_DEPTH     16         /* deeper lists are indented no further */
#define PARAGRAPH_SIZE (8 * 1024) /* bytes after which a paragraph is ended at its next line */

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

static int enter_block(MD_BLOCKTYPE type, void *detail, void *user) {
        Reader *reader = user;

        if (type != MD_BLOCK_TH && type != MD_BLOCK_TD && !emit(reader))
                return 1;
        switch (type) {
        case MD_BLOCK_UL:
        case MD_BLOCK_OL:
                if (reader->depth++ == 0)
                        reader->joined = false;
                *innermost(reader) = (List){
                        .ordered = type == MD_BLOCK_OL,
                        .next = type == MD_BLOCK_OL ? ((const MD_BLOCK_OL_DETAIL *) detail)->start : 0,
                };
                break;
        case MD_BLOCK_LI:
                reader->marked = true;
                break;
        case MD_BLOCK_TABLE:
                reader->joined = false;
                break;
        case MD_BLOCK_TR:
                reader->cells = 0;
                break;
        case MD_BLOCK_TH:
        case MD_BLOCK_TD:
                if (reader->cells++ > 0)
                        text_add_string(&reader->block, " | ");
                break;
        case MD_BLOCK_HTML:
                reader->html++;
                break;
        default:
                break;
        }
        return 0;
}

static bool leave_heading(Reader *reader, const MD_BLOCK_H_DETAIL *detail) {
        const bool ok = cutter_heading(reader->cutter, detail->level, text_built(&reader->block));

        text_builder_reset(&reader->block);
        reader->joined = false;
        return ok;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *user) {
        Reader *reader = user;
        bool ok = true;

        switch (type) {
        case MD_BLOCK_H:
                ok = leave_heading(reader, detail);
                break;
        case MD_BLOCK_UL:
        case MD_BLOCK_OL:
                ok = emit(reader);
                if (--reader->depth == 0)
                        reader->joined = false;
                break;
        case MD_BLOCK_LI:
                ok = emit(reader);
                reader->marked = false;
                break;
        case MD_BLOCK_TR:
                ok = emit(reader);
                reader->joined = true;
                break;
        case MD_BLOCK_TABLE:
                reader->joined = reader->depth > 0;
                break;
        case MD_BLOCK_TH:
        case MD_BLOCK_TD:
                break;
        case MD_BLOCK_HTML:
                reader->html--;
                break;
        default:
                ok = emit(reader);
                break;
        }
        return ok ? 0 : 1;
}

static int pass_span(MD_SPANTYPE type, void *detail, void *user) {
        (void) type;
        (void) detail;
        (void) user;
        return 0;
}

static void add_character(TextBuilder *block, uint32_t code) {
        char bytes[4];
        size_t length = 0;

        if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
                code = 0xFFFD;
        if (code < 0x80) {
                bytes[length++] = (char) code;
        } else if (code < 0x800) {
                bytes[length++] = (char) (0xC0 | (code >> 6));
        } else if (code < 0x10000) {
                bytes[length++] = (char) (0xE0 | (code >> 12));
                bytes[length++] = (char) (0x80 | ((code >> 6) & 0x3F));
        } else {
                bytes[length++] = (char) (0xF0 | (code >> 18));
                bytes[length++] = (char) (0x80 | ((code >> 12) & 0x3F));
                bytes[length++] = (char) (0x80 | ((code >> 6) & 0x3F));
        }
        if (code >= 0x80)
                bytes[length++] = (char) (0x80 | (code & 0x3F));
        text_add(block, (Text){ bytes, length });
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

static void add_entity(TextBuilder *block, Text entity) {
        if (entity.length > 3 && entity.bytes[1] == '#') {
                char digits[16] = "";
                const bool hexadecimal = entity.bytes[2] == 'x' || entity.bytes[2] == 'X';
                const size_t from = hexadecimal ? 3 : 2, length = entity.length - from - 1;
                memcpy(digits, entity.bytes + from, length < sizeof(digits) ? length : sizeof(digits) - 1);
                const unsigned long code = strtoul(digits, NULL, hexadecimal ? 16 : 10);
                add_character(block, code <= 0x10FFFF ? (uint32_t) code : 0);
                return;
        }
        for (size_t i = 0; i < COUNT_OF(entities); i++) {
                if (!text_equal(entity, text_of(entities[i].name)))
                        continue;
                text_add_string(block, entities[i].character);
                return;
        }
        text_add(block, entity);
}

static int take_text(MD_TEXTTYPE type, const MD_CHAR *bytes, MD_SIZE size, void *user) {
        Reader *reader = user;
        const Text text = { bytes, size };

        if (type == MD_TEXT_HTML || reader->html > 0)
                return 0;
        switch (type) {
        case MD_TEXT_BR:
                text_add_char(&reader->block, '\n');
                break;
        case MD_TEXT_SOFTBR:
                text_add_char(&reader->block, ' ');
                break;
        case MD_TEXT_ENTITY:
                add_entity(&reader->block, text);
                break;
        default:
                text_add(&reader->block, text);
                break;
        }
        return 0;
}

/* md4c's work can grow with the square of a paragraph's length: nobody writes such long ones, but somebody may. */
static void end_long_paragraphs(Text document, TextBuilder *ret_document) {
        size_t length = 0;
        Text line;

        while (text_split(&document, '\n', &line)) {
                length = text_trim(line).length > 0 ? length + line.length + 1 : 0;
                text_add(ret_document, line);
                text_add_char(ret_document, '\n');
                if (length <= PARAGRAPH_SIZE)
                        continue;
                text_add_char(ret_document, '\n');
                length = 0;
        }
}

bool markdown_cut(Text document, Cutter *cutter) {
        _cleanup_(text_builder_release) TextBuilder tamed = text_builder(0);
        Reader reader = { .cutter = cutter, .block = text_builder(0) };
        const MD_PARSER parser = {
                .flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS,
                .enter_block = enter_block,
                .leave_block = leave_block,
                .enter_span = pass_span,
                .leave_span = pass_span,
                .text = take_text,
        };
        end_long_paragraphs(document, &tamed);
        const int error = md_parse(tamed.bytes, (MD_SIZE) tamed.length, &parser, &reader);

        text_builder_release(&reader.block);
        return error == 0;
}
