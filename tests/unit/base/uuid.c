#include "base/uuid.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

#define WALL_US (INT64_C(1795162530) * SECONDS)

static uint64_t count_up(void *source) {
        return ++*(uint64_t *) source;
}

static uint64_t all_ones(void *source) {
        (void) source;
        return UINT64_MAX;
}

static void assert_version_7(Uuid uuid) {
        ck_assert_int_eq(uuid.bytes[6] >> 4, 7);
        ck_assert_int_eq(uuid.bytes[8] >> 6, 2);
}

START_TEST(ids_carry_version_variant_and_time) {
        UuidGenerator generator = { 0 };
        for (int64_t i = 0; i < 100; i++) {
                Uuid uuid = uuid_make(&generator, WALL_US + i * 10000);
                assert_version_7(uuid);
                ck_assert_int_eq(uuid_wall_ms(uuid), WALL_US / 1000 + i * 10);
        }
}
END_TEST

START_TEST(ids_rise_within_a_millisecond_and_when_the_clock_goes_back) {
        UuidGenerator generator = { 0 };
        static const int64_t offsets[] = { 0, 0, 1, 999, 1000, -5000000, 500, 2000, 1999 };
        Uuid before = { 0 };
        for (size_t round = 0; round < 10000; round++) {
                Uuid uuid = uuid_make(&generator, WALL_US + offsets[round % COUNT_OF(offsets)]);
                ck_assert_int_gt(uuid_compare(uuid, before), 0);
                before = uuid;
        }
}
END_TEST

START_TEST(spent_counter_borrows_time) {
        UuidGenerator generator = { .random = all_ones };
        Uuid before = uuid_make(&generator, WALL_US);
        generator.counter = (UINT32_C(1) << 26) - 2;
        for (size_t i = 0; i < 4; i++) {
                Uuid uuid = uuid_make(&generator, WALL_US);
                ck_assert_int_gt(uuid_compare(uuid, before), 0);
                assert_version_7(uuid);
                before = uuid;
        }
        ck_assert_int_eq(uuid_wall_ms(before), WALL_US / 1000 + 1);
}
END_TEST

START_TEST(given_randomness_repeats_the_ids) {
        uint64_t first_source = 0, second_source = 0;
        UuidGenerator first = { .random = count_up, .source = &first_source };
        UuidGenerator second = { .random = count_up, .source = &second_source };
        for (int64_t i = 0; i < 1000; i++)
                ck_assert(uuid_equal(uuid_make(&first, WALL_US + i * 300), uuid_make(&second, WALL_US + i * 300)));
}
END_TEST

START_TEST(lowest_id_of_a_moment_bounds_those_made_in_it) {
        UuidGenerator generator = { 0 };
        for (int64_t ms = 1; ms < 1000; ms++) {
                int64_t now = WALL_US + ms * 1000;
                Uuid uuid = uuid_make(&generator, now);
                ck_assert_int_le(uuid_compare(uuid_lowest(now), uuid), 0);
                ck_assert_int_gt(uuid_compare(uuid_lowest(now + 1000), uuid), 0);
        }
        assert_version_7(uuid_lowest(WALL_US));
        ck_assert_int_eq(uuid_wall_ms(uuid_lowest(-1)), 0);
}
END_TEST

START_TEST(written_ids_are_read_back) {
        UuidGenerator generator = { 0 };
        for (size_t i = 0; i < 100; i++) {
                char string[UUID_STRING_SIZE];
                Uuid uuid = uuid_make(&generator, WALL_US), read = { 0 };
                uuid_format(uuid, string);
                ck_assert_uint_eq(strlen(string), UUID_STRING_SIZE - 1);
                ck_assert(uuid_parse(text_of(string), &read));
                ck_assert(uuid_equal(uuid, read));
        }
}
END_TEST

START_TEST(reading_takes_either_case) {
        Uuid lower, upper;
        ck_assert(uuid_parse(TEXT("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), &lower));
        ck_assert(uuid_parse(TEXT("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), &upper));
        ck_assert(uuid_equal(lower, upper));
        ck_assert_int_eq(uuid_wall_ms(lower), INT64_C(1645557742000)); /* RFC 9562, appendix A.6 */
}
END_TEST

START_TEST(what_is_not_an_id_is_refused) {
        static const Text cases[] = {
                { NULL, 0 },
                { "017f22e2-79b0-7cc3-98c4-dc0c0c07398", 35 },
                { "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", 37 },
                { "017f22e279b07cc398c4dc0c0c07398f", 32 },
                { "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f", 36 },
                { "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", 36 },
                { "017f22e2079b0-7cc3-98c4-dc0c0c07398f", 36 },
                { "017f22e-279b0-7cc3-98c4-dc0c0c07398f", 36 },
                { "017f22e2-79b0-7cc3-98c4-dc0c0c07398\0", 36 },
                { "------------------------------------", 36 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Uuid uuid = { 0 };
                ck_assert_msg(!uuid_parse(cases[i], &uuid), "case %zu was taken", i);
                ck_assert(uuid_is_zero(uuid));
        }
}
END_TEST

UNIT_TESTS("base/uuid", ids_carry_version_variant_and_time, ids_rise_within_a_millisecond_and_when_the_clock_goes_back,
           spent_counter_borrows_time, given_randomness_repeats_the_ids, lowest_id_of_a_moment_bounds_those_made_in_it,
           written_ids_are_read_back, reading_takes_either_case, what_is_not_an_id_is_refused)
