#include "orchestrator/memory/passages.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

/* All passages as one text: [heading] content, one after the other. */
static Text show(Arena *arena, PassageFormat format, Text document) {
        _cleanup_(text_builder_release) TextBuilder shown = text_builder(0);
        PassageList passages;
        Failure failure;
        ck_assert_done(passages_split(format, document, arena, &passages, &failure), failure);
        for (size_t i = 0; i < passages.count; i++) {
                ck_assert(text_is_utf8(passages.items[i].content) && text_is_utf8(passages.items[i].heading));
                ck_assert_uint_le(passages.items[i].content.length, PASSAGE_SIZE);
                ck_assert_uint_gt(passages.items[i].content.length, 0);
                text_add_format(&shown, "[%.*s] %.*s", TEXT_ARGUMENTS(passages.items[i].heading),
                                TEXT_ARGUMENTS(passages.items[i].content));
        }
        return text_copy(arena, text_built(&shown));
}

typedef struct Case {
        const char *markdown, *shown;
} Case;

static const Case cases[] = {
        { "", "" },
        { "Hello *world*, `code` and **all**.", "[] Hello world, code and all." },
        { "# Guide\n\nIntro.\n\n## Install\n\nRun it.\n\n### Debian\n\nUse apt.\n\n## Use\n\nTalk.",
          "[Guide] Intro.[Guide \u203A Install] Run it.[Guide \u203A Install \u203A Debian] Use apt.[Guide \u203A Use] "
          "Talk." },
        { "Guide\n=====\n\none\ntwo  \nthree\n\nfour", "[Guide] one two\nthree\n\nfour" },
        { "Do:\n\n- one\n- two\n  - nested\n- three\n\nEnd.", "[] Do:\n\n- one\n- two\n  - nested\n- three\n\nEnd." },
        { "3. three\n4. four\n\n   more\n\n5. five", "[] 3. three\n4. four\n  more\n5. five" },
        { "- [x] done\n- [ ] open", "[] - done\n- open" },
        { "Run\n\n```sh\nmake  all\n\n  indented\n```\n\nthen", "[] Run\n\nmake  all\n\n  indented\n\nthen" },
        { "| a | b |\n|---|---|\n| 1 | *2* |\n| 3 | 4 |\n\nafter", "[] a | b\n1 | 2\n3 | 4\n\nafter" },
        { "[link](https://example.org \"t\") ![alt](x.png) <https://a.example>", "[] link alt https://a.example" },
        { "a <b>bold</b> <!-- hidden --> z\n\n<div>\ngone\n</div>\n\n<!-- gone\ntoo -->\n\nend",
          "[] a bold  z\n\nend" },
        { "a &amp; b &lt;c&gt; &#8364; &#x20AC; &hellip; &unknown; &#0;",
          "[] a & b <c> \u20AC \u20AC \u2026 &unknown; \uFFFD" },
        { "> quoted\n> text\n\nplain", "[] quoted text\n\nplain" },
        { "---\ntitle: Hidden\n---\n# T\n\nText.", "[T] Text." },
        { "---\n\nA line above.", "[] A line above." },
        { "\xEF\xBB\xBF# T\n\nText.", "[T] Text." },
        { "# Only\n\n## headings\n", "" },
        { "#### Deep\n\na\n\n# Top\n\nb", "[Deep] a[Top] b" },
        { "a\r\n\r\nb\r\n", "[] a\n\nb" },
};

START_TEST(markdown_becomes_plain_text_under_its_headings) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                ck_assert_text(show(arena, PASSAGE_MARKDOWN, text_of(cases[i].markdown)), text_of(cases[i].shown));
        }
}
END_TEST

START_TEST(plain_text_is_left_as_it_is) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        ck_assert_text(show(arena, PASSAGE_PLAIN, TEXT("# no *heading*\nline two\r\n\r\n \nthree\n\n\n")),
                       TEXT("[] # no *heading*\nline two\n\nthree"));
}
END_TEST

/* A document of `count` copies of `part`: its passages, which together hold as many `mark`s. */
static PassageList split_copies(Arena *arena, const char *part, size_t count, const char *mark) {
        _cleanup_(text_builder_release) TextBuilder document = text_builder(0);
        PassageList passages;
        Failure failure;
        size_t marks = 0;
        for (size_t i = 0; i < count; i++)
                text_add_string(&document, part);
        ck_assert_done(passages_split(PASSAGE_MARKDOWN, text_built(&document), arena, &passages, &failure), failure);
        for (size_t i = 0; i < passages.count; i++) {
                const char *at = passages.items[i].content.bytes;
                ck_assert_uint_le(passages.items[i].content.length, PASSAGE_SIZE);
                ck_assert(text_is_utf8(passages.items[i].content));
                while ((at = strstr(at, mark))) {
                        marks++;
                        at++;
                }
        }
        ck_assert_uint_eq(marks, count);
        return passages;
}

