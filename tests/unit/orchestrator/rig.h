/* A rig for the core: a directory with a few people and agents, a clock that stands until it is moved, and a store that
 * answers what the test says. Events go in one at a time; the commands of the last one are looked at. Not a simulator:
 * nothing happens by itself.
 */
#pragma once

#include "orchestrator/core.h"
#include "tests/unit/unit.h"

#define RIG_DOMAIN "agents.example"
#define RIG_HUB    "one"
#define RIG_TURNS  64

typedef struct RigTurn {
        uint64_t turn;
        const TurnInput *input;
        bool stopped;
} RigTurn;

typedef struct Rig {
        CoreSettings settings; /* may be changed between rig_prepare() and rig_start() */
        Core *core;
        Moment now;
        Commands commands;           /* of the last step */
        const StoreRequest *request; /* that was not answered yet; NULL = none */
        RigTurn turns[RIG_TURNS];    /* that run or are being stopped, in order of their start */
        size_t turn_count;
        uint64_t state; /* of the random numbers */
        int64_t said;   /* how many messages, for their ids */
} Rig;

/* Installation: `guide`, public. Tenant acme: `desk.acme`, of its members; `secret.acme`, private. Tenant zeta:
 * `open.zeta`, public. Owner of all is ann@example.org; bob@example.org is a member of acme; eve@example.org is nobody
 * in particular. */
extern const Uuid rig_installation, rig_acme, rig_zeta, rig_guide, rig_desk, rig_secret, rig_open, rig_ann, rig_bob;

void rig_prepare(Rig *rig);
/* Starts the core: it leads, and the link is up. */
void rig_start(Rig *rig);
/* Only creates the core. */
void rig_create(Rig *rig);
void rig_release(Rig *rig);

void rig_step(Rig *rig, Event event);
void rig_pass(Rig *rig, int64_t microseconds); /* time goes by, then a tick */
void rig_wake(Rig *rig);                       /* time goes by until the core wants to be woken */
void rig_change(Rig *rig, DirectoryChange change);

typedef struct Said {
        const char *from, *agent, *body, *id, *origin, *thread, *replaces;
        Door door;
        uint64_t ticket;
        bool anonymous; /* without any id */
        bool encrypted, states, markable, quotes;
        bool command, stops;
        size_t arena; /* limit of its arena; 0 = the usual */
} Said;

void rig_say(Rig *rig, Said said);

/* A report for the request that is out: all rows written, nothing read. What it holds may be changed before it is
 * given. */
StoreReport *rig_report(Rig *rig);
void rig_give(Rig *rig, StoreReport *report);
void rig_store(Rig *rig, StoreResult result); /* makes one and gives it */
/* Answers DONE until nothing is asked any more. */
void rig_settle(Rig *rig);

/* The nth command of a kind of the last step; NULL when there is none. */
const Command *rig_command(const Rig *rig, CommandKind kind, size_t nth);
size_t rig_count(const Rig *rig, CommandKind kind);

/* The turn that runs for the message with this body; fails the test when there is none. */
RigTurn *rig_turn(Rig *rig, const char *body);
void rig_end_with(Rig *rig, RigTurn *turn, TurnResult result);
void rig_answer(Rig *rig, RigTurn *turn, const char *answer);

/* Says and settles, until the message is accepted and, if there is room, its turn runs. */
void rig_accept(Rig *rig, Said said);
