/* Scope-bound release: `_cleanup_(arena_freep) Arena *arena = NULL;` calls arena_freep(&arena) on every way out of the
 * scope. Not an exception mechanism and not a garbage collector; owners are still named in each header.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(release) __attribute__((cleanup(release)))
#define _must_check_       __attribute__((warn_unused_result))
#define _printf_(f, a)     __attribute__((format(printf, f, a)))
#define _const_            __attribute__((const))
#define _pure_             __attribute__((pure))

/* DEFINE_RELEASE(Arena *, arena_free) makes arena_freep(), which releases and forgets. */
#define DEFINE_RELEASE(type, release)                                                                                  \
        static inline void release##p(type *held) {                                                                    \
                if (*held)                                                                                             \
                        release(*held);                                                                                \
                *held = NULL;                                                                                          \
        }

static inline void close_fdp(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static inline void free_memoryp(void *held) {
        free(*(void **) held);
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
