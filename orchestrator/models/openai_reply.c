#include "orchestrator/models/openai.h"

#include <stdio.h>

#define NAME_LIMIT      256
#define ARGUMENTS_LIMIT (256 * 1024) /* bytes of one call's arguments */
#define JSON_LIMIT      (8 * 1024 * 1024)
#define TOKENS_LIMIT    INT64_C(1000000000000) /* what a provider may claim to bill */

typedef struct PendingCall {
        int64_t index; /* as the provider counts them; -1 = it does not */
        TextBuilder id, name, arguments;
} PendingCall;

struct OpenaiReply {
        const ModelRequest *request;
        TextBuilder content, finish_reason;
        PendingCall calls[MODEL_CALL_LIMIT];
        size_t call_count;
        Usage usage;
        bool usage_known, begun;
};

OpenaiReply *openai_reply_new(const ModelRequest *request) {
        OpenaiReply *reply = memory_new(sizeof(*reply));
        reply->request = request;
        reply->content = text_builder(MODEL_ANSWER_LIMIT);
        reply->finish_reason = text_builder(NAME_LIMIT);
        return reply;
}

void openai_reply_free(OpenaiReply *reply) {
        for (size_t i = 0; i < reply->call_count; i++) {
                text_builder_release(&reply->calls[i].id);
                text_builder_release(&reply->calls[i].name);
                text_builder_release(&reply->calls[i].arguments);
        }
        text_builder_release(&reply->content);
        text_builder_release(&reply->finish_reason);
        free(reply);
}

static bool fail_by_nonsense(Failure *reterr_failure) {
        return failure_set(
                reterr_failure, FAILURE_INTERNAL,
                "The model's provider answered with something that is no chat completion: check openai_url.");
}

static bool add_text(OpenaiReply *reply, Text piece, Failure *reterr_failure) {
        if (piece.length == 0)
                return true;
        const size_t before = reply->content.length;
        reply->begun = true;
        text_add(&reply->content, piece);
        const Text kept = { reply->content.bytes + before, reply->content.length - before };
        if (reply->request->stream && kept.length > 0)
                reply->request->stream(reply->request->listener, kept);
        if (reply->content.overflowed)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The model's answer is longer than %d KiB.",
                                   MODEL_ANSWER_LIMIT / 1024);
        return true;
}

/* A string, or a list of parts of which those with a text count (Mistral). */
static bool take_content(OpenaiReply *reply, const Json *content, Failure *reterr_failure) {
        if (json_type_of(content) == JSON_TYPE_NULL)
                return true;
        if (json_type_of(content) == JSON_TYPE_TEXT)
                return add_text(reply, json_to_text(content), reterr_failure);
        if (json_type_of(content) != JSON_TYPE_ARRAY)
                return fail_by_nonsense(reterr_failure);
        for (size_t i = 0; i < json_count(content); i++)
                if (!add_text(reply, json_to_text(json_member(json_item(content, i), "text")), reterr_failure))
                        return false;
        return true;
}

/* The call a delta belongs to: by its index; without one, a new id is a new call and the rest goes on with the last. */
static PendingCall *find_call(OpenaiReply *reply, const Json *delta) {
        int64_t index = -1;
        const Text id = json_to_text(json_member(delta, "id"));
        PendingCall *last = reply->call_count > 0 ? &reply->calls[reply->call_count - 1] : NULL;

        if (json_to_integer(json_member(delta, "index"), &index) && index >= 0) {
                for (size_t i = 0; i < reply->call_count; i++)
                        if (reply->calls[i].index == index)
                                return &reply->calls[i];
        } else if (last && (id.length == 0 || text_equal(id, text_built(&last->id)))) {
                return last;
        }
        if (reply->call_count == MODEL_CALL_LIMIT)
                return NULL;
        PendingCall *call = &reply->calls[reply->call_count++];
        *call = (PendingCall){ .index = index,
                               .id = text_builder(NAME_LIMIT),
                               .name = text_builder(NAME_LIMIT),
                               .arguments = text_builder(ARGUMENTS_LIMIT) };
        return call;
}

static bool take_call(OpenaiReply *reply, const Json *delta, Failure *reterr_failure) {
        const Json *function = json_member(delta, "function");
        if (json_type_of(function) != JSON_TYPE_OBJECT)
                return fail_by_nonsense(reterr_failure);
        PendingCall *call = find_call(reply, delta);
        if (!call)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The model asks for more than %d tools at once.",
                                   MODEL_CALL_LIMIT);

        /* Some repeat id and name with every piece of the arguments. */
        if (call->id.length == 0)
                text_add(&call->id, json_to_text(json_member(delta, "id")));
        if (call->name.length == 0)
                text_add(&call->name, json_to_text(json_member(function, "name")));
        const Json *arguments = json_member(function, "arguments");
        if (json_type_of(arguments) == JSON_TYPE_OBJECT) {
                _cleanup_(arena_freep) Arena *arena = arena_new(ARGUMENTS_LIMIT);
                Text written;
                if (!json_canonical(arguments, arena, &written))
                        return fail_by_nonsense(reterr_failure);
                text_add(&call->arguments, written);
        } else {
                text_add(&call->arguments, json_to_text(arguments));
        }
        reply->begun = true;
        if (call->id.overflowed || call->name.overflowed || call->arguments.overflowed)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE,
                                   "The model asks for a tool with more than %d KiB.", ARGUMENTS_LIMIT / 1024);
        return true;
}

