/* Conversations with a provider that behaves: what it is sent, byte for byte, and what is made of its answers. */
#include "tests/integration/models/peer.h"

#define PLENTY (20 * SECONDS)

static void script(const char *text) {
        json_free(peer_control("PUT", "script", text));
}

static Text canonical(Peer *peer, const Json *value) {
        Text text;
        ck_assert(json_canonical(value, peer->arena, &text));
        return text;
}

START_TEST(the_provider_is_sent_exactly_the_conversation) {
        Peer peer;
        peer_start(&peer, "exact");
        ModelToolCall call = { TEXT("call_7"), TEXT("clock"), TEXT("{\"zone\":\"UTC\"}") };
        ModelMessage messages[] = {
                { .role = MODEL_SYSTEM, .content = TEXT("You are \"brief\".") },
                { .role = MODEL_USER, .content = TEXT("What time is it?\n") },
                { .role = MODEL_ASSISTANT, .calls = &call, .call_count = 1 },
                { .role = MODEL_TOOL, .call_id = TEXT("call_7"), .content = TEXT("12:00") },
                { .role = MODEL_USER,
                  .content = TEXT("Gr\xC3\xBC\xC3\x9F"
                                  "e \xF0\x9F\x99\x82") },
        };
        ModelTool tools[] = {
                { TEXT("clock"), TEXT("Says the time."), TEXT("{\"type\":\"object\",\"properties\":{}}") },
        };
        ModelRequest request = peer_request(&peer, "openai/gpt-test", "", PLENTY);
        request.messages = messages;
        request.message_count = COUNT_OF(messages);
        request.tools = tools;
        request.tool_count = COUNT_OF(tools);
        request.temperature = 0.5;
        request.max_tokens = 77;
        ck_assert_done(peer_complete(&peer, &request), peer.failure);

        _cleanup_(json_freep) Json *seen = peer_last_request("exact");
        ck_assert_text(json_to_text(json_member(seen, "path")), TEXT("/v1/chat/completions"));
        ck_assert_text(
                canonical(&peer, json_member(seen, "body")),
                TEXT("{\"max_tokens\":77,\"messages\":["
                     "{\"content\":\"You are \\\"brief\\\".\",\"role\":\"system\"},"
                     "{\"content\":\"What time is it?\\n\",\"role\":\"user\"},"
                     "{\"content\":null,\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"arguments\":"
                     "\"{\\\"zone\\\":\\\"UTC\\\"}\",\"name\":\"clock\"},\"id\":\"call_7\",\"type\":\"function\"}]},"
                     "{\"content\":\"12:00\",\"role\":\"tool\",\"tool_call_id\":\"call_7\"},"
                     "{\"content\":\"Gr\xC3\xBC\xC3\x9F"
                     "e \xF0\x9F\x99\x82\",\"role\":\"user\"}],"
                     "\"model\":\"gpt-test\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                     "\"temperature\":0.5,\"tools\":[{\"function\":{\"description\":\"Says the "
                     "time.\",\"name\":\"clock\","
                     "\"parameters\":{\"properties\":{},\"type\":\"object\"}},\"type\":\"function\"}]}"));
        peer_stop(&peer);
}
END_TEST

START_TEST(an_answer_is_streamed_and_whole) {
        Peer peer;
        peer_start(&peer, "whole");
        script("{\"rules\":[{\"when\":{\"key\":\"whole\"},\"reply\":{\"pieces\":[\"Gr\xC3\xBC\xC3\x9F\",\"e "
               "\",\"\xF0\x9F\x99\x82\"],"
               "\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":3}"
               "}}}]}");
        const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
        ck_assert_done(peer_complete(&peer, &request), peer.failure);
        ck_assert_text(peer.reply.content, TEXT("Gr\xC3\xBC\xC3\x9F"
                                                "e \xF0\x9F\x99\x82"));
        ck_assert_text(text_built(&peer.listener.streamed), peer.reply.content);
        ck_assert_int_eq(peer.listener.pieces, 3);
        ck_assert_text(peer.reply.finish_reason, TEXT("stop"));
        ck_assert(peer.reply.usage_known);
        ck_assert_int_eq(peer.reply.usage.prompt_tokens, 11);
        ck_assert_int_eq(peer.reply.usage.completion_tokens, 5);
        ck_assert_int_eq(peer.reply.usage.cached_tokens, 3);
        ck_assert_uint_eq(peer.reply.call_count, 0);
        script("{}");
        peer_stop(&peer);
}
END_TEST

