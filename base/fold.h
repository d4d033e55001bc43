/* Folding: text as rules compare it. Letters without case and accents, look-alikes of the compatibility forms (full
 * width, ligatures, mathematical letters), any decimal digit as 0 to 9, any dash as '-', any space as ' '; what is
 * invisible is left out. Each byte knows where in the original its character began, so that what is found in the one
 * can be taken out of the other. Not a normalisation for names or JIDs (base/jid); letters of other scripts that look
 * alike stay different. The only user of utf8proc.
 *
 * Folded lives in the arena. Any thread; never blocks; linear time.
 */
#pragma once

#include "base/text.h"

typedef struct Folded {
        Text text;
        const uint32_t *origins; /* of each byte, and one more for the end; NULL: the same places as in the original */
} Folded;

/* Bytes that are not UTF-8 become '?'. False when the arena's limit is reached. */
bool text_fold(Text text, Arena *arena, Folded *ret_folded) _must_check_;
static inline size_t folded_origin(const Folded *folded, size_t place) {
        return folded->origins ? folded->origins[place] : place;
}

/* A word: letters and digits in a row; of scripts that put no space between words, a single character. */
typedef struct FoldedWord {
        size_t from, to;
        uint64_t hash;
} FoldedWord;

/* The next word from *place on, and *place behind it; false when there is none. */
bool folded_word(Text folded, size_t *place, FoldedWord *ret_word);
