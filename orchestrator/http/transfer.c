#include "orchestrator/http/transfer.h"

#include "orchestrator/http/address.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define HEAD_LIMIT     (64 * 1024) /* bytes of all reply headers */
#define INCOMING_LIMIT (64 * 1024) /* bytes that wait for the caller before the server has to */
#define CONNECT_TIME   (10 * SECONDS)
#define BODY_LIMIT     (1024 * 1024)

/* The body's bytes, on the curl thread. A piece that finds no room is kept by libcurl and comes again later. */
static size_t on_body(char *bytes, size_t one, size_t size, void *user) {
        Transfer *transfer = user;
        (void) one;

        transfer->activity_us = engine_now_us(transfer->engine);
        pthread_mutex_lock(&transfer->lock);
        transfer->head_complete = true;
        size_t taken = size;
        if (size > transfer->body_limit - transfer->received) {
                transfer->verdict = VERDICT_BODY_SIZE;
                taken = CURL_WRITEFUNC_ERROR;
        } else if (transfer->incoming.length > 0 && transfer->incoming.length + size > INCOMING_LIMIT) {
                transfer->paused = true;
                taken = CURL_WRITEFUNC_PAUSE;
        } else {
                text_add(&transfer->incoming, (Text){ bytes, size });
                transfer->received += size;
                pthread_cond_signal(&transfer->changed);
        }
        pthread_mutex_unlock(&transfer->lock);
        return taken;
}

/* One header line a call; interim replies (1xx) come first and are forgotten, trailers come last and are not kept. */
static size_t on_header(char *bytes, size_t one, size_t size, void *user) {
        Transfer *transfer = user;
        const Text line = { bytes, size };
        (void) one;

        transfer->activity_us = engine_now_us(transfer->engine);
        if (transfer->head_complete)
                return size;
        pthread_mutex_lock(&transfer->lock);
        if (text_starts_with(line, TEXT("HTTP/")))
                text_builder_reset(&transfer->head);
        text_add(&transfer->head, line);
        if (transfer->head.overflowed)
                transfer->verdict = VERDICT_HEAD_SIZE;
        pthread_mutex_unlock(&transfer->lock);
        return transfer->head.overflowed ? 0 : size;
}

/* A Unix socket never leaves this machine, and only the operator can name one. */
static Verdict judge_address(const Transfer *transfer, const Address *address) {
        if (transfer->unix_socket)
                return VERDICT_NONE;
        if (transfer->reach == HTTP_REACH_PUBLIC && !address_is_public(address))
                return VERDICT_REACH;
        if (transfer->must_be_loopback && !address_is_loopback(address))
                return VERDICT_PLAINTEXT;
        return VERDICT_NONE;
}

/* After the name was resolved and before anything is sent: the place that a second look-up cannot get around. */
static curl_socket_t on_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *target) {
        Transfer *transfer = user;
        Address address = { 0 };
        (void) purpose;

        if (target->addrlen <= sizeof(address.storage))
                memcpy(&address.storage, &target->addr, target->addrlen);
        transfer->verdict = judge_address(transfer, &address);
        if (transfer->verdict != VERDICT_NONE)
                return CURL_SOCKET_BAD;
        return socket(target->family, target->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, target->protocol);
}

