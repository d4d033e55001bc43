/* The core: the state machine between the doors, the store and the workers. Events in, commands out: core_step()
 * touches nothing outside its arguments, so that the hub thread and the simulator drive the same code. It knows no XML,
 * no SQL and no model; it decides who is let in, what is committed when, whose turn it is, what is answered, and which
 * hub may.
 *
 * Belongs to one thread; never blocks. Commands, and all they point to, are valid until the next core_step().
 */
#pragma once

#include "base/record.h"
#include "orchestrator/directory/directory.h"
#include "orchestrator/governance/watch.h"
#include "orchestrator/turn.h"

typedef struct Core Core;

/* A rate: `burst` at once, refilled at `per_minute`; 0 = unlimited. */
typedef struct Rate {
        int32_t per_minute, burst;
} Rate;

typedef struct CoreSettings {
        Text hub;                            /* name of this hub */
        Text domains;                        /* served, separated by spaces */
        Uuid process;                        /* random, per process */
        int32_t workers;                     /* turns that may run at once */
        int32_t batch_messages;              /* of one commit: 512 */
        size_t batch_bytes;                  /* of one commit: 1 MiB */
        int32_t waiting_messages;            /* for commit: 20,000 */
        size_t waiting_bytes;                /* for commit: 64 MiB; the same for what the link has not confirmed */
        int64_t waiting_us;                  /* for commit: 5 s */
        int32_t lane_depth;                  /* messages held of one conversation: 20 */
        int32_t sender_depth;                /* of one sender's with one agent, in all their conversations: 100 */
        size_t body_bytes;                   /* of one message: 64 KiB */
        int32_t attempts;                    /* taken_up steps before a message is given up: 3 */
        int64_t lease_us, drain_us, turn_us; /* turn_us: from acceptance to the deadline of the answer */
        Rate sender_rate, domain_rate;       /* of stanzas of any kind, before anything is looked up */
        double score_reputation, score_tools, score_priority, score_capacity; /* α β γ δ */
        uint64_t (*random)(void *source);
        void *random_source;
} CoreSettings;

/* The values above, with hub, domains and process left empty. */
CoreSettings core_defaults(void);

/* A message as a door hands it over. Its arena is the message's from then on; every text lives in it. */
typedef struct Arrival {
        Arena *arena;
        Door door;
        Jid from;   /* as vouched for by our server or by the REST door */
        Text agent; /* local part of the JID it was sent to */
        Text agent_domain;
        Text stanza_id; /* may be empty */
        Text origin_id; /* XEP-0359, or the Idempotency-Key of REST; may be empty */
        Text thread, body;
        Text replaces;                 /* XEP-0308: the stanza id of the message that this one corrects; may be empty */
        bool command;                  /* names an operation: passes though the agent is paused or over budget */
        bool stops;                    /* a command that ends what its lane holds, at once */
        bool receipt_wanted;           /* XEP-0184 */
        bool encrypted;                /* for keys that agents do not have: there is nothing to read */
        bool states, markable, quotes; /* as in ReplyTo */
        uint64_t ticket;               /* of the door's own: comes back in its commands */
        int64_t arrived_us;            /* monotonic: its last byte was there to be read */
} Arrival;

typedef enum EventKind {
        EVENT_TICK,       /* time passed: at least when core_wake() says */
        EVENT_START,      /* the first */
        EVENT_MESSAGE,    /* arrival */
        EVENT_CANCEL,     /* cancel: somebody entitled asks to end a message */
        EVENT_RETRACTED,  /* retraction: who wrote a message takes it back */
        EVENT_STORE,      /* report; the core takes its arena over */
        EVENT_DIRECTORY,  /* changes */
        EVENT_STEP,       /* step: a running turn waits until it is durable */
        EVENT_STREAM,     /* stream: the answer of a running turn so far */
        EVENT_TURN_ENDED, /* ended; the core takes its arena over */
        EVENT_WAIT_OVER,  /* message_id: the budgets can say more of a call that its turn had to wait with */
        EVENT_LINK_UP,    /* domain */
        EVENT_LINK_DOWN,  /* domain; closed_by_us */
        EVENT_PONG,       /* domain, ticket: the server answered COMMAND_PING on the same stream */
        EVENT_RECEIVED,   /* message_id: the client's receipt for an answer of ours */
        EVENT_BOUNCED,    /* message_id; retry: the error's type is `wait` */
        EVENT_DRAIN,      /* stop in good order */
        EVENT_LEVELS,     /* levels: what other hubs hold at this moment of limits of that kind */
        EVENT_AUDIT,      /* audit: something of the table in governance/events.h happened on another thread */
} EventKind;

