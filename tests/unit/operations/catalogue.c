#include "component/doors/route.h"
#include "orchestrator/operations/operation.h"
#include "tests/unit/unit.h"

#include <ctype.h>
#include <stdio.h>

START_TEST(every_operation_says_what_doors_need) {
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                const Operation *operation = *row;
                Text noun, verb;
                operation_words(operation, &noun, &verb);
                ck_assert_msg(noun.length > 0 && verb.length > 0, "%s", operation->name);
                ck_assert_msg(operation->summary[strlen(operation->summary) - 1] == '.', "%s", operation->name);
                ck_assert_msg(isupper((unsigned char) operation->summary[0]), "%s", operation->name);
                ck_assert_msg(operation->run && operation->method && operation->path[0] == '/', "%s", operation->name);
                ck_assert_ptr_eq(operation_find(text_of(operation->name)), operation);
        }
        ck_assert_ptr_null(operation_find(TEXT("agent-explode")));
}
END_TEST

START_TEST(names_and_routes_are_unique) {
        for (const Operation *const *a = operation_catalogue; *a; a++)
                for (const Operation *const *b = operation_catalogue; *b; b++) {
                        if (a == b)
                                continue;
                        ck_assert_str_ne((*a)->name, (*b)->name);
                        ck_assert_msg(strcmp((*a)->method, (*b)->method) != 0 || strcmp((*a)->path, (*b)->path) != 0,
                                      "%s and %s", (*a)->name, (*b)->name);
                }
}
END_TEST

/* What is longer than a query may be. */
static bool takes_documents(const Operation *operation) {
        const Field *field;
        for (size_t i = 0; (field = operation_input(operation, i)); i++)
                if (field->type == FIELD_LONG_TEXT)
                        return true;
        return false;
}

START_TEST(reading_is_get_unless_documents_are_given_and_nothing_else_is) {
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                bool get = strcmp((*row)->method, "GET") == 0;
                bool reads = (*row)->effect == EFFECT_READ;
                ck_assert_msg(get ? reads : !reads || takes_documents(*row), "%s", (*row)->name);
                ck_assert_msg((strcmp((*row)->method, "DELETE") == 0) == ((*row)->effect == EFFECT_DESTROY), "%s",
                              (*row)->name);
        }
}
END_TEST

START_TEST(fields_are_named_once_and_defaults_are_valid) {
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                const Field *field, *other;
                for (size_t i = 0; (field = operation_input(*row, i)); i++) {
                        ck_assert_msg(field->help && field->help[strlen(field->help) - 1] == '.', "%s %s", (*row)->name,
                                      field->name);
                        ck_assert_msg((field->type == FIELD_CHOICE) == (field->choices != NULL), "%s %s", (*row)->name,
                                      field->name);
                        for (size_t j = 0; (other = operation_input(*row, j)); j++)
                                ck_assert_msg(i == j || strcmp(field->name, other->name) != 0, "%s %s", (*row)->name,
                                              field->name);
                }
        }
}
END_TEST

/* Every {part} of a path is a required field, so that a route always has what it needs. */
START_TEST(parts_of_paths_are_required_fields) {
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                Text rest = text_of((*row)->path + 1), part;
                while (text_split(&rest, '/', &part)) {
                        if (part.bytes[0] != '{')
                                continue;
                        const Field *field = operation_field(*row, (Text){ part.bytes + 1, part.length - 2 });
                        ck_assert_msg(field && field->need == REQUIRED, "%s %.*s", (*row)->name, TEXT_ARGUMENTS(part));
                }
        }
}
END_TEST

START_TEST(every_route_leads_to_its_operation) {
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                Arena *arena = arena_new(0);
                Json *input = json_new_object();
                const Operation *found;
                Text allowed;
                Failure failure = { 0 };
                char path[200];
                snprintf(path, sizeof(path), "/api/v1%s", (*row)->path);
                ck_assert_done(route_find((*row)->method, text_of(path), arena, input, &found, &allowed, &failure),
                               failure);
                ck_assert_ptr_eq(found, *row);
                json_free(input);
                arena_free(arena);
        }
}
END_TEST

