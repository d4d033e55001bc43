#include "orchestrator/models/openai.h"

#include "base/crypto.h"
#include "orchestrator/models/dialect.h"
#include "orchestrator/models/sse.h"

#include <pthread.h>
#include <stdatomic.h>

#define IDLE_TIME     (120 * SECONDS)
#define STREAM_LIMIT  (256UL * 1024 * 1024) /* bytes of a whole stream; each event adds some 250 to its text */
#define WHOLE_LIMIT   (8UL * 1024 * 1024)   /* bytes of a reply that is no stream */
#define REQUEST_LIMIT (32UL * 1024 * 1024)
#define TRIES         3 /* with and without what a provider may refuse to be sent */

/* The installation's provider, which may be replaced while calls run: each keeps what it began with. What was learned
 * about it is a hint: losing it costs one more request. */
static struct {
        pthread_mutex_t lock; /* of url and key */
        char *url, *key;
        atomic_uint quirks;
        atomic_bool allow_private;
} installed = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const struct {
        const char *host;
        unsigned quirks;
} known_hosts[] = {
        { "//api.openai.com", OPENAI_MAX_COMPLETION_TOKENS },
        { "//api.mistral.ai", OPENAI_NO_STREAM_OPTIONS },
};

static unsigned quirks_of(const char *url) {
        for (size_t i = 0; i < COUNT_OF(known_hosts); i++)
                if (strstr(url, known_hosts[i].host))
                        return known_hosts[i].quirks;
        return 0;
}

static char *copy(Text text) {
        char *string = memory_new(text.length + 1);
        if (text.length > 0)
                memcpy(string, text.bytes, text.length);
        return string;
}

static void install(char *url, char *key) {
        pthread_mutex_lock(&installed.lock);
        char *old_url = installed.url, *old_key = installed.key;
        installed.url = url;
        installed.key = key;
        pthread_mutex_unlock(&installed.lock);
        if (old_key)
                crypto_wipe(old_key, strlen(old_key));
        free(old_key);
        free(old_url);
}

bool openai_start(const ModelSettings *settings, Failure *reterr_failure) {
        atomic_store(&installed.allow_private, settings->allow_private_providers);
        if (settings->openai_url.length == 0) {
                openai_stop();
                return true;
        }
        if (!text_starts_with(settings->openai_url, TEXT("http://")) &&
            !text_starts_with(settings->openai_url, TEXT("https://")))
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "openai_url is not an http:// or https:// URL: set it to something like "
                                   "https://api.openai.com/v1.");
        char *url = copy(settings->openai_url);
        atomic_store(&installed.quirks, quirks_of(url));
        install(url, copy(text_trim(settings->openai_key)));
        return true;
}

void openai_stop(void) {
        install(NULL, NULL);
}

/* Copies of both; false when there is no provider. */
static bool installed_take(Arena *arena, Text *ret_url, Text *ret_key) {
        pthread_mutex_lock(&installed.lock);
        bool there = installed.url != NULL;
        *ret_url = text_copy(arena, text_of(installed.url));
        *ret_key = text_copy(arena, text_of(installed.key));
        pthread_mutex_unlock(&installed.lock);
        return there;
}

static bool no_provider(Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_INVALID,
                           "This installation has no provider for openai/ models: set openai_url, or use "
                           "builtin/extractive.");
}

bool openai_known(Text name, Failure *reterr_failure) {
        (void) name;
        pthread_mutex_lock(&installed.lock);
        bool there = installed.url != NULL;
        pthread_mutex_unlock(&installed.lock);
        return there || no_provider(reterr_failure);
}

/* One call: what is asked of whom, and what has come. */
typedef struct Call {
        const ModelRequest *request;
        Text name;
        Text url, key;
        bool foreign; /* the request's own endpoint, not the installation's */
        OpenaiReply *reply;
        SseParser *events; /* once it is known to be a stream */
        TextBuilder body;  /* otherwise */
        bool done;         /* [DONE] has come */
        ModelReply *model_reply;
        Failure failure; /* why the call was given up on our side */
} Call;

