#include "orchestrator/operations/input.h"

#include "base/jid.h"
#include "base/nearest.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

typedef struct InputValue {
        bool present;
        Text text;
        int64_t integer; /* also the position of a choice */
        double real;
        bool boolean;
        Uuid uuid;
        Text *items;
        size_t item_count;
} InputValue;

struct Input {
        const Operation *operation;
        size_t count;
        InputValue values[];
};

/* Reads well-formed UTF-8 into the value; false when it is not what the type wants. */
typedef bool Reader(const Field *field, Text text, Arena *arena, InputValue *value);

static bool is_within(const Field *field, double amount) {
        int64_t least, most;
        field_bounds(field, &least, &most);
        return amount >= (double) least && amount <= (double) most;
}

/* Control characters and the two noncharacters that XML cannot carry; a line may hold a tab. */
static bool is_printable(Text text, bool lines) {
        for (size_t i = 0, step; i < text.length; i += step) {
                const unsigned char *at = (const unsigned char *) text.bytes + i;
                Text rest = { text.bytes + i, text.length - i };
                if ((step = text_character(rest)) == 0)
                        return false;
                if (step == 1 && (at[0] < 0x20 || at[0] == 0x7f) && at[0] != '\t' &&
                    !(lines && (at[0] == '\n' || at[0] == '\r')))
                        return false;
                if (step == 2 && at[0] == 0xc2 && at[1] < 0xa0)
                        return false;
                if (step == 3 && at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe)
                        return false;
        }
        return true;
}

static bool keep(Text text, Arena *arena, InputValue *value) {
        value->text = text_copy(arena, text);
        return text.length == 0 || value->text.bytes;
}

static bool read_text(const Field *field, Text text, Arena *arena, InputValue *value) {
        return keep(text, arena, value) && is_printable(text, field->type != FIELD_TEXT) &&
               is_within(field, (double) text.length);
}

bool is_name(Text text) {
        if (text.length < 1 || text.length > 63)
                return false;
        for (size_t i = 0; i < text.length; i++) {
                char c = text.bytes[i];
                if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
                        return false;
        }
        return true;
}

static bool read_name(const Field *field, Text text, Arena *arena, InputValue *value) {
        (void) field;
        return is_name(text) && keep(text, arena, value);
}

static bool read_jid(const Field *field, Text text, Arena *arena, InputValue *value) {
        (void) field;
        Jid jid;
        if (!jid_parse(arena, text, &jid, NULL) || jid.resource.length > 0 || jid.local.length == 0)
                return false;
        value->text = jid.bare;
        return true;
}

static bool read_agent(const Field *field, Text text, Arena *arena, InputValue *value) {
        return memchr(text.bytes, '@', text.length) ? read_jid(field, text, arena, value)
                                                    : read_name(field, text, arena, value);
}

/* "*@*" would be everybody: that is a visibility, not a grant. */
static bool read_who(const Field *field, Text text, Arena *arena, InputValue *value) {
        (void) field;
        if (text_starts_with(text, TEXT("*@")))
                text = (Text){ text.bytes + 2, text.length - 2 };
        Jid jid;
        if (text.length == 0 || memchr(text.bytes, '*', text.length) || !jid_parse(arena, text, &jid, NULL) ||
            jid.resource.length > 0)
                return false;
        value->text = jid.bare;
        return true;
}

static bool read_uuid(const Field *field, Text text, Arena *arena, InputValue *value) {
        (void) field;
        char string[UUID_STRING_SIZE];
        if (!uuid_parse(text, &value->uuid))
                return false;
        uuid_format(value->uuid, string);
        return keep(text_of(string), arena, value);
}

static bool read_integer(const Field *field, Text text, Arena *arena, InputValue *value) {
        (void) arena;
        return text_to_int64(text, &value->integer) && is_within(field, (double) value->integer);
}

static bool read_real(const Field *field, Text text, Arena *arena, InputValue *value) {
        const char *string = text_string(arena, text);
        char *end;
        if (!string || text.length == 0 || text.length > 40 || strspn(string, "+-.0123456789eE") != text.length)
                return false;
        value->real = strtod(string, &end);
        return *end == '\0' && isfinite(value->real) && is_within(field, value->real);
}

