#include "component/link.h"

#include "base/crypto.h"
#include "component/dial.h"
#include "component/outbox.h"
#include "component/resolve.h"
#include "component/stream_error.h"
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define READ_BYTES   (64 * 1024)
#define READS_A_TURN 4 /* so that one busy stream leaves time for the others */
#define PING_PREFIX  "aiox-ping-"
#define STEADY_US    (10 * SECONDS) /* a stream that lasted this long is forgiven its end */
#define MOST_DOUBLED 16
#define NEVER        INT64_MAX

typedef enum LinkState {
        LINK_CLOSED,  /* until link_open() */
        LINK_WAITING, /* for the next attempt */
        LINK_DIALING,
        LINK_OPENING,        /* our header is out, the server's is awaited */
        LINK_AUTHENTICATING, /* the handshake is out */
        LINK_ONLINE,
        LINK_CLOSING, /* our end tag is out, the server's is awaited */
} LinkState;

/* Those with a stanza live in its arena, the others in memory of their own. */
typedef struct WaitingEvent {
        LinkEvent event;
        struct WaitingEvent *next;
} WaitingEvent;

typedef struct Ping {
        uint64_t number, token;
        bool told; /* of the caller's, not our keep-alive */
        struct Ping *next;
} Ping;

struct Link {
        LinkSettings settings;
        char *endpoint, *domain, *secret; /* what the settings' texts point to */
        LinkState state;
        int poll, socket;
        uint32_t interest; /* epoll's, for the socket */
        int64_t now, deadline;
        int64_t heard; /* when the last byte came */
        int64_t up_since;
        bool asked; /* the keep-alive ping is out */
        unsigned attempts;

        Dial *dial;
        Reader *reader;
        Outbox outbox;
        bool congested;
        uint64_t pings;
        Ping *first_ping, *last_ping;
        WaitingEvent *first, *last;
        LinkFigures figures;
};

static void set_default(int64_t *value, int64_t fallback) {
        if (*value == 0)
                *value = fallback;
}

bool link_new(const LinkSettings *settings, Link **ret_link, Failure *reterr_failure) {
        if (!resolution_check(settings->endpoint, reterr_failure))
                return false;
        int poll_descriptor = epoll_create1(EPOLL_CLOEXEC);
        if (poll_descriptor < 0)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "no file descriptor left: %s", strerror(errno));
        Link *link = memory_new(sizeof(Link));
        link->poll = poll_descriptor;
        link->settings = *settings;
        link->endpoint = text_keep(settings->endpoint);
        link->domain = text_keep(settings->domain);
        link->secret = text_keep(settings->secret);
        link->settings.endpoint = text_of(link->endpoint);
        link->settings.domain = text_of(link->domain);
        link->settings.secret = text_of(link->secret);
        set_default(&link->settings.answer_us, 15 * SECONDS);
        set_default(&link->settings.idle_us, 30 * SECONDS);
        set_default(&link->settings.retry_us, 250 * MILLISECONDS);
        set_default(&link->settings.retry_most_us, 15 * SECONDS);
        if (link->settings.queue_bytes == 0)
                link->settings.queue_bytes = (size_t) 64 * 1024 * 1024;
        link->socket = -1;
        link->deadline = NEVER;
        *ret_link = link;
        return true;
}

/* Events */

static void queue_event(Link *link, WaitingEvent *waiting) {
        waiting->next = NULL;
        if (link->last)
                link->last->next = waiting;
        else
                link->first = waiting;
        link->last = waiting;
}

static LinkEvent *add_event(Link *link, LinkEventKind kind) {
        WaitingEvent *waiting = memory_new(sizeof(WaitingEvent));
        waiting->event.kind = kind;
        queue_event(link, waiting);
        return &waiting->event;
}

bool link_next(Link *link, LinkEvent *ret_event) {
        WaitingEvent *waiting = link->first;
        if (!waiting)
                return false;
        link->first = waiting->next;
        if (!link->first)
                link->last = NULL;
        *ret_event = waiting->event;
        if (!waiting->event.arena)
                free(waiting);
        return true;
}

