#include "component/terminal/chat_client.h"

#include "base/crypto.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <strophe.h>
#include <sys/socket.h>

#define STEP_MS         50
#define CONNECT_SECONDS 10
#define NS_RECEIPTS     "urn:xmpp:receipts"
#define NS_ORIGIN_ID    "urn:xmpp:sid:0"
#define NS_ERRORS       "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_AIOX         "urn:aiox:0"
#define EVENTS          64
#define BODY_LIMIT      (1024 * 1024)

typedef enum ClientState { CLIENT_CONNECTING, CLIENT_ONLINE, CLIENT_CLOSED } ClientState;

typedef struct QueuedEvent {
        ChatEvent event;
        char *text;
} QueuedEvent;

struct ChatClient {
        ChatSettings settings;
        xmpp_ctx_t *context;
        xmpp_conn_t *connection;
        ClientState state;
        Failure failure; /* why it closed */
        char sent_id[UUID_STRING_SIZE];
        char *thread;
        QueuedEvent events[EVENTS]; /* a ring; what does not fit is left to the archive */
        size_t first, count;
        char *shown; /* text of the event given out last */
};

static void push(ChatClient *client, ChatNews news, const char *text, bool last, const Failure *failure) {
        if (client->count == EVENTS)
                return;
        QueuedEvent *queued = &client->events[(client->first + client->count++) % EVENTS];
        *queued = (QueuedEvent){ .event = { .news = news, .last = last }, .text = text ? memory_string(text) : NULL };
        queued->event.text = text_of(queued->text);
        if (failure)
                queued->event.failure = *failure;
}

static bool from_agent(const ChatClient *client, const char *from) {
        size_t length = strlen(client->settings.agent);
        return from && strncmp(from, client->settings.agent, length) == 0 &&
               (from[length] == '\0' || from[length] == '/');
}

static FailureKind kind_of_condition(const char *condition) {
        if (condition && strcmp(condition, "service-unavailable") == 0)
                return FAILURE_NOT_FOUND; /* RFC 6121 §8.5.1: nobody is there */
        for (FailureKind kind = FAILURE_INVALID; kind < FAILURE_KIND_COUNT; kind++)
                if (condition && strcmp(condition, failure_form(kind)->xmpp_condition) == 0)
                        return kind;
        return FAILURE_UNAVAILABLE;
}

/* The condition and, when there is one, the sentence of an <error/> (RFC 6120 §8.3.2). */
static void read_error(xmpp_stanza_t *error, Failure *ret_failure) {
        const char *condition = NULL;
        char *text = NULL;
        for (xmpp_stanza_t *child = xmpp_stanza_get_children(error); child; child = xmpp_stanza_get_next(child)) {
                const char *name = xmpp_stanza_get_name(child), *space = xmpp_stanza_get_ns(child);
                if (!name || !space || strcmp(space, NS_ERRORS) != 0)
                        continue;
                if (strcmp(name, "text") == 0 && !text)
                        text = xmpp_stanza_get_text(child);
                else if (!condition)
                        condition = name;
        }
        failure_set(ret_failure, kind_of_condition(condition), "%s", text ? text : condition ? condition : "refused");
        free(text);
}

static xmpp_stanza_t *new_stanza(ChatClient *client, const char *name, const char *space) {
        xmpp_stanza_t *stanza = xmpp_stanza_new(client->context);
        xmpp_stanza_set_name(stanza, name);
        if (space)
                xmpp_stanza_set_ns(stanza, space);
        return stanza;
}

static void add_child(xmpp_stanza_t *parent, xmpp_stanza_t *child) {
        xmpp_stanza_add_child(parent, child);
        xmpp_stanza_release(child);
}

static void send_receipt(ChatClient *client, const char *to, const char *id) {
        xmpp_stanza_t *message = xmpp_message_new(client->context, "chat", to, NULL);
        xmpp_stanza_t *received = new_stanza(client, "received", NS_RECEIPTS);
        xmpp_stanza_set_id(received, id);
        add_child(message, received);
        xmpp_send(client->connection, message);
        xmpp_stanza_release(message);
}

static bool is_of_thread(const ChatClient *client, xmpp_stanza_t *message) {
        xmpp_stanza_t *element = xmpp_stanza_get_child_by_name(message, "thread");
        char *thread = element ? xmpp_stanza_get_text(element) : NULL;
        bool same = !client->thread || (thread && strcmp(thread, client->thread) == 0);
        free(thread);
        return same;
}

/* A draft has an id of its own, or none when it corrects one; it is not the answer. */
static bool is_draft(const char *id) {
        size_t length = id ? strlen(id) : 0;
        return length == 0 || (length > 6 && strcmp(id + length - 6, ".draft") == 0);
}

