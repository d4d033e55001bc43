/* The tests' side of tests/lab/model-server: calls models on it, and asks it what it was sent. Each test runs in a
 * process of its own and starts HTTP and models there; the server is one for all, so a test tells its requests by a
 * key.
 */
#pragma once

#include "orchestrator/models/model.h"
#include "tests/unit/unit.h"

#include <stdatomic.h>

/* What a call streamed, and when to stop it. */
typedef struct Listener {
        TextBuilder streamed;
        atomic_int pieces;
        int stop_after_pieces; /* 0 = never */
} Listener;

typedef struct Peer {
        Arena *arena;
        Listener listener;
        ModelReply reply;
        Failure failure;
        int64_t took_us;
} Peer;

/* key: the test's own; may be NULL. Both abort the test on failure. */
void peer_start(Peer *peer, const char *key);
void peer_stop(Peer *peer);

/* A request with one user message, of the given model, that has `patience_us` in all. */
ModelRequest peer_request(Peer *peer, const char *model, const char *text, int64_t patience_us);
bool peer_complete(Peer *peer, const ModelRequest *request);

/* GET, PUT or POST /control/WHAT; the caller frees. */
Json *peer_control(const char *method, const char *what, const char *body);
/* How often the key was used. */
int64_t peer_calls(const char *key);
/* The last request with that key: {path, headers, key, body}; the caller frees. */
Json *peer_last_request(const char *key);