/* The end of a stream or of an attempt */

static void forget_pings(Link *link) {
        for (Ping *ping = link->first_ping; ping;) {
                Ping *next = ping->next;
                free(ping);
                ping = next;
        }
        link->first_ping = link->last_ping = NULL;
}

static void close_stream(Link *link) {
        if (link->socket >= 0)
                close(link->socket); /* epoll forgets it */
        link->socket = -1;
        link->interest = 0;
        if (link->dial)
                dial_free(link->dial);
        link->dial = NULL;
        if (link->reader)
                reader_free(link->reader);
        link->reader = NULL;
        outbox_clear(&link->outbox);
        link->congested = false;
        forget_pings(link);
}

/* Doubles with each attempt; between half of it and all of it, so that hubs do not come back in step. */
static int64_t retry_delay(const Link *link) {
        unsigned doubled = link->attempts < MOST_DOUBLED ? link->attempts : MOST_DOUBLED;
        int64_t delay = link->settings.retry_us << doubled;
        if (delay > link->settings.retry_most_us)
                delay = link->settings.retry_most_us;
        return delay / 2 + (int64_t) (crypto_random_uint64() % (uint64_t) (delay / 2 + 1));
}

static bool was_up(const Link *link) {
        return link->state == LINK_ONLINE || link->state == LINK_CLOSING;
}

static void stop(Link *link, bool by_us, const Failure *failure) {
        LinkEvent *event = add_event(link, LINK_DOWN);
        event->was_up = was_up(link);
        event->by_us = by_us;
        if (failure)
                event->failure = *failure;
        close_stream(link);
        link->state = LINK_CLOSED;
        link->deadline = NEVER;
}

static void fail(Link *link, const Failure *failure) {
        if (link->state == LINK_CLOSING) {
                stop(link, false, failure);
                return;
        }
        LinkEvent *event = add_event(link, LINK_DOWN);
        event->was_up = was_up(link);
        event->failure = *failure;
        if (event->was_up && link->now - link->up_since >= STEADY_US)
                link->attempts = 0;
        event->retry_in_us = retry_delay(link);
        link->attempts++;
        close_stream(link);
        link->state = LINK_WAITING;
        link->deadline = link->now + event->retry_in_us;
}

static void fail_saying(Link *link, FailureKind kind, const char *sentence) {
        Failure failure;
        failure_set(&failure, kind, "%s: %s", link->endpoint, sentence);
        fail(link, &failure);
}

static void fail_broken(Link *link, int error) {
        Failure failure;
        failure_set(&failure, FAILURE_UNAVAILABLE, "%s: the connection broke: %s", link->endpoint, strerror(error));
        fail(link, &failure);
}

/* Sending */

static void watch_socket(Link *link, uint32_t interest) {
        struct epoll_event event = { .events = interest, .data.fd = link->socket };
        if (interest == link->interest)
                return;
        epoll_ctl(link->poll, link->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, link->socket, &event);
        link->interest = interest;
}

void link_flush(Link *link) {
        if (link->socket < 0)
                return;
        size_t sent;
        bool whole = outbox_flush(&link->outbox, link->socket, &sent);
        link->figures.sent_bytes += sent;
        if (!whole) {
                fail_broken(link, errno);
                return;
        }
        watch_socket(link, link->outbox.queued > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
        if (link->congested && link->outbox.queued < link->settings.queue_bytes / 2) {
                link->congested = false;
                add_event(link, LINK_RELIEVED);
        }
}

bool link_send(Link *link, const Outgoing *outgoing, Failure *reterr_failure) {
        if (link->state != LINK_ONLINE)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the link of %s is down", link->domain);
        if (link->outbox.queued >= link->settings.queue_bytes) {
                link->congested = true;
                return failure_set(reterr_failure, FAILURE_LIMIT, "the server does not take what is sent for %s",
                                   link->domain);
        }
        if (!stanza_stamp(outgoing, link->settings.domain, reterr_failure))
                return false;
        TextBuilder *room = outbox_room(&link->outbox);
        size_t before = room->length;
        element_write(room, outgoing->element, TEXT(NS_COMPONENT));
        if (room->overflowed) { /* half a stanza must not go out */
                room->length = before;
                room->overflowed = false;
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "a stanza to be sent for %s is too large",
                                   link->domain);
        }
        outbox_added(&link->outbox, before);
        link->figures.sent++;
        return true;
}

