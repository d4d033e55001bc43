/* The inside of the simulator, shared by its files and by nobody else: simulator.c (one run), hub.c (a hub's process
 * and the core in it), hub_commands.c (what the core asks for), world.c (turns), provider.c (models, tools), books.c
 * (money), sharing.c (what hubs tell each other), server.c (the XMPP servers and the links to them), people.c (who
 * writes what), cast.c (agents and accounts), faults.c (what breaks), checks.c (what must hold).
 *
 * All of it is one thread and one order of events: no clock but the agenda's, no randomness but the seed's, nothing
 * that depends on an address. Memory without another owner lives in the run's arena.
 */
#pragma once

#include "base/map.h"
#include "orchestrator/core.h"
#include "orchestrator/governance/levels.h"
#include "orchestrator/turn.h"
#include "tests/unit/simulator/agenda.h"
#include "tests/unit/simulator/coroutine.h"
#include "tests/unit/simulator/random.h"
#include "tests/unit/simulator/simulator.h"
#include "tests/unit/simulator/store.h"

#define HUBS               3
#define DOMAINS            2
#define AGENTS             12
#define ACCOUNTS           16
#define WALL_START         (INT64_C(1796342000) * SECONDS) /* a day in December 2026, a while before midnight UTC */
#define LINES              64
#define CAST_NARROW_TENANT 1 /* of whose turns so many run at once */
#define CAST_NARROW_TURNS  2
#define HEARD_US           SECONDS /* so long after something began at another hub, every hub has heard of it */
#define ROUNDS             4
#define UNSTORABLE         "unstorable "   /* how a text begins that the database refuses */
#define QUIET_US           (900 * SECONDS) /* from the end of all faults until everything must have settled */

typedef struct Simulation Simulation;
typedef struct Process Process;
typedef struct Hub Hub;
typedef struct Life Life;
typedef struct Writing Writing;

/* What a seed makes of a run. */
typedef struct Plan {
        int hubs, domains;
        bool cluster; /* every hub serves every domain, beside its own server; else domains are spread */
        bool calm;    /* no faults at all: then everybody entitled must be answered */
        int64_t budget_nano;
        int64_t raised_nano;      /* the budget is raised until so much of it is left, again and again; 0 = never */
        int64_t gap_us;           /* between two messages, on average */
        CoreSettings settings;    /* of every hub, save its names */
        double crash, lost_reply; /* at each place where it may happen */
        double kill, freeze, store_away, store_full, store_stall, link_break, server_death, twin, drain, clock_jump,
                pauses, cache_lost, cache_away; /* weights */
        double model_fails, tool_fails, cancels, repeats, conflicts, floods, bounces, overbilled, unstorable, commands,
                stops, corrections;
} Plan;

/* --- cast.c ----------------------------------------------------------------------------------------------------- */

typedef struct CastAgent {
        Version version; /* as recall gives it */
        Visibility visibility;
        int tenant, owner;  /* index of the owning account */
        char local[48];     /* local part of its JID */
        int64_t changed_us; /* when it was last paused or resumed */
        bool paused;
} CastAgent;

typedef struct CastAccount {
        char bare[48];
        int tenant;            /* it is a member of; -1: of none */
        bool known, suspended; /* known: has an account here */
} CastAccount;

typedef struct Cast {
        Uuid tenants[3];
        ModelTool tools[2];
        CastAgent agents[AGENTS];
        CastAccount accounts[ACCOUNTS];
        DirectoryChange changes[256]; /* in order; a hub that starts applies them all */
        size_t change_count;
} Cast;

void cast_make(Simulation *simulation);
bool cast_may_talk(const Simulation *simulation, int account, int agent);
void cast_pause(Simulation *simulation, int agent, bool paused);
Directory *cast_directory(const Simulation *simulation, Text domains);

/* --- hub.c ------------------------------------------------------------------------------------------------------ */

typedef struct Connection Connection;
typedef struct SimulatedTurn SimulatedTurn;

/* Something on its way into a process: an event, or a turn that goes on. */
typedef struct Delivery {
        struct Delivery *next, *before; /* of those on their way to one process */
        struct Delivery *next_held;
        Process *process;
        Event event;
        bool is_wake; /* of a turn: event does not count */
        uint64_t turn, wake;
        Connection *connection; /* not NULL: only while that stands */
        bool dead;
} Delivery;