static bool read_boolean(const Field *field, Text text, Arena *arena, InputValue *value) {
        (void) field, (void) arena;
        value->boolean = text_equal(text, TEXT("true")) || text_equal(text, TEXT("1")); /* "1": XEP-0004 §3.3 */
        return value->boolean || text_equal(text, TEXT("false")) || text_equal(text, TEXT("0"));
}

static bool read_choice(const Field *field, Text text, Arena *arena, InputValue *value) {
        Text rest = text_of(field->choices), choice;
        for (value->integer = 0; text_split(&rest, '|', &choice); value->integer++)
                if (text_equal(choice, text))
                        return keep(text, arena, value);
        return false;
}

static bool add_item(const Field *field, Text item, Arena *arena, InputValue *value) {
        int64_t least, most;
        field_bounds(field, &least, &most);
        if (item.length == 0 || item.length > 255 || !is_printable(item, false) || value->item_count >= (size_t) most)
                return false;
        if (!value->items && !(value->items = arena_take_array(arena, Text, (size_t) most)))
                return false;
        value->items[value->item_count] = text_copy(arena, item);
        return value->items[value->item_count++].bytes != NULL;
}

static bool read_list(const Field *field, Text text, Arena *arena, InputValue *value) {
        Text rest = text, item;
        while (text_split(&rest, ',', &item))
                if ((item = text_trim(item)).length > 0 && !add_item(field, item, arena, value))
                        return false;
        return is_within(field, (double) value->item_count);
}

bool duration_parse(Text text, int64_t *ret_seconds) {
        static const struct {
                char letter;
                const char *word;
                int64_t seconds;
        } units[] = { { 's', "second", 1 },
                      { 'm', "minute", 60 },
                      { 'h', "hour", 3600 },
                      { 'd', "day", 86400 },
                      { '\0', "month", (int64_t) 30 * 86400 } };
        int64_t factor = 1, number;
        for (size_t i = 0; i < COUNT_OF(units); i++)
                if (text_equal(text, text_of(units[i].word))) {
                        *ret_seconds = units[i].seconds;
                        return true;
                }
        for (size_t i = 0; i < COUNT_OF(units) && text.length > 0; i++)
                if (units[i].letter && text.bytes[text.length - 1] == units[i].letter) {
                        factor = units[i].seconds;
                        text.length--;
                        break;
                }
        if (!text_to_int64(text, &number) || number < 0 || number > INT64_C(1000000000))
                return false;
        *ret_seconds = number * factor;
        return true;
}

static bool read_duration(const Field *field, Text text, Arena *arena, InputValue *value) {
        (void) arena;
        return duration_parse(text, &value->integer) && is_within(field, (double) value->integer);
}

bool time_parse(Text text, int64_t *ret_wall_us) {
        struct tm when = { 0 };
        char string[40];
        int used = 0, micro = 0, sign = 0, hours = 0, minutes = 0;
        if (text.length < 20 || text.length >= sizeof(string))
                return false;
        memcpy(string, text.bytes, text.length);
        string[text.length] = '\0';
        /* Of at most four digits: nothing overflows. NOLINTNEXTLINE(cert-err34-c) */
        if (sscanf(string, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &when.tm_year, &when.tm_mon, &when.tm_mday,
                   &when.tm_hour, &when.tm_min, &when.tm_sec, &used) != 6 ||
            used != 19)
                return false;
        const char *rest = string + used;
        if (*rest == '.')
                for (int unit = 100000, digits = 0; *++rest >= '0' && *rest <= '9'; unit /= 10, digits++)
                        micro += (*rest - '0') * unit;
        /* NOLINTNEXTLINE(cert-err34-c) */
        if (strlen(rest) == 6 && sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2 && (*rest == '+' || *rest == '-'))
                sign = *rest == '+' ? 1 : -1;
        else if (strcasecmp(rest, "Z") != 0)
                return false;
        when.tm_year -= 1900;
        when.tm_mon -= 1;
        struct tm same = when;
        time_t seconds = timegm(&same);
        if (same.tm_mday != when.tm_mday || same.tm_mon != when.tm_mon || same.tm_hour != when.tm_hour ||
            same.tm_min != when.tm_min || when.tm_sec > 59 || hours > 23 || minutes > 59)
                return false;
        *ret_wall_us = ((int64_t) seconds - sign * (hours * 3600 + minutes * 60)) * 1000000 + micro;
        return true;
}

