/* The outbound client itself: what it refuses to reach, what it bounds, and many callers at once. */
#include "orchestrator/http/http.h"
#include "base/json.h"
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define PLENTY (20 * SECONDS)

typedef struct Exchange {
        Arena *arena;
        HttpReply reply;
        Failure failure;
        bool ok;
} Exchange;

static void start(const HttpSettings *settings) {
        Failure failure;
        ck_assert_done(http_start(settings, &failure), failure);
}

static Text join(Arena *arena, const char *base, size_t cut, const char *rest) {
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
        text_add(&text, (Text){ base, strlen(base) - cut });
        text_add_string(&text, rest);
        return text_copy(arena, text_built(&text));
}

/* Below the server's /v1; /control is beside it. */
static Text url_of(Arena *arena, const char *rest) {
        return join(arena, getenv("MODEL_SERVER_URL"), 0, rest);
}

static void perform(Exchange *exchange, const HttpRequest *request) {
        exchange->failure = (Failure){ 0 };
        exchange->ok = http_request(request, exchange->arena, &exchange->reply, &exchange->failure);
}

static HttpRequest get(Text url) {
        return (HttpRequest){ .method = "GET", .url = url, .deadline_us = clock_now().monotonic_us + PLENTY };
}

static HttpRequest post(Text url, const char *model) {
        static const HttpHeader headers[] = { { { "Content-Type", 12 }, { "application/json", 16 } } };
        static char body[256];
        (void) snprintf(body, sizeof(body), "{\"model\":\"%s\",\"stream\":true,\"messages\":[]}", model);
        return (HttpRequest){ .method = "POST",
                              .url = url,
                              .headers = headers,
                              .header_count = 1,
                              .body = text_of(body),
                              .deadline_us = clock_now().monotonic_us + PLENTY };
}

static int64_t connections(void) {
        Exchange exchange = { .arena = arena_new(0) };
        Failure failure;
        Json *counts;
        int64_t count = -1;
        const HttpRequest request = get(
                join(exchange.arena, getenv("MODEL_SERVER_URL"), strlen("v1"), "control/counts"));
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        ck_assert_done(json_parse(exchange.reply.body, 0, &counts, &failure), failure);
        ck_assert(json_to_integer(json_member(counts, "connections"), &count));
        json_free(counts);
        arena_free(exchange.arena);
        return count;
}

START_TEST(a_reply_has_status_headers_and_body) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        const HttpRequest request = get(url_of(exchange.arena, "/models"));
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        ck_assert_int_eq(exchange.reply.status, 200);
        ck_assert_text(http_header(&exchange.reply, "content-type"), TEXT("application/json"));
        ck_assert_text(http_header(&exchange.reply, "absent"), TEXT_NONE);
        ck_assert(text_starts_with(exchange.reply.body, TEXT("{\"object\": \"list\"")));
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

START_TEST(connections_are_used_again) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        const int64_t before = connections();
        for (int i = 0; i < 20; i++) {
                const HttpRequest request = get(url_of(exchange.arena, "/models"));
                perform(&exchange, &request);
                ck_assert_done(exchange.ok, exchange.failure);
        }
        ck_assert_int_eq(connections(), before);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