struct Process {
        Simulation *simulation;
        Hub *hub;
        Core *core;
        CoreSettings settings;
        Commands commands;
        Random random; /* the core's own */
        Uuid id;
        int number;
        bool alive, frozen, leading, draining, links_open;
        int64_t frozen_until;
        Delivery *deliveries;             /* on their way */
        Delivery *held_first, *held_last; /* came while it was frozen */
        const StoreRequest *request;      /* in flight; not NULL until its report was handled */
        bool request_waits;               /* has not got to the database */
        uint64_t request_generation;
        int64_t tick_at;
        Connection *connections[DOMAINS];
        int downs[DOMAINS]; /* ends of streams that the core has not heard of */
        SimulatedTurn *turns;
        int losses; /* of its lease, that it was told of */
        Map *lanes; /* of checks.c */
        size_t cancels_seen;
        Levels *others;      /* of sharing.c, like what follows */
        struct Entry *heard; /* last; NULL = none */
        CoreLevels held;     /* as it was told last, */
        int64_t told_us;     /* and when */
        bool shares;         /* a round is on the agenda */
        int32_t parts;       /* among so many each limit is divided */
        Process *next;       /* of all there ever were */
};

struct Hub {
        Simulation *simulation;
        int index;
        char name[16];
        Text domains;
        bool serves[DOMAINS];
        int server;                            /* index of the one beside it */
        int64_t monotonic_offset, wall_offset; /* of the machine it runs on */
        Process *process;                      /* started last; NULL = down */
        bool returns;                          /* a start is on the agenda */
        bool gone;                             /* never comes back */
};

Process *hub_start(Hub *hub);
void process_kill(Process *process);
void process_freeze(Process *process, int64_t duration);
void process_post(Process *process, int64_t delay, const Event *event, Connection *connection);
void process_wake_turn(Process *process, int64_t delay, const SimulatedTurn *turn);
Moment process_now(const Process *process);
/* Hands the core one event and does what it asks for, until the process dies of something. */
void process_handle(Process *process, const Event *event);
void hub_restart_later(Hub *hub, int64_t delay);
/* hub_commands.c */
void process_command(Process *process, const Command *command);
void process_store_apply(Process *process, bool at_death);
/* True: the process died of it. */
bool maybe_crash(Process *process);

/* --- sharing.c -------------------------------------------------------------------------------------------------- */

void sharing_begin(Process *process);
/* There may be something to be told or heard. */
void sharing_later(Process *process);
void sharing_end(Process *process);

/* --- world.c, provider.c ---------------------------------------------------------------------------------------- */

struct SimulatedTurn {
        World world; /* first: World calls get their turn from it */
        SimulatedTurn *next;
        Process *process;
        Life *life;
        uint64_t number;
        const TurnInput *input;
        Arena *arena;
        TurnResult *result;
        Coroutine *coroutine;
        uint64_t wake; /* counts what it waits for: late wakes of earlier waits are ignored */
        bool waiting, interruptible, stopped, ghost, awaits_step;
        Failure step_failure;
        CallKey reserved; /* of the call to come, or the last */
        const Version *version;
};

void turn_begin(Process *process, uint64_t number, const TurnInput *input);
void turn_step_done(Process *process, uint64_t number, const Failure *failure);
void turn_stop(Process *process, uint64_t number);
void turns_kill(Process *process);
void turn_resume(Process *process, uint64_t number, uint64_t wake);
/* Leaves the coroutine for about that long; false when the process died meanwhile or now. */
bool turn_pause(SimulatedTurn *turn, int64_t delay);
/* The same, save that it also ends, with false, when the turn is stopped. */
bool turn_pause_interruptibly(SimulatedTurn *turn, int64_t delay);

/* The provider's own books, and the one budget that all hubs share, with the cache that keeps it. */
typedef struct Books {
        int64_t limit_nano, spent_nano, reserved_nano;
        int64_t billed_nano, overbilled_nano; /* by the provider; what of it was above a call's bound */
        Map *calls;                           /* by CallKey */
        Map *tools;                           /* by the id of the tool call */
        int64_t refused_calls;
        bool closed; /* it was lost, and is being summed up */
        int64_t away_until;
        uint64_t generation;
} Books;

/* --- books.c ---------------------------------------------------------------------------------------------------- */

typedef struct BookedCall BookedCall;
typedef struct BookedWait BookedWait;

/* False: UNAVAILABLE, or LIMIT; ret_waits: others hold it, who may give it back. */
bool books_reserve(Process *process, Life *life, const CallBound *bound, int64_t *ret_nano, bool *ret_waits,
                   Failure *reterr);