static bool send_ping(Link *link, uint64_t token, bool told) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        OutgoingList list = { NULL };
        char id[sizeof(PING_PREFIX) + 20];
        snprintf(id, sizeof(id), PING_PREFIX "%llu", (unsigned long long) link->pings + 1);
        ping_request(outgoing_add(&list, arena, STANZA_IQ, TYPE_GET, text_of(id), link->settings.domain,
                                  link->settings.domain));
        Failure failure;
        if (!list.first || !link_send(link, list.first, &failure))
                return false;
        Ping *ping = memory_new(sizeof(Ping));
        *ping = (Ping){ .number = ++link->pings, .token = token, .told = told };
        if (link->last_ping)
                link->last_ping->next = ping;
        else
                link->first_ping = ping;
        link->last_ping = ping;
        return true;
}

bool link_ping(Link *link, uint64_t token) {
        return send_ping(link, token, true);
}

/* Receiving */

/* The server answers pings to our domain itself or routes them back to us; both show that it took what went before.
 * Only it and we can be the sender. */
static bool take_pong(Link *link, const Stanza *stanza) {
        Text prefix = TEXT(PING_PREFIX);
        if (stanza->kind != STANZA_IQ || !text_equal(stanza->from.full, link->settings.domain) ||
            !text_starts_with(stanza->id, prefix))
                return false;
        Text digits = { stanza->id.bytes + prefix.length, stanza->id.length - prefix.length };
        int64_t number;
        if (!text_to_int64(digits, &number))
                return false;
        while (link->first_ping && link->first_ping->number <= (uint64_t) number) {
                Ping *ping = link->first_ping;
                link->first_ping = ping->next;
                if (!link->first_ping)
                        link->last_ping = NULL;
                if (ping->told)
                        add_event(link, LINK_PONG)->token = ping->token;
                free(ping);
        }
        return true;
}

static void take_stanza(Link *link, const ReaderEvent *read) {
        bool whole = read->kind == READER_ELEMENT;
        Stanza *stanza = arena_take(read->arena, sizeof(Stanza));
        WaitingEvent *waiting = arena_take(read->arena, sizeof(WaitingEvent));
        link->figures.received++;
        link->figures.over_limit += !whole;
        if (!stanza || !waiting || !stanza_read(read->element, stanza, NULL) ||
            !text_equal(stanza->to.domain, link->settings.domain)) {
                link->figures.misaddressed++;
                arena_free(read->arena);
        } else if (whole && take_pong(link, stanza)) {
                arena_free(read->arena);
        } else {
                waiting->event = (LinkEvent){ .kind = whole ? LINK_STANZA : LINK_OVER_LIMIT,
                                              .stanza = stanza,
                                              .arena = read->arena,
                                              .bytes = read->bytes,
                                              .limit = read->limit };
                queue_event(link, waiting);
        }
}

static void send_handshake(Link *link, Text stream_id) {
        _cleanup_(text_builder_release) TextBuilder secret = text_builder(0), answer = text_builder(0);
        uint8_t digest[20];
        text_add(&secret, stream_id);
        text_add(&secret, link->settings.secret);
        crypto_sha1(text_built(&secret), digest); /* XEP-0114 §3 */
        crypto_wipe(secret.bytes, secret.length);
        text_add(&answer, TEXT("<handshake>"));
        text_add_hex(&answer, digest, sizeof(digest));
        text_add(&answer, TEXT("</handshake>"));
        outbox_add(&link->outbox, text_built(&answer));
        link->state = LINK_AUTHENTICATING;
        link->deadline = link->now + link->settings.answer_us;
}

