/* `aiox help` and `aiox version`: everything here comes from the tables of subcommands, operations and failures. */
#include "component/terminal/terminal.h"

#include "base/nearest.h"
#include "component/terminal/words.h"

#include <stdio.h>

#define NAME_WIDTH   26
#define WIDTH        100
#define CHOICES_MOST 48 /* bytes that stand beside an option's name */

/* In lines that fit a terminal, further ones indented as far; the first begins at column `at`. */
static void print_wrapped(Text text, size_t at, size_t indent) {
        Text rest = text, word;
        bool first = true;
        while (text_split(&rest, ' ', &word)) {
                bool wraps = !first && at + 1 + word.length > WIDTH;
                printf("%s%*s%.*s",
                       wraps   ? "\n"
                       : first ? ""
                               : " ",
                       wraps ? (int) indent : 0, "", TEXT_ARGUMENTS(word));
                at = wraps ? indent + word.length : at + !first + word.length;
                first = false;
        }
        putchar('\n');
}

static void print_row(const char *name, const char *help) {
        size_t length = strlen(name);
        if (length > NAME_WIDTH)
                printf("  %s\n%*s", name, NAME_WIDTH + 3, "");
        else
                printf("  %s%*s", name, (int) (NAME_WIDTH + 1 - length), "");
        print_wrapped(text_of(help), NAME_WIDTH + 3, NAME_WIDTH + 3);
}

/* Of an operation those that say something to it. */
static void print_options(const Option *options, const Operation *operation) {
        for (; options && options->name; options++) {
                char form[64];
                if (operation && !terminal_option_applies(operation, options))
                        continue;
                snprintf(form, sizeof(form), "--%s%s%s", options->name, options->argument ? " " : "",
                         options->argument ? options->argument : "");
                print_row(form, options->help);
        }
}

static int help_command(const Command *command) {
        print_wrapped(text_of(command->summary), 0, 0);
        printf("\nUsage: aiox %s%s%s%s\n", command->name, *command->operands ? " " : "", command->operands,
               command->options || command->with_settings ? " [OPTION …]" : "");
        if (command->details)
                printf("\n%s\n", command->details);
        if (command->options) {
                printf("\nOptions:\n");
                print_options(command->options, NULL);
        }
        if (command->with_settings)
                printf("\nEvery setting is an option too, and --config FILE names a file of them: see `aiox settings "
                       "reference`.\n");
        return 0;
}

static void print_command_name(const Operation *operation) {
        Text noun, verb;
        operation_words(operation, &noun, &verb);
        printf("aiox %.*s %.*s", TEXT_ARGUMENTS(noun), TEXT_ARGUMENTS(verb));
}

static void print_usage(const Operation *operation) {
        const Field *field;
        printf("Usage: ");
        print_command_name(operation);
        for (size_t i = 0; (field = operation_input(operation, i)); i++) {
                if (field->need != REQUIRED)
                        continue;
                putchar(' ');
                for (const char *c = field->name; *c; c++)
                        putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        }
        printf(" [OPTION …]\n");
}

static void add_choices(TextBuilder *builder, const char *choices) {
        Text rest = text_of(choices), choice;
        const char *gap = " One of ";
        for (; text_split(&rest, '|', &choice); gap = ", ")
                text_add_format(builder, "%s%.*s", gap, TEXT_ARGUMENTS(choice));
        text_add_char(builder, '.');
}

/* What the option takes, beyond what its help says. */
static void add_bounds(TextBuilder *builder, const Field *field, bool partial) {
        int64_t least, most;
        field_bounds(field, &least, &most);
        if (field->type == FIELD_CHOICE && strlen(field->choices) > CHOICES_MOST)
                add_choices(builder, field->choices);
        if (field->type == FIELD_LIST)
                text_add_string(builder, " Separated by commas.");
        if ((field->type == FIELD_INTEGER || field->type == FIELD_REAL) && (field->least || field->most))
                text_add_format(builder, " %lld to %lld.", (long long) least, (long long) most);
        if (field->fallback && !partial && field->type != FIELD_BOOLEAN)
                text_add_format(builder, " Default: %s.", field->fallback);
        if (field->type == FIELD_SECRET)
                text_add_string(builder, " Asked for when absent; @FILE or - (standard input) reads it.");
        else if (field->need == REQUIRED)
                text_add_string(builder, " Required.");
        if (field->type == FIELD_LONG_TEXT)
                text_add_string(builder, " @FILE or - (standard input) reads it.");
}

static void print_field(const Operation *operation, const Field *field) {
        TextBuilder help = text_builder(0);
        char form[128];
        bool named = field->type == FIELD_CHOICE && strlen(field->choices) <= CHOICES_MOST;
        const char *value = field->type == FIELD_BOOLEAN ? "" : named ? field->choices : field_type_name(field->type);
        snprintf(form, sizeof(form), "--%s %s", field->name, value);
        for (char *c = form; *c && *c != ' '; c++)
                if (*c == '_')
                        *c = '-';
        terminal_words(&help, operation, text_of(field->help));
        add_bounds(&help, field, operation->partial);
        print_row(form, help.bytes);
        text_builder_release(&help);
}

static const char *who_may(const Operation *operation, char buffer[static 128]) {
        if (operation->role == ROLE_PLATFORM)
                return "platform admins";
        if (operation->role == ROLE_NONE)
                return "everybody, also who is no member of a tenant";
        snprintf(buffer, 128, "%s and above in the tenant%s", role_name(operation->role),
                 operation->own_agent ? ", and the agent's owner" : "");
        return buffer;
}

