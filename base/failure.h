/* A failure: what kind it is and one sentence a person can act on. One table maps the kind to the XMPP stanza error
 * (RFC 6120 §8.3.3), the HTTP status and the exit code of the terminal, so that every door answers alike. A refusal by
 * a rule is a verdict, not a failure of the program, but it uses the same kinds to be answered.
 *
 * A function either logs or returns its failure, never both. Any thread; never blocks.
 */
#pragma once

#include "base/text.h"

typedef enum FailureKind {
        FAILURE_NONE,
        FAILURE_INVALID,         /* the caller's bytes are wrong */
        FAILURE_UNAUTHENTICATED, /* who are you */
        FAILURE_FORBIDDEN,       /* you may not, and may know that it exists */
        FAILURE_NOT_FOUND,       /* absent, or not yours to see */
        FAILURE_CONFLICT,        /* exists already, or the same key with other content */
        FAILURE_TOO_LARGE,
        FAILURE_POLICY,      /* against a rule; trying again does not help */
        FAILURE_LIMIT,       /* over a rate, depth or quota; trying later helps */
        FAILURE_UNAVAILABLE, /* a server we need is away */
        FAILURE_TIMED_OUT,
        FAILURE_CANCELLED,
        FAILURE_UNSUPPORTED, /* no such feature here */
        FAILURE_INTERNAL,    /* our defect */
        FAILURE_KIND_COUNT,
} FailureKind;

typedef struct FailureForm {
        const char *name;           /* as in logs, audit and JSON: "not-found" */
        const char *xmpp_type;      /* cancel, modify, auth, wait */
        const char *xmpp_condition; /* RFC 6120 §8.3.3 */
        int http_status;
        int exit_code; /* sysexits-like, stable: documented in `aiox help exit-codes` */
} FailureForm;

#define FAILURE_TEXT_LIMIT 320

typedef struct Failure {
        FailureKind kind;
        char text[FAILURE_TEXT_LIMIT]; /* UTF-8, cut at a character; names cause and fix */
} Failure;

const FailureForm *failure_form(FailureKind kind);
bool failure_kind_from_name(Text name, FailureKind *ret_kind);

/* Sets *ret_failure (which may be NULL) and is false: `return failure_set(reterr, FAILURE_INVALID, "…", …);` The
 * sentence is UTF-8 whatever its arguments are. A macro, so that compilers and analyzers see the false. */
#define failure_set(...) (failure_write(__VA_ARGS__), failure_false())
/* Puts "context: " before the sentence of *failure (which may be NULL); is false: failure_prefix(reterr, "%s", name).
 */
#define failure_prefix(...) (failure_write_prefix(__VA_ARGS__), failure_false())

void failure_write(Failure *ret_failure, FailureKind kind, const char *format, ...) _printf_(3, 4);
void failure_write_prefix(Failure *failure, const char *format, ...) _printf_(2, 3);
static inline bool failure_false(void) {
        return false;
}
