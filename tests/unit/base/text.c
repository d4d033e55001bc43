#include "base/text.h"
#include "tests/unit/unit.h"

START_TEST(comparison_orders_bytewise) {
        static const struct {
                Text a, b;
                int order;
        } cases[] = {
                { { NULL, 0 }, { NULL, 0 }, 0 },      { { "", 0 }, { NULL, 0 }, 0 },
                { { "a", 1 }, { "", 0 }, 1 },         { { "a", 1 }, { "b", 1 }, -1 },
                { { "a", 1 }, { "aa", 2 }, -1 },      { { "a\0b", 3 }, { "a\0a", 3 }, 1 },
                { { "\x7F", 1 }, { "\x80", 1 }, -1 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                int order = text_compare(cases[i].a, cases[i].b), reverse = text_compare(cases[i].b, cases[i].a);
                ck_assert_int_eq((order > 0) - (order < 0), cases[i].order);
                ck_assert_int_eq((reverse > 0) - (reverse < 0), -cases[i].order);
                ck_assert_int_eq(text_equal(cases[i].a, cases[i].b), cases[i].order == 0);
        }
}
END_TEST

START_TEST(prefixes_are_recognised) {
        ck_assert(text_starts_with(TEXT("abc"), TEXT("ab")));
        ck_assert(text_starts_with(TEXT("abc"), TEXT_NONE));
        ck_assert(!text_starts_with(TEXT("ab"), TEXT("abc")));
        ck_assert(!text_starts_with(TEXT("abc"), TEXT("b")));
}
END_TEST

START_TEST(trimming_takes_white_space_at_both_ends_only) {
        ck_assert_text(text_trim(TEXT(" \t\r\n a b \v\f")), TEXT("a b"));
        ck_assert_text(text_trim(TEXT("   ")), TEXT_NONE);
        ck_assert_text(text_trim(TEXT_NONE), TEXT_NONE);
        ck_assert_text(text_trim(TEXT("\u00A0a")), TEXT("\u00A0a"));
}
END_TEST

START_TEST(splitting_gives_parts_in_order) {
        static const struct {
                const char *text, *parts[4];
        } cases[] = {
                { "", { NULL } }, { "a", { "a" } },      { "a,b", { "a", "b" } }, { "a,,b,", { "a", "", "b" } },
                { ",", { "" } },  { ",a", { "", "a" } },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Text rest = text_of(cases[i].text), part;
                for (size_t j = 0; cases[i].parts[j]; j++) {
                        ck_assert(text_split(&rest, ',', &part));
                        ck_assert_text(part, text_of(cases[i].parts[j]));
                }
                ck_assert(!text_split(&rest, ',', &part));
                ck_assert_text(part, TEXT_NONE);
        }
}
END_TEST

START_TEST(kept_text_is_the_callers) {
        _cleanup_(free_memoryp) char *kept = text_keep((Text){ "abcdef", 3 });
        _cleanup_(free_memoryp) char *nothing = text_keep(TEXT_NONE);
        ck_assert_str_eq(kept, "abc");
        ck_assert_str_eq(nothing, "");
}
END_TEST

START_TEST(copies_end_in_nul_and_respect_the_limit) {
        _cleanup_(arena_freep) Arena *arena = arena_new(64);
        Text copy = text_copy(arena, TEXT("abc"));
        ck_assert_str_eq(copy.bytes, "abc");
        ck_assert_str_eq(text_copy(arena, TEXT_NONE).bytes, "");
        ck_assert_ptr_null(text_copy(arena, (Text){ "0123456789012345678901234567890123456789", 40 }).bytes);
        ck_assert_ptr_null(text_string(arena, (Text){ "a\0b", 3 }));
        ck_assert_str_eq(text_string(arena, TEXT("ab")), "ab");
}
END_TEST

START_TEST(utf8_is_judged_as_rfc_3629_does) {
        static const struct {
                Text text;
                bool is_utf8;
        } cases[] = {
                { { NULL, 0 }, true },
                { { "plain ascii of some length", 26 }, true },
                { { "a\0b", 3 }, true },
                { { "\xC2\x80", 2 }, true },
                { { "\xDF\xBF", 2 }, true },
                { { "\xE0\xA0\x80", 3 }, true },
                { { "\xED\x9F\xBF", 3 }, true },
                { { "\xEE\x80\x80", 3 }, true },
                { { "\xEF\xBF\xBF", 3 }, true },
                { { "\xF0\x90\x80\x80", 4 }, true },
                { { "\xF4\x8F\xBF\xBF", 4 }, true },
                { { "12345678\xC3\xA4"
                    "12345678",
                    18 },
                  true },
                { { "\x80", 1 }, false },
                { { "\xBF", 1 }, false },
                { { "\xC0\x80", 2 }, false },         /* overlong */
                { { "\xC1\xBF", 2 }, false },         /* overlong */
                { { "\xE0\x9F\xBF", 3 }, false },     /* overlong */
                { { "\xF0\x8F\xBF\xBF", 4 }, false }, /* overlong */
                { { "\xED\xA0\x80", 3 }, false },     /* surrogate */
                { { "\xED\xBF\xBF", 3 }, false },     /* surrogate */
                { { "\xF4\x90\x80\x80", 4 }, false }, /* above U+10FFFF */
                { { "\xF5\x80\x80\x80", 4 }, false },
                { { "\xFE", 1 }, false },
                { { "\xFF", 1 }, false },
                { { "\xC2", 1 }, false }, /* unfinished */
                { { "\xE2\x82", 2 }, false },
                { { "\xF0\x9F\x98", 3 }, false },
                { { "\xC2"
                    "a",
                    2 },
                  false },
                { { "\xE2\x82"
                    "a",
                    3 },
                  false },
                { { "\xF0\x9F\x98"
                    "a",
                    4 },
                  false },
                { { "1234567\xFF", 8 }, false },
                { { "12345678\xFF", 9 }, false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                ck_assert_msg(text_is_utf8(cases[i].text) == cases[i].is_utf8, "case %zu", i);
}
END_TEST

START_TEST(prefix_does_not_cut_characters) {
        Text text = TEXT("aä€😀");
        static const size_t expected[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };
        for (size_t limit = 0; limit < COUNT_OF(expected); limit++)
                ck_assert_uint_eq(text_prefix(text, limit).length, expected[limit]);
        /* Bytes that are no characters are cut, not searched. */
        ck_assert_uint_ge(text_prefix(TEXT("\x80\x80\x80\x80\x80\x80\x80\x80"), 6).length, 3);
}
END_TEST

START_TEST(unfinished_end_is_taken_off) {
        static const struct {
                Text text;
                size_t length;
        } cases[] = {
                { { NULL, 0 }, 0 },
                { { "ab", 2 }, 2 },
                { { "a\xC3", 2 }, 1 },
                { { "a\xC3\xA4", 3 }, 3 },
                { { "a\xE2\x82", 3 }, 1 },
                { { "a\xF0\x9F\x98", 4 }, 1 },
                { { "\xF0\x9F\x98\x80", 4 }, 4 },
                { { "\xF0", 1 }, 0 },
                { { "\x80\x80\x80\x80", 4 }, 4 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                ck_assert_uint_eq(text_whole(cases[i].text).length, cases[i].length);
}
END_TEST

START_TEST(numbers_are_read_whole_or_not_at_all) {
        static const struct {
                const char *text;
                bool is_number;
                int64_t value;
        } cases[] = {
                { "0", true, 0 },
                { "-0", true, 0 },
                { "007", true, 7 },
                { "-42", true, -42 },
                { "9223372036854775807", true, INT64_MAX },
                { "-9223372036854775808", true, INT64_MIN },
                { "9223372036854775808", false, 0 },
                { "-9223372036854775809", false, 0 },
                { "99999999999999999999", false, 0 },
                { "", false, 0 },
                { "-", false, 0 },
                { "+1", false, 0 },
                { " 1", false, 0 },
                { "1 ", false, 0 },
                { "1.0", false, 0 },
                { "0x1", false, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                int64_t value = 12345;
                ck_assert_msg(text_to_int64(text_of(cases[i].text), &value) == cases[i].is_number, "%s", cases[i].text);
                ck_assert_int_eq(value, cases[i].is_number ? cases[i].value : 12345);
        }
}
END_TEST

START_TEST(builder_collects_pieces) {
        _cleanup_(text_builder_release) TextBuilder builder = text_builder(0);
        ck_assert_text(text_built(&builder), TEXT_NONE);
        text_add(&builder, TEXT("a"));
        text_add_string(&builder, "bc");
        text_add_string(&builder, NULL);
        text_add_char(&builder, 'd');
        text_add_format(&builder, "%d %s", 42, "a rather long piece of text, so that the builder has to grow for it");
        text_add_hex(&builder, (const uint8_t[]){ 0x00, 0xAB, 0xFF }, 3);
        ck_assert_str_eq(builder.bytes,
                         "abcd42 a rather long piece of text, so that the builder has to grow for it00abff");
        ck_assert(!builder.overflowed);
        text_builder_reset(&builder);
        text_add_string(&builder, "again");
        ck_assert_text(text_built(&builder), TEXT("again"));
}
END_TEST

START_TEST(builder_stops_at_its_limit_with_a_prefix) {
        for (size_t limit = 1; limit < 12; limit++) {
                _cleanup_(text_builder_release) TextBuilder added = text_builder(limit);
                _cleanup_(text_builder_release) TextBuilder formatted = text_builder(limit);
                text_add(&added, TEXT("aä€"));
                text_add_char(&added, 'b');
                text_add_format(&formatted, "%sä€", "a");
                text_add_format(&formatted, "b");
                ck_assert_text(text_built(&added), text_prefix(TEXT("aä€b"), limit));
                ck_assert_text(text_built(&formatted), text_built(&added));
                ck_assert_int_eq(added.overflowed, limit < 7);
                ck_assert_int_eq(formatted.overflowed, limit < 7);
        }
}
END_TEST

START_TEST(nothing_follows_what_was_cut) {
        _cleanup_(text_builder_release) TextBuilder builder = text_builder(4);
        text_add(&builder, TEXT("abc"));
        text_add(&builder, TEXT("ä"));
        text_add_char(&builder, 'd');
        ck_assert_text(text_built(&builder), TEXT("abc"));
        ck_assert(builder.overflowed);
}
END_TEST

START_TEST(repair_replaces_each_bad_byte) {
        static const struct {
                Text text, expected;
        } cases[] = {
                { { NULL, 0 }, { "", 0 } },
                { { "fine: ä€😀", 16 }, { "fine: ä€😀", 16 } },
                { { "a\xFF"
                    "b",
                    3 },
                  { "a\uFFFDb", 5 } },
                { { "\xED\xA0\x80", 3 }, { "\uFFFD\uFFFD\uFFFD", 9 } },
                { { "x\xE2\x82", 3 }, { "x\uFFFD\uFFFD", 7 } },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(text_builder_release) TextBuilder builder = text_builder(0);
                text_add_repaired(&builder, cases[i].text);
                ck_assert_text(text_built(&builder), cases[i].expected);
        }
}
END_TEST

UNIT_TESTS("base/text", comparison_orders_bytewise, prefixes_are_recognised,
           trimming_takes_white_space_at_both_ends_only, splitting_gives_parts_in_order, kept_text_is_the_callers,
           copies_end_in_nul_and_respect_the_limit, utf8_is_judged_as_rfc_3629_does, prefix_does_not_cut_characters,
           unfinished_end_is_taken_off, numbers_are_read_whole_or_not_at_all, builder_collects_pieces,
           builder_stops_at_its_limit_with_a_prefix, nothing_follows_what_was_cut, repair_replaces_each_bad_byte)
