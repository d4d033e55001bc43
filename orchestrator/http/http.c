#include "orchestrator/http/http.h"

#include "orchestrator/http/transfer.h"

#include <assert.h>
#include <stdio.h>

#define ENOUGH_US       (250 * MILLISECONDS) /* how long the end may take when the rest does not matter */
#define LONGEST_WAIT_US (3600 * SECONDS)

/* The gate keeps requests out while the engine comes or goes: they pass as readers. */
static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;
static Engine *engine;
static HttpSettings installed;

static void forget_settings(void) {
        free((char *) installed.authorities);
        installed = (HttpSettings){ 0 };
}

bool http_start(const HttpSettings *settings, Failure *reterr_failure) {
        assert(!engine);
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "libcurl cannot be set up.");
        pthread_rwlock_wrlock(&gate);
        installed = (HttpSettings){
                .allow_plaintext = settings->allow_plaintext,
                .authorities = settings->authorities ? memory_string(settings->authorities) : NULL,
        };
        const bool started = engine_new(&engine, reterr_failure);
        if (!started)
                forget_settings();
        pthread_rwlock_unlock(&gate);
        return started;
}

void http_stop(void) {
        pthread_rwlock_wrlock(&gate);
        Engine *stopped = engine;
        engine = NULL;
        pthread_rwlock_unlock(&gate);
        if (!stopped)
                return;
        engine_free(stopped);
        forget_settings();
}

/* One request, on its caller's thread. */
typedef struct Exchange {
        const HttpRequest *request;
        Transfer *transfer;
        Arena *arena;
        HttpReply *reply;
        TextBuilder body; /* what is collected without on_data */
        bool head_read;
        bool arena_full;
        HttpWish wish;
        int64_t enough_until_us;
} Exchange;

static void lower(char *bytes, size_t length) {
        for (size_t i = 0; i < length; i++)
                if (bytes[i] >= 'A' && bytes[i] <= 'Z')
                        bytes[i] = (char) (bytes[i] + ('a' - 'A'));
}

/* Status line and headers, cut in place in the arena's copy. The curl thread writes no more of them. */
static bool read_head(Exchange *exchange) {
        Text head = text_copy(exchange->arena, text_built(&exchange->transfer->head)), line;
        size_t lines = 0;

        exchange->head_read = true;
        if (exchange->transfer->head.length == 0)
                return true;
        for (size_t i = 0; i < head.length; i++)
                lines += head.bytes[i] == '\n';
        HttpHeader *headers = arena_take_array(exchange->arena, HttpHeader, lines + 1);
        if (head.length == 0 || !headers)
                return false;

        int64_t status = 0;
        HttpReply *reply = exchange->reply;
        if (text_split(&head, '\n', &line) && text_split(&line, ' ', &(Text){ 0 }) &&
            text_to_int64(text_prefix(line, 3), &status))
                reply->status = (int) status;
        reply->headers = headers;
        while (text_split(&head, '\n', &line)) {
                Text name;
                if (!memchr(line.bytes, ':', line.length) || !text_split(&line, ':', &name))
                        continue;
                lower((char *) name.bytes, name.length);
                headers[reply->header_count++] = (HttpHeader){ .name = text_trim(name), .value = text_trim(line) };
        }
        return true;
}

static void hand_over(Exchange *exchange, Text piece) {
        if (!exchange->head_read && !read_head(exchange)) {
                exchange->arena_full = true;
                exchange->wish = HTTP_ABORT;
                return;
        }
        if (!exchange->request->on_data) {
                text_add(&exchange->body, piece);
                return;
        }
        exchange->wish = exchange->request->on_data(exchange->request->listener, exchange->reply, piece);
        if (exchange->wish == HTTP_ENOUGH)
                exchange->enough_until_us = clock_now().monotonic_us + ENOUGH_US;
}

