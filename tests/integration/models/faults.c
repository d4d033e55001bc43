/* What a model's provider may do to us, and what becomes of it: a kind of failure, whether trying again helps, the text
 * that had come, and all that within its time. */
#include "tests/integration/models/peer.h"

#include <sys/resource.h>

typedef struct Case {
        const char *model;
        FailureKind kind;
        bool retry_helps;
        const char *content; /* what must have come; NULL = whatever */
        int64_t patience_us; /* until the deadline */
        int64_t idle_us;
} Case;

#define PLENTY (20 * SECONDS)

static const Case cases[] = {
        { "openai/fault-hang", FAILURE_TIMED_OUT, true, "", 400 * MILLISECONDS, 0 },
        { "openai/fault-hang", FAILURE_TIMED_OUT, true, "", PLENTY, 400 * MILLISECONDS },
        { "openai/fault-hang-midway", FAILURE_TIMED_OUT, true, "You said: what is the answer to ", 700 * MILLISECONDS,
          0 },
        { "openai/fault-hang-midway", FAILURE_TIMED_OUT, true, "You said: what is the answer to ", PLENTY,
          400 * MILLISECONDS },
        { "openai/fault-break-off", FAILURE_UNAVAILABLE, true, "You said: what is the answer to ", PLENTY, 0 },
        { "openai/fault-reset", FAILURE_UNAVAILABLE, true, "", PLENTY, 0 },
        { "openai/fault-reset-midway", FAILURE_UNAVAILABLE, true, NULL, PLENTY, 0 },
        { "openai/fault-end-early", FAILURE_UNAVAILABLE, true, "You said: what is the answer to ", PLENTY, 0 },
        { "openai/fault-empty", FAILURE_INTERNAL, false, "", PLENTY, 0 },
        { "openai/fault-only-done", FAILURE_INTERNAL, false, "", PLENTY, 0 },
        { "openai/fault-garbage", FAILURE_UNAVAILABLE, true, "", PLENTY, 0 },
        { "openai/fault-garbage-body", FAILURE_INTERNAL, false, "", PLENTY, 0 },
        { "openai/fault-garbage-json", FAILURE_INTERNAL, false, "You said: what is the answer to ", PLENTY, 0 },
        { "openai/fault-wrong-types", FAILURE_INTERNAL, false, "", PLENTY, 0 },
        { "openai/fault-html", FAILURE_INTERNAL, false, "", PLENTY, 0 },
        { "openai/fault-error-midway", FAILURE_UNAVAILABLE, true, "You said: what is the answer to ", PLENTY, 0 },
        { "openai/fault-endless", FAILURE_TOO_LARGE, false, NULL, PLENTY, 0 },
        { "openai/fault-endless-comments", FAILURE_TIMED_OUT, true, "", 600 * MILLISECONDS, 400 * MILLISECONDS },
        { "openai/fault-endless-calls", FAILURE_TOO_LARGE, false, "", PLENTY, 0 },
        { "openai/fault-long-line", FAILURE_TOO_LARGE, false, "", PLENTY, 0 },
        { "openai/fault-long-body", FAILURE_TOO_LARGE, false, "", PLENTY, 0 },
        { "openai/fault-long-headers", FAILURE_TOO_LARGE, false, "", PLENTY, 0 },
        { "openai/fault-half-character", FAILURE_NONE, false, "five \xEF\xBF\xBD\xEF\xBF\xBD left", PLENTY, 0 },
        { "openai/fault-half-character-end", FAILURE_UNAVAILABLE, true, "You said: what is the answer to ", PLENTY, 0 },
        { "openai/fault-lone-surrogate", FAILURE_INTERNAL, false, "", PLENTY, 0 },
        { "openai/fault-drip", FAILURE_NONE, false, "You said: what is the answer to that? \xE2\x82\xAC", PLENTY, 0 },
        { "openai/fault-never-closes", FAILURE_NONE, false, "You said: what is the answer to that? \xE2\x82\xAC",
          PLENTY, 0 },
        { "openai/fault-redirect", FAILURE_INVALID, false, "", PLENTY, 0 },
        { "openai/status-400", FAILURE_INVALID, false, "", PLENTY, 0 },
        { "openai/status-401", FAILURE_FORBIDDEN, false, "", PLENTY, 0 },
        { "openai/status-402", FAILURE_LIMIT, false, "", PLENTY, 0 },
        { "openai/status-403", FAILURE_FORBIDDEN, false, "", PLENTY, 0 },
        { "openai/status-404", FAILURE_UNSUPPORTED, false, "", PLENTY, 0 },
        { "openai/status-408", FAILURE_TIMED_OUT, true, "", PLENTY, 0 },
        { "openai/status-413", FAILURE_TOO_LARGE, false, "", PLENTY, 0 },
        { "openai/status-429", FAILURE_LIMIT, true, "", PLENTY, 0 },
        { "openai/status-500", FAILURE_UNAVAILABLE, true, "", PLENTY, 0 },
        { "openai/status-502", FAILURE_UNAVAILABLE, true, "", PLENTY, 0 },
        { "openai/status-503", FAILURE_LIMIT, true, "", PLENTY, 0 },
        { "openai/status-529", FAILURE_LIMIT, true, "", PLENTY, 0 },
};

