#include "xmpp/forms.h"

#include "xmpp/namespaces.h"

static const char *const form_types[FORM_TYPE_COUNT] = { "form", "submit", "cancel", "result" };

static const char *const field_types[FORM_FIELD_TYPE_COUNT] = {
        [FORM_TEXT_SINGLE] = "text-single", [FORM_TEXT_MULTI] = "text-multi", [FORM_TEXT_PRIVATE] = "text-private",
        [FORM_LIST_SINGLE] = "list-single", [FORM_LIST_MULTI] = "list-multi", [FORM_BOOLEAN] = "boolean",
        [FORM_JID_SINGLE] = "jid-single",   [FORM_JID_MULTI] = "jid-multi",   [FORM_FIXED] = "fixed",
        [FORM_HIDDEN] = "hidden",
};

/* Appends to a list that has a first and a last. */
#define APPEND(first, last, item)                                                                                      \
        do {                                                                                                           \
                if (last)                                                                                              \
                        (last)->next = (item);                                                                         \
                else                                                                                                   \
                        (first) = (item);                                                                              \
                (last) = (item);                                                                                       \
        } while (0)

static void *take(Form *form, size_t size) {
        void *memory = form ? arena_take(form->arena, size) : NULL;

        if (form && !memory)
                form->incomplete = true;
        return memory;
}

Form *form_new(Arena *arena, FormType type) {
        Form *form = arena_take(arena, sizeof(*form));

        if (form)
                *form = (Form){ .type = type, .arena = arena };
        return form;
}

static FormValue *value_new(Form *form, Text text) {
        FormValue *value = take(form, sizeof(*value));

        if (value)
                value->text = text;
        return value;
}

void form_add_instruction(Form *form, Text text) {
        FormValue *value = value_new(form, text);

        if (value)
                APPEND(form->instructions, form->last_instruction, value);
}

static FormField *field_new(Form *form, FormFieldType type, Text name, Text label) {
        FormField *field = take(form, sizeof(*field));

        if (field)
                *field = (FormField){ .type = type, .name = name, .label = label, .form = form };
        return field;
}

FormField *form_add_field(Form *form, FormFieldType type, Text name, Text label) {
        FormField *field = field_new(form, type, name, label);

        if (field)
                APPEND(form->fields, form->last_field, field);
        return field;
}

void form_add_text(Form *form, Text text) {
        form_field_add_value(form_add_field(form, FORM_FIXED, TEXT_NONE, TEXT_NONE), text);
}

void form_set_kind(Form *form, Text kind) {
        form_field_add_value(form_add_field(form, FORM_HIDDEN, TEXT("FORM_TYPE"), TEXT_NONE), kind);
}

void form_field_add_value(FormField *field, Text text) {
        FormValue *value = field ? value_new(field->form, text) : NULL;

        if (value)
                APPEND(field->values, field->last_value, value);
}

void form_field_add_lines(FormField *field, Text text) {
        Text line;

        while (text_split(&text, '\n', &line))
                form_field_add_value(field, line);
}

void form_field_add_option(FormField *field, Text value, Text label) {
        FormOption *option = field ? take(field->form, sizeof(*option)) : NULL;

        if (!option)
                return;
        option->value = value;
        option->label = label;
        APPEND(field->options, field->last_option, option);
}

FormField *form_add_column(Form *form, FormFieldType type, Text name, Text label) {
        FormField *field = field_new(form, type, name, label);

        if (field)
                APPEND(form->columns, form->last_column, field);
        return field;
}

FormItem *form_add_item(Form *form) {
        FormItem *item = take(form, sizeof(*item));

        if (!item)
                return NULL;
        item->form = form;
        APPEND(form->items, form->last_item, item);
        return item;
}

FormField *form_item_add(FormItem *item, Text name, Text value) {
        FormField *field = item ? field_new(item->form, FORM_TEXT_SINGLE, name, TEXT_NONE) : NULL;

        if (!field)
                return NULL;
        APPEND(item->fields, item->last_field, field);
        form_field_add_value(field, value);
        return field;
}

