/* Ad-hoc commands: from a stanza to the door, from there to the desk, and back by a note. */
#include "component/doors/command.h"
#include "component/loop.h"

#define ANSWER_ARENA_SIZE ((size_t) 4 * 1024 * 1024)

static bool submit(void *loop_, DeskCall *call) {
        Loop *loop = loop_;

        return desk_submit(loop->desk, call);
}

/* On a thread of the desk; a hub that stops takes no notes any more. */
static void finished(void *loop_, CommandJob *job) {
        Loop *loop = loop_;
        Note *note = memory_new(sizeof(*note));

        note->kind = NOTE_COMMAND;
        note->job = job;
        if (queue_offer(loop->inbox, &note->item))
                return;
        command_job_free(job);
        free(note);
}

void loop_open_commands(Loop *loop, Desk *desk) {
        CommandDoorSettings settings = { SESSION_LIMITS, submit, finished, loop };

        loop->desk = desk;
        loop->adhoc = command_door_new(&settings);
}

void loop_take_command(Loop *loop, Link *link, const Stanza *iq, const Sender *asker, Arena *arena) {
        _cleanup_(arena_freep) Arena *room = arena_new(ANSWER_ARENA_SIZE);
        OutgoingList list = { 0 };
        CommandAsker who = { .platform = settings_name_admin(loop->settings, iq->from.bare),
                             .known = asker->kind == SENDER_ACCOUNT && !asker->suspended };
        bool taken = command_take(loop->adhoc, &who, iq, arena, loop->now, room, &list);

        loop_send(loop, link, &list);
        if (!taken)
                arena_free(arena);
}

void loop_finish_command(Loop *loop, CommandJob *job) {
        _cleanup_(arena_freep) Arena *room = arena_new(ANSWER_ARENA_SIZE);
        Link *link = loop_link(loop, command_job_domain(job));
        OutgoingList list = { 0 };

        if (command_finish(loop->adhoc, job, loop->now, room, &list))
                return;
        loop_send(loop, link, &list);
        command_job_free(job);
}
