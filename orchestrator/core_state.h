/* The inside of the core, shared by its files and by nobody else: core.c (events), core_commit.c (batches and what
 * became of them), core_names.c (what senders change of their messages), core_lanes.c (whose turn it is), core_turns.c
 * (turns and their ends), core_waits.c (those that wait for a budget), core_delivery.c (what our server has taken),
 * core_lease.c (which hub may).
 */
#pragma once

#include "base/map.h"
#include "orchestrator/core.h"
#include "orchestrator/pipeline.h"
#include "orchestrator/refusals.h"

/* Under what there is of an answer that was stopped, or instead of it. */
#define STOPPED TEXT("Stopped.")

typedef struct Lane Lane;
typedef struct Message Message;

typedef enum MessageState {
        MESSAGE_COMMITTING, /* not durable yet */
        MESSAGE_WAITING,    /* in its lane */
        MESSAGE_TAKING_UP,  /* its taken_up step is on the way */
        MESSAGE_RUNNING,    /* a worker has it */
        MESSAGE_CONCLUDING, /* its conclusion is on the way */
} MessageState;

/* One message's life. Allocated in its own arena. */
struct Message {
        Arena *arena;
        Message *next; /* in its lane */
        Lane *lane;
        MessageState state;
        AcceptedRecord accepted;
        ConcludedRecord concluded;
        StepRecord step;         /* the one on its way */
        const StepRecord *steps; /* of earlier attempts */
        size_t step_count;
        int32_t attempts;
        bool receipt_wanted, recovered, cancelled;
        Text cancelled_why; /* what its sender reads of that; empty = nothing */
        bool dropped;       /* no longer ours: its turn's end is thrown away */
        bool step_in_flight;
        bool late;     /* was stopped at its deadline */
        bool counted;  /* a turn has said what it has cost since it was recovered */
        bool decided;  /* concluded holds how it ends, as soon as that is said */
        bool owes;     /* its conclusion is to be settled with the budgets */
        bool plain;    /* its conclusion was refused once, and holds nothing but our own words now */
        bool stops;    /* ends what its lane holds */
        bool corrects; /* its name is that of the first one */
        Hash name;     /* by which its sender may correct it or take it back */
        int32_t weight;
        Gauges gauges;        /* among which it counts; a command among none */
        bool counted_waiting; /* there */
        uint64_t ticket, turn;
        int64_t arrived_us, committed_us, started_us, deadline_us, admission_us; /* monotonic */
        int64_t begun_us;                                                        /* the part of the turn that runs */
        int64_t turn_deadline_us;                                                /* of the turn that runs */
        const TurnResult *left; /* of the last part of it, which had to wait for a budget; NULL = it had not */
        bool may_go_on;         /* the budgets have said so since this part began */
        TurnInput input;
        Arena *turn_arena;
        const TurnEvent *events; /* of its turn, in that arena: committed with the conclusion */
        size_t event_count;
};

/* One conversation: (agent, sender, thread). Runs one turn at a time, in commit order. */
struct Lane {
        Lane *next_ready;
        struct LaneSender *sender;
        struct Pair *pair;
        Message *first, *last; /* waiting, in commit order */
        Message *active;       /* taking up, running or concluding */
        int32_t held;          /* messages from acceptance to conclusion */
        int32_t weight;
        bool ready;      /* in its sender's list */
        Gauge *parked;   /* there its next turn waits until one ends; else NULL */
        Gauge *woken_by; /* it was parked there, and nobody has taken the place yet */
        Lane *previous_parked, *next_parked;
        bool waits; /* its first message does, for a budget or for the budgets' cache */
        Lane *previous_waiting, *next_waiting;
        size_t key_length;
        char key[];
};

/* One sender and one agent: bounds what is held of all their conversations, since a thread costs its sender nothing. */
typedef struct Pair {
        int32_t held;
        size_t key_length;
        char key[];
} Pair;

/* Deficit round robin: tenants, then their senders, then the sender's lanes in turn. */
typedef struct LaneSender {
        struct LaneSender *next;
        struct LaneTenant *tenant;
        Lane *first, *last; /* ready */
        int32_t lanes;
        int32_t deficit;
        bool ready;
        char key[];
} LaneSender;

typedef struct LaneTenant {
        struct LaneTenant *next;
        Uuid id;
        LaneSender *first, *last; /* with ready lanes */
        int32_t senders;
        bool ready;
} LaneTenant;