START_TEST(certificates_are_verified) {
        Exchange exchange = { .arena = arena_new(0) };
        const Text url = join(exchange.arena, getenv("MODEL_SERVER_TLS_URL"), 0, "/models");
        start(&(HttpSettings){ 0 });
        HttpRequest request = get(url);
        perform(&exchange, &request);
        ck_assert(!exchange.ok);
        ck_assert_int_eq(exchange.failure.kind, FAILURE_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(exchange.failure.text, "certificate"));
        http_stop();

        start(&(HttpSettings){ .authorities = getenv("MODEL_SERVER_AUTHORITY") });
        request = get(url);
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

static const char *const bad_urls[] = {
        "",
        "example.org",
        "/v1/models",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:1/_x",
        "http://",
        "http://user:password@127.0.0.1/",
        "https://user@example.org/",
        "javascript:1",
        "http://exa mple.org/",
};

START_TEST(only_http_urls_without_passwords_are_asked) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        for (size_t i = 0; i < COUNT_OF(bad_urls); i++) {
                const HttpRequest request = get(text_of(bad_urls[i]));
                perform(&exchange, &request);
                ck_assert_msg(exchange.failure.kind == FAILURE_INVALID, "%s: %s", bad_urls[i], exchange.failure.text);
                ck_assert_ptr_null(strstr(exchange.failure.text, "password@"));
        }
        const HttpRequest with_nul = get((Text){ "http://127.0.0.1/\0x", 19 });
        perform(&exchange, &with_nul);
        ck_assert_int_eq(exchange.failure.kind, FAILURE_INVALID);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

static const HttpHeader bad_headers[] = {
        { { "A\r\nB", 4 }, { "x", 1 } }, { { "A", 1 }, { "x\r\nB: y", 7 } }, { { "A", 1 }, { "x\ny", 3 } },
        { { "A", 1 }, { "x\0y", 3 } },   { { "", 0 }, { "x", 1 } },          { { "A:", 2 }, { "x", 1 } },
};

START_TEST(headers_cannot_be_smuggled_in) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        for (size_t i = 0; i < COUNT_OF(bad_headers); i++) {
                HttpRequest request = get(url_of(exchange.arena, "/models"));
                request.headers = &bad_headers[i];
                request.header_count = 1;
                perform(&exchange, &request);
                ck_assert_int_eq(exchange.failure.kind, FAILURE_INVALID);
        }
        HttpRequest request = get(url_of(exchange.arena, "/models"));
        request.method = "GET /x HTTP/1.1\r\nA: b";
        perform(&exchange, &request);
        ck_assert_int_eq(exchange.failure.kind, FAILURE_INVALID);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

/* %s is ":port/v1/models" of a listener that counts who connects. */
static const char *const inner_urls[] = {
        "http://127.0.0.1%s",
        "http://localhost%s",
        "http://[::1]%s",
        "http://[::ffff:127.0.0.1]%s",
        "http://2130706433%s",
        "http://0x7f000001%s",
        "http://127.1%s",
        "http://0177.0.0.1%s",
        "http://0.0.0.0%s",
        "http://[::]%s",
        "http://10.0.0.1%s",
        "http://172.31.255.255%s",
        "http://192.168.1.1%s",
        "http://169.254.169.254%s",
        "http://100.64.0.1%s",
        "http://[fd00::1]%s",
        "http://[fe80::1]%s",
        "http://[64:ff9b::7f00:1]%s",
        "http://224.0.0.1%s",
        "http://255.255.255.255%s",
        "http://[::ffff:10.0.0.1]%s",
        "http://LOCALHOST%s",
};

START_TEST(addresses_within_are_not_reached_for_others) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ .allow_plaintext = true });
        const int64_t before =
                connections(); /* leaves a kept connection to that very address: the first case ends it */
        const char *port = strrchr(getenv("MODEL_SERVER_URL"), ':');
        for (size_t i = 0; i < COUNT_OF(inner_urls); i++) {
                _cleanup_(text_builder_release) TextBuilder url = text_builder(0);
                const char *mark = strchr(inner_urls[i], '%');
                text_add(&url, (Text){ inner_urls[i], (size_t) (mark - inner_urls[i]) });
                text_add_string(&url, port);
                text_add_string(&url, "/models");
                HttpRequest request = get(text_built(&url));
                request.reach = HTTP_REACH_PUBLIC;
                perform(&exchange, &request);
                ck_assert_msg(exchange.failure.kind == FAILURE_POLICY, "%s: %s", url.bytes, exchange.failure.text);
        }
        ck_assert_int_eq(connections() - before, 1); /* this question's own */
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

