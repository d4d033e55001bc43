/* XEP-0004: Data Forms, as structs: a form to be filled in, what was filled in, a result, and a result's table.
 * XEP-0068 is the hidden field FORM_TYPE. Not the meaning of any field: who makes a form knows its fields.
 *
 * Everything lives in the arena that the form was made in or, having been read, in the element's. Building takes the
 * NULL that follows from a full arena and marks the form as incomplete, like an element. Any thread, one at a time;
 * never blocks.
 */
#pragma once

#include "base/failure.h"
#include "xmpp/element.h"

typedef enum FormType { FORM_FORM, FORM_SUBMIT, FORM_CANCEL, FORM_RESULT, FORM_TYPE_COUNT } FormType;

typedef enum FormFieldType {
        FORM_TEXT_SINGLE, /* also what a field without a type is, §3.2 */
        FORM_TEXT_MULTI,  /* one value a line */
        FORM_TEXT_PRIVATE,
        FORM_LIST_SINGLE,
        FORM_LIST_MULTI,
        FORM_BOOLEAN,
        FORM_JID_SINGLE,
        FORM_JID_MULTI,
        FORM_FIXED, /* text to be read; may have no name */
        FORM_HIDDEN,
        FORM_FIELD_TYPE_COUNT,
} FormFieldType;

typedef struct FormValue {
        Text text;
        struct FormValue *next;
} FormValue;

typedef struct FormOption {
        Text label; /* may be empty */
        Text value;
        struct FormOption *next;
} FormOption;

typedef struct FormField {
        FormFieldType type;
        Text name;  /* var */
        Text label; /* may be empty, like what follows */
        Text description;
        bool required;
        FormValue *values, *last_value;
        FormOption *options, *last_option;
        struct Form *form;
        struct FormField *next;
} FormField;

/* A row of a result's table. */
typedef struct FormItem {
        FormField *fields, *last_field;
        struct Form *form;
        struct FormItem *next;
} FormItem;

typedef struct Form {
        FormType type;
        Text title;
        FormValue *instructions, *last_instruction;
        FormField *fields, *last_field;
        FormField *columns, *last_column; /* of a table, by name, label and type */
        FormItem *items, *last_item;
        Arena *arena;
        bool incomplete;
} Form;

bool form_is(const Element *element);
/* FAILURE_INVALID: no form, of no known type, a field without a name, or a name that stands there twice. What is
 * unknown otherwise is left out. */
bool form_read(const Element *element, const Form **ret_form, Failure *reterr_failure) _must_check_;
/* NULL when there is none. */
const FormField *form_field(const Form *form, Text name);
Text form_field_text(const FormField *field);                     /* its first value */
bool form_field_boolean(const FormField *field, bool *ret_value); /* "true", "1", "false", "0", §3.3 */
Text form_field_lines(const FormField *field, Arena *arena);      /* all values, a line each; TEXT_NONE: no room */

Form *form_new(Arena *arena, FormType type);
void form_add_instruction(Form *form, Text text);
FormField *form_add_field(Form *form, FormFieldType type, Text name, Text label);
/* A fixed field. */
void form_add_text(Form *form, Text text);
/* XEP-0068. */
void form_set_kind(Form *form, Text kind);
void form_field_add_value(FormField *field, Text text);
void form_field_add_lines(FormField *field, Text text); /* one value for each line */
void form_field_add_option(FormField *field, Text value, Text label);
FormField *form_add_column(Form *form, FormFieldType type, Text name, Text label);
FormItem *form_add_item(Form *form);
FormField *form_item_add(FormItem *item, Text name, Text value);

/* Adds <x xmlns='jabber:x:data'/> to the parent; NULL when the form or the arena is incomplete, and the parent then is
 * too. */
Element *form_write(const Form *form, Element *parent);