typedef struct Event {
        EventKind kind;
        union {
                Arrival *arrival; /* allocated in its own arena */
                StoreReport *report;
                struct {
                        const DirectoryChange *changes;
                        size_t count;
                } directory;
                struct {
                        Uuid message_id, tenant_id;
                        Text by;
                        bool durable;    /* the row is there already: it came from another hub */
                        uint64_t ticket; /* answered by COMMAND_CANCEL_DONE; 0 = not */
                } cancel;
                struct {
                        Jid from;
                        Text agent; /* local part */
                        Text id;    /* of the stanza, or its origin id */
                } retraction;
                struct {
                        uint64_t turn;
                        int32_t ordinal;
                        StepKind kind;
                        Text payload; /* lives until COMMAND_STEP_DONE */
                        BudgetAmounts spent;
                } step;
                struct {
                        uint64_t turn;
                        Text text;
                } stream;
                struct {
                        uint64_t turn;
                        Arena *arena;
                        TurnResult *result; /* lives in that arena */
                        Text worker;
                } ended;
                struct {
                        Text domain;
                        bool closed_by_us;
                        uint64_t ticket;
                } link;
                struct {
                        Uuid message_id;
                        bool retry;
                } answer;
                struct {
                        const LevelElsewhere *elsewhere; /* all of them */
                        size_t count;
                        int32_t hubs; /* that cannot tell each other, and each have a part; 1 = they can */
                } levels;
                AuditRecord audit; /* copied; severity empty = its type's, at_us 0 = now */
        };
} Event;

typedef enum CommandKind {
        COMMAND_STORE,       /* request: one at a time; the next comes after its report */
        COMMAND_TURN,        /* turn, input: run it; input lives until EVENT_TURN_ENDED was handled */
        COMMAND_STEP_DONE,   /* turn, failure: NONE = durable */
        COMMAND_STOP_TURN,   /* turn: cancel it */
        COMMAND_SETTLE,      /* settle: a conclusion is durable, and what it says is to be settled with the budgets */
        COMMAND_ACCEPTED,    /* arrival's door: durably accepted. DOOR_CHAT: send the receipt if it was wanted */
        COMMAND_REFUSE,      /* arrival's door: refused before acceptance, with failure */
        COMMAND_ANSWER,      /* the answer, to be sent under its id */
        COMMAND_DRAFT,       /* draft: what there is of an answer; lost if it cannot be sent now */
        COMMAND_SILENCE,     /* arrival's door: a turn that had begun is over, and there is nothing to say */
        COMMAND_PING,        /* domain, ticket */
        COMMAND_CANCEL_DONE, /* ticket, failure */
        COMMAND_CLOSE_LINKS, /* this hub lost its lease: close every stream at once, unsent bytes with it */
        COMMAND_OPEN_LINKS,  /* it has a lease (again): connect */
        COMMAND_TELL,        /* tell: a sentence for a person, in chat, from the hub's own address */
        COMMAND_LOG,         /* log: a line of a tenant's log; lost if it cannot be written */
        COMMAND_ALARM,       /* alarm: something that may be unusual, to be looked at, recorded, told and answered */
        COMMAND_NOTE,        /* for the log: a sentence, with message_id */
        COMMAND_EXIT,        /* end the process; failure says why, NONE = drained */
} CommandKind;