static void try_case(Peer *peer, const Case *fault) {
        ModelRequest request = peer_request(peer, fault->model, "what is the answer to that? \xE2\x82\xAC",
                                            fault->patience_us);
        request.idle_us = fault->idle_us;
        (void) !peer_complete(peer, &request);

        ck_assert_msg(peer->failure.kind == fault->kind, "%s: %s (%s)", fault->model,
                      failure_form(peer->failure.kind)->name, peer->failure.text);
        ck_assert_msg(peer->reply.retry_helps == fault->retry_helps, "%s: retry_helps", fault->model);
        ck_assert_msg(!fault->content || text_equal(peer->reply.content, text_of(fault->content)), "%s: \"%.*s\"",
                      fault->model, TEXT_ARGUMENTS(peer->reply.content));
        ck_assert_msg(text_equal(text_built(&peer->listener.streamed), peer->reply.content), "%s: stream",
                      fault->model);
        ck_assert_msg(peer->took_us < PLENTY / 2, "%s took %d ms", fault->model, (int) (peer->took_us / 1000));
        if (fault->kind == FAILURE_TIMED_OUT)
                ck_assert_msg(peer->took_us < 1500 * MILLISECONDS, "%s took %d ms", fault->model,
                              (int) (peer->took_us / 1000));
}

START_TEST(each_fault_has_its_kind_and_ends_in_time) {
        Peer peer;
        peer_start(&peer, "sk-canary0123456789");
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                try_case(&peer, &cases[i]);
                ck_assert_msg(!strstr(peer.failure.text, "canary"), "%s", peer.failure.text);
                ck_assert_msg(!strstr(peer.failure.text, "answer to that"), "%s", peer.failure.text);
        }
        peer_stop(&peer);
}
END_TEST

START_TEST(a_hundred_megabytes_in_a_line_cost_no_memory) {
        struct rusage before, after;
        Peer peer;
        peer_start(&peer, "long-line");
        getrusage(RUSAGE_SELF, &before);
        for (int i = 0; i < 3; i++) {
                const ModelRequest request = peer_request(&peer, "openai/fault-long-line", "?", PLENTY);
                ck_assert(!peer_complete(&peer, &request));
        }
        getrusage(RUSAGE_SELF, &after);
        ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 24 * 1024); /* KiB, with a sanitizer's */
        peer_stop(&peer);
}
END_TEST

START_TEST(a_refused_key_names_its_setting) {
        Peer peer;
        peer_start(&peer, "sk-wrong");
        const ModelRequest request = peer_request(&peer, "openai/status-401", "?", PLENTY);
        ck_assert(!peer_complete(&peer, &request));
        ck_assert_ptr_nonnull(strstr(peer.failure.text, "openai_key_file"));
        ck_assert_ptr_null(strstr(peer.failure.text, "sk-wrong"));
        peer_stop(&peer);
}
END_TEST

/* An error that quotes the key and the conversation, as some do. */
START_TEST(errors_quote_neither_key_nor_conversation) {
        Peer peer;
        peer_start(&peer, "sk-canarykey");
        json_free(peer_control(
                "PUT", "script",
                "{\"rules\":[{\"when\":{\"key\":\"sk-canarykey\"},\"reply\":{\"status\":400,\"body\":{\"error\":{"
                "\"message\":\"sk-canarykey may not say canary body\",\"code\":\"sk-canarykey0\","
                "\"type\":\"invalid_request_error\"}}}}]}"));
        const ModelRequest request = peer_request(&peer, "openai/any", "canary body", PLENTY);
        ck_assert(!peer_complete(&peer, &request));
        ck_assert_int_eq(peer.failure.kind, FAILURE_INVALID);
        ck_assert_ptr_null(strstr(peer.failure.text, "canary"));
        ck_assert_ptr_nonnull(strstr(peer.failure.text, "invalid_request_error"));
        json_free(peer_control("PUT", "script", "{}"));
        peer_stop(&peer);
}
END_TEST

typedef struct WaitCase {
        const char *header;
        int64_t least_us, most_us;
} WaitCase;