typedef struct List {
        void **items;
        size_t count, capacity;
} List;

void list_add(List *list, void *item);
void list_drop_first(List *list, size_t count);
void list_release(List *list);

typedef struct Cancel {
        CancelledRecord record;
        uint64_t ticket;
        char by[];
} Cancel;

typedef struct Audit {
        Arena *arena;
        AuditRecord record;
} Audit;

/* What one commit carries, until it is known what became of it. */
typedef struct Flight {
        List accepted, concluded, stepped; /* of Message */
        List cancelled, audit;             /* of Cancel, Audit */
        AcceptedRecord *accepted_records;
        ConcludedRecord *concluded_records;
        StepRecord *step_records;
        CancelledRecord *cancelled_records;
        AuditRecord *audit_records;
} Flight;

/* Answers that one hub concluded for one domain: how far they are known to have arrived. The samples, one a heartbeat,
 * say how far that was a minute ago: heartbeats are at least a second apart, and while this hub stood still there were
 * none, so that a minute is never too short. */
#define SOURCE_SAMPLES 62
typedef struct Source {
        struct Source *next;
        char *hub;
        int64_t confirmed;               /* every answer up to here was taken by our server */
        int64_t read_to;                 /* every answer up to here was handed to the stream or left out */
        bool behind;                     /* there may be answers after read_to that only the store has */
        int64_t samples[SOURCE_SAMPLES]; /* of `confirmed`, since the stream last broke */
        size_t sample_count;             /* in all; the ring holds the last ones */
        int64_t initial;                 /* where sending started then */
        size_t unconfirmed;              /* of the outlet's `sent` */
} Source;

typedef struct Sent {
        Source *source; /* NULL: it is read anew */
        int64_t sequence;
        size_t bytes;
} Sent;

/* One domain and the stream that serves it. */
typedef struct Outlet {
        struct Outlet *next;
        char *domain;
        bool up;
        Source *sources;
        Sent *sent; /* not confirmed, in order */
        size_t sent_count, sent_capacity, sent_bytes;
        uint64_t ping; /* outstanding; 0 = none */
        size_t ping_covers;
        int64_t pinged_us;
        Source *reading; /* a READ_UNSENT is out for it */
} Outlet;

typedef struct Peer {
        struct Peer *next;
        char *hub, *domains;
        int64_t epoch, beats;
        int64_t unchanged_us; /* of our own clock, over a store that answered */
        bool released;
        bool shares_domain, abandoned, seen;
} Peer;

/* An answer that came back. */
typedef enum ResendState {
        RESEND_SENT,   /* again; due when it is forgotten */
        RESEND_WAITS,  /* due when it is to be sent again */
        RESEND_FAILED, /* for good; due at once, for the audit */
} ResendState;

typedef struct Resend {
        Uuid message_id;
        ResendState state;
        int32_t tries;
        int64_t due_us; /* INT64_MAX while the store is asked for it */
} Resend;

struct Core {
        CoreSettings settings;
        char *hub, *domains;
        Directory *directory;
        Meter *meter;
        UuidGenerator uuids;
        Moment now;
        Commands *commands;
        CoreCounts counts;
        List graveyard; /* arenas that die with the next step */

        /* store */
        StoreRequest request;
        bool request_out;    /* COMMAND_STORE was given and its report is not here */
        bool request_again;  /* to be given again, unchanged, at retry_us */
        bool request_unsure; /* an earlier try of it may have been written */
        int64_t retry_us, retry_pause_us;
        uint64_t request_number;
        bool read_last; /* so that reading does not starve commits */
        Flight flight;
        List accepting, concluding, stepping, cancelling, auditing;
        size_t accepting_bytes, concluding_bytes;
        int64_t commit_not_before_us; /* after a full disk */
        int64_t counter;              /* of the sequence, within the epoch */
        int64_t audit_lost;           /* events since the last that could be recorded */
        Refusals *refusals;
        Watch *watch;
        int64_t refusals_swept_us;