START_TEST(a_kept_connection_is_no_way_in) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        HttpRequest request = get(url_of(exchange.arena, "/models"));
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        request = get(url_of(exchange.arena, "/models"));
        request.reach = HTTP_REACH_PUBLIC;
        perform(&exchange, &request);
        ck_assert(!exchange.ok);
        ck_assert_int_eq(exchange.failure.kind, FAILURE_POLICY);
        ck_assert_int_eq(exchange.reply.status, 0);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

START_TEST(plain_text_stays_on_this_machine) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        const HttpRequest outside = get(TEXT("http://192.0.2.1:9/"));
        perform(&exchange, &outside);
        ck_assert_int_eq(exchange.failure.kind, FAILURE_POLICY);
        ck_assert_ptr_nonnull(strstr(exchange.failure.text, "allow_plaintext_models"));
        http_stop();

        start(&(HttpSettings){ .allow_plaintext = true });
        HttpRequest allowed = get(TEXT("http://192.0.2.1:9/"));
        allowed.connect_us = 200 * MILLISECONDS;
        perform(&exchange, &allowed);
        ck_assert_int_ne(exchange.failure.kind, FAILURE_POLICY);
        ck_assert(!exchange.ok);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

START_TEST(proxies_of_the_environment_are_not_used) {
        Exchange exchange = { .arena = arena_new(0) };
        setenv("http_proxy", "http://127.0.0.1:1", 1);
        setenv("https_proxy", "http://127.0.0.1:1", 1);
        setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
        start(&(HttpSettings){ 0 });
        const HttpRequest request = get(url_of(exchange.arena, "/models"));
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

START_TEST(redirects_are_not_followed) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        const HttpRequest request = post(url_of(exchange.arena, "/chat/completions"), "fault-redirect");
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        ck_assert_int_eq(exchange.reply.status, 307);
        ck_assert_text(http_header(&exchange.reply, "location"), TEXT("/v1/chat/completions"));
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

START_TEST(bodies_and_headers_are_bounded) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        HttpRequest request = post(url_of(exchange.arena, "/chat/completions"), "fault-long-body");
        request.body_limit = 100000;
        perform(&exchange, &request);
        ck_assert_int_eq(exchange.failure.kind, FAILURE_TOO_LARGE);
        ck_assert_int_eq(exchange.reply.status, 200);

        request = post(url_of(exchange.arena, "/chat/completions"), "fault-long-headers");
        perform(&exchange, &request);
        ck_assert_int_eq(exchange.failure.kind, FAILURE_TOO_LARGE);

        Exchange narrow = { .arena = arena_new(100) };
        request = get(url_of(exchange.arena, "/models"));
        perform(&narrow, &request);
        ck_assert_int_eq(narrow.failure.kind, FAILURE_TOO_LARGE);
        http_stop();
        arena_free(narrow.arena);
        arena_free(exchange.arena);
}
END_TEST

