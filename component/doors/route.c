#include "component/doors/route.h"

#include <ctype.h>
#include <stdio.h>

/* Splits at slashes; false when there are more parts than any row has. An empty part matches nothing. */
static bool split_path(Text path, Text *parts, size_t *ret_count) {
        Text part;
        *ret_count = 0;
        while (text_split(&path, '/', &part)) {
                if (*ret_count == ROUTE_PARTS_LIMIT)
                        return false;
                parts[(*ret_count)++] = part;
        }
        return true;
}

static bool is_parameter(Text part) {
        return part.length > 2 && part.bytes[0] == '{';
}

static bool matches(const Operation *operation, const Text *parts, size_t count) {
        Text wanted[ROUTE_PARTS_LIMIT] = { 0 };
        size_t wanted_count;
        if (!split_path(text_of(operation->path + 1), wanted, &wanted_count) || wanted_count != count)
                return false;
        for (size_t i = 0; i < count; i++)
                if (is_parameter(wanted[i]) ? parts[i].length == 0 : !text_equal(wanted[i], parts[i]))
                        return false;
        return true;
}

static const char *member_name(Arena *arena, Text part) {
        return text_string(arena, (Text){ part.bytes + 1, part.length - 2 });
}

static bool add_parts(const Operation *operation, const Text *parts, Arena *arena, Json *input) {
        Text wanted[ROUTE_PARTS_LIMIT] = { 0 };
        size_t count;
        if (!split_path(text_of(operation->path + 1), wanted, &count))
                return false;
        for (size_t i = 0; i < count; i++) {
                const char *name = is_parameter(wanted[i]) ? member_name(arena, wanted[i]) : NULL;
                if (name)
                        json_put_text(input, name, parts[i]);
        }
        return true;
}

bool route_find(const char *method, Text path, Arena *arena, Json *input, const Operation **ret_operation,
                Text *ret_allowed, Failure *reterr_failure) {
        Text prefix = TEXT(ROUTE_PREFIX "/"), parts[ROUTE_PARTS_LIMIT] = { 0 };
        size_t count;
        TextBuilder allowed = text_builder(128);
        *ret_allowed = TEXT_NONE;
        if (!text_starts_with(path, prefix) ||
            !split_path((Text){ path.bytes + prefix.length, path.length - prefix.length }, parts, &count))
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is nothing at this path");
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                if (!matches(*row, parts, count))
                        continue;
                if (strcmp((*row)->method, method) == 0) {
                        text_builder_release(&allowed);
                        *ret_operation = *row;
                        return add_parts(*row, parts, arena, input);
                }
                text_add_format(&allowed, "%s%s", allowed.length ? ", " : "", (*row)->method);
        }
        *ret_allowed = text_copy(arena, text_built(&allowed));
        text_builder_release(&allowed);
        if (ret_allowed->length == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is nothing at this path");
        return failure_set(reterr_failure, FAILURE_UNSUPPORTED, "this path takes %.*s", TEXT_ARGUMENTS(*ret_allowed));
}

bool route_add_body(Text body, Json *input, Failure *reterr_failure) {
        if (text_trim(body).length == 0)
                return true;
        _cleanup_(json_freep) Json *object = NULL;
        if (!json_parse(body, ROUTE_BODY_LIMIT, &object, reterr_failure))
                return failure_prefix(reterr_failure, "body");
        if (json_type_of(object) != JSON_TYPE_OBJECT)
                return failure_set(reterr_failure, FAILURE_INVALID, "the body must be a JSON object");
        Text name;
        Json *value;
        Arena *arena = arena_new(0);
        bool done = true;
        for (JsonIterator i = { 0 }; done && json_each(object, &i, &name, &value);) {
                const char *member = text_string(arena, name);
                if (!member || json_member(input, member))
                        done = failure_set(reterr_failure, FAILURE_INVALID, "'%.*s' is given twice",
                                           TEXT_ARGUMENTS(text_prefix(name, 64)));
                else
                        json_put(input, member, json_clone(value));
        }
        arena_free(arena);
        return done;
}

bool route_add_query(const char *name, Text value, Json *input, Failure *reterr_failure) {
        if (json_member(input, name) || !text_is_utf8(text_of(name)) || !text_is_utf8(value))
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "the query's '%.64s' is given twice or is not UTF-8", name);
        json_put_text(input, name, value);
        return true;
}

Json *route_problem(const Failure *failure, int status) {
        const char *name = failure_form(failure->kind)->name;
        char urn[80], title[64];
        snprintf(urn, sizeof(urn), "urn:aiox:problem:%s", name);
        snprintf(title, sizeof(title), "%c%s", toupper((unsigned char) name[0]), name + 1);
        for (char *c = title; *c; c++)
                if (*c == '-')
                        *c = ' ';
        Json *problem = json_new_object();
        json_put_string(problem, "type", urn);
        json_put_string(problem, "title", title);
        json_put_integer(problem, "status", status);
        json_put_string(problem, "code", name);
        json_put_string(problem, "detail", failure->text);
        return problem;
}
