#include "base/arena.h"

#include <sanitizer/asan_interface.h>
#include <stdalign.h>
#include <string.h>

#define ALIGNMENT         alignof(max_align_t)
#define DEFAULT_LIMIT     (1024 * 1024)
#define LARGEST_LIMIT     (SIZE_MAX / 4)
#define FIRST_BLOCK_SIZE  2048
#define LARGEST_STEP_SIZE (64 * 1024)

typedef struct Block {
        struct Block *before;
        alignas(max_align_t) unsigned char bytes[];
} Block;

/* The arena stands at the start of its first block, so that a small message costs one allocation. */
struct Arena {
        Block *block;
        unsigned char *free, *end;
        size_t used, limit, next_size;
        alignas(max_align_t) unsigned char first[FIRST_BLOCK_SIZE];
};

/* What is not handed out is poisoned: under AddressSanitizer, writing past the last piece is caught. Elsewhere the
 * macros are nothing. */
Arena *arena_new(size_t limit) {
        Arena *arena = malloc(sizeof(Arena));
        if (!arena)
                abort();
        arena->block = NULL;
        arena->free = arena->first;
        arena->end = arena->first + sizeof(arena->first);
        arena->used = 0;
        arena->limit = limit == 0 ? DEFAULT_LIMIT : limit < LARGEST_LIMIT ? limit : LARGEST_LIMIT;
        arena->next_size = (size_t) 2 * FIRST_BLOCK_SIZE;
        ASAN_POISON_MEMORY_REGION(arena->first, sizeof(arena->first));
        return arena;
}

size_t arena_used(const Arena *arena) {
        return arena->used;
}

static void add_block(Arena *arena, size_t least) {
        size_t size = least > arena->next_size ? least : arena->next_size;
        Block *block = malloc(sizeof(Block) + size);
        if (!block)
                abort();
        block->before = arena->block;
        arena->block = block;
        arena->free = block->bytes;
        arena->end = block->bytes + size;
        if (arena->next_size < LARGEST_STEP_SIZE)
                arena->next_size *= 2;
        ASAN_POISON_MEMORY_REGION(block->bytes, size);
}

void *arena_take(Arena *arena, size_t size) {
        if (size > arena->limit - arena->used)
                return NULL;
        size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
        /* Also when the last few bytes of the limit are asked for, what counts is what was asked for, rounded. */
        size_t counted = rounded <= arena->limit - arena->used ? rounded : size;
        if (rounded > (size_t) (arena->end - arena->free))
                add_block(arena, rounded);
        void *taken = arena->free;
        arena->free += rounded;
        arena->used += counted;
        ASAN_UNPOISON_MEMORY_REGION(taken, size);
        return memset(taken, 0, size);
}

void *arena_take_items(Arena *arena, size_t size, size_t count) {
        size_t total;
        if (__builtin_mul_overflow(size, count, &total))
                return NULL;
        return arena_take(arena, total);
}

void arena_free(Arena *arena) {
        for (Block *block = arena->block; block;) {
                Block *before = block->before;
                free(block);
                block = before;
        }
        free(arena);
}

void *memory_new(size_t size) {
        void *memory = calloc(1, size > 0 ? size : 1);
        if (!memory)
                abort();
        return memory;
}

void *memory_resize(void *memory, size_t size) {
        void *resized = realloc(memory, size > 0 ? size : 1);
        if (!resized)
                abort();
        return resized;
}

char *memory_string(const char *string) {
        char *copy = strdup(string);
        if (!copy)
                abort();
        return copy;
}