START_TEST(a_large_body_is_sent_whole) {
        Exchange exchange = { .arena = arena_new(0) };
        start(&(HttpSettings){ 0 });
        _cleanup_(free_memoryp) char *body = memory_new(5 * 1000 * 1000);
        memset(body, 'x', 5 * 1000 * 1000);
        HttpRequest request = post(url_of(exchange.arena, "/elsewhere"), "any");
        request.body = (Text){ body, 5 * 1000 * 1000 };
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        ck_assert_int_eq(exchange.reply.status, 404);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

static void doze(int64_t microseconds) {
        const struct timespec time = { .tv_sec = microseconds / SECONDS, .tv_nsec = microseconds % SECONDS * 1000 };
        nanosleep(&time, NULL);
}

/* In place of the C library's, also for libcurl: names that end in ".slow" take longer than any patience. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
        static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
        const size_t length = node ? strlen(node) : 0;
        if (length > 5 && strcmp(node + length - 5, ".slow") == 0) {
                doze(3 * SECONDS);
                return EAI_AGAIN;
        }
        if (!real)
                *(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(node, service, hints, result);
}

START_TEST(a_name_that_resolves_slowly_holds_up_nobody) {
        Exchange slow = { .arena = arena_new(0) }, quick = { .arena = arena_new(0) };
        start(&(HttpSettings){ .allow_plaintext = true });
        HttpRequest request = get(TEXT("http://name.slow/"));
        request.connect_us = 200 * MILLISECONDS;
        int64_t before_us = clock_now().monotonic_us;
        perform(&slow, &request);
        ck_assert_int_eq(slow.failure.kind, FAILURE_TIMED_OUT);
        ck_assert_int_lt(clock_now().monotonic_us - before_us, 1 * SECONDS);

        before_us = clock_now().monotonic_us;
        request = get(url_of(quick.arena, "/models"));
        perform(&quick, &request);
        ck_assert_done(quick.ok, quick.failure);
        http_stop();
        ck_assert_int_lt(clock_now().monotonic_us - before_us, 1 * SECONDS);
        doze(3 * SECONDS); /* the resolver's thread comes back to nobody */
        arena_free(slow.arena);
        arena_free(quick.arena);
}
END_TEST

typedef struct Sipper {
        size_t taken;
        int pieces;
        int64_t rest_us;
} Sipper;

static HttpWish sip(void *listener, const HttpReply *head, Text piece) {
        Sipper *sipper = listener;
        ck_assert_int_eq(head->status, 200);
        sipper->taken += piece.length;
        if (sipper->pieces++ < 3)
                doze(sipper->rest_us);
        return HTTP_MORE;
}

/* 100 MB for a caller who rests longer than the server may be silent. */
static void sip_all(const char *model, size_t size) {
        Exchange exchange = { .arena = arena_new(0) };
        Sipper sipper = { .rest_us = 500 * MILLISECONDS };
        HttpRequest request = post(url_of(exchange.arena, "/chat/completions"), model);
        request.body_limit = 200 * 1000 * 1000;
        request.idle_us = 200 * MILLISECONDS;
        request.on_data = sip;
        request.listener = &sipper;
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        ck_assert_uint_eq(sipper.taken, size);
        arena_free(exchange.arena);
}

START_TEST(a_slow_caller_makes_its_server_wait) {
        struct rusage before, after;
        start(&(HttpSettings){ 0 });
        (void) connections();
        getrusage(RUSAGE_SELF, &before);
        sip_all("fault-long-body", 100000002); /* of a known length */
        sip_all("fault-long-line", 100000022); /* in chunks */
        getrusage(RUSAGE_SELF, &after);
        /* KiB; a sanitizer keeps what was freed for a while. */
        ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, (UNIT_SANITIZED ? 96 : 24) * 1024);
        http_stop();
}
END_TEST

static HttpWish take_first(void *listener, const HttpReply *head, Text piece) {
        (void) head;
        ck_assert_uint_gt(piece.length, 0);
        ++*(int *) listener;
        return HTTP_ENOUGH;
}

START_TEST(enough_is_enough) {
        Exchange exchange = { .arena = arena_new(0) };
        int calls = 0;
        start(&(HttpSettings){ 0 });
        HttpRequest request = post(url_of(exchange.arena, "/chat/completions"), "fault-endless-comments");
        request.on_data = take_first;
        request.listener = &calls;
        const int64_t before_us = clock_now().monotonic_us;
        perform(&exchange, &request);
        ck_assert_done(exchange.ok, exchange.failure);
        ck_assert_int_eq(calls, 1);
        ck_assert_int_lt(clock_now().monotonic_us - before_us, 2 * SECONDS);
        http_stop();
        arena_free(exchange.arena);
}
END_TEST

/* Many callers at once, some of whom give up, some of whom run out of time. */
#define CALLERS 48
#define ROUNDS  12

static bool gives_up(void *listener) {
        return *(const int64_t *) listener < clock_now().monotonic_us;
}

