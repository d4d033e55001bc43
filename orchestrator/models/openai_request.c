#include "orchestrator/models/openai.h"

static const char *const role_names[] = {
        [MODEL_SYSTEM] = "system",
        [MODEL_USER] = "user",
        [MODEL_ASSISTANT] = "assistant",
        [MODEL_TOOL] = "tool",
};

static Json *write_call(const ModelToolCall *call) {
        Json *function = json_new_object();
        json_put_text(function, "name", call->name);
        json_put_text(function, "arguments", call->arguments);

        Json *written = json_new_object();
        json_put_text(written, "id", call->id);
        json_put_string(written, "type", "function");
        json_put(written, "function", function);
        return written;
}

static Json *write_message(const ModelMessage *message) {
        Json *written = json_new_object();

        json_put_string(written, "role", role_names[message->role]);
        json_put_text(written, "content", message->content);
        if (message->role == MODEL_TOOL)
                json_put_text(written, "tool_call_id", message->call_id);
        if (message->role != MODEL_ASSISTANT || message->call_count == 0)
                return written;

        Json *calls = json_new_array();
        for (size_t i = 0; i < message->call_count; i++)
                json_append(calls, write_call(&message->calls[i]));
        json_put(written, "tool_calls", calls);
        if (message->content.length == 0)
                json_put(written, "content", json_new_null());
        return written;
}

static bool write_tools(const ModelRequest *request, Json *body, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *tools = json_new_array();

        for (size_t i = 0; i < request->tool_count; i++) {
                const ModelTool *tool = &request->tools[i];
                Json *parameters;
                if (!json_parse(tool->parameters, 0, &parameters, reterr_failure))
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "The parameters of the tool %.*s are not JSON.",
                                           TEXT_ARGUMENTS(text_prefix(tool->name, 64)));
                Json *function = json_new_object();
                json_put_text(function, "name", tool->name);
                json_put_text(function, "description", tool->description);
                json_put(function, "parameters", parameters);

                Json *written = json_new_object();
                json_put_string(written, "type", "function");
                json_put(written, "function", function);
                json_append(tools, written);
        }
        if (request->tool_count > 0)
                json_put(body, "tools", json_clone(tools));
        return true;
}

bool openai_write_request(const ModelRequest *request, Text name, unsigned quirks, Arena *arena, Text *ret_body,
                          Failure *reterr_failure) {
        _cleanup_(json_freep) Json *body = json_new_object();
        Json *messages = json_new_array();

        json_put_text(body, "model", name);
        json_put(body, "messages", messages);
        for (size_t i = 0; i < request->message_count; i++)
                json_append(messages, write_message(&request->messages[i]));
        if (!write_tools(request, body, reterr_failure))
                return false;
        json_put_integer(body, quirks & OPENAI_MAX_COMPLETION_TOKENS ? "max_completion_tokens" : "max_tokens",
                         request->max_tokens);
        if (request->temperature >= 0)
                json_put(body, "temperature", json_new_real(request->temperature));
        json_put_boolean(body, "stream", true);
        if (!(quirks & OPENAI_NO_STREAM_OPTIONS)) {
                Json *options = json_new_object();
                json_put_boolean(options, "include_usage", true);
                json_put(body, "stream_options", options);
        }
        if (!json_canonical(body, arena, ret_body))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE,
                                   "The conversation is too long for one model call.");
        return true;
}