static void take_answer(ChatClient *client, xmpp_stanza_t *message, const char *from) {
        const char *id = xmpp_stanza_get_id(message);
        char *body = xmpp_message_get_body(message);
        bool asks_receipt = xmpp_stanza_get_child_by_name_and_ns(message, "request", NS_RECEIPTS) != NULL;
        if (body && !is_draft(id) && is_of_thread(client, message)) {
                Failure failure = { 0 };
                xmpp_stanza_t *error = xmpp_stanza_get_child_by_name_and_ns(message, "error", NS_AIOX);
                if (error) {
                        read_error(error, &failure);
                        failure_set(&failure, failure.kind, "%s", body);
                }
                push(client, CHAT_ANSWER, body, asks_receipt, &failure);
        }
        if (asks_receipt && id)
                send_receipt(client, from, id);
        xmpp_free(client->context, body);
}

static int on_message(xmpp_conn_t *connection, xmpp_stanza_t *message, void *user) {
        (void) connection;
        ChatClient *client = user;
        const char *from = xmpp_stanza_get_from(message), *type = xmpp_stanza_get_type(message);
        if (!from_agent(client, from))
                return 1;
        xmpp_stanza_t *received = xmpp_stanza_get_child_by_name_and_ns(message, "received", NS_RECEIPTS);
        const char *id = received ? xmpp_stanza_get_id(received) : NULL;
        if (type && strcmp(type, "error") == 0) {
                Failure failure;
                xmpp_stanza_t *error = xmpp_stanza_get_child_by_name(message, "error");
                const char *bounced = xmpp_stanza_get_id(message);
                if (error && bounced && strcmp(bounced, client->sent_id) == 0) {
                        read_error(error, &failure);
                        push(client, CHAT_REFUSED, NULL, true, &failure);
                }
        } else if (received) {
                if (id && strcmp(id, client->sent_id) == 0)
                        push(client, CHAT_RECEIPT, NULL, false, NULL);
        } else
                take_answer(client, message, from);
        return 1;
}

static void on_connection(xmpp_conn_t *connection, xmpp_conn_event_t event, int error,
                          xmpp_stream_error_t *stream_error, void *user) {
        ChatClient *client = user;
        if (event == XMPP_CONN_CONNECT) {
                xmpp_handler_add(connection, on_message, NULL, "message", NULL, client);
                xmpp_stanza_t *presence = xmpp_presence_new(client->context);
                xmpp_send(connection, presence);
                xmpp_stanza_release(presence);
                client->state = CLIENT_ONLINE;
                return;
        }
        if (client->state == CLIENT_ONLINE)
                failure_set(&client->failure, FAILURE_UNAVAILABLE, "the connection ended%s%s",
                            stream_error && stream_error->text ? ": " : "",
                            stream_error && stream_error->text ? stream_error->text : "");
        else if (error != 0)
                failure_set(&client->failure, FAILURE_UNAVAILABLE, "cannot connect: %s", strerror(error));
        else
                failure_set(
                        &client->failure, FAILURE_UNAUTHENTICATED,
                        "the server refused the log-in of %s: check account and password, and that it offers TLS and "
                        "SCRAM",
                        client->settings.account);
        client->state = CLIENT_CLOSED;
        push(client, CHAT_CLOSED, NULL, true, &client->failure);
}

static bool is_loopback(const char *host) {
        return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0 ||
               strcmp(host, "localhost") == 0;
}

/* Splits "HOST:PORT"; false when it is something else. */
static bool split_server(const char *server, char host[static 256], unsigned short *ret_port) {
        const char *colon = strrchr(server, ':');
        int64_t port;
        if (!colon || colon == server || (size_t) (colon - server) >= 256 ||
            !text_to_int64(text_of(colon + 1), &port) || port < 1 || port > 65535)
                return false;
        bool bracketed = server[0] == '[' && colon[-1] == ']';
        snprintf(host, 256, "%.*s", (int) (colon - server) - 2 * bracketed, server + bracketed);
        *ret_port = (unsigned short) port;
        return true;
}

/* This machine needs no TLS and may have a certificate of its own; everybody else proves who they are. */
static long flags_of(const ChatSettings *settings, const char *host) {
        long flags = (long) XMPP_CONN_FLAG_DISABLE_SM;
        if (is_loopback(host))
                return flags | (long) XMPP_CONN_FLAG_TRUST_TLS;
        return settings->allow_plaintext ? flags : flags | (long) XMPP_CONN_FLAG_MANDATORY_TLS;
}

/* libstrophe does not say why it could not connect: so this does. */
static bool can_connect(const char *host, unsigned short port, Failure *reterr_failure) {
        char service[8];
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
        struct addrinfo *found = NULL;
        snprintf(service, sizeof(service), "%u", port);
        int unknown = getaddrinfo(host, service, &hints, &found), error = ETIMEDOUT;
        if (unknown != 0)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "%s: %s", host, gai_strerror(unknown));
        for (struct addrinfo *each = found; each && error != 0; each = each->ai_next) {
                _cleanup_(close_fdp) int descriptor = socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
                if (descriptor < 0) {
                        error = errno;
                        continue;
                }
                setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ .tv_sec = CONNECT_SECONDS },
                           sizeof(struct timeval));
                error = connect(descriptor, each->ai_addr, each->ai_addrlen) == 0 ? 0 : errno;
        }
        freeaddrinfo(found);
        return error == 0 || failure_set(reterr_failure, FAILURE_UNAVAILABLE, "cannot connect to %s port %u: %s", host,
                                         port, strerror(error));
}