static void release_call(Call *call) {
        if (call->reply)
                openai_reply_free(call->reply);
        if (call->events)
                sse_free(call->events);
        text_builder_release(&call->body);
}

/* The base URL as people give it: with or without /v1, with or without the rest. */
static Text complete_url(Arena *arena, Text base) {
        static const Text rest = { "/chat/completions", 17 };
        _cleanup_(text_builder_release) TextBuilder url = text_builder(0);

        while (base.length > 0 && base.bytes[base.length - 1] == '/')
                base.length--;
        text_add(&url, base);
        const Text end = { base.bytes + base.length - rest.length, rest.length };
        if (base.length > rest.length && text_equal(end, rest))
                return text_copy(arena, base);
        const char *host = base.length > 8 ? memchr(base.bytes + 8, '/', base.length - 8) : NULL;
        if (!host)
                text_add(&url, TEXT("/v1"));
        text_add(&url, rest);
        return text_copy(arena, text_built(&url));
}

static bool take_event(void *listener, const SseEvent *event) {
        Call *call = listener;

        if (text_equal(text_trim(event->data), TEXT("[DONE]"))) {
                call->done = true;
                return false;
        }
        return openai_reply_take(call->reply, event->data, call->model_reply, &call->failure);
}

static HttpWish take_stream(Call *call, Text piece) {
        Failure failure;

        if (sse_push(call->events, piece, &failure))
                return HTTP_MORE;
        if (call->done)
                return HTTP_ENOUGH;
        if (call->failure.kind == FAILURE_NONE)
                call->failure = failure;
        return HTTP_ABORT;
}

/* A stream is what does not begin as a JSON object; some label one as the other. */
static HttpWish take_piece(void *listener, const HttpReply *head, Text piece) {
        Call *call = listener;

        if (call->events)
                return take_stream(call, piece);
        const Text begin = text_trim(piece);
        const bool is_first = call->body.length == 0;
        if (head->status == 200 && is_first && begin.length > 0 && begin.bytes[0] != '{') {
                call->events = sse_new(SSE_LINE_LIMIT, take_event, call);
                return take_stream(call, piece);
        }
        if (is_first && begin.length == 0)
                return HTTP_MORE;
        text_add(&call->body, piece);
        if (!call->body.overflowed)
                return HTTP_MORE;
        (void) failure_set(&call->failure, FAILURE_TOO_LARGE, "The model's provider sent more than %lu MiB.",
                           WHOLE_LIMIT / (1024 * 1024));
        return HTTP_ABORT;
}

static bool is_stopped(void *listener) {
        const Call *call = listener;
        return call->request->stopped && call->request->stopped(call->request->listener);
}

static bool ask(Call *call, unsigned quirks, Arena *arena, HttpReply *ret_head, Failure *reterr_failure) {
        Text body;
        _cleanup_(text_builder_release) TextBuilder secret = text_builder(0);
        HttpHeader headers[3] = {
                { TEXT("Content-Type"), TEXT("application/json") },
                { TEXT("Accept"), TEXT("text/event-stream, application/json") },
        };

        if (!openai_write_request(call->request, call->name, quirks, arena, &body, reterr_failure))
                return false;
        if (call->key.length > 0) {
                text_add_string(&secret, "Bearer ");
                text_add(&secret, call->key);
                headers[2] = (HttpHeader){ TEXT("Authorization"), text_built(&secret) };
        }
        const HttpRequest request = {
                .method = "POST",
                .url = call->url,
                .headers = headers,
                .header_count = call->key.length > 0 ? 3 : 2,
                .body = body,
                .reach = call->foreign && !atomic_load(&installed.allow_private) ? HTTP_REACH_PUBLIC : HTTP_REACH_ANY,
                .deadline_us = call->request->deadline_us,
                .idle_us = call->request->idle_us > 0 ? call->request->idle_us : IDLE_TIME,
                .body_limit = STREAM_LIMIT,
                .on_data = take_piece,
                .stopped = call->request->stopped ? is_stopped : NULL,
                .listener = call,
        };
        const bool sent = http_request(&request, arena, ret_head, reterr_failure);
        if (call->key.length > 0)
                crypto_wipe(secret.bytes, secret.length);
        return sent;
}