typedef struct Command {
        CommandKind kind;
        union {
                const StoreRequest *request;
                struct {
                        uint64_t turn;
                        const TurnInput *input;
                        ReplyTo reply_to; /* TURN */
                        Failure failure;
                } turn;
                struct {
                        ReplyTo reply_to;
                        Uuid message_id; /* ACCEPTED: its id, or the id of the message it repeats */
                        bool receipt_wanted;
                        uint64_t ticket;
                        Failure failure; /* REFUSE */
                } arrival;
                struct {
                        ReplyTo reply_to;
                        Uuid message_id;
                        Outcome outcome;
                        FailureKind reason;
                        Text text, explanation;
                        bool again;    /* was perhaps sent before, under the same id */
                        bool streamed; /* replaces drafts that may have been sent */
                } answer;
                struct {
                        Uuid message_id;
                        BudgetAmounts total;
                } settle;
                struct {
                        ReplyTo reply_to;
                        Uuid message_id;
                        uint64_t turn;
                        Text text;
                } draft;
                struct {
                        Text who;  /* bare JID */
                        Text kind; /* told once a minute to each person; empty = every time */
                        Text text;
                } tell;
                struct {
                        Uuid tenant_id, agent_id;
                        const char *level, *sentence;
                        Text fields; /* JSON */
                } log;
                Alarm alarm;
                struct {
                        Text domain;
                        uint64_t ticket;
                } ping;
                struct {
                        Uuid message_id;
                        Text who;
                        const char *sentence;
                        uint64_t ticket;
                        Failure failure; /* CANCEL_DONE, EXIT */
                } note;
        };
} Command;

typedef struct Commands {
        Command *items;
        size_t count, capacity;
} Commands;

/* The core takes the directory over. */
Core *core_new(const CoreSettings *settings, Directory *directory);
Directory *core_directory(Core *core);
/* Handles one event; ret_commands is emptied first. */
void core_step(Core *core, Moment now, const Event *event, Commands *ret_commands);
/* When EVENT_TICK is due, monotonic. */
int64_t core_wake(const Core *core);
void core_free(Core *core);
DEFINE_RELEASE(Core *, core_free)
void commands_release(Commands *commands);

/* Whether another hub that lives serves the domain too, as far as its heartbeat says. After COMMAND_EXIT that is newer
 * than the end of this hub's own lease, so that the last of several hubs that stop at once knows that it is the last.
 */
bool core_domain_is_shared(const Core *core, Text domain);

/* How many hubs live, as far as this one's heartbeat says; itself counts. */
int32_t core_live_hubs(const Core *core);

/* What this hub holds at this moment of limits, for the other hubs to be told. */
typedef struct CoreLevels {
        Level *items; /* released by free() */
        size_t count, capacity;
} CoreLevels;
void core_levels(Core *core, CoreLevels *ret_levels);
bool core_levels_moved(const Core *core); /* since they were asked for last */

/* Other durations from now on; what has a deadline keeps it. */
void core_set_patience(Core *core, int64_t lease_us, int64_t drain_us, int64_t turn_us);

/* Other limits than before: what waited for a turn to end is looked at again. */
void core_limits_changed(Core *core);

/* Whether budgets cannot be checked at present: what needs them is refused at the door. */
void core_set_cache_away(Core *core, bool away);

/* Meters one stanza that is no message (presence, state, marker, IQ): false = drop it without an answer. */
bool core_meter(Core *core, Moment now, const Jid *from);

/* What there is now, for `hub status` and metrics. */
typedef struct CoreCounts {
        int64_t waiting_for_commit, waiting_in_lanes, running, lanes;
        int64_t waiting_for_budget; /* of those in lanes: which budgets hold up, or that these cannot be checked */
        int64_t accepted, refused, concluded, answered, repeated, commits;
        int64_t admission_us_total;
        int64_t epoch;
        bool leading; /* holds its epoch */
        bool draining;
} CoreCounts;
CoreCounts core_counts(const Core *core);
