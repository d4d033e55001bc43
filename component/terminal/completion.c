/* `aiox completion SHELL`: a script with every subcommand, operation, option and choice, made from the tables. */
#include "component/terminal/terminal.h"

#include <stdio.h>

/* A subcommand or an operation, as completion sees it. */
typedef struct Words {
        char name[64]; /* "agent pause" */
        const char *summary;
        const Command *command;
        const Operation *operation;
} Words;

static bool words_at(size_t index, Words *ret_words) {
        *ret_words = (Words){ 0 };
        if (index < command_count) {
                ret_words->command = &commands[index];
                ret_words->summary = commands[index].summary;
                snprintf(ret_words->name, sizeof(ret_words->name), "%s", commands[index].name);
                return true;
        }
        for (size_t i = 0; operation_catalogue[i]; i++) {
                if (i != index - command_count)
                        continue;
                ret_words->operation = operation_catalogue[i];
                ret_words->summary = operation_catalogue[i]->summary;
                snprintf(ret_words->name, sizeof(ret_words->name), "%s", operation_catalogue[i]->name);
                *strchr(ret_words->name, '-') = ' ';
                return true;
        }
        return false;
}

typedef void OptionPrinter(const Words *words, const char *name, const char *choices, bool flag, const char *help);

static void dashed(const char *name, char ret_name[static 64]) {
        snprintf(ret_name, 64, "%s", name);
        for (char *c = ret_name; *c; c++)
                *c = *c == '_' ? '-' : *c;
}

static void each_option(const Words *words, OptionPrinter *print) {
        char name[64];
        const Field *field;
        const Option *own = words->command ? words->command->options : terminal_options;
        for (; own && own->name; own++)
                if (!words->operation || terminal_option_applies(words->operation, own))
                        print(words, own->name, NULL, !own->argument, own->help);
        for (size_t i = 0; words->command && words->command->with_settings && i < settings_count; i++) {
                dashed(settings_table[i].name, name);
                print(words, name, settings_table[i].choices, settings_table[i].type == SETTING_BOOLEAN,
                      settings_table[i].help);
        }
        for (size_t i = 0; words->operation && (field = operation_input(words->operation, i)); i++) {
                dashed(field->name, name);
                print(words, name, field->choices, field->type == FIELD_BOOLEAN, field->help);
        }
}

/* Every first word once, or every second word of one first word. */
static void each_word(const char *first, const char *gap) {
        Words words;
        char seen[4096] = " ";
        for (size_t i = 0; words_at(i, &words); i++) {
                Text rest = text_of(words.name), noun, word;
                text_split(&rest, ' ', &noun);
                word = first ? rest : noun;
                char needle[72];
                snprintf(needle, sizeof(needle), " %.*s ", TEXT_ARGUMENTS(word));
                if ((first && !text_equal(noun, text_of(first))) || word.length == 0 || strstr(seen, needle))
                        continue;
                strncat(seen, needle + 1, sizeof(seen) - strlen(seen) - 1);
                printf("%.*s%s", TEXT_ARGUMENTS(word), gap);
        }
}

/* Bash. */

static void bash_option(const Words *words, const char *name, const char *choices, bool flag, const char *help) {
        (void) words, (void) choices, (void) flag, (void) help;
        printf("--%s ", name);
}

static void bash_choices(const Words *words, const char *name, const char *choices, bool flag, const char *help) {
        (void) flag, (void) help;
        if (!choices)
                return;
        printf("        '%s --%s') words='", words->name, name);
        for (const char *c = choices; *c; c++)
                putchar(*c == '|' ? ' ' : *c);
        printf("' ;;\n");
}

static void print_bash(void) {
        Words words;
        printf("_aiox() {\n    local words='' word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}\n"
               "    local one=${COMP_WORDS[1]} two=${COMP_WORDS[2]}\n"
               "    [[ $two != -* && $COMP_CWORD -gt 2 ]] || two=''\n"
               "    if ((COMP_CWORD == 1)); then words='");
        each_word(NULL, " ");
        printf("'\n    else\n        case \"$one${two:+ $two} $last\" in\n");
        for (size_t i = 0; words_at(i, &words); i++)
                each_option(&words, bash_choices);
        printf("        *) case \"$one $two\" in\n");
        for (size_t i = 0; words_at(i, &words); i++) {
                printf("            '%s'%s) words='", words.name, strchr(words.name, ' ') ? "" : "\\ *");
                each_option(&words, bash_option);
                if (!strchr(words.name, ' '))
                        each_word(words.name, " "); /* `aiox hub` and `aiox hub status` */
                printf("' ;;\n");
        }
        printf("            *) case $one in\n");
        for (size_t i = 0; words_at(i, &words); i++) {
                char *space = strchr(words.name, ' ');
                if (!space)
                        continue;
                *space = '\0';
                printf("                %s) words='", words.name);
                each_word(words.name, " ");
                printf("' ;;\n");
        }
        printf("                esac ;;\n            esac ;;\n        esac\n    fi\n"
               "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\n"
               "complete -o default -F _aiox aiox\n");
}

