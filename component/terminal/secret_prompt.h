/* Secrets typed on a terminal: asked for without echo, and never taken from the command line, which `ps` shows to
 * everybody. Not where they go. Blocks for as long as somebody types; one thread.
 */
#pragma once

#include "orchestrator/operations/operation.h"

/* Asks for every required secret that was not given. FAILURE_INVALID when there is no terminal to ask on. */
bool terminal_ask_secrets(const Operation *operation, Arena *arena, Json *input, Failure *reterr_failure) _must_check_;
/* Refuses a secret that stands on the command line, instead of a file's name or "-". */
bool terminal_secret_is_elsewhere(const Field *field, const char *value, Failure *reterr_failure) _must_check_;