/* Whether what failed on the way may go better another time. */
static bool is_passing(FailureKind kind) {
        return kind == FAILURE_UNAVAILABLE || kind == FAILURE_TIMED_OUT;
}

/* What the end of the reply means, once all that comes has come. */
static bool judge(Call *call, const HttpReply *head, Failure *reterr_failure) {
        const Text body = text_built(&call->body);

        if (head->status != 200)
                return openai_refused(head->status, body, head, call->model_reply, reterr_failure);
        if (!call->events && !openai_reply_take(call->reply, body, call->model_reply, reterr_failure))
                return false;
        if (!openai_reply_has_begun(call->reply))
                return failure_set(reterr_failure, FAILURE_INTERNAL,
                                   "The model's provider answered with something that is no chat completion: check "
                                   "openai_url.");
        if (!call->done && call->events && !openai_reply_is_finished(call->reply)) {
                call->model_reply->retry_helps = true;
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "The model's provider broke off its answer.");
        }
        return true;
}

static bool try_once(Call *call, unsigned *quirks, Arena *scratch, Failure *reterr_failure) {
        HttpReply head;

        const bool replied = ask(call, *quirks, scratch, &head, reterr_failure);
        if (call->failure.kind != FAILURE_NONE) {
                *reterr_failure = call->failure;
                return false;
        }
        if (!replied) {
                call->model_reply->retry_helps = is_passing(reterr_failure->kind);
                return false;
        }
        *quirks = openai_learn(*quirks, head.status, text_built(&call->body));
        return judge(call, &head, reterr_failure);
}

static bool run(Call *call, Failure *reterr_failure) {
        unsigned quirks = call->foreign ? 0 : atomic_load(&installed.quirks);

        for (int i = 0; i < TRIES; i++) {
                _cleanup_(arena_freep) Arena *scratch = arena_new(REQUEST_LIMIT);
                const unsigned before = quirks;
                text_builder_reset(&call->body);
                const bool ok = try_once(call, &quirks, scratch, reterr_failure);
                if (ok || quirks == before)
                        return ok;
                if (!call->foreign)
                        atomic_store(&installed.quirks, quirks);
        }
        return false;
}

/* A refusal that comes as an answer's end. */
static bool judge_finish(const ModelReply *reply, Failure *reterr_failure) {
        if (text_equal(reply->finish_reason, TEXT("content_filter")))
                return failure_set(reterr_failure, FAILURE_POLICY,
                                   "A filter of the model's provider stopped the answer.");
        return true;
}

bool openai_complete(const ModelRequest *request, Text name, Arena *arena, ModelReply *ret_reply,
                     Failure *reterr_failure) {
        Failure failure = { 0 }, unfit;
        _cleanup_(arena_freep) Arena *scratch = arena_new(0);
        const bool foreign = request->endpoint.length > 0;
        Text url = request->endpoint, own_key = TEXT_NONE;

        if (!foreign && !installed_take(scratch, &url, &own_key))
                return no_provider(reterr_failure);
        if (request->max_tokens < 1)
                return failure_set(reterr_failure, FAILURE_INVALID, "The model call has no limit of tokens.");
        _cleanup_(release_call) Call call = {
                .request = request,
                .name = name,
                .foreign = foreign,
                .url = complete_url(scratch, url),
                .key = foreign || request->key.length > 0 ? request->key : own_key,
                .reply = openai_reply_new(request),
                .body = text_builder(WHOLE_LIMIT),
                .model_reply = ret_reply,
        };
        const bool ok = run(&call, &failure);
        if (own_key.length > 0)
                crypto_wipe((char *) own_key.bytes, own_key.length);
        const bool given = openai_reply_give(call.reply, arena, ret_reply, &unfit);
        if (ok && given)
                return judge_finish(ret_reply, reterr_failure);
        if (reterr_failure)
                *reterr_failure = ok ? unfit : failure;
        return false;
}
