#include "xmpp/styling.h"
#include "tests/unit/unit.h"
#include "xmpp/writer.h"

#include <stdio.h>
#include <time.h>

static const struct {
        const char *markdown, *styled;
} cases[] = {
        { "A **strong** and an *emphasised* word", "A *strong* and an _emphasised_ word" },
        { "__strong__ and _emphasised_", "*strong* and _emphasised_" },
        { "***both***", "_*both*_" },
        { "~~gone~~ and `code`", "~gone~ and `code`" },
        { "two **lines\nof it** here", "two *lines*\n*of it* here" },
        { "# Title\nText", "*Title*\n\nText" },
        { "## A **strong** `title`\n", "*A strong title*" },
        { "Title\n===\n\nText", "*Title*\n\nText" },
        { "One:\n- a\n- b\n  - c\n- d\n\nTwo", "One:\n\n\u2022 a\n\u2022 b\n  \u2022 c\n\u2022 d\n\nTwo" },
        { "3. a\n4. b", "3. a\n4. b" },
        { "1. a\n\n   more\n2. b", "1. a\n\n   more\n\n2. b" },
        { "9. a\n   - b\n10. c\n    - d", "9. a\n   \u2022 b\n10. c\n    \u2022 d" },
        { "- [ ] to do\n- [x] done", "\u2022 [ ] to do\n\u2022 [x] done" },
        { "- a long item\n  goes on", "\u2022 a long item\n  goes on" },
        { "> said\n> again\n>\n> more\n\nanswer", "> said\n> again\n>\n> more\n\nanswer" },
        { "> > deep", "> > deep" },
        { "> - a\n> - b", "> \u2022 a\n> \u2022 b" },
        { "```c\nint a;\n\n  int b;\n```\nafter", "```\nint a;\n\n  int b;\n```\n\nafter" },
        { "    indented\n", "```\nindented\n```" },
        { "~~~\n```\n~~~", "```\n ```\n```" },
        { "> ```\n> a\n>\n> b\n> ```", "> ```\n> a\n> \n> b\n> ```" },
        { "- ```\n  a\n  ```\n- b", "\u2022 \n```\na\n```\n\u2022 b" },
        { "- x\n  ```\n  a\n  ```", "\u2022 x\n```\na\n```" },
        { "see [the page](https://a.example/b_c_d) now", "see the page (https://a.example/b_c_d) now" },
        { "<https://a.example/> and <mail@a.example>", "https://a.example/ and mail@a.example" },
        { "![a cat](https://a.example/cat.png)", "a cat (https://a.example/cat.png)" },
        { "[![a](https://b/i)](https://b/)", "a (https://b/i) (https://b/)" },
        { "[](https://a.example/)", "https://a.example/" },
        { "- [a](https://a/)", "\u2022 a (https://a/)" },
        { "| a | bb |\n|---|---|\n| ccc | **d** |\n| e |\n", "```\na   | bb\n----+---\nccc | d\ne   | \n```" },
        { "a\n\n---\n\nb", "a\n\n---\n\nb" },
        { "a <b>bold</b> tag", "a <b>bold</b> tag" },
        { "**x** <div>\n\n<div>\ny\n</div>\n\nz", "*x* <div>\n\n<div>\ny\n</div>\n\nz" },
        { "AT&amp;T \\*not\\*", "AT&T *not*" },
        { "&#8364; &unknown;", "\u20AC &unknown;" },
        { "\u00fc **\u00fc** \U0001F600", "\u00fc *\u00fc* \U0001F600" },
        { "# \n", "" },
};

START_TEST(markdown_becomes_styling) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Text styled = styling_of(arena, text_of(cases[i].markdown));
                const char *wanted = cases[i].styled[0] ? cases[i].styled : cases[i].markdown;
                ck_assert_msg(text_equal(styled, text_of(wanted)), "%s\n gives\n%.*s\n not\n%s", cases[i].markdown,
                              TEXT_ARGUMENTS(styled), wanted);
        }
}
END_TEST

START_TEST(plain_text_stays_as_it_is) {
        static const char *const plain[] = {
                "",
                "Hello",
                "  two  spaces, \n\n\n and   lines \n",
                "2 * 3 = 6 and 7 - 1",
                "a_b_c and c > d & e",
                "10.30 is a time",
                "a ~ b ` c # d [e] | f",
        };
        for (size_t i = 0; i < COUNT_OF(plain); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Text text = text_of(plain[i]);
                bool ampersand = strchr(plain[i], '&') != NULL;
                Text styled = styling_of(arena, text);
                ck_assert_text(styled, text);
                ck_assert(ampersand || styled.bytes == text.bytes);
        }
}
END_TEST

START_TEST(what_is_too_long_or_has_no_room_stays_as_it_is) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0), *small = arena_new(4);
        _cleanup_(text_builder_release) TextBuilder long_one = text_builder(0);
        while (long_one.length <= 64 * 1024)
                text_add_string(&long_one, "**strong** ");
        ck_assert_ptr_eq(styling_of(arena, text_built(&long_one)).bytes, long_one.bytes);
        Text text = TEXT("**strong**");
        ck_assert_ptr_eq(styling_of(small, text).bytes, text.bytes);
}
END_TEST