const FormField *form_field(const Form *form, Text name) {
        for (const FormField *field = form->fields; field; field = field->next)
                if (field->name.length > 0 && text_equal(field->name, name))
                        return field;
        return NULL;
}

Text form_field_text(const FormField *field) {
        return field->values ? field->values->text : TEXT_NONE;
}

bool form_field_boolean(const FormField *field, bool *ret_value) {
        Text text = text_trim(form_field_text(field));

        *ret_value = text_equal(text, TEXT("true")) || text_equal(text, TEXT("1"));
        return *ret_value || text_equal(text, TEXT("false")) || text_equal(text, TEXT("0"));
}

Text form_field_lines(const FormField *field, Arena *arena) {
        size_t length = 0;
        char *bytes, *at;

        for (const FormValue *value = field->values; value; value = value->next)
                length += value->text.length + 1;
        if (length == 0 || !(bytes = at = arena_take(arena, length)))
                return TEXT_NONE;
        for (const FormValue *value = field->values; value; value = value->next) {
                if (value->text.length > 0)
                        memcpy(at, value->text.bytes, value->text.length);
                at += value->text.length;
                *at++ = '\n';
        }
        return (Text){ bytes, length - 1 };
}

/* Reading */

bool form_is(const Element *element) {
        return element_is(element, TEXT("x"), TEXT(NS_DATA_FORMS));
}

static bool type_from_name(const char *const *names, int count, Text name, int *ret_type) {
        for (int i = 0; i < count; i++)
                if (text_equal(name, text_of(names[i]))) {
                        *ret_type = i;
                        return true;
                }
        return false;
}

static void read_option(const Element *element, FormField *field) {
        const Element *value = element_child(element, TEXT("value"), TEXT_NONE);

        form_field_add_option(field, value ? value->text : TEXT_NONE, element_get(element, TEXT("label")));
}

static void read_field_part(const Element *part, FormField *field) {
        if (text_equal(part->name, TEXT("value")))
                form_field_add_value(field, part->text);
        else if (text_equal(part->name, TEXT("option")))
                read_option(part, field);
        else if (text_equal(part->name, TEXT("required")))
                field->required = true;
        else if (text_equal(part->name, TEXT("desc")))
                field->description = part->text;
}

/* NULL: no room, or no name. */
static FormField *read_field(const Element *element, Form *form, bool *ret_nameless) {
        Text name = element_get(element, TEXT("var"));
        int type = FORM_TEXT_SINGLE;
        FormField *field;

        type_from_name(field_types, FORM_FIELD_TYPE_COUNT, element_get(element, TEXT("type")), &type);
        *ret_nameless |= name.length == 0 && type != FORM_FIXED;
        field = field_new(form, (FormFieldType) type, name, element_get(element, TEXT("label")));
        for (const Element *part = element->children; part && field; part = part->next)
                if (text_equal(part->space, TEXT(NS_DATA_FORMS)))
                        read_field_part(part, field);
        return field;
}

static bool is_field(const Element *element) {
        return element_is(element, TEXT("field"), TEXT(NS_DATA_FORMS));
}

static void read_columns(const Element *element, Form *form, bool *ret_nameless) {
        for (const Element *child = element->children; child; child = child->next) {
                FormField *field = is_field(child) ? read_field(child, form, ret_nameless) : NULL;
                if (field)
                        APPEND(form->columns, form->last_column, field);
        }
}

static void read_item(const Element *element, Form *form, bool *ret_nameless) {
        FormItem *item = form_add_item(form);

        for (const Element *child = element->children; child && item; child = child->next) {
                FormField *field = is_field(child) ? read_field(child, form, ret_nameless) : NULL;
                if (field)
                        APPEND(item->fields, item->last_field, field);
        }
}