static bool read_time(const Field *field, Text text, Arena *arena, InputValue *value) {
        (void) field, (void) arena;
        return time_parse(text, &value->integer);
}

typedef struct FieldForm {
        const char *name, *wanted; /* "… must be <wanted>" */
        int64_t least, most;
        Reader *read;
} FieldForm;

static const FieldForm forms[FIELD_TYPE_COUNT] = {
        [FIELD_TEXT] = { "TEXT", "one line of text", 0, 1000, read_text },
        [FIELD_LONG_TEXT] = { "TEXT", "text", 0, 64 * 1024, read_text },
        [FIELD_SECRET] = { "SECRET", "a secret of at most 8192 bytes", 0, 8192, read_text },
        [FIELD_NAME] = { "NAME", "1 to 63 of a-z, 0-9, '_' and '-'", 1, 63, read_name },
        [FIELD_AGENT] = { "AGENT", "an agent's name or its bare JID", 1, 3071, read_agent },
        [FIELD_JID] = { "JID", "a bare JID such as alice@example.org", 1, 3071, read_jid },
        [FIELD_WHO] = { "WHO", "a bare JID or a domain; for everybody set the agent's visibility to public", 1, 3071,
                        read_who },
        [FIELD_UUID] = { "ID", "a UUID", 36, 36, read_uuid },
        [FIELD_EXECUTION] = { "ID", "the UUID of an execution", 36, 36, read_uuid },
        [FIELD_INTEGER] = { "NUMBER", "a whole number", INT64_MIN, INT64_MAX, read_integer },
        [FIELD_REAL] = { "NUMBER", "a number", INT64_MIN, INT64_MAX, read_real },
        [FIELD_BOOLEAN] = { "true|false", "true or false", 0, 1, read_boolean },
        [FIELD_CHOICE] = { "CHOICE", "one of", 0, 0, read_choice },
        [FIELD_LIST] = { "LIST", "a list of short texts", 0, 64, read_list },
        [FIELD_DURATION] = { "DURATION", "a duration such as 90s, 15m, 2h or 7d", 0, INT64_C(86400) * 36500,
                             read_duration },
        [FIELD_TIME] = { "TIME", "a time such as 2026-11-20T08:15:30Z", 0, 0, read_time },
};

const char *field_type_name(FieldType type) {
        assert(type > FIELD_END && type < FIELD_TYPE_COUNT);
        return forms[type].name;
}

void field_bounds(const Field *field, int64_t *ret_least, int64_t *ret_most) {
        bool own = field->least != 0 || field->most != 0;
        *ret_least = own ? field->least : forms[field->type].least;
        *ret_most = own ? field->most : forms[field->type].most;
}

static bool wrong_choice(const Field *field, Text given, Failure *reterr_failure) {
        Nearest nearest = nearest_to(given);
        char hint[NEAREST_HINT_SIZE];
        Text rest = text_of(field->choices), choice;
        while (text_split(&rest, '|', &choice))
                nearest_offer(&nearest, choice);
        return failure_set(reterr_failure, FAILURE_INVALID, "'%s' must be one of %s%s", field->name, field->choices,
                           nearest_hint(&nearest, hint));
}

/* Names the key, what it must be, and the bounds if it has any. */
static bool wrong(const Field *field, Failure *reterr_failure) {
        const FieldForm *form = &forms[field->type];
        if (field->type == FIELD_CHOICE)
                return wrong_choice(field, TEXT_NONE, reterr_failure);
        if (field->least == 0 && field->most == 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "'%s' must be %s", field->name, form->wanted);
        const char *unit = field->type == FIELD_DURATION                               ? " seconds"
                           : field->type == FIELD_LIST                                 ? " items"
                           : field->type == FIELD_INTEGER || field->type == FIELD_REAL ? ""
                                                                                       : " bytes";
        return failure_set(reterr_failure, FAILURE_INVALID, "'%s' must be %s, %lld to %lld%s", field->name,
                           form->wanted, (long long) field->least, (long long) field->most, unit);
}

