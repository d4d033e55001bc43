#include "base/json.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

#define OUTPUT_LIMIT    (SIZE_MAX / 4) /* the arena has the real one */
#define INTEGER_LIMIT   (INT64_C(1) << 53)
#define MOST_DIGITS     17 /* tell any two doubles apart */
#define PLACES_IN_PLAIN 21 /* ECMA-262 Number::toString: larger numbers have an exponent */
#define PLACES_AS_REAL  15 /* and where nobody asks for that, those that would be read as too large an integer */

typedef struct Writer {
        TextBuilder out;
        bool is_canonical, is_indented;
        size_t depth;
} Writer;

static bool write_value(Writer *writer, const Json *value);

static void add_quoted(TextBuilder *out, Text text) {
        static const char short_escapes[] = {
                ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'
        };
        size_t from = 0;
        text_add_char(out, '"');
        for (size_t i = 0; i < text.length; i++) {
                unsigned char c = (unsigned char) text.bytes[i];
                if (c >= ' ' && c != '"' && c != '\\')
                        continue;
                text_add(out, (Text){ text.bytes + from, i - from });
                from = i + 1;
                if (short_escapes[c])
                        text_add(out, (Text){ (char[2]){ '\\', short_escapes[c] }, 2 });
                else
                        text_add_format(out, "\\u%04x", c);
        }
        text_add(out, (Text){ text.bytes + from, text.length - from });
        text_add_char(out, '"');
}

typedef struct Decimal {
        char digits[MOST_DIGITS + 1]; /* d.ddd without the point, no zeros at the end */
        int count;
        int exponent; /* of the first digit */
} Decimal;

/* One more in the last place. All nines do not come here: what they round up to has fewer digits and was tried. */
static void increment(char *text, int digits) {
        char *last = text + (digits > 1 ? digits : 0); /* the point stands behind the first digit */
        for (; last > text && (*last == '9' || *last == '.'); last--)
                if (*last == '9')
                        *last = '0';
        if (*last < '9')
                ++*last;
}

static bool reads_back(const char *text, double value) {
        return strtod(text, NULL) == value;
}

/* The shortest decimal that reads back as the same double, in the form of "%e". Below 15 digits nothing has to be
 * tried, for a decimal of so many survives the way into a normal double and back; subnormal ones have fewer. The
 * nearest decimal of a length may fail and its upper neighbour not: doubles lie twice as dense below a power of two as
 * above. */
static int find_shortest(double value, char ret_text[static 32]) {
        for (int digits = value < DBL_MIN ? 1 : DBL_DIG; digits < MOST_DIGITS; digits++) {
                snprintf(ret_text, 32, "%.*e", digits - 1, value);
                if (reads_back(ret_text, value))
                        return digits;
                increment(ret_text, digits);
                if (reads_back(ret_text, value))
                        return digits;
        }
        snprintf(ret_text, 32, "%.*e", MOST_DIGITS - 1, value);
        return MOST_DIGITS;
}

static Decimal shortest_decimal(double value) {
        char text[32];
        Decimal decimal = { .count = find_shortest(value, text) };
        decimal.digits[0] = text[0];
        if (decimal.count > 1)
                memcpy(decimal.digits + 1, text + 2, (size_t) decimal.count - 1);
        decimal.exponent = (int) strtol(strchr(text, 'e') + 1, NULL, 10);
        while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0')
                decimal.count--;
        return decimal;
}

static void add_zeros(TextBuilder *out, int count) {
        for (int i = 0; i < count; i++)
                text_add_char(out, '0');
}

static void add_digits(TextBuilder *out, const Decimal *decimal, int from, int to) {
        if (to > from)
                text_add(out, (Text){ decimal->digits + from, (size_t) (to - from) });
}

/* ECMA-262 Number::toString, which RFC 8785 §3.2.2.3 asks for, when there are 21 places. */
static void add_real(TextBuilder *out, double value, int places_in_plain) {
        if (value == 0) {
                text_add_char(out, '0'); /* minus zero too */
                return;
        }
        if (value < 0)
                text_add_char(out, '-');
        Decimal decimal = shortest_decimal(fabs(value));
        int before_point = decimal.exponent + 1;
        if (before_point > places_in_plain || before_point <= -6) {
                add_digits(out, &decimal, 0, 1);
                if (decimal.count > 1)
                        text_add_char(out, '.');
                add_digits(out, &decimal, 1, decimal.count);
                text_add_format(out, "e%+d", decimal.exponent);
        } else if (before_point <= 0) {
                text_add_string(out, "0.");
                add_zeros(out, -before_point);
                add_digits(out, &decimal, 0, decimal.count);
        } else if (before_point >= decimal.count) {
                add_digits(out, &decimal, 0, decimal.count);
                add_zeros(out, before_point - decimal.count);
        } else {
                add_digits(out, &decimal, 0, before_point);
                text_add_char(out, '.');
                add_digits(out, &decimal, before_point, decimal.count);
        }
}

