/* Prints every operation's row as a line of JSON, for tests that try them all. */
#include "orchestrator/operations/operation.h"

#include <stdio.h>

static void put_field(Json *fields, const Operation *operation, const Field *field) {
        Json *row = json_new_object();

        json_put_text(row, "name", text_of(field->name));
        json_put_text(row, "type", text_of(field_type_name(field->type)));
        json_put_boolean(row, "required", field->need == REQUIRED);
        json_put_text(row, "choices", text_of(field->choices ? field->choices : ""));
        json_put_boolean(row, "tenant",
                         operation->tenant_field && text_equal(text_of(operation->tenant_field), text_of(field->name)));
        json_append(fields, row);
}

int main(void) {
        for (const Operation *const *each = operation_catalogue; *each; each++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                const Operation *operation = *each;
                Json *row = json_new_object(), *fields = json_new_array();
                const Field *field;
                Text line;

                for (size_t i = 0; (field = operation_input(operation, i)); i++)
                        put_field(fields, operation, field);
                json_put_text(row, "name", text_of(operation->name));
                json_put_text(row, "method", text_of(operation->method));
                json_put_text(row, "path", text_of(operation->path));
                json_put_boolean(row, "platform", operation->role == ROLE_PLATFORM);
                json_put_boolean(row, "tenant", operation->scope == SCOPE_TENANT);
                json_put_boolean(row, "destroys", operation->effect == EFFECT_DESTROY);
                json_put(row, "fields", fields);
                if (!json_compact(row, arena, &line))
                        return 1;
                printf("%.*s\n", TEXT_ARGUMENTS(line));
                json_free(row);
        }
        return 0;
}
