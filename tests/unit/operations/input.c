#include "orchestrator/operations/input.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static const Field fields[] = {
        { "name", FIELD_NAME, REQUIRED, "A name." },
        { "text", FIELD_TEXT, OPTIONAL, "A line.", .most = 10 },
        { "long_text", FIELD_LONG_TEXT, OPTIONAL, "Lines." },
        { "agent", FIELD_AGENT, OPTIONAL, "An agent." },
        { "jid", FIELD_JID, OPTIONAL, "A person." },
        { "who", FIELD_WHO, OPTIONAL, "Somebody." },
        { "id", FIELD_UUID, OPTIONAL, "An id." },
        { "count", FIELD_INTEGER, OPTIONAL, "A count.", .fallback = "5", .least = 1, .most = 10 },
        { "share", FIELD_REAL, OPTIONAL, "A share.", .most = 1 },
        { "flag", FIELD_BOOLEAN, OPTIONAL, "A flag." },
        { "colour", FIELD_CHOICE, OPTIONAL, "A colour.", .choices = "red|green" },
        { "items", FIELD_LIST, OPTIONAL, "Some.", .most = 3 },
        { "pause", FIELD_DURATION, OPTIONAL, "A pause." },
        { "when", FIELD_TIME, OPTIONAL, "A time." },
        { .type = FIELD_END },
};
static const Field more_fields[] = {
        { "more", FIELD_TEXT, OPTIONAL, "More.", .fallback = "default" },
        { .type = FIELD_END },
};
static const Operation operation = { .name = "thing-make", .input = fields, .shared = more_fields };
static const Operation partial = { .name = "thing-change", .input = fields, .shared = more_fields, .partial = true };

/* Other tests link the real ones. */
const Operation *const operation_catalogue[] = { &operation, NULL };

static bool check(const Operation *row, const char *text, Arena *arena, const Input **ret_input, Failure *failure) {
        Json *json;
        *failure = (Failure){ 0 };
        ck_assert_done(json_parse(text_of(text), 0, &json, failure), *failure);
        bool done = input_check(row, json, arena, ret_input, failure);
        json_free(json);
        return done;
}

typedef struct Case {
        const char *json;
        const char *canonical; /* of what is taken; NULL: refused */
        const char *sentence;  /* part of the refusal */
} Case;

#define REST "\"count\":5,\"more\":\"default\",\"name\":\"a\""

