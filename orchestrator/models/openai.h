/* The chat completions dialect, in its parts: what is sent, what comes back, what went wrong. Spoken by OpenAI, Ollama,
 * llama.cpp, vLLM, Mistral and others, which differ in what they refuse and leave out; those differences are the
 * quirks. Internal to this folder.
 *
 * One call at a time per value; nothing here blocks but openai_complete().
 */
#pragma once

#include "orchestrator/http/http.h"
#include "orchestrator/models/model.h"

typedef enum OpenaiQuirk {
        OPENAI_NO_STREAM_OPTIONS = 1 << 0,     /* refuses stream_options; Mistral, which sends usage unasked */
        OPENAI_MAX_COMPLETION_TOKENS = 1 << 1, /* wants max_completion_tokens for max_tokens; OpenAI itself */
} OpenaiQuirk;

/* The body of the request. FAILURE_INVALID names a tool whose parameters are no JSON. */
bool openai_write_request(const ModelRequest *request, Text name, unsigned quirks, Arena *arena, Text *ret_body,
                          Failure *reterr_failure) _must_check_;

/* A reply that is coming together, from chunks of a stream or from one whole object. */
typedef struct OpenaiReply OpenaiReply;

OpenaiReply *openai_reply_new(const ModelRequest *request);
/* One chunk, or the whole. False: it is no such thing, an error of the provider, or too large. */
bool openai_reply_take(OpenaiReply *reply, Text json, ModelReply *ret_reply, Failure *reterr_failure) _must_check_;
/* True once the model said why it stopped. */
bool openai_reply_is_finished(const OpenaiReply *reply);
/* True once there was anything from a model. */
bool openai_reply_has_begun(const OpenaiReply *reply);
/* What has come until now; false (FAILURE_TOO_LARGE) when the arena has no room for all of it. */
bool openai_reply_give(const OpenaiReply *reply, Arena *arena, ModelReply *ret_reply,
                       Failure *reterr_failure) _must_check_;
void openai_reply_free(OpenaiReply *reply);
DEFINE_RELEASE(OpenaiReply *, openai_reply_free)

/* Sets the failure that a status and a body mean, retry_helps and retry_after_us; returns false. The sentence quotes
 * nothing but the error's code, so that neither prompt nor key can come back in it. */
bool openai_refused(int status, Text body, const HttpReply *head, ModelReply *ret_reply, Failure *reterr_failure);
/* The same, for an error in the middle of a stream. */
bool openai_failed(Text body, ModelReply *ret_reply, Failure *reterr_failure);
/* Which quirk would mend what a provider complains of with 400 or 422; `quirks` when none would. */
unsigned openai_learn(unsigned quirks, int status, Text body);