/* Until the transfer has finished, its caller has enough, or its caller gives it up. */
static void converse(Exchange *exchange) {
        _cleanup_(text_builder_release) TextBuilder buffer = text_builder(0);

        while (exchange->wish != HTTP_ABORT) {
                const int64_t now_us = clock_now().monotonic_us;
                const bool enough = exchange->wish == HTTP_ENOUGH;
                if (enough && now_us >= exchange->enough_until_us)
                        return;
                const int64_t until_us = enough ? exchange->enough_until_us : now_us + LONGEST_WAIT_US;
                const TransferNews news = transfer_wait(exchange->transfer, until_us, &buffer);
                if (news == NEWS_FINISHED)
                        return;
                if (news == NEWS_DATA && exchange->wish == HTTP_MORE)
                        hand_over(exchange, text_built(&buffer));
        }
}

typedef struct Ending {
        FailureKind kind;
        const char *what; /* follows the host and port */
} Ending;

static const Ending verdicts[VERDICT_COUNT] = {
        [VERDICT_REACH] = { FAILURE_POLICY, "is not on the public internet, which this request may not leave" },
        [VERDICT_PLAINTEXT] = { FAILURE_POLICY, "is beyond this machine, and http:// would reach it in plain text: use "
                                                "https://, or set allow_plaintext_models" },
        [VERDICT_HEAD_SIZE] = { FAILURE_TOO_LARGE, "sent headers beyond the limit" },
        [VERDICT_BODY_SIZE] = { FAILURE_TOO_LARGE, "sent a body beyond the limit" },
        [VERDICT_DEADLINE] = { FAILURE_TIMED_OUT, "did not finish its reply in time" },
        [VERDICT_CONNECT_TIME] = { FAILURE_TIMED_OUT, "could not be reached in time" },
        [VERDICT_IDLE] = { FAILURE_TIMED_OUT, "stayed silent for too long" },
        [VERDICT_CANCELLED] = { FAILURE_CANCELLED, "was waited for until the request was stopped" },
};

typedef struct CurlEnding {
        CURLcode code;
        const char *what;
        bool has_reason; /* libcurl's own sentence says more */
} CurlEnding;

static const CurlEnding curl_endings[] = {
        { CURLE_COULDNT_RESOLVE_HOST, "has a name that cannot be resolved: check the address", false },
        { CURLE_PEER_FAILED_VERIFICATION, "has a certificate that is not to be trusted", true },
        { CURLE_SSL_CONNECT_ERROR, "does not agree on a secure connection", true },
        { CURLE_SSL_CACERT_BADFILE, "cannot be verified: the file of certificate authorities cannot be read", false },
        { CURLE_GOT_NOTHING, "closed the connection without a reply", false },
        { CURLE_PARTIAL_FILE, "broke off in the middle of its reply", false },
        { CURLE_RECV_ERROR, "broke off in the middle of its reply", false },
        { CURLE_SEND_ERROR, "broke off while it was sent the request", false },
        { CURLE_UNSUPPORTED_PROTOCOL, "does not answer in HTTP: check the port", false },
        { CURLE_WEIRD_SERVER_REPLY, "does not answer in HTTP: check the port", false },
};

static bool fail_by_curl(const Transfer *transfer, Failure *reterr_failure) {
        char reason[128] = "";

        if (transfer->result == CURLE_COULDNT_CONNECT)
                return failure_set(
                        reterr_failure, FAILURE_UNAVAILABLE, "%s does not accept connections (%s).", transfer->peer,
                        transfer->system_error != 0 ? strerror_r((int) transfer->system_error, reason, sizeof(reason))
                                                    : transfer->error);
        for (size_t i = 0; i < COUNT_OF(curl_endings); i++)
                if (curl_endings[i].code == transfer->result)
                        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "%s %s%s%s.", transfer->peer,
                                           curl_endings[i].what, curl_endings[i].has_reason ? ": " : "",
                                           curl_endings[i].has_reason ? transfer->error : "");
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "%s cannot be asked: %s.", transfer->peer,
                           curl_easy_strerror(transfer->result));
}

