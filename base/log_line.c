#include "base/log_line.h"
#include "base/clock.h"
#include "base/uuid.h"

#define VALUE_LIMIT 512 /* bytes of one field, before escaping */
#define LINE_END    64  /* kept free for what closes a line */

static const struct {
        const char *name, *colour, *shown;
} levels[] = {
        [LOG_LEVEL_DEBUG] = { "debug", "\x1b[2m", "debug" },
        [LOG_LEVEL_INFO] = { "info", "\x1b[32m", "info " },
        [LOG_LEVEL_WARNING] = { "warning", "\x1b[33m", "warn " },
        [LOG_LEVEL_ERROR] = { "error", "\x1b[31m", "error" },
};

LogLevel log_level_of(const char *name) {
        for (size_t i = 0; i < COUNT_OF(levels); i++)
                if (name && text_equal(text_of(levels[i].name), text_of(name)))
                        return (LogLevel) i;
        return LOG_LEVEL_INFO;
}

/* A line in the making. What does not fit is left out; LINE_END bytes stay for the end. */
typedef struct Line {
        char *bytes;
        size_t length, limit;
        bool is_cut, is_readable;
} Line;

static void add_bytes(Line *line, const char *bytes, size_t length) {
        if (line->is_cut || length > line->limit - line->length) {
                line->is_cut = true;
                return;
        }
        memcpy(line->bytes + line->length, bytes, length);
        line->length += length;
}

static void add(Line *line, const char *string) {
        add_bytes(line, string, strlen(string));
}

static void add_escape(Line *line, uint32_t character) {
        static const char digits[] = "0123456789abcdef";
        char escape[] = "\\u0000";
        for (size_t at = 5; at > 1; at--, character >>= 4)
                escape[at] = digits[character & 15];
        add(line, escape);
}

static uint32_t decode(Text character) {
        static const unsigned char first_masks[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
        uint32_t value = (unsigned char) character.bytes[0] & first_masks[character.length];
        for (size_t i = 1; i < character.length; i++)
                value = value << 6 | ((unsigned char) character.bytes[i] & 0x3F);
        return value;
}

/* What moves a terminal's cursor, ends a line, or changes the direction of writing could forge records. */
static bool must_escape(uint32_t c) {
        return c < ' ' || (c >= 0x7F && c < 0xA0) || c == '"' || c == '\\' || c == 0x061C || c == 0xFEFF ||
               (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F);
}

static void add_quoted(Line *line, Text text) {
        Text rest = text_prefix(text, VALUE_LIMIT);
        bool is_whole = rest.length == text.length;
        add(line, "\"");
        while (rest.length > 0) {
                size_t length = text_character(rest);
                uint32_t character = length > 0 ? decode((Text){ rest.bytes, length }) : 0xFFFD;
                if (must_escape(character))
                        add_escape(line, character);
                else if (length == 0)
                        add(line, "\uFFFD");
                else
                        add_bytes(line, rest.bytes, length);
                length = length > 0 ? length : 1;
                rest = (Text){ rest.bytes + length, rest.length - length };
        }
        add(line, is_whole ? "\"" : "…\"");
}

static void add_integer(Line *line, int64_t value) {
        char digits[24];
        size_t at = sizeof(digits);
        uint64_t rest = value < 0 ? -(uint64_t) value : (uint64_t) value;
        do
                digits[--at] = (char) ('0' + rest % 10);
        while ((rest /= 10) > 0);
        if (value < 0)
                digits[--at] = '-';
        add_bytes(line, digits + at, sizeof(digits) - at);
}

static void add_string(Line *line, const char *string) {
        if (string)
                add_quoted(line, text_of(string));
        else
                add(line, "null");
}

static void add_uuid(Line *line, const Uuid *uuid) {
        char string[UUID_STRING_SIZE];
        uuid_format(*uuid, string);
        add_quoted(line, text_of(string));
}

static void add_name(Line *line, const char *name) {
        add(line, line->is_readable ? " " : ",\"");
        add(line, name);
        add(line, line->is_readable ? "=" : "\":");
}

/* Whole fields only: one that does not fit is taken back, and so are those behind it. */
static void add_fields(Line *line, va_list fields) {
        const char *name;
        while ((name = va_arg(fields, const char *))) {
                size_t before = line->length;
                bool was_cut = line->is_cut;
                add_name(line, name);
                switch (va_arg(fields, LogFieldType)) {
                case LOG_STRING:
                        add_string(line, va_arg(fields, const char *));
                        break;
                case LOG_TEXT:
                        add_quoted(line, *va_arg(fields, const Text *));
                        break;
                case LOG_INTEGER:
                        add_integer(line, va_arg(fields, int64_t));
                        break;
                case LOG_UUID:
                        add_uuid(line, va_arg(fields, const Uuid *));
                        break;
                case LOG_END:
                        return;
                }
                if (line->is_cut && !was_cut)
                        line->length = before;
        }
}

static void begin(Line *line, LogLevel level, const char *sentence) {
        char time[CLOCK_STRING_SIZE];
        clock_format(clock_now().wall_us, time);
        if (line->is_readable) {
                time[23] = '\0';
                add(line, time + 11); /* of day */
                add(line, " ");
                add(line, levels[level].colour);
                add(line, levels[level].shown);
                add(line, "\x1b[0m ");
                add(line, sentence);
                return;
        }
        add(line, "{\"time\":\"");
        add(line, time);
        add(line, "\",\"level\":\"");
        add(line, levels[level].name);
        add(line, "\",\"event\":");
        add_quoted(line, text_of(sentence));
}

static void finish(Line *line) {
        bool was_cut = line->is_cut;
        line->is_cut = false;
        line->limit += LINE_END;
        if (was_cut)
                add(line, line->is_readable ? " …" : ",\"cut\":true");
        add(line, line->is_readable ? "\n" : "}\n");
}

size_t log_line(char bytes[static LOG_LINE_SIZE], bool is_readable, LogLevel level, const char *sentence,
                va_list fields) {
        Line line = { .bytes = bytes, .limit = LOG_LINE_SIZE - LINE_END, .is_readable = is_readable };
        begin(&line, level, sentence);
        add_fields(&line, fields);
        finish(&line);
        return line.length;
}
