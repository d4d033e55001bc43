/* One transfer, as the calling thread and the curl thread share it: made and released by the caller, driven by the curl
 * thread from engine_submit() until it lets go. What both touch is under `lock`; the rest says whose it is. Internal to
 * this folder.
 */
#pragma once

#include "orchestrator/http/engine.h"
#include "orchestrator/http/http.h"
#include "orchestrator/http/wheel.h"

#include "base/queue.h"

#include <curl/curl.h>
#include <pthread.h>

/* Why we ended it, other than curl did. */
typedef enum Verdict {
        VERDICT_NONE,
        VERDICT_REACH,
        VERDICT_PLAINTEXT,
        VERDICT_HEAD_SIZE,
        VERDICT_BODY_SIZE,
        VERDICT_DEADLINE,
        VERDICT_CONNECT_TIME,
        VERDICT_IDLE,
        VERDICT_CANCELLED, /* by the caller, or because the program stops */
        VERDICT_COUNT,
} Verdict;

struct Transfer {
        QueueItem item; /* first: the engine's queue holds it while `queued` */

        /* Set when made. */
        Engine *engine;
        CURL *easy;
        CURLU *url;
        struct curl_slist *headers;
        char peer[300];          /* host:port or the socket's path, for sentences */
        const char *unix_socket; /* of the request; NULL = none */
        HttpReach reach;
        bool must_be_loopback; /* plain text, and not allowed elsewhere */
        int64_t deadline_us, connect_us, idle_us;
        size_t body_limit;
        bool (*stopped)(void *listener);
        void *listener;

        /* The curl thread's. */
        WheelEntry timer;
        struct Transfer *next, **link; /* among those running; NULL link = not running */
        int64_t activity_us;
        curl_off_t uploaded;
        bool connected;
        size_t received;

        /* Under the lock. */
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool queued, cancelled, paused, finished, released;
        bool head_complete;
        TextBuilder head, incoming;
        Verdict verdict;
        CURLcode result;
        long system_error; /* errno of a connection that failed */
        char error[CURL_ERROR_SIZE];
};

/* FAILURE_INVALID names what is wrong with the request. The request's texts must live as long as the transfer. */
bool transfer_new(const HttpRequest *request, const HttpSettings *settings, Transfer **ret_transfer,
                  Failure *reterr_failure) _must_check_;
void transfer_free(Transfer *transfer);
DEFINE_RELEASE(Transfer *, transfer_free)

/* The caller's side. */
typedef enum TransferNews { NEWS_NONE, NEWS_DATA, NEWS_FINISHED } TransferNews;
/* Waits until something comes or until_us. DATA: *buffer was swapped for what came; FINISHED: nothing more will come.
 */
TransferNews transfer_wait(Transfer *transfer, int64_t until_us, TextBuilder *buffer);
void transfer_cancel(Transfer *transfer);
void transfer_wait_released(Transfer *transfer);

/* The curl thread's side: which of its limits the transfer has passed, or when to look again. */
Verdict transfer_overdue(Transfer *transfer, int64_t now_us, int64_t *ret_due_us);
