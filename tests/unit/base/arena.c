#include "base/arena.h"
#include "tests/unit/unit.h"

static bool is_zero(const unsigned char *bytes, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (bytes[i] != 0)
                        return false;
        return true;
}

START_TEST(memory_is_zeroed_and_aligned) {
        static const size_t sizes[] = { 0, 1, 7, 16, 17, 2048, 2049, 70000 };
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        for (size_t round = 0; round < 5; round++) {
                for (size_t i = 0; i < COUNT_OF(sizes); i++) {
                        unsigned char *bytes = arena_take(arena, sizes[i]);
                        ck_assert_ptr_nonnull(bytes);
                        ck_assert_uint_eq((uintptr_t) bytes % _Alignof(max_align_t), 0);
                        ck_assert(is_zero(bytes, sizes[i]));
                        memset(bytes, 0xFF, sizes[i]);
                }
        }
}
END_TEST

START_TEST(limit_fails_and_what_was_taken_stays) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1000);
        char *first = arena_take(arena, 600);
        ck_assert_ptr_nonnull(first);
        memcpy(first, "kept", 5);
        ck_assert_ptr_null(arena_take(arena, 600));
        ck_assert_ptr_nonnull(arena_take(arena, 300));
        ck_assert_ptr_null(arena_take(arena, 300));
        ck_assert_str_eq(first, "kept");
        ck_assert_uint_le(arena_used(arena), 1000);
}
END_TEST

START_TEST(whole_limit_can_be_taken) {
        static const size_t limits[] = { 1, 15, 16, 17, 1000, 100001 };
        for (size_t i = 0; i < COUNT_OF(limits); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(limits[i]);
                ck_assert_ptr_nonnull(arena_take(arena, limits[i]));
                ck_assert_uint_eq(arena_used(arena), limits[i]);
                ck_assert_ptr_null(arena_take(arena, 1));
                ck_assert_ptr_nonnull(arena_take(arena, 0));
        }
}
END_TEST

START_TEST(sizes_that_overflow_fail) {
        static const struct {
                size_t size, count;
        } cases[] = { { SIZE_MAX, 1 }, { SIZE_MAX / 2, 3 }, { 3, SIZE_MAX / 2 }, { SIZE_MAX - 7, 1 } };
        static const size_t limits[] = { 0, SIZE_MAX };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                for (size_t j = 0; j < COUNT_OF(limits); j++) {
                        _cleanup_(arena_freep) Arena *arena = arena_new(limits[j]);
                        ck_assert_ptr_null(arena_take_items(arena, cases[i].size, cases[i].count));
                }
        }
}
END_TEST

START_TEST(arrays_are_typed) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        int64_t *numbers = arena_take_array(arena, int64_t, 1000);
        ck_assert_ptr_nonnull(numbers);
        for (int64_t i = 0; i < 1000; i++)
                numbers[i] = i;
        ck_assert_int_eq(numbers[999], 999);
        ck_assert_uint_eq(arena_used(arena), 8000);
}
END_TEST

START_TEST(released_arena_is_forgotten) {
        Arena *arena = arena_new(0);
        arena_freep(&arena);
        ck_assert_ptr_null(arena);
        arena_freep(&arena);
}
END_TEST

START_TEST(memory_outside_an_arena_is_zeroed_and_grows) {
        char *memory = memory_new(4);
        ck_assert_mem_eq(memory, "\0\0\0\0", 4);
        memcpy(memory, "abc", 4);
        memory = memory_resize(memory, 4096);
        ck_assert_str_eq(memory, "abc");
        free(memory);
        char *copy = memory_string("text");
        ck_assert_str_eq(copy, "text");
        free(copy);
        free(memory_new(0));
}
END_TEST

UNIT_TESTS("base/arena", memory_is_zeroed_and_aligned, limit_fails_and_what_was_taken_stays, whole_limit_can_be_taken,
           sizes_that_overflow_fail, arrays_are_typed, released_arena_is_forgotten,
           memory_outside_an_arena_is_zeroed_and_grows)