static int help_operation(const Operation *operation) {
        char buffer[128];
        const Field *field;
        TextBuilder summary = text_builder(0);
        terminal_words(&summary, operation, text_of(operation->summary));
        print_wrapped(text_built(&summary), 0, 0);
        text_builder_release(&summary);
        putchar('\n');
        print_usage(operation);
        if (operation->example) {
                printf("\nExample:\n  ");
                print_command_name(operation);
                printf(" %s\n", operation->example);
        }
        if (operation_input(operation, 0))
                printf("\nValues:\n");
        for (size_t i = 0; (field = operation_input(operation, i)); i++)
                print_field(operation, field);
        printf("\nOptions:\n");
        print_options(terminal_options, operation);
        printf("\nMay: %s.\nREST: %s /api/v1%s\n", who_may(operation, buffer), operation->method, operation->path);
        return 0;
}

static void print_operations(Text only_noun) {
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                Text noun, verb;
                char name[64];
                operation_words(*row, &noun, &verb);
                if (only_noun.length > 0 && !text_equal(noun, only_noun))
                        continue;
                snprintf(name, sizeof(name), "%.*s %.*s", TEXT_ARGUMENTS(noun), TEXT_ARGUMENTS(verb));
                TextBuilder summary = text_builder(0);
                terminal_words(&summary, *row, text_of((*row)->summary));
                print_row(name, summary.bytes);
                text_builder_release(&summary);
        }
}

static int help_all(void) {
        printf("AIOX makes AI agents people of the XMPP network.\n\nUsage: aiox COMMAND [OPTION …]\n\n"
               "On the machine itself:\n");
        for (size_t i = 0; i < command_count; i++)
                print_row(commands[i].name, commands[i].summary);
        printf("\nAsked of the running hub:\n");
        print_operations(TEXT_NONE);
        printf("\n`aiox help COMMAND` explains one; `aiox help roles` says who may do what, and `aiox help exit-codes` "
               "how "
               "a command ends.\n");
        return 0;
}

static int help_noun(Text noun) {
        printf("Usage: aiox %.*s VERB [OPTION …]\n\n", TEXT_ARGUMENTS(noun));
        print_operations(noun);
        return 0;
}

/* The matrix of role and operation, from the rows: Markdown, so that the documentation can hold it. */
static int help_roles(void) {
        static const Role roles[] = { ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN, ROLE_OWNER, ROLE_PLATFORM };
        printf("| operation |");
        for (size_t i = 0; i < COUNT_OF(roles); i++)
                printf(" %s |", role_name(roles[i]));
        printf(" the agent's owner |\n| --- |");
        for (size_t i = 0; i < COUNT_OF(roles) + 1; i++)
                printf(" --- |");
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                printf("\n| %s |", (*row)->name);
                for (size_t i = 0; i < COUNT_OF(roles); i++)
                        printf(" %s |", roles[i] >= (*row)->role ? "yes" : "–");
                printf(" %s |", (*row)->own_agent ? "yes" : "–");
        }
        putchar('\n');
        return 0;
}

static int help_exit_codes(void) {
        printf("| code | meaning | HTTP |\n| --- | --- | --- |\n| 0 | done | 200 |\n");
        for (FailureKind kind = FAILURE_INVALID; kind < FAILURE_KIND_COUNT; kind++) {
                const FailureForm *form = failure_form(kind);
                printf("| %d | %s | %d |\n", form->exit_code, form->name, form->http_status);
        }
        return 0;
}

static const struct {
        const char *name;
        int (*print)(void);
} topics[] = { { "roles", help_roles }, { "exit-codes", help_exit_codes } };

static int unknown_command(const char *name) {
        Nearest nearest = nearest_to(text_of(name));
        char hint[NEAREST_HINT_SIZE], other[64];
        for (size_t i = 0; i < command_count; i++)
                nearest_offer(&nearest, text_of(commands[i].name));
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                snprintf(other, sizeof(other), "%s", (*row)->name);
                *strchr(other, '-') = ' ';
                nearest_offer(&nearest, text_copy(arena, text_of(other)));
        }
        Failure failure;
        failure_set(&failure, FAILURE_INVALID, "there is no command '%s'%s `aiox help` lists them.", name,
                    nearest.name.length ? nearest_hint(&nearest, hint) : ".");
        return command_fail(&failure);
}

int help_main(const Settings *settings, const Arguments *arguments) {
        (void) settings;
        if (arguments->operand_count == 0)
                return help_all();
        Text noun = text_of(arguments->operands[0]);
        char name[64], dashed[64];
        snprintf(name, sizeof(name), "%s%s%s", noun.bytes, arguments->operand_count > 1 ? " " : "",
                 arguments->operand_count > 1 ? arguments->operands[1] : "");
        snprintf(dashed, sizeof(dashed), "%s-%s", noun.bytes,
                 arguments->operand_count > 1 ? arguments->operands[1] : "");
        for (size_t i = 0; i < COUNT_OF(topics); i++)
                if (strcmp(name, topics[i].name) == 0)
                        return topics[i].print();
        for (size_t i = 0; i < command_count; i++)
                if (strcmp(commands[i].name, name) == 0)
                        return help_command(&commands[i]);
        const Operation *operation = operation_find(text_of(dashed));
        if (operation)
                return help_operation(operation);
        for (const Operation *const *row = operation_catalogue; *row && arguments->operand_count == 1; row++) {
                Text own, verb;
                operation_words(*row, &own, &verb);
                if (text_equal(own, noun))
                        return help_noun(noun);
        }
        return unknown_command(name);
}

int version_main(const Settings *settings, const Arguments *arguments) {
        (void) settings, (void) arguments;
        printf("aiox %s\n", AIOX_VERSION);
        return 0;
}
