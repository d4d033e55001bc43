/* The link against a real ejabberd (tests/lab/with-ejabberd): what it sends is taken, what the server routes arrives,
 * and the sentences for usual mistakes are those of this server's answers. The component writes to itself, so no client
 * is needed.
 */
#include "tests/unit/unit.h"

#include "base/crypto.h"
#include "component/link.h"
#include "xmpp/namespaces.h"
#include "xmpp/writer.h"

#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>

#define PATIENCE (30 * SECONDS)

static const char *setting(const char *name) {
        const char *value = getenv(name);
        ck_assert_msg(value, "%s is not set: run this under tests/lab/with-ejabberd", name);
        return value;
}

static Link *new_link(const char *port, const char *domain, const char *secret) {
        char endpoint[64];
        Link *link;
        Failure failure;
        ck_assert(crypto_start(NULL));
        snprintf(endpoint, sizeof(endpoint), "%s:%s", setting("XMPP_HOST"), port);
        const LinkSettings settings = { .endpoint = text_of(endpoint),
                                        .domain = text_of(domain),
                                        .secret = text_of(secret) };
        ck_assert_done(link_new(&settings, &link, &failure), failure);
        link_open(link);
        return link;
}

static bool next_within(Link *link, int64_t patience_us, LinkEvent *ret_event) {
        int64_t until = clock_now().monotonic_us + patience_us;
        while (!link_next(link, ret_event)) {
                int64_t now = clock_now().monotonic_us, deadline = link_deadline(link);
                struct pollfd waiting = { .fd = link_descriptor(link), .events = POLLIN };
                if (now >= until)
                        return false;
                deadline = deadline < until ? deadline : until;
                poll(&waiting, 1, deadline <= now ? 0 : (int) ((deadline - now) / MILLISECONDS) + 1);
                link_handle(link, clock_now().monotonic_us);
        }
        return true;
}

static LinkEvent next(Link *link, LinkEventKind kind) {
        LinkEvent event;
        ck_assert_msg(next_within(link, PATIENCE, &event), "no event %d in time", kind);
        ck_assert_msg(event.kind == kind, "event %d instead of %d: %s", event.kind, kind, event.failure.text);
        return event;
}

static Link *connected(void) {
        Link *link = new_link(setting("COMPONENT_PORT"), setting("AGENTS_DOMAIN"), setting("COMPONENT_SECRET"));
        next(link, LINK_UP);
        return link;
}

/* From one agent to another, which comes back to us. */
static void send_message(Link *link, Text id, Text subject, Text body) {
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 4 * 1024 * 1024);
        OutgoingList list = { NULL };
        Failure failure;
        char from[128], to[128];
        snprintf(from, sizeof(from), "one@%s/aiox", setting("AGENTS_DOMAIN"));
        snprintf(to, sizeof(to), "two@%s", setting("AGENTS_DOMAIN"));
        Element *message = outgoing_add(&list, arena, STANZA_MESSAGE, TYPE_CHAT, id, text_of(from), text_of(to));
        element_set(message, TEXT("xml:lang"), subject);
        element_add_text(message, TEXT("body"), TEXT_NONE, body);
        ck_assert_done(link_send(link, list.first, &failure), failure);
        link_flush(link);
}

START_TEST(what_is_sent_comes_back_through_the_server) {
        _cleanup_(link_freep) Link *link = connected();
        send_message(link, TEXT("1"), TEXT_NONE, TEXT("Hello & <goodbye>"));
        ck_assert(link_ping(link, 7));
        link_flush(link);
        LinkEvent event = next(link, LINK_STANZA);
        ck_assert_text(event.stanza->body, TEXT("Hello & <goodbye>"));
        ck_assert_text(event.stanza->to.local, TEXT("two"));
        arena_free(event.arena);
        ck_assert_uint_eq(next(link, LINK_PONG).token, 7);
}
END_TEST

/* What the sanitiser lets through, the server's parser must take: one bad byte would end the stream. */
static void expect_survival(Link *link, Text bytes) {
        _cleanup_(text_builder_release) TextBuilder body = text_builder(0), attribute = text_builder(0);
        text_add(&body, TEXT("a"));
        text_add(&body, bytes);
        text_add(&body, TEXT("z"));
        text_add(&attribute, text_built(&body));
        send_message(link, TEXT("bytes"), text_built(&attribute), text_built(&body));
        LinkEvent event = next(link, LINK_STANZA);
        Text came = event.stanza->body;
        ck_assert_msg(came.length >= 2 && came.bytes[0] == 'a' && came.bytes[came.length - 1] == 'z', "'%.*s'",
                      TEXT_ARGUMENTS(came));
        arena_free(event.arena);
}

START_TEST(no_byte_that_is_sent_ends_the_stream) {
        static const char *const odd[] = {
                "\x1b[31m",
                "\xef\xbf\xbe",
                "\xef\xbf\xbf",
                "\xed\xa0\x80",
                "\xf0\x9f\xbf\xbe",
                "\xc0\x80",
                "\xf4\x8f\xbf\xbf",
                "\xf4\x90\x80\x80",
                "]]>",
                "\xc2\x80",
                "\xe2\x80\xa8",
                "\r",
                "\r\n",
                "\xef\xb7\x90",
                "&#1;",
                "<!--",
                "\xef\xbb\xbf",
        };
        _cleanup_(link_freep) Link *link = connected();
        for (int byte = 0; byte < 256; byte++) {
                const char one = (char) byte;
                expect_survival(link, (Text){ &one, 1 });
        }
        for (size_t i = 0; i < COUNT_OF(odd); i++)
                expect_survival(link, text_of(odd[i]));
        ck_assert_uint_eq(link_figures(link).connections, 1);
}
END_TEST