START_TEST(an_answer_without_stream_is_accepted) {
        Peer peer;
        peer_start(&peer, "plain");
        const ModelRequest request = peer_request(&peer, "openai/plain", "hello", PLENTY);
        ck_assert_done(peer_complete(&peer, &request), peer.failure);
        ck_assert_text(peer.reply.content, TEXT("You said: hello"));
        ck_assert(peer.reply.usage_known);
        peer_stop(&peer);
}
END_TEST

/* In pieces or in one, with or without a stream. */
static void check_calls(Peer *peer, const char *stream) {
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
        text_add_format(
                &text,
                "{\"rules\":[{\"when\":{\"key\":\"calls\"},\"reply\":{\"stream\":%s,\"text\":\"Let me "
                "see.\",\"tool_calls\":["
                "{\"id\":\"a\",\"name\":\"clock\",\"arguments\":{\"zone\":\"Europe/Berlin\",\"style\":\"long\"}},"
                "{\"id\":\"b\",\"name\":\"search\",\"arguments\":\"not JSON at all\"}]}}]}",
                stream);
        script(text.bytes);
        const ModelRequest request = peer_request(peer, "openai/any", "?", PLENTY);
        ck_assert_done(peer_complete(peer, &request), peer->failure);
        ck_assert_text(peer->reply.finish_reason, TEXT("tool_calls"));
        ck_assert_text(peer->reply.content, TEXT("Let me see."));
        ck_assert_uint_eq(peer->reply.call_count, 2);
        ck_assert_text(peer->reply.calls[0].id, TEXT("a"));
        ck_assert_text(peer->reply.calls[0].name, TEXT("clock"));
        ck_assert_text(peer->reply.calls[0].arguments, TEXT("{\"zone\": \"Europe/Berlin\", \"style\": \"long\"}"));
        ck_assert_text(peer->reply.calls[1].id, TEXT("b"));
        ck_assert_text(peer->reply.calls[1].arguments, TEXT("not JSON at all"));
        script("{}");
}

START_TEST(tool_calls_are_put_together) {
        Peer peer;
        peer_start(&peer, "calls");
        check_calls(&peer, "true");
        check_calls(&peer, "false");
        peer_stop(&peer);
}
END_TEST

START_TEST(usage_that_is_not_said_is_not_known) {
        Peer peer;
        peer_start(&peer, "no-usage");
        script("{\"rules\":[{\"when\":{\"key\":\"no-usage\"},\"reply\":{\"text\":\"hi\",\"usage\":null}}]}");
        const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
        ck_assert_done(peer_complete(&peer, &request), peer.failure);
        ck_assert(!peer.reply.usage_known);
        ck_assert_int_eq(peer.reply.usage.completion_tokens, 0);
        script("{}");
        peer_stop(&peer);
}
END_TEST

START_TEST(a_filtered_answer_is_against_policy) {
        Peer peer;
        peer_start(&peer, "filtered");
        script("{\"rules\":[{\"when\":{\"key\":\"filtered\"},\"reply\":{\"text\":\"How\",\"finish_reason\":\"content_"
               "filter\"}}]}");
        const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
        ck_assert(!peer_complete(&peer, &request));
        ck_assert_int_eq(peer.failure.kind, FAILURE_POLICY);
        ck_assert_text(peer.reply.content, TEXT("How"));
        script("{}");
        peer_stop(&peer);
}
END_TEST

/* Mistral refuses stream_options; OpenAI refuses max_tokens. What was learned holds for the next call. */
START_TEST(what_a_provider_refuses_is_left_out) {
        Peer peer;
        peer_start(&peer, "quirks");
        script("{\"rules\":["
               "{\"when\":{\"key\":\"quirks\"},\"times\":1,\"reply\":{\"status\":422,\"body\":{\"object\":\"error\","
               "\"message\":{\"detail\":[{"
               "\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"stream_options\"]}]}}}},"
               "{\"when\":{\"key\":\"quirks\"},\"times\":1,\"reply\":{\"status\":400,\"body\":{\"error\":{\"message\":"
               "\"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' "
               "instead.\",\"param\":\"max_tokens\"}}}}]}");
        for (int i = 0; i < 2; i++) {
                const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
                ck_assert_done(peer_complete(&peer, &request), peer.failure);
                _cleanup_(json_freep) Json *seen = peer_last_request("quirks");
                const Json *body = json_member(seen, "body");
                ck_assert_ptr_null(json_member(body, "stream_options"));
                ck_assert_ptr_null(json_member(body, "max_tokens"));
                ck_assert_ptr_nonnull(json_member(body, "max_completion_tokens"));
        }
        ck_assert_int_eq(peer_calls("quirks"), 4);
        script("{}");
        peer_stop(&peer);
}
END_TEST

