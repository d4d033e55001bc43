#include "orchestrator/models/model.h"

#include "orchestrator/models/dialect.h"

#define NAME_LIMIT 200 /* bytes of a model's name */

typedef struct Dialect {
        const char *name; /* whole, or a prefix when it ends in '/' */
        bool reads_passages;
        bool (*known)(Text name, Failure *reterr_failure); /* NULL: always */
        bool (*complete)(const ModelRequest *request, Text name, Arena *arena, ModelReply *ret_reply,
                         Failure *reterr_failure);
} Dialect;

static const Dialect dialects[] = {
        { "builtin/echo", false, NULL, echo_complete },
        { "builtin/extractive", true, NULL, extractive_complete },
        { "openai/", true, openai_known, openai_complete },
};

bool model_start(const ModelSettings *settings, Failure *reterr_failure) {
        return openai_start(settings, reterr_failure);
}

void model_stop(void) {
        openai_stop();
}

static bool is_name(Text name) {
        for (size_t i = 0; i < name.length; i++)
                if (name.bytes[i] <= ' ' || name.bytes[i] >= 0x7F)
                        return false;
        return name.length > 0 && name.length <= NAME_LIMIT;
}

static bool find_dialect(Text model, const Dialect **ret_dialect, Text *ret_name, Failure *reterr_failure) {
        for (size_t i = 0; i < COUNT_OF(dialects); i++) {
                const Text prefix = text_of(dialects[i].name);
                if (!text_starts_with(model, prefix))
                        continue;
                const Text rest = { model.bytes + prefix.length, model.length - prefix.length };
                const bool takes_name = prefix.bytes[prefix.length - 1] == '/';
                if (takes_name ? !is_name(rest) : rest.length > 0)
                        continue;
                *ret_dialect = &dialects[i];
                *ret_name = rest;
                return true;
        }
        return failure_set(
                reterr_failure, FAILURE_INVALID,
                "There is no model of that name: use builtin/echo, builtin/extractive, or openai/ and the name "
                "of a model, such as openai/gpt-4o-mini.");
}

bool model_known(Text model, Failure *reterr_failure) {
        const Dialect *dialect;
        Text name;

        return find_dialect(model, &dialect, &name, reterr_failure) &&
               (!dialect->known || dialect->known(name, reterr_failure));
}

bool model_takes_provider(Text model, Failure *reterr_failure) {
        const Dialect *dialect;
        Text name;

        return find_dialect(model, &dialect, &name, reterr_failure) &&
               (dialect->known || failure_set(reterr_failure, FAILURE_INVALID,
                                              "A model that has no provider takes no provider_url: use openai/ and the "
                                              "name of one of its models."));
}

bool model_reads_passages(Text model) {
        const Dialect *dialect;
        Text name;

        return find_dialect(model, &dialect, &name, NULL) && dialect->reads_passages;
}

bool model_complete(const ModelRequest *request, Arena *arena, ModelReply *ret_reply, Failure *reterr_failure) {
        const Dialect *dialect;
        Text name;

        *ret_reply = (ModelReply){ 0 };
        return find_dialect(request->model, &dialect, &name, reterr_failure) &&
               dialect->complete(request, name, arena, ret_reply, reterr_failure);
}

bool model_question(const ModelRequest *request, Text *ret_question, Failure *reterr_failure) {
        for (size_t i = request->message_count; i > 0; i--) {
                if (request->messages[i - 1].role != MODEL_USER)
                        continue;
                *ret_question = request->messages[i - 1].content;
                return true;
        }
        return failure_set(reterr_failure, FAILURE_INVALID, "There is no message to answer.");
}
