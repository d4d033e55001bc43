/* JSON: parsing with limits, one table-driven reader that binds an object to a struct, and building. The only user of
 * jansson. Unknown members are refused by name unless the table ends in BIND_REST. Not JSON Schema.
 *
 * Names keep clear of those that jansson exports, which the linker would confuse with ours.
 *
 * A Json value is owned by who holds it (json_free); json_put_…() and json_append() take their value over. Any thread,
 * one at a time per value; never blocks.
 */
#pragma once

#include "base/failure.h"

typedef struct json_t Json;

/* Strict RFC 8259: UTF-8, no duplicate members, no U+0000, integers of 64 bits, at most 64 levels; limit in bytes
 * (0 = 1 MiB). The failure says line and column, and quotes nothing. */
bool json_parse(Text text, size_t limit, Json **ret_value, Failure *reterr_failure) _must_check_;
/* Compact, members sorted by their UTF-16 code units, shortest numbers: RFC 8785. Text lives in the arena. False when
 * its limit is reached, or an integer beyond 2^53 would lose digits. */
bool json_canonical(const Json *value, Arena *arena, Text *ret_text) _must_check_;
/* For programs: compact, members as they were put, every integer whole. */
bool json_compact(const Json *value, Arena *arena, Text *ret_text) _must_check_;
/* For people: two spaces of indent, members as they were put. */
bool json_pretty(const Json *value, Arena *arena, Text *ret_text) _must_check_;
void json_free(Json *value);
DEFINE_RELEASE(Json *, json_free)
Json *json_clone(const Json *value);

/* Building. Never NULL; Text that is not UTF-8 becomes U+FFFD at its bad bytes, a real that is no number null. */
Json *json_new_object(void);
Json *json_new_array(void);
Json *json_new_text(Text text);
Json *json_new_integer(int64_t value);
Json *json_new_real(double value);
Json *json_new_boolean(bool value);
Json *json_new_null(void);
void json_put(Json *object, const char *name, Json *value);
void json_put_text(Json *object, const char *name, Text value);
void json_put_string(Json *object, const char *name, const char *value); /* NULL puts null */
void json_put_integer(Json *object, const char *name, int64_t value);
void json_put_boolean(Json *object, const char *name, bool value);
void json_append(Json *array, Json *value);

/* Looking. Members and items are borrowed; NULL and TEXT_NONE when absent or of another type. */
typedef enum JsonType {
        JSON_TYPE_NULL,
        JSON_TYPE_BOOLEAN,
        JSON_TYPE_INTEGER,
        JSON_TYPE_REAL,
        JSON_TYPE_TEXT,
        JSON_TYPE_ARRAY,
        JSON_TYPE_OBJECT,
} JsonType;
JsonType json_type_of(const Json *value);
Json *json_member(const Json *object, const char *name);
size_t json_count(const Json *array_or_object);
Json *json_item(const Json *array, size_t index);
/* Members in their order: for (JsonIterator i = { 0 }; json_each(object, &i, &name, &value);) */
typedef struct JsonIterator {
        void *next;
        bool started;
} JsonIterator;
bool json_each(const Json *object, JsonIterator *iterator, Text *ret_name, Json **ret_value);
Text json_to_text(const Json *value);
bool json_to_integer(const Json *value, int64_t *ret_value);
double json_to_real(const Json *value);  /* integers too; 0 otherwise */
bool json_to_boolean(const Json *value); /* true only for true */

/* Binding an object to a struct. */
typedef enum JsonBind {
        BIND_END,
        BIND_REST,    /* last row: unknown members are left alone */
        BIND_TEXT,    /* Text, copied into the arena */
        BIND_INTEGER, /* int64_t */
        BIND_REAL,    /* double; integers too */
        BIND_BOOLEAN, /* bool */
        BIND_OBJECT,  /* a struct in place, bound by .fields */
        BIND_ARRAY,   /* JsonList of structs of .item_size bound by .fields, or of Text without .fields */
        BIND_ANY,     /* Json *, borrowed from the parsed value */
} JsonBind;

typedef struct JsonField {
        const char *name;
        JsonBind bind;
        size_t offset;
        bool required; /* absent or null is then refused by name */
        size_t item_size;
        const struct JsonField *fields;
} JsonField;

typedef struct JsonList {
        void *items;
        size_t count;
} JsonList;

/* What is absent keeps the value the struct has. */
bool json_bind(const Json *object, const JsonField *fields, Arena *arena, void *ret_struct,
               Failure *reterr_failure) _must_check_;