/* What a model can be talked into. */
START_TEST(no_markdown_takes_long_or_grows_without_bound) {
        static const char *const odd[] = { "([\n",   "|\n",     "> ",   "- ", "*a_", "a|b\n---|---\n|\n",
                                           "`\n<[~", "\n[|>* ", "```\n" };
        for (size_t i = 0; i < COUNT_OF(odd); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 16 * 1024 * 1024);
                _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
                struct timespec before, after;
                if (i == 1)
                        text_add_string(&text, "|a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p\n|---|---|---|---|---|---|---|---|---|"
                                               "---|---|---|---|---|---|---\n");
                while (text.length + 64 < 64 * 1024)
                        text_add_string(&text, odd[i]);
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
                Text styled = styling_of(arena, text_built(&text));
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
                double ms = (double) (after.tv_sec - before.tv_sec) * 1e3 +
                            (double) (after.tv_nsec - before.tv_nsec) / 1e6;
                ck_assert_msg(UNIT_SANITIZED || ms < 200, "%s: %.1f ms", odd[i], ms);
                ck_assert_uint_le(styled.length, 256 * 1024);
        }
}
END_TEST

/* Parts */

static size_t split(Text text, size_t limit, Text *ret_parts, size_t room, Arena *arena) {
        StylingParts parts = { .rest = text };
        size_t count = 0;
        while (count < room && styling_next_part(&parts, limit, arena, &ret_parts[count])) {
                ck_assert_uint_le(text_xml_length(ret_parts[count]), limit);
                count++;
        }
        ck_assert_uint_lt(count, room);
        return count;
}

static size_t fences(Text part) {
        size_t count = 0;
        Text line;
        while (text_split(&part, '\n', &line))
                count += text_starts_with(line, TEXT("```"));
        return count;
}

START_TEST(parts_end_at_paragraphs) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
        Text parts[64];
        for (int i = 0; i < 100; i++)
                text_add_format(&text, "Paragraph %d has & some words in it.\n\n", i);
        size_t count = split(text_built(&text), 512, parts, COUNT_OF(parts), arena);
        ck_assert_uint_gt(count, 5);
        for (size_t i = 0; i < count; i++) {
                ck_assert(text_starts_with(parts[i], TEXT("Paragraph ")));
                ck_assert_int_eq(parts[i].bytes[parts[i].length - 1], '.');
        }
}
END_TEST

START_TEST(code_that_fits_a_part_is_not_cut) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
        Text parts[64];
        for (int i = 0; i < 20; i++)
                text_add_format(&text, "Words before it, number %d.\n\n```\nfirst %d\n\n  last %d\n```\n\n", i, i, i);
        size_t count = split(text_built(&text), 300, parts, COUNT_OF(parts), arena);
        for (size_t i = 0; i < count; i++) {
                size_t firsts = 0, lasts = 0;
                Text rest = parts[i], line;
                ck_assert_uint_eq(fences(parts[i]) % 2, 0);
                while (text_split(&rest, '\n', &line)) {
                        firsts += text_starts_with(line, TEXT("first"));
                        lasts += text_starts_with(line, TEXT("  last"));
                }
                ck_assert_uint_eq(firsts, lasts);
        }
}
END_TEST

START_TEST(code_that_is_cut_is_begun_again) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
        Text parts[64];
        text_add_string(&text, "Before:\n\n```\n");
        for (int i = 0; i < 100; i++)
                text_add_format(&text, "    line %d;\n", i);
        text_add_string(&text, "```\n\nAfter.");
        size_t count = split(text_built(&text), 300, parts, COUNT_OF(parts), arena);
        int next = 0;
        ck_assert_uint_gt(count, 3);
        ck_assert_text(parts[0], TEXT("Before:"));
        for (size_t i = 1; i < count; i++) {
                Text rest = parts[i], line;
                ck_assert(text_starts_with(parts[i], TEXT("```\n")));
                ck_assert_uint_eq(fences(parts[i]), 2);
                while (text_split(&rest, '\n', &line)) {
                        char wanted[32];
                        snprintf(wanted, sizeof(wanted), "    line %d;", next);
                        if (text_starts_with(line, TEXT(" "))) {
                                ck_assert_text(line, text_of(wanted));
                                next++;
                        }
                }
        }
        ck_assert_int_eq(next, 100);
}
END_TEST

START_TEST(a_long_line_is_cut_somewhere) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
        Text parts[256];
        size_t sum = 0;
        for (int i = 0; i < 5000; i++)
                text_add_string(&text, "\u00fc");
        size_t count = split(text_built(&text), 256, parts, COUNT_OF(parts), arena);
        for (size_t i = 0; i < count; i++) {
                ck_assert(text_is_utf8(parts[i]));
                sum += parts[i].length;
        }
        ck_assert_uint_eq(sum, text.length);
        StylingParts none = { .rest = TEXT(" \n ") };
        ck_assert(!styling_next_part(&none, 256, arena, &parts[0]));
}
END_TEST

UNIT_TESTS("xmpp/styling", markdown_becomes_styling, plain_text_stays_as_it_is,
           what_is_too_long_or_has_no_room_stays_as_it_is, no_markdown_takes_long_or_grows_without_bound,
           parts_end_at_paragraphs, code_that_fits_a_part_is_not_cut, code_that_is_cut_is_begun_again,
           a_long_line_is_cut_somewhere)
