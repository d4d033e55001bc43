/* The roster: what subscribers are told of agents' presence, and when. It knows what each was last told on the stream
 * that stands, looks again whenever the directory changed, and hands out what is to be said: that a subscription is
 * accepted, how an agent is now, that access ended. After a reconnect everybody is told anew, and before a stop goodbye
 * is said. It hands out slowly enough that messages pass between.
 *
 * It decides nothing about access: that is directory_agent()'s. It asks nobody for anything, so that it cannot loop
 * with another bot. Hub thread; never blocks; it sends nothing itself, and is driven by what is taken from it.
 */
#pragma once

#include "base/clock.h"
#include "component/doors/contact.h"
#include "orchestrator/directory/directory.h"

typedef struct Roster Roster;

/* domains ends with NULL, in the order of the directory's; both are borrowed. What the directory holds now is nobody's
 * news. */
Roster *roster_new(Directory *directory, const char *const *domains);
void roster_free(Roster *roster);

/* The stream of a domain, by its place in the list. */
void roster_up(Roster *roster, size_t domain);
void roster_down(Roster *roster, size_t domain);
/* From now on that domain's agents are not there any more. */
void roster_leave(Roster *roster, size_t domain);

/* When roster_take() wants to be called, monotonic; INT64_MAX when nothing waits for that domain's stream. */
int64_t roster_due(Roster *roster, size_t domain, Moment now);
/* Adds what may be said now; perhaps nothing. */
void roster_take(Roster *roster, size_t domain, Moment now, Arena *arena, OutgoingList *list);
/* Whether somebody's access ended so that he is to be subscribed no more, though his row is still there. */
bool roster_has_ended(const Subscription *subscription);

/* Subscriptions to one agent at one domain whose people were told that access ended: their rows have no meaning any
 * more. Returns how many; 0 when there are none. Texts live in the arena. */
size_t roster_take_ended(Roster *roster, Arena *arena, Text *ret_agent, Text *ret_people, size_t most);

/* How an agent looks to somebody who may see it. What is not the agent's own lives in the arena. */
ContactView roster_view(const Agent *agent, Moment now, Arena *arena);
