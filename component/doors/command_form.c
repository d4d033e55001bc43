#include "component/doors/command_form.h"

#include "base/nearest.h"
#include "orchestrator/operations/input.h"

#include <stdio.h>

#define TENANT  "tenant"
#define CONFIRM "confirm"
#define NOTHING "–"

static const struct {
        FormFieldType type;
        const char *hint; /* follows the field's help */
        bool multiple;    /* several values */
        bool raw;         /* white space counts */
} shapes[FIELD_TYPE_COUNT] = {
        [FIELD_TEXT] = { FORM_TEXT_SINGLE, "", false, false },
        [FIELD_LONG_TEXT] = { FORM_TEXT_MULTI, "", true, true },
        [FIELD_SECRET] = { FORM_TEXT_PRIVATE, "", false, true },
        [FIELD_NAME] = { FORM_TEXT_SINGLE, " Of a-z, 0-9, '_' and '-'.", false, false },
        [FIELD_AGENT] = { FORM_TEXT_SINGLE, "", false, false },
        [FIELD_JID] = { FORM_JID_SINGLE, "", false, false },
        [FIELD_WHO] = { FORM_TEXT_SINGLE, " An address, or a domain.", false, false },
        [FIELD_UUID] = { FORM_TEXT_SINGLE, "", false, false },
        [FIELD_EXECUTION] = { FORM_TEXT_SINGLE, "", false, false },
        [FIELD_INTEGER] = { FORM_TEXT_SINGLE, "", false, false },
        [FIELD_REAL] = { FORM_TEXT_SINGLE, "", false, false },
        [FIELD_BOOLEAN] = { FORM_BOOLEAN, "", false, false },
        [FIELD_CHOICE] = { FORM_LIST_SINGLE, "", false, false },
        [FIELD_LIST] = { FORM_TEXT_MULTI, " One a line.", true, false },
        [FIELD_DURATION] = { FORM_TEXT_SINGLE, " Such as 90s, 15m, 2h or 7d.", false, false },
        [FIELD_TIME] = { FORM_TEXT_SINGLE, " Such as 2026-11-20T08:15:30Z.", false, false },
};

/* Which fields are asked for, and where */

static bool is_paging(const Operation *operation, const Field *field) {
        if (operation->shared != list_fields)
                return false;
        for (size_t i = 0; list_fields[i].type != FIELD_END; i++)
                if (field == &list_fields[i])
                        return true;
        return false;
}

static bool is_tenant_field(const Operation *operation, const Field *field) {
        return operation->tenant_field && strcmp(operation->tenant_field, field->name) == 0;
}

static bool is_asked(const CommandTalk *talk, const Field *field) {
        if (is_paging(talk->operation, field) || (field->type == FIELD_AGENT && talk->agent.length > 0))
                return false;
        return !is_tenant_field(talk->operation, field) || talk->tenant_count != 1;
}

/* Beside the fields of the operation itself. */
static bool asks_tenant(const CommandTalk *talk) {
        return talk->operation->scope == SCOPE_TENANT && !talk->operation->tenant_field && talk->agent.length == 0 &&
               (talk->platform || talk->tenant_count > 1);
}

static void count_fields(const CommandTalk *talk, size_t *ret_required, size_t *ret_optional) {
        const Field *field;
        *ret_required = *ret_optional = 0;
        for (size_t i = 0; (field = operation_input(talk->operation, i)); i++)
                if (is_asked(talk, field))
                        (*(field->need == REQUIRED ? ret_required : ret_optional))++;
        *ret_required += asks_tenant(talk);
}

static size_t page_count(const CommandTalk *talk) {
        size_t required, optional;
        count_fields(talk, &required, &optional);
        if (required + optional == 0)
                return 0;
        return required > 0 && optional > 0 && required + optional > COMMAND_FIELDS_A_PAGE ? 2 : 1;
}

size_t command_stage_count(const CommandTalk *talk) {
        return page_count(talk) + (talk->operation->effect == EFFECT_DESTROY);
}

bool command_is_confirmation(const CommandTalk *talk, size_t stage) {
        return talk->operation->effect == EFFECT_DESTROY && stage == page_count(talk);
}

bool command_may_complete(const CommandTalk *talk, size_t stage) {
        return talk->operation->effect != EFFECT_DESTROY || command_is_confirmation(talk, stage);
}

static bool is_on_page(const CommandTalk *talk, const Field *field, size_t page) {
        size_t own = page_count(talk) == 2 && field->need == OPTIONAL ? 1 : 0;
        return is_asked(talk, field) && own == page;
}

