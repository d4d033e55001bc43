/* The program: finds the subcommand, reads its settings, and goes. */
#include "component/terminal/terminal.h"

#include <stdio.h>

const Command commands[] = {
        { "hub", "", 0, 0, "Runs the hub: connects to the XMPP server and answers.", .with_settings = true,
          .run = hub_main },
        { "migrate", "", 0, 0, "Brings the database's schema up to date, as its owner.", .options = migrate_options,
          .with_settings = true, .run = migrate_main },
        { "keep", "", 0, 0, "Makes the database's parts of the days ahead and removes old ones, as its owner.",
          .options = keep_options, .with_settings = true, .run = keep_main },
        { "key rotate", "FILE", 1, 1, "Changes the master key to the one in FILE, while hubs run.",
          .details =
                  "Wraps every tenant's key by the new master key, and puts it where master_key_file says; the old "
                  "file "
                  "stays beside it, as FILE.former, and can go. When it is broken off, ask again. Hubs on other "
                  "machines "
                  "go on with the keys they have; before they start anew or tenants are made there, they need the new "
                  "file in place, or beside the old one as FILE.next.",
          .with_settings = true, .run = key_rotate_main },
        { "doctor", "", 0, 0, "Checks everything the hub needs and says how to mend what is wrong.",
          .options = doctor_options, .with_settings = true, .run = doctor_main },
        { "chat", "JID", 1, 1, "Talks to an agent as any person would, over an XMPP client connection.",
          .options = chat_options, .run = chat_main },
        { "settings check", "", 0, 0, "Reads the settings and prints what is in force here.", .with_settings = true,
          .run = settings_check_main },
        { "settings reference", "", 0, 0, "Prints the reference of all settings, in Markdown.",
          .run = settings_reference_main },
        { "roles reference", "", 0, 0, "Prints who may run which operation, in Markdown.",
          .run = roles_reference_main },
        { "completion", "bash|zsh|fish", 1, 1, "Prints a completion script for a shell.", .run = completion_main },
        { "help", "[COMMAND …]", 0, 3, "Explains a command; without one, lists them all.", .run = help_main },
        { "version", "", 0, 0, "Prints the version.", .run = version_main },
};
const size_t command_count = COUNT_OF(commands);

/* Matches "settings check" against the words typed; the number of words matched, 0 when it is another command. */
static size_t words_matched(const char *name, char *const *words) {
        Text rest = text_of(name), word;
        size_t count = 0;
        for (; text_split(&rest, ' ', &word); count++)
                if (!words[count] || !text_equal(word, text_of(words[count])))
                        return 0;
        return count;
}

static bool is_help(const char *word) {
        return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* `aiox settings check --help` is `aiox help settings check`. */
static bool asks_for_help(char **words) {
        for (char **word = words; *word && strcmp(*word, "--") != 0; word++)
                if (is_help(*word)) {
                        *word = NULL;
                        return true;
                }
        return false;
}

static int run_command(const Command *command, char *const *words) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(settings_freep) Settings *settings = NULL;
        Arguments arguments;
        Failure failure;
        if (!command_parse(command, words, arena, &arguments, &settings, &failure))
                return command_fail(&failure);
        return command->run(settings, &arguments);
}

/* "agent pause" as typed. */
static const Operation *find_operation(char *const *words) {
        char name[128];
        if (!words[0] || !words[1])
                return NULL;
        snprintf(name, sizeof(name), "%s-%s", words[0], words[1]);
        return operation_find(text_of(name));
}

static int run_help(char *const *words) {
        Arguments arguments = { .operands = (const char **) words };
        while (words[arguments.operand_count])
                arguments.operand_count++;
        return help_main(NULL, &arguments);
}

int main(int argc, char **argv) {
        char **words = argv + (argc > 0);
        if (!*words || asks_for_help(words))
                return run_help(words);
        if (strcmp(*words, "--version") == 0)
                return version_main(NULL, NULL);
        /* `aiox hub status` is an operation, `aiox hub` is not: two words go before one. */
        const Operation *operation = find_operation(words);
        if (operation)
                return terminal_run(operation, words + 2);
        for (size_t i = 0; i < command_count; i++) {
                size_t count = words_matched(commands[i].name, words);
                if (count > 0)
                        return run_command(&commands[i], words + count);
        }
        operation = !words[1] || strncmp(words[1], "--", 2) == 0 ? operation_alone(text_of(words[0])) : NULL;
        if (operation)
                return terminal_run(operation, words + 1);
        return run_help(words);
}
