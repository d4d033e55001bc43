/* A turn: one attempt at one message, as linear code over World: recall, reserve, call the model, run its tools, until
 * there is an answer. Decides nothing about who may; touches nothing but its World. A turn that is taken up again is
 * given the steps of earlier attempts and replays them. So is a turn that had to wait for a budget: it ends, and goes
 * on in another part, under the same attempt, when it may.
 *
 * turn_run() blocks wherever its World blocks. Input and result are plain data, no pointer into the core.
 */
#pragma once

#include "orchestrator/world.h"

/* What a turn did until it had to wait for a budget. */
typedef struct TurnBefore {
        bool resumed;    /* there was such a part */
        int32_t ordinal; /* the last within the attempt, without the call that waits */
        int32_t model_calls, tool_calls;
        Text answer; /* what it had said, should there never be more */
} TurnBefore;

struct TurnInput {
        Uuid message_id, tenant_id, agent_id, version_id;
        Text owner;  /* bare JID, compared with the version's */
        Text sender; /* bare JID */
        Text agent;  /* bare JID that was written to; the hub's domain when it was the hub */
        Text thread;
        Text body; /* empty bytes = NULL: read it back */
        bool command;
        int32_t conversation;
        int32_t attempt;         /* taken_up steps before this turn */
        int64_t deadline_us;     /* monotonic */
        Hash policy_hash;        /* pinned at the start */
        Hash tenant_policy;      /* of the tenant's own; zero = it has none */
        const StepRecord *steps; /* of earlier attempts and parts, in order */
        size_t step_count;
        TurnBefore before;
        bool last;    /* it may not wait for a budget any more */
        bool closing; /* its conclusion is decided: the turn says what earlier attempts may have cost, no more */
        BudgetParties parties;
        const Budget *budgets; /* that concern it */
        size_t budget_count;
        Text zone; /* the tenant's; empty = UTC */
        int32_t billing_day;
};

/* What the audit is told beside the conclusion. */
typedef struct TurnEvent {
        const char *type;     /* of the table of event types; a literal */
        const char *severity; /* "info", "warning", "critical"; a literal */
        Text facts;           /* canonical JSON: ids and counts, never bodies */
} TurnEvent;

typedef struct TurnResult {
        Outcome outcome; /* SUCCESS, ERROR, REFUSED, CANCELLED, PARKED */
        FailureKind reason;
        Text answer; /* or the partial text */
        Text explanation;
        Usage usage;
        int64_t model_us;
        Uuid version_id;
        Hash policy_hash;
        Text tools;        /* JSON array; empty = none were called */
        bool streamed;     /* pieces of the answer were given to World.stream */
        Text warning;      /* for the owner: a tool's outcome is unknown; empty = none */
        TurnEvent *events; /* see turn_events.h */
        size_t event_count;
        bool owes;         /* its usage is to be settled with the budgets when the conclusion is durable */
        SpentBudget spent; /* why it was refused, when a budget was */
        SpentBudget near;  /* of which four fifths are used */
        bool waits;        /* for a budget: what it says is what becomes of it when it never goes on */
        int32_t ordinal;   /* for the next part, like the steps, which are all that are durable */
        const StepRecord *steps;
        size_t step_count;
} TurnResult;

/* Always fills ret_result; texts live in the arena or the input. */
void turn_run(const TurnInput *input, World *world, Arena *arena, TurnResult *ret_result);
