/* What a result looks like on a terminal and in a chat: the same operation, and never JSON. */
#include "component/doors/chat_words.h"
#include "component/shown/screen.h"
#include "component/terminal/words.h"
#include "tests/unit/unit.h"

#include <stdio.h>

typedef struct Shown {
        char *out, *notes;
} Shown;

static void shown_release(Shown *shown) {
        free(shown->out);
        free(shown->notes);
}

static Shown show(const Operation *operation, const char *json, int width) {
        Shown shown = { NULL, NULL };
        size_t out_length, notes_length;
        Screen screen = { .out = open_memstream(&shown.out, &out_length),
                          .notes = open_memstream(&shown.notes, &notes_length),
                          .more = "--after ",
                          .width = width };
        _cleanup_(json_freep) Json *result = NULL;
        Failure failure;
        ck_assert_done(json_parse(text_of(json), 0, &result, &failure), failure);
        screen_result(&screen, operation, result);
        fclose(screen.out);
        fclose(screen.notes);
        return shown;
}

static void expect_words(const Operation *operation, const char *json, const char *expected) {
        _cleanup_(text_builder_release) TextBuilder words = text_builder(0);
        _cleanup_(json_freep) Json *result = NULL;
        Failure failure;
        ck_assert_done(json_parse(text_of(json), 0, &result, &failure), failure);
        words_result(&words, operation, result);
        ck_assert_str_eq(words.bytes, expected);
}

static const Operation record = { .name = "thing-show" };
static const Operation list = { .name = "thing-list", .columns = "name at facts", .items = "things" };

static const struct {
        const char *json, *terminal, *chat;
} records[] = {
        { "{\"name\":\"free\",\"price\":null,\"tags\":[],\"works\":true}",
          "name   free\nprice  –\ntags   –\nworks  yes\n", "- name: free\n- price: –\n- tags: –\n- works: yes" },
        { "{\"limits\":{\"agents\":5,\"tokens per month\":1000},\"name\":\"free\"}",
          "name  free\nlimits\n  agents            5\n  tokens per month  1000\n",
          "- limits:\n  - agents: 5\n  - tokens per month: 1000\n- name: free" },
        { "{\"links\":[{\"domain\":\"a.org\",\"trouble\":null},{\"domain\":\"b\",\"more\":[1,2]}]}",
          "links\n  DOMAIN  TROUBLE  MORE\n  a.org            \n  b                1, 2\n",
          "- links:\n  - domain: a.org, trouble: –\n  - domain: b, more: 1, 2" },
        { "{\"sections\":[{\"found\":[{\"what\":\"x\"}],\"title\":\"A\"},{\"found\":[],\"title\":\"B\"}]}",
          "sections\n  title  A\n  found\n    WHAT\n    x\n\n  found  –\n  title  B\n",
          "- sections:\n  - 1:\n    - found:\n      - what: x\n    - title: A\n  - found: –, title: B" },
        { "{\"text\":\"one\\ntwo\",\"agent\":{\"rules\":\"three\\nfour\"}}",
          "text  one\n      two\nagent\n  rules  three\n         four\n",
          "- text: one two\n- agent:\n  - rules: three four" },
        { "{}", "", "Done." },
};

START_TEST(what_is_nested_stands_below_its_name_and_not_as_json) {
        for (size_t i = 0; i < COUNT_OF(records); i++) {
                _cleanup_(shown_release) Shown shown = show(&record, records[i].json, 0);
                ck_assert_str_eq(shown.out, records[i].terminal);
                ck_assert_str_eq(shown.notes, "");
                expect_words(&record, records[i].json, records[i].chat);
        }
}
END_TEST

START_TEST(an_empty_list_is_said_to_be_one_beside_the_result) {
        static const char empty[] = "{\"data\":[],\"has_more\":false,\"after\":null}";
        _cleanup_(shown_release) Shown shown = show(&list, empty, 0);
        ck_assert_str_eq(shown.out, "");
        ck_assert_str_eq(shown.notes, "No things found.\n");
        expect_words(&list, empty, "No things found.");
}
END_TEST

