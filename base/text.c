#include "base/text.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>

#define BUILDER_DEFAULT_LIMIT ((size_t) 16 * 1024 * 1024)
#define BUILDER_FIRST_SIZE    64

int text_compare(Text a, Text b) {
        size_t shorter = a.length < b.length ? a.length : b.length;
        int order = shorter > 0 ? memcmp(a.bytes, b.bytes, shorter) : 0;
        if (order != 0)
                return order;
        return (a.length > b.length) - (a.length < b.length);
}

bool text_starts_with(Text text, Text prefix) {
        return text.length >= prefix.length && text_equal((Text){ text.bytes, prefix.length }, prefix);
}

static bool is_white(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

Text text_trim(Text text) {
        while (text.length > 0 && is_white(text.bytes[0])) {
                text.bytes++;
                text.length--;
        }
        while (text.length > 0 && is_white(text.bytes[text.length - 1]))
                text.length--;
        return text;
}

Text text_copy(Arena *arena, Text text) {
        char *copy = arena_take(arena, text.length + 1);
        if (!copy)
                return TEXT_NONE;
        if (text.length > 0)
                memcpy(copy, text.bytes, text.length);
        return (Text){ copy, text.length };
}

const char *text_string(Arena *arena, Text text) {
        if (text.length > 0 && memchr(text.bytes, 0, text.length))
                return NULL;
        return text_copy(arena, text).bytes;
}

char *text_keep(Text text) {
        char *kept = memory_new(text.length + 1);
        if (text.length > 0)
                memcpy(kept, text.bytes, text.length);
        return kept;
}

/* How many bytes the well-formed character at `bytes` has; 0 when it is not one. RFC 3629 §4. */
static size_t character_length(const unsigned char *bytes, size_t left) {
        static const struct {
                unsigned char first_low, first_high, second_low, second_high;
                size_t length;
        } forms[] = {
                { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 },
                { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 }, { 0xF0, 0xF0, 0x90, 0xBF, 4 },
                { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
        };
        if (bytes[0] < 0x80)
                return 1;
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
                if (bytes[0] < forms[i].first_low || bytes[0] > forms[i].first_high)
                        continue;
                if (left < forms[i].length || bytes[1] < forms[i].second_low || bytes[1] > forms[i].second_high)
                        return 0;
                for (size_t j = 2; j < forms[i].length; j++)
                        if ((bytes[j] & 0xC0) != 0x80)
                                return 0;
                return forms[i].length;
        }
        return 0;
}

size_t text_character(Text text) {
        return text.length > 0 ? character_length((const unsigned char *) text.bytes, text.length) : 0;
}

size_t text_ascii_length(Text text) {
        size_t i = 0;
        for (; i + sizeof(uint64_t) <= text.length; i += sizeof(uint64_t)) {
                uint64_t word;
                memcpy(&word, text.bytes + i, sizeof(word));
                if (word & UINT64_C(0x8080808080808080))
                        break;
        }
        while (i < text.length && !((unsigned char) text.bytes[i] & 0x80))
                i++;
        return i;
}

bool text_is_utf8(Text text) {
        while (text.length > 0) {
                size_t step = text_ascii_length(text);
                if (step == 0)
                        step = text_character(text);
                if (step == 0)
                        return false;
                text.bytes += step;
                text.length -= step;
        }
        return true;
}

Text text_prefix(Text text, size_t limit) {
        if (text.length <= limit)
                return text;
        size_t length = limit;
        /* A character has at most three bytes after its first; more of them is not UTF-8 and cut anywhere. */
        while (length > 0 && limit - length < 3 && ((unsigned char) text.bytes[length] & 0xC0) == 0x80)
                length--;
        return (Text){ text.bytes, length };
}

Text text_whole(Text text) {
        for (size_t back = 1; back <= 3 && back <= text.length; back++) {
                unsigned char byte = (unsigned char) text.bytes[text.length - back];
                if ((byte & 0xC0) == 0x80)
                        continue;
                size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
                if (wanted > back)
                        text.length -= back;
                break;
        }
        return text;
}

bool text_to_int64(Text text, int64_t *ret_value) {
        bool negative = text.length > 0 && text.bytes[0] == '-';
        size_t i = negative ? 1 : 0;
        if (i == text.length)
                return false;
        int64_t value = 0;
        for (; i < text.length; i++) {
                if (text.bytes[i] < '0' || text.bytes[i] > '9')
                        return false;
                int digit = text.bytes[i] - '0';
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, negative ? -digit : digit, &value))
                        return false;
        }
        *ret_value = value;
        return true;
}