static bool start(ChatClient *client, Failure *reterr_failure) {
        const ChatSettings *settings = &client->settings;
        const char *domain = strchr(settings->account, '@');
        char host[256];
        unsigned short port = 0;
        snprintf(host, sizeof(host), "%s", domain ? domain + 1 : "");
        if (settings->server && !split_server(settings->server, host, &port))
                return failure_set(reterr_failure, FAILURE_INVALID, "--server must be HOST:PORT");
        if (settings->server && !can_connect(host, port, reterr_failure))
                return false;
        xmpp_conn_set_jid(client->connection, settings->account);
        xmpp_conn_set_pass(client->connection, settings->password);
        xmpp_conn_set_capath(client->connection, "/etc/ssl/certs");
        if (xmpp_conn_set_flags(client->connection, flags_of(settings, host)) != XMPP_EOK ||
            xmpp_connect_client(client->connection, settings->server ? host : NULL, port, on_connection, client) !=
                    XMPP_EOK)
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "cannot connect to %s",
                                   settings->server ? settings->server : host);
        return true;
}

bool chat_connect(const ChatSettings *settings, int64_t deadline_us, ChatClient **ret_client, Failure *reterr_failure) {
        _cleanup_(chat_closep) ChatClient *client = memory_new(sizeof(*client));
        client->settings = *settings;
        xmpp_initialize();
        client->context = xmpp_ctx_new(NULL, NULL);
        client->connection = client->context ? xmpp_conn_new(client->context) : NULL;
        if (!client->connection)
                abort();
        if (!start(client, reterr_failure))
                return false;
        while (client->state == CLIENT_CONNECTING && clock_now().monotonic_us < deadline_us)
                xmpp_run_once(client->context, STEP_MS);
        if (client->state == CLIENT_CONNECTING)
                return failure_set(reterr_failure, FAILURE_TIMED_OUT, "the server did not complete the log-in in time");
        if (client->state == CLIENT_CLOSED) {
                *reterr_failure = client->failure;
                return false;
        }
        *ret_client = client;
        client = NULL;
        return true;
}

static void make_id(char ret_id[static UUID_STRING_SIZE]) {
        static UuidGenerator generator;
        uuid_format(uuid_make(&generator, clock_now().wall_us), ret_id);
}

static void add_text_child(ChatClient *client, xmpp_stanza_t *message, const char *name, const char *content) {
        xmpp_stanza_t *element = new_stanza(client, name, NULL), *text = xmpp_stanza_new(client->context);
        xmpp_stanza_set_text(text, content);
        add_child(element, text);
        add_child(message, element);
}

void chat_send(ChatClient *client, const char *body, const char *thread) {
        make_id(client->sent_id);
        free(client->thread);
        client->thread = thread ? memory_string(thread) : NULL;
        xmpp_stanza_t *message = xmpp_message_new(client->context, "chat", client->settings.agent, client->sent_id);
        xmpp_message_set_body(message, body);
        if (thread)
                add_text_child(client, message, "thread", thread);
        xmpp_stanza_t *origin = new_stanza(client, "origin-id", NS_ORIGIN_ID);
        xmpp_stanza_set_id(origin, client->sent_id);
        add_child(message, origin);
        add_child(message, new_stanza(client, "request", NS_RECEIPTS));
        xmpp_send(client->connection, message);
        xmpp_stanza_release(message);
}

void chat_wait(ChatClient *client, int64_t wait_us, ChatEvent *ret_event) {
        int64_t until_us = clock_now().monotonic_us + wait_us;
        *ret_event = (ChatEvent){ .news = CHAT_NOTHING };
        while (client->count == 0 && client->state == CLIENT_ONLINE && clock_now().monotonic_us < until_us)
                xmpp_run_once(client->context, STEP_MS);
        if (client->count == 0 && client->state == CLIENT_CLOSED)
                *ret_event = (ChatEvent){ .news = CHAT_CLOSED, .failure = client->failure };
        if (client->count == 0)
                return;
        QueuedEvent *queued = &client->events[client->first];
        client->first = (client->first + 1) % EVENTS;
        client->count--;
        free(client->shown);
        client->shown = queued->text;
        *ret_event = queued->event;
}

/* In good order: what was sent is flushed and the server ends the stream. */
void chat_close(ChatClient *client) {
        if (!client)
                return;
        if (client->state == CLIENT_ONLINE) {
                xmpp_disconnect(client->connection);
                int64_t until_us = clock_now().monotonic_us + SECONDS;
                while (client->state == CLIENT_ONLINE && clock_now().monotonic_us < until_us)
                        xmpp_run_once(client->context, STEP_MS);
        }
        if (client->connection)
                xmpp_conn_release(client->connection);
        if (client->context)
                xmpp_ctx_free(client->context);
        xmpp_shutdown();
        for (; client->count > 0; client->count--, client->first = (client->first + 1) % EVENTS)
                free(client->events[client->first].text);
        free(client->shown);
        free(client->thread);
        free(client);
}