START_TEST(every_list_says_what_it_is_of) {
        for (const Operation *const *row = operation_catalogue; *row; row++)
                ck_assert_msg(!(*row)->columns == !(*row)->items, "%s", (*row)->name);
}
END_TEST

START_TEST(a_table_shows_moments_to_the_second_and_facts_by_name) {
        static const char rows[] =
                "{\"data\":[{\"at\":\"2026-11-20T08:15:30.123Z\",\"facts\":{\"by_whom\":\"ann\",\"count\":3,"
                "\"rules\":[{\"a\":1},{\"a\":2}]},\"name\":\"desk\"}],\"has_more\":true,\"after\":\"desk\"}";
        _cleanup_(shown_release) Shown shown = show(&list, rows, 0);
        ck_assert_str_eq(shown.out, "NAME  AT                    FACTS\n"
                                    "desk  2026-11-20T08:15:30Z  by whom: ann, count: 3, rules: a: 1; a: 2\n");
        ck_assert_str_eq(shown.notes, "There are more: --after desk\n");
        expect_words(&list, rows,
                     "```\nNAME  AT                    FACTS\n"
                     "desk  2026-11-20T08:15:30Z  by whom: ann, count: 3, rules: a: 1; a: 2\n"
                     "There are more: after=desk\n```");
}
END_TEST

START_TEST(a_terminal_is_neither_overrun_nor_steered) {
        _cleanup_(shown_release) Shown shown = show(
                &list, "{\"data\":[{\"name\":\"a\\u001b[2J\",\"facts\":\"long enough to be cut\"}]}", 24);
        ck_assert_str_eq(shown.out, "NAME   AT  FACTS\na\uFFFD[2J      long enough …\n");
        _cleanup_(shown_release) Shown nested = show(&record, "{\"a\":{\"b\":\"\\u001b]0;x\\u0007\"}}", 24);
        ck_assert_str_eq(nested.out, "a\n  b  \uFFFD]0;x\uFFFD\n");
}
END_TEST

START_TEST(a_terminal_names_options_and_commands_as_they_are_typed_there) {
        static const struct {
                const char *operation, *said, *expected;
        } cases[] = {
                { "tenant-update", "'billing_day' must be a whole number", "--billing-day must be a whole number" },
                { "limit-set", "name a 'tenant', or 'everybody'", "name a --tenant, or --everybody" },
                { "limit-set", "'amount': ask for more (limit-set with 'plan') or tenant-update",
                  "--amount: ask for more (`aiox limit set` with --plan) or `aiox tenant update`" },
                { "limit-set", "limit-set. As limit-list, does it", "`aiox limit set`. As `aiox limit list`, does it" },
                /* What is no field, no operation, or a part of something else stays. */
                { "limit-set", "there is no plan 'gold', nor 'amounts'", "there is no plan 'gold', nor 'amounts'" },
                { "audit-list", "operation.limit-set, /limit-set, limit-sets",
                  "operation.limit-set, /limit-set, limit-sets" },
                { "limit-set", "'", "'" },
                { "limit-set", "'amount", "'amount" },
                { "limit-set", "a 'b' \u2013 it's 'a'", "a 'b' \u2013 it's 'a'" },
                { "limit-set", "", "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(text_builder_release) TextBuilder words = text_builder(0);
                terminal_words(&words, operation_find(text_of(cases[i].operation)), text_of(cases[i].said));
                ck_assert_text(text_built(&words), text_of(cases[i].expected));
        }
}
END_TEST

UNIT_TESTS("component/results", what_is_nested_stands_below_its_name_and_not_as_json,
           an_empty_list_is_said_to_be_one_beside_the_result, every_list_says_what_it_is_of,
           a_table_shows_moments_to_the_second_and_facts_by_name, a_terminal_is_neither_overrun_nor_steered,
           a_terminal_names_options_and_commands_as_they_are_typed_there)
