#include "base/fold.h"

#include <utf8proc.h>

#define EXPANSION_MOST 18 /* code points of one character: UAX #15 */

static bool is_ascii_word(unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Digits of a script stand in a row from its zero. */
static int32_t digit_of(int32_t point) {
        int32_t value = 0;
        while (value < 9 && utf8proc_category(point - value - 1) == UTF8PROC_CATEGORY_ND)
                value++;
        return '0' + value;
}

static int32_t plain(int32_t point) {
        switch (utf8proc_category(point)) {
        case UTF8PROC_CATEGORY_ND:
                return digit_of(point);
        case UTF8PROC_CATEGORY_PD:
                return '-';
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
                return ' ';
        default:
                return point;
        }
}

/* One character, folded, at `room`; how many bytes that are. */
static size_t fold_character(Text character, char *room) {
        static const utf8proc_option_t options = (utf8proc_option_t) (UTF8PROC_CASEFOLD | UTF8PROC_COMPAT |
                                                                      UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK |
                                                                      UTF8PROC_IGNORE);
        int32_t point, points[EXPANSION_MOST];
        int boundary = 0;
        size_t length = 0;

        utf8proc_iterate((const uint8_t *) character.bytes, (utf8proc_ssize_t) character.length, &point);
        if (utf8proc_category(point) == UTF8PROC_CATEGORY_CF)
                return 0;
        utf8proc_ssize_t count = utf8proc_decompose_char(point, points, EXPANSION_MOST, options, &boundary);
        for (utf8proc_ssize_t i = 0; i < count && i < EXPANSION_MOST; i++)
                length += (size_t) utf8proc_encode_char(plain(points[i]), (uint8_t *) room + length);
        return length;
}

static char fold_ascii(char c) {
        return (char) (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c == '\t' ? ' ' : c);
}

static bool fold_all_ascii(Text text, Arena *arena, Folded *ret_folded) {
        char *bytes = arena_take(arena, text.length + 1);

        if (!bytes)
                return false;
        for (size_t i = 0; i < text.length; i++)
                bytes[i] = fold_ascii(text.bytes[i]);
        *ret_folded = (Folded){ .text = { bytes, text.length } };
        return true;
}

/* What its characters come to, written to `bytes` and `origins` unless these are NULL. */
static size_t fold_all(Text text, char *bytes, uint32_t *origins) {
        char room[EXPANSION_MOST * 4 + 4];
        size_t length = 0, step;

        for (size_t i = 0; i < text.length; i += step) {
                Text rest = { text.bytes + i, text.length - i };
                size_t count = 1;
                step = text_character(rest);
                if (step > 1)
                        count = fold_character((Text){ rest.bytes, step }, room);
                else
                        room[0] = step ? fold_ascii(rest.bytes[0]) : '?';
                step += !step;
                for (size_t k = 0; bytes && k < count; k++) {
                        bytes[length + k] = room[k];
                        origins[length + k] = (uint32_t) i;
                }
                length += count;
        }
        return length;
}

bool text_fold(Text text, Arena *arena, Folded *ret_folded) {
        if (text_ascii_length(text) == text.length)
                return fold_all_ascii(text, arena, ret_folded);
        size_t length = fold_all(text, NULL, NULL);
        char *bytes = arena_take(arena, length + 1);
        uint32_t *origins = arena_take_array(arena, uint32_t, length + 1);
        if (!bytes || !origins)
                return false;
        fold_all(text, bytes, origins);
        origins[length] = (uint32_t) text.length;
        *ret_folded = (Folded){ .text = { bytes, length }, .origins = origins };
        return true;
}

typedef enum WordPart { PART_NONE, PART_LETTER, PART_ALONE } WordPart;

static WordPart part_of(int32_t point) {
        switch (utf8proc_category(point)) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
                break;
        default:
                return PART_NONE;
        }
        /* Thai to Lao, Myanmar, Khmer, and what lies from the radicals on: Han, Kana, Hangul. */
        bool alone = (point >= 0x0e00 && point <= 0x0eff) || (point >= 0x1000 && point <= 0x109f) ||
                     (point >= 0x1780 && point <= 0x17ff) || point >= 0x2e80;
        return alone ? PART_ALONE : PART_LETTER;
}

static WordPart part_at(Text rest, size_t *ret_step) {
        int32_t point;

        *ret_step = 1;
        if ((unsigned char) rest.bytes[0] < 0x80)
                return is_ascii_word((unsigned char) rest.bytes[0]) ? PART_LETTER : PART_NONE;
        size_t step = text_character(rest);
        if (step == 0)
                return PART_NONE;
        *ret_step = step;
        utf8proc_iterate((const uint8_t *) rest.bytes, (utf8proc_ssize_t) step, &point);
        return part_of(point);
}

/* FNV-1a, mixed once more so that its low bits can be used alone. */
static uint64_t hash_of(Text text) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (size_t i = 0; i < text.length; i++)
                hash = (hash ^ (unsigned char) text.bytes[i]) * UINT64_C(0x100000001b3);
        return hash ^ hash >> 29;
}

bool folded_word(Text folded, size_t *place, FoldedWord *ret_word) {
        size_t at = *place, step = 0, from;
        WordPart part = PART_NONE;

        while (at < folded.length &&
               (part = part_at((Text){ folded.bytes + at, folded.length - at }, &step)) == PART_NONE)
                at += step;
        from = at;
        if (at < folded.length)
                at += step;
        while (part == PART_LETTER && at < folded.length &&
               part_at((Text){ folded.bytes + at, folded.length - at }, &step) == PART_LETTER)
                at += step;
        *place = at;
        *ret_word = (FoldedWord){ from, at, hash_of((Text){ folded.bytes + from, at - from }) };
        return from < folded.length;
}