static const Field *field_on_page(const CommandTalk *talk, Text name, size_t page) {
        const Field *field;
        for (size_t i = 0; (field = operation_input(talk->operation, i)); i++)
                if (text_equal(text_of(field->name), name) && is_on_page(talk, field, page))
                        return field;
        return NULL;
}

/* Forms */

static Text built(TextBuilder *builder, Arena *arena) {
        Text text = text_copy(arena, text_built(builder));
        text_builder_release(builder);
        return text;
}

/* "max_tokens" as "Max tokens". */
static Text label_of(const char *name, Arena *arena) {
        TextBuilder builder = text_builder(0);
        text_add_string(&builder, name);
        for (char *c = builder.bytes; *c; c++)
                *c = *c == '_' || *c == '-' ? ' ' : *c;
        if (builder.bytes[0] >= 'a' && builder.bytes[0] <= 'z')
                builder.bytes[0] = (char) (builder.bytes[0] - 'a' + 'A');
        return built(&builder, arena);
}

Text command_title(const Operation *operation, Arena *arena) {
        return label_of(operation->name, arena);
}

static Text description_of(const Field *field, Arena *arena) {
        TextBuilder builder = text_builder(0);
        text_add_format(&builder, "%s%s", field->help, shapes[field->type].hint);
        if ((field->type == FIELD_INTEGER || field->type == FIELD_REAL) && (field->least || field->most))
                text_add_format(&builder, " From %lld to %lld.", (long long) field->least, (long long) field->most);
        return built(&builder, arena);
}

/* NULL when nothing was filled in, or it was emptied again. */
static const Json *given(const CommandTalk *talk, const char *name) {
        const Json *value = json_member(talk->values, name);
        return value && json_type_of(value) != JSON_TYPE_NULL ? value : NULL;
}

static void add_value(FormField *field, const Json *value, Arena *arena) {
        Text text = text_copy(arena, json_to_text(value));
        if (json_type_of(value) == JSON_TYPE_ARRAY)
                for (size_t i = 0; i < json_count(value); i++)
                        add_value(field, json_item(value, i), arena);
        else if (field && field->type == FORM_TEXT_MULTI)
                form_field_add_lines(field, text);
        else
                form_field_add_value(field, text);
}

static void add_tenants(const CommandTalk *talk, FormField *field) {
        if (!field || talk->tenant_count == 0)
                return;
        field->type = FORM_LIST_SINGLE;
        for (size_t i = 0; i < talk->tenant_count; i++)
                form_field_add_option(field, talk->tenants[i], talk->tenants[i]);
}

static void add_choices(FormField *field, const char *choices, bool may_be_empty) {
        Text rest = text_of(choices), choice;
        if (may_be_empty)
                form_field_add_option(field, TEXT_NONE, TEXT(NOTHING));
        while (text_split(&rest, '|', &choice))
                form_field_add_option(field, choice, choice);
}

/* Where what is absent stays as it is, a check box would always change it. */
static void add_options(const CommandTalk *talk, const Field *field, const char *fallback, FormField *form_field) {
        bool may_be_empty = field->need == OPTIONAL && !fallback;
        if (is_tenant_field(talk->operation, field))
                add_tenants(talk, form_field);
        else if (field->type == FIELD_CHOICE)
                add_choices(form_field, field->choices, may_be_empty);
        else if (field->type == FIELD_BOOLEAN && talk->operation->partial && form_field) {
                form_field->type = FORM_LIST_SINGLE;
                add_choices(form_field, "true|false", may_be_empty);
        }
}

static void add_field(const CommandTalk *talk, const Field *field, Form *form) {
        FormField *form_field = form_add_field(form, shapes[field->type].type, text_of(field->name),
                                               label_of(field->name, form->arena));
        const char *fallback = talk->operation->partial ? NULL : field->fallback;
        const Json *value = given(talk, field->name);
        if (!form_field)
                return;
        form_field->description = description_of(field, form->arena);
        form_field->required = field->need == REQUIRED;
        add_options(talk, field, fallback, form_field);
        if (value && field->type != FIELD_SECRET) /* which is typed again */
                add_value(form_field, value, form->arena);
        else if (fallback)
                form_field_add_value(form_field, text_of(fallback));
        else if (form_field->type == FORM_LIST_SINGLE && field->need == OPTIONAL)
                form_field_add_value(form_field, TEXT_NONE);
}

static void add_tenant(const CommandTalk *talk, Form *form) {
        FormField *field = form_add_field(form, FORM_TEXT_SINGLE, TEXT(TENANT), TEXT("Tenant"));
        const Json *value = given(talk, TENANT);
        if (!field)
                return;
        field->required = talk->tenant_count > 0;
        field->description = talk->tenant_count > 0 ? TEXT("In which of your tenants.")
                                                    : TEXT("In which tenant; the installation itself when empty.");
        add_tenants(talk, field);
        if (value)
                add_value(field, value, form->arena);
}

