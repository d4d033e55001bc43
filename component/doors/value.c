#include "component/doors/value.h"

void value_add(TextBuilder *builder, const Json *value, const ValueStyle *style) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Text text;

        switch (json_type_of(value)) {
        case JSON_TYPE_NULL:
                text_add_string(builder, style->nothing);
                break;
        case JSON_TYPE_TEXT:
                style->add(builder, json_to_text(value));
                break;
        case JSON_TYPE_BOOLEAN:
                text_add_string(builder, json_to_boolean(value) ? "yes" : "no");
                break;
        case JSON_TYPE_ARRAY:
                for (size_t i = 0; i < json_count(value); i++) {
                        text_add_string(builder, i ? ", " : "");
                        value_add(builder, json_item(value, i), style);
                }
                break;
        default:
                arena = arena_new(style->json_limit);
                if (json_compact(value, arena, &text))
                        style->add(builder, text);
        }
}
