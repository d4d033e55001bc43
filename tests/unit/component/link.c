#include "tests/unit/unit.h"

#include "base/crypto.h"
#include "component/link.h"
#include "tests/lab/xmpp_server.h"
#include "xmpp/namespaces.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define DOMAIN   "agents.localhost"
#define SECRET   "a secret of the component"
#define PATIENCE (10 * SECONDS)

/* A link and its server in one thread, with a clock that a test may push ahead. */
typedef struct Stage {
        XmppServer *server;
        Link *link;
        int64_t ahead_us;
        LinkEvent event; /* the last one that next() returned */
} Stage;

static int64_t now_of(const Stage *stage) {
        return clock_now().monotonic_us + stage->ahead_us;
}

static Link *new_link(const char *endpoint, const char *domain, const char *secret) {
        const LinkSettings settings = { .endpoint = text_of(endpoint),
                                        .domain = text_of(domain),
                                        .secret = text_of(secret),
                                        .queue_bytes = (size_t) 4 * 1024 * 1024 };
        Link *link = NULL;
        Failure failure;
        ck_assert_done(link_new(&settings, &link, &failure), failure);
        return link;
}

/* One turn of both loops; waits a moment when neither has anything to do. */
static void turn(Stage *stage) {
        struct pollfd both[] = { { .fd = link_descriptor(stage->link), .events = POLLIN },
                                 { .fd = stage->server ? xmpp_server_descriptor(stage->server) : -1,
                                   .events = POLLIN } };
        if (stage->server)
                xmpp_server_step(stage->server, 0);
        poll(both, 2, link_deadline(stage->link) <= now_of(stage) ? 0 : 5);
        link_handle(stage->link, now_of(stage));
        if (stage->server)
                xmpp_server_step(stage->server, 0);
}

/* The next event of the link, which must be of that kind. */
static LinkEvent *next(Stage *stage, LinkEventKind kind) {
        int64_t deadline = clock_now().monotonic_us + PATIENCE;
        while (!link_next(stage->link, &stage->event)) {
                ck_assert_msg(clock_now().monotonic_us < deadline, "no event %d in time", kind);
                turn(stage);
        }
        ck_assert_msg(stage->event.kind == kind, "event %d instead of %d: %s", stage->event.kind, kind,
                      stage->event.failure.text);
        return &stage->event;
}

static Stage connecting(const char *endpoint, const char *secret) {
        Stage stage = { .server = xmpp_server_new(endpoint, SECRET) };
        ck_assert(crypto_start(NULL));
        stage.link = new_link(stage.server->endpoint, DOMAIN, secret);
        link_open(stage.link);
        return stage;
}

static Stage connected(void) {
        Stage stage = connecting("127.0.0.1:0", SECRET);
        next(&stage, LINK_UP);
        return stage;
}

static void end(Stage *stage) {
        link_free(stage->link);
        if (stage->server)
                xmpp_server_free(stage->server);
}

static void send_from_server(Stage *stage, const char *bytes) {
        XmppPeer *peer = xmpp_server_peer(stage->server, NULL);
        ck_assert_ptr_nonnull(peer);
        xmpp_peer_send(peer, text_of(bytes));
}

#define HELLO(id)                                                                                                      \
        "<message from='ann@home.example/phone' to='guide@" DOMAIN "' id='" id "'><body>Hello</body></message>"

static void expect_stanza(Stage *stage, const char *id) {
        LinkEvent *event = next(stage, LINK_STANZA);
        ck_assert_text(event->stanza->id, text_of(id));
        arena_free(event->arena);
}

static bool send_message(Stage *stage, const char *from, Text body, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        OutgoingList list = { NULL };
        Element *message = outgoing_add(&list, arena, STANZA_MESSAGE, TYPE_CHAT, TEXT("1"), text_of(from),
                                        TEXT("ann@home.example"));
        element_add_text(message, TEXT("body"), TEXT_NONE, body);
        return link_send(stage->link, list.first, reterr_failure);
}

/* Remembers what the component sent. */
static void remember(void *listener, XmppPeer *peer, const Element *stanza) {
        (void) peer;
        TextBuilder *heard = listener;
        text_add_format(heard, "%.*s from %.*s: %.*s\n", TEXT_ARGUMENTS(stanza->name),
                        TEXT_ARGUMENTS(element_get(stanza, TEXT("from"))),
                        TEXT_ARGUMENTS(stanza->children ? text_prefix(stanza->children->text, 40) : TEXT_NONE));
}

