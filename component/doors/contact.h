/* The contact door: presence, subscriptions, ping, service discovery, vCards, pictures and every other iq, as a pure
 * function of the stanza and of what its sender may see. An agent that is absent and one that its sender may not see
 * are the same to it: `seen` is false, and nothing else of the view is looked at, so the answers are alike byte for
 * byte.
 *
 * Results live in the arena given, or with the view. Any thread; never blocks.
 */
#pragma once

#include "xmpp/stanza.h"

/* An agent among others: the local part of its address, which is unique, and its name for people. */
typedef struct ContactItem {
        Text local, name;
} ContactItem;

/* What the asker may know about the address he wrote to. */
typedef struct ContactView {
        bool seen;            /* it is there, and the asker may see it */
        bool hub;             /* it is the domain itself, else an agent */
        bool active;          /* the agent answers at present; else it shows as away */
        bool busy;            /* it is over a limit: it shows that it does not want to be disturbed */
        Text name;            /* for people */
        Text status;          /* shown with its presence; may be empty */
        Text note;            /* what it is for; may be empty */
        int64_t wall_us;      /* now */
        int64_t idle_seconds; /* an agent: since it last concluded something; the hub: since it started */
        /* The hub's only. */
        bool registers;               /* the asker may make a workspace (XEP-0077) */
        const char *const *addresses; /* whom to turn to, as contact_address_parse() takes them; may be NULL */
        /* The agents that the asker may see, in no order; false at the end. NULL = none. */
        bool (*next_agent)(void *agents, ContactItem *ret_item);
        void *agents;
} ContactView;

/* Presence and iq stanzas only. */
void contact_add_answer(OutgoingList *list, Arena *arena, const Stanza *stanza, const ContactView *view);

/* Presence of an agent to somebody who is subscribed. */
void contact_add_presence(OutgoingList *list, Arena *arena, Text agent, Text to, const ContactView *view);
void contact_add_absence(OutgoingList *list, Arena *arena, Text agent, Text to);