static bool is_text_type(const Field *field) {
        return field->type == FIELD_TEXT || field->type == FIELD_LONG_TEXT || field->type == FIELD_SECRET;
}

static bool too_long(const Field *field, Text text, Failure *reterr_failure) {
        int64_t least, most;
        field_bounds(field, &least, &most);
        size_t limit = is_text_type(field) ? (size_t) most : 4096;
        if (text.length <= limit)
                return false;
        failure_set(reterr_failure, FAILURE_TOO_LARGE, "'%s' is %zu bytes long; at most %zu are taken", field->name,
                    text.length, limit);
        return true;
}

static bool value_from_text(const Field *field, Text text, Arena *arena, InputValue *value, Failure *reterr_failure) {
        if (too_long(field, text, reterr_failure))
                return false;
        if (!forms[field->type].read(field, text, arena, value))
                return field->type == FIELD_CHOICE ? wrong_choice(field, text, reterr_failure)
                                                   : wrong(field, reterr_failure);
        value->present = true;
        return true;
}

static bool value_from_array(const Field *field, const Json *array, Arena *arena, InputValue *value,
                             Failure *reterr_failure) {
        for (size_t i = 0; i < json_count(array); i++) {
                const Json *item = json_item(array, i);
                if (json_type_of(item) != JSON_TYPE_TEXT || !add_item(field, json_to_text(item), arena, value))
                        return wrong(field, reterr_failure);
        }
        value->present = true;
        return is_within(field, (double) value->item_count) || wrong(field, reterr_failure);
}

static bool value_from_json(const Field *field, const Json *json, Arena *arena, InputValue *value,
                            Failure *reterr_failure) {
        char number[32];
        int64_t integer;
        switch (json_type_of(json)) {
        case JSON_TYPE_NULL:
                return true;
        case JSON_TYPE_TEXT:
                return value_from_text(field, json_to_text(json), arena, value, reterr_failure);
        case JSON_TYPE_BOOLEAN:
                return field->type == FIELD_BOOLEAN
                               ? value_from_text(field, json_to_boolean(json) ? TEXT("true") : TEXT("false"), arena,
                                                 value, reterr_failure)
                               : wrong(field, reterr_failure);
        case JSON_TYPE_ARRAY:
                return field->type == FIELD_LIST ? value_from_array(field, json, arena, value, reterr_failure)
                                                 : wrong(field, reterr_failure);
        case JSON_TYPE_INTEGER:
        case JSON_TYPE_REAL:
                if (field->type == FIELD_REAL) {
                        value->real = json_to_real(json);
                        value->present = true;
                        return is_within(field, value->real) || wrong(field, reterr_failure);
                }
                if ((field->type != FIELD_INTEGER && field->type != FIELD_DURATION) || !json_to_integer(json, &integer))
                        return wrong(field, reterr_failure);
                snprintf(number, sizeof(number), "%lld", (long long) integer);
                return value_from_text(field, text_of(number), arena, value, reterr_failure);
        case JSON_TYPE_OBJECT:
                break;
        }
        return wrong(field, reterr_failure);
}

static bool unknown_key(const Operation *operation, Text key, Failure *reterr_failure) {
        Nearest nearest = nearest_to(key);
        char hint[NEAREST_HINT_SIZE];
        const Field *field;
        for (size_t i = 0; (field = operation_input(operation, i)); i++)
                nearest_offer(&nearest, text_of(field->name));
        return failure_set(reterr_failure, FAILURE_INVALID, "%s takes no '%.*s'%s", operation->name,
                           TEXT_ARGUMENTS(text_prefix(key, 64)), nearest_hint(&nearest, hint));
}

static bool check_keys(const Operation *operation, const Json *input, Failure *reterr_failure) {
        Text key;
        Json *value;
        for (JsonIterator i = { 0 }; input && json_each(input, &i, &key, &value);) {
                const Field *field = operation_field(operation, key);
                if (!field || !text_equal(key, text_of(field->name)))
                        return unknown_key(operation, key, reterr_failure);
        }
        return true;
}