/* Connecting */

START_TEST(a_link_comes_up_and_carries_stanzas_both_ways) {
        Stage stage = connected();
        _cleanup_(text_builder_release) TextBuilder heard = text_builder(0);
        Failure failure;
        stage.server->on_stanza = remember;
        stage.server->listener = &heard;
        ck_assert(link_is_up(stage.link));
        send_from_server(&stage, HELLO("1") HELLO("2"));
        expect_stanza(&stage, "1");
        expect_stanza(&stage, "2");
        ck_assert_done(send_message(&stage, "guide@" DOMAIN "/aiox", TEXT("Hi \x1b there"), &failure), failure);
        ck_assert(link_ping(stage.link, 7));
        ck_assert_uint_eq(next(&stage, LINK_PONG)->token, 7);
        ck_assert_text(text_built(&heard), TEXT("message from guide@" DOMAIN "/aiox: Hi  there\n"));
        LinkFigures figures = link_figures(stage.link);
        ck_assert_uint_eq(figures.sent, 2);
        ck_assert_uint_eq(figures.connections, 1);
        ck_assert_uint_eq(figures.queued_bytes, 0);
        end(&stage);
}
END_TEST

START_TEST(a_unix_socket_serves_as_well) {
        char path[] = "/tmp/aiox-link-XXXXXX", endpoint[64];
        ck_assert_ptr_nonnull(mkdtemp(path));
        snprintf(endpoint, sizeof(endpoint), "unix:%s/server", path);
        Stage stage = connecting(endpoint, SECRET);
        next(&stage, LINK_UP);
        send_from_server(&stage, HELLO("1"));
        expect_stanza(&stage, "1");
        end(&stage);
        unlink(endpoint + strlen("unix:"));
        rmdir(path);
}
END_TEST

START_TEST(a_name_is_looked_up_elsewhere) {
        Stage stage = { .server = xmpp_server_new("127.0.0.1:0", SECRET) };
        char endpoint[64];
        snprintf(endpoint, sizeof(endpoint), "localhost%s", strchr(stage.server->endpoint, ':'));
        stage.link = new_link(endpoint, DOMAIN, SECRET);
        link_open(stage.link);
        next(&stage, LINK_UP);
        end(&stage);
}
END_TEST

START_TEST(several_domains_are_several_links) {
        static const char *const domains[] = { "one.localhost", "two.localhost", "three.localhost" };
        XmppServer *server = xmpp_server_new("127.0.0.1:0", SECRET);
        Stage stages[COUNT_OF(domains)];
        for (size_t i = 0; i < COUNT_OF(domains); i++) {
                stages[i] = (Stage){ .server = server, .link = new_link(server->endpoint, domains[i], SECRET) };
                link_open(stages[i].link);
        }
        for (size_t i = 0; i < COUNT_OF(domains); i++)
                next(&stages[i], LINK_UP);
        for (size_t i = 0; i < COUNT_OF(domains); i++) {
                char stanza[200];
                snprintf(stanza, sizeof(stanza), "<message from='ann@home.example' to='guide@%s' id='%zu'/>",
                         domains[i], i);
                xmpp_peer_send(xmpp_server_peer(server, domains[i]), text_of(stanza));
                LinkEvent *event = next(&stages[i], LINK_STANZA);
                ck_assert_text(event->stanza->to.domain, text_of(domains[i]));
                arena_free(event->arena);
        }
        for (size_t i = 0; i < COUNT_OF(domains); i++)
                link_free(stages[i].link);
        xmpp_server_free(server);
}
END_TEST

/* Each usual mistake has its sentence. */

