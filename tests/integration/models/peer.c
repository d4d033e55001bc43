#include "tests/integration/models/peer.h"

#include "orchestrator/http/http.h"

#include <stdio.h>

static const char *server_url(void) {
        const char *url = getenv("MODEL_SERVER_URL");
        ck_assert_msg(url != NULL, "Run this test by tests/lab/model-server --run.");
        return url;
}

void peer_start(Peer *peer, const char *key) {
        *peer = (Peer){ .arena = arena_new(8UL * 1024 * 1024), .listener = { .streamed = text_builder(0) } };
        const HttpSettings http = { .authorities = getenv("MODEL_SERVER_AUTHORITY") };
        const ModelSettings models = { .openai_url = text_of(server_url()), .openai_key = text_of(key) };
        ck_assert_done(http_start(&http, &peer->failure), peer->failure);
        ck_assert_done(model_start(&models, &peer->failure), peer->failure);
}

void peer_stop(Peer *peer) {
        model_stop();
        http_stop();
        text_builder_release(&peer->listener.streamed);
        arena_free(peer->arena);
}

static void hear(void *listener, Text piece) {
        Listener *hearer = listener;
        ck_assert(text_is_utf8(piece));
        text_add(&hearer->streamed, piece);
        hearer->pieces++;
}

static bool wants_to_stop(void *listener) {
        const Listener *hearer = listener;
        return hearer->stop_after_pieces > 0 && hearer->pieces >= hearer->stop_after_pieces;
}

ModelRequest peer_request(Peer *peer, const char *model, const char *text, int64_t patience_us) {
        ModelMessage *message = arena_take(peer->arena, sizeof(*message));
        ck_assert_ptr_nonnull(message);
        *message = (ModelMessage){ .role = MODEL_USER, .content = text_of(text) };
        return (ModelRequest){
                .model = text_of(model),
                .messages = message,
                .message_count = 1,
                .temperature = -1,
                .max_tokens = 512,
                .deadline_us = clock_now().monotonic_us + patience_us,
                .stream = hear,
                .stopped = wants_to_stop,
                .listener = &peer->listener,
        };
}

bool peer_complete(Peer *peer, const ModelRequest *request) {
        text_builder_reset(&peer->listener.streamed);
        peer->listener.pieces = 0;
        peer->failure = (Failure){ 0 };
        const int64_t before_us = clock_now().monotonic_us;
        const bool ok = model_complete(request, peer->arena, &peer->reply, &peer->failure);
        peer->took_us = clock_now().monotonic_us - before_us;
        ck_assert(text_is_utf8(peer->reply.content));
        ck_assert_int_eq(ok, peer->failure.kind == FAILURE_NONE);
        return ok;
}

Json *peer_control(const char *method, const char *what, const char *body) {
        _cleanup_(arena_freep) Arena *arena = arena_new(32UL * 1024 * 1024);
        char url[256];
        Failure failure;
        HttpReply reply;
        Json *value;

        const char *base = server_url();
        (void) snprintf(url, sizeof(url), "%.*s/control/%s", (int) (strlen(base) - strlen("/v1")), base, what);
        const HttpRequest request = {
                .method = method,
                .url = text_of(url),
                .body = text_of(body),
                .deadline_us = clock_now().monotonic_us + 30 * SECONDS,
                .body_limit = 16UL * 1024 * 1024,
        };
        ck_assert_done(http_request(&request, arena, &reply, &failure), failure);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_done(json_parse(reply.body, 16UL * 1024 * 1024, &value, &failure), failure);
        return value;
}

int64_t peer_calls(const char *key) {
        _cleanup_(json_freep) Json *counts = peer_control("GET", "counts", NULL);
        int64_t calls = 0;
        (void) json_to_integer(json_member(json_member(counts, "by_key"), key), &calls);
        return calls;
}

Json *peer_last_request(const char *key) {
        _cleanup_(json_freep) Json *requests = peer_control("GET", "requests", NULL);
        for (size_t i = json_count(requests); i > 0; i--) {
                const Json *request = json_item(requests, i - 1);
                if (text_equal(json_to_text(json_member(request, "key")), text_of(key)))
                        return json_clone(request);
        }
        ck_abort_msg("no request with the key %s", key);
}