static void take_header(Link *link, const Element *header) {
        Failure failure;
        Text id = element_get(header, TEXT("id"));
        if (!element_is(header, TEXT("stream"), TEXT(NS_STREAMS)) ||
            !text_equal(element_get(header, TEXT("xmlns")), TEXT(NS_COMPONENT))) {
                stream_error_foreign(header, link->settings.endpoint, &failure);
                fail(link, &failure);
        } else if (id.length == 0) {
                fail_saying(link, FAILURE_INVALID, "the server's stream has no id");
        } else {
                send_handshake(link, id);
        }
}

static void go_online(Link *link) {
        link->state = LINK_ONLINE;
        link->up_since = link->now;
        link->asked = false;
        link->heard = link->now;
        link->deadline = link->now + link->settings.idle_us;
        link->figures.connections++;
        add_event(link, LINK_UP);
}

static void take_element(Link *link, const ReaderEvent *read) {
        if (read->kind == READER_ELEMENT && stream_error_is(read->element)) {
                Failure failure;
                stream_error_explain(read->element, link->settings.endpoint, link->settings.domain, &failure);
                fail(link, &failure);
        } else if (link->state == LINK_ONLINE || link->state == LINK_CLOSING) {
                take_stanza(link, read);
                return;
        } else if (link->state == LINK_AUTHENTICATING &&
                   element_is(read->element, TEXT("handshake"), TEXT(NS_COMPONENT))) {
                go_online(link);
        }
        arena_free(read->arena);
}

static void take_end(Link *link, const ReaderEvent *read) {
        if (read->kind == READER_BROKEN) {
                Failure failure = read->failure;
                failure_prefix(&failure, "%s", link->endpoint);
                fail(link, &failure);
        } else if (link->state == LINK_CLOSING && link->outbox.queued == 0) {
                stop(link, true, NULL);
        } else {
                fail_saying(link, FAILURE_UNAVAILABLE, "the server closed the stream");
        }
}

static void take_events(Link *link) {
        ReaderEvent read;
        while (link->reader && reader_next(link->reader, &read)) {
                if (read.kind == READER_OPENED) {
                        take_header(link, read.element);
                        arena_free(read.arena);
                } else if (read.kind == READER_ELEMENT || read.kind == READER_OVER_LIMIT) {
                        take_element(link, &read);
                } else {
                        take_end(link, &read);
                }
        }
}

/* false: nothing more at present, or the stream is gone. */
static bool read_once(Link *link) {
        void *buffer = reader_buffer(link->reader, READ_BYTES);
        ssize_t length = buffer ? recv(link->socket, buffer, READ_BYTES, MSG_DONTWAIT) : 0;
        int error = errno;
        if (length < 0 && (error == EAGAIN || error == EWOULDBLOCK || error == EINTR))
                return false;
        if (length > 0) {
                link->heard = link->now;
                link->asked = false;
                link->figures.received_bytes += (size_t) length;
                reader_parse(link->reader, (size_t) length);
        }
        take_events(link);
        if (!link->reader)
                return false;
        if (length < 0)
                fail_broken(link, error);
        else if (length == 0)
                fail_saying(link, FAILURE_UNAVAILABLE, "the server closed the connection");
        return length == READ_BYTES;
}

/* Connecting */

static void open_stream(Link *link) {
        _cleanup_(text_builder_release) TextBuilder header = text_builder(0);
        text_add(&header, TEXT("<?xml version='1.0'?><stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS
                               "' to='"));
        text_add_xml(&header, link->settings.domain);
        text_add(&header, TEXT("'>"));
        link->reader = reader_new(READER_LIMITS);
        outbox_add(&link->outbox, text_built(&header));
        link->state = LINK_OPENING;
        link->deadline = link->now + link->settings.answer_us;
}