static const struct {
        XmppManner manner;
        const char *condition;
        const char *secret;
        FailureKind kind;
        const char *sentence; /* parts of it, separated by '|' */
} mistakes[] = {
        { MANNER_COMPONENT, NULL, "another", FAILURE_UNAUTHENTICATED, "refuses the secret|component_secret_file" },
        { MANNER_ERROR, "host-unknown", SECRET, FAILURE_NOT_FOUND, "does not serve this domain|5347" },
        { MANNER_ERROR, "conflict", SECRET, FAILURE_CONFLICT, "is taken|another component" },
        { MANNER_ERROR, "system-shutdown", SECRET, FAILURE_UNAVAILABLE, "shutting down" },
        { MANNER_ERROR, "unheard-of", SECRET, FAILURE_UNAVAILABLE, "unheard-of" },
        { MANNER_CLIENTS, NULL, SECRET, FAILURE_INVALID, "port for clients|5347" },
        { MANNER_SERVERS, NULL, SECRET, FAILURE_INVALID, "port for servers|5347" },
        { MANNER_HTTP, NULL, SECRET, FAILURE_INVALID, "not well-formed" },
        { MANNER_WITHOUT_ID, NULL, SECRET, FAILURE_INVALID, "no id" },
        { MANNER_HANG_UP, NULL, SECRET, FAILURE_UNAVAILABLE, "closed|broke" },
};

static bool has_a_part(const char *sentence, const char *parts) {
        Text rest = text_of(parts), part;
        while (text_split(&rest, '|', &part))
                if (memmem(sentence, strlen(sentence), part.bytes, part.length))
                        return true;
        return false;
}

START_TEST(each_usual_mistake_is_named) {
        for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
                Stage stage = connecting("127.0.0.1:0", mistakes[i].secret);
                stage.server->manner = mistakes[i].manner;
                stage.server->condition = mistakes[i].condition;
                LinkEvent *event = next(&stage, LINK_DOWN);
                ck_assert_msg(has_a_part(event->failure.text, mistakes[i].sentence), "row %zu: %s", i,
                              event->failure.text);
                ck_assert_msg(strstr(event->failure.text, stage.server->endpoint), "%s", event->failure.text);
                ck_assert_int_eq(event->failure.kind, mistakes[i].kind);
                ck_assert(!event->was_up && !event->by_us);
                ck_assert_int_gt(event->retry_in_us, 0);
                ck_assert_msg(strlen(event->failure.text) < FAILURE_TEXT_LIMIT - 10, "row %zu is cut", i);
                end(&stage);
        }
}
END_TEST

static void expect_down(const char *endpoint, const char *sentence) {
        Stage stage = { .link = new_link(endpoint, DOMAIN, SECRET) };
        link_open(stage.link);
        LinkEvent *event = next(&stage, LINK_DOWN);
        ck_assert_msg(strstr(event->failure.text, sentence), "%s", event->failure.text);
        ck_assert_int_eq(event->failure.kind, FAILURE_UNAVAILABLE);
        end(&stage);
}

START_TEST(an_endpoint_without_server_is_named) {
        XmppServer *server = xmpp_server_new("127.0.0.1:0", SECRET);
        char *endpoint = memory_string(server->endpoint);
        xmpp_server_free(server);
        expect_down(endpoint, "is the server running");
        expect_down("unix:/nonexistent/socket", "is the server running");
        expect_down("name.invalid:5347", "cannot be resolved");
        free(endpoint);
}
END_TEST

START_TEST(what_is_no_endpoint_is_refused) {
        static const char *const bad[] = { "", "host", "host:", ":5347", "host:0", "host:65536", "host:x", "unix:" };
        for (size_t i = 0; i < COUNT_OF(bad); i++) {
                const LinkSettings settings = { .endpoint = text_of(bad[i]), .domain = TEXT(DOMAIN) };
                Link *link = NULL;
                Failure failure;
                ck_assert_msg(!link_new(&settings, &link, &failure), "%s", bad[i]);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        }
}
END_TEST

/* Silence of each kind, with a clock that runs ahead. */
START_TEST(silence_while_connecting_ends_the_attempt) {
        static const struct {
                XmppManner manner;
                const char *sentence;
        } silences[] = { { MANNER_SILENT, "says nothing" }, { MANNER_HANDSHAKE, "does not answer the handshake" } };
        for (size_t i = 0; i < COUNT_OF(silences); i++) {
                Stage stage = connecting("127.0.0.1:0", SECRET);
                stage.server->manner = silences[i].manner;
                int64_t deadline = clock_now().monotonic_us + PATIENCE;
                while (!stage.server->peers || !stage.server->peers->domain) {
                        ck_assert(clock_now().monotonic_us < deadline);
                        turn(&stage);
                }
                for (int turns = 0; turns < 10; turns++)
                        turn(&stage);
                stage.ahead_us = 16 * SECONDS;
                LinkEvent *event = next(&stage, LINK_DOWN);
                ck_assert_msg(strstr(event->failure.text, silences[i].sentence), "%s", event->failure.text);
                end(&stage);
        }
}
END_TEST