static const Case cases[] = {
        { "{\"name\":\"a\"}", "{" REST "}" },
        { "{\"name\":\"a\",\"text\":null}", "{" REST "}" },
        { "{}", NULL, "'name' is missing: A name." },
        { "[]", NULL, "must be a JSON object" },
        { "{\"name\":\"a\",\"nmae\":1}", NULL, "thing-make takes no 'nmae'; did you mean 'name'?" },
        { "{\"name\":\"a\",\"long-text\":\"x\"}", NULL, "takes no 'long-text'; did you mean 'long_text'?" },
        { "{\"name\":\"A\"}", NULL, "'name' must be 1 to 63 of a-z" },
        { "{\"name\":\"a'; DROP TABLE agents; --\"}", NULL, "'name' must be 1 to 63" },
        { "{\"name\":\"\"}", NULL, "'name'" },
        { "{\"name\":[\"a\"]}", NULL, "'name'" },
        { "{\"name\":{\"a\":1}}", NULL, "'name'" },
        { "{\"name\":true}", NULL, "'name'" },
        { "{\"name\":\"a\",\"text\":\"0123456789\"}", "{" REST ",\"text\":\"0123456789\"}" },
        { "{\"name\":\"a\",\"text\":\"0123456789x\"}", NULL, "'text' is 11 bytes long; at most 10 are taken" },
        { "{\"name\":\"a\",\"text\":\"a\\nb\"}", NULL, "'text' must be one line of text" },
        { "{\"name\":\"a\",\"text\":\"a\\u001bb\"}", NULL, "'text'" },
        { "{\"name\":\"a\",\"text\":\"a\\uffffb\"}", NULL, "'text'" },
        { "{\"name\":\"a\",\"text\":\"a\\u0085b\"}", NULL, "'text'" },
        { "{\"name\":\"a\",\"long_text\":\"a\\nb\\tc\"}",
          "{\"count\":5,\"long_text\":\"a\\nb\\tc\",\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"agent\":\"guide\"}", "{\"agent\":\"guide\"," REST "}" },
        { "{\"name\":\"a\",\"agent\":\"Guide@Agents.Localhost\"}", "{\"agent\":\"guide@agents.localhost\"," REST "}" },
        { "{\"name\":\"a\",\"agent\":\"guide@agents.localhost/x\"}", NULL, "'agent' must be an agent's name" },
        { "{\"name\":\"a\",\"jid\":\"Alice@Example.org\"}",
          "{\"count\":5,\"jid\":\"alice@example.org\",\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"jid\":\"example.org\"}", NULL, "'jid' must be a bare JID" },
        { "{\"name\":\"a\",\"jid\":\"a@b/c\"}", NULL, "'jid'" },
        { "{\"name\":\"a\",\"jid\":\"@\"}", NULL, "'jid'" },
        { "{\"name\":\"a\",\"who\":\"*@Example.org\"}", "{" REST ",\"who\":\"example.org\"}" },
        { "{\"name\":\"a\",\"who\":\"example.org\"}", "{" REST ",\"who\":\"example.org\"}" },
        { "{\"name\":\"a\",\"who\":\"bob@example.org\"}", "{" REST ",\"who\":\"bob@example.org\"}" },
        { "{\"name\":\"a\",\"who\":\"*@*\"}", NULL, "for everybody set the agent's visibility to public" },
        { "{\"name\":\"a\",\"who\":\"*\"}", NULL, "visibility to public" },
        { "{\"name\":\"a\",\"who\":\"*@\"}", NULL, "visibility to public" },
        { "{\"name\":\"a\",\"id\":\"0190B6B2-6f7e-7c3a-9d2e-3f5a1c7b9e01\"}",
          "{\"count\":5,\"id\":\"0190b6b2-6f7e-7c3a-9d2e-3f5a1c7b9e01\",\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"id\":\"1\"}", NULL, "'id' must be a UUID" },
        { "{\"name\":\"a\",\"count\":\"7\"}", "{\"count\":7,\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"count\":10}", "{\"count\":10,\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"count\":11}", NULL, "'count' must be a whole number, 1 to 10" },
        { "{\"name\":\"a\",\"count\":1.5}", NULL, "'count'" },
        { "{\"name\":\"a\",\"count\":9223372036854775807}", NULL, "'count'" },
        { "{\"name\":\"a\",\"share\":0.5}", "{" REST ",\"share\":0.5}" },
        { "{\"name\":\"a\",\"share\":\"1\"}", "{" REST ",\"share\":1}" },
        { "{\"name\":\"a\",\"share\":2}", NULL, "'share' must be a number, 0 to 1" },
        { "{\"name\":\"a\",\"share\":\"nan\"}", NULL, "'share'" },
        { "{\"name\":\"a\",\"share\":\"0x1\"}", NULL, "'share'" },
        { "{\"name\":\"a\",\"flag\":\"1\"}", "{\"count\":5,\"flag\":true,\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"flag\":false}", "{\"count\":5,\"flag\":false,\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"flag\":\"yes\"}", NULL, "'flag' must be true or false" },
        { "{\"name\":\"a\",\"colour\":\"green\"}", "{\"colour\":\"green\"," REST "}" },
        { "{\"name\":\"a\",\"colour\":\"red|green\"}", NULL, "'colour' must be one of red|green" },
        { "{\"name\":\"a\",\"items\":[\"x\",\"y\"]}",
          "{\"count\":5,\"items\":[\"x\",\"y\"],\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"items\":\"x, y\"}",
          "{\"count\":5,\"items\":[\"x\",\"y\"],\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"items\":[]}", "{\"count\":5,\"items\":[],\"more\":\"default\",\"name\":\"a\"}" },
        { "{\"name\":\"a\",\"items\":[\"1\",\"2\",\"3\",\"4\"]}", NULL,
          "'items' must be a list of short texts, 0 to 3 items" },
        { "{\"name\":\"a\",\"items\":[1]}", NULL, "'items'" },
        { "{\"name\":\"a\",\"pause\":\"15m\"}", "{\"count\":5,\"more\":\"default\",\"name\":\"a\",\"pause\":900}" },
        { "{\"name\":\"a\",\"pause\":90}", "{\"count\":5,\"more\":\"default\",\"name\":\"a\",\"pause\":90}" },
        { "{\"name\":\"a\",\"pause\":\"-1s\"}", NULL, "'pause' must be a duration" },
        { "{\"name\":\"a\",\"pause\":\"m\"}", NULL, "'pause'" },
        { "{\"name\":\"a\",\"when\":\"1970-01-01T00:00:01Z\"}", "{" REST ",\"when\":1000000}" },
        { "{\"name\":\"a\",\"when\":\"1970-01-01T01:00:00.5+01:00\"}", "{" REST ",\"when\":500000}" },
        { "{\"name\":\"a\",\"when\":\"2026-02-30T00:00:00Z\"}", NULL, "'when' must be a time" },
        { "{\"name\":\"a\",\"when\":\"2026-02-20\"}", NULL, "'when'" },
        { "{\"name\":\"a\",\"when\":\"2026-02-20T00:00:00\"}", NULL, "'when'" },
        { "{\"name\":\"a\",\"more\":\"x\"}", "{\"count\":5,\"more\":\"x\",\"name\":\"a\"}" },
};

