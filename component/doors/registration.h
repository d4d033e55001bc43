/* The door of XEP-0077: makes operations of what somebody who registers with the hub's own address asks and sends, and
 * answers when they are done. What he is given is a workspace, and no XMPP account. It decides nothing: what is open to
 * whom, and what there is already, the operations say.
 *
 * Hub thread, save for the desk calling back. Never blocks.
 */
#pragma once

#include "component/desk.h"
#include "component/inbox.h"
#include "xmpp/registration.h"

typedef struct RegistrationDoor RegistrationDoor;

RegistrationDoor *registration_door_new(Desk *desk, Queue *inbox);
/* After the desk: nothing runs any more. */
void registration_door_free(RegistrationDoor *door);

/* An iq to the hub, for which registration_is() holds, of a person. What is answered at once is added to the list, in
 * `room`. True: the desk has it, and the stanza's arena with it. */
bool registration_door_take(RegistrationDoor *door, const Stanza *iq, Arena *arena, Arena *room, OutgoingList *list);
/* An operation of this door came back (NOTE_REGISTER): its answer, in `room`. */
void registration_door_done(RegistrationDoor *door, DeskCall *call, Arena *room, OutgoingList *list);
/* The domain that was asked, as long as the call is there; then it is let go. */
Text registration_call_domain(const DeskCall *call);
void registration_call_free(DeskCall *call);
