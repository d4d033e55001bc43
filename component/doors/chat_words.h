/* Words of the chat-text door: results, questions and help as Markdown, from the operations' rows. Decides nothing and
 * looks nothing up. Text that came from elsewhere is escaped.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "orchestrator/operations/operation.h"

/* A list as a table, a record as lines. */
void words_result(TextBuilder *answer, const Operation *operation, const Json *result);
/* Asks for one field; complaint: what was wrong with the last value, NULL = nothing. */
void words_question(TextBuilder *answer, const Operation *operation, const Field *field, const char *complaint);
/* Asks back before something is destroyed. wrong: a code was given that is not this one. */
void words_confirm(TextBuilder *answer, const Operation *operation, const char *code, bool wrong, bool at_hub);
/* What one operation takes. */
void words_usage(TextBuilder *answer, const Operation *operation, bool at_hub);
/* One line of a list of what there is. */
void words_listed(TextBuilder *answer, const Operation *operation, bool at_hub);
