#include "base/map.h"
#include "base/crypto.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define MANY 20000

typedef struct Numbered {
        char name[16];
        size_t number;
        bool is_in;
} Numbered;

static Numbered *make_many(void) {
        Numbered *many = memory_new(MANY * sizeof(Numbered));
        for (size_t i = 0; i < MANY; i++) {
                snprintf(many[i].name, sizeof(many[i].name), "key %zu", i);
                many[i].number = i;
        }
        return many;
}

START_TEST(empty_map_has_nothing) {
        _cleanup_(map_freep) Map *map = map_new(0);
        size_t iterator = 0;
        ck_assert_uint_eq(map_count(map), 0);
        ck_assert_ptr_null(map_get(map, TEXT("a")));
        ck_assert_ptr_null(map_remove(map, TEXT("a")));
        ck_assert_ptr_null(map_each(map, &iterator));
}
END_TEST

START_TEST(put_replaces_and_says_what_was_there) {
        _cleanup_(map_freep) Map *map = map_new(0);
        int first, second;
        ck_assert_ptr_null(map_put(map, TEXT("a"), &first));
        ck_assert_ptr_eq(map_put(map, TEXT("a"), &second), &first);
        ck_assert_ptr_eq(map_get(map, TEXT("a")), &second);
        ck_assert_uint_eq(map_count(map), 1);
        ck_assert_ptr_eq(map_remove(map, TEXT("a")), &second);
        ck_assert_uint_eq(map_count(map), 0);
}
END_TEST

START_TEST(keys_are_bytes_of_any_length) {
        _cleanup_(map_freep) Map *map = map_new(0);
        int empty, nul, longer;
        map_put(map, TEXT_NONE, &empty);
        map_put(map, (Text){ "\0", 1 }, &nul);
        map_put(map, (Text){ "\0\0", 2 }, &longer);
        ck_assert_ptr_eq(map_get(map, TEXT_NONE), &empty);
        ck_assert_ptr_eq(map_get(map, (Text){ "\0", 1 }), &nul);
        ck_assert_ptr_eq(map_get(map, (Text){ "\0\0", 2 }), &longer);
        uint64_t fixed = 7;
        map_put(map, MAP_KEY(fixed), &fixed);
        ck_assert_ptr_eq(map_get(map, MAP_KEY(fixed)), &fixed);
}
END_TEST

START_TEST(map_grows_and_walks_in_order_of_insertion) {
        _cleanup_(map_freep) Map *map = map_new(0);
        _cleanup_(free_memoryp) Numbered *many = make_many();
        for (size_t i = 0; i < MANY; i++)
                ck_assert_ptr_null(map_put(map, text_of(many[i].name), &many[i]));
        for (size_t i = 0; i < MANY; i++)
                ck_assert_ptr_eq(map_get(map, text_of(many[i].name)), &many[i]);
        const Numbered *value;
        size_t expected = 0;
        for (size_t i = 0; (value = map_each(map, &i));)
                ck_assert_uint_eq(value->number, expected++);
        ck_assert_uint_eq(expected, MANY);
}
END_TEST

START_TEST(walk_may_remove_what_it_stands_on) {
        _cleanup_(map_freep) Map *map = map_new(MANY);
        _cleanup_(free_memoryp) Numbered *many = make_many();
        for (size_t i = 0; i < MANY; i++)
                map_put(map, text_of(many[i].name), &many[i]);
        const Numbered *value;
        size_t seen = 0;
        for (size_t i = 0; (value = map_each(map, &i)); seen++)
                if (value->number % 3 != 0)
                        ck_assert_ptr_eq(map_remove(map, text_of(value->name)), value);
        ck_assert_uint_eq(seen, MANY);
        for (size_t i = 0; i < MANY; i++)
                ck_assert_ptr_eq(map_get(map, text_of(many[i].name)), i % 3 == 0 ? &many[i] : NULL);
}
END_TEST

/* Random puts and removals, beside a plain table that knows what must be there. */
START_TEST(churn_loses_and_invents_nothing) {
        _cleanup_(map_freep) Map *map = map_new(0);
        _cleanup_(free_memoryp) Numbered *many = make_many();
        uint64_t state = 42;
        size_t count = 0, wrong = 0;
        for (size_t round = 0; round < 300000; round++) {
                state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                Numbered *chosen = &many[(state >> 33) % 997];
                bool put = (state >> 61) % 2;
                void *before = put ? map_put(map, text_of(chosen->name), chosen)
                                   : map_remove(map, text_of(chosen->name));
                wrong += before != (chosen->is_in ? chosen : NULL);
                count = count + put - chosen->is_in;
                chosen->is_in = put;
                wrong += map_count(map) != count;
        }
        ck_assert_uint_eq(wrong, 0);
        for (size_t i = 0; i < 997; i++)
                ck_assert_ptr_eq(map_get(map, text_of(many[i].name)), many[i].is_in ? &many[i] : NULL);
}
END_TEST

UNIT_TESTS("base/map", empty_map_has_nothing, put_replaces_and_says_what_was_there, keys_are_bytes_of_any_length,
           map_grows_and_walks_in_order_of_insertion, walk_may_remove_what_it_stands_on,
           churn_loses_and_invents_nothing)
