/* HTTP: the one way out of the program to other people's servers: models, and later objects, tools, webhooks. The only
 * user of libcurl. Not a server, and not a place that knows what the bytes mean.
 *
 * One thread drives all transfers; http_request() is called by worker threads and blocks them until the reply is whole.
 * Pieces of the body are handed to the calling thread, through a buffer of bounded size: a caller that is slow makes
 * its server wait and nobody else. Only http and https; certificates are always verified; redirects are not followed;
 * proxy variables of the environment and .netrc are not read; cookies are not kept. Connections are kept and used
 * again.
 *
 * A request may go over a connection that its server closes at this very moment; libcurl then sends it once more over a
 * new one, as long as no byte of a reply had come.
 */
#pragma once

#include "base/clock.h"
#include "base/failure.h"

typedef struct HttpSettings {
        bool allow_plaintext;    /* http:// also beyond loopback */
        const char *authorities; /* PEM file of certificate authorities; NULL = the system's */
} HttpSettings;

/* Once, before the first request; http_stop() ends what still runs with FAILURE_CANCELLED and waits for it. Both belong
 * to the main thread. */
bool http_start(const HttpSettings *settings, Failure *reterr_failure) _must_check_;
void http_stop(void);

typedef struct HttpHeader {
        Text name; /* lower case in replies */
        Text value;
} HttpHeader;

/* Which addresses a request may reach, checked on the address itself, after its name was resolved, for every new and
 * every kept connection. */
typedef enum HttpReach {
        HTTP_REACH_ANY,    /* the URL is the operator's own setting */
        HTTP_REACH_PUBLIC, /* the URL comes from anyone else: no loopback, private, link-local or multicast ones */
} HttpReach;

typedef struct HttpReply {
        int status;
        HttpHeader *headers;
        size_t header_count;
        Text body; /* empty when on_data took it */
} HttpReply;

typedef enum HttpWish {
        HTTP_MORE,
        HTTP_ENOUGH, /* the rest does not matter: the request succeeds, with or without its end */
        HTTP_ABORT,  /* the request ends with FAILURE_CANCELLED */
} HttpWish;

typedef struct HttpRequest {
        const char *method;        /* "GET", "POST" … */
        Text url;                  /* without user and password */
        const char *unix_socket;   /* path of a Unix socket to connect to instead of the URL's host; NULL = none */
        const HttpHeader *headers; /* values may be secrets: they appear in no log and no failure */
        size_t header_count;
        Text body;
        HttpReach reach;
        int64_t deadline_us; /* monotonic; always set */
        int64_t connect_us;  /* for name, connection and TLS; 0 = 10 s */
        int64_t idle_us;     /* longest silence of the server once connected; 0 = until the deadline */
        size_t body_limit;   /* of the reply; beyond it FAILURE_TOO_LARGE; 0 = 1 MiB */
        /* Called on the calling thread with each piece as it comes, status and headers already known. NULL: the body is
         * collected in the arena. */
        HttpWish (*on_data)(void *listener, const HttpReply *head, Text piece);
        /* Asked ten times a second, for all requests in one go and therefore on the HTTP thread: it looks at a flag
         * and does nothing else. True ends the request with FAILURE_CANCELLED; may be NULL. */
        bool (*stopped)(void *listener);
        void *listener;
} HttpRequest;

/* True once a whole reply came, whatever its status. Failures: INVALID (the URL), POLICY (an address or a plain-text
 * hop that is not allowed), UNAVAILABLE (name, connection, TLS, broken off), TIMED_OUT, TOO_LARGE, CANCELLED. After a
 * failure ret_reply holds the status and headers if they had come. Texts live in the arena. */
bool http_request(const HttpRequest *request, Arena *arena, HttpReply *ret_reply, Failure *reterr_failure) _must_check_;

/* TEXT_NONE when absent; name in lower case. */
Text http_header(const HttpReply *reply, const char *name);
/* How long the server asks us to wait: retry-after-ms, or Retry-After in seconds or as a date (RFC 9110 §10.2.3).
 * 0 = not said; at most an hour. */
int64_t http_retry_after_us(const HttpReply *reply, int64_t wall_us);
