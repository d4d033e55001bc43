#include "base/json.h"
#include "tests/unit/unit.h"

#include <float.h>
#include <math.h>

static Text canonical(Arena *arena, Json *value) {
        Text text = TEXT_NONE;
        ck_assert(json_canonical(value, arena, &text));
        json_free(value);
        return text;
}

/* RFC 8785, appendix B, and the borders of each form. */
START_TEST(numbers_are_written_as_ecmascript_does) {
        static const struct {
                double value;
                const char *expected;
        } cases[] = {
                { 0.0, "0" },
                { -0.0, "0" },
                { 5e-324, "5e-324" },
                { -5e-324, "-5e-324" },
                { DBL_MAX, "1.7976931348623157e+308" },
                { -DBL_MAX, "-1.7976931348623157e+308" },
                { DBL_MIN, "2.2250738585072014e-308" },
                { 9007199254740992.0, "9007199254740992" },
                { -9007199254740992.0, "-9007199254740992" },
                { 295147905179352830000.0, "295147905179352830000" },
                { 9.999999999999997e22, "9.999999999999997e+22" },
                { 1e23, "1e+23" },
                { 1.0000000000000001e23, "1.0000000000000001e+23" },
                { 999999999999999700000.0, "999999999999999700000" },
                { 999999999999999900000.0, "999999999999999900000" },
                { 1e21, "1e+21" },
                { 1e20, "100000000000000000000" },
                { 9.999999999999997e-7, "9.999999999999997e-7" },
                { 0.000001, "0.000001" },
                { 1e-7, "1e-7" },
                { 333333333.3333332, "333333333.3333332" },
                { 333333333.33333325, "333333333.33333325" },
                { 333333333.3333334, "333333333.3333334" },
                { -0.0000033333333333333333, "-0.0000033333333333333333" },
                { 1424953923781206.2, "1424953923781206.2" },
                { 0.1, "0.1" },
                { 0.3, "0.3" },
                { 1.5, "1.5" },
                { 100.0, "100" },
                { 123456.789, "123456.789" },
                { 5.684341886080802e-14, "5.684341886080802e-14" }, /* 2^-44: nearest of 16 digits does not read back */
                { 6.386688990511104e293, "6.386688990511104e+293" }, /* 2^976 */
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                ck_assert_text(canonical(arena, json_new_real(cases[i].value)), text_of(cases[i].expected));
        }
}
END_TEST

START_TEST(written_numbers_read_back_the_same) {
        uint64_t state = 7;
        _cleanup_(arena_freep) Arena *arena = arena_new(1 << 24);
        for (size_t i = 0; i < 50000; i++) {
                double value;
                state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                memcpy(&value, &state, sizeof(value));
                if (!isfinite(value))
                        continue;
                double read = strtod(canonical(arena, json_new_real(value)).bytes, NULL);
                ck_assert_msg(read == value, "%a", value);
        }
        for (int exponent = -1074; exponent < 1024; exponent++) {
                double value = ldexp(1, exponent);
                ck_assert(strtod(canonical(arena, json_new_real(value)).bytes, NULL) == value);
        }
}
END_TEST

START_TEST(integers_that_a_double_cannot_hold_have_no_canonical_form) {
        static const struct {
                int64_t value;
                const char *expected;
        } cases[] = {
                { 0, "0" },
                { -1, "-1" },
                { INT64_C(9007199254740992), "9007199254740992" },
                { INT64_C(-9007199254740992), "-9007199254740992" },
                { INT64_C(9007199254740993), NULL },
                { INT64_C(-9007199254740993), NULL },
                { INT64_MAX, NULL },
                { INT64_MIN, NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                _cleanup_(json_freep) Json *value = json_new_integer(cases[i].value);
                Text text = TEXT("untouched");
                ck_assert_int_eq(json_canonical(value, arena, &text), cases[i].expected != NULL);
                ck_assert_text(text, cases[i].expected ? text_of(cases[i].expected) : TEXT("untouched"));
                ck_assert(json_pretty(value, arena, &text));
        }
}
END_TEST

static Json *parsed(const char *text) {
        Failure failure;
        Json *value = NULL;
        ck_assert_done(json_parse(text_of(text), 0, &value, &failure), failure);
        return value;
}

START_TEST(canonical_form_is_that_of_rfc_8785) {
        static const struct {
                const char *text, *expected;
        } cases[] = {
                { " { } ", "{}" },
                { "[ ]", "[]" },
                { "{\"b\": [1, 2.50, true, null], \"a\": {}}", "{\"a\":{},\"b\":[1,2.5,true,null]}" },
                /* §3.2.2.2, strings */
                { "\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"",
                  "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"" },
                { "\"\\b\\t\\n\\f\\r\\u007f\\u2028\"", "\"\\b\\t\\n\\f\\r\x7F\u2028\"" },
                /* §3.2.3, order of members: U+1F600 is before U+FB33 in UTF-16 */
                { "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
                  "{\"\\r\":2,\"1\":4,\"\xC2\x80\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\uFB33\":3}" },
                { "{\"aa\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"aa\":1}" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                ck_assert_text(canonical(arena, parsed(cases[i].text)), text_of(cases[i].expected));
        }
}
END_TEST

START_TEST(pretty_form_is_indented_and_keeps_order) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(json_freep)
                Json *value = parsed("{\"b\":[1,{\"c\":\"x\"}],\"a\":{},\"e\":[],\"big\":9007199254740993}");
        Text text;
        ck_assert(json_pretty(value, arena, &text));
        ck_assert_text(text, TEXT("{\n"
                                  "  \"b\": [\n"
                                  "    1,\n"
                                  "    {\n"
                                  "      \"c\": \"x\"\n"
                                  "    }\n"
                                  "  ],\n"
                                  "  \"a\": {},\n"
                                  "  \"e\": [],\n"
                                  "  \"big\": 9007199254740993\n"
                                  "}"));
}
END_TEST

START_TEST(compact_form_keeps_order_and_integers) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(json_freep) Json *value = parsed(" {\"b\": [1, {}], \"a\": 9223372036854775807, \"r\": 1e20} ");
        Text text;
        ck_assert(json_compact(value, arena, &text));
        ck_assert_text(text, TEXT("{\"b\":[1,{}],\"a\":9223372036854775807,\"r\":1e+20}"));
}
END_TEST

START_TEST(full_arena_is_told) {
        _cleanup_(arena_freep) Arena *arena = arena_new(8);
        _cleanup_(json_freep) Json *value = parsed("[\"longer than that\"]");
        Text text;
        ck_assert(!json_canonical(value, arena, &text));
        ck_assert(!json_pretty(value, arena, &text));
}
END_TEST

UNIT_TESTS("base/json_write", numbers_are_written_as_ecmascript_does, written_numbers_read_back_the_same,
           integers_that_a_double_cannot_hold_have_no_canonical_form, canonical_form_is_that_of_rfc_8785,
           pretty_form_is_indented_and_keeps_order, compact_form_keeps_order_and_integers, full_arena_is_told)
