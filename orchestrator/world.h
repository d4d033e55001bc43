/* The world of a turn: all that turn.c may touch. There are two makers: component/workers.c, where each call blocks a
 * thread, and the simulator, where each call is a place to switch or to crash. Nothing here says how.
 */
#pragma once

#include "base/record.h"
#include "orchestrator/governance/policy.h"
#include "orchestrator/models/model.h"

/* An agent's version, whole and immutable. */
typedef struct Version {
        Uuid id, agent_id, tenant_id;
        Text owner; /* bare JID */
        Text name, goal, constraints, prompt, model;
        Text provider_url, provider_key; /* key: the name of a secret; empty = the installation's */
        double temperature;              /* < 0: the model's default */
        int32_t max_tokens;
        int32_t short_term_limit;
        bool knowledge;   /* has passages to search */
        bool streaming;   /* people see its answers grow */
        ModelTool *tools; /* it may use */
        size_t tool_count;
        /* Per million tokens, as the turn began; 0 = free. A cached token is one of the prompt's, at another price. */
        int64_t prompt_price_nano, completion_price_nano, cached_price_nano;
        Hash policy_hash;
} Version;

/* The tenant's is asked first. */
typedef enum PolicyOf { POLICY_OF_TENANT, POLICY_OF_AGENT, POLICY_COUNT } PolicyOf;

typedef struct Recalled {
        const Version *version; /* counted or copied by the maker; valid until the turn ends, like what follows */
        const Policy *policies[POLICY_COUNT]; /* NULL = none */
        const Shingles *secret;               /* of the version's prompt; NULL = none */
        Text body;                            /* of the message, when the input did not have it */
        ModelMessage *history;                /* oldest first */
        size_t history_count;
        ModelPassage *passages;
        size_t passage_count;
} Recalled;

/* "message/attempt/ordinal" */
typedef struct CallKey {
        Uuid message_id;
        int32_t ordinal;
} CallKey;

/* A model call as budgets see it. */
typedef struct CallBound {
        CallKey key;
        BudgetAmounts spent;       /* of the message so far, by the last row that says so */
        BudgetAmounts least, most; /* without the least it is of no use; the most it may cost */
} CallBound;

/* The budget that a call did not fit in, or that it leaves little of. */
typedef struct SpentBudget {
        bool known;
        Budget budget;
        int64_t spent;    /* of it */
        int64_t opens_us; /* wall clock: when there is more of it; 0 = others may leave some, or need less */
} SpentBudget;

/* What became of asking for a call's bound. */
typedef struct Reserved {
        BudgetAmounts granted; /* between least and most */
        SpentBudget spent;     /* not held for LIMIT; held: four fifths of it are used */
        bool waits;            /* not held: the budgets keep its place, and say when it is worth asking again */
} Reserved;

typedef struct ToolResult {
        Text content;
        bool failed;
} ToolResult;

typedef struct TurnInput TurnInput;

/* As StepRecord says. */
typedef struct TurnStep {
        int32_t ordinal;
        StepKind kind;
        Text payload;
        BudgetAmounts spent;
} TurnStep;

typedef struct World World;
struct World {
        Moment (*now)(World *world);
        /* False when the turn was cancelled meanwhile. */
        bool (*sleep)(World *world, int64_t microseconds);
        /* Runs the operation that a command names, once for this message however often it is asked; the answer is
         * Markdown. UNAVAILABLE: perhaps done, ask again. */
        bool (*operate)(World *world, const TurnInput *input, Arena *arena, Text *ret_answer, Failure *reterr);
        bool (*recall)(World *world, const TurnInput *input, Arena *arena, Recalled *ret_recalled, Failure *reterr);
        /* Holds what one model call may cost, between its least and its most. LIMIT: it is more than is left.
         * UNAVAILABLE: it cannot be checked now. Never waits itself: what might fit later has ret_reserved->waits, and
         * the turn must end; asking again under the same key, in another part of the turn, gives what was held
         * meanwhile. ret_reserved is filled in every case. */
        bool (*reserve)(World *world, const TurnInput *input, const CallBound *call, Reserved *ret_reserved,
                        Failure *reterr);
        /* Just before the request goes out. False: it must not, and nothing is held any more. */
        bool (*sent)(World *world, const TurnInput *input, CallKey key, Failure *reterr);
        /* The call was not made, or cost nothing. */
        void (*release)(World *world, const TurnInput *input, CallKey key);
        /* A step with this ordinal, which says that the message has cost so much so far, is durable. */
        void (*settle)(World *world, const TurnInput *input, int32_t ordinal, BudgetAmounts total);
        /* What calls of earlier attempts may have cost that no step accounts for; `covered` is the ordinal of the last
         * one that does, -1 = none. `call` is the largest that they made. UNAVAILABLE: ask again. */
        bool (*presumed)(World *world, const TurnInput *input, const CallBound *call, int32_t covered,
                         BudgetAmounts *ret_amounts, Failure *reterr);
        bool (*model)(World *world, const ModelRequest *request, Arena *arena, ModelReply *ret_reply, Failure *reterr);
        /* Whether a call whose outcome is unknown may be run again with the same key. */
        bool (*tool_is_idempotent)(World *world, Text name);
        bool (*tool)(World *world, const TurnInput *input, CallKey key, const ModelToolCall *call, Arena *arena,
                     ToolResult *ret_result, Failure *reterr);
        /* Commits a step and returns when it is durable. False: FAILURE_CANCELLED (cancelled, or this hub no longer
         * holds the message: stop at once), FAILURE_POLICY (paused or revoked meanwhile). */
        bool (*step)(World *world, const TurnInput *input, const TurnStep *step, Failure *reterr);
        void (*stream)(World *world, Text piece);
        bool (*stopped)(World *world); /* the turn was cancelled or dropped */
};
