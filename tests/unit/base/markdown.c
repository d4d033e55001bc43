#include "base/markdown.h"
#include "tests/unit/unit.h"

/* Events as text: "(" and ")" around parts by their first letters, texts in quotes. */
static const char *const names[] = { "p",   "h",    "quote", "list",   "item", "pre",  "html", "rule", "table",
                                     "row", "cell", "em",    "strong", "del",  "code", "a",    "img" };

static bool enter(void *user, const MarkdownNode *node) {
        text_add_format(user, "(%s", names[node->part]);
        if (node->level)
                text_add_format(user, "%u", node->level);
        if (node->part == MARKDOWN_LIST)
                text_add_format(user, "%s%s%u", node->ordered ? "#" : "", node->tight ? "-" : "=", node->number);
        if (node->task)
                text_add_format(user, "[%c]", node->task);
        if (node->columns)
                text_add_format(user, "%u", node->columns);
        if (node->target.length)
                text_add_format(user, "<%.*s>", TEXT_ARGUMENTS(node->target));
        return true;
}

static bool leave(void *user, const MarkdownNode *node) {
        (void) node;
        text_add_char(user, ')');
        return true;
}

static bool take(void *user, MarkdownText kind, Text text) {
        if (kind == MARKDOWN_BREAK || kind == MARKDOWN_SOFT_BREAK)
                text_add_char(user, kind == MARKDOWN_BREAK ? '/' : '+');
        else
                text_add_format(user, "%s'%.*s'", kind == MARKDOWN_HTML ? "!" : "", TEXT_ARGUMENTS(text));
        return true;
}

static const MarkdownReader reader = { enter, leave, take };

static const struct {
        const char *document, *events;
} cases[] = {
        { "a *b* **c** ~~d~~ `e`", "(p'a '(em'b')' '(strong'c')' '(del'd')' '(code'e'))" },
        { "# T\na\nb  \nc", "(h1'T')(p'a'+'b'/'c')" },
        { "- a\n- [x] b\n", "(list-0(item'a')(item[x]'b'))" },
        { "2. a\n\n3. b", "(list#=2(item(p'a'))(item(p'b')))" },
        { "> a", "(quote(p'a'))" },
        { "```c\nx\n```", "(pre'x''\n')" },
        { "[a](https://b/ 'title') ![c](d)", "(p(a<https://b/>'a')' '(img<d>'c'))" },
        { "|a|b|\n|---|---|\n|c|d|", "(table2(row(cell'a')(cell'b'))(row(cell'c')(cell'd')))" },
        { "<i>x</i> &amp; &#x20ac; &nope; &#0;", "(p!'<i>''x'!'</i>'' ''&'' ''\u20ac'' ''&nope;'' ''\uFFFD')" },
        { "---", "(rule)" },
        { "", "" },
};

START_TEST(a_document_is_told_as_events) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(text_builder_release) TextBuilder events = text_builder(0);
                ck_assert(markdown_read(text_of(cases[i].document), &reader, &events));
                ck_assert_msg(text_equal(text_built(&events), text_of(cases[i].events)), "%s: %s", cases[i].document,
                              events.bytes ? events.bytes : "");
        }
}
END_TEST

static bool stop(void *user, MarkdownText kind, Text text) {
        (void) kind, (void) text;
        ++*(int *) user;
        return false;
}

static bool pass(void *user, MarkdownText kind, Text text) {
        (void) kind, (void) text;
        ++*(int *) user;
        return true;
}

static bool go(void *user, const MarkdownNode *node) {
        (void) user, (void) node;
        return true;
}

START_TEST(a_reader_may_stop) {
        static const MarkdownReader stopping = { go, go, stop };
        int calls = 0;
        ck_assert(!markdown_read(TEXT("a\n\nb\n\nc"), &stopping, &calls));
        ck_assert_int_eq(calls, 1);
}
END_TEST

/* A table's header may promise more cells than its rows have bytes. */
START_TEST(cells_that_nobody_wrote_come_to_an_end) {
        _cleanup_(text_builder_release) TextBuilder document = text_builder(0);
        static const MarkdownReader counting = { go, go, pass };
        int calls = 0;
        for (int i = 0; i < 700; i++)
                text_add_string(&document, "|a");
        text_add_char(&document, '\n');
        for (int i = 0; i < 700; i++)
                text_add_string(&document, "|---");
        for (int i = 0; i < 1900; i++)
                text_add_string(&document, "\n|");
        /* From md4c 0.5.2 on, so many columns are no table. */
        bool is_whole = markdown_read(text_built(&document), &counting, &calls);
        ck_assert(is_whole ? calls < 50000 : calls >= 700);
}
END_TEST

UNIT_TESTS("base/markdown", a_document_is_told_as_events, a_reader_may_stop, cells_that_nobody_wrote_come_to_an_end)
