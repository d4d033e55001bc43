#include "component/doors/command_result.h"

#include "component/doors/command_form.h"
#include "component/shown/value.h"

typedef struct Sheet {
        Form *form;
        size_t room; /* bytes */
        bool cut;
} Sheet;

/* Copied, and cut when there is no room for all of it. */
static Text take_text(Sheet *sheet, Text text) {
        Text part = text_prefix(text, sheet->room);
        sheet->cut |= part.length < text.length;
        sheet->room -= part.length;
        return text_copy(sheet->form->arena, part);
}

static const ValueStyle as_it_is = { text_add, "", "" };

static Text value_text(Sheet *sheet, const Json *value) {
        TextBuilder builder = text_builder(0);
        value_add(&builder, value, &as_it_is);
        Text text = take_text(sheet, text_built(&builder));
        text_builder_release(&builder);
        return text;
}

/* On lines of their own. */
static Text outline_text(Sheet *sheet, const Json *value) {
        TextBuilder builder = text_builder(0);
        value_add_outline(&builder, value, &as_it_is, 0);
        Text text = take_text(sheet, (Text){ builder.bytes + 1, builder.length - 1 });
        text_builder_release(&builder);
        return text;
}

static Text name_text(Sheet *sheet, Text name) {
        TextBuilder builder = text_builder(0);
        value_add_name(&builder, name, &as_it_is);
        Text text = take_text(sheet, text_built(&builder));
        text_builder_release(&builder);
        return text;
}

static bool is_lines(const Json *value) {
        Text text = json_to_text(value);
        return text.length > 0 && memchr(text.bytes, '\n', text.length) != NULL;
}

/* A list is one value an item, a text of several lines and what is nested one value a line. */
static void add_member(Sheet *sheet, Text name, const Json *value) {
        bool nested = value_is_nested(value), lines = nested || is_lines(value);
        bool list = !nested && json_type_of(value) == JSON_TYPE_ARRAY;
        FormField *field = form_add_field(sheet->form, list || lines ? FORM_TEXT_MULTI : FORM_TEXT_SINGLE,
                                          take_text(sheet, name), name_text(sheet, name));
        if (lines)
                form_field_add_lines(field, nested ? outline_text(sheet, value) : value_text(sheet, value));
        else if (!list)
                form_field_add_value(field, value_text(sheet, value));
        for (size_t i = 0; list && i < json_count(value); i++)
                form_field_add_value(field, value_text(sheet, json_item(value, i)));
}

static void add_record(Sheet *sheet, const Json *result) {
        Text name;
        Json *value;
        for (JsonIterator i = { 0 }; json_each(result, &i, &name, &value);) {
                if (!value_is_empty(value))
                        add_member(sheet, name, value);
        }
}

static void add_row(Sheet *sheet, const char *columns, const Json *row) {
        FormItem *item = form_add_item(sheet->form);
        Text rest = text_of(columns), column;
        while (text_split(&rest, ' ', &column)) {
                const char *name = text_string(sheet->form->arena, column);
                const Json *value = name ? json_member(row, name) : NULL;
                form_item_add(item, column, value ? value_text(sheet, value) : TEXT_NONE);
        }
}

static void add_nothing(Sheet *sheet, const Operation *operation) {
        TextBuilder builder = text_builder(0);
        value_add_none(&builder, operation->items);
        form_add_text(sheet->form, take_text(sheet, text_built(&builder)));
        text_builder_release(&builder);
}

static void add_table(Sheet *sheet, const Operation *operation, const Json *result) {
        const Json *rows = json_member(result, "data"), *total = json_member(result, "total");
        const char *columns = operation->columns;
        Text rest = text_of(columns), column;
        if (json_count(rows) == 0) {
                add_nothing(sheet, operation);
                return;
        }
        while (text_split(&rest, ' ', &column))
                form_add_column(sheet->form, FORM_TEXT_SINGLE, column, name_text(sheet, column));
        for (size_t i = 0; i < json_count(rows); i++)
                add_row(sheet, columns, json_item(rows, i));
        if (total)
                add_row(sheet, columns, total);
}

Form *command_result(const Operation *operation, const Json *result, Arena *arena, bool *ret_cut) {
        Sheet sheet = { .form = form_new(arena, FORM_RESULT), .room = COMMAND_RESULT_LIMIT };
        *ret_cut = false;
        if (!sheet.form)
                return NULL;
        sheet.form->title = command_title(operation, arena);
        if (operation->columns)
                add_table(&sheet, operation, result);
        else
                add_record(&sheet, result);
        *ret_cut = sheet.cut;
        return sheet.form;
}
