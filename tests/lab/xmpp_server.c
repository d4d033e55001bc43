#include "tests/lab/xmpp_server.h"

#include "base/crypto.h"
#include "component/resolve.h"
#include "xmpp/namespaces.h"
#include "xmpp/writer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)

static void die(const char *what, const char *why) {
        fprintf(stderr, "xmpp server: %s: %s\n", what, why);
        abort();
}

static void watch(const XmppServer *server, int operation, int descriptor, uint32_t events, void *owner) {
        struct epoll_event event = { .events = events, .data.ptr = owner };
        if (epoll_ctl(server->poll, operation, descriptor, &event) < 0)
                die("epoll_ctl", strerror(errno));
}

/* Port 0 became a real one. */
static char *name_endpoint(int listener, const char *endpoint) {
        struct sockaddr_storage bound;
        socklen_t length = sizeof(bound);
        char host[INET6_ADDRSTRLEN] = "", name[INET6_ADDRSTRLEN + 16];
        getsockname(listener, (struct sockaddr *) &bound, &length);
        if (bound.ss_family == AF_INET) {
                const struct sockaddr_in *address = (const struct sockaddr_in *) &bound;
                inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
                snprintf(name, sizeof(name), "%s:%d", host, ntohs(address->sin_port));
        } else if (bound.ss_family == AF_INET6) {
                const struct sockaddr_in6 *address = (const struct sockaddr_in6 *) &bound;
                inet_ntop(AF_INET6, &address->sin6_addr, host, sizeof(host));
                snprintf(name, sizeof(name), "[%s]:%d", host, ntohs(address->sin6_port));
        } else {
                return memory_string(endpoint);
        }
        return memory_string(name);
}

/* resolve.h refuses port 0, which only a listener can mean. */
static void find_address(const char *endpoint, Address *ret_address) {
        Address addresses[RESOLUTION_ADDRESSES];
        _cleanup_(resolution_freep) Resolution *resolution = NULL;
        char named[512];
        size_t count, length = strlen(endpoint);
        Failure failure;
        bool any_port = length > 2 && strcmp(endpoint + length - 2, ":0") == 0;
        snprintf(named, sizeof(named), "%.*s%s", (int) (any_port ? length - 1 : length), endpoint, any_port ? "1" : "");
        if (!resolution_start(text_of(named), &resolution, &failure) ||
            !resolution_result(resolution, addresses, &count, &failure))
                die(endpoint, failure.text);
        *ret_address = addresses[0];
        if (any_port && ret_address->storage.ss_family == AF_INET)
                ((struct sockaddr_in *) &ret_address->storage)->sin_port = 0;
        else if (any_port && ret_address->storage.ss_family == AF_INET6)
                ((struct sockaddr_in6 *) &ret_address->storage)->sin6_port = 0;
}

static XmppServer *make_server(const char *secret) {
        XmppServer *server = memory_new(sizeof(XmppServer));
        server->secret = memory_string(secret);
        server->poll = epoll_create1(EPOLL_CLOEXEC);
        server->socket = -1;
        return server;
}

XmppServer *xmpp_server_new(const char *endpoint, const char *secret) {
        XmppServer *server = make_server(secret);
        Address address;
        find_address(endpoint, &address);
        server->socket = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
        if (bind(server->socket, (struct sockaddr *) &address.storage, address.length) < 0 ||
            listen(server->socket, 16) < 0)
                die(endpoint, strerror(errno));
        server->endpoint = name_endpoint(server->socket, endpoint);
        watch(server, EPOLL_CTL_ADD, server->socket, EPOLLIN, NULL);
        return server;
}

void xmpp_secret_read(const char *file, char *ret_secret, size_t size) {
        FILE *stream = fopen(file, "r");
        if (!stream || !fgets(ret_secret, (int) size, stream))
                die(file, strerror(errno));
        fclose(stream);
        ret_secret[strcspn(ret_secret, "\r\n")] = '\0';
}

int xmpp_server_descriptor(const XmppServer *server) {
        return server->poll;
}

static void free_peer(XmppPeer *peer) {
        XmppPeer **link = &peer->server->peers;
        while (*link != peer)
                link = &(*link)->next;
        *link = peer->next;
        close(peer->socket);
        reader_free(peer->reader);
        outbox_release(&peer->outbox);
        free(peer->domain);
        free(peer);
}

void xmpp_peer_send(XmppPeer *peer, Text bytes) {
        outbox_add(&peer->outbox, bytes);
}

static void send_string(XmppPeer *peer, const char *string) {
        xmpp_peer_send(peer, text_of(string));
}