START_TEST(wrong_routes_are_refused_alike) {
        static const struct {
                const char *method, *path;
                FailureKind kind;
                const char *allowed;
        } cases[] = {
                { "GET", "/api/v1/nothing", FAILURE_NOT_FOUND, "" },
                { "GET", "/api/v1/", FAILURE_NOT_FOUND, "" },
                { "GET", "/", FAILURE_NOT_FOUND, "" },
                { "GET", "/api/v2/agents", FAILURE_NOT_FOUND, "" },
                { "GET", "/api/v1/agents//", FAILURE_NOT_FOUND, "" },
                { "GET", "/api/v1/agents//grants", FAILURE_NOT_FOUND, "" },
                { "GET", "/api/v1/a/b/c/d/e/f/g/h/i/j/k", FAILURE_NOT_FOUND, "" },
                { "PUT", "/api/v1/agents", FAILURE_UNSUPPORTED, "POST, GET" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Arena *arena = arena_new(0);
                Json *input = json_new_object();
                const Operation *found;
                Text allowed;
                Failure failure = { 0 };
                ck_assert(
                        !route_find(cases[i].method, text_of(cases[i].path), arena, input, &found, &allowed, &failure));
                ck_assert_msg(failure.kind == cases[i].kind, "%s", cases[i].path);
                ck_assert_text(allowed, text_of(cases[i].allowed));
                json_free(input);
                arena_free(arena);
        }
}
END_TEST

START_TEST(a_body_cannot_say_again_what_the_path_said) {
        Json *input = json_new_object();
        Failure failure = { 0 };
        json_put_string(input, "agent", "guide");
        ck_assert_done(route_add_body(TEXT("{\"reason\":\"x\"}"), input, &failure), failure);
        ck_assert_done(route_add_body(TEXT("  "), input, &failure), failure);
        ck_assert(!route_add_body(TEXT("{\"agent\":\"other\"}"), input, &failure));
        ck_assert(!route_add_body(TEXT("[]"), input, &failure));
        ck_assert(!route_add_body(TEXT("{\"a\":1,\"a\":2}"), input, &failure));
        ck_assert(!route_add_body(TEXT("{"), input, &failure));
        ck_assert(!route_add_body(TEXT("{\"a\":\"\xff\"}"), input, &failure));
        ck_assert(!route_add_query("agent", TEXT("x"), input, &failure));
        ck_assert(!route_add_query("limit", TEXT("\xff"), input, &failure));
        ck_assert_done(route_add_query("limit", TEXT("5"), input, &failure), failure);
        json_free(input);
}
END_TEST

START_TEST(a_problem_names_kind_status_and_sentence) {
        Failure failure;
        failure_set(&failure, FAILURE_NOT_FOUND, "there is no such agent");
        Json *problem = route_problem(&failure, 404);
        Arena *arena = arena_new(0);
        Text text;
        ck_assert(json_canonical(problem, arena, &text));
        ck_assert_text(text, TEXT("{\"code\":\"not-found\",\"detail\":\"there is no such agent\",\"status\":404,"
                                  "\"title\":\"Not found\",\"type\":\"urn:aiox:problem:not-found\"}"));
        json_free(problem);
        arena_free(arena);
}
END_TEST

UNIT_TESTS("operations/catalogue", every_operation_says_what_doors_need, names_and_routes_are_unique,
           reading_is_get_unless_documents_are_given_and_nothing_else_is, fields_are_named_once_and_defaults_are_valid,
           parts_of_paths_are_required_fields, every_route_leads_to_its_operation, wrong_routes_are_refused_alike,
           a_body_cannot_say_again_what_the_path_said, a_problem_names_kind_status_and_sentence)