typedef struct Caller {
        pthread_t thread;
        int number;
        int wrong;
} Caller;

static void *call_often(void *user) {
        Caller *caller = user;
        for (int i = 0; i < ROUNDS; i++) {
                Exchange exchange = { .arena = arena_new(0) };
                const int way = (caller->number + i) % 3;
                int64_t patience_us = clock_now().monotonic_us + 50 * MILLISECONDS;
                const Text url = url_of(exchange.arena, way == 0 ? "/models" : "/chat/completions");
                const char *body = "{\"model\":\"fault-hang-midway\",\"messages\":[]}";
                HttpRequest request = way == 0 ? get(url)
                                               : (HttpRequest){ .method = "POST", .url = url, .body = text_of(body) };
                request.deadline_us = clock_now().monotonic_us + (way == 1 ? 50 * MILLISECONDS : PLENTY);
                request.stopped = way == 2 ? gives_up : NULL;
                request.listener = &patience_us;
                perform(&exchange, &request);
                static const FailureKind expected[] = { FAILURE_NONE, FAILURE_TIMED_OUT, FAILURE_CANCELLED };
                caller->wrong += exchange.failure.kind != expected[way];
                arena_free(exchange.arena);
        }
        return NULL;
}

START_TEST(many_callers_do_not_disturb_each_other) {
        static Caller callers[CALLERS];
        start(&(HttpSettings){ 0 });
        for (int i = 0; i < CALLERS; i++) {
                callers[i].number = i;
                ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
        }
        for (int i = 0; i < CALLERS; i++) {
                pthread_join(callers[i].thread, NULL);
                ck_assert_int_eq(callers[i].wrong, 0);
        }
        http_stop();
}
END_TEST

static atomic_int cancelled;

static void *hang(void *user) {
        Exchange exchange = { .arena = arena_new(0) };
        (void) user;
        const HttpRequest request = { .method = "POST",
                                      .url = url_of(exchange.arena, "/chat/completions"),
                                      .body = TEXT("{\"model\":\"fault-hang\",\"messages\":[]}"),
                                      .deadline_us = clock_now().monotonic_us + PLENTY };
        perform(&exchange, &request);
        atomic_fetch_add(&cancelled, exchange.failure.kind == FAILURE_CANCELLED);
        arena_free(exchange.arena);
        return NULL;
}

START_TEST(a_stop_ends_all_calls) {
        pthread_t threads[20];
        start(&(HttpSettings){ 0 });
        for (size_t i = 0; i < COUNT_OF(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, hang, NULL), 0);
        const int64_t before_us = clock_now().monotonic_us;
        http_stop();
        for (size_t i = 0; i < COUNT_OF(threads); i++)
                pthread_join(threads[i], NULL);
        ck_assert_int_lt(clock_now().monotonic_us - before_us, 2 * SECONDS);
        ck_assert_int_eq(cancelled, (int) COUNT_OF(threads));

        Exchange late = { .arena = arena_new(0) };
        const HttpRequest request = get(url_of(late.arena, "/models"));
        perform(&late, &request);
        ck_assert_int_eq(late.failure.kind, FAILURE_CANCELLED);
        arena_free(late.arena);
}
END_TEST

UNIT_TESTS("integration/models/http", a_reply_has_status_headers_and_body, connections_are_used_again,
           certificates_are_verified, only_http_urls_without_passwords_are_asked, headers_cannot_be_smuggled_in,
           addresses_within_are_not_reached_for_others, a_kept_connection_is_no_way_in,
           plain_text_stays_on_this_machine, proxies_of_the_environment_are_not_used, redirects_are_not_followed,
           bodies_and_headers_are_bounded, a_large_body_is_sent_whole, a_name_that_resolves_slowly_holds_up_nobody,
           a_slow_caller_makes_its_server_wait, enough_is_enough, many_callers_do_not_disturb_each_other,
           a_stop_ends_all_calls)
