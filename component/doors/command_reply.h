/* What the command door says: forms, results, failures. Not what comes next: command.c.
 *
 * Whatever is said is copied into `room`, so that sessions may end before it is sent. Hub thread; never blocks.
 */
#pragma once

#include "component/doors/command_session.h"
#include "xmpp/commands.h"

typedef struct CommandAnswer {
        const Stanza *iq; /* that is answered */
        Arena *room;
        OutgoingList *list;
} CommandAnswer;

/* The form of the session's stage; wrong: what was filled in is, and the form comes again. NULL: nothing is. */
void command_show_stage(const CommandAnswer *to, const CommandSession *session, const Failure *wrong);
/* As long as a list goes on, the command does. */
void command_show_result(const CommandAnswer *to, const CommandSession *session, const Json *result);
/* It is over, and this is why. */
void command_show_failure(const CommandAnswer *to, const CommandSession *session, const Failure *failure);
void command_show_end(const CommandAnswer *to, const CommandSession *session, AdHocStatus status);

void command_add_failure(const CommandAnswer *to, const Failure *failure);
void command_add_refusal(const CommandAnswer *to, FailureKind kind, Text text);
void command_add_error(const CommandAnswer *to, AdHocError error, Text text);