void xmpp_peer_flush(XmppPeer *peer) {
        size_t sent;
        if (!outbox_flush(&peer->outbox, peer->socket, &sent))
                outbox_clear(&peer->outbox); /* reading will see the end */
        uint32_t interest = (peer->server->is_deaf ? 0 : EPOLLIN) | (peer->outbox.queued > 0 ? EPOLLOUT : 0);
        if (interest != peer->interest)
                watch(peer->server, EPOLL_CTL_MOD, peer->socket, interest, peer);
        peer->interest = interest;
}

void xmpp_peer_error(XmppPeer *peer, const char *condition) {
        char error[256];
        snprintf(error, sizeof(error),
                 "<stream:error><%s xmlns='" NS_STREAM_ERRORS "'/></stream:error></stream:stream>", condition);
        send_string(peer, error);
        peer->is_closing = true;
        peer->is_up = false;
}

void xmpp_peer_close(XmppPeer *peer) {
        send_string(peer, "</stream:stream>");
        peer->is_closing = true;
        peer->is_up = false;
}

void xmpp_peer_reset(XmppPeer *peer) {
        const struct linger at_once = { .l_onoff = 1 };
        setsockopt(peer->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        free_peer(peer);
}

static void send_header(XmppPeer *peer, const char *space, bool with_id) {
        char header[512];
        snprintf(header, sizeof(header),
                 "<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='" NS_STREAMS "' %s%s%s>", space,
                 with_id ? "id='" : "", with_id ? peer->id : "", with_id ? "'" : "");
        send_string(peer, header);
}

static void take_header(XmppPeer *peer, const Element *header) {
        peer->domain = text_keep(element_get(header, TEXT("to")));
        switch (peer->server->manner) {
        case MANNER_CLIENTS:
        case MANNER_SERVERS:
                send_header(peer, peer->server->manner == MANNER_CLIENTS ? NS_CLIENT : "jabber:server", true);
                xmpp_peer_error(peer, "invalid-namespace");
                break;
        case MANNER_HTTP:
                send_string(peer, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
                peer->is_closing = true;
                break;
        case MANNER_SILENT:
                break;
        default:
                send_header(peer, NS_COMPONENT, peer->server->manner != MANNER_WITHOUT_ID);
        }
}

static void write_handshake(TextBuilder *to, Text id, const char *secret) {
        _cleanup_(text_builder_release) TextBuilder input = text_builder(0);
        uint8_t digest[20];
        text_add(&input, id);
        text_add_string(&input, secret);
        crypto_sha1(text_built(&input), digest);
        text_add_hex(to, digest, sizeof(digest));
}

static bool handshake_is_right(const XmppPeer *peer, Text given) {
        _cleanup_(text_builder_release) TextBuilder expected = text_builder(0);
        write_handshake(&expected, text_of(peer->id), peer->server->secret);
        return text_equal(given, text_built(&expected));
}

/* The other side of the handshake. */
static void answer_header(XmppPeer *peer, const Element *header) {
        _cleanup_(text_builder_release) TextBuilder answer = text_builder(0);
        text_add_string(&answer, "<handshake>");
        write_handshake(&answer, element_get(header, TEXT("id")), peer->server->secret);
        text_add_string(&answer, "</handshake>");
        xmpp_peer_send(peer, text_built(&answer));
}

static void take_handshake(XmppPeer *peer, const Element *element) {
        XmppServer *server = peer->server;
        if (server->manner == MANNER_HANDSHAKE)
                return;
        if (server->manner == MANNER_ERROR) {
                xmpp_peer_error(peer, server->condition);
        } else if (!element_is(element, TEXT("handshake"), TEXT(NS_COMPONENT)) ||
                   !handshake_is_right(peer, element->text)) {
                server->refused++;
                xmpp_peer_error(peer, "not-authorized");
        } else {
                server->handshakes++;
                peer->is_up = true;
                send_string(peer, "<handshake/>");
        }
}

/* A ping to its own domain. */
static bool take_ping(XmppPeer *peer, const Element *element) {
        Text to = element_get(element, TEXT("to"));
        if (!text_equal(element->name, TEXT("iq")) || !element->children ||
            !element_is(element->children, TEXT("ping"), TEXT(NS_PING)) || !text_equal(to, text_of(peer->domain)))
                return false;
        peer->server->pings++;
        if (peer->server->ignores_pings)
                return true;
        _cleanup_(text_builder_release) TextBuilder answer = text_builder(0);
        text_add_format(&answer, "<iq type='%s' from='%s' to='%s' id='", peer->server->routes_pings ? "get" : "result",
                        peer->domain, peer->domain);
        text_add_xml(&answer, element_get(element, TEXT("id")));
        text_add_string(&answer, peer->server->routes_pings ? "'><ping xmlns='" NS_PING "'/></iq>" : "'/>");
        xmpp_peer_send(peer, text_built(&answer));
        return true;
}

static void take_element(XmppPeer *peer, const Element *element) {
        if (!peer->is_up && peer->server->joined) {
                peer->is_up = element_is(element, TEXT("handshake"), TEXT(NS_COMPONENT));
                if (!peer->is_up)
                        die(peer->domain, "the server does not take the handshake");
        } else if (!peer->is_up) {
                take_handshake(peer, element);
        } else if (!take_ping(peer, element)) {
                peer->server->stanzas++;
                if (peer->server->on_stanza)
                        peer->server->on_stanza(peer->server->listener, peer, element);
        }
}

static void take_event(XmppPeer *peer, const ReaderEvent *event) {
        switch (event->kind) {
        case READER_OPENED:
                if (peer->server->joined)
                        answer_header(peer, event->element);
                else
                        take_header(peer, event->element);
                break;
        case READER_ELEMENT:
                take_element(peer, event->element);
                break;
        case READER_OVER_LIMIT:
                die("a component sent a stanza over a limit", event->limit);
                break;
        case READER_CLOSED:
                if (!peer->is_closing)
                        xmpp_peer_close(peer);
                break;
        case READER_BROKEN: /* what a real server does with one bad byte */
                xmpp_peer_error(peer, "not-well-formed");
                break;
        }
}

/* false: the peer is gone. */
static bool read_peer(XmppPeer *peer) {
        void *buffer = reader_buffer(peer->reader, READ_BYTES);
        ssize_t length = buffer ? recv(peer->socket, buffer, READ_BYTES, MSG_DONTWAIT) : 0;
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        if (length > 0)
                reader_parse(peer->reader, (size_t) length);
        for (ReaderEvent event; reader_next(peer->reader, &event);) {
                take_event(peer, &event);
                if (event.arena)
                        arena_free(event.arena);
        }
        if (length > 0)
                return true;
        free_peer(peer);
        return false;
}

static XmppPeer *make_peer(XmppServer *server, int descriptor) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        XmppPeer *peer = memory_new(sizeof(XmppPeer));
        *peer = (XmppPeer){ .server = server, .next = server->peers, .socket = descriptor };
        peer->reader = reader_new((ReaderLimits){ 4 * 1024 * 1024, 64, 1000, 64, 8 * 1024 * 1024 });
        snprintf(peer->id, sizeof(peer->id), "%016llx", (unsigned long long) crypto_random_uint64());
        server->peers = peer;
        server->connections++;
        watch(server, EPOLL_CTL_ADD, descriptor, 0, peer);
        return peer;
}

static void accept_peer(XmppServer *server) {
        int descriptor = accept4(server->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0)
                return;
        XmppPeer *peer = make_peer(server, descriptor);
        if (server->manner == MANNER_HANG_UP)
                free_peer(peer);
}

XmppServer *xmpp_server_join(const char *endpoint, const char *domain, const char *secret) {
        XmppServer *server = make_server(secret);
        char header[512];
        Address address;
        find_address(endpoint, &address);
        int descriptor = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(descriptor, (struct sockaddr *) &address.storage, address.length) < 0 ||
            fcntl(descriptor, F_SETFL, O_NONBLOCK) < 0)
                die(endpoint, strerror(errno));
        server->joined = true;
        server->endpoint = memory_string(endpoint);
        XmppPeer *peer = make_peer(server, descriptor);
        peer->domain = memory_string(domain);
        snprintf(header, sizeof(header),
                 "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS "' to='%s'>", domain);
        send_string(peer, header);
        return server;
}

/* Bytes on their way out go first; then the connection of one that is closing is shut. */
static void finish_peer(XmppPeer *peer) {
        xmpp_peer_flush(peer);
        if (peer->is_closing && peer->outbox.queued == 0)
                shutdown(peer->socket, SHUT_WR);
}

void xmpp_server_step(XmppServer *server, int64_t wait_us) {
        struct epoll_event events[16];
        for (XmppPeer *peer = server->peers; peer; peer = peer->next)
                finish_peer(peer);
        const struct timespec wait = { .tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000 };
        int count = epoll_pwait2(server->poll, events, COUNT_OF(events), &wait, NULL);
        for (int i = 0; i < count; i++) {
                XmppPeer *peer = events[i].data.ptr;
                if (!peer)
                        accept_peer(server);
                else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                        read_peer(peer);
        }
        for (XmppPeer *peer = server->peers; peer; peer = peer->next)
                finish_peer(peer);
}

XmppPeer *xmpp_server_peer(const XmppServer *server, const char *domain) {
        for (XmppPeer *peer = server->peers; peer; peer = peer->next)
                if (peer->is_up && (!domain || strcmp(peer->domain, domain) == 0))
                        return peer;
        return NULL;
}

void xmpp_server_free(XmppServer *server) {
        while (server->peers)
                free_peer(server->peers);
        if (server->socket >= 0)
                close(server->socket);
        close(server->poll);
        free(server->secret);
        free(server->endpoint);
        free(server);
}