START_TEST(cuts_are_made_at_paragraphs_first) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        const char *paragraph = "A paragraph of some eighty bytes, which is not much, but many of them are enough.\n\n";
        const PassageList passages = split_copies(arena, paragraph, 100, "enough.");
        for (size_t i = 0; i < passages.count; i++) {
                const Text content = passages.items[i].content;
                ck_assert(text_starts_with(content, TEXT("A paragraph of")));
                ck_assert_int_eq(content.bytes[content.length - 1], '.');
                if (i + 1 < passages.count)
                        ck_assert_uint_gt(content.length, PASSAGE_SIZE - 200);
        }
}
END_TEST

START_TEST(a_long_paragraph_is_cut_at_sentences) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        const PassageList passages = split_copies(arena, "One sentence follows another without end. ", 200, "end.");
        ck_assert_uint_gt(passages.count, 5);
        for (size_t i = 0; i < passages.count; i++)
                ck_assert(text_starts_with(passages.items[i].content, TEXT("One sentence")));
}
END_TEST

START_TEST(what_has_no_boundary_is_cut_between_characters) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        (void) split_copies(arena, "\xE2\x82\xAC", 3000, "\xE2\x82\xAC");
        (void) split_copies(arena, "word\xE2\x82\xAC ", 3000, "\xE2\x82\xAC");
}
END_TEST

START_TEST(what_is_no_text_is_refused) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(free_memoryp) char *large = memory_new(PASSAGE_DOCUMENT_LIMIT + 1);
        memset(large, 'x', PASSAGE_DOCUMENT_LIMIT + 1);
        PassageList passages;
        Failure failure;
        ck_assert(!passages_split(PASSAGE_PLAIN, TEXT("half \xE2\x82"), arena, &passages, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        ck_assert(!passages_split(PASSAGE_MARKDOWN, TEXT("a\0b"), arena, &passages, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        ck_assert(!passages_split(PASSAGE_PLAIN, (Text){ large, PASSAGE_DOCUMENT_LIMIT + 1 }, arena, &passages,
                                  &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        ck_assert(!passages_split(PASSAGE_PLAIN, (Text){ large, PASSAGE_DOCUMENT_LIMIT }, arena, &passages, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE); /* the arena's limit is as large */
}
END_TEST

/* What has made Markdown parsers slow: each repeated to a quarter of the limit. */
static const char *const nasty[] = {
        "[",       "![",     "**a ",     "*a_ ",           "`a``b", "> ",   "- ",   "<",       "<!--",
        "&#",      "[a](<b", "[a]: b\n", "| a ",           "\\",    "~~a~", "1. ",  "\t- a\n", "[a][",
        "<a b=\"", "_a*__",  "a\n===\n", "|a|b|\n|-|-|\n", "```\n", "[]()", "* * ", "<?",      "<![CDATA[",
        "[a]\n",
};

START_TEST(nasty_documents_take_no_long_time) {
        for (size_t i = 0; i < COUNT_OF(nasty); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(16UL * 1024 * 1024);
                _cleanup_(text_builder_release) TextBuilder document = text_builder(0);
                PassageList passages;
                Failure failure;
                while (document.length < PASSAGE_DOCUMENT_LIMIT / 4)
                        text_add_string(&document, nasty[i]);
                const int64_t before_us = unit_computed_us();
                ck_assert_done(passages_split(PASSAGE_MARKDOWN, text_built(&document), arena, &passages, &failure),
                               failure);
                const int64_t took_us = unit_computed_us() - before_us;
                ck_assert_msg(took_us < 10 * SECONDS, "%s takes %d ms", nasty[i], (int) (took_us / MILLISECONDS));
        }
}
END_TEST

UNIT_TESTS("memory/passages", markdown_becomes_plain_text_under_its_headings, plain_text_is_left_as_it_is,
           cuts_are_made_at_paragraphs_first, a_long_paragraph_is_cut_at_sentences,
           what_has_no_boundary_is_cut_between_characters, what_is_no_text_is_refused,
           nasty_documents_take_no_long_time)