TextBuilder text_builder(size_t limit) {
        return (TextBuilder){ .limit = limit == 0 ? BUILDER_DEFAULT_LIMIT : limit };
}

static void reserve(TextBuilder *builder, size_t more) {
        size_t needed = builder->length + more + 1;
        if (needed <= builder->capacity)
                return;
        size_t capacity = builder->capacity == 0 ? BUILDER_FIRST_SIZE : builder->capacity * 2;
        builder->capacity = capacity > needed ? capacity : needed;
        builder->bytes = memory_resize(builder->bytes, builder->capacity);
}

/* How much room there is; none once something was cut, for what is there shall stay a prefix. */
static size_t room(const TextBuilder *builder) {
        assert(builder->limit > 0); /* made by text_builder() */
        return builder->overflowed ? 0 : builder->limit - builder->length;
}

void text_add(TextBuilder *builder, Text text) {
        Text fitting = text_prefix(text, room(builder));
        builder->overflowed = builder->overflowed || fitting.length < text.length;
        reserve(builder, fitting.length);
        if (fitting.length > 0)
                memcpy(builder->bytes + builder->length, fitting.bytes, fitting.length);
        builder->length += fitting.length;
        builder->bytes[builder->length] = '\0';
}

void text_add_string(TextBuilder *builder, const char *string) {
        text_add(builder, text_of(string));
}

void text_add_char(TextBuilder *builder, char c) {
        if (builder->length + 1 < builder->capacity && room(builder) > 0) {
                builder->bytes[builder->length++] = c;
                builder->bytes[builder->length] = '\0';
        } else {
                text_add(builder, (Text){ &c, 1 });
        }
}

void text_add_format(TextBuilder *builder, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        text_add_format_list(builder, format, arguments);
        va_end(arguments);
}

void text_add_format_list(TextBuilder *builder, const char *format, va_list arguments) {
        va_list again;
        va_copy(again, arguments);
        reserve(builder, 0);
        size_t left = builder->capacity - builder->length;
        int wanted = vsnprintf(builder->bytes + builder->length, left, format, arguments);
        assert(wanted >= 0);
        size_t fitting = (size_t) wanted <= room(builder) ? (size_t) wanted : room(builder);
        if (fitting >= left) {
                reserve(builder, fitting);
                vsnprintf(builder->bytes + builder->length, fitting + 1, format, again);
        }
        va_end(again);
        if (fitting < (size_t) wanted) {
                builder->overflowed = true;
                fitting = text_whole((Text){ builder->bytes + builder->length, fitting }).length;
        }
        builder->length += fitting;
        builder->bytes[builder->length] = '\0';
}

void text_add_repaired(TextBuilder *builder, Text text) {
        while (text.length > 0) {
                size_t good = text_ascii_length(text);
                good = good > 0 ? good : text_character(text);
                text_add(builder, good > 0 ? (Text){ text.bytes, good } : TEXT("\uFFFD"));
                good = good > 0 ? good : 1;
                text = (Text){ text.bytes + good, text.length - good };
        }
}

void text_add_hex(TextBuilder *builder, const uint8_t *bytes, size_t length) {
        static const char digits[] = "0123456789abcdef";
        for (size_t i = 0; i < length; i++) {
                char pair[2] = { digits[bytes[i] >> 4], digits[bytes[i] & 15] };
                text_add(builder, (Text){ pair, sizeof(pair) });
        }
}

void text_builder_reset(TextBuilder *builder) {
        builder->length = 0;
        builder->overflowed = false;
        if (builder->bytes)
                builder->bytes[0] = '\0';
}

void text_builder_release(TextBuilder *builder) {
        free(builder->bytes);
        *builder = (TextBuilder){ .limit = builder->limit };
}
