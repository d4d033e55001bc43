/* A link: the XEP-0114 stream of one domain to our server, over TCP or a Unix socket. It connects, shakes hands, keeps
 * the stream alive, notices a dead peer, reconnects with growing delays, and hands over stanzas. Several domains are
 * several links. Not the meaning of stanzas, and no memory of what was sent: what a broken stream lost is found again
 * from the journal.
 *
 * Hub thread only; never blocks: names are resolved by a thread of their own, and what does not fit into the socket
 * waits here. The loop watches link_descriptor(), which stays the same for the link's life, calls link_handle() when it
 * is readable or link_deadline() has come, then takes all of link_next(). A link logs nothing: events carry the
 * sentence to log.
 */
#pragma once

#include "base/clock.h"
#include "xmpp/stanza.h"

typedef struct LinkSettings {
        Text endpoint; /* "127.0.0.1:5347", "[::1]:5347", "name:5347", "unix:/path" */
        Text domain;
        Text secret;
        /* 0 = the default */
        int64_t answer_us;     /* patience with a step of connecting: 15 s */
        int64_t idle_us;       /* silence before we ping: 30 s; as long again, and the peer is dead */
        int64_t retry_us;      /* delay before the second attempt: 250 ms; doubles, with jitter */
        int64_t retry_most_us; /* 15 s */
        size_t queue_bytes;    /* waiting for the socket: 64 MiB */
} LinkSettings;

typedef enum LinkEventKind {
        LINK_UP,         /* the server took the handshake: sending is possible */
        LINK_DOWN,       /* the stream ended, or an attempt failed */
        LINK_STANZA,     /* to our domain, from somebody */
        LINK_OVER_LIMIT, /* the same, skipped for its size or shape; stanza has addresses, id and type only */
        LINK_PONG,       /* the server has taken everything that was sent before that ping */
        LINK_RELIEVED,   /* congestion is over */
} LinkEventKind;

typedef struct LinkEvent {
        LinkEventKind kind;
        Stanza *stanza; /* STANZA, OVER_LIMIT: in the arena, which is now the receiver's */
        Arena *arena;
        size_t bytes;        /* its length on the wire */
        const char *limit;   /* OVER_LIMIT: which one */
        bool was_up;         /* DOWN */
        bool by_us;          /* DOWN: link_close() ended it in good order, and the server had taken everything */
        int64_t retry_in_us; /* DOWN: until the next attempt; 0 = none: link_close() or link_drop() */
        Failure failure;     /* DOWN: cause and fix, for the log */
        uint64_t token;      /* PONG */
} LinkEvent;

typedef struct LinkFigures {
        uint64_t received, sent; /* stanzas */
        uint64_t received_bytes, sent_bytes;
        uint64_t over_limit, misaddressed; /* skipped; dropped because from or to was missing, malformed or not ours */
        uint64_t connections;              /* handshakes that succeeded */
        size_t queued_bytes;               /* waiting for the socket now */
} LinkFigures;

typedef struct Link Link;

/* The settings' texts are copied. FAILURE_INVALID: an endpoint that cannot be. A new link is closed. */
bool link_new(const LinkSettings *settings, Link **ret_link, Failure *reterr_failure) _must_check_;
/* Readable whenever there is something to do; for epoll, level-triggered. */
int link_descriptor(const Link *link);
/* When link_handle() wants to be called although nothing arrived; INT64_MAX = never. */
int64_t link_deadline(const Link *link);
/* Reads what there is (up to a share), writes what waits, acts on the clock. */
void link_handle(Link *link, int64_t now_us);
bool link_next(Link *link, LinkEvent *ret_event);

Text link_domain(const Link *link);
bool link_is_up(const Link *link);
bool link_is_congested(const Link *link);

/* Stamps, serialises and queues; link_flush() writes all of a batch at once. FAILURE_UNAVAILABLE: not up;
 * FAILURE_LIMIT: congested, LINK_RELIEVED will say when it is over; FAILURE_INTERNAL: refused by the stamp. */
bool link_send(Link *link, const Outgoing *outgoing, Failure *reterr_failure) _must_check_;
void link_flush(Link *link);
/* XEP-0199 to our own domain, behind everything sent so far: LINK_PONG with the token when the server has handled it.
 * false when not up. Pings that a broken stream took with it are forgotten. */
bool link_ping(Link *link, uint64_t token);

/* Connects, and does so again whenever the stream ends, until one of the next two. */
void link_open(Link *link);
/* Sends what waits and ends the stream in good order within answer_us; LINK_DOWN comes last. */
void link_close(Link *link, int64_t now_us);
/* Ends the stream at once, and what waits with it; LINK_DOWN comes last. */
void link_drop(Link *link);
void link_free(Link *link);
DEFINE_RELEASE(Link *, link_free)

LinkFigures link_figures(const Link *link);
