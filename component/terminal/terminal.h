/* The terminal: runs one operation by asking the hub, as typed. What `aiox help` and completion must know of it is
 * here. Blocks; main thread.
 */
#pragma once

#include "component/terminal/subcommand.h"
#include "orchestrator/operations/operation.h"

extern const Option terminal_options[]; /* of every operation, beside its fields; ends with an unnamed row */
/* Whether it says anything to this one. It is taken anyway, so that a script may always say it. */
bool terminal_option_applies(const Operation *operation, const Option *option);

/* words: from after noun and verb on, ended by NULL. Returns the exit code. */
int terminal_run(const Operation *operation, char *const *words);
