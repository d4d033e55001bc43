/* A command's forms: from an operation's fields to data forms (XEP-0004), and from what was filled in back to the
 * operation's input. Derived from the rows; no operation is known here by name. Not sessions and not answers:
 * command.c.
 *
 * Stages: all fields on one page; when there are many, the required ones first and the others on a second page; then,
 * where something is to be destroyed, whether it really shall. Texts and forms live in the arena given. One thread;
 * never blocks.
 */
#pragma once

#include "orchestrator/operations/operation.h"
#include "xmpp/forms.h"

#define COMMAND_FIELDS_A_PAGE 8
#define COMMAND_ROWS_A_PAGE   25           /* of a list */
#define COMMAND_VALUES_LIMIT  (320 * 1024) /* bytes of all values of one command */

/* What a command is about, and what was filled in so far. */
typedef struct CommandTalk {
        const Operation *operation;
        Text agent;          /* JID of the one that was asked, which is then no question; empty: none was */
        const Text *tenants; /* in which it may be run: one is no question, of several one is asked for */
        size_t tenant_count;
        bool platform; /* by a platform admin, who may name any tenant */
        Json *values;  /* by field; what is empty is absent */
        Text after;    /* of a list: where its next page begins; empty: at its beginning */
} CommandTalk;

/* "Agent create", in the arena. */
Text command_title(const Operation *operation, Arena *arena);

/* Stages: the pages, and the confirmation; none when there is nothing to ask. */
size_t command_stage_count(const CommandTalk *talk);
bool command_is_confirmation(const CommandTalk *talk, size_t stage);
/* Whether the operation may be run from this stage: what must be filled in stands on the first page. */
bool command_may_complete(const CommandTalk *talk, size_t stage);
/* A complaint about what was filled in last stands first in it; it may be empty. NULL: no room. */
Form *command_stage(const CommandTalk *talk, size_t stage, Text complaint, Arena *arena);

/* Keeps what a stage was filled with, also when something in it is wrong, which the failure then names. form may be
 * NULL. */
bool command_fill(CommandTalk *talk, size_t stage, const Form *form, Failure *reterr_failure) _must_check_;
/* Whether what was filled in so far would do as far as anybody can say without asking the store. */
bool command_check(const CommandTalk *talk, Failure *reterr_failure) _must_check_;

/* What goes to the gate: the input, which the caller frees, and the tenant. */
Json *command_input(const CommandTalk *talk);
Text command_tenant(const CommandTalk *talk);
