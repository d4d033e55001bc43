/* The world of a turn: all that turn.c may touch. There are two makers: component/workers.c, where each call blocks a
 * thread, and the simulator, where each call is a place to switch or to crash. Nothing here says how.
 */
#pragma once

#include "base/record.h"
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
        int64_t prompt_price_nano, completion_price_nano; /* per million tokens; 0 = free */
        Hash policy_hash;
} Version;

typedef struct Recalled {
        const Version *version; /* counted or copied by the maker; valid until the turn ends */
        Text body;              /* of the message, when the input did not have it */
        ModelMessage *history;  /* oldest first */
        size_t history_count;
        ModelPassage *passages;
        size_t passage_count;
} Recalled;

/* "message/attempt/ordinal" */
typedef struct CallKey {
        Uuid message_id;
        int32_t ordinal;
} CallKey;

typedef struct ToolResult {
        Text content;
        bool failed;
} ToolResult;

typedef struct TurnInput TurnInput;

typedef struct World World;
struct World {
        Moment (*now)(World *world);
        /* False when the turn was cancelled meanwhile. */
        bool (*sleep)(World *world, int64_t microseconds);
        /* Runs the operation that a command names, once for this message however often it is asked; the answer is
         * Markdown. UNAVAILABLE: perhaps done, ask again. */
        bool (*operate)(World *world, const TurnInput *input, Arena *arena, Text *ret_answer, Failure *reterr);
        bool (*recall)(World *world, const TurnInput *input, Arena *arena, Recalled *ret_recalled, Failure *reterr);
        /* Holds the bound of one model call; waits while others may still settle. */
        bool (*reserve)(World *world, const TurnInput *input, CallKey key, int64_t bound_nano, Failure *reterr);
        void (*settle)(World *world, const TurnInput *input, CallKey key, int64_t cost_nano);
        bool (*model)(World *world, const ModelRequest *request, Arena *arena, ModelReply *ret_reply, Failure *reterr);
        /* Whether a call whose outcome is unknown may be run again with the same key. */
        bool (*tool_is_idempotent)(World *world, Text name);
        bool (*tool)(World *world, const TurnInput *input, CallKey key, const ModelToolCall *call, Arena *arena,
                     ToolResult *ret_result, Failure *reterr);
        /* Commits a step and returns when it is durable. False: FAILURE_CANCELLED (cancelled, or this hub no longer
         * holds the message: stop at once), FAILURE_POLICY (paused or revoked meanwhile). */
        bool (*step)(World *world, const TurnInput *input, int32_t ordinal, StepKind kind, Text payload,
                     Failure *reterr);
        void (*stream)(World *world, Text piece);
        bool (*stopped)(World *world); /* the turn was cancelled or dropped */
};
