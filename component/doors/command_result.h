/* A command's result: from an operation's JSON to a data form of type result, a list as a table of the row's columns,
 * anything else as one field a member. What is too long for a stanza is cut.
 *
 * The form and its texts live in the arena. One thread; never blocks.
 */
#pragma once

#include "orchestrator/operations/operation.h"
#include "xmpp/forms.h"

#define COMMAND_RESULT_LIMIT (96 * 1024) /* bytes of all texts in one result */

/* *ret_cut: not everything is there. NULL: no room. */
Form *command_result(const Operation *operation, const Json *result, Arena *arena, bool *ret_cut);
