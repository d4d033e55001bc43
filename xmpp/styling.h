/* XEP-0393: Message Styling, made of the Markdown that models write, and cut into parts that fit a message. Styling has
 * no way to write its marks as plain characters, so what would be read as a mark by accident may be styled. Text
 * without any Markdown stays as it is, byte for byte.
 *
 * Results live in the arena, or are the text that was given. Any thread; never blocks; the work is bounded.
 */
#pragma once

#include "base/text.h"

/* What is very long, or finds no room, stays as it is too. */
Text styling_of(Arena *arena, Text markdown);

/* What is left of a text that goes out in parts. */
typedef struct StylingParts {
        Text rest;
        bool within_code; /* the last part was cut inside a block of code */
} StylingParts;

/* The next part: at most `limit` bytes (>= 256) as XML, ended if possible at a paragraph's end, else at a line's, a
 * word's, a character's. A block of code is cut only when it alone is too long, and then ended and begun again. False
 * when nothing is left. */
bool styling_next_part(StylingParts *parts, size_t limit, Arena *arena, Text *ret_part) _must_check_;
