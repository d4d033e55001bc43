/* The conversation of a turn, and the steps that bring it back: what the model is told, what it replied, which tools it
 * asked for and what they gave. A step's payload is JSON; replaying the steps of earlier attempts in their order makes
 * the conversation as it was. Part of the turn; touches no World.
 */
#pragma once

#include "orchestrator/turn.h"

/* A tool that the model asked for in the reply before. */
typedef struct PendingCall {
        ModelToolCall call;
        size_t index;    /* within the reply */
        int32_t started; /* ordinal of its tool_started step of an earlier attempt; 0 = none */
        bool done;
} PendingCall;

typedef struct Conversation {
        ModelMessage *messages;
        size_t count, capacity;
        PendingCall *calls; /* of the last reply */
        size_t call_count;
        Text *tools; /* names of all that were called */
        size_t tool_count, tool_capacity;
        StepRecord *steps; /* that are durable */
        size_t step_count, step_capacity;
} Conversation;

/* System text, history, passages and the message itself. FAILURE_TOO_LARGE when the arena's limit is reached. */
bool conversation_begin(Conversation *conversation, Arena *arena, const TurnInput *input, const Recalled *recalled,
                        Failure *reterr_failure) _must_check_;
/* A step has become durable: another part of the turn replays it. FAILURE_TOO_LARGE as above. */
bool conversation_keep(Conversation *conversation, Arena *arena, const StepRecord *step,
                       Failure *reterr_failure) _must_check_;
/* Adds what the steps say, and the tokens they cost. FAILURE_INTERNAL when a step cannot be read. */
bool conversation_replay(Conversation *conversation, Arena *arena, const TurnInput *input, Usage *usage,
                         Failure *reterr_failure) _must_check_;
bool conversation_reply(Conversation *conversation, Arena *arena, const ModelReply *reply,
                        Failure *reterr_failure) _must_check_;
bool conversation_result(Conversation *conversation, Arena *arena, PendingCall *call, const ToolResult *result,
                         Failure *reterr_failure) _must_check_;
/* The names of the tools called, as a JSON array; empty when there were none. */
Text conversation_tools(const Conversation *conversation, Arena *arena);

/* Payloads. Empty when the arena's limit is reached. */
Text step_reply(Arena *arena, const ModelReply *reply);
Text step_started(Arena *arena, size_t index);
Text step_result(Arena *arena, size_t index, const ToolResult *result);