/* The stream's end */

START_TEST(a_broken_stream_comes_back_and_forgets_its_pings) {
        Stage stage = connected();
        Failure failure;
        ck_assert(link_ping(stage.link, 1));
        xmpp_peer_reset(xmpp_server_peer(stage.server, NULL));
        LinkEvent *event = next(&stage, LINK_DOWN);
        ck_assert(event->was_up && !event->by_us);
        ck_assert(!link_is_up(stage.link) && !link_ping(stage.link, 2));
        ck_assert(!send_message(&stage, "guide@" DOMAIN, TEXT("x"), &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        next(&stage, LINK_UP);
        ck_assert(link_ping(stage.link, 3));
        ck_assert_uint_eq(next(&stage, LINK_PONG)->token, 3);
        end(&stage);
}
END_TEST

START_TEST(stanzas_before_the_end_are_still_delivered) {
        Stage stage = connected();
        send_from_server(&stage, HELLO("1") HELLO("2"));
        xmpp_peer_error(xmpp_server_peer(stage.server, NULL), "system-shutdown");
        expect_stanza(&stage, "1");
        expect_stanza(&stage, "2");
        ck_assert_ptr_nonnull(strstr(next(&stage, LINK_DOWN)->failure.text, "shutting down"));
        next(&stage, LINK_UP);
        end(&stage);
}
END_TEST

START_TEST(what_is_not_well_formed_reconnects) {
        Stage stage = connected();
        send_from_server(&stage, "<message from='ann@home.example'><body>\x01</body></message>");
        ck_assert_ptr_nonnull(strstr(next(&stage, LINK_DOWN)->failure.text, "not well-formed"));
        next(&stage, LINK_UP);
        end(&stage);
}
END_TEST

START_TEST(attempts_wait_longer_each_time_up_to_a_bound) {
        Stage stage = connecting("127.0.0.1:0", "another");
        int64_t expected = 250 * MILLISECONDS;
        for (int attempt = 0; attempt < 10; attempt++) {
                int64_t retry_in_us = next(&stage, LINK_DOWN)->retry_in_us;
                ck_assert_int_ge(retry_in_us, expected / 2);
                ck_assert_int_le(retry_in_us, expected);
                ck_assert_int_ge(link_deadline(stage.link), now_of(&stage));
                stage.ahead_us += retry_in_us;
                expected = 2 * expected < 15 * SECONDS ? 2 * expected : 15 * SECONDS;
        }
        ck_assert_uint_eq(stage.server->connections, 10);
        end(&stage);
}
END_TEST

START_TEST(a_steady_stream_is_forgiven_its_end) {
        Stage stage = connecting("127.0.0.1:0", SECRET);
        stage.server->manner = MANNER_HANG_UP;
        for (int attempt = 0; attempt < 6; attempt++)
                stage.ahead_us += next(&stage, LINK_DOWN)->retry_in_us;
        stage.server->manner = MANNER_COMPONENT;
        next(&stage, LINK_UP);
        stage.ahead_us += 11 * SECONDS;
        xmpp_peer_reset(xmpp_server_peer(stage.server, NULL));
        ck_assert_int_le(next(&stage, LINK_DOWN)->retry_in_us, 250 * MILLISECONDS);
        end(&stage);
}
END_TEST

START_TEST(a_silent_peer_is_asked_and_then_given_up) {
        Stage stage = connected();
        stage.server->routes_pings = true;
        stage.ahead_us += 31 * SECONDS;
        int64_t deadline = clock_now().monotonic_us + PATIENCE;
        while (stage.server->pings == 0) {
                ck_assert(clock_now().monotonic_us < deadline);
                turn(&stage);
        }
        for (int turns = 0; turns < 10; turns++)
                turn(&stage);
        ck_assert(link_is_up(stage.link));
        stage.server->ignores_pings = true;
        stage.ahead_us += 31 * SECONDS;
        for (int turns = 0; turns < 10; turns++)
                turn(&stage);
        stage.ahead_us += 31 * SECONDS;
        ck_assert_ptr_nonnull(strstr(next(&stage, LINK_DOWN)->failure.text, "silent"));
        end(&stage);
}
END_TEST

START_TEST(a_peer_that_talks_is_not_asked) {
        Stage stage = connected();
        for (int i = 0; i < 10; i++) {
                stage.ahead_us += 20 * SECONDS;
                send_from_server(&stage, HELLO("1"));
                expect_stanza(&stage, "1");
        }
        ck_assert_uint_eq(stage.server->pings, 0);
        end(&stage);
}
END_TEST

START_TEST(closing_sends_what_waits_and_says_that_it_was_us) {
        Stage stage = connected();
        _cleanup_(text_builder_release) TextBuilder heard = text_builder(0);
        Failure failure;
        stage.server->on_stanza = remember;
        stage.server->listener = &heard;
        ck_assert_done(send_message(&stage, "guide@" DOMAIN, TEXT("Goodbye"), &failure), failure);
        link_close(stage.link, now_of(&stage));
        ck_assert(!send_message(&stage, "guide@" DOMAIN, TEXT("too late"), &failure));
        LinkEvent *event = next(&stage, LINK_DOWN);
        ck_assert(event->by_us && event->was_up);
        ck_assert_int_eq(event->retry_in_us, 0);
        ck_assert_text(text_built(&heard), TEXT("message from guide@" DOMAIN ": Goodbye\n"));
        ck_assert_int_eq(link_deadline(stage.link), INT64_MAX);
        link_open(stage.link);
        next(&stage, LINK_UP);
        end(&stage);
}
END_TEST

START_TEST(a_server_that_does_not_close_after_us_is_left) {
        Stage stage = connected();
        stage.server->is_deaf = true;
        xmpp_server_step(stage.server, 0);
        link_close(stage.link, now_of(&stage));
        stage.ahead_us += 16 * SECONDS;
        LinkEvent *event = next(&stage, LINK_DOWN);
        ck_assert(!event->by_us);
        ck_assert_int_eq(event->retry_in_us, 0);
        end(&stage);
}
END_TEST

START_TEST(a_dropped_link_stays_down_until_opened) {
        Stage stage = connected();
        Failure failure;
        ck_assert_done(send_message(&stage, "guide@" DOMAIN, TEXT("unsent"), &failure), failure);
        link_drop(stage.link);
        ck_assert(!next(&stage, LINK_DOWN)->by_us);
        for (int i = 0; i < 5; i++)
                turn(&stage);
        ck_assert_uint_eq(stage.server->connections, 1);
        ck_assert_uint_eq(stage.server->stanzas, 0);
        link_open(stage.link);
        next(&stage, LINK_UP);
        link_drop(stage.link);
        link_drop(stage.link);
        next(&stage, LINK_DOWN);
        ck_assert(!link_next(stage.link, &stage.event));
        end(&stage);
}
END_TEST

/* Sending and receiving */

START_TEST(pongs_come_for_answers_errors_and_routed_pings) {
        Stage stage = connected();
        for (uint64_t token = 1; token < 5; token++)
                ck_assert(link_ping(stage.link, token));
        for (uint64_t token = 1; token < 5; token++)
                ck_assert_uint_eq(next(&stage, LINK_PONG)->token, token);
        stage.server->routes_pings = true;
        ck_assert(link_ping(stage.link, 5));
        ck_assert_uint_eq(next(&stage, LINK_PONG)->token, 5);
        stage.server->ignores_pings = true;
        ck_assert(link_ping(stage.link, 6));
        ck_assert(link_ping(stage.link, 7));
        send_from_server(&stage, "<iq type='error' from='" DOMAIN "' to='" DOMAIN "' id='aiox-ping-7'/>");
        ck_assert_uint_eq(next(&stage, LINK_PONG)->token, 6);
        ck_assert_uint_eq(next(&stage, LINK_PONG)->token, 7);
        end(&stage);
}
END_TEST

START_TEST(a_forged_pong_is_an_ordinary_stanza) {
        Stage stage = connected();
        stage.server->ignores_pings = true;
        ck_assert(link_ping(stage.link, 1));
        send_from_server(&stage, "<iq type='result' from='ann@home.example' to='" DOMAIN "' id='aiox-ping-1'/>"
                                 "<iq type='result' from='guide@" DOMAIN "' to='" DOMAIN "' id='aiox-ping-1'/>");
        expect_stanza(&stage, "aiox-ping-1");
        expect_stanza(&stage, "aiox-ping-1");
        end(&stage);
}
END_TEST

START_TEST(misaddressed_stanzas_are_counted_and_dropped) {
        Stage stage = connected();
        send_from_server(&stage, "<message to='guide@" DOMAIN "'/><message from='ann@home.example'/>"
                                 "<message from='ann@home.example' to='guide@elsewhere.example'/>"
                                 "<message from='ann@home.example' to='guide@sub." DOMAIN "'/>"
                                 "<message from='@' to='guide@" DOMAIN "'/><unknown/>" HELLO("1"));
        expect_stanza(&stage, "1");
        ck_assert_uint_eq(link_figures(stage.link).misaddressed, 6);
        end(&stage);
}
END_TEST

START_TEST(a_stanza_over_a_limit_is_reported_and_the_stream_kept) {
        Stage stage = connected();
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, "<message from='ann@home.example/phone' to='guide@" DOMAIN "' id='big'>");
        for (int i = 0; i < 60000; i++)
                text_add_string(&stanza, "<a/>");
        text_add_string(&stanza, "</message>" HELLO("1"));
        send_from_server(&stage, stanza.bytes);
        LinkEvent *event = next(&stage, LINK_OVER_LIMIT);
        ck_assert_text(event->stanza->id, TEXT("big"));
        ck_assert_text(event->stanza->from.full, TEXT("ann@home.example/phone"));
        ck_assert_str_eq(event->limit, "children");
        arena_free(event->arena);
        expect_stanza(&stage, "1");
        ck_assert_uint_eq(link_figures(stage.link).over_limit, 1);
        end(&stage);
}
END_TEST

START_TEST(the_link_stamps_and_refuses) {
        Stage stage = connected();
        Failure failure;
        ck_assert(!send_message(&stage, "root@elsewhere.example", TEXT("x"), &failure));
        ck_assert_int_eq(failure.kind, FAILURE_INTERNAL);
        ck_assert(!send_message(&stage, "", TEXT("x"), &failure));
        ck_assert(link_ping(stage.link, 1));
        next(&stage, LINK_PONG);
        ck_assert_uint_eq(stage.server->stanzas, 0);
        end(&stage);
}
END_TEST

START_TEST(congestion_is_reported_and_relieved) {
        Stage stage = connected();
        Failure failure;
        char *body = memory_new(100001);
        memset(body, 'x', 100000);
        stage.server->is_deaf = true;
        xmpp_server_step(stage.server, 0);
        int sent = 0;
        while (send_message(&stage, "guide@" DOMAIN, text_of(body), &failure)) {
                link_flush(stage.link);
                ck_assert_int_lt(++sent, 1000);
        }
        ck_assert_int_eq(failure.kind, FAILURE_LIMIT);
        ck_assert(link_is_congested(stage.link));
        stage.server->is_deaf = false;
        next(&stage, LINK_RELIEVED);
        ck_assert(!link_is_congested(stage.link));
        ck_assert(link_ping(stage.link, 1));
        next(&stage, LINK_PONG);
        ck_assert_uint_eq(stage.server->stanzas, (uint64_t) sent);
        free(body);
        end(&stage);
}
END_TEST

UNIT_TESTS("component/link", a_link_comes_up_and_carries_stanzas_both_ways, a_unix_socket_serves_as_well,
           a_name_is_looked_up_elsewhere, several_domains_are_several_links, each_usual_mistake_is_named,
           an_endpoint_without_server_is_named, what_is_no_endpoint_is_refused,
           silence_while_connecting_ends_the_attempt, a_broken_stream_comes_back_and_forgets_its_pings,
           stanzas_before_the_end_are_still_delivered, what_is_not_well_formed_reconnects,
           attempts_wait_longer_each_time_up_to_a_bound, a_steady_stream_is_forgiven_its_end,
           a_silent_peer_is_asked_and_then_given_up, a_peer_that_talks_is_not_asked,
           closing_sends_what_waits_and_says_that_it_was_us, a_server_that_does_not_close_after_us_is_left,
           a_dropped_link_stays_down_until_opened, pongs_come_for_answers_errors_and_routed_pings,
           a_forged_pong_is_an_ordinary_stanza, misaddressed_stanzas_are_counted_and_dropped,
           a_stanza_over_a_limit_is_reported_and_the_stream_kept, the_link_stamps_and_refuses,
           congestion_is_reported_and_relieved)
