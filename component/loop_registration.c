/* Registration: from a stanza to the door, from there to the desk, and back by a note. */
#include "component/loop.h"

#define ANSWER_ARENA_SIZE ((size_t) 256 * 1024)

void loop_take_registration(Loop *loop, Link *link, const Stanza *iq, Arena *arena) {
        _cleanup_(arena_freep) Arena *room = arena_new(ANSWER_ARENA_SIZE);
        OutgoingList list = { 0 };
        bool taken = registration_door_take(loop->registrations, iq, arena, room, &list);

        loop_send(loop, link, &list);
        if (!taken)
                arena_free(arena);
}

void loop_finish_registration(Loop *loop, DeskCall *call) {
        _cleanup_(arena_freep) Arena *room = arena_new(ANSWER_ARENA_SIZE);
        Link *link = loop_link(loop, registration_call_domain(call));
        OutgoingList list = { 0 };

        registration_door_done(loop->registrations, call, room, &list);
        loop_send(loop, link, &list);
        registration_call_free(call);
}
