#include "base/jid.h"
#include "tests/unit/unit.h"

static void assert_parts_join(const Jid *jid) {
        ck_assert_text(jid->bare, (Text){ jid->full.bytes, jid->bare.length });
        ck_assert_uint_gt(jid->domain.length, 0);
        size_t local = jid->local.length > 0 ? jid->local.length + 1 : 0;
        size_t resource = jid->resource.length > 0 ? jid->resource.length + 1 : 0;
        ck_assert_uint_eq(jid->bare.length, local + jid->domain.length);
        ck_assert_uint_eq(jid->full.length, jid->bare.length + resource);
}

START_TEST(addresses_are_split_and_normalised) {
        static const struct {
                const char *text, *local, *domain, *resource;
        } cases[] = {
                { "example.com", "", "example.com", "" },
                { "Alice@Example.COM", "alice", "example.com", "" },
                { "alice@example.com/Phone 1", "alice", "example.com", "Phone 1" },
                { "example.com/a@b/c", "", "example.com", "a@b/c" },
                { "a.b+c!d=e@x", "a.b+c!d=e", "x", "" },
                { "a\\20b@x", "a\\20b", "x", "" },
                { "ÄRGER@Bücher.Example/Ä", "ärger", "bücher.example", "Ä" },
                { "Straße@x", "strasse", "x", "" },
                { "ﬁ@x", "fi", "x", "" },
                { "Ａlice@Ｘ", "alice", "x", "" },
                { "a@x/😀", "a", "x", "😀" },
                { "😀@x", "😀", "x", "" },
                { "שלום@x", "שלום", "x", "" },
                { "a\u00AD@x", "a", "x", "" },
                { "a@127.0.0.1", "a", "127.0.0.1", "" },
                { "a@[::1]/r", "a", "[::1]", "r" },
                { "a@under_score", "a", "under_score", "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Failure failure;
                Jid jid;
                ck_assert_msg(jid_parse(arena, text_of(cases[i].text), &jid, &failure), "%s: %s", cases[i].text,
                              failure.text);
                ck_assert_text(jid.local, text_of(cases[i].local));
                ck_assert_text(jid.domain, text_of(cases[i].domain));
                ck_assert_text(jid.resource, text_of(cases[i].resource));
                assert_parts_join(&jid);
        }
}
END_TEST

START_TEST(what_is_no_address_is_refused_by_part) {
        static const struct {
                Text text;
                const char *part;
        } cases[] = {
                { { NULL, 0 }, "domain" },
                { { "@", 1 }, "local part" },
                { { "@x", 2 }, "local part" },
                { { "a@", 2 }, "domain" },
                { { "/", 1 }, "domain" },
                { { "a@/r", 4 }, "domain" },
                { { "x/", 2 }, "resource" },
                { { "a@x/", 4 }, "resource" },
                { { "a b@x", 5 }, "local part" },
                { { "a\"b@x", 5 }, "local part" },
                { { "a&b@x", 5 }, "local part" },
                { { "a'b@x", 5 }, "local part" },
                { { "a:b@x", 5 }, "local part" },
                { { "a<b@x", 5 }, "local part" },
                { { "a>b@x", 5 }, "local part" },
                { { "a\0b@x", 5 }, "local part" },
                { { "a\x7F@x", 4 }, "local part" },
                { { "a＠b@x", 7 }, "local part" },
                { { "a\u00A0b@x", 6 }, "local part" },
                { { "\u00AD@x", 4 }, "local part" }, /* nothing is left of it */
                { { "a@b@x", 5 }, "domain" },
                { { "a@x y", 5 }, "domain" },
                { { "a@x\0y", 5 }, "domain" },
                { { "a@ä\0y", 6 }, "domain" },
                { { "a@x\n", 4 }, "domain" },
                { { "a@x.", 4 }, "domain" },
                { { "a@.x", 4 }, "domain" },
                { { "a@x..y", 6 }, "domain" },
                { { "a@ä.", 5 }, "domain" },
                { { "a@x。y", 7 }, "domain" },
                { { "a@x｡y", 7 }, "domain" },
                { { "a@x／y", 7 }, "domain" },
                { { "a@[::1", 6 }, "domain" },
                { { "a@::1", 5 }, "domain" },
                { { "a@[]]", 5 }, "domain" },
                { { "a@<x>", 5 }, "domain" },
                { { "a@x/\x01", 5 }, "resource" },
                { { "a@x/\0", 5 }, "resource" },
                { { "a@x/\xEF\xBF\xBF", 7 }, "resource" },
                { { "a@x/\xFF", 5 }, "resource" },
                { { "\xFF@x", 3 }, "local part" },
                { { "\xED\xA0\x80@x", 5 }, "local part" },
                { { "a@\xC3", 3 }, "domain" },
                { { "aשb@x", 6 }, "local part" }, /* both directions of writing */
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Failure failure;
                Jid jid;
                ck_assert_msg(!jid_parse(arena, cases[i].text, &jid, &failure), "case %zu was taken", i);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
                ck_assert_msg(strstr(failure.text, cases[i].part), "case %zu: %s", i, failure.text);
        }
}
END_TEST

static Text repeated(Arena *arena, const char *piece, size_t count, const char *after) {
        TextBuilder builder = text_builder(0);
        for (size_t i = 0; i < count; i++)
                text_add_string(&builder, piece);
        text_add_string(&builder, after);
        Text text = text_copy(arena, text_built(&builder));
        text_builder_release(&builder);
        return text;
}

START_TEST(each_part_may_have_1023_bytes) {
        static const struct {
                const char *piece;
                size_t count;
                const char *after;
                bool fits;
        } cases[] = {
                { "a", 1023, "@x", true }, { "a", 1024, "@x", false }, { "ä", 511, "@x", true },
                { "ä", 512, "@x", false }, { "a", 1023, "", true },    { "a", 1024, "", false },
                { "ﷺ", 100, "@x", false }, /* grows when it is normalised, and has spaces then */
                { "½", 400, "@x", false }, /* one over 1023 bytes when normalised */
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Failure failure;
                Jid jid;
                Text text = repeated(arena, cases[i].piece, cases[i].count, cases[i].after);
                ck_assert_msg(jid_parse(arena, text, &jid, &failure) == cases[i].fits, "case %zu", i);
        }
}
END_TEST

START_TEST(largest_address_fits_and_a_full_arena_fails) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(arena_freep) Arena *small = arena_new(100);
        Failure failure;
        Jid jid;
        Text local = repeated(arena, "a", 1023, "@"), domain = repeated(arena, "b", 1023, "/");
        TextBuilder builder = text_builder(0);
        text_add(&builder, local);
        text_add(&builder, domain);
        text_add(&builder, repeated(arena, "c", 1023, ""));
        ck_assert_uint_eq(builder.length, JID_LIMIT);
        ck_assert_done(jid_parse(arena, text_built(&builder), &jid, &failure), failure);
        ck_assert_uint_eq(jid.full.length, JID_LIMIT);
        ck_assert(!jid_parse(small, text_built(&builder), &jid, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        text_builder_release(&builder);
}
END_TEST

START_TEST(normalising_again_changes_nothing) {
        static const char *const cases[] = { "ÄRGER@Bücher.Example/Ä ﬁ", "Straße@x/ß", "ǅ@x/ǅ", "ΑΣ@x", "İ@x", "K@x" };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Failure failure;
                Jid once, twice;
                if (!jid_parse(arena, text_of(cases[i]), &once, &failure))
                        continue;
                ck_assert_done(jid_parse(arena, once.full, &twice, &failure), failure);
                ck_assert_text(twice.full, once.full);
        }
}
END_TEST

START_TEST(an_address_loses_its_resource) {
        ck_assert_text(jid_bare(TEXT("ann@home.example/a/b@c")), TEXT("ann@home.example"));
        ck_assert_text(jid_bare(TEXT("home.example")), TEXT("home.example"));
        ck_assert_text(jid_bare(TEXT_NONE), TEXT_NONE);
}
END_TEST

UNIT_TESTS("base/jid", addresses_are_split_and_normalised, what_is_no_address_is_refused_by_part,
           each_part_may_have_1023_bytes, largest_address_fits_and_a_full_arena_fails,
           normalising_again_changes_nothing, an_address_loses_its_resource)
