/* The hub thread: one epoll loop around links, journal and core. It carries bytes to events and commands to bytes, and
 * decides nothing; nothing in it may block. Its files: loop.c (the loop), loop_stanzas.c (what comes in),
 * loop_contacts.c (presence and iq), loop_presence.c (what subscribers are told), loop_adhoc.c (commands),
 * loop_registration.c (XEP-0077), loop_reactions.c (feedback), loop_commands.c (what goes out). running.c starts and
 * stops it.
 *
 * Everything here belongs to the hub thread.
 */
#pragma once

#include "base/log.h"
#include "base/map.h"
#include "component/clients.h"
#include "component/desk.h"
#include "component/doors/registration.h"
#include "component/doors/subscription.h"
#include "component/inbox.h"
#include "component/link.h"
#include "component/reload.h"
#include "component/roster.h"
#include "component/scribe.h"
#include "component/seldom.h"
#include "component/settler.h"
#include "component/sharer.h"
#include "component/workers.h"
#include "store/journal.h"

#include <sys/epoll.h>

/* What a descriptor in epoll stands for. */
enum { LOOP_SIGNALS, LOOP_INBOX, LOOP_JOURNAL, LOOP_FIRST_LINK };

/* What was shown of an answer. */
typedef struct Draft {
        uint64_t turn;
        int count;
} Draft;

typedef struct Loop {
        const Settings *settings; /* in force */
        Reload *reload;
        Text component_secret;
        Core *core;
        Commands commands;
        Journal *journal;
        Workers *workers;
        Budgets *budgets;
        Settler *settler;
        Scribe *scribe;
        int64_t heads_us; /* monotonic: when the ends of the audit's chains are signed next */
        Queue *inbox;
        UuidGenerator uuids;
        Sharer *sharer;
        int64_t share_us; /* monotonic: when the others are told next what was let through, */
        int64_t hold_us;  /* and what is held here, at the earliest */
        CoreLevels levels;
        bool holds;      /* there was something when they were told last */
        bool rates_away; /* they cannot be */
        int32_t parts;   /* of which this hub then has one */
        Link **links;    /* one a domain, in the order of the settings */
        size_t link_count;
        bool links_open;
        int64_t *link_since_us; /* wall clock, of the state it is in */
        Failure *link_trouble;
        int epoll, signals;
        int journal_descriptor; /* as it stands in epoll; -1 = not */
        uint32_t journal_events;
        bool journal_connected;
        Moment now;
        int64_t woken_us; /* monotonic: what is read now was there to be read then */
        int64_t started_us;
        Clients *clients;
        Draft *drafts;      /* of answers that are being written, by the turn's slot */
        Seldom *unreadable; /* who was told that agents read no encrypted messages */
        Seldom *told;       /* who was told of what kind of thing */
        Roster *roster;
        SubscriptionDoor *subscriptions;
        RegistrationDoor *registrations;
        Map *cancels; /* notes that wait for COMMAND_CANCEL_DONE, by ticket */
        uint64_t tickets;
        struct CommandDoor *adhoc;
        Desk *desk;
        /* Opens the door to administration, once the hub has a lease: what it is asked before could not be recorded. */
        bool (*open_door)(void *owner, Failure *reterr_failure);
        void *owner;
        bool door_open;
        int64_t door_retry_us;
        bool exiting;
        Failure exit_failure; /* NONE: in good order */
} Loop;

/* Runs until the core says exit. False: loop->exit_failure says why. */
bool loop_run(Loop *loop);
/* Hands an event to the core and carries out its commands. */
void loop_step(Loop *loop, const Event *event);

bool loop_snapshot(Loop *loop, Arena *arena, Snapshot *ret_snapshot) _must_check_;

/* loop_stanzas.c: takes the event's arena over. */
void loop_link_event(Loop *loop, size_t index, LinkEvent *event);

/* loop_reactions.c: takes the arena over. */
struct Message;
void loop_take_reaction(Loop *loop, const struct Message *message, Arena *arena);

/* loop_contacts.c: takes the arena over. */
void loop_take_contact(Loop *loop, Link *link, const Stanza *stanza, Arena *arena);

/* loop_adhoc.c: iqs that are for the command door, from somebody who may see what is asked. */
void loop_open_commands(Loop *loop, Desk *desk);
void loop_take_command(Loop *loop, Link *link, const Stanza *iq, const Sender *asker, Arena *arena); /* takes it over */
void loop_finish_command(Loop *loop, struct CommandJob *job);

/* loop_registration.c: iqs to the hub, of somebody to whom registration is open; takes the arena over. */
void loop_take_registration(Loop *loop, Link *link, const Stanza *iq, Arena *arena);
void loop_finish_registration(Loop *loop, DeskCall *call);

/* loop_presence.c */
/* Somebody wants to be subscribed to an agent that he may see, or not to be any more. False: there is nothing to be
 * done, and the contact door answers. */
bool loop_take_wish(Loop *loop, const Stanza *stanza, const Sender *asker, const Agent *agent, Arena *arena,
                    OutgoingList *list);
void loop_take_call(Loop *loop, DeskCall *call);
/* Says what is due, and has done what follows from it. */
void loop_tell(Loop *loop);
int64_t loop_tell_wake(Loop *loop);
/* When the loop has ended: says goodbye for a few seconds at most, save where another hub goes on. Waits for the links.
 */
void loop_say_goodbye(Loop *loop);

/* Hands the ends of chains that moved to the scribe: once a minute, or now. */
void loop_sign_heads(Loop *loop, bool now);

/* loop_commands.c */
void loop_execute(Loop *loop, const Command *command);
/* A sentence from the hub's own address; once a minute of each kind to each person, with an empty kind every time. */
void loop_tell_person(Loop *loop, Text who, Text kind, Text text);
Link *loop_link(Loop *loop, Text domain); /* NULL when it is not there */
void loop_send(Loop *loop, Link *link, const OutgoingList *list);
void loop_close_links(Loop *loop);