static bool check_field(const Field *field, bool partial, const Json *input, Arena *arena, InputValue *value,
                        Failure *reterr_failure) {
        const Json *json = input ? json_member(input, field->name) : NULL;
        if (json && !value_from_json(field, json, arena, value, reterr_failure))
                return false;
        if (!value->present && field->fallback && !partial)
                return value_from_text(field, text_of(field->fallback), arena, value, reterr_failure);
        bool empty = is_text_type(field) && value->text.length == 0;
        if (field->need == REQUIRED && (!value->present || empty))
                return failure_set(reterr_failure, FAILURE_INVALID, "'%s' is missing: %s", field->name, field->help);
        return true;
}

bool input_check(const Operation *operation, const Json *json, Arena *arena, const Input **ret_input,
                 Failure *reterr_failure) {
        size_t count = 0;
        while (operation_input(operation, count))
                count++;
        if (json && json_type_of(json) != JSON_TYPE_OBJECT)
                return failure_set(reterr_failure, FAILURE_INVALID, "the input must be a JSON object");
        if (!check_keys(operation, json, reterr_failure))
                return false;
        Input *input = arena_take(arena, sizeof(Input) + count * sizeof(InputValue));
        if (!input)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the input is too large");
        input->operation = operation;
        input->count = count;
        for (size_t i = 0; i < count; i++)
                if (!check_field(operation_input(operation, i), operation->partial, json, arena, &input->values[i],
                                 reterr_failure))
                        return false;
        *ret_input = input;
        return true;
}

bool input_value_check(const Field *field, Text text, Arena *arena, Failure *reterr_failure) {
        InputValue value = { 0 };
        return value_from_text(field, text, arena, &value, reterr_failure);
}

static const InputValue *find(const Input *input, const char *name) {
        for (size_t i = 0; i < input->count; i++)
                if (strcmp(operation_input(input->operation, i)->name, name) == 0)
                        return &input->values[i];
        assert(!"a handler asked for a field its row does not have");
        return NULL;
}

bool input_has(const Input *input, const char *name) {
        return find(input, name)->present;
}

Text input_text(const Input *input, const char *name) {
        return find(input, name)->text;
}

int64_t input_integer(const Input *input, const char *name) {
        return find(input, name)->integer;
}

double input_real(const Input *input, const char *name) {
        return find(input, name)->real;
}

bool input_boolean(const Input *input, const char *name) {
        return find(input, name)->boolean;
}

Uuid input_uuid(const Input *input, const char *name) {
        return find(input, name)->uuid;
}

int input_choice(const Input *input, const char *name) {
        const InputValue *value = find(input, name);
        return value->present ? (int) value->integer : -1;
}

size_t input_list(const Input *input, const char *name, const Text **ret_items) {
        const InputValue *value = find(input, name);
        *ret_items = value->items;
        return value->item_count;
}

static Json *value_json(const Field *field, const InputValue *value) {
        switch (field->type) {
        case FIELD_INTEGER:
        case FIELD_DURATION:
        case FIELD_TIME:
                return json_new_integer(value->integer);
        case FIELD_REAL:
                return json_new_real(value->real);
        case FIELD_BOOLEAN:
                return json_new_boolean(value->boolean);
        case FIELD_LIST: {
                Json *array = json_new_array();
                for (size_t i = 0; i < value->item_count; i++)
                        json_append(array, json_new_text(value->items[i]));
                return array;
        }
        default:
                return json_new_text(value->text);
        }
}

Json *input_json(const Input *input) {
        Json *object = json_new_object();
        for (size_t i = 0; i < input->count; i++) {
                const Field *field = operation_input(input->operation, i);
                if (input->values[i].present)
                        json_put(object, field->name, value_json(field, &input->values[i]));
        }
        return object;
}

bool input_canonical(const Input *input, Arena *arena, Text *ret_text) {
        _cleanup_(json_freep) Json *object = input_json(input);
        return json_canonical(object, arena, ret_text);
}
