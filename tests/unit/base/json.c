#include "base/json.h"
#include "tests/unit/unit.h"

#include <math.h>

static Json *parsed(const char *text) {
        Failure failure;
        Json *value = NULL;
        ck_assert_done(json_parse(text_of(text), 0, &value, &failure), failure);
        return value;
}

START_TEST(any_value_may_stand_at_the_top) {
        static const struct {
                const char *text;
                JsonType type;
        } cases[] = {
                { "null", JSON_TYPE_NULL },          { "true", JSON_TYPE_BOOLEAN }, { "false", JSON_TYPE_BOOLEAN },
                { "-12", JSON_TYPE_INTEGER },        { "1.5", JSON_TYPE_REAL },     { "1e3", JSON_TYPE_REAL },
                { "\"\"", JSON_TYPE_TEXT },          { "[]", JSON_TYPE_ARRAY },     { "{}", JSON_TYPE_OBJECT },
                { " \t\r\n 1 ", JSON_TYPE_INTEGER },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(json_freep) Json *value = parsed(cases[i].text);
                ck_assert_int_eq((int) json_type_of(value), (int) cases[i].type);
        }
}
END_TEST

START_TEST(what_is_not_json_is_refused_with_its_place) {
        static const struct {
                Text text;
                const char *place;
        } cases[] = {
                { { NULL, 0 }, "line 1" },
                { { "", 0 }, "line 1" },
                { { "{\n\"a\": nul}", 11 }, "line 2" },
                { { "[1,]", 4 }, "line 1, column 4" },
                { { "[01]", 4 }, "line 1" },
                { { "{\"a\":1,\"a\":2}", 13 }, "duplicate" },
                { { "[1] x", 5 }, "line 1" },
                { { "[NaN]", 5 }, "line 1" },
                { { "'a'", 3 }, "line 1" },
                { { "\"\xFF\"", 3 }, "line 1" },
                { { "\"\xED\xA0\x80\"", 5 }, "line 1" },
                { { "\"\\ud800\"", 8 }, "line 1" },
                { { "\"\\u0000\"", 8 }, "line 1" },
                { { "\"a\0b\"", 5 }, "line 1" },
                { { "\"a\nb\"", 5 }, "line 1" },
                { { "{\"a\"", 4 }, "line 1" },
                { { "]", 1 }, "line 1" },
                { { "9223372036854775808", 19 }, "line 1" },
                { { "1e999", 5 }, "line 1" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Failure failure;
                Json *value = NULL;
                ck_assert_msg(!json_parse(cases[i].text, 0, &value, &failure), "case %zu was taken", i);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
                ck_assert_msg(strstr(failure.text, cases[i].place), "case %zu: %s", i, failure.text);
                ck_assert_ptr_null(value);
        }
}
END_TEST

START_TEST(refusal_does_not_quote_the_text) {
        static const char *const cases[] = { "{\"password\": \"hunter2\" hunter2}", "[hunter2]", "{\"a\":\"hunter2" };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Failure failure;
                Json *value;
                ck_assert(!json_parse(text_of(cases[i]), 0, &value, &failure));
                ck_assert_msg(!strstr(failure.text, "hunter2"), "%s", failure.text);
        }
}
END_TEST

static Text nested(TextBuilder *builder, const char *open, size_t levels) {
        for (size_t i = 0; i < levels; i++)
                text_add_string(builder, open);
        text_add_string(builder, *open == '{' ? "1" : "");
        for (size_t i = 0; i < levels; i++)
                text_add_char(builder, *open == '{' ? '}' : ']');
        return text_built(builder);
}

START_TEST(depth_of_64_is_the_most) {
        static const struct {
                const char *open;
                size_t levels;
                bool fits;
        } cases[] = { { "[", 64, true },
                      { "[", 65, false },
                      { "{\"a\":", 64, true },
                      { "{\"a\":", 65, false },
                      { "[", 500000, false } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(text_builder_release) TextBuilder builder = text_builder(0);
                _cleanup_(json_freep) Json *value = NULL;
                Failure failure;
                bool fits = json_parse(nested(&builder, cases[i].open, cases[i].levels), 0, &value, &failure);
                ck_assert_msg(fits == cases[i].fits, "case %zu", i);
                if (!fits)
                        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        }
}
END_TEST

START_TEST(brackets_in_strings_do_not_count) {
        _cleanup_(text_builder_release) TextBuilder builder = text_builder(0);
        text_add_string(&builder, "\"\\\"");
        for (size_t i = 0; i < 1000; i++)
                text_add_string(&builder, "[{\\\\");
        text_add_char(&builder, '"');
        _cleanup_(json_freep) Json *value = NULL;
        Failure failure;
        ck_assert_done(json_parse(text_built(&builder), 0, &value, &failure), failure);
        ck_assert_uint_eq(json_to_text(value).length, 3001);
}
END_TEST