        /* lanes */
        Map *lanes, *lane_senders, *lane_tenants, *pairs;
        Map *messages;          /* that are durable, by id, in the order in which they became so */
        size_t recovered_count; /* of those */
        Map *named;             /* messages by the name their sender gave them */
        LaneTenant *tenant_first, *tenant_last;
        Message **running; /* by slot */
        int32_t *free_slots, free_count;
        int64_t expired_us;
        int64_t waiting_count;            /* messages that wait in lanes */
        size_t parked_count;              /* lanes that wait for a turn of their subject to end */
        Gauge *held_first;                /* those that hold something */
        bool levels_moved;                /* since they were asked for last */
        Lane *waits_first, *waits_newest; /* lanes that wait for a budget or its cache */
        size_t waits_count;
        int32_t running_count;
        uint64_t turn_generation;

        bool cache_away;           /* budgets cannot be checked */
        int64_t budgets_looked_us; /* monotonic: whether those that were spent are open again */

        /* lease */
        bool started, starting_again, leading, exiting;
        int64_t beat_us, last_beat_report_us;
        Peer *peers;
        bool draining;
        int64_t drain_deadline_us;
        Uuid left_open; /* the oldest message that the drain let go of; zero = none */

        /* delivery */
        Outlet *outlets;
        uint64_t tickets;
        Map *received; /* ids of answers the client has receipted */
        Uuid *received_ring;
        size_t received_count;
        Map *resends;
        int64_t resends_due_us; /* not before that anything of them is due */
        DeliveredMark *marks;   /* of the request that is out */
};

/* core.c */
Command *core_command(Core *core, CommandKind kind);
void core_bury(Core *core, Arena *arena);
int64_t core_sequence(Core *core);
int64_t core_last_sequence(const Core *core);
Message *core_message_new(Core *core, Arena *arena);
void core_message_keep(Core *core, Message *message); /* it is durable: found by its id */
void core_message_forget(Core *core, const Message *message);
void core_message_free(Core *core, Message *message); /* leaves its lane; its arena lives until the next step */
void core_cancel(Core *core, Uuid tenant_id, Uuid message_id, Text by, uint64_t ticket); /* asks for it durably */
void core_refuse(Core *core, const Message *message, const Failure *failure);

/* core_events.c */
/* Put into the chain with the next commit; the type is one of governance/events.h. Takes facts over; NULL = none. */
void core_audit(Core *core, Uuid tenant_id, const char *type, Text person, Uuid message_id, Uuid agent_id, Json *facts);
/* The same of a record, which is copied; severity empty = its type's, at_us 0 = now. */
void core_audit_record(Core *core, const AuditRecord *record);
/* What its tenant's people see of a conclusion that was written: nothing of one that went well. */
void core_log_conclusion(Core *core, const Message *message);
void core_watch_refusal(Core *core, Uuid tenant_id, Uuid agent_id, Text bare);
void core_watch_message(Core *core, const Agent *agent, const Sender *sender);
void core_audit_lost(Core *core); /* records how many could not be */
/* Tells a bare JID a sentence; once a minute of each kind (a person's of one kind beyond that are dropped), or with an
 * empty kind every time. `who` and `text` live until the next step. */
void core_tell(Core *core, Text who, const char *kind, Text text);

/* core_names.c */
void names_enter(Core *core, Message *message, Text replaces);
void names_leave(Core *core, const Message *message);
/* It is durable: it takes the name, and the place if that has not begun, of the one it corrects. */
void names_correct(Core *core, Message *message);
void names_retract(Core *core, const Event *event);
void message_cancel_own(Core *core, Message *message);

/* core_commit.c */
void commit_accept(Core *core, Message *message);
void commit_conclude(Core *core, Message *message);
void commit_step(Core *core, Message *message);
bool commit_pending(const Core *core); /* there is something to be written */
bool commit_wanted(const Core *core);  /* and now */
void commit_build(Core *core, StoreRequest *request);
void commit_reported(Core *core, const StoreReport *report);
void commit_expire(Core *core);   /* refuses what waited too long */
void commit_drop_all(Core *core); /* the epoch is lost: nothing of this is ours any more */
size_t commit_waiting(const Core *core);
void commit_free(Core *core);

/* core_lanes.c */
void lanes_open(Core *core);
LaneDepth lanes_depth(const Admission *admission, void *core);
bool lanes_enter(Core *core, Message *message); /* counted from acceptance */
void lanes_queue(Core *core, Message *message); /* durable: wait for a turn */
void lanes_leave(Core *core, Message *message);
void lanes_stop(Core *core, Message *message); /* it is durable: ends what came before it in its lane, and itself */
Lane *lane_next(Core *core);                   /* to be served now; NULL when none is ready */
void lane_unlink(Core *core, Lane *lane, const Message *message); /* one that waits */
void lanes_free(Core *core);