static void read_part(const Element *part, Form *form, bool *ret_nameless) {
        if (text_equal(part->name, TEXT("field"))) {
                FormField *field = read_field(part, form, ret_nameless);
                if (field)
                        APPEND(form->fields, form->last_field, field);
        } else if (text_equal(part->name, TEXT("title")))
                form->title = part->text;
        else if (text_equal(part->name, TEXT("instructions")))
                form_add_instruction(form, part->text);
        else if (text_equal(part->name, TEXT("reported")))
                read_columns(part, form, ret_nameless);
        else if (text_equal(part->name, TEXT("item")))
                read_item(part, form, ret_nameless);
}

static const FormField *given_twice(const Form *form) {
        for (const FormField *field = form->fields; field; field = field->next)
                if (form_field(form, field->name) != field && field->name.length > 0)
                        return field;
        return NULL;
}

bool form_read(const Element *element, const Form **ret_form, Failure *reterr_failure) {
        int type = FORM_FORM;
        bool nameless = false;

        if (!form_is(element) ||
            !type_from_name(form_types, FORM_TYPE_COUNT, element_get(element, TEXT("type")), &type))
                return failure_set(reterr_failure, FAILURE_INVALID, "this is no data form of a known type");
        Form *form = form_new(element->arena, (FormType) type);
        for (const Element *part = element->children; part && form; part = part->next)
                if (text_equal(part->space, TEXT(NS_DATA_FORMS)))
                        read_part(part, form, &nameless);
        if (!form || form->incomplete)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the form is too large");
        if (nameless)
                return failure_set(reterr_failure, FAILURE_INVALID, "the form has a field without a name");
        const FormField *twice = given_twice(form);
        if (twice)
                return failure_set(reterr_failure, FAILURE_INVALID, "'%.*s' is given twice",
                                   TEXT_ARGUMENTS(text_prefix(twice->name, 64)));
        *ret_form = form;
        return true;
}

/* Writing */

static void write_option(const FormOption *option, Element *parent) {
        Element *element = element_add(parent, TEXT("option"), TEXT_NONE);

        element_set_optional(element, TEXT("label"), option->label);
        element_add_text(element, TEXT("value"), TEXT_NONE, option->value);
}

/* In a table's rows the type stands in the column. */
static void write_field(const FormField *field, bool typed, Element *parent) {
        Element *element = element_add(parent, TEXT("field"), TEXT_NONE);

        if (typed)
                element_set(element, TEXT("type"), text_of(field_types[field->type]));
        element_set_optional(element, TEXT("var"), field->name);
        element_set_optional(element, TEXT("label"), field->label);
        if (field->description.length > 0)
                element_add_text(element, TEXT("desc"), TEXT_NONE, field->description);
        if (field->required)
                element_add(element, TEXT("required"), TEXT_NONE);
        for (const FormValue *value = field->values; value; value = value->next)
                element_add_text(element, TEXT("value"), TEXT_NONE, value->text);
        for (const FormOption *option = field->options; option; option = option->next)
                write_option(option, element);
}

static void write_fields(const FormField *field, bool typed, Element *parent) {
        for (; field; field = field->next)
                write_field(field, typed, parent);
}

Element *form_write(const Form *form, Element *parent) {
        Element *root = parent, *element = element_add(parent, TEXT("x"), TEXT(NS_DATA_FORMS));

        while (root && root->parent)
                root = root->parent;
        if (root && (!form || form->incomplete))
                root->incomplete = true;
        if (!root || !element || root->incomplete)
                return NULL;
        element_set(element, TEXT("type"), text_of(form_types[form->type]));
        if (form->title.length > 0)
                element_add_text(element, TEXT("title"), TEXT_NONE, form->title);
        for (const FormValue *line = form->instructions; line; line = line->next)
                element_add_text(element, TEXT("instructions"), TEXT_NONE, line->text);
        write_fields(form->fields, true, element);
        if (form->columns)
                write_fields(form->columns, true, element_add(element, TEXT("reported"), TEXT_NONE));
        for (const FormItem *item = form->items; item; item = item->next)
                write_fields(item->fields, false, element_add(element, TEXT("item"), TEXT_NONE));
        return element;
}