static bool take_choice(OpenaiReply *reply, const Json *choice, Failure *reterr_failure) {
        if (json_type_of(choice) != JSON_TYPE_OBJECT)
                return fail_by_nonsense(reterr_failure);
        const Json *said = json_member(choice, "delta") ? json_member(choice, "delta") : json_member(choice, "message");
        const Json *calls = json_member(said, "tool_calls");
        const Text reason = json_to_text(json_member(choice, "finish_reason"));

        if (!take_content(reply, json_member(said, "content"), reterr_failure) ||
            !take_content(reply, json_member(said, "refusal"), reterr_failure))
                return false;
        for (size_t i = 0; i < json_count(calls); i++)
                if (!take_call(reply, json_item(calls, i), reterr_failure))
                        return false;
        if (reason.length > 0) {
                reply->begun = true;
                text_builder_reset(&reply->finish_reason);
                text_add(&reply->finish_reason, reason);
        }
        return true;
}

static int64_t count_of(const Json *object, const char *name) {
        int64_t count = 0;
        (void) json_to_integer(json_member(object, name), &count);
        if (count < 0)
                return 0;
        return count < TOKENS_LIMIT ? count : TOKENS_LIMIT;
}

static void take_usage(OpenaiReply *reply, const Json *usage) {
        if (json_type_of(usage) != JSON_TYPE_OBJECT)
                return;
        reply->usage_known = true;
        reply->usage.prompt_tokens = count_of(usage, "prompt_tokens");
        reply->usage.completion_tokens = count_of(usage, "completion_tokens");
        reply->usage.cached_tokens = count_of(json_member(usage, "prompt_tokens_details"), "cached_tokens");
}

bool openai_reply_take(OpenaiReply *reply, Text text, ModelReply *ret_reply, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *chunk = NULL;

        if (!json_parse(text, JSON_LIMIT, &chunk, NULL) || json_type_of(chunk) != JSON_TYPE_OBJECT)
                return fail_by_nonsense(reterr_failure);
        if (json_type_of(json_member(chunk, "error")) != JSON_TYPE_NULL)
                return openai_failed(text, ret_reply, reterr_failure);

        const Json *choices = json_member(chunk, "choices");
        if (json_type_of(choices) != JSON_TYPE_ARRAY && json_type_of(choices) != JSON_TYPE_NULL)
                return fail_by_nonsense(reterr_failure);
        take_usage(reply, json_member(chunk, "usage"));
        for (size_t i = 0; i < json_count(choices); i++) {
                int64_t index = 0; /* only one answer was asked for */
                (void) json_to_integer(json_member(json_item(choices, i), "index"), &index);
                if (index == 0 && !take_choice(reply, json_item(choices, i), reterr_failure))
                        return false;
        }
        return true;
}

bool openai_reply_is_finished(const OpenaiReply *reply) {
        return reply->finish_reason.length > 0;
}

bool openai_reply_has_begun(const OpenaiReply *reply) {
        return reply->begun;
}

static bool give_call(const PendingCall *call, size_t number, Arena *arena, ModelToolCall *ret_call) {
        char own_id[32];
        TextBuilder id = call->id;

        if (id.length == 0) { /* some give none, and want one back */
                const int length = snprintf(own_id, sizeof(own_id), "call_%zu", number);
                id = (TextBuilder){ .bytes = own_id, .length = (size_t) length };
        }
        *ret_call = (ModelToolCall){
                .id = text_copy(arena, text_built(&id)),
                .name = text_copy(arena, text_built(&call->name)),
                .arguments = text_copy(arena, text_built(&call->arguments)),
        };
        return ret_call->id.bytes && ret_call->name.bytes && ret_call->arguments.bytes;
}

bool openai_reply_give(const OpenaiReply *reply, Arena *arena, ModelReply *ret_reply, Failure *reterr_failure) {
        ret_reply->usage = reply->usage;
        ret_reply->usage_known = reply->usage_known;
        ret_reply->finish_reason = text_copy(arena, text_built(&reply->finish_reason));
        ret_reply->content = text_copy(arena, text_built(&reply->content));
        ret_reply->calls = arena_take_array(arena, ModelToolCall, reply->call_count + 1);
        bool fits = ret_reply->content.bytes && ret_reply->calls && ret_reply->finish_reason.bytes;
        for (size_t i = 0; fits && i < reply->call_count; i++)
                fits = give_call(&reply->calls[i], i, arena, &ret_reply->calls[i]);
        if (fits) {
                ret_reply->call_count = reply->call_count;
                return true;
        }
        ret_reply->calls = NULL;
        for (size_t limit = reply->content.length / 2; limit > 0 && !ret_reply->content.bytes; limit /= 2)
                ret_reply->content = text_copy(arena, text_prefix(text_built(&reply->content), limit));
        return failure_set(reterr_failure, FAILURE_TOO_LARGE,
                           "The model's answer is larger than this message has room for.");
}