void lane_ready(Core *core, Lane *lane); /* to be served, if something waits in it and may be */
void lane_unready(Lane *lane);

/* core_gauges.c */
void gauges_enter(Core *core, Message *message); /* waits, among those of its subjects */
void gauges_end_waiting(Core *core, Message *message);
void gauges_wait_again(Core *core, Message *message);
void gauges_begin_turn(Core *core, const Message *message);
void gauges_end_turn(Core *core, const Message *message);
void gauges_hear(Core *core, const Event *event);            /* other hubs hold more, or less */
bool lane_must_wait(Core *core, Lane *lane);                 /* its next turn is one too many: the lane is parked */
void lane_pass_on(Core *core, Lane *lane);                   /* what woke it serves another, too */
void lane_let_go(Core *core, Lane *lane);                    /* nothing in it waits any more */
void gauges_look_again(Core *core);                          /* limits have changed */
void gauges_charge_turn(Core *core, const Message *message); /* the worker's time, when it has ended */
/* Four fifths of a rate are used: its owners are told. */
void core_tell_near(Core *core, const Limit *limit, const Agent *agent);
/* When the turn must end that begins now: at the message's own deadline, or when its limit is over. */
int64_t gauges_turn_deadline(Core *core, const Message *message, const Agent *agent);

/* core_waits.c */
/* A part of its turn has ended, and another shall come: back to the front of its lane. */
void waits_begin(Core *core, Message *message, const TurnResult *result);
void waits_over(Core *core, Uuid message_id);                              /* the budgets say so */
void waits_end(Core *core, Lane *lane);                                    /* for whatever reason: it is served again */
void waits_look(Core *core, const DirectoryChange *changes, size_t count); /* those whom that concerns */
void waits_ask_again(Core *core);                                          /* all: limits have changed */
bool waits_last(const Core *core, const Message *message);                 /* its turn's time is as good as over */
bool waits_for_cache(Core *core, Lane *lane); /* its next turn cannot be checked now, and does not begin */
void waits_cache_back(Core *core);
void waits_expire(Core *core);

/* core_turns.c */
void turns_run(Core *core); /* starts what may start */
BudgetParties message_parties(const AcceptedRecord *accepted);
void turns_start(Core *core, Message *message); /* hands the turn to a worker */
void turns_step(Core *core, const Event *event);
void turns_stream(Core *core, const Event *event);
void turns_ended(Core *core, const Event *event);
void turns_conclude(Core *core, Message *message, Outcome outcome, FailureKind reason, Text answer, Text explanation);
/* explanation: what its sender reads; empty when it was the sender's own doing */
void turns_cancel(Core *core, Message *message, Text explanation);
void turns_recover(Core *core, const OpenMessage *open, size_t count);
void turns_expire(Core *core); /* deadlines */
void turns_drop_all(Core *core);
void turns_release(Core *core, Message *message);
void turns_abandon(Core *core, Message *message); /* gives its slot back */

/* core_delivery.c */
void delivery_open(Core *core); /* one outlet a domain */
void delivery_answer(Core *core, const Message *message);
void delivery_repeat(Core *core, const Message *message, const AcceptedFate *fate);
void delivery_start(Core *core, const DeliveredMark *marks, size_t count);
void delivery_adopt(Core *core, const DeliveredMark *marks, size_t count);
bool delivery_request(Core *core, StoreRequest *request);
void delivery_reported(Core *core, const StoreReport *report);
void delivery_link(Core *core, const Event *event);
void delivery_pong(Core *core, const Event *event);
void delivery_received(Core *core, Uuid message_id);
void delivery_bounced(Core *core, Uuid message_id, bool retry);
void delivery_run(Core *core);           /* pings */
bool delivery_left(const Core *core);    /* something may be unsent */
bool delivery_settled(const Core *core); /* nothing is unconfirmed */
void delivery_sample(Core *core);
size_t delivery_marks(Core *core, bool exact, DeliveredMark **ret_marks);
void delivery_free(Core *core);
void outlets_reset(Core *core); /* the epoch is lost: marks come anew with the next */

/* core_lease.c */
bool lease_request(Core *core, StoreRequest *request);
void lease_reported(Core *core, const StoreReport *report);
void lease_lost(Core *core);
void lease_free(Core *core);
void lease_drain(Core *core);
void lease_drain_run(Core *core);
