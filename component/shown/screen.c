#include "component/shown/screen.h"

#include "component/shown/value.h"

#include <sys/ioctl.h>

#define COLUMN_LIMIT 16
#define GAP          2
#define INDENT       2

Screen screen_of(FILE *out) {
        Screen screen = { .out = out, .notes = stderr, .more = "--after " };
        struct winsize size;
        const char *term = getenv("TERM");
        bool terminal = isatty(fileno(out));
        if (terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
                screen.width = size.ws_col;
        screen.colours = terminal && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
        return screen;
}

/* One line, without what a terminal would obey. */
static void add_clean(TextBuilder *builder, Text text, bool lines) {
        for (size_t step; text.length > 0; text = (Text){ text.bytes + step, text.length - step }) {
                step = text_character(text);
                unsigned char first = (unsigned char) text.bytes[0];
                bool control = step == 0 || first < 0x20 || first == 0x7f ||
                               (step == 2 && first == 0xc2 && (unsigned char) text.bytes[1] < 0xa0);
                step = step ? step : 1;
                if (!control)
                        text_add(builder, (Text){ text.bytes, step });
                else if (lines && first == '\n')
                        text_add_char(builder, '\n');
                else if (first == '\n' || first == '\t')
                        text_add_char(builder, ' ');
                else if (first != '\r')
                        text_add(builder, TEXT("\uFFFD"));
        }
}

static void add_line(TextBuilder *builder, Text text) {
        add_clean(builder, text, false);
}

static void add_lines(TextBuilder *builder, Text text) {
        add_clean(builder, text, true);
}

static const ValueStyle in_cell = { add_line, "", "" }, in_record = { add_lines, "–", "" };

/* Code points, as good as columns for most scripts. */
static size_t columns_of(Text text) {
        size_t count = 0;
        for (size_t i = 0; i < text.length; i++)
                count += ((unsigned char) text.bytes[i] & 0xc0) != 0x80;
        return count;
}

static Text cut_columns(Text text, size_t columns) {
        size_t i = 0;
        for (size_t count = 0; i < text.length; i++)
                if (((unsigned char) text.bytes[i] & 0xc0) != 0x80 && count++ == columns)
                        break;
        return (Text){ text.bytes, i };
}

typedef struct Table {
        const Screen *screen;
        size_t indent;
        char names[COLUMN_LIMIT][32];
        size_t widths[COLUMN_LIMIT];
        size_t count;
} Table;

/* "2026-11-20T08:15:30.123Z": in a table to the second. */
static bool is_moment(Text text) {
        static const char form[] = "9999-99-99T99:99:99.999Z";
        bool same = text.length == strlen(form);
        for (size_t i = 0; same && i < text.length; i++)
                same = form[i] == '9' ? text.bytes[i] >= '0' && text.bytes[i] <= '9' : text.bytes[i] == form[i];
        return same;
}

static void cell_text(const Json *item, const char *name, TextBuilder *builder) {
        text_builder_reset(builder);
        const Json *value = json_member(item, name);
        if (value && is_moment(json_to_text(value)))
                text_add_format(builder, "%.19sZ", json_to_text(value).bytes);
        else if (value)
                value_add(builder, value, &in_cell);
}

static void measure_row(Table *table, const Json *item, TextBuilder *cell) {
        for (size_t i = 0; i < table->count; i++) {
                cell_text(item, table->names[i], cell);
                size_t width = columns_of(text_built(cell));
                table->widths[i] = width > table->widths[i] ? width : table->widths[i];
        }
}

static void add_column(Table *table, Text name) {
        for (size_t i = 0; i < table->count; i++)
                if (text_equal(text_of(table->names[i]), name))
                        return;
        if (table->count == COLUMN_LIMIT)
                return;
        snprintf(table->names[table->count], sizeof(table->names[0]), "%.*s", TEXT_ARGUMENTS(name));
        table->widths[table->count++] = name.length;
}

static void measure(Table *table, const Json *items, const Json *total) {
        TextBuilder cell = text_builder(0);
        for (size_t row = 0; row < json_count(items); row++)
                measure_row(table, json_item(items, row), &cell);
        measure_row(table, total, &cell);
        text_builder_release(&cell);
}

/* Cells after the terminal's last column are cut there, with an ellipsis. */
static void print_cell(const Table *table, size_t column, Text text, size_t *at) {
        size_t width = table->screen->width > 0 ? (size_t) table->screen->width : SIZE_MAX;
        size_t left = *at < width ? width - *at : 0, wanted = columns_of(text);
        bool last = column + 1 == table->count;
        if (wanted > left && left > 0) {
                Text cut = cut_columns(text, left - 1);
                fprintf(table->screen->out, "%.*s…", TEXT_ARGUMENTS(cut));
                wanted = left;
        } else if (left > 0)
                fprintf(table->screen->out, "%.*s", TEXT_ARGUMENTS(text));
        *at += last ? wanted : table->widths[column] + GAP;
        if (!last && *at < width)
                fprintf(table->screen->out, "%*s", (int) (table->widths[column] + GAP - wanted), "");
}

static void print_header(const Table *table) {
        size_t at = table->indent;
        fprintf(table->screen->out, "%*s", (int) table->indent, "");
        fputs(table->screen->colours ? "\033[1m" : "", table->screen->out);
        for (size_t i = 0; i < table->count; i++) {
                char name[32];
                snprintf(name, sizeof(name), "%s", table->names[i]);
                for (char *c = name; *c; c++)
                        *c = *c == '_' ? ' ' : *c >= 'a' && *c <= 'z' ? (char) (*c - 'a' + 'A') : *c;
                print_cell(table, i, text_of(name), &at);
        }
        fputs(table->screen->colours ? "\033[0m\n" : "\n", table->screen->out);
}

static void print_more(const Screen *screen, const Json *result) {
        if (!json_to_boolean(json_member(result, "has_more")))
                return;
        Text after = json_to_text(json_member(result, "after"));
        fflush(screen->out);
        fprintf(screen->notes, "There are more: %s%.*s\n", screen->more, TEXT_ARGUMENTS(after));
}

static void print_row(const Table *table, const Json *item, TextBuilder *cell) {
        size_t at = table->indent;
        fprintf(table->screen->out, "%*s", (int) table->indent, "");
        for (size_t i = 0; i < table->count; i++) {
                cell_text(item, table->names[i], cell);
                print_cell(table, i, text_built(cell), &at);
        }
        fputc('\n', table->screen->out);
}

static void print_rows(Table *table, const Json *items, const Json *total) {
        measure(table, items, total);
        print_header(table);
        TextBuilder cell = text_builder(0);
        for (size_t row = 0; row < json_count(items); row++)
                print_row(table, json_item(items, row), &cell);
        if (total)
                print_row(table, total, &cell);
        text_builder_release(&cell);
}

/* Beside the result, like all that is no part of it. */
static void print_none(const Screen *screen, const Operation *operation) {
        TextBuilder sentence = text_builder(0);
        value_add_none(&sentence, operation->items);
        fprintf(screen->notes, "%s\n", sentence.bytes);
        text_builder_release(&sentence);
}

static void print_list(const Screen *screen, const Operation *operation, const Json *result) {
        Table table = { .screen = screen };
        const Json *items = json_member(result, "data");
        Text rest = text_of(operation->columns), name;
        while (text_split(&rest, ' ', &name))
                add_column(&table, name);
        if (json_count(items) > 0)
                print_rows(&table, items, json_member(result, "total"));
        else
                print_none(screen, operation);
        print_more(screen, result);
}

/* Further lines of a value are indented below its first. */
static void print_member(const Screen *screen, Text name, const Json *value, size_t indent, size_t width) {
        TextBuilder builder = text_builder(0);
        value_add(&builder, value, &in_record);
        Text rest = text_built(&builder), line = TEXT_NONE;
        text_split(&rest, '\n', &line);
        fprintf(screen->out, "%*s%s%.*s%s%*s%.*s\n", (int) indent, "", screen->colours ? "\033[1m" : "",
                TEXT_ARGUMENTS(name), screen->colours ? "\033[0m" : "", (int) (width + GAP - columns_of(name)), "",
                TEXT_ARGUMENTS(line));
        while (text_split(&rest, '\n', &line))
                fprintf(screen->out, "%*s%.*s\n", (int) (indent + width + GAP), "", TEXT_ARGUMENTS(line));
        text_builder_release(&builder);
}

static void print_record(const Screen *screen, const Json *record, size_t indent);

static void print_nested(const Screen *screen, const Json *value, size_t indent) {
        Table table = { .screen = screen, .indent = indent };
        bool rows = true;
        Text name;
        Json *member;
        if (json_type_of(value) == JSON_TYPE_OBJECT) {
                print_record(screen, value, indent);
                return;
        }
        for (size_t i = 0; i < json_count(value); i++) {
                rows = rows && value_is_row(json_item(value, i));
                for (JsonIterator k = { 0 }; rows && json_each(json_item(value, i), &k, &name, &member);)
                        add_column(&table, name);
        }
        if (rows) {
                print_rows(&table, value, NULL);
                return;
        }
        for (size_t i = 0; i < json_count(value); i++) {
                fputs(i ? "\n" : "", screen->out);
                print_record(screen, json_item(value, i), indent);
        }
}

/* What is nested stands below its name, after all else. */
static void print_record(const Screen *screen, const Json *record, size_t indent) {
        Text name;
        Json *value;
        size_t width = 0;
        for (JsonIterator i = { 0 }; json_each(record, &i, &name, &value);)
                width = !value_is_nested(value) && columns_of(name) > width ? columns_of(name) : width;
        for (JsonIterator i = { 0 }; json_each(record, &i, &name, &value);)
                if (!value_is_nested(value))
                        print_member(screen, name, value, indent, width);
        for (JsonIterator i = { 0 }; json_each(record, &i, &name, &value);) {
                if (!value_is_nested(value))
                        continue;
                fprintf(screen->out, "%*s%s%.*s%s\n", (int) indent, "", screen->colours ? "\033[1m" : "",
                        TEXT_ARGUMENTS(name), screen->colours ? "\033[0m" : "");
                print_nested(screen, value, indent + INDENT);
        }
}

/* As it stands, for a file or a pipe; a terminal is not obeyed by it. */
static void print_text(const Screen *screen, const char *name, const Json *result) {
        TextBuilder builder = text_builder(0);
        Text text = json_to_text(json_member(result, name));
        if (screen->width > 0) {
                add_clean(&builder, text, true);
                text = text_built(&builder);
        }
        fwrite(text.bytes, 1, text.length, screen->out);
        text_builder_release(&builder);
}

void screen_result(const Screen *screen, const Operation *operation, const Json *result) {
        if (operation->prints && json_member(result, operation->prints)) {
                print_text(screen, operation->prints, result);
                print_more(screen, result);
        } else if (operation->columns)
                print_list(screen, operation, result);
        else
                print_record(screen, result, 0);
}

void screen_json(const Screen *screen, const Json *result) {
        _cleanup_(arena_freep) Arena *arena = arena_new(64 * 1024 * 1024);
        Text text;
        if (json_pretty(result, arena, &text))
                fprintf(screen->out, "%.*s\n", TEXT_ARGUMENTS(text));
}
