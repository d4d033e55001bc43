#include "tests/unit/unit.h"

#include "xmpp/reader.h"
#include "xmpp/writer.h"

static Text written(TextBuilder *out, Text text) {
        text_builder_reset(out);
        text_add_xml(out, text);
        return text_built(out);
}

static const struct {
        const char *name, *text, *xml;
} sanitised[] = {
        { "plain", "Hello, world", "Hello, world" },
        { "markup", "<a href=\"x\">&'</a>", "&lt;a href=&quot;x&quot;&gt;&amp;&apos;&lt;/a&gt;" },
        { "control characters",
          "a\x01\x02\x08\x0b\x0c\x0e\x1f"
          "b",
          "ab" },
        { "terminal colours", "\x1b[31mred\x1b[0m", "[31mred[0m" },
        { "tab and line feed stay", "a\tb\nc", "a\tb\nc" },
        { "carriage return and line feed", "a\r\nb", "a\nb" },
        { "carriage return alone", "a\rb\r", "a\nb\n" },
        { "delete and C1 are allowed", "a\x7f\xc2\x85", "a\x7f\xc2\x85" },
        { "two, three, four bytes", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "U+FFFD itself", "\uFFFD", "\uFFFD" },
        { "U+FFFE", "a\xef\xbf\xbe", "a\uFFFD" },
        { "U+FFFF",
          "\xef\xbf\xbf"
          "b",
          "\uFFFDb" },
        { "U+1FFFF is a character of XML", "\xf0\x9f\xbf\xbf", "\xf0\x9f\xbf\xbf" },
        { "surrogate", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD" },
        { "overlong slash", "\xc0\xaf", "\uFFFD\uFFFD" },
        { "beyond U+10FFFF", "\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD" },
        { "stray continuation", "a\x80z", "a\uFFFDz" },
        { "cut character", "a\xe2\x82", "a\uFFFD\uFFFD" },
        { "cut before markup", "\xc3<", "\uFFFD&lt;" },
        { "Latin-1", "M\xfcller", "M\uFFFDller" },
};

START_TEST(sanitiser_follows_its_table) {
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        for (size_t i = 0; i < COUNT_OF(sanitised); i++) {
                Text xml = written(&out, text_of(sanitised[i].text));
                ck_assert_msg(text_equal(xml, text_of(sanitised[i].xml)), "%s: '%.*s'", sanitised[i].name,
                              TEXT_ARGUMENTS(xml));
                ck_assert_uint_eq(text_xml_length(text_of(sanitised[i].text)), xml.length);
        }
        ck_assert_text(written(&out, (Text){ "a\0b", 3 }), TEXT("ab"));
}
END_TEST

/* Whatever bytes go in, what comes out is text that a parser takes, in content and in an attribute. */
START_TEST(every_pair_of_bytes_becomes_well_formed) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        ReaderEvent event;
        reader_feed(reader, TEXT("<stream>"));
        ck_assert(reader_next(reader, &event));
        arena_free(event.arena);
        for (int first = 0; first < 256; first++)
                for (int second = 0; second < 256; second++) {
                        _cleanup_(arena_freep) Arena *arena = arena_new(0);
                        const char bytes[] = { 'a', (char) first, (char) second, 'z' };
                        Element *element = element_new(arena, TEXT("e"), TEXT_NONE);
                        element_set(element, TEXT("v"), (Text){ bytes, sizeof(bytes) });
                        element->text = (Text){ bytes, sizeof(bytes) };
                        text_builder_reset(&out);
                        element_write(&out, element, TEXT_NONE);
                        ck_assert(text_is_utf8(text_built(&out)));
                        reader_feed(reader, text_built(&out));
                        ck_assert(reader_next(reader, &event));
                        ck_assert_msg(event.kind == READER_ELEMENT, "%02x %02x: %s", first, second, event.failure.text);
                        arena_free(event.arena);
                }
}
END_TEST

