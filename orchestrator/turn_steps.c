#include "orchestrator/turn_steps.h"

static bool out_of_room(Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The conversation takes more memory than a turn may.");
}

static bool message_add(Conversation *conversation, Arena *arena, const ModelMessage *message,
                        Failure *reterr_failure) {
        if (conversation->count == conversation->capacity) {
                size_t capacity = conversation->capacity ? conversation->capacity * 2 : 16;
                ModelMessage *messages = arena_take_array(arena, ModelMessage, capacity);
                if (!messages)
                        return out_of_room(reterr_failure);
                if (conversation->count)
                        memcpy(messages, conversation->messages, conversation->count * sizeof(*messages));
                conversation->messages = messages;
                conversation->capacity = capacity;
        }
        conversation->messages[conversation->count++] = *message;
        return true;
}

static void paragraph_add(TextBuilder *text, const char *title, Text content) {
        if (!content.length)
                return;
        if (text->length)
                text_add_string(text, "\n\n");
        text_add_string(text, title);
        text_add(text, content);
}

/* What the model is told before anything else; built-ins without a prompt get none. */
static bool system_text(Arena *arena, const Recalled *recalled, Text *ret_text) {
        const Version *version = recalled->version;
        TextBuilder text = text_builder(0);

        paragraph_add(&text, "", version->prompt);
        paragraph_add(&text, "Your goal: ", version->goal);
        paragraph_add(&text, "Constraints: ", version->constraints);
        for (size_t i = 0; i < recalled->passage_count; i++) {
                paragraph_add(&text,
                              i ? "Source: "
                                : "What you know about this, with its source. Quote the source.\n\nSource: ",
                              recalled->passages[i].source);
                text_add_char(&text, '\n');
                text_add(&text, recalled->passages[i].content);
        }
        bool whole = !text.overflowed;
        *ret_text = text.length ? text_copy(arena, text_built(&text)) : TEXT_NONE;
        whole &= text.length == 0 || ret_text->bytes;
        text_builder_release(&text);
        return whole;
}

bool conversation_begin(Conversation *conversation, Arena *arena, const TurnInput *input, const Recalled *recalled,
                        Failure *reterr_failure) {
        Text body = input->body.length ? input->body : recalled->body;
        ModelMessage system = { .role = MODEL_SYSTEM };
        ModelMessage user = { .role = MODEL_USER, .content = body };

        if (!system_text(arena, recalled, &system.content))
                return out_of_room(reterr_failure);
        if (system.content.length && !message_add(conversation, arena, &system, reterr_failure))
                return false;
        for (size_t i = 0; i < recalled->history_count; i++)
                if (!message_add(conversation, arena, &recalled->history[i], reterr_failure))
                        return false;
        return message_add(conversation, arena, &user, reterr_failure);
}

static bool tool_note(Conversation *conversation, Arena *arena, Text name, Failure *reterr_failure) {
        if (conversation->tool_count == conversation->tool_capacity) {
                size_t capacity = conversation->tool_capacity ? conversation->tool_capacity * 2 : 8;
                Text *tools = arena_take_array(arena, Text, capacity);
                if (!tools)
                        return out_of_room(reterr_failure);
                if (conversation->tool_count)
                        memcpy(tools, conversation->tools, conversation->tool_count * sizeof(*tools));
                conversation->tools = tools;
                conversation->tool_capacity = capacity;
        }
        conversation->tools[conversation->tool_count++] = name;
        return true;
}

bool conversation_reply(Conversation *conversation, Arena *arena, const ModelReply *reply, Failure *reterr_failure) {
        ModelMessage message = { .role = MODEL_ASSISTANT,
                                 .content = reply->content,
                                 .calls = reply->calls,
                                 .call_count = reply->call_count };

        conversation->calls = arena_take_array(arena, PendingCall, reply->call_count);
        if (reply->call_count && !conversation->calls)
                return out_of_room(reterr_failure);
        conversation->call_count = reply->call_count;
        for (size_t i = 0; i < reply->call_count; i++) {
                conversation->calls[i] = (PendingCall){ .call = reply->calls[i], .index = i };
                if (!tool_note(conversation, arena, reply->calls[i].name, reterr_failure))
                        return false;
        }
        return message_add(conversation, arena, &message, reterr_failure);
}

bool conversation_result(Conversation *conversation, Arena *arena, PendingCall *call, const ToolResult *result,
                         Failure *reterr_failure) {
        ModelMessage message = { .role = MODEL_TOOL, .content = result->content, .call_id = call->call.id };

        call->done = true;
        return message_add(conversation, arena, &message, reterr_failure);
}

static Text payload(Arena *arena, Json *object) {
        Text text = TEXT_NONE;

        if (!json_canonical(object, arena, &text))
                text = TEXT_NONE;
        json_free(object);
        return text;
}

