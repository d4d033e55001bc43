/* The nearest of several names, for "unknown … 'modle': did you mean 'model'?". Not a search.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/text.h"

/* How many bytes must be inserted, removed, replaced or swapped with their neighbour; names over 64 bytes are only
 * compared as a whole (0 or SIZE_MAX). Hyphen and underscore count as one. */
size_t text_distance(Text a, Text b);

typedef struct Nearest {
        Text wanted;
        Text name; /* TEXT_NONE until something was near enough to be meant */
        size_t distance;
} Nearest;

static inline Nearest nearest_to(Text wanted) {
        return (Nearest){ .wanted = wanted, .distance = SIZE_MAX };
}
/* Offers a name. Near enough is at most a third of the wanted name's length, and at least one. */
void nearest_offer(Nearest *nearest, Text name);
/* For a failure's text: "; did you mean 'model'?", or an empty string. */
#define NEAREST_HINT_SIZE 96
const char *nearest_hint(const Nearest *nearest, char buffer[static NEAREST_HINT_SIZE]);