static bool conclude(Exchange *exchange, Failure *reterr_failure) {
        const Transfer *transfer = exchange->transfer;

        if (!exchange->head_read && !read_head(exchange))
                exchange->arena_full = true;
        if (!exchange->arena_full && exchange->wish == HTTP_ENOUGH)
                return true;
        if (!exchange->arena_full && transfer->verdict == VERDICT_NONE && transfer->result == CURLE_OK) {
                exchange->reply->body = text_copy(exchange->arena, text_built(&exchange->body));
                if (exchange->body.length == 0 || exchange->reply->body.bytes)
                        return true;
                exchange->arena_full = true;
        }
        if (exchange->arena_full)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "%s sent more than this request has room for.",
                                   transfer->peer);
        if (transfer->verdict != VERDICT_NONE)
                return failure_set(reterr_failure, verdicts[transfer->verdict].kind, "%s %s.", transfer->peer,
                                   verdicts[transfer->verdict].what);
        return fail_by_curl(transfer, reterr_failure);
}

/* Makes the transfer and starts it, unless the program stops. */
static bool begin(const HttpRequest *request, Transfer **ret_transfer, Failure *reterr_failure) {
        _cleanup_(transfer_freep) Transfer *transfer = NULL;

        if (!engine)
                return failure_set(reterr_failure, FAILURE_CANCELLED, "The program is stopping.");
        if (!transfer_new(request, &installed, &transfer, reterr_failure))
                return false;
        engine_submit(engine, transfer);
        *ret_transfer = transfer;
        transfer = NULL;
        return true;
}

bool http_request(const HttpRequest *request, Arena *arena, HttpReply *ret_reply, Failure *reterr_failure) {
        _cleanup_(transfer_freep) Transfer *transfer = NULL;

        *ret_reply = (HttpReply){ 0 };
        pthread_rwlock_rdlock(&gate);
        const bool begun = begin(request, &transfer, reterr_failure);
        pthread_rwlock_unlock(&gate);
        if (!begun)
                return false;

        Exchange exchange = {
                .request = request,
                .transfer = transfer,
                .arena = arena,
                .reply = ret_reply,
                .body = text_builder(transfer->body_limit),
        };
        converse(&exchange);
        transfer_cancel(transfer);
        transfer_wait_released(transfer);
        const bool ok = conclude(&exchange, reterr_failure);
        text_builder_release(&exchange.body);
        return ok;
}

Text http_header(const HttpReply *reply, const char *name) {
        for (size_t i = 0; i < reply->header_count; i++)
                if (text_equal(reply->headers[i].name, text_of(name)))
                        return reply->headers[i].value;
        return TEXT_NONE;
}

/* A wait in units of `unit_us`, or -1 when the text is not a whole number (a fraction is cut off). */
static int64_t read_wait(Text text, int64_t unit_us) {
        Text whole = TEXT_NONE;
        int64_t count;

        if (!text_split(&text, '.', &whole) || !text_to_int64(whole, &count))
                return -1;
        if (count < 0)
                return 0;
        return count > LONGEST_WAIT_US / unit_us ? LONGEST_WAIT_US : count * unit_us;
}

int64_t http_retry_after_us(const HttpReply *reply, int64_t wall_us) {
        const int64_t finely_us = read_wait(http_header(reply, "retry-after-ms"), MILLISECONDS);
        if (finely_us >= 0)
                return finely_us;

        const Text after = http_header(reply, "retry-after");
        const int64_t after_us = read_wait(after, SECONDS);
        if (after_us >= 0)
                return after_us;

        char date[64] = "";
        if (after.length == 0 || after.length >= sizeof(date))
                return 0;
        memcpy(date, after.bytes, after.length);
        const time_t at = curl_getdate(date, NULL);
        if (at <= 0 || at > INT32_MAX * INT64_C(100) || (int64_t) at * SECONDS <= wall_us)
                return 0;
        const int64_t wait_us = (int64_t) at * SECONDS - wall_us;
        return wait_us < LONGEST_WAIT_US ? wait_us : LONGEST_WAIT_US;
}
