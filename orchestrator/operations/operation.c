#include "orchestrator/operations/operation.h"

#include "base/nearest.h"

const Field list_fields[] = {
        { "limit", FIELD_INTEGER, OPTIONAL, "How many at most.", .fallback = "50", .least = 1, .most = 200 },
        { "after", FIELD_TEXT, OPTIONAL, "Go on after this one: `after` of the answer before.", .most = 400 },
        { .type = FIELD_END },
};

const Operation *operation_find(Text name) {
        for (const Operation *const *operation = operation_catalogue; *operation; operation++)
                if (text_equal(name, text_of((*operation)->name)))
                        return *operation;
        return NULL;
}

const Operation *operation_alone(Text noun) {
        for (const Operation *const *operation = operation_catalogue; *operation; operation++) {
                Text first, verb;
                operation_words(*operation, &first, &verb);
                if ((*operation)->alone && text_equal(first, noun))
                        return *operation;
        }
        return NULL;
}

void operation_words(const Operation *operation, Text *ret_noun, Text *ret_verb) {
        *ret_verb = text_of(operation->name);
        text_split(ret_verb, '-', ret_noun);
}

static size_t field_count(const Field *fields) {
        size_t count = 0;
        while (fields && fields[count].type != FIELD_END)
                count++;
        return count;
}

const Field *operation_input(const Operation *operation, size_t index) {
        size_t own = field_count(operation->input);
        if (index < own)
                return &operation->input[index];
        return index - own < field_count(operation->shared) ? &operation->shared[index - own] : NULL;
}

const Field *operation_field(const Operation *operation, Text name) {
        const Field *field;
        for (size_t i = 0; (field = operation_input(operation, i)); i++)
                if (text_distance(text_of(field->name), name) == 0)
                        return field;
        return NULL;
}

const Field *operation_field_of(const Operation *operation, FieldType type) {
        const Field *field;
        for (size_t i = 0; (field = operation_input(operation, i)); i++)
                if (field->type == type)
                        return field;
        return NULL;
}
