#include "base/json.h"
#include "tests/unit/unit.h"

#include <stddef.h>

typedef struct Tool {
        Text name;
        int64_t timeout_s;
} Tool;

typedef struct Agent {
        Text name, goal;
        int64_t limit;
        double temperature;
        bool streams;
        Tool main_tool;
        JsonList tools, tags;
        Json *schema;
} Agent;

static const JsonField tool_fields[] = {
        { "name", BIND_TEXT, offsetof(Tool, name), .required = true },
        { "timeout_s", BIND_INTEGER, offsetof(Tool, timeout_s) },
        { .bind = BIND_END },
};

static const JsonField agent_fields[] = {
        { "name", BIND_TEXT, offsetof(Agent, name), .required = true },
        { "goal", BIND_TEXT, offsetof(Agent, goal) },
        { "limit", BIND_INTEGER, offsetof(Agent, limit) },
        { "temperature", BIND_REAL, offsetof(Agent, temperature) },
        { "streams", BIND_BOOLEAN, offsetof(Agent, streams) },
        { "main_tool", BIND_OBJECT, offsetof(Agent, main_tool), .fields = tool_fields },
        { "tools", BIND_ARRAY, offsetof(Agent, tools), .item_size = sizeof(Tool), .fields = tool_fields },
        { "tags", BIND_ARRAY, offsetof(Agent, tags) },
        { "schema", BIND_ANY, offsetof(Agent, schema) },
        { .bind = BIND_END },
};

static const JsonField open_fields[] = {
        { "name", BIND_TEXT, offsetof(Tool, name), .required = true },
        { .bind = BIND_REST },
};

static Json *parsed(const char *text) {
        Failure failure;
        Json *value = NULL;
        ck_assert_done(json_parse(text_of(text), 0, &value, &failure), failure);
        return value;
}

START_TEST(every_kind_of_member_is_bound) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(json_freep) Json *value = parsed(
                "{\"name\":\"guide\",\"limit\":-3,\"temperature\":1,\"streams\":true,"
                "\"main_tool\":{\"name\":\"search\",\"timeout_s\":5},"
                "\"tools\":[{\"name\":\"a\"},{\"name\":\"b\",\"timeout_s\":2}],\"tags\":[\"x\",\"y\"],"
                "\"schema\":{\"any\":[]}}");
        Failure failure;
        Agent agent = { .goal = TEXT("kept") };
        ck_assert_done(json_bind(value, agent_fields, arena, &agent, &failure), failure);
        ck_assert_text(agent.name, TEXT("guide"));
        ck_assert_text(agent.goal, TEXT("kept"));
        ck_assert_int_eq(agent.limit, -3);
        ck_assert_double_eq(agent.temperature, 1);
        ck_assert(agent.streams);
        ck_assert_text(agent.main_tool.name, TEXT("search"));
        ck_assert_uint_eq(agent.tools.count, 2);
        ck_assert_text(((Tool *) agent.tools.items)[1].name, TEXT("b"));
        ck_assert_int_eq(((Tool *) agent.tools.items)[1].timeout_s, 2);
        ck_assert_uint_eq(agent.tags.count, 2);
        ck_assert_text(((Text *) agent.tags.items)[1], TEXT("y"));
        ck_assert_ptr_eq(agent.schema, json_member(value, "schema"));
}
END_TEST

START_TEST(null_counts_as_absent) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(json_freep) Json *value = parsed("{\"name\":\"a\",\"limit\":null}");
        Failure failure;
        Agent agent = { .limit = 7 };
        ck_assert_done(json_bind(value, agent_fields, arena, &agent, &failure), failure);
        ck_assert_int_eq(agent.limit, 7);
}
END_TEST

START_TEST(refusals_name_the_member) {
        static const struct {
                const char *text, *sentence;
        } cases[] = {
                { "[]", "must be an object" },
                { "{}", "\"name\" is missing" },
                { "{\"name\":null}", "\"name\" is missing" },
                { "{\"name\":1}", "\"name\": must be text" },
                { "{\"name\":\"a\",\"nmae\":1}", "\"nmae\" is not known here" },
                { "{\"name\":\"a\",\"limit\":\"1\"}", "\"limit\": must be a whole number" },
                { "{\"name\":\"a\",\"limit\":1.5}", "\"limit\": must be a whole number" },
                { "{\"name\":\"a\",\"temperature\":\"hot\"}", "\"temperature\": must be a number" },
                { "{\"name\":\"a\",\"streams\":1}", "\"streams\": must be true or false" },
                { "{\"name\":\"a\",\"main_tool\":[]}", "\"main_tool\": must be an object" },
                { "{\"name\":\"a\",\"main_tool\":{}}", "\"main_tool\": \"name\" is missing" },
                { "{\"name\":\"a\",\"tools\":{}}", "\"tools\": must be an array" },
                { "{\"name\":\"a\",\"tools\":[{\"name\":\"a\"},{\"x\":1}]}",
                  "\"tools\": item 2: \"x\" is not known here" },
                { "{\"name\":\"a\",\"tags\":[\"x\",1]}", "\"tags\": item 2: must be text" },
                { "{\"name\":\"a\",\"tags\":[null]}", "\"tags\": item 1: must be text" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                _cleanup_(json_freep) Json *value = parsed(cases[i].text);
                Failure failure;
                Agent agent = { 0 };
                ck_assert_msg(!json_bind(value, agent_fields, arena, &agent, &failure), "%s", cases[i].text);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
                ck_assert_str_eq(failure.text, cases[i].sentence);
        }
}
END_TEST

START_TEST(open_table_leaves_unknown_members_alone) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(json_freep) Json *value = parsed("{\"name\":\"a\",\"other\":1}");
        Failure failure;
        Tool tool = { 0 };
        ck_assert_done(json_bind(value, open_fields, arena, &tool, &failure), failure);
        ck_assert_text(tool.name, TEXT("a"));
}
END_TEST

START_TEST(bound_text_outlives_the_value) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Json *value = parsed("{\"name\":\"outlives\"}");
        Failure failure;
        Tool tool = { 0 };
        ck_assert_done(json_bind(value, tool_fields, arena, &tool, &failure), failure);
        json_free(value);
        ck_assert_str_eq(tool.name.bytes, "outlives");
}
END_TEST

START_TEST(full_arena_is_a_failure) {
        static const char *const cases[] = { "{\"name\":\"0123456789012345678901234567890123456789\"}",
                                             "{\"name\":\"a\",\"tags\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]}" };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(32);
                _cleanup_(json_freep) Json *value = parsed(cases[i]);
                Failure failure;
                Agent agent = { 0 };
                ck_assert(!json_bind(value, agent_fields, arena, &agent, &failure));
                ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        }
}
END_TEST

UNIT_TESTS("base/json_bind", every_kind_of_member_is_bound, null_counts_as_absent, refusals_name_the_member,
           open_table_leaves_unknown_members_alone, bound_text_outlives_the_value, full_arena_is_a_failure)
