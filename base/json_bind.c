#include "base/json.h"

static bool bind_object(const Json *object, const JsonField *fields, Arena *arena, void *ret_struct,
                        Failure *reterr_failure);

static bool refuse_for_room(Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_TOO_LARGE, "no room is left for the values");
}

static bool bind_text(const Json *value, Arena *arena, Text *ret_text, Failure *reterr_failure) {
        if (json_type_of(value) != JSON_TYPE_TEXT)
                return failure_set(reterr_failure, FAILURE_INVALID, "must be text");
        Text copy = text_copy(arena, json_to_text(value));
        if (!copy.bytes)
                return refuse_for_room(reterr_failure);
        *ret_text = copy;
        return true;
}

static bool bind_item(const Json *value, const JsonField *field, Arena *arena, void *ret_item,
                      Failure *reterr_failure) {
        if (field->fields)
                return bind_object(value, field->fields, arena, ret_item, reterr_failure);
        return bind_text(value, arena, ret_item, reterr_failure);
}

static bool bind_array(const Json *value, const JsonField *field, Arena *arena, JsonList *ret_list,
                       Failure *reterr_failure) {
        if (json_type_of(value) != JSON_TYPE_ARRAY)
                return failure_set(reterr_failure, FAILURE_INVALID, "must be an array");
        size_t count = json_count(value), size = field->fields ? field->item_size : sizeof(Text);
        char *items = arena_take_items(arena, size, count);
        if (!items)
                return refuse_for_room(reterr_failure);
        for (size_t i = 0; i < count; i++)
                if (!bind_item(json_item(value, i), field, arena, items + i * size, reterr_failure))
                        return failure_prefix(reterr_failure, "item %zu", i + 1);
        *ret_list = (JsonList){ items, count };
        return true;
}

static bool bind_integer(const Json *value, int64_t *ret_integer, Failure *reterr_failure) {
        if (!json_to_integer(value, ret_integer))
                return failure_set(reterr_failure, FAILURE_INVALID, "must be a whole number");
        return true;
}

static bool bind_real(const Json *value, double *ret_real, Failure *reterr_failure) {
        if (json_type_of(value) != JSON_TYPE_REAL && json_type_of(value) != JSON_TYPE_INTEGER)
                return failure_set(reterr_failure, FAILURE_INVALID, "must be a number");
        *ret_real = json_to_real(value);
        return true;
}

static bool bind_boolean(const Json *value, bool *ret_boolean, Failure *reterr_failure) {
        if (json_type_of(value) != JSON_TYPE_BOOLEAN)
                return failure_set(reterr_failure, FAILURE_INVALID, "must be true or false");
        *ret_boolean = json_to_boolean(value);
        return true;
}

static bool bind_value(Json *value, const JsonField *field, Arena *arena, void *ret_place, Failure *reterr_failure) {
        switch (field->bind) {
        case BIND_TEXT:
                return bind_text(value, arena, ret_place, reterr_failure);
        case BIND_INTEGER:
                return bind_integer(value, ret_place, reterr_failure);
        case BIND_REAL:
                return bind_real(value, ret_place, reterr_failure);
        case BIND_BOOLEAN:
                return bind_boolean(value, ret_place, reterr_failure);
        case BIND_OBJECT:
                return bind_object(value, field->fields, arena, ret_place, reterr_failure);
        case BIND_ARRAY:
                return bind_array(value, field, arena, ret_place, reterr_failure);
        case BIND_ANY:
                *(Json **) ret_place = value;
                return true;
        case BIND_END:
        case BIND_REST:
                break;
        }
        abort(); /* a row that ends a table is not looked up */
}

static bool ends_table(const JsonField *field) {
        return field->bind == BIND_END || field->bind == BIND_REST;
}

static bool check_unknown(const Json *object, const JsonField *fields, Failure *reterr_failure) {
        Text name;
        Json *value;
        for (JsonIterator i = { 0 }; json_each(object, &i, &name, &value);) {
                const JsonField *field = fields;
                while (!ends_table(field) && !text_equal(name, text_of(field->name)))
                        field++;
                if (field->bind == BIND_END)
                        return failure_set(reterr_failure, FAILURE_INVALID, "\"%.*s\" is not known here",
                                           TEXT_ARGUMENTS(text_prefix(name, 64)));
        }
        return true;
}

static bool bind_object(const Json *object, const JsonField *fields, Arena *arena, void *ret_struct,
                        Failure *reterr_failure) {
        if (json_type_of(object) != JSON_TYPE_OBJECT)
                return failure_set(reterr_failure, FAILURE_INVALID, "must be an object");
        if (!check_unknown(object, fields, reterr_failure))
                return false;
        for (const JsonField *field = fields; !ends_table(field); field++) {
                Json *value = json_member(object, field->name);
                if (json_type_of(value) != JSON_TYPE_NULL) {
                        if (!bind_value(value, field, arena, (char *) ret_struct + field->offset, reterr_failure))
                                return failure_prefix(reterr_failure, "\"%s\"", field->name);
                } else if (field->required) {
                        return failure_set(reterr_failure, FAILURE_INVALID, "\"%s\" is missing", field->name);
                }
        }
        return true;
}

bool json_bind(const Json *object, const JsonField *fields, Arena *arena, void *ret_struct, Failure *reterr_failure) {
        return bind_object(object, fields, arena, ret_struct, reterr_failure);
}