START_TEST(values_are_taken_normalised_or_refused_by_name) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Arena *arena = arena_new(0);
                const Input *input;
                Failure failure;
                Text canonical;
                bool done = check(&operation, cases[i].json, arena, &input, &failure);
                ck_assert_msg(done == (cases[i].canonical != NULL), "%s: %s", cases[i].json, failure.text);
                if (done) {
                        ck_assert(input_canonical(input, arena, &canonical));
                        ck_assert_text(canonical, text_of(cases[i].canonical));
                } else
                        ck_assert_msg(strstr(failure.text, cases[i].sentence), "%s: %s", cases[i].json, failure.text);
                arena_free(arena);
        }
}
END_TEST

START_TEST(a_partial_input_has_no_defaults) {
        Arena *arena = arena_new(0);
        const Input *input;
        Failure failure;
        Text canonical;
        ck_assert_done(check(&partial, "{\"name\":\"a\"}", arena, &input, &failure), failure);
        ck_assert(input_canonical(input, arena, &canonical));
        ck_assert_text(canonical, TEXT("{\"name\":\"a\"}"));
        ck_assert(!input_has(input, "count"));
        arena_free(arena);
}
END_TEST

START_TEST(values_are_read_by_name) {
        Arena *arena = arena_new(0);
        const Input *input;
        const Text *items;
        Failure failure;
        ck_assert_done(
                check(&operation,
                      "{\"name\":\"a\",\"colour\":\"green\",\"items\":[\"x\",\"y\"],\"share\":0.25,\"flag\":true}",
                      arena, &input, &failure),
                failure);
        ck_assert_text(input_text(input, "name"), TEXT("a"));
        ck_assert_int_eq(input_integer(input, "count"), 5);
        ck_assert_int_eq(input_choice(input, "colour"), 1);
        ck_assert_double_eq(input_real(input, "share"), 0.25);
        ck_assert(input_boolean(input, "flag"));
        ck_assert_int_eq(input_list(input, "items", &items), 2);
        ck_assert_text(items[1], TEXT("y"));
        ck_assert(!input_has(input, "jid"));
        ck_assert_int_eq(input_text(input, "jid").length, 0);
        arena_free(arena);
}
END_TEST

START_TEST(a_megabyte_in_any_field_is_refused) {
        char *big = malloc(1000001);
        memset(big, 'x', 1000000);
        big[1000000] = '\0';
        const Field *field;
        for (size_t i = 0; (field = operation_input(&operation, i)); i++) {
                Arena *arena = arena_new(4 * 1024 * 1024);
                Json *json = json_new_object();
                const Input *input;
                Failure failure = { 0 };
                json_put_string(json, "name", "a");
                json_put_string(json, field->name, big);
                ck_assert_msg(!input_check(&operation, json, arena, &input, &failure), "%s", field->name);
                ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
                ck_assert_msg(strstr(failure.text, field->name), "%s", failure.text);
                json_free(json);
                arena_free(arena);
        }
        free(big);
}
END_TEST

UNIT_TESTS("operations/input", values_are_taken_normalised_or_refused_by_name, a_partial_input_has_no_defaults,
           values_are_read_by_name, a_megabyte_in_any_field_is_refused)
