#include "component/shown/value.h"

#define JSON_LIMIT 1024 /* of a number */

bool value_is_empty(const Json *value) {
        switch (json_type_of(value)) {
        case JSON_TYPE_NULL:
                return true;
        case JSON_TYPE_TEXT:
                return json_to_text(value).length == 0;
        case JSON_TYPE_ARRAY:
        case JSON_TYPE_OBJECT:
                return json_count(value) == 0;
        default:
                return false;
        }
}

void value_add_name(TextBuilder *builder, Text name, const ValueStyle *style) {
        for (Text part; text_split(&name, '_', &part);) {
                style->add(builder, part);
                if (name.length > 0)
                        text_add_char(builder, ' ');
        }
}

static void add_number(TextBuilder *builder, const Json *value, const ValueStyle *style) {
        _cleanup_(arena_freep) Arena *arena = arena_new(JSON_LIMIT);
        Text text;

        if (json_compact(value, arena, &text))
                style->add(builder, text);
}

static void add_items(TextBuilder *builder, const Json *array, const ValueStyle *style) {
        const char *gap = value_is_nested(array) ? "; " : ", ";

        for (size_t i = 0; i < json_count(array); i++) {
                text_add_string(builder, i ? gap : "");
                value_add(builder, json_item(array, i), style);
        }
}

static void add_members(TextBuilder *builder, const Json *object, const ValueStyle *style) {
        const char *gap = "";
        Text name;
        Json *value;

        for (JsonIterator i = { 0 }; json_each(object, &i, &name, &value); gap = ", ") {
                text_add_string(builder, gap);
                value_add_name(builder, name, style);
                text_add_string(builder, ": ");
                value_add(builder, value, style);
        }
}

void value_add_none(TextBuilder *builder, const char *items) {
        text_add_format(builder, "No %s found.", items);
}

void value_add(TextBuilder *builder, const Json *value, const ValueStyle *style) {
        if (value_is_empty(value)) {
                text_add_string(builder, style->nothing);
                return;
        }
        switch (json_type_of(value)) {
        case JSON_TYPE_TEXT:
                style->add(builder, json_to_text(value));
                break;
        case JSON_TYPE_BOOLEAN:
                text_add_string(builder, json_to_boolean(value) ? "yes" : "no");
                break;
        case JSON_TYPE_ARRAY:
                add_items(builder, value, style);
                break;
        case JSON_TYPE_OBJECT:
                add_members(builder, value, style);
                break;
        default:
                add_number(builder, value, style);
        }
}

bool value_is_nested(const Json *value) {
        if (json_type_of(value) == JSON_TYPE_OBJECT)
                return !value_is_empty(value);
        for (size_t i = 0; json_type_of(value) == JSON_TYPE_ARRAY && i < json_count(value); i++)
                if (value_is_nested(json_item(value, i)))
                        return true;
        return false;
}

bool value_is_row(const Json *value) {
        Text name;
        Json *member;

        for (JsonIterator i = { 0 }; json_type_of(value) == JSON_TYPE_OBJECT && json_each(value, &i, &name, &member);)
                if (value_is_nested(member))
                        return false;
        return json_type_of(value) == JSON_TYPE_OBJECT;
}

static void begin_line(TextBuilder *builder, const ValueStyle *style, int depth) {
        text_add_format(builder, "\n%*s%s", 2 * depth, "", style->bullet);
}

static void add_rest(TextBuilder *builder, const Json *value, const ValueStyle *style, int depth) {
        if (value_is_nested(value)) {
                value_add_outline(builder, value, style, depth + 1);
                return;
        }
        text_add_char(builder, ' ');
        value_add(builder, value, style);
}

void value_add_outline(TextBuilder *builder, const Json *value, const ValueStyle *style, int depth) {
        Text name;
        Json *member;

        for (size_t i = 0; json_type_of(value) == JSON_TYPE_ARRAY && i < json_count(value); i++) {
                const Json *item = json_item(value, i);
                begin_line(builder, style, depth);
                if (value_is_row(item) || !value_is_nested(item)) {
                        value_add(builder, item, style);
                        continue;
                }
                text_add_format(builder, "%zu:", i + 1);
                value_add_outline(builder, item, style, depth + 1);
        }
        for (JsonIterator i = { 0 }; json_type_of(value) == JSON_TYPE_OBJECT && json_each(value, &i, &name, &member);) {
                begin_line(builder, style, depth);
                value_add_name(builder, name, style);
                text_add_char(builder, ':');
                add_rest(builder, member, style, depth);
        }
}