START_TEST(a_refusal_that_stays_is_asked_only_as_often_as_there_are_ways) {
        Peer peer;
        peer_start(&peer, "stubborn");
        script("{\"rules\":[{\"when\":{\"key\":\"stubborn\"},\"reply\":{\"status\":400,\"body\":\"max_completion_"
               "tokens\"}}]}");
        const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
        ck_assert(!peer_complete(&peer, &request));
        ck_assert_int_eq(peer.failure.kind, FAILURE_INVALID);
        ck_assert_int_le(peer_calls("stubborn"), 3);
        script("{}");
        peer_stop(&peer);
}
END_TEST

START_TEST(a_stop_ends_the_call_and_keeps_what_came) {
        Peer peer;
        peer_start(&peer, "stop");
        const ModelRequest request = peer_request(&peer, "openai/slow-10", "?", PLENTY);
        peer.listener.stop_after_pieces = 2;
        ck_assert(!peer_complete(&peer, &request));
        ck_assert_int_eq(peer.failure.kind, FAILURE_CANCELLED);
        ck_assert(!peer.reply.retry_helps);
        ck_assert_text(peer.reply.content, TEXT("piece 0 piece 1 "));
        ck_assert_int_lt(peer.took_us, 3 * SECONDS);
        peer_stop(&peer);
}
END_TEST

typedef struct UrlCase {
        const char *rest; /* after the server's address */
        const char *path; /* what was asked for; NULL = nothing that answers */
} UrlCase;

static const UrlCase urls[] = {
        { "", "/v1/chat/completions" },
        { "/", "/v1/chat/completions" },
        { "/v1", "/v1/chat/completions" },
        { "/v1/", "/v1/chat/completions" },
        { "/v1/chat/completions", "/v1/chat/completions" },
        { "/openai/v1//", "/openai/v1/chat/completions" },
};

START_TEST(the_base_url_is_taken_as_people_give_it) {
        Peer peer;
        Failure failure;
        peer_start(&peer, "urls");
        const char *server = getenv("MODEL_SERVER_URL");
        for (size_t i = 0; i < COUNT_OF(urls); i++) {
                _cleanup_(text_builder_release) TextBuilder url = text_builder(0);
                text_add(&url, (Text){ server, strlen(server) - strlen("/v1") });
                text_add_string(&url, urls[i].rest);
                const ModelSettings settings = { .openai_url = text_built(&url), .openai_key = TEXT(" urls\n") };
                ck_assert_done(model_start(&settings, &failure), failure);
                const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
                ck_assert_done(peer_complete(&peer, &request), peer.failure);
                _cleanup_(json_freep) Json *seen = peer_last_request("urls");
                ck_assert_text(json_to_text(json_member(seen, "path")), text_of(urls[i].path));
        }
        peer_stop(&peer);
}
END_TEST

/* A version's own endpoint gets its own key, never the installation's, and reaches public addresses only. */
START_TEST(an_endpoint_of_its_own_gets_no_key_of_the_installation) {
        Peer peer;
        peer_start(&peer, "installation");
        ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
        request.endpoint = text_of(getenv("MODEL_SERVER_TLS_URL"));
        ck_assert(!peer_complete(&peer, &request));
        ck_assert_int_eq(peer.failure.kind, FAILURE_POLICY);
        ck_assert_int_eq(peer_calls("installation"), 0);
        ck_assert_int_eq(peer_calls(""), 0);
        peer_stop(&peer);
}
END_TEST

START_TEST(without_a_provider_its_models_are_not_known) {
        Peer peer;
        Failure failure;
        peer_start(&peer, "none");
        ck_assert_done(model_known(TEXT("openai/any"), &failure), failure);
        const ModelSettings none = { 0 };
        ck_assert_done(model_start(&none, &failure), failure);
        ck_assert(!model_known(TEXT("openai/any"), &failure));
        ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        ck_assert_ptr_nonnull(strstr(failure.text, "openai_url"));
        const ModelRequest request = peer_request(&peer, "openai/any", "?", PLENTY);
        ck_assert(!peer_complete(&peer, &request));
        ck_assert_int_eq(peer.failure.kind, FAILURE_INVALID);
        peer_stop(&peer);
}
END_TEST

UNIT_TESTS("integration/models/chat", the_provider_is_sent_exactly_the_conversation, an_answer_is_streamed_and_whole,
           an_answer_without_stream_is_accepted, tool_calls_are_put_together, usage_that_is_not_said_is_not_known,
           a_filtered_answer_is_against_policy, what_a_provider_refuses_is_left_out,
           a_refusal_that_stays_is_asked_only_as_often_as_there_are_ways, a_stop_ends_the_call_and_keeps_what_came,
           the_base_url_is_taken_as_people_give_it, an_endpoint_of_its_own_gets_no_key_of_the_installation,
           without_a_provider_its_models_are_not_known)
