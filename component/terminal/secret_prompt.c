#include "component/terminal/secret_prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define TYPED_MOST 8192

bool terminal_secret_is_elsewhere(const Field *field, const char *value, Failure *reterr_failure) {
        if (strcmp(value, "-") == 0 || value[0] == '@')
                return true;
        return failure_set(reterr_failure, FAILURE_INVALID,
                           "a secret does not belong on a command line, where others can see it: leave '%s' out and "
                           "type it when asked, or give @FILE or - for standard input",
                           field->name);
}

/* One line, without its end. */
static bool type_line(int terminal, const char *name, Arena *arena, Text *ret_line, Failure *reterr_failure) {
        char *line = arena_take(arena, TYPED_MOST + 1);
        struct termios shown, hidden;
        if (!line || tcgetattr(terminal, &shown) < 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "cannot ask for '%s': %s", name, strerror(errno));
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t) ECHO;
        tcsetattr(terminal, TCSAFLUSH, &hidden);
        dprintf(terminal, "%s: ", name);
        ssize_t length = read(terminal, line, TYPED_MOST);
        tcsetattr(terminal, TCSAFLUSH, &shown);
        dprintf(terminal, "\n");
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
                length--;
        if (length <= 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "nothing was typed for '%s'", name);
        *ret_line = (Text){ line, (size_t) length };
        return text_is_utf8(*ret_line) ||
               failure_set(reterr_failure, FAILURE_INVALID, "what was typed for '%s' is not UTF-8", name);
}

bool terminal_ask_secrets(const Operation *operation, Arena *arena, Json *input, Failure *reterr_failure) {
        const Field *field;
        for (size_t i = 0; (field = operation_input(operation, i)); i++) {
                Text line;
                if (field->type != FIELD_SECRET || field->need != REQUIRED || json_member(input, field->name))
                        continue;
                _cleanup_(close_fdp) int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
                if (terminal < 0)
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "'%s' is missing, and there is no terminal to ask on: give --%s @FILE, or "
                                           "--%s - for standard input",
                                           field->name, field->name, field->name);
                if (!type_line(terminal, field->name, arena, &line, reterr_failure))
                        return false;
                json_put_text(input, field->name, line);
        }
        return true;
}