Text step_reply(Arena *arena, const ModelReply *reply) {
        Json *object = json_new_object(), *calls = json_new_array();

        for (size_t i = 0; i < reply->call_count; i++) {
                Json *call = json_new_object();
                json_put_text(call, "id", reply->calls[i].id);
                json_put_text(call, "name", reply->calls[i].name);
                json_put_text(call, "arguments", reply->calls[i].arguments);
                json_append(calls, call);
        }
        json_put_text(object, "content", reply->content);
        json_put(object, "calls", calls);
        json_put_integer(object, "prompt", reply->usage.prompt_tokens);
        json_put_integer(object, "completion", reply->usage.completion_tokens);
        json_put_integer(object, "cached", reply->usage.cached_tokens);
        return payload(arena, object);
}

Text step_started(Arena *arena, size_t index) {
        Json *object = json_new_object();

        json_put_integer(object, "index", (int64_t) index);
        return payload(arena, object);
}

Text step_result(Arena *arena, size_t index, const ToolResult *result) {
        Json *object = json_new_object();

        json_put_integer(object, "index", (int64_t) index);
        json_put_text(object, "content", result->content);
        json_put_boolean(object, "failed", result->failed);
        return payload(arena, object);
}

static const JsonField call_fields[] = {
        { "id", BIND_TEXT, offsetof(ModelToolCall, id), true },
        { "name", BIND_TEXT, offsetof(ModelToolCall, name), true },
        { "arguments", BIND_TEXT, offsetof(ModelToolCall, arguments), true },
        { .bind = BIND_END },
};

/* Every kind of step, in one shape: what a kind has not stays empty. */
typedef struct StepBody {
        Text content;
        JsonList calls;
        int64_t prompt, completion, cached, index;
        bool failed;
} StepBody;

static const JsonField step_fields[] = {
        { "content", BIND_TEXT, offsetof(StepBody, content), false },
        { "calls", BIND_ARRAY, offsetof(StepBody, calls), false, sizeof(ModelToolCall), call_fields },
        { "prompt", BIND_INTEGER, offsetof(StepBody, prompt), false },
        { "completion", BIND_INTEGER, offsetof(StepBody, completion), false },
        { "cached", BIND_INTEGER, offsetof(StepBody, cached), false },
        { "index", BIND_INTEGER, offsetof(StepBody, index), false },
        { "failed", BIND_BOOLEAN, offsetof(StepBody, failed), false },
        { .bind = BIND_END },
};

static bool replay_reply(Conversation *conversation, Arena *arena, const StepBody *body, Usage *usage,
                         Failure *reterr_failure) {
        ModelReply reply = { .content = body->content, .calls = body->calls.items, .call_count = body->calls.count };

        usage->prompt_tokens += body->prompt;
        usage->completion_tokens += body->completion;
        usage->cached_tokens += body->cached;
        usage->model_calls++;
        return conversation_reply(conversation, arena, &reply, reterr_failure);
}

static bool step_replay(Conversation *conversation, Arena *arena, const StepRecord *step, Usage *usage,
                        Failure *reterr_failure) {
        _cleanup_(json_freep) Json *object = NULL;
        StepBody body = { 0 };

        if (step->kind == STEP_TAKEN_UP || step->kind == STEP_PRESUMED)
                return true;
        if (!json_parse(step->payload, 0, &object, reterr_failure) ||
            !json_bind(object, step_fields, arena, &body, reterr_failure))
                return failure_prefix(reterr_failure, "step %d cannot be read", step->ordinal);
        if (step->kind == STEP_MODEL_REPLY)
                return replay_reply(conversation, arena, &body, usage, reterr_failure);
        if (body.index < 0 || (size_t) body.index >= conversation->call_count)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "Step %d belongs to no call.", step->ordinal);
        PendingCall *call = &conversation->calls[body.index];
        if (step->kind == STEP_TOOL_STARTED) {
                call->started = step->ordinal;
                return true;
        }
        ToolResult result = { body.content, body.failed };
        return conversation_result(conversation, arena, call, &result, reterr_failure);
}

bool conversation_keep(Conversation *conversation, Arena *arena, const StepRecord *step, Failure *reterr_failure) {
        if (conversation->step_count == conversation->step_capacity) {
                size_t capacity = conversation->step_capacity ? conversation->step_capacity * 2 : 16;
                StepRecord *steps = arena_take_array(arena, StepRecord, capacity);
                if (!steps)
                        return out_of_room(reterr_failure);
                if (conversation->step_count)
                        memcpy(steps, conversation->steps, conversation->step_count * sizeof(*steps));
                conversation->steps = steps;
                conversation->step_capacity = capacity;
        }
        conversation->steps[conversation->step_count++] = *step;
        return true;
}

bool conversation_replay(Conversation *conversation, Arena *arena, const TurnInput *input, Usage *usage,
                         Failure *reterr_failure) {
        for (size_t i = 0; i < input->step_count; i++)
                if (!step_replay(conversation, arena, &input->steps[i], usage, reterr_failure) ||
                    !conversation_keep(conversation, arena, &input->steps[i], reterr_failure))
                        return false;
        return true;
}

Text conversation_tools(const Conversation *conversation, Arena *arena) {
        if (!conversation->tool_count)
                return TEXT_NONE;
        Json *array = json_new_array();
        for (size_t i = 0; i < conversation->tool_count; i++)
                json_append(array, json_new_text(conversation->tools[i]));
        return payload(arena, array);
}
