#include "orchestrator/models/openai.h"

#include "base/clock.h"

#define CODE_LIMIT 40

/* What a status means, and words in the body that make it mean something narrower; the first row that fits counts. */
typedef struct Meaning {
        int least, most;            /* status */
        const char *const words[8]; /* one of them in the body, in any case; none = always */
        FailureKind kind;
        bool retry_helps;
        const char *sentence;
} Meaning;

static const char *const used_up = "The account with the model's provider is used up: top it up, or use another model";
static const char *const overloaded = "The model's provider is overloaded or over its rate limit: try again later";

static const Meaning meanings[] = {
        { 400,
          422,
          { "context_length", "exceed_context", "context length", "maximum context", "context size", "context window",
            "prompt is too long", "too large for model" },
          FAILURE_TOO_LARGE,
          false,
          "The conversation is longer than the model takes: start a new one, or use another model" },
        { 400,
          403,
          { "content_filter", "content_policy", "content_management" },
          FAILURE_POLICY,
          false,
          "A filter of the model's provider refuses this conversation" },
        { 429, 429, { "insufficient_quota", "billing" }, FAILURE_LIMIT, false, used_up },
        { 401, 401, { NULL }, FAILURE_FORBIDDEN, false, "The model's provider refuses the key: check openai_key_file" },
        { 402, 402, { NULL }, FAILURE_LIMIT, false, used_up },
        { 403,
          403,
          { NULL },
          FAILURE_FORBIDDEN,
          false,
          "The model's provider forbids this call: check openai_key_file, and what the key may use" },
        { 404,
          404,
          { NULL },
          FAILURE_UNSUPPORTED,
          false,
          "The model's provider does not know the model or the path: check the model's name and openai_url" },
        { 408, 408, { NULL }, FAILURE_TIMED_OUT, true, "The model's provider ran out of time" },
        { 409, 409, { NULL }, FAILURE_UNAVAILABLE, true, "The model's provider is not ready" },
        { 413, 413, { NULL }, FAILURE_TOO_LARGE, false, "The conversation is larger than the model's provider takes" },
        { 425, 425, { NULL }, FAILURE_UNAVAILABLE, true, "The model's provider is not ready" },
        { 429, 429, { NULL }, FAILURE_LIMIT, true, overloaded },
        { 503, 503, { NULL }, FAILURE_LIMIT, true, overloaded },
        { 529, 529, { NULL }, FAILURE_LIMIT, true, overloaded },
        { 300,
          399,
          { NULL },
          FAILURE_INVALID,
          false,
          "The model's provider is elsewhere: set openai_url to its final address" },
        { 400, 499, { NULL }, FAILURE_INVALID, false, "The model's provider does not accept the request" },
        { 500, 599, { NULL }, FAILURE_UNAVAILABLE, true, "The model's provider failed" },
        { 0,
          999,
          { NULL },
          FAILURE_INTERNAL,
          false,
          "The model's provider answered with something that is no chat completion" },
};

static bool has_word(Text body, const char *word) {
        const size_t length = strlen(word);

        for (size_t i = 0; i + length <= body.length; i++)
                if (strncasecmp(body.bytes + i, word, length) == 0)
                        return true;
        return false;
}

static bool fits(const Meaning *meaning, int status, Text body) {
        if (status < meaning->least || status > meaning->most)
                return false;
        for (size_t i = 0; i < COUNT_OF(meaning->words) && meaning->words[i]; i++)
                if (has_word(body, meaning->words[i]))
                        return true;
        return !meaning->words[0];
}

/* A word such as invalid_request_error; nothing that could be a piece of the conversation or a key. */
static bool is_code(Text code) {
        for (size_t i = 0; i < code.length; i++) {
                const char c = code.bytes[i];
                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'))
                        return false;
        }
        return code.length > 0 && code.length <= CODE_LIMIT;
}

static Text find_code(const Json *body) {
        const Json *error = json_member(body, "error");
        const Json *holder = json_type_of(error) == JSON_TYPE_OBJECT ? error : body;
        const Text code = json_to_text(json_member(holder, "code")), type = json_to_text(json_member(holder, "type"));

        return is_code(code) ? code : is_code(type) ? type : TEXT_NONE;
}

static bool fail_as(int status, Text body, const Json *parsed, ModelReply *ret_reply, Failure *reterr_failure) {
        const Meaning *meaning = meanings;
        const Text code = find_code(parsed);

        while (!fits(meaning, status, body))
                meaning++;
        ret_reply->retry_helps = meaning->retry_helps;
        return failure_set(reterr_failure, meaning->kind, "%s (HTTP %d%s%.*s).", meaning->sentence, status,
                           code.length > 0 ? ", " : "", TEXT_ARGUMENTS(code));
}

bool openai_refused(int status, Text body, const HttpReply *head, ModelReply *ret_reply, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *parsed = NULL;

        (void) !json_parse(body, 0, &parsed, NULL);
        (void) fail_as(status, body, parsed, ret_reply, reterr_failure);
        if (ret_reply->retry_helps)
                ret_reply->retry_after_us = http_retry_after_us(head, clock_now().wall_us);
        return false;
}

bool openai_failed(Text body, ModelReply *ret_reply, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *parsed = NULL;
        int64_t code = 0;

        (void) !json_parse(body, 0, &parsed, NULL);
        const bool has_status = json_to_integer(json_member(json_member(parsed, "error"), "code"), &code) &&
                                code >= 400 && code <= 599;
        return fail_as(has_status ? (int) code : 500, body, parsed, ret_reply, reterr_failure);
}

unsigned openai_learn(unsigned quirks, int status, Text body) {
        if (status != 400 && status != 422)
                return quirks;
        if (!(quirks & OPENAI_NO_STREAM_OPTIONS) && has_word(body, "stream_options"))
                return quirks | OPENAI_NO_STREAM_OPTIONS;
        /* Whoever complains of either name wants the other one. */
        return has_word(body, "max_completion_tokens") ? quirks ^ OPENAI_MAX_COMPLETION_TOKENS : quirks;
}