START_TEST(length_over_the_limit_is_refused) {
        Failure failure;
        Json *value = NULL;
        ck_assert(!json_parse(TEXT("[1,2]"), 4, &value, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        ck_assert_done(json_parse(TEXT("[1,2]"), 5, &value, &failure), failure);
        json_free(value);
}
END_TEST

START_TEST(members_keep_their_order) {
        _cleanup_(json_freep) Json *value = parsed("{\"z\":1,\"a\":2,\"m\":3}");
        static const char *const expected[] = { "z", "a", "m" };
        Text name = TEXT_NONE;
        Json *member;
        size_t seen = 0;
        for (JsonIterator i = { 0 }; json_each(value, &i, &name, &member); seen++) {
                ck_assert_uint_lt(seen, COUNT_OF(expected));
                ck_assert_text(name, text_of(expected[seen]));
        }
        ck_assert_uint_eq(seen, 3);
        ck_assert_uint_eq(json_count(value), 3);
}
END_TEST

START_TEST(looking_at_what_is_absent_or_of_another_type_gives_nothing) {
        _cleanup_(json_freep) Json *object = parsed("{\"a\":\"x\",\"n\":null,\"r\":1.5,\"i\":7}");
        _cleanup_(json_freep) Json *array = parsed("[1]");
        int64_t integer = 99;
        Text name;
        Json *value;
        ck_assert_ptr_null(json_member(object, "absent"));
        ck_assert_ptr_null(json_member(array, "a"));
        ck_assert_ptr_null(json_member(NULL, "a"));
        ck_assert_ptr_null(json_item(array, 1));
        ck_assert_ptr_null(json_item(object, 0));
        ck_assert_uint_eq(json_count(NULL), 0);
        ck_assert_int_eq((int) json_type_of(NULL), JSON_TYPE_NULL);
        ck_assert_ptr_null(json_to_text(json_member(object, "i")).bytes);
        ck_assert(!json_to_integer(json_member(object, "a"), &integer));
        ck_assert(!json_to_integer(json_member(object, "r"), &integer));
        ck_assert_int_eq(integer, 99);
        ck_assert_double_eq(json_to_real(json_member(object, "i")), 7);
        ck_assert_double_eq(json_to_real(json_member(object, "a")), 0);
        ck_assert(!json_to_boolean(json_member(object, "i")));
        ck_assert(!json_each(array, &(JsonIterator){ 0 }, &name, &value));
}
END_TEST

START_TEST(values_are_built_and_read_back) {
        _cleanup_(json_freep) Json *object = json_new_object();
        json_put_text(object, "text", TEXT("ä"));
        json_put_string(object, "string", "s");
        json_put_string(object, "none", NULL);
        json_put_integer(object, "integer", INT64_MIN);
        json_put_boolean(object, "yes", true);
        json_put(object, "list", json_new_array());
        json_append(json_member(object, "list"), json_new_real(0.5));
        json_append(json_member(object, "list"), json_new_null());
        int64_t integer = 0;
        ck_assert_text(json_to_text(json_member(object, "text")), TEXT("ä"));
        ck_assert_text(json_to_text(json_member(object, "string")), TEXT("s"));
        ck_assert_int_eq((int) json_type_of(json_member(object, "none")), JSON_TYPE_NULL);
        ck_assert(json_to_integer(json_member(object, "integer"), &integer));
        ck_assert_int_eq(integer, INT64_MIN);
        ck_assert(json_to_boolean(json_member(object, "yes")));
        ck_assert_uint_eq(json_count(json_member(object, "list")), 2);
        json_put_boolean(object, "yes", false);
        ck_assert(!json_to_boolean(json_member(object, "yes")));
}
END_TEST

START_TEST(bad_bytes_and_numbers_are_replaced) {
        _cleanup_(json_freep) Json *text = json_new_text(TEXT("a\xFF"
                                                              "b"));
        _cleanup_(json_freep) Json *real = json_new_real(NAN);
        _cleanup_(json_freep) Json *infinite = json_new_real(INFINITY);
        ck_assert_text(json_to_text(text), TEXT("a\uFFFDb"));
        ck_assert_int_eq((int) json_type_of(real), JSON_TYPE_NULL);
        ck_assert_int_eq((int) json_type_of(infinite), JSON_TYPE_NULL);
}
END_TEST

START_TEST(clone_is_deep) {
        _cleanup_(json_freep) Json *original = parsed("{\"a\":{\"b\":1}}");
        _cleanup_(json_freep) Json *clone = json_clone(original);
        json_put_integer(json_member(clone, "a"), "b", 2);
        int64_t value = 0;
        ck_assert(json_to_integer(json_member(json_member(original, "a"), "b"), &value));
        ck_assert_int_eq(value, 1);
}
END_TEST

UNIT_TESTS("base/json", any_value_may_stand_at_the_top, what_is_not_json_is_refused_with_its_place,
           refusal_does_not_quote_the_text, depth_of_64_is_the_most, brackets_in_strings_do_not_count,
           length_over_the_limit_is_refused, members_keep_their_order,
           looking_at_what_is_absent_or_of_another_type_gives_nothing, values_are_built_and_read_back,
           bad_bytes_and_numbers_are_replaced, clone_is_deep)