/* "agent: support", for each value that was given, a list's items one after the other. */
static void add_subject(Form *form, Text name, const Json *value) {
        TextBuilder builder = text_builder(0);
        Text text = json_to_text(value);
        text_add_format(&builder, "%.*s: %.*s", TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(text_prefix(text, 200)));
        for (size_t i = 0; json_type_of(value) == JSON_TYPE_ARRAY && i < json_count(value); i++) {
                Text item = json_to_text(json_item(value, i));
                text_add_format(&builder, "%s%.*s", i ? ", " : "", TEXT_ARGUMENTS(item));
        }
        form_add_text(form, built(&builder, form->arena));
}

/* What was filled in before, to be read again. It stands first also because Converse.js 14 keeps what was typed into an
 * input when the next page has one of its kind in the same place. */
static void add_filled_in(const CommandTalk *talk, size_t page, Form *form) {
        const Field *field;
        if (page == 0 && asks_tenant(talk) && given(talk, TENANT))
                add_subject(form, TEXT("Tenant"), given(talk, TENANT));
        for (size_t i = 0; (field = operation_input(talk->operation, i)); i++)
                if (is_on_page(talk, field, page) && given(talk, field->name))
                        add_subject(form, label_of(field->name, form->arena), given(talk, field->name));
}

static void add_page(const CommandTalk *talk, size_t page, Form *form) {
        const Field *field;
        if (page > 0)
                add_filled_in(talk, page - 1, form);
        if (asks_tenant(talk) && page == 0)
                add_tenant(talk, form);
        for (size_t i = 0; (field = operation_input(talk->operation, i)); i++)
                if (is_on_page(talk, field, page))
                        add_field(talk, field, form);
}

static void add_confirmation(const CommandTalk *talk, Form *form) {
        _cleanup_(json_freep) Json *input = command_input(talk);
        Text tenant = command_tenant(talk), name;
        Json *value;
        for (JsonIterator i = { 0 }; json_each(input, &i, &name, &value);)
                add_subject(form, name, value);
        if (tenant.length > 0) {
                _cleanup_(json_freep) Json *slug = json_new_text(tenant);
                add_subject(form, TEXT(TENANT), slug);
        }
        FormField *confirm = form_add_field(form, FORM_BOOLEAN, TEXT(CONFIRM), TEXT("Yes, really"));
        if (confirm)
                confirm->required = true;
        form_field_add_value(confirm, TEXT("0"));
}

Form *command_stage(const CommandTalk *talk, size_t stage, Text complaint, Arena *arena) {
        Form *form = form_new(arena, FORM_FORM);
        if (!form)
                return NULL;
        form->title = command_title(talk->operation, arena);
        if (complaint.length > 0)
                form_add_instruction(form, text_copy(arena, complaint));
        form_add_instruction(form, text_of(talk->operation->summary));
        if (command_is_confirmation(talk, stage))
                add_confirmation(talk, form);
        else
                add_page(talk, stage, form);
        return form;
}

/* What was filled in */

static Json *value_of(const Field *field, const FormField *form_field) {
        if (field && field->type == FIELD_LIST) {
                Json *array = json_new_array();
                for (const FormValue *value = form_field->values; value; value = value->next)
                        if (text_trim(value->text).length > 0)
                                json_append(array, json_new_text(text_trim(value->text)));
                return array;
        }
        if (field && shapes[field->type].multiple) {
                _cleanup_(arena_freep) Arena *arena = arena_new(2 * (size_t) COMMAND_VALUES_LIMIT);
                return json_new_text(form_field_lines(form_field, arena));
        }
        return json_new_text(text_trim(form_field_text(form_field)));
}

static bool is_empty(const Json *value) {
        return json_type_of(value) == JSON_TYPE_ARRAY ? json_count(value) == 0
                                                      : text_trim(json_to_text(value)).length == 0;
}

static void keep(CommandTalk *talk, const char *name, const Field *field, const FormField *form_field) {
        Json *value = value_of(field, form_field);
        if (is_empty(value)) {
                json_free(value);
                value = json_new_null();
        }
        json_put(talk->values, name, value);
}

static bool unknown_field(const CommandTalk *talk, Text name, size_t page, Failure *reterr_failure) {
        Nearest nearest = nearest_to(name);
        char hint[NEAREST_HINT_SIZE];
        const Field *field;
        for (size_t i = 0; (field = operation_input(talk->operation, i)); i++)
                if (is_on_page(talk, field, page))
                        nearest_offer(&nearest, text_of(field->name));
        return failure_set(reterr_failure, FAILURE_INVALID, "'%.*s' was not asked for%s",
                           TEXT_ARGUMENTS(text_prefix(name, 64)), nearest_hint(&nearest, hint));
}

