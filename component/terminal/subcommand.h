/* Subcommands of `aiox`: each is one row of the table in main.c and one function in a file of its own. Operations are
 * not rows here: main() hands all other words to the terminal. A subcommand returns the exit code, which is
 * that of the failure table (base/failure.c), and reports its own failures with command_fail().
 */
#pragma once

#include "component/settings/settings.h"

/* An option of a subcommand's own, beside those of the settings. */
typedef struct Option {
        const char *name;
        const char *argument; /* what help calls its value; NULL = a flag */
        const char *help;
} Option;

typedef struct Arguments {
        const char **operands; /* ends with NULL */
        size_t operand_count;
        const char **values; /* one per own option, in the order of its table; a flag's is "true"; NULL when absent */
} Arguments;

typedef struct Command {
        const char *name;     /* one word or two: "hub", "settings check" */
        const char *operands; /* as help shows them: "JID", "[OPERATION]" */
        size_t least_operands, most_operands;
        const char *summary;
        const char *details;   /* further paragraphs of its help; may be NULL */
        const Option *options; /* ends with an unnamed row; may be NULL */
        bool with_settings;    /* takes the settings' options and is handed them */
        int (*run)(const Settings *settings, const Arguments *arguments);
} Command;

extern const Command commands[];
extern const size_t command_count;

/* Prints "aiox: sentence" to standard error and returns the failure's exit code. */
int command_fail(const Failure *failure) _must_check_;

/* words: from after the subcommand's name on, ended by NULL. Own options win over settings of the same name. */
bool command_parse(const Command *command, char *const *words, Arena *arena, Arguments *ret_arguments,
                   Settings **ret_settings, Failure *reterr_failure) _must_check_;

/* Value of one of command's own options, by name; NULL when it was not given. */
const char *command_value(const Option *options, const Arguments *arguments, const char *name);

/* The subcommands' own options, beside what runs them. */
extern const Option migrate_options[], keep_options[], doctor_options[], chat_options[];

int hub_main(const Settings *settings, const Arguments *arguments);
int migrate_main(const Settings *settings, const Arguments *arguments);
int keep_main(const Settings *settings, const Arguments *arguments);
int key_rotate_main(const Settings *settings, const Arguments *arguments);
int doctor_main(const Settings *settings, const Arguments *arguments);
int chat_main(const Settings *settings, const Arguments *arguments);
int settings_check_main(const Settings *settings, const Arguments *arguments);
int settings_reference_main(const Settings *settings, const Arguments *arguments);
int roles_reference_main(const Settings *settings, const Arguments *arguments);
int help_main(const Settings *settings, const Arguments *arguments);
int version_main(const Settings *settings, const Arguments *arguments);
int completion_main(const Settings *settings, const Arguments *arguments);
