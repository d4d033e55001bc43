#include "component/terminal/subcommand.h"

#include "base/nearest.h"

#include <stdio.h>

int command_fail(const Failure *failure) {
        fprintf(stderr, "aiox: %s\n", failure->text);
        return failure_form(failure->kind)->exit_code;
}

static size_t option_count(const Option *options) {
        size_t count = 0;
        while (options && options[count].name)
                count++;
        return count;
}

static bool option_index(const Option *options, Text name, size_t *ret_index) {
        for (size_t i = 0; options && options[i].name; i++)
                if (text_distance(text_of(options[i].name), name) == 0) {
                        *ret_index = i;
                        return true;
                }
        return false;
}

const char *command_value(const Option *options, const Arguments *arguments, const char *name) {
        size_t index;
        return option_index(options, text_of(name), &index) ? arguments->values[index] : NULL;
}

static bool unknown_option(const Command *command, Text name, Failure *reterr_failure) {
        Nearest nearest = nearest_to(name);
        char hint[NEAREST_HINT_SIZE];
        for (size_t i = 0; command->options && command->options[i].name; i++)
                nearest_offer(&nearest, text_of(command->options[i].name));
        for (size_t i = 0; command->with_settings && i < settings_count; i++)
                nearest_offer(&nearest, text_of(settings_table[i].name));
        return failure_set(reterr_failure, FAILURE_INVALID, "`aiox %s` has no option --%.*s%s", command->name,
                           TEXT_ARGUMENTS(text_prefix(name, 64)), nearest_hint(&nearest, hint));
}

typedef struct Parse {
        const Command *command;
        const char **for_settings; /* options handed on, ended by NULL */
        size_t for_settings_count;
        const char *file;
        Arguments arguments;
} Parse;

/* Takes the option at words[0] and its value; returns how many words that were, 0 on failure. */
static size_t parse_option(Parse *parse, char *const *words, Failure *reterr_failure) {
        const Command *command = parse->command;
        Text value = { words[0] + 2, strlen(words[0]) - 2 }, name;
        text_split(&value, '=', &name);
        size_t index;
        bool own = option_index(command->options, name, &index);
        bool config = !own && command->with_settings && text_equal(name, TEXT("config"));
        if (!own && !config && !(command->with_settings && settings_has(name))) {
                unknown_option(command, name, reterr_failure);
                return 0;
        }
        bool flag = own ? !command->options[index].argument : !config && settings_is_flag(name);
        const char *given = strchr(words[0], '=') ? value.bytes : flag ? "true" : words[1];
        if (!given) {
                failure_set(reterr_failure, FAILURE_INVALID, "option --%.*s needs a value", TEXT_ARGUMENTS(name));
                return 0;
        }
        size_t used = given == words[1] && !flag ? 2 : 1;
        if (own)
                parse->arguments.values[index] = given;
        else if (config)
                parse->file = given;
        else
                for (size_t i = 0; i < used; i++)
                        parse->for_settings[parse->for_settings_count++] = words[i];
        return used;
}

static bool parse_words(Parse *parse, char *const *words, Failure *reterr_failure) {
        bool options_end = false;
        while (*words) {
                if (!options_end && strcmp(*words, "--") == 0) {
                        options_end = true;
                        words++;
                } else if (!options_end && strncmp(*words, "--", 2) == 0) {
                        size_t used = parse_option(parse, words, reterr_failure);
                        if (used == 0)
                                return false;
                        words += used;
                } else
                        parse->arguments.operands[parse->arguments.operand_count++] = *words++;
        }
        return true;
}

bool command_parse(const Command *command, char *const *words, Arena *arena, Arguments *ret_arguments,
                   Settings **ret_settings, Failure *reterr_failure) {
        size_t count = 0;
        while (words[count])
                count++;
        Parse parse = {
                .command = command,
                .for_settings = arena_take_array(arena, const char *, count + 1),
                .arguments.operands = arena_take_array(arena, const char *, count + 1),
                .arguments.values = arena_take_array(arena, const char *, option_count(command->options) + 1),
        };
        if (!parse.for_settings || !parse.arguments.operands || !parse.arguments.values)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "too many arguments");
        if (!parse_words(&parse, words, reterr_failure))
                return false;
        if (parse.arguments.operand_count < command->least_operands ||
            parse.arguments.operand_count > command->most_operands)
                return failure_set(reterr_failure, FAILURE_INVALID, "usage: aiox %s %s", command->name,
                                   command->operands);
        if (command->with_settings &&
            !settings_load(parse.file, environ, parse.for_settings, ret_settings, reterr_failure))
                return false;
        *ret_arguments = parse.arguments;
        return true;
}
