#include "base/json.h"

#include <jansson.h>
#include <math.h>

#define DEFAULT_LIMIT ((size_t) 1024 * 1024)
#define DEPTH_LIMIT   64

/* jansson parses deeper than we let anybody recurse. Strings are skipped; whether the rest is JSON is its business. */
static bool check_depth(Text text, Failure *reterr_failure) {
        size_t depth = 0;
        bool in_string = false;
        for (size_t i = 0; i < text.length; i++) {
                char c = text.bytes[i];
                if (c == '"')
                        in_string = !in_string;
                else if (in_string)
                        i += c == '\\';
                else if ((c == '{' || c == '[') && ++depth > DEPTH_LIMIT)
                        return failure_set(reterr_failure, FAILURE_TOO_LARGE,
                                           "the JSON text is nested deeper than %d levels", DEPTH_LIMIT);
                else if ((c == '}' || c == ']') && depth > 0)
                        depth--;
        }
        return true;
}

bool json_parse(Text text, size_t limit, Json **ret_value, Failure *reterr_failure) {
        limit = limit == 0 ? DEFAULT_LIMIT : limit;
        if (text.length > limit)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the JSON text is longer than %zu bytes", limit);
        if (!check_depth(text, reterr_failure))
                return false;
        json_error_t error;
        json_t *value = json_loadb(text.bytes ? text.bytes : "", text.length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                                   &error);
        if (!value) {
                /* What stands near the mistake may be a secret, and the sentence may be logged. */
                char *near = strstr(error.text, " near '");
                if (near)
                        *near = '\0';
                return failure_set(reterr_failure, FAILURE_INVALID, "the text is not JSON: line %d, column %d: %s",
                                   error.line, error.column, error.text);
        }
        *ret_value = value;
        return true;
}

void json_free(Json *value) {
        json_decref(value);
}

static Json *made(Json *value) {
        if (!value)
                abort();
        return value;
}

Json *json_clone(const Json *value) {
        return made(json_deep_copy(value));
}

Json *json_new_object(void) {
        return made(json_object());
}

Json *json_new_array(void) {
        return made(json_array());
}

Json *json_new_text(Text text) {
        if (text_is_utf8(text))
                return made(json_stringn_nocheck(text.bytes ? text.bytes : "", text.length));
        TextBuilder repaired = text_builder(SIZE_MAX / 2);
        text_add_repaired(&repaired, text);
        Json *value = made(json_stringn_nocheck(repaired.bytes, repaired.length));
        text_builder_release(&repaired);
        return value;
}

Json *json_new_integer(int64_t value) {
        return made(json_integer(value));
}

Json *json_new_real(double value) {
        return isfinite(value) ? made(json_real(value)) : json_null();
}

Json *json_new_boolean(bool value) {
        return json_boolean(value);
}

Json *json_new_null(void) {
        return json_null();
}

void json_put(Json *object, const char *name, Json *value) {
        if (json_object_set_new(object, name, value) != 0)
                abort(); /* not an object, a name that is not UTF-8, or no memory: none comes from outside */
}

void json_put_text(Json *object, const char *name, Text value) {
        json_put(object, name, json_new_text(value));
}

void json_put_string(Json *object, const char *name, const char *value) {
        json_put(object, name, value ? json_new_text(text_of(value)) : json_null());
}

void json_put_integer(Json *object, const char *name, int64_t value) {
        json_put(object, name, json_new_integer(value));
}

void json_put_boolean(Json *object, const char *name, bool value) {
        json_put(object, name, json_new_boolean(value));
}

void json_append(Json *array, Json *value) {
        if (json_array_append_new(array, value) != 0)
                abort();
}

JsonType json_type_of(const Json *value) {
        static const JsonType types[] = {
                [JSON_OBJECT] = JSON_TYPE_OBJECT,   [JSON_ARRAY] = JSON_TYPE_ARRAY, [JSON_STRING] = JSON_TYPE_TEXT,
                [JSON_INTEGER] = JSON_TYPE_INTEGER, [JSON_REAL] = JSON_TYPE_REAL,   [JSON_TRUE] = JSON_TYPE_BOOLEAN,
                [JSON_FALSE] = JSON_TYPE_BOOLEAN,   [JSON_NULL] = JSON_TYPE_NULL,
        };
        return value ? types[json_typeof(value)] : JSON_TYPE_NULL;
}

Json *json_member(const Json *object, const char *name) {
        return json_object_get(object, name);
}

size_t json_count(const Json *array_or_object) {
        return json_is_object(array_or_object) ? json_object_size(array_or_object) : json_array_size(array_or_object);
}

Json *json_item(const Json *array, size_t index) {
        return json_array_get(array, index);
}

bool json_each(const Json *object, JsonIterator *iterator, Text *ret_name, Json **ret_value) {
        json_t *walked = (json_t *) object; /* jansson's iterators do not change what they walk */
        iterator->next = iterator->started ? json_object_iter_next(walked, iterator->next) : json_object_iter(walked);
        iterator->started = true;
        if (!iterator->next)
                return false;
        *ret_name = (Text){ json_object_iter_key(iterator->next), json_object_iter_key_len(iterator->next) };
        *ret_value = json_object_iter_value(iterator->next);
        return true;
}

Text json_to_text(const Json *value) {
        return json_is_string(value) ? (Text){ json_string_value(value), json_string_length(value) } : TEXT_NONE;
}

bool json_to_integer(const Json *value, int64_t *ret_value) {
        if (!json_is_integer(value))
                return false;
        *ret_value = json_integer_value(value);
        return true;
}

double json_to_real(const Json *value) {
        return json_number_value(value);
}

bool json_to_boolean(const Json *value) {
        return json_is_true(value);
}