/* Its turn ends; EVENT_WAIT_OVER comes when it is held, or refused. */
void books_wait(Process *process, Life *life, const CallBound *bound);
void books_wait_no_more(Process *process, Life *life);
bool books_sent(SimulatedTurn *turn, CallKey key, Failure *reterr);
void books_release(SimulatedTurn *turn, CallKey key);
void books_settle(Process *process, Life *life, int32_t ordinal, int64_t total);
bool books_presumed(SimulatedTurn *turn, CallKey key, int32_t covered, int64_t spent, int64_t *ret_nano,
                    Failure *reterr);
void books_clear_up(Simulation *simulation);
void books_lose(Simulation *simulation);
void books_begin(Simulation *simulation);
bool books_are_open(const Simulation *simulation);
/* What is held for a call that was sent and that the provider has not heard of; -1 = nothing. */
int64_t books_held(const Simulation *simulation, CallKey key);
void books_made(Simulation *simulation, CallKey key);
/* From now on this process knows all that the message has cost. */
void life_counted(Life *life, Process *process);
void check_books(Simulation *simulation);
bool provider_model(SimulatedTurn *turn, const ModelRequest *request, Arena *arena, ModelReply *ret_reply,
                    Failure *reterr);
bool provider_tool_is_idempotent(Text name);
bool provider_tool(SimulatedTurn *turn, CallKey key, const ModelToolCall *call, Arena *arena, ToolResult *ret_result,
                   Failure *reterr);

/* --- server.c --------------------------------------------------------------------------------------------------- */

typedef struct Server {
        Simulation *simulation;
        int index;
        bool up;
        Connection *connections; /* that stand */
        struct Taken *taken;     /* answers taken lately, which die with it */
} Server;

struct Connection {
        Connection *next;
        Server *server;
        Process *process;
        int domain;
        bool up;               /* stanzas flow */
        bool flushes;          /* it broke, yet what had left arrives */
        bool stalls;           /* nothing passes any more, and nobody has noticed */
        int64_t out_us, in_us; /* when the last stanza on the way arrives: it is one stream, in order */
};

/* Nothing comes of it until the core has heard of the end of the stream before: then it is called again. */
void server_connect(Process *process, int domain);
/* Ends it now. What was on its way is lost unless `flushes`: then what left arrives. */
void connection_break(Connection *connection, bool closed_by_us, bool flushes);
/* From now on nothing passes; it breaks later. */
void connection_stall(Connection *connection, int64_t duration);
void connection_send(Connection *connection, const Command *command);
void server_die(Server *server, int64_t down_us);
/* A stanza of a person to an agent; false when nobody is there to take it: the server says so at once. */
bool server_carry(Server *server, int domain, Writing *writing);
int domain_index(Text jid);
extern const char *const domain_names[DOMAINS];

/* --- people.c --------------------------------------------------------------------------------------------------- */

/* One message as somebody meant it. Repeats have the same number, a conflict another. */
typedef struct Note {
        int64_t number;
        int account, agent; /* agent -1: one that does not exist */
        int domain;
        Text body, origin_id, stanza_id, thread, address, local;
        bool rest; /* over REST: origin_id is its Idempotency-Key */
        bool entitled, unstorable, receipt_wanted;
        bool conflicting; /* an earlier note has its origin id */
        bool command, stops;
        Text replaces;  /* the stanza id of a note that it corrects */
        bool corrected; /* by a later one, or taken back */
        int lives;
        Simulation *simulation;
} Note;

/* One transmission of it. */
struct Writing {
        Note *note;
        uint64_t ticket;
        Process *process; /* whose core got it */
        bool arrived, accepted, refused, let_go, wrote_row;
        int losses; /* of the process when it arrived */
        Text stanza_id;
};

void people_begin(Simulation *simulation);
void people_write(Simulation *simulation, Note *note);
Arrival *writing_arrival(Simulation *simulation, const Writing *writing);
Note *note_of(Simulation *simulation, Text body);
Writing *writing_of(Simulation *simulation, uint64_t ticket);

/* --- faults.c --------------------------------------------------------------------------------------------------- */

void faults_plan(Simulation *simulation);
void faults_begin(Simulation *simulation);
void faults_end(Simulation *simulation);
StoreFault faults_of_store(Simulation *simulation, const StoreRequest *request);

