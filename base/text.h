/* Text: a view of bytes with a length, usually UTF-8, and TextBuilder, a growing buffer with a limit. A Text owns
 * nothing; who made the bytes says how long they live. Not a Unicode library: normalisation is in base/jid.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/arena.h"

#include <stdarg.h>
#include <string.h>

typedef struct Text {
        const char *bytes; /* not terminated, unless made by text_copy() or a literal; NULL only when length is 0 */
        size_t length;
} Text;

#define TEXT(literal) ((Text){ ("" literal), sizeof(literal) - 1 })
#define TEXT_NONE     ((Text){ NULL, 0 })
/* For printf: printf("%.*s", TEXT_ARGUMENTS(text)) */
#define TEXT_ARGUMENTS(text) ((int) (text).length), ((text).bytes ? (text).bytes : "")

static inline Text text_of(const char *string) {
        return (Text){ string, string ? strlen(string) : 0 };
}

static inline bool text_equal(Text a, Text b) {
        return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

int text_compare(Text a, Text b); /* bytewise order, <0 0 >0 */
bool text_starts_with(Text text, Text prefix) _pure_;
Text text_trim(Text text); /* without ASCII white space at both ends */
/* Takes what stands before the first separator off *rest; false, and an empty part, when nothing is left. A separator
 * at the end is not followed by another, empty part: "a,,b," gives "a", "" and "b". */
static inline bool text_split(Text *rest, char separator, Text *ret_part) {
        *ret_part = TEXT_NONE;
        if (rest->length == 0 || !rest->bytes)
                return false;
        const char *found = memchr(rest->bytes, separator, rest->length);
        size_t length = found ? (size_t) (found - rest->bytes) : rest->length;
        *ret_part = (Text){ rest->bytes, length };
        size_t consumed = found ? length + 1 : length;
        *rest = (Text){ rest->bytes + consumed, rest->length - consumed };
        return true;
}

/* A copy with a terminating NUL after it; bytes is NULL when the arena's limit is reached (and text was not empty). */
Text text_copy(Arena *arena, Text text);
/* The same, as a C string; NULL when the limit is reached or the text holds a NUL. */
const char *text_string(Arena *arena, Text text) _must_check_;
/* The same outside of any arena: the caller frees it. */
char *text_keep(Text text);

/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool text_is_utf8(Text text) _pure_;
/* Bytes of the character at the start: 1 to 4, and 0 when there is none that is well-formed. */
size_t text_character(Text text) _pure_;
/* How many bytes at the start are ASCII. */
size_t text_ascii_length(Text text) _pure_;
/* The longest prefix of at most `limit` bytes that does not cut a character. */
Text text_prefix(Text text, size_t limit);
/* Without the character at the end that is still missing bytes, as the parts of a stream have. */
Text text_whole(Text text);
bool text_to_int64(Text text, int64_t *ret_value) _must_check_; /* decimal, whole text, no overflow */

typedef struct TextBuilder {
        char *bytes; /* always NUL-terminated once anything was added */
        size_t length, capacity, limit;
        bool overflowed; /* something did not fit: what is there is a prefix, cut between characters, and stays so */
} TextBuilder;

/* limit in bytes, 0 = 16 MiB. No allocation until something is added. */
TextBuilder text_builder(size_t limit);
void text_add(TextBuilder *builder, Text text);
void text_add_string(TextBuilder *builder, const char *string);
void text_add_char(TextBuilder *builder, char c);
void text_add_format(TextBuilder *builder, const char *format, ...) _printf_(2, 3);
void text_add_format_list(TextBuilder *builder, const char *format, va_list arguments) _printf_(2, 0);
/* Bytes that are not UTF-8 become U+FFFD, one for each. */
void text_add_repaired(TextBuilder *builder, Text text);
void text_add_hex(TextBuilder *builder, const uint8_t *bytes, size_t length);
static inline Text text_built(const TextBuilder *builder) {
        return (Text){ builder->bytes, builder->length };
}
void text_builder_reset(TextBuilder *builder);
void text_builder_release(TextBuilder *builder); /* for _cleanup_ */
