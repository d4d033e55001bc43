/* Guesses: how often somebody may try a code that others must not find out, or ask for what looks through every tenant.
 * Ten at once and one a minute for each person, a hundred and ten a minute for all of a domain; each hub counts for
 * itself, so that several let try several times as much. Codes are too long to be guessed anyway: this keeps trying
 * from being free. Bounded: when too many people try at a time, those who come new share what is left.
 *
 * Any thread; never blocks beyond a short lock.
 */
#pragma once

#include "base/failure.h"

typedef struct Guesses Guesses;

Guesses *guesses_new(void);
/* Takes one guess of a bare JID. FAILURE_LIMIT: none is left, and the failure says until when. */
bool guesses_take(Guesses *guesses, Text principal, int64_t monotonic_us, Failure *reterr_failure) _must_check_;
void guesses_free(Guesses *guesses);
DEFINE_RELEASE(Guesses *, guesses_free)
