#include "base/fold.h"
#include "tests/unit/unit.h"

typedef struct Case {
        const char *text, *folded;
} Case;

static const Case cases[] = {
        { "", "" },
        { "Hello, World!", "hello, world!" },
        { "STRASSE stra\u00dfe", "strasse strasse" },
        { "\u00c9t\u00e9 e\u0301t\u00e9", "ete ete" },
        { "\uff14\uff11\uff11\uff11", "4111" },                /* full width */
        { "\u0664\u0661 \u0968\u0969 \U0001D7D9", "41 23 1" }, /* Arabic-Indic, Devanagari, mathematical */
        { "a\u2013b\u2014c\u00a0d\u2003e", "a-b-c d e" },      /* dashes and spaces */
        { "in\u200bvis\u00adi\u2060ble\ufe0f", "invisible" },  /* zero width, soft hyphen, joiner, selector */
        { "\ufb01ne \u2122", "fine tm" },                      /* ligature, sign */
        { "\u0410\u0411\u0412", "\u0430\u0431\u0432" },        /* Cyrillic */
        { "\xff"
          "A\xc3",
          "?a?" }, /* no UTF-8 */
};

START_TEST(text_is_folded_as_rules_compare_it) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Folded folded;
                ck_assert(text_fold(text_of(cases[i].text), arena, &folded));
                ck_assert_text(folded.text, text_of(cases[i].folded));
        }
}
END_TEST

START_TEST(every_folded_byte_knows_the_character_it_came_from) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Text text = TEXT("x \u00c9\u00e9\u200b\u00df! \uff14");
        Folded folded;
        ck_assert(text_fold(text, arena, &folded));
        ck_assert_text(folded.text, TEXT("x eess! 4"));
        const size_t origins[] = { 0, 1, 2, 4, 9, 9, 11, 12, 13, 16 };
        for (size_t i = 0; i < COUNT_OF(origins); i++)
                ck_assert_uint_eq(folded_origin(&folded, i), origins[i]);
}
END_TEST

START_TEST(words_are_told_apart_in_any_script) {
        static const struct {
                const char *text;
                size_t words;
        } counts[] = { { "", 0 },
                       { " ,;", 0 },
                       { "one two,three", 3 },
                       { "don't", 2 },
                       { "\u0430\u0431\u0432 \u0433", 2 },
                       { "\u79d8\u5bc6 x", 3 },
                       { "cafe\u0301", 1 } };
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
                FoldedWord word;
                size_t count = 0;
                for (size_t place = 0; folded_word(text_of(counts[i].text), &place, &word);)
                        count++;
                ck_assert_uint_eq(count, counts[i].words);
        }
}
END_TEST

START_TEST(full_arena_is_a_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(16);
        Folded folded;
        ck_assert(!text_fold(TEXT("a text that has more than sixteen bytes"), arena, &folded));
        ck_assert(!text_fold(TEXT("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"), arena, &folded));
}
END_TEST

UNIT_TESTS("base/fold", text_is_folded_as_rules_compare_it, every_folded_byte_knows_the_character_it_came_from,
           words_are_told_apart_in_any_script, full_arena_is_a_failure)
