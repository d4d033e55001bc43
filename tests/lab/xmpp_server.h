/* A scripted XMPP server: the server's side of XEP-0114 over TCP or a Unix socket, for tests and benches. It takes
 * components, answers their pings, hands over what they send, and misbehaves when it is told to. It can also be a
 * component of another server, and then speaks to that server's other components through it. It reads with our own
 * reader, so it is no judge of well-formedness: the tests through a real server are.
 *
 * One thread, non-blocking: the owner watches xmpp_server_descriptor() and calls xmpp_server_step(). Fields may be
 * changed between two steps.
 */
#pragma once

#include "component/outbox.h"
#include "xmpp/reader.h"

/* How a new connection is received. */
typedef enum XmppManner {
        MANNER_COMPONENT,  /* as a component listener does */
        MANNER_SILENT,     /* accepts, and says nothing */
        MANNER_HANDSHAKE,  /* leaves the handshake unanswered */
        MANNER_CLIENTS,    /* as the port for clients does: a stream of another namespace, and an error */
        MANNER_SERVERS,    /* the same for servers */
        MANNER_HTTP,       /* as a web server does */
        MANNER_WITHOUT_ID, /* a stream header without id */
        MANNER_HANG_UP,    /* closes at once */
        MANNER_ERROR,      /* the stream error `condition` instead of taking the handshake */
} XmppManner;

typedef struct XmppServer XmppServer;
typedef struct XmppPeer XmppPeer;

struct XmppServer {
        XmppManner manner;
        const char *condition; /* MANNER_ERROR */
        char *secret;
        bool ignores_pings; /* pings to the component's own domain are answered otherwise */
        bool routes_pings;  /* … not by an answer but, as ejabberd does, by sending the ping back */
        bool is_deaf;       /* reads nothing */
        void (*on_stanza)(void *listener, XmppPeer *peer, const Element *stanza); /* pings excepted */
        void *listener;
        bool joined; /* the only peer is a server */
        XmppPeer *peers;
        char *endpoint; /* with the port that was chosen */
        uint64_t connections, handshakes, refused, pings, stanzas;
        int poll, socket;
};

/* A connection. */
struct XmppPeer {
        XmppServer *server;
        XmppPeer *next;
        int socket;
        Reader *reader;
        Outbox outbox;
        uint32_t interest; /* epoll's */
        bool is_up, is_closing;
        char *domain; /* once its header came; ours, when the peer is a server */
        char id[17];
};

/* endpoint as in component/resolve.h; port 0 takes a free one. Aborts when it cannot listen. */
XmppServer *xmpp_server_new(const char *endpoint, const char *secret);
/* Listens to nobody: is the component `domain` of the server at that endpoint. Aborts when it cannot connect. */
XmppServer *xmpp_server_join(const char *endpoint, const char *domain, const char *secret);
int xmpp_server_descriptor(const XmppServer *server);
/* Does what there is to do, waiting for it at most wait_us. */
void xmpp_server_step(XmppServer *server, int64_t wait_us);
/* The component of that domain that has shaken hands (the first one, with NULL), or NULL. */
XmppPeer *xmpp_server_peer(const XmppServer *server, const char *domain);
void xmpp_server_free(XmppServer *server);
DEFINE_RELEASE(XmppServer *, xmpp_server_free)

/* The first line of a file. Aborts when it cannot be read. */
void xmpp_secret_read(const char *file, char *ret_secret, size_t size);

/* As it is; sent by the next step. */
void xmpp_peer_send(XmppPeer *peer, Text bytes);
void xmpp_peer_flush(XmppPeer *peer);
/* Ends the stream: with an error, in good order, or by resetting the connection (not from on_stanza). */
void xmpp_peer_error(XmppPeer *peer, const char *condition);
void xmpp_peer_close(XmppPeer *peer);
void xmpp_peer_reset(XmppPeer *peer);
