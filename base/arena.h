/* An arena: memory of one message or one request, taken piece by piece and released at once. It has a limit, and
 * reaching it is an ordinary failure (NULL), so that nothing from outside leads to an abort. Memory of the machine
 * running out aborts. Not for long-lived structures that shrink.
 *
 * Owned by one holder at a time and used by one thread at a time; it may travel between threads through a queue.
 */
#pragma once

#include "base/defer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Arena Arena;

/* limit: bytes that may be handed out in all; 0 means 1 MiB. Never NULL. */
Arena *arena_new(size_t limit);
size_t arena_used(const Arena *arena);

/* Zeroed, aligned for any type; NULL when the limit is reached. */
void *arena_take(Arena *arena, size_t size) _must_check_;
#define arena_take_array(arena, type, count) ((type *) arena_take_items((arena), sizeof(type), (count)))
void *arena_take_items(Arena *arena, size_t size, size_t count) _must_check_;

void arena_free(Arena *arena);
DEFINE_RELEASE(Arena *, arena_free)

/* For what is not bound to a message: abort when the machine has no memory left. */
void *memory_new(size_t size); /* zeroed */
void *memory_resize(void *memory, size_t size);
char *memory_string(const char *string);
