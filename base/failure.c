#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>

/* The one table. Exit codes are a promise to scripts: they never change their meaning, new kinds take new ones.
 *
 *   0 done      1 internal error      2 wrong usage or value
 *   3 not found                       4 not signed in
 *   5 forbidden                       6 conflict
 *   7 too large                       8 against a rule
 *   9 over a limit: try later        10 a server is unavailable
 *  11 timed out                      12 cancelled
 *  13 not supported
 */
/* clang-format off */
static const FailureForm forms[FAILURE_KIND_COUNT] = {
        /* kind                        name               type      condition                  HTTP exit */
        [FAILURE_NONE]            = { "none",            "",       "",                        200,  0 },
        [FAILURE_INVALID]         = { "invalid",         "modify", "bad-request",             400,  2 },
        [FAILURE_UNAUTHENTICATED] = { "unauthenticated", "auth",   "not-authorized",          401,  4 },
        [FAILURE_FORBIDDEN]       = { "forbidden",       "auth",   "forbidden",               403,  5 },
        [FAILURE_NOT_FOUND]       = { "not-found",       "cancel", "item-not-found",          404,  3 },
        [FAILURE_CONFLICT]        = { "conflict",        "cancel", "conflict",                409,  6 },
        [FAILURE_TOO_LARGE]       = { "too-large",       "modify", "policy-violation",        413,  7 },
        [FAILURE_POLICY]          = { "policy",          "cancel", "not-allowed",             422,  8 },
        [FAILURE_LIMIT]           = { "limit",           "wait",   "resource-constraint",     429,  9 },
        [FAILURE_UNAVAILABLE]     = { "unavailable",     "wait",   "recipient-unavailable",   503, 10 },
        [FAILURE_TIMED_OUT]       = { "timed-out",       "wait",   "remote-server-timeout",   504, 11 },
        [FAILURE_CANCELLED]       = { "cancelled",       "cancel", "undefined-condition",     409, 12 },
        [FAILURE_UNSUPPORTED]     = { "unsupported",     "cancel", "feature-not-implemented", 501, 13 },
        [FAILURE_INTERNAL]        = { "internal",        "cancel", "internal-server-error",   500,  1 },
};
/* clang-format on */

const FailureForm *failure_form(FailureKind kind) {
        return &forms[kind >= 0 && kind < FAILURE_KIND_COUNT ? kind : FAILURE_INTERNAL];
}

bool failure_kind_from_name(Text name, FailureKind *ret_kind) {
        for (int kind = FAILURE_NONE; kind < FAILURE_KIND_COUNT; kind++) {
                if (!text_equal(name, text_of(forms[kind].name)))
                        continue;
                *ret_kind = (FailureKind) kind;
                return true;
        }
        return false;
}

/* Fills the sentence; what does not fit is cut between characters, and what is not UTF-8 (a byte of a foreign message)
 * becomes a question mark, for the sentence goes into stanzas. */
static void write_sentence(char *text, const char *format, va_list arguments) _printf_(2, 0);
static void write_sentence(char *text, const char *format, va_list arguments) {
        TextBuilder builder = text_builder(FAILURE_TEXT_LIMIT - 1);
        text_add_format_list(&builder, format, arguments);
        memcpy(text, builder.bytes, builder.length + 1);
        for (Text rest = text_built(&builder); rest.length > 0;) {
                size_t step = text_character(rest);
                if (step == 0)
                        text[builder.length - rest.length] = '?';
                step = step > 0 ? step : 1;
                rest = (Text){ rest.bytes + step, rest.length - step };
        }
        text_builder_release(&builder);
}

void failure_write(Failure *ret_failure, FailureKind kind, const char *format, ...) {
        if (!ret_failure)
                return;
        va_list arguments;
        va_start(arguments, format);
        write_sentence(ret_failure->text, format, arguments);
        va_end(arguments);
        ret_failure->kind = kind;
}

void failure_write_prefix(Failure *failure, const char *format, ...) {
        if (!failure)
                return;
        char context[FAILURE_TEXT_LIMIT];
        va_list arguments;
        va_start(arguments, format);
        write_sentence(context, format, arguments);
        va_end(arguments);
        failure_write(failure, failure->kind, "%s: %s", context, failure->text);
}