static bool add_integer(Writer *writer, const Json *value) {
        int64_t integer = 0;
        bool is_integer = json_to_integer(value, &integer);
        assert(is_integer);
        if (writer->is_canonical && (integer > INTEGER_LIMIT || integer < -INTEGER_LIMIT))
                return false;
        text_add_format(&writer->out, "%lld", (long long) integer);
        return true;
}

typedef struct Member {
        Text name;
        Json *value;
} Member;

/* UTF-16 has its surrogates below U+E000, so characters of four bytes come before those that begin with EE or EF. */
static int utf16_rank(char c) {
        unsigned char byte = (unsigned char) c;
        return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;
}

static int compare_names(const void *a, const void *b) {
        Text first = ((const Member *) a)->name, second = ((const Member *) b)->name;
        size_t i = 0;
        while (i < first.length && i < second.length && first.bytes[i] == second.bytes[i])
                i++;
        if (i < first.length && i < second.length)
                return utf16_rank(first.bytes[i]) - utf16_rank(second.bytes[i]);
        return (first.length > second.length) - (first.length < second.length);
}

static Member *list_members(const Json *object, bool sorted) {
        Member *members = memory_new(json_count(object) * sizeof(Member));
        Member *member = members;
        for (JsonIterator i = { 0 }; json_each(object, &i, &member->name, &member->value);)
                member++;
        if (sorted)
                qsort(members, json_count(object), sizeof(Member), compare_names);
        return members;
}

static void start_line(Writer *writer) {
        if (!writer->is_indented)
                return;
        text_add_char(&writer->out, '\n');
        for (size_t i = 0; i < writer->depth; i++)
                text_add_string(&writer->out, "  ");
}

static void open_bracket(Writer *writer, char bracket) {
        text_add_char(&writer->out, bracket);
        writer->depth++;
}

static void close_bracket(Writer *writer, char bracket, bool is_empty) {
        writer->depth--;
        if (!is_empty)
                start_line(writer);
        text_add_char(&writer->out, bracket);
}

static bool write_object(Writer *writer, const Json *object) {
        size_t count = json_count(object);
        _cleanup_(free_memoryp) Member *members = list_members(object, writer->is_canonical);
        open_bracket(writer, '{');
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        text_add_char(&writer->out, ',');
                start_line(writer);
                add_quoted(&writer->out, members[i].name);
                text_add_string(&writer->out, writer->is_indented ? ": " : ":");
                if (!write_value(writer, members[i].value))
                        return false;
        }
        close_bracket(writer, '}', count == 0);
        return true;
}

static bool write_array(Writer *writer, const Json *array) {
        size_t count = json_count(array);
        open_bracket(writer, '[');
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        text_add_char(&writer->out, ',');
                start_line(writer);
                if (!write_value(writer, json_item(array, i)))
                        return false;
        }
        close_bracket(writer, ']', count == 0);
        return true;
}

static bool write_value(Writer *writer, const Json *value) {
        switch (json_type_of(value)) {
        case JSON_TYPE_NULL:
                text_add_string(&writer->out, "null");
                return true;
        case JSON_TYPE_BOOLEAN:
                text_add_string(&writer->out, json_to_boolean(value) ? "true" : "false");
                return true;
        case JSON_TYPE_INTEGER:
                return add_integer(writer, value);
        case JSON_TYPE_REAL:
                add_real(&writer->out, json_to_real(value), writer->is_canonical ? PLACES_IN_PLAIN : PLACES_AS_REAL);
                return true;
        case JSON_TYPE_TEXT:
                add_quoted(&writer->out, json_to_text(value));
                return true;
        case JSON_TYPE_ARRAY:
                return write_array(writer, value);
        case JSON_TYPE_OBJECT:
                return write_object(writer, value);
        }
        abort(); /* there is no other type */
}

static bool write_text(Writer writer, const Json *value, Arena *arena, Text *ret_text) {
        writer.out = text_builder(OUTPUT_LIMIT);
        Text copy = TEXT_NONE;
        if (write_value(&writer, value))
                copy = text_copy(arena, text_built(&writer.out));
        text_builder_release(&writer.out);
        if (!copy.bytes)
                return false;
        *ret_text = copy;
        return true;
}

bool json_canonical(const Json *value, Arena *arena, Text *ret_text) {
        return write_text((Writer){ .is_canonical = true }, value, arena, ret_text);
}

bool json_compact(const Json *value, Arena *arena, Text *ret_text) {
        return write_text((Writer){ .is_indented = false }, value, arena, ret_text);
}

bool json_pretty(const Json *value, Arena *arena, Text *ret_text) {
        return write_text((Writer){ .is_indented = true }, value, arena, ret_text);
}
