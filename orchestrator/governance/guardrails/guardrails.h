/* Guardrails: rules over what goes into a model and what comes out of it, as data. One rule a line:
 *
 *     input|output|both  pass|redact|warn|block  KIND  [ARGUMENT]
 *
 * Lines that begin with '#' are remarks. Rules are asked in their order, each about what those before have left of the
 * text; the first that blocks ends it. Pure functions on text: knows no message, no model and no tenant, remembers
 * nothing. kinds.h has the kinds.
 *
 * A chain is immutable once it was read: any thread may ask it. Never blocks; linear time, patterns within a bound.
 */
#pragma once

#include "base/failure.h"

typedef enum GuardPlace { GUARD_INPUT, GUARD_OUTPUT } GuardPlace;
typedef enum GuardAction {
        GUARD_PASS,
        GUARD_REDACT,
        GUARD_WARN,
        GUARD_BLOCK,
        GUARD_UNCHECKED /* no rule says so: its check could not be made, and nothing may pass */
} GuardAction;

const char *guard_place_name(GuardPlace place);
const char *guard_action_name(GuardAction action);

typedef struct Guardrails Guardrails;
/* The words of a secret text (a system prompt) by which it is recognised in another; immutable. */
typedef struct Shingles Shingles;

#define GUARDRAILS_MOST 64 /* rules of a chain */

/* NULL when there is no rule in the text. FAILURE_INVALID names the line. */
bool guardrails_parse(Text rules, Guardrails **ret_guardrails, Failure *reterr_failure) _must_check_;
void guardrails_free(Guardrails *guardrails);
DEFINE_RELEASE(Guardrails *, guardrails_free)
/* Whether this machine has what every rule needs. A chain is read and asked without: such a rule then cannot be
 * checked.
 */
bool guardrails_able(const Guardrails *guardrails, Failure *reterr_failure) _must_check_;
/* Whether any rule concerns this place; false for NULL. */
bool guardrails_concern(const Guardrails *guardrails, GuardPlace place);

/* NULL when the text is too short to be recognised, or larger than memory allows for. */
Shingles *shingles_new(Text secret);
void shingles_free(Shingles *shingles);

typedef struct Violation {
        int32_t rule;     /* counted from 1, as the lines are that hold one */
        const char *kind; /* a literal */
        GuardPlace place;
        GuardAction action;
        int64_t count; /* how often, in this text */
} Violation;

typedef struct GuardVerdict {
        Text text; /* what the rules leave of it: the text itself, or a copy in the arena */
        bool blocked;
        const char *what;      /* blocked: what was found, in plain words: "a payment card number"; a literal */
        Violation *violations; /* in the order of the rules */
        size_t violation_count;
} GuardVerdict;

/* False when it could not be checked (the arena's limit, a pattern's bound, no fingerprints of languages): nothing may
 * pass then, and the last of the violations names the rule, as far as there was memory to say it. secret may be NULL.
 */
bool guardrails_ask(const Guardrails *guardrails, GuardPlace place, Text text, const Shingles *secret, Arena *arena,
                    GuardVerdict *ret_verdict, Failure *reterr_failure) _must_check_;