/* Connected, perhaps over a connection that another request with other rights has opened. */
static int on_connected(void *user, char *primary_ip, char *local_ip, int primary_port, int local_port) {
        Transfer *transfer = user;
        Address address = { 0 };
        (void) local_ip;
        (void) primary_port;
        (void) local_port;

        (void) address_parse(primary_ip, &address);
        transfer->connected = true;
        transfer->activity_us = engine_now_us(transfer->engine);
        if (transfer->idle_us > 0)
                engine_look_at(transfer->engine, transfer, transfer->activity_us + transfer->idle_us);
        transfer->verdict = judge_address(transfer, &address);
        return transfer->verdict == VERDICT_NONE ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static bool is_token(Text text) {
        for (size_t i = 0; i < text.length; i++)
                if (text.bytes[i] <= ' ' || text.bytes[i] >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", text.bytes[i]))
                        return false;
        return text.length > 0;
}

static bool is_header_value(Text text) {
        for (size_t i = 0; i < text.length; i++)
                if (((unsigned char) text.bytes[i] < ' ' && text.bytes[i] != '\t') || text.bytes[i] == 0x7F)
                        return false;
        return true;
}

static bool add_header(Transfer *transfer, const char *line) {
        struct curl_slist *headers = curl_slist_append(transfer->headers, line);
        if (!headers)
                abort();
        transfer->headers = headers;
        return true;
}

static void release_secret(TextBuilder *builder) {
        if (builder->bytes)
                explicit_bzero(builder->bytes, builder->length);
        text_builder_release(builder);
}

static bool set_headers(Transfer *transfer, const HttpRequest *request, Failure *reterr_failure) {
        bool has_type = false;

        for (size_t i = 0; i < request->header_count; i++) {
                const HttpHeader *header = &request->headers[i];
                if (!is_token(header->name) || !is_header_value(header->value))
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "A header of the request has characters that headers cannot have.");
                _cleanup_(release_secret) TextBuilder line = text_builder(0);
                text_add(&line, header->name);
                text_add_string(&line, header->value.length > 0 ? ": " : ";");
                text_add(&line, header->value);
                add_header(transfer, line.bytes);
                has_type = has_type ||
                           (header->name.length == 12 && strncasecmp(header->name.bytes, "content-type", 12) == 0);
        }
        if (!has_type)
                add_header(transfer, "Content-Type:"); /* libcurl would claim a web form */
        return add_header(transfer, "Expect:");        /* libcurl would wait a second for 100 Continue */
}

static bool set_url(Transfer *transfer, Text url, bool allow_plaintext, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(64 * 1024);
        const char *string = text_string(arena, url);
        char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;

        transfer->url = curl_url();
        if (!transfer->url)
                abort();
        const bool parsed = string && curl_url_set(transfer->url, CURLUPART_URL, string, 0) == CURLUE_OK &&
                            curl_url_get(transfer->url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                            curl_url_get(transfer->url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                            curl_url_get(transfer->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
        const bool plaintext = parsed && strcmp(scheme, "http") == 0;
        const bool usable = plaintext || (parsed && strcmp(scheme, "https") == 0);
        const bool has_user = curl_url_get(transfer->url, CURLUPART_USER, &user, 0) == CURLUE_OK;
        if (parsed)
                (void) snprintf(transfer->peer, sizeof(transfer->peer), "%s:%s", host, port);
        if (transfer->unix_socket)
                (void) snprintf(transfer->peer, sizeof(transfer->peer), "%s", transfer->unix_socket);
        transfer->must_be_loopback = plaintext && !allow_plaintext;
        curl_free(scheme);
        curl_free(host);
        curl_free(port);
        curl_free(user);

        if (!usable)
                return failure_set(reterr_failure, FAILURE_INVALID, "The address is not an http:// or https:// URL.");
        if (has_user)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "The URL for %s holds a user name or password: give the key by its own setting.",
                                   transfer->peer);
        return true;
}

#define set(option, value)                                                                                             \
        do {                                                                                                           \
                if (curl_easy_setopt(transfer->easy, (option), (value)) != CURLE_OK)                                   \
                        return failure_set(reterr_failure, FAILURE_INTERNAL, "libcurl refuses %s.", #option);          \
        } while (false)

/* HTTP/1.1 only: a stream that waits for its caller then holds back its own connection and no other stream's. */
static bool set_transport(Transfer *transfer, const HttpSettings *settings, Failure *reterr_failure) {
        set(CURLOPT_CURLU, transfer->url);
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        set(CURLOPT_FOLLOWLOCATION, 0L);
        set(CURLOPT_PROXY, ""); /* also none from the environment */
        set(CURLOPT_UNIX_SOCKET_PATH, transfer->unix_socket);
        set(CURLOPT_NOSIGNAL, 1L);
        /* Without it, taking a transfer away while its name is being resolved waits for the resolver, and all others
         * with it. */
        set(CURLOPT_QUICK_EXIT, 1L);
        set(CURLOPT_SSL_VERIFYPEER, 1L);
        set(CURLOPT_SSL_VERIFYHOST, 2L);
        set(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
        if (settings->authorities)
                set(CURLOPT_CAINFO, settings->authorities);
        set(CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
        set(CURLOPT_USERAGENT, "aiox");
        return true;
}

static bool set_callbacks(Transfer *transfer, Failure *reterr_failure) {
        set(CURLOPT_PRIVATE, transfer);
        set(CURLOPT_ERRORBUFFER, transfer->error);
        set(CURLOPT_WRITEFUNCTION, on_body);
        set(CURLOPT_WRITEDATA, transfer);
        set(CURLOPT_HEADERFUNCTION, on_header);
        set(CURLOPT_HEADERDATA, transfer);
        set(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        set(CURLOPT_OPENSOCKETDATA, transfer);
        set(CURLOPT_PREREQFUNCTION, on_connected);
        set(CURLOPT_PREREQDATA, transfer);
        return true;
}

static bool set_request(Transfer *transfer, const HttpRequest *request, Failure *reterr_failure) {
        if (!is_token(text_of(request->method)))
                return failure_set(reterr_failure, FAILURE_INVALID, "The method of the request is not an HTTP method.");
        set(CURLOPT_HTTPHEADER, transfer->headers);
        if (strcmp(request->method, "HEAD") == 0) {
                set(CURLOPT_NOBODY, 1L);
                return true;
        }
        if (request->body.length > 0 || strcmp(request->method, "POST") == 0) {
                set(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body.length);
                set(CURLOPT_POSTFIELDS, request->body.length > 0 ? request->body.bytes : "");
        }
        set(CURLOPT_CUSTOMREQUEST, request->method);
        return true;
}
#undef set

static void make_lock(Transfer *transfer) {
        clock_condition_init(&transfer->changed);
        if (pthread_mutex_init(&transfer->lock, NULL) != 0)
                abort();
}

bool transfer_new(const HttpRequest *request, const HttpSettings *settings, Transfer **ret_transfer,
                  Failure *reterr_failure) {
        _cleanup_(transfer_freep) Transfer *transfer = memory_new(sizeof(*transfer));

        make_lock(transfer);
        transfer->reach = request->reach;
        transfer->unix_socket = request->unix_socket;
        transfer->deadline_us = request->deadline_us;
        transfer->connect_us = request->connect_us > 0 ? request->connect_us : CONNECT_TIME;
        transfer->idle_us = request->idle_us;
        transfer->stopped = request->stopped;
        transfer->listener = request->listener;
        transfer->body_limit = request->body_limit > 0 ? request->body_limit : BODY_LIMIT;
        transfer->head = text_builder(HEAD_LIMIT);
        transfer->incoming = text_builder(0);
        transfer->easy = curl_easy_init();
        if (!transfer->easy)
                abort();
        if (!set_url(transfer, request->url, settings->allow_plaintext, reterr_failure) ||
            !set_headers(transfer, request, reterr_failure) || !set_transport(transfer, settings, reterr_failure) ||
            !set_callbacks(transfer, reterr_failure) || !set_request(transfer, request, reterr_failure))
                return false;
        *ret_transfer = transfer;
        transfer = NULL;
        return true;
}

void transfer_free(Transfer *transfer) {
        for (struct curl_slist *header = transfer->headers; header; header = header->next)
                explicit_bzero(header->data, strlen(header->data));
        curl_easy_cleanup(transfer->easy);
        curl_slist_free_all(transfer->headers);
        curl_url_cleanup(transfer->url);
        text_builder_release(&transfer->head);
        text_builder_release(&transfer->incoming);
        pthread_cond_destroy(&transfer->changed);
        pthread_mutex_destroy(&transfer->lock);
        free(transfer);
}

static bool has_news(const Transfer *transfer) {
        return transfer->finished || transfer->incoming.length > 0;
}

TransferNews transfer_wait(Transfer *transfer, int64_t until_us, TextBuilder *buffer) {
        const struct timespec until = clock_timespec(until_us);
        TransferNews news = NEWS_NONE;

        text_builder_reset(buffer);
        pthread_mutex_lock(&transfer->lock);
        while (!has_news(transfer))
                if (pthread_cond_timedwait(&transfer->changed, &transfer->lock, &until) == ETIMEDOUT)
                        break;
        if (transfer->incoming.length > 0) {
                const TextBuilder full = transfer->incoming;
                transfer->incoming = *buffer;
                *buffer = full;
                news = NEWS_DATA;
                if (transfer->paused && !transfer->finished)
                        engine_attend(transfer->engine, transfer);
        } else if (transfer->finished) {
                news = NEWS_FINISHED;
        }
        pthread_mutex_unlock(&transfer->lock);
        return news;
}

void transfer_cancel(Transfer *transfer) {
        pthread_mutex_lock(&transfer->lock);
        if (!transfer->finished) {
                transfer->cancelled = true;
                engine_attend(transfer->engine, transfer);
        }
        pthread_mutex_unlock(&transfer->lock);
}

void transfer_wait_released(Transfer *transfer) {
        pthread_mutex_lock(&transfer->lock);
        while (!transfer->released)
                pthread_cond_wait(&transfer->changed, &transfer->lock);
        pthread_mutex_unlock(&transfer->lock);
}

/* A server that still takes our bytes is not silent, and one that waits for our caller is not to blame. */
static bool is_busy(Transfer *transfer) {
        curl_off_t uploaded = 0;

        pthread_mutex_lock(&transfer->lock);
        const bool paused = transfer->paused;
        pthread_mutex_unlock(&transfer->lock);
        (void) curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
        const bool busy = paused || uploaded != transfer->uploaded;
        transfer->uploaded = uploaded;
        return busy;
}

Verdict transfer_overdue(Transfer *transfer, int64_t now_us, int64_t *ret_due_us) {
        Verdict next = VERDICT_DEADLINE;
        int64_t due_us = transfer->deadline_us;

        const int64_t patience_us = transfer->connected ? transfer->idle_us : transfer->connect_us;
        if (patience_us > 0) {
                if (transfer->connected && transfer->activity_us + patience_us <= now_us && is_busy(transfer))
                        transfer->activity_us = now_us;
                if (transfer->activity_us + patience_us < due_us) {
                        due_us = transfer->activity_us + patience_us;
                        next = transfer->connected ? VERDICT_IDLE : VERDICT_CONNECT_TIME;
                }
        }
        *ret_due_us = due_us;
        return due_us <= now_us ? next : VERDICT_NONE;
}