static void start_attempt(Link *link) {
        struct epoll_event event = { .events = EPOLLIN };
        Failure failure;
        if (!dial_start(link->settings.endpoint, &link->dial, &failure)) {
                fail(link, &failure);
                return;
        }
        epoll_ctl(link->poll, EPOLL_CTL_ADD, dial_descriptor(link->dial), &event);
        link->state = LINK_DIALING;
        link->deadline = link->now + link->settings.answer_us;
}

static void go_on_dialing(Link *link) {
        Failure failure;
        switch (dial_result(link->dial, &link->socket, &failure)) {
        case DIAL_GOING_ON:
                break;
        case DIAL_CONNECTED:
                dial_free(link->dial); /* epoll forgets it */
                link->dial = NULL;
                open_stream(link);
                break;
        case DIAL_FAILED:
                fail(link, &failure);
                break;
        }
}

/* Time */

static void act_on_deadline(Link *link) {
        static const char *const silences[] = {
                [LINK_OPENING] =
                        "what answers there says nothing: is this the port of the server's component listener?",
                [LINK_AUTHENTICATING] = "the server does not answer the handshake",
                [LINK_ONLINE] = "the server is silent, also when asked: it takes nothing from us, or is gone",
                [LINK_CLOSING] = "the server did not close the stream after us",
        };
        if (link->state == LINK_WAITING) {
                start_attempt(link);
        } else if (link->state == LINK_ONLINE && !link->asked) {
                int64_t due = link->heard + link->settings.idle_us;
                link->asked = link->now >= due;
                link->deadline = due;
                if (link->asked) {
                        send_ping(link, 0, false);
                        link->deadline = link->now + link->settings.idle_us;
                }
        } else if (link->state != LINK_CLOSED) {
                fail_saying(link, FAILURE_TIMED_OUT, link->dial ? dial_waits_for(link->dial) : silences[link->state]);
        }
}

void link_handle(Link *link, int64_t now_us) {
        link->now = now_us;
        if (now_us >= link->deadline)
                act_on_deadline(link);
        if (link->state == LINK_DIALING)
                go_on_dialing(link);
        for (int i = 0; i < READS_A_TURN && link->reader && read_once(link); i++)
                ;
        link_flush(link);
}

int64_t link_deadline(const Link *link) {
        return link->first ? 0 : link->deadline; /* events may come from sending, too */
}

int link_descriptor(const Link *link) {
        return link->poll;
}

Text link_domain(const Link *link) {
        return link->settings.domain;
}

bool link_is_up(const Link *link) {
        return link->state == LINK_ONLINE;
}

bool link_is_congested(const Link *link) {
        return link->congested;
}

LinkFigures link_figures(const Link *link) {
        LinkFigures figures = link->figures;
        figures.queued_bytes = link->outbox.queued;
        return figures;
}

void link_open(Link *link) {
        if (link->state != LINK_CLOSED)
                return;
        link->state = LINK_WAITING;
        link->attempts = 0;
        link->deadline = 0;
}

void link_close(Link *link, int64_t now_us) {
        link->now = now_us;
        if (link->state == LINK_CLOSED || link->state == LINK_CLOSING)
                return;
        if (link->state != LINK_ONLINE) {
                stop(link, false, NULL);
                return;
        }
        outbox_add(&link->outbox, TEXT("</stream:stream>"));
        link->state = LINK_CLOSING;
        link->deadline = now_us + link->settings.answer_us;
        link_flush(link);
}

void link_drop(Link *link) {
        Failure failure;
        if (link->state == LINK_CLOSED)
                return;
        failure_set(&failure, FAILURE_CANCELLED, "%s: the stream was ended from here", link->endpoint);
        stop(link, false, &failure);
}

void link_free(Link *link) {
        LinkEvent event;
        close_stream(link);
        while (link_next(link, &event))
                if (event.arena)
                        arena_free(event.arena);
        outbox_release(&link->outbox);
        close(link->poll);
        crypto_wipe(link->secret, strlen(link->secret));
        free(link->endpoint);
        free(link->domain);
        free(link->secret);
        free(link);
}
