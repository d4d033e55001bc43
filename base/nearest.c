#include "base/nearest.h"

#include <stdint.h>
#include <stdio.h>

#define NAME_LIMIT 64

static char fold(char c) {
        return c == '_' ? '-' : c;
}

static size_t least_of(size_t a, size_t b) {
        return a < b ? a : b;
}

/* Damerau's distance in its restricted form: three rows of the usual table. */
size_t text_distance(Text a, Text b) {
        if (a.length > NAME_LIMIT || b.length > NAME_LIMIT)
                return text_equal(a, b) ? 0 : SIZE_MAX;
        size_t rows[3][NAME_LIMIT + 1];
        for (size_t j = 0; j <= b.length; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= a.length; i++) {
                size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
                row[0] = i;
                for (size_t j = 1; j <= b.length; j++) {
                        bool same = fold(a.bytes[i - 1]) == fold(b.bytes[j - 1]);
                        row[j] = least_of(above[j - 1] + !same, 1 + least_of(above[j], row[j - 1]));
                        if (i > 1 && j > 1 && fold(a.bytes[i - 1]) == fold(b.bytes[j - 2]) &&
                            fold(a.bytes[i - 2]) == fold(b.bytes[j - 1]))
                                row[j] = least_of(row[j], before[j - 2] + 1);
                }
        }
        return rows[a.length % 3][b.length];
}

void nearest_offer(Nearest *nearest, Text name) {
        size_t distance = text_distance(nearest->wanted, name);
        size_t near_enough = nearest->wanted.length < 6 ? 1 : nearest->wanted.length / 3;
        bool begins = nearest->wanted.length >= 3 && text_starts_with(name, nearest->wanted);
        if (begins && distance > near_enough)
                distance = near_enough;
        if (distance > near_enough || distance >= nearest->distance)
                return;
        nearest->distance = distance;
        nearest->name = name;
}

const char *nearest_hint(const Nearest *nearest, char buffer[static NEAREST_HINT_SIZE]) {
        buffer[0] = '\0';
        if (nearest->name.length > 0)
                snprintf(buffer, NEAREST_HINT_SIZE, "; did you mean '%.*s'?", TEXT_ARGUMENTS(nearest->name));
        return buffer;
}
