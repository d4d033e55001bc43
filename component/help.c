/* `aiox help` and `aiox version`. */
#include "component/command.h"

#include "base/nearest.h"

#include <stdio.h>

static void print_options(const Option *options) {
        for (; options && options->name; options++) {
                char form[64];
                snprintf(form, sizeof(form), "--%s%s%s", options->name, options->argument ? " " : "",
                         options->argument ? options->argument : "");
                printf("  %-24s %s\n", form, options->help);
        }
}

static int help_command(const Command *command) {
        printf("%s\n\nUsage: aiox %s%s%s%s\n", command->summary, command->name, *command->operands ? " " : "",
               command->operands, command->options || command->with_settings ? " [OPTION …]" : "");
        if (command->details)
                printf("\n%s\n", command->details);
        if (command->options) {
                printf("\nOptions:\n");
                print_options(command->options);
        }
        if (command->with_settings)
                printf("\nEvery setting is an option too, and --config FILE names a file of them: see `aiox settings "
                       "reference`.\n");
        return 0;
}

static int help_all(void) {
        printf("AIOX makes AI agents people of the XMPP network.\n\nUsage: aiox COMMAND [OPTION …]\n\nCommands:\n");
        for (size_t i = 0; i < command_count; i++)
                printf("  %-22s %s\n", commands[i].name, commands[i].summary);
        printf("\n`aiox help COMMAND` explains one.\n");
        return 0;
}

int help_main(const Settings *settings, const Arguments *arguments) {
        (void) settings;
        if (arguments->operand_count == 0)
                return help_all();
        char name[64];
        snprintf(name, sizeof(name), "%s%s%s", arguments->operands[0], arguments->operand_count > 1 ? " " : "",
                 arguments->operand_count > 1 ? arguments->operands[1] : "");
        Nearest nearest = nearest_to(text_of(name));
        for (size_t i = 0; i < command_count; i++) {
                if (strcmp(commands[i].name, name) == 0)
                        return help_command(&commands[i]);
                nearest_offer(&nearest, text_of(commands[i].name));
        }
        Failure failure;
        char hint[NEAREST_HINT_SIZE];
        failure_set(&failure, FAILURE_INVALID, "no command '%s'%s", name, nearest_hint(&nearest, hint));
        return command_fail(&failure);
}

int version_main(const Settings *settings, const Arguments *arguments) {
        (void) settings, (void) arguments;
        printf("aiox %s\n", AIOX_VERSION);
        return 0;
}
