#include "component/doors/registration.h"

#define AT_ONCE 16 /* a flood leaves the desk to others */

struct RegistrationDoor {
        Desk *desk;
        Queue *inbox;
        int running;
};

typedef struct RegistrationCall {
        DeskCall call; /* first */
        RegistrationDoor *door;
        const Stanza *iq;
        Arena *arena; /* of the stanza */
} RegistrationCall;

RegistrationDoor *registration_door_new(Desk *desk, Queue *inbox) {
        RegistrationDoor *door = memory_new(sizeof(*door));
        door->desk = desk;
        door->inbox = inbox;
        return door;
}

void registration_door_free(RegistrationDoor *door) {
        free(door);
}

Text registration_call_domain(const DeskCall *call) {
        return ((const RegistrationCall *) call)->iq->to.domain;
}

static void forget(DeskCall *call) {
        json_free(call->input);
        json_free(call->result);
        free(call);
}

void registration_call_free(DeskCall *call) {
        arena_free(((RegistrationCall *) call)->arena);
        forget(call);
}

/* On a thread of the desk; a hub that stops takes no notes any more. */
static void come_back(DeskCall *call) {
        Note *note = memory_new(sizeof(*note));
        note->kind = NOTE_REGISTER;
        note->call = call;
        if (queue_offer(((RegistrationCall *) call)->door->inbox, &note->item))
                return;
        registration_call_free(call);
        free(note);
}

static void put_given(Json *input, const char *name, Text value) {
        if (value.length > 0)
                json_put_text(input, name, value);
}

static DeskCall *call_new(RegistrationDoor *door, const Stanza *iq, Arena *arena, const RegistrationRequest *request) {
        RegistrationCall *call = memory_new(sizeof(*call));
        bool sent = request->wish == REGISTRATION_SENT;
        call->door = door;
        call->iq = iq;
        call->arena = arena;
        call->call.operation = operation_find(sent ? TEXT("tenant-register") : TEXT("registration-show"));
        call->call.caller = (Caller){ .principal = iq->from.bare, .door = "registration" };
        call->call.input = json_new_object();
        call->call.done = come_back;
        if (sent) {
                put_given(call->call.input, "slug", request->name);
                put_given(call->call.input, "name", request->title);
                put_given(call->call.input, "code", request->code);
        }
        return &call->call;
}

bool registration_door_take(RegistrationDoor *door, const Stanza *iq, Arena *arena, Arena *room, OutgoingList *list) {
        RegistrationRequest request;
        Failure failure;
        if (!registration_read(iq, &request, &failure)) {
                outgoing_add_error(list, room, iq, failure.kind, text_copy(room, text_of(failure.text)));
                return false;
        }
        if (request.wish == REGISTRATION_GIVEN_UP) {
                outgoing_add_result(list, room, iq);
                return false;
        }
        if (request.wish == REGISTRATION_REMOVE) {
                outgoing_add_error(list, room, iq, FAILURE_POLICY,
                                   TEXT("A workspace is more than a registration: /tenant-delete deletes it, and "
                                        "/member-leave ends your membership. Write either to this address."));
                return false;
        }
        DeskCall *call = call_new(door, iq, arena, &request);
        if (door->running < AT_ONCE && desk_submit(door->desk, call)) {
                door->running++;
                return true;
        }
        forget(call);
        outgoing_add_error(list, room, iq, FAILURE_LIMIT, TEXT("Too many register at the moment; try again."));
        return false;
}

/* Which of the sentences, whether something is registered and whether the next one needs a code. */
static RegistrationOffer offer_of(Arena *room, const Json *result) {
        RegistrationOffer offer = { .name = text_copy(room, json_to_text(json_member(result, "slug"))),
                                    .title = text_copy(room, json_to_text(json_member(result, "name"))) };
        offer.registered = offer.name.length > 0;
        offer.code_needed = !json_to_boolean(json_member(result, "open_to_you"));
        offer.instructions = offer.registered
                                     ? TEXT("You have this workspace. Another one is by invitation: give its code.")
                             : offer.code_needed
                                     ? TEXT("Choose a short name for your workspace, and give your invitation's code.")
                                     : TEXT("Choose a short name for your workspace: it becomes part of its agents' "
                                            "addresses.");
        return offer;
}

void registration_door_done(RegistrationDoor *door, DeskCall *call, Arena *room, OutgoingList *list) {
        const Stanza *iq = ((RegistrationCall *) call)->iq;
        door->running--;
        if (call->failure.kind != FAILURE_NONE) {
                outgoing_add_error(list, room, iq, call->failure.kind, text_copy(room, text_of(call->failure.text)));
        } else if (iq->type == TYPE_SET) {
                outgoing_add_result(list, room, iq);
        } else {
                RegistrationOffer offer = offer_of(room, call->result);
                registration_add_offer(list, room, iq, &offer);
        }
}
