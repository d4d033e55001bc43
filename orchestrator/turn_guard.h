/* What a turn does with its policies: the body and the history are asked through the input's rules before a model reads
 * them, whatever there is of an answer through the output's before anybody does; each violation is told to the audit.
 * Part of the turn; touches no World.
 */
#pragma once

#include "orchestrator/turn.h"

/* Puts what the rules leave of the body into the input, and the same into the history: what was found there was told
 * when it came. False: the message is refused (FAILURE_POLICY, with a sentence for who wrote it), or could not be
 * checked. */
bool turn_guard_input(TurnInput *input, Recalled *recalled, Arena *arena, TurnResult *result,
                      Failure *reterr_failure) _must_check_;
/* Replaces the answer by what the rules leave of it; one that is blocked, or cannot be checked, is withheld. */
void turn_guard_output(const Recalled *recalled, Arena *arena, TurnResult *result);
/* Whether the answer is asked about: then nobody may see it grow. */
bool turn_guards_output(const Recalled *recalled);
bool turn_wants_approval(const Recalled *recalled, Text tool);