START_TEST(namespaces_are_declared_where_they_change) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        Element *message = element_new(arena, TEXT("message"), TEXT("urn:outer"));
        element_set(message, TEXT("id"), TEXT("1"));
        element_set(message, TEXT("id"), TEXT("2"));
        element_set_optional(message, TEXT("type"), TEXT_NONE);
        element_add_text(message, TEXT("body"), TEXT_NONE, TEXT("text"));
        Element *x = element_add(message, TEXT("x"), TEXT("urn:x"));
        element_add(x, TEXT("y"), TEXT_NONE);
        element_add(x, TEXT("z"), TEXT("urn:outer"));
        element_write(&out, message, TEXT("urn:outer"));
        ck_assert_text(text_built(&out), TEXT("<message id='2'><body>text</body><x xmlns='urn:x'><y/>"
                                              "<z xmlns='urn:outer'/></x></message>"));
}
END_TEST

START_TEST(a_full_arena_marks_the_root) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1024);
        Element *message = element_new(arena, TEXT("message"), TEXT("urn:outer")), *last = message;
        for (int i = 0; i < 20; i++)
                last = element_add(last, TEXT("a"), TEXT_NONE);
        ck_assert_ptr_null(last);
        ck_assert(message->incomplete);
        element_set(last, TEXT("id"), TEXT("1"));
        element_add_text(last, TEXT("b"), TEXT_NONE, TEXT("c"));
}
END_TEST

/* Parts */

static const struct {
        const char *text;
        size_t limit;
        const char *parts[5];
} splits[] = {
        { "short", 64, { "short" } },
        { "first paragraph, which is quite long\n\nsecond paragraph, which is quite long",
          64,
          { "first paragraph, which is quite long", "second paragraph, which is quite long" } },
        { "first line, which is quite long\nsecond line, which is quite long",
          64,
          { "first line, which is quite long\nsecond line, which is quite long" } },
        { "first line, which is quite long\nsecond line, which is quite long.",
          64,
          { "first line, which is quite long", "second line, which is quite long." } },
        { "words and words and words and words and words and words and words and words",
          64,
          { "words and words and words and words and words and words and", "words and words" } },
        { "0123456789012345678901234567890123456789012345678901234567890123456789",
          64,
          { "0123456789012345678901234567890123456789012345678901234567890123", "456789" } },
        { "a\n\nb\n\nwords and words and words and words and words and words and words",
          64,
          { "a\n\nb", "words and words and words and words and words and words and", "words" } },
        { "&&&&&&&&&&&&&&&&", 64, { "&&&&&&&&&&&&", "&&&&" } },
        { "\n\n  \n", 64, { NULL } },
        { "", 64, { NULL } },
};

START_TEST(long_texts_are_cut_at_paragraphs_lines_and_words) {
        for (size_t i = 0; i < COUNT_OF(splits); i++) {
                Text rest = text_of(splits[i].text), part;
                size_t count = 0;
                for (; splits[i].parts[count]; count++) {
                        ck_assert_msg(text_split_part(&rest, splits[i].limit, &part), "row %zu", i);
                        ck_assert_text(part, text_of(splits[i].parts[count]));
                }
                ck_assert_msg(!text_split_part(&rest, splits[i].limit, &part), "row %zu: '%.*s'", i,
                              TEXT_ARGUMENTS(part));
        }
}
END_TEST

START_TEST(parts_never_cut_a_character_and_stay_below_the_limit) {
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0), joined = text_builder(0);
        for (int i = 0; i < 5000; i++)
                text_add_string(&text, i % 3 == 0 ? "\xf0\x9f\x98\x80" : i % 3 == 1 ? "\xe2\x82\xac" : "&");
        for (size_t limit = 64; limit < 80; limit++) {
                Text rest = text_built(&text), part;
                text_builder_reset(&joined);
                while (text_split_part(&rest, limit, &part)) {
                        ck_assert(text_is_utf8(part));
                        ck_assert_uint_le(text_xml_length(part), limit);
                        ck_assert_uint_gt(text_xml_length(part), limit - 5);
                        text_add(&joined, part);
                        if (rest.length < 64)
                                break;
                }
                text_add(&joined, rest);
                ck_assert_text(text_built(&joined), text_built(&text));
        }
}
END_TEST

UNIT_TESTS("xmpp/writer", sanitiser_follows_its_table, every_pair_of_bytes_becomes_well_formed,
           namespaces_are_declared_where_they_change, a_full_arena_marks_the_root,
           long_texts_are_cut_at_paragraphs_lines_and_words, parts_never_cut_a_character_and_stay_below_the_limit)