START_TEST(stanzas_over_a_limit_leave_the_stream_alone) {
        static const struct {
                const char *piece, *after;
                int times;
                const char *limit;
        } shapes[] = {
                { "<a/>", "", 60000, "children" },
                { "<a>", "</a>", 3000, "depth" },
                { "<a b='0123456789abcdef0123456789abcdef0123456789abcdef'/>", "", 6000, "size" },
        };
        _cleanup_(link_freep) Link *link = connected();
        for (size_t i = 0; i < COUNT_OF(shapes); i++) {
                /* Built flat or deep as it has to be: what we send ourselves knows no limits but the arena's. */
                _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 64 * 1024 * 1024);
                OutgoingList list = { NULL };
                Failure failure;
                char from[128], to[128];
                snprintf(from, sizeof(from), "one@%s/aiox", setting("AGENTS_DOMAIN"));
                snprintf(to, sizeof(to), "two@%s", setting("AGENTS_DOMAIN"));
                Element *at = outgoing_add(&list, arena, STANZA_MESSAGE, TYPE_CHAT, TEXT("big"), text_of(from),
                                           text_of(to));
                bool deep = shapes[i].after[0] != '\0', wide = shapes[i].limit[0] == 's';
                Element *parent = at;
                for (int n = 0; n < shapes[i].times; n++) {
                        if (wide && n % 900 == 0)
                                parent = element_add(at, TEXT("group"), TEXT_NONE);
                        Element *child = element_add(parent, TEXT("a"), TEXT_NONE);
                        if (wide)
                                element_set(child, TEXT("b"), TEXT("0123456789abcdef0123456789abcdef0123456789abcdef"));
                        if (deep)
                                parent = child;
                }
                ck_assert_done(link_send(link, list.first, &failure), failure);
                link_flush(link);
                LinkEvent event = next(link, LINK_OVER_LIMIT);
                ck_assert_str_eq(event.limit, shapes[i].limit);
                ck_assert_text(event.stanza->id, TEXT("big"));
                arena_free(event.arena);
                expect_survival(link, TEXT("still here"));
        }
}
END_TEST

START_TEST(agents_may_upload_files) {
        _cleanup_(link_freep) Link *link = connected();
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        OutgoingList list = { NULL };
        Failure failure;
        char from[128], to[128];
        snprintf(from, sizeof(from), "one@%s/aiox", setting("AGENTS_DOMAIN"));
        snprintf(to, sizeof(to), "upload.%s", setting("XMPP_DOMAIN"));
        Element *iq = outgoing_add(&list, arena, STANZA_IQ, TYPE_GET, TEXT("slot"), text_of(from), text_of(to));
        Element *request = element_add(iq, TEXT("request"), TEXT("urn:xmpp:http:upload:0"));
        element_set(request, TEXT("filename"), TEXT("report.txt"));
        element_set(request, TEXT("size"), TEXT("5"));
        ck_assert_done(link_send(link, list.first, &failure), failure);
        link_flush(link);
        LinkEvent event = next(link, LINK_STANZA);
        ck_assert_text(event.stanza->id, TEXT("slot"));
        ck_assert_int_eq(event.stanza->type, TYPE_RESULT);
        arena_free(event.arena);
}
END_TEST

/* Each usual mistake, as this server answers it. */

static void expect_mistake(const char *port, const char *domain, const char *secret, const char *sentence) {
        _cleanup_(link_freep) Link *link = new_link(port, domain, secret);
        LinkEvent event = next(link, LINK_DOWN);
        ck_assert_msg(strstr(event.failure.text, sentence), "%s", event.failure.text);
}

START_TEST(usual_mistakes_are_named) {
        const char *port = setting("COMPONENT_PORT"), *domain = setting("AGENTS_DOMAIN");
        const char *secret = setting("COMPONENT_SECRET");
        expect_mistake(port, domain, "another secret", "refuses the secret");
        expect_mistake(port, "elsewhere.localhost", secret, "does not serve this domain");
        expect_mistake(port, setting("XMPP_DOMAIN"), secret, "is taken");
        expect_mistake(setting("XMPP_PORT"), domain, secret, "port for clients");
        expect_mistake("1", domain, secret, "is the server running");
}
END_TEST

START_TEST(closing_is_confirmed_by_the_server) {
        _cleanup_(link_freep) Link *link = connected();
        link_close(link, clock_now().monotonic_us);
        LinkEvent event = next(link, LINK_DOWN);
        ck_assert_msg(event.by_us, "%s", event.failure.text);
}
END_TEST

static void restart_server(void) {
        const char *command = setting("EJABBERD_RESTART"), *folder = setting("EJABBERD_FOLDER");
        pid_t child = fork();
        int status = -1;
        if (child == 0) {
                execl(command, command, "--restart", folder, NULL);
                _exit(127);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
}

START_TEST(a_server_that_was_killed_is_found_again) {
        _cleanup_(link_freep) Link *link = connected();
        restart_server();
        LinkEvent event = next(link, LINK_DOWN);
        ck_assert(event.was_up && !event.by_us);
        while (event.kind != LINK_UP)
                ck_assert(next_within(link, PATIENCE, &event));
        expect_survival(link, TEXT("back again"));
}
END_TEST

UNIT_TESTS("component/link", what_is_sent_comes_back_through_the_server, no_byte_that_is_sent_ends_the_stream,
           stanzas_over_a_limit_leave_the_stream_alone, agents_may_upload_files, usual_mistakes_are_named,
           closing_is_confirmed_by_the_server, a_server_that_was_killed_is_found_again)
