/* What every fuzz target includes: the entry that libFuzzer, or replay.c in its place, calls with bytes from anywhere,
 * and the check of a promise about them.
 */
#pragma once

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Also where assert() is compiled out. */
#define PROMISE(condition)                                                                                             \
        do {                                                                                                           \
                if (!(condition))                                                                                      \
                        __builtin_trap();                                                                              \
        } while (0)