/* Zsh. */

static void zsh_quoted(const char *text, const char *special) {
        for (; *text; text++) {
                if (*text == '\'')
                        printf("'\\'");
                else if (strchr(special, *text))
                        putchar('\\');
                putchar(*text);
        }
}

static void zsh_option(const Words *words, const char *name, const char *choices, bool flag, const char *help) {
        (void) words;
        printf(" \\\n            '--%s[", name);
        zsh_quoted(help, "[]:");
        printf("]");
        if (choices) {
                printf(":%s:(", name);
                for (const char *c = choices; *c; c++)
                        putchar(*c == '|' ? ' ' : *c);
                printf(")");
        } else if (!flag)
                printf(":%s:_files", name);
        printf("'");
}

static void print_zsh(void) {
        Words words;
        printf("#compdef aiox\n_aiox() {\n    if ((CURRENT == 2)); then compadd ");
        each_word(NULL, " ");
        printf("; return; fi\n    if ((CURRENT == 3)) && [[ $PREFIX != -* ]]; then case $words[2] in\n");
        for (size_t i = 0; words_at(i, &words); i++) {
                char *space = strchr(words.name, ' ');
                if (!space)
                        continue;
                *space = '\0';
                printf("        %s) compadd ", words.name);
                each_word(words.name, " ");
                printf("; return ;;\n");
        }
        printf("    esac; fi\n    case \"$words[2] $words[3]\" in\n");
        for (size_t i = 0; words_at(i, &words); i++) {
                printf("        '%s'%s) _arguments", words.name, strchr(words.name, ' ') ? "" : "\\ *");
                each_option(&words, zsh_option);
                printf(" '*:: :_files' ;;\n");
        }
        printf("    esac\n}\n_aiox \"$@\"\n");
}

/* Fish. */

static void fish_quoted(const char *text) {
        for (; *text; text++) {
                if (*text == '\'' || *text == '\\')
                        putchar('\\');
                putchar(*text);
        }
}

static void fish_condition(const Words *words) {
        Text rest = text_of(words->name), word;
        const char *gap = "";
        printf(" -n '");
        for (; text_split(&rest, ' ', &word); gap = "; and ")
                printf("%s__fish_seen_subcommand_from %.*s", gap, TEXT_ARGUMENTS(word));
        printf("'");
}

static void fish_option(const Words *words, const char *name, const char *choices, bool flag, const char *help) {
        printf("complete -c aiox");
        fish_condition(words);
        printf(" -l %s%s", name, flag ? "" : " -r");
        if (choices) {
                printf(" -f -a '");
                for (const char *c = choices; *c; c++)
                        putchar(*c == '|' ? ' ' : *c);
                printf("'");
        }
        printf(" -d '");
        fish_quoted(help);
        printf("'\n");
}

static void print_fish(void) {
        Words words;
        printf("complete -c aiox -n __fish_use_subcommand -f -a '");
        each_word(NULL, " ");
        printf("'\n");
        for (size_t i = 0; words_at(i, &words); i++) {
                char *space = strchr(words.name, ' ');
                if (space) {
                        printf("complete -c aiox -n '__fish_seen_subcommand_from %.*s' -f -a %s -d '",
                               (int) (space - words.name), words.name, space + 1);
                        fish_quoted(words.summary);
                        printf("'\n");
                }
                each_option(&words, fish_option);
        }
}

int completion_main(const Settings *settings, const Arguments *arguments) {
        (void) settings;
        static const struct {
                const char *name;
                void (*print)(void);
        } shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };
        for (size_t i = 0; i < COUNT_OF(shells); i++)
                if (strcmp(arguments->operands[0], shells[i].name) == 0) {
                        shells[i].print();
                        return 0;
                }
        Failure failure;
        failure_set(&failure, FAILURE_INVALID, "the shells known are bash, zsh and fish, not '%.64s'",
                    arguments->operands[0]);
        return command_fail(&failure);
}