static bool fill_field(CommandTalk *talk, size_t page, const FormField *form_field, Failure *reterr_failure) {
        const Field *field = field_on_page(talk, form_field->name, page);
        bool tenant = asks_tenant(talk) && page == 0 && text_equal(form_field->name, TEXT(TENANT));
        /* Clients send back what they were not to change, too. */
        if (form_field->type == FORM_FIXED || text_equal(form_field->name, TEXT("FORM_TYPE")))
                return true;
        if (!field && !tenant)
                return unknown_field(talk, form_field->name, page, reterr_failure);
        if (form_field->values && form_field->values->next && !(field && shapes[field->type].multiple))
                return failure_set(reterr_failure, FAILURE_INVALID, "'%.*s' takes one value",
                                   TEXT_ARGUMENTS(form_field->name));
        keep(talk, field ? field->name : TENANT, field, form_field);
        return true;
}

static size_t form_bytes(const Form *form) {
        size_t bytes = 0;
        for (const FormField *field = form->fields; field; field = field->next)
                for (const FormValue *value = field->values; value; value = value->next)
                        bytes += value->text.length + 1;
        return bytes;
}

static bool check_confirmed(const Form *form, Failure *reterr_failure) {
        const FormField *confirm = form ? form_field(form, TEXT(CONFIRM)) : NULL;
        bool value;
        return (confirm && form_field_boolean(confirm, &value) && value) ||
               failure_set(reterr_failure, FAILURE_INVALID, "'" CONFIRM "' must be true to go on");
}

bool command_fill(CommandTalk *talk, size_t stage, const Form *form, Failure *reterr_failure) {
        Failure first = { 0 }, failure;
        if (command_is_confirmation(talk, stage))
                return check_confirmed(form, reterr_failure);
        if (!form)
                return true;
        if (form_bytes(form) > COMMAND_VALUES_LIMIT)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the form holds more than %d bytes",
                                   COMMAND_VALUES_LIMIT);
        for (const FormField *field = form->fields; field; field = field->next)
                if (!fill_field(talk, stage, field, &failure) && first.kind == FAILURE_NONE)
                        first = failure;
        if (first.kind != FAILURE_NONE && reterr_failure)
                *reterr_failure = first;
        return first.kind == FAILURE_NONE;
}

static bool check_tenant(const CommandTalk *talk, Failure *reterr_failure) {
        Text tenant = command_tenant(talk);
        if (!asks_tenant(talk) || talk->tenant_count == 0)
                return tenant.length == 0 || is_name(tenant) ||
                       failure_set(reterr_failure, FAILURE_INVALID, "'" TENANT "' must be a tenant's short name");
        for (size_t i = 0; i < talk->tenant_count; i++)
                if (text_equal(talk->tenants[i], tenant))
                        return true;
        return failure_set(reterr_failure, FAILURE_INVALID, "'" TENANT "' must be one of your tenants");
}

bool command_check(const CommandTalk *talk, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(4 * (size_t) COMMAND_VALUES_LIMIT);
        _cleanup_(json_freep) Json *json = command_input(talk);
        const Input *input;
        return check_tenant(talk, reterr_failure) && input_check(talk->operation, json, arena, &input, reterr_failure);
}

/* To the gate */

static void add_given(const CommandTalk *talk, const Field *field, Json *input) {
        const Json *value = given(talk, field->name);
        if (is_asked(talk, field)) {
                if (value)
                        json_put(input, field->name, json_clone(value));
        } else if (is_paging(talk->operation, field)) {
                if (field->type == FIELD_INTEGER)
                        json_put_integer(input, field->name, COMMAND_ROWS_A_PAGE);
                else if (talk->after.length > 0)
                        json_put_text(input, field->name, talk->after);
        } else
                json_put_text(input, field->name, field->type == FIELD_AGENT ? talk->agent : talk->tenants[0]);
}

Json *command_input(const CommandTalk *talk) {
        Json *input = json_new_object();
        const Field *field;
        for (size_t i = 0; (field = operation_input(talk->operation, i)); i++)
                add_given(talk, field, input);
        return input;
}

/* An agent's address names its tenant itself, and so may a field. */
Text command_tenant(const CommandTalk *talk) {
        if (talk->agent.length > 0 || talk->operation->tenant_field)
                return TEXT_NONE;
        if (asks_tenant(talk))
                return json_to_text(json_member(talk->values, TENANT));
        return talk->tenant_count == 1 ? talk->tenants[0] : TEXT_NONE;
}