static const WaitCase waits[] = {
        { "\"Retry-After\":\"7\"", 7 * SECONDS, 7 * SECONDS },
        { "\"Retry-After\":\"0.5\"", 0, 0 },
        { "\"retry-after-ms\":\"1500\",\"Retry-After\":\"9\"", 1500 * MILLISECONDS, 1500 * MILLISECONDS },
        { "\"retry-after-ms\":\"250.7\"", 250 * MILLISECONDS, 250 * MILLISECONDS },
        { "\"Retry-After\":\"Fri, 31 Dec 2100 23:59:59 GMT\"", 3600 * SECONDS, 3600 * SECONDS },
        { "\"Retry-After\":\"Sun, 06 Nov 1994 08:49:37 GMT\"", 0, 0 },
        { "\"Retry-After\":\"999999999999999999\"", 3600 * SECONDS, 3600 * SECONDS },
        { "\"Retry-After\":\"-5\"", 0, 0 },
        { "\"Retry-After\":\"soon\"", 0, 0 },
        { "\"X-Other\":\"1\"", 0, 0 },
};

START_TEST(retry_after_is_understood_in_all_its_forms) {
        Peer peer;
        peer_start(&peer, "retry-after");
        for (size_t i = 0; i < COUNT_OF(waits); i++) {
                _cleanup_(text_builder_release) TextBuilder script = text_builder(0);
                text_add_format(&script,
                                "{\"rules\":[{\"when\":{\"key\":\"retry-after\"},\"reply\":{\"status\":429,\"headers\":"
                                "{%s}}}]}",
                                waits[i].header);
                json_free(peer_control("PUT", "script", script.bytes));
                const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
                ck_assert(!peer_complete(&peer, &request));
                ck_assert_int_eq(peer.failure.kind, FAILURE_LIMIT);
                ck_assert_msg(peer.reply.retry_after_us >= waits[i].least_us &&
                                      peer.reply.retry_after_us <= waits[i].most_us,
                              "%s: %lld", waits[i].header, (long long) peer.reply.retry_after_us);
        }
        json_free(peer_control("PUT", "script", "{}"));
        peer_stop(&peer);
}
END_TEST

static const char *const too_long_bodies[] = {
        "{\"error\":{\"message\":\"This model's maximum context length is 4096 "
        "tokens.\",\"code\":\"context_length_exceeded\"}}",
        "{\"object\":\"error\",\"message\":\"This model's maximum context length is 4096 "
        "tokens.\",\"type\":\"BadRequestError\",\"code\":400}",
        "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context "
        "size\",\"type\":\"exceed_context_size_error\"}}",
        "{\"object\":\"error\",\"message\":\"Prompt contains 40000 tokens, too large for model with 32768 maximum "
        "context length\",\"code\":\"3051\"}",
};

START_TEST(a_conversation_too_long_for_the_model_is_too_large) {
        Peer peer;
        peer_start(&peer, "too-long");
        for (size_t i = 0; i < COUNT_OF(too_long_bodies); i++) {
                _cleanup_(text_builder_release) TextBuilder script = text_builder(0);
                text_add_format(
                        &script,
                        "{\"rules\":[{\"when\":{\"key\":\"too-long\"},\"reply\":{\"status\":400,\"body\":%s}}]}",
                        too_long_bodies[i]);
                json_free(peer_control("PUT", "script", script.bytes));
                const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
                ck_assert(!peer_complete(&peer, &request));
                ck_assert_msg(peer.failure.kind == FAILURE_TOO_LARGE, "%s: %s", too_long_bodies[i], peer.failure.text);
                ck_assert(!peer.reply.retry_helps);
        }
        json_free(peer_control("PUT", "script", "{}"));
        peer_stop(&peer);
}
END_TEST

START_TEST(a_provider_that_is_away_is_unavailable) {
        Peer peer;
        Failure failure;
        peer_start(&peer, "away");
        const ModelSettings nobody = { .openai_url = TEXT("http://127.0.0.1:1/v1") };
        ck_assert_done(model_start(&nobody, &failure), failure);
        const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
        ck_assert(!peer_complete(&peer, &request));
        ck_assert_int_eq(peer.failure.kind, FAILURE_UNAVAILABLE);
        ck_assert(peer.reply.retry_helps);
        ck_assert_ptr_nonnull(strstr(peer.failure.text, "127.0.0.1:1 does not accept connections"));
        peer_stop(&peer);
}
END_TEST

UNIT_TESTS("integration/models/faults", each_fault_has_its_kind_and_ends_in_time,
           a_hundred_megabytes_in_a_line_cost_no_memory, a_refused_key_names_its_setting,
           errors_quote_neither_key_nor_conversation, retry_after_is_understood_in_all_its_forms,
           a_conversation_too_long_for_the_model_is_too_large, a_provider_that_is_away_is_unavailable)
