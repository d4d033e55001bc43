/* Models: one interface to whatever completes a conversation, be it a provider over HTTP or a built-in. A dialect
 * (openai.c, echo.c, extractive.c) is one row of the table in model.c. Not prices, not budgets: the turn reserves
 * before it calls. Tools are offered and asked for here, never run.
 *
 * model_complete() blocks the calling worker thread; `stream` is called from it.
 */
#pragma once

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/record.h"

typedef enum ModelRole { MODEL_SYSTEM, MODEL_USER, MODEL_ASSISTANT, MODEL_TOOL } ModelRole;

typedef struct ModelToolCall {
        Text id, name;
        Text arguments; /* JSON as the model wrote it; may be anything */
} ModelToolCall;

typedef struct ModelMessage {
        ModelRole role;
        Text content;
        ModelToolCall *calls; /* ASSISTANT: the tools it asked for */
        size_t call_count;
        Text call_id; /* TOOL: which call this answers */
} ModelMessage;

typedef struct ModelTool {
        Text name, description;
        Text parameters; /* JSON Schema, as text */
} ModelTool;

/* What knowledge a built-in may quote; found by the caller for this message. */
typedef struct ModelPassage {
        Text source, heading, content;
        double rank;
} ModelPassage;

typedef struct ModelRequest {
        Text model; /* "builtin/echo", "builtin/extractive", "openai/gpt-4o" … */
        ModelMessage *messages;
        size_t message_count;
        ModelTool *tools;
        size_t tool_count;
        ModelPassage *passages; /* already part of the messages for providers; builtin/extractive quotes them */
        size_t passage_count;
        double temperature; /* < 0: the provider's default */
        int32_t max_tokens; /* of the answer; always sent, at least 1 */
        Text endpoint; /* base URL of an openai-like provider, at a public address unless others are allowed; empty =
                          the installation's */
        Text key;      /* secret, in place of the installation's; empty = none, or the installation's own */
        int64_t deadline_us; /* monotonic */
        int64_t idle_us;     /* longest silence of the provider; 0 = two minutes */
        /* Called with each piece of text as it comes; may be NULL. */
        void (*stream)(void *listener, Text piece);
        /* Asked ten times a second, on another thread: looks at a flag and does nothing else. True ends the call with
         * FAILURE_CANCELLED; may be NULL. */
        bool (*stopped)(void *listener);
        void *listener;
} ModelRequest;

#define MODEL_ANSWER_LIMIT (1024 * 1024) /* bytes of text; a longer answer is TOO_LARGE */
#define MODEL_CALL_LIMIT   32            /* tools asked for in one reply; more are TOO_LARGE */

/* What went wrong, as far as the caller must tell it apart. FAILURE_… kinds: overloaded = LIMIT (429, 503, with
 * retry_after_us), a filter's refusal or an address not allowed = POLICY, the key refused = FORBIDDEN, context or
 * answer too long = TOO_LARGE, no such model or feature = UNSUPPORTED, bad request or setting = INVALID, bad reply =
 * INTERNAL, deadline or silence = TIMED_OUT, unreachable, failing (5xx) or broken off = UNAVAILABLE, stopped =
 * CANCELLED. The sentence holds neither secret nor conversation. */
typedef struct ModelReply {
        Text content; /* valid UTF-8; on failure what had come until then */
        ModelToolCall *calls;
        size_t call_count;
        Usage usage; /* tokens as billed; 0 when the provider does not say; the other fields are the turn's */
        bool usage_known;
        Text finish_reason;
        int64_t retry_after_us; /* with FAILURE_LIMIT: 0 = not said */
        bool retry_helps;       /* on failure: the same call may succeed later */
} ModelReply;

/* What the installation offers beside the built-ins. Copied; before the first call and after http_start(), and again at
 * any time, by one thread: calls that run keep what they began with. On failure everything stays as it was. */
typedef struct ModelSettings {
        Text openai_url;              /* "https://api.openai.com/v1", "http://127.0.0.1:11434" …; empty = none */
        Text openai_key;              /* secret; empty = none */
        bool allow_private_providers; /* a request's own endpoint may be an address that is not public */
} ModelSettings;

bool model_start(const ModelSettings *settings, Failure *reterr_failure) _must_check_;
void model_stop(void); /* wipes the key */

/* Whether a version may name this model on this installation; FAILURE_INVALID lists what there is. */
bool model_known(Text model, Failure *reterr_failure) _must_check_;
/* Whether it can be asked of another provider than the installation's. */
bool model_takes_provider(Text model, Failure *reterr_failure) _must_check_;
/* Whether no provider is asked: such a model uses no tokens, and needs nobody's leave to. */
static inline bool model_is_built_in(Text model) {
        return text_starts_with(model, TEXT("builtin/"));
}
/* Whether it makes use of passages of the agent's knowledge: for one that does not, none are looked for. */
bool model_reads_passages(Text model);

/* ret_reply is filled on failure too, as far as things came. Texts live in the arena. */
bool model_complete(const ModelRequest *request, Arena *arena, ModelReply *ret_reply,
                    Failure *reterr_failure) _must_check_;
