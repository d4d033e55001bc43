/* The command door: ad-hoc commands (XEP-0050) on the hub's own address and on agents, derived from the operations'
 * rows. It lists what the asker may run, walks him through an operation's forms, hands the operation to the gate and
 * shows what came of it. It decides nothing: what may be run is asked of the gate, beforehand and again by running it;
 * who may see an agent is asked before a stanza comes here.
 *
 * Everything belongs to the hub thread and never blocks, save the work of a job, which runs at the desk. What has to be
 * asked of the database is a job: it keeps the stanza it will answer, and comes back through command_finish().
 */
#pragma once

#include "component/desk.h"
#include "component/doors/command_session.h"
#include "xmpp/commands.h"

typedef struct CommandDoor CommandDoor;
typedef struct CommandJob CommandJob;

typedef struct CommandDoorSettings {
        SessionLimits limits;
        /* Has a job run; false when too much waits already. On a thread of the desk call->done() then ends it, which
         * calls finished(). */
        bool (*submit)(void *owner, DeskCall *call);
        void (*finished)(void *owner, CommandJob *job); /* any thread */
        void *owner;
} CommandDoorSettings;

/* Who asks, as the directory knows him. */
typedef struct CommandAsker {
        bool platform; /* a platform admin */
        bool known;    /* has an account, and is not suspended */
} CommandAsker;

CommandDoor *command_door_new(const CommandDoorSettings *settings);
void command_door_free(CommandDoor *door);
DEFINE_RELEASE(CommandDoor *, command_door_free)

/* Whether an iq is for this door. It answers each of those, at once or when a job is done. */
bool command_is_for(const Stanza *iq);
/* iq: to the hub, or to an agent that the asker may see. What is answered at once is added to the list, in `room`.
 * True: a job has taken the stanza's arena over. */
bool command_take(CommandDoor *door, const CommandAsker *asker, const Stanza *iq, Arena *arena, Moment now, Arena *room,
                  OutgoingList *list);
/* A job has come back. What is answered lives in `room` and in the job, which is the caller's to free. True: nothing is
 * answered yet, and the job is gone. */
bool command_finish(CommandDoor *door, CommandJob *job, Moment now, Arena *room, OutgoingList *list);
/* The domain that was asked. */
Text command_job_domain(const CommandJob *job);
void command_job_free(CommandJob *job);
