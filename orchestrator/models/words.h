/* Words, as far as comparing a question with a passage needs them: without case (ASCII), without the commonest words of
 * English, and without the commonest endings, so that "installing" finds "install". Not a search engine: PostgreSQL
 * finds the passages, this weighs them. Internal to this folder.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/text.h"

#define WORDS_LIMIT 64 /* words of a question that count; later ones are left out */

typedef struct Words {
        uint32_t stems[WORDS_LIMIT]; /* hashes, distinct */
        size_t count;
} Words;

Words words_of(Text question);
/* Bit i is set when words->stems[i] occurs in the text. */
uint64_t words_found(const Words *words, Text text);