/* --- checks.c --------------------------------------------------------------------------------------------------- */

/* What there is to know about one accepted message. */
struct Life {
        StoredMessage *stored;
        Note *note;
        int promised, receipts, taken;     /* receipts that hubs promised, that came to the server; answers that did */
        int rounds;                        /* of tools, that its model will ask for */
        int replies[ROUNDS + 1], needless; /* of the model, by round, to hubs that held the message */
        bool asked_for_tools;
        int turns;
        int32_t attempt; /* of the last turn */
        bool cancel_asked;
        bool operated;          /* its operation was run */
        bool received, bounced; /* by its reader's client */
        bool excused;           /* it was lost where no hub could know */
        BookedCall *calls;
        struct BookedWait *waits;
        int64_t billed_nano;   /* by the provider, nothing above a bound */
        int64_t booked_nano;   /* in the budget */
        int64_t largest_nano;  /* bound of a call of it */
        int64_t lost_nano;     /* held for calls that nobody remembers */
        Process *counted;      /* which knows all that it has cost, */
        int64_t counted_epoch; /* as long as it has the lease of this epoch */
        int32_t fence;         /* of earlier attempts nothing is held any more */
};

/* A request to cancel, until it is answered. */
typedef struct CancelWatch {
        struct CancelWatch *next;
        const Process *process;
        uint64_t ticket;
        bool done;
} CancelWatch;

void check_violated(Simulation *simulation, const char *format, ...) _printf_(2, 3);
void check_watch(Simulation *simulation);
void check_arrival(Process *process, const Command *command);
void check_answer(Process *process, const Command *command);
void check_draft(Process *process, const Command *command);
void check_turn(Process *process, uint64_t number, const TurnInput *input);
void check_turn_left(SimulatedTurn *turn);
void check_model(SimulatedTurn *turn, int round);
void check_model_replied(SimulatedTurn *turn, int round, bool asks_for_tools);
void check_tool(SimulatedTurn *turn, CallKey key, const ModelToolCall *call, int runs, bool same_key);
void check_report(Process *process, const StoreReport *report);
void check_exit(Process *process, const Failure *failure);
uint64_t check_cancel_asked(Process *process); /* gives its ticket */
void check_cancel_done(Process *process, const Command *command);
void check_taken(Simulation *simulation, Life *life);
void check_lost(Simulation *simulation, Life *life, const Process *from);
void check_bounced(Simulation *simulation, Life *life, bool retry);
void check_process_gone(Process *process);
void check_operate(SimulatedTurn *turn);
/* checks_settled.c */
bool check_is_settled(Simulation *simulation);
void check_settled(Simulation *simulation);
Life *life_of(const Simulation *simulation, Uuid id);

/* --- simulator.c ------------------------------------------------------------------------------------------------ */

typedef struct TraceLine {
        int64_t at_us;
        const char *what;
        int64_t who;
        uint64_t number;
} TraceLine;

struct Simulation {
        const SimulatorOptions *options;
        SimulatorResult *result;
        uint64_t seed;
        Plan plan;
        Random planning, people, network, storage, hubs, turns, provider, sharing;
        Agenda agenda;
        Arena *arena;
        SimulatedStore *store;
        Cast cast;
        Hub hub[HUBS];
        Server servers[HUBS];
        Process *processes;
        int process_count;
        Books books;
        struct Entry *told_first, *told_last; /* of sharing.c */
        Note **notes;
        size_t note_count, note_capacity;
        Writing **writings;
        size_t writing_count, writing_capacity;
        Delivery *free_deliveries;
        int64_t store_away_until, store_full_until, store_stalled_until;
        bool chaos; /* things break and people write */
        CancelWatch *cancels;
        Failure absent; /* what is said of an agent that is not there, or not for the asker */
        uint64_t trace;
        uint64_t call_ids;
        TraceLine lines[LINES];
        uint64_t line_count;
        size_t settled; /* none of the first so many lives is unsettled */
};

/* What happened becomes part of the run's hash; it is printed when asked for, and the last of it when a check fails. */
void trace(Simulation *simulation, const char *what, int64_t who, uint64_t number);
void *run_take(Simulation *simulation, size_t size);
Text run_format(Simulation *simulation, const char *format, ...) _printf_(2, 3);
Uuid run_uuid(uint64_t kind, uint64_t number);
/* No clock but this one; from the start of the run. */
static inline int64_t now_us(const Simulation *simulation) {
        return simulation->agenda.now_us;
}
