#include "orchestrator/http/engine.h"

#include "base/log.h"
#include "base/thread.h"
#include "orchestrator/http/transfer.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define KEPT_CONNECTIONS 1024L /* open at once and idle ones kept; beyond it the oldest idle one is closed */
#define EVENTS           64
#define ASK_US           (100 * MILLISECONDS) /* how often callers are asked whether they still want to know */

struct Engine {
        pthread_t thread;
        CURLM *multi;
        int epoll;
        Queue *queue; /* of transfers that want something */
        Wheel *wheel;
        Transfer *running;
        int64_t now_us;
        int64_t curl_due_us; /* when curl wants to be called; INT64_MAX = not */
        int64_t ask_due_us;  /* when the callers are asked next; INT64_MAX = nobody is to be asked */
        atomic_int open;     /* submitted and not released */
        atomic_bool stopping;
        QueueItem wake; /* queued once, by engine_free() */
};

int64_t engine_now_us(const Engine *engine) {
        return engine->now_us;
}

/* Curl asks to watch a descriptor, to watch it for something else, or to forget it. It is never told of a failure here,
 * because it would then fail every transfer; the one concerned runs into its idle time. */
static int on_socket(CURL *easy, curl_socket_t descriptor, int what, void *user, void *known) {
        Engine *engine = user;
        struct epoll_event event = { .data.fd = descriptor };
        (void) easy;

        if (what == CURL_POLL_REMOVE) {
                (void) epoll_ctl(engine->epoll, EPOLL_CTL_DEL, descriptor, NULL);
                return 0;
        }
        event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
        if (epoll_ctl(engine->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event) != 0)
                log_warning("a connection cannot be watched", "error", LOG_INTEGER, (int64_t) errno);
        else if (!known)
                (void) curl_multi_assign(engine->multi, descriptor, engine);
        return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user) {
        Engine *engine = user;
        (void) multi;

        engine->curl_due_us = timeout_ms < 0 ? INT64_MAX : engine->now_us + timeout_ms * MILLISECONDS;
        return 0;
}

void engine_look_at(Engine *engine, Transfer *transfer, int64_t due_us) {
        if (!transfer->timer.link || due_us < transfer->timer.due_us)
                wheel_put(engine->wheel, &transfer->timer, due_us);
}

static Transfer *transfer_of_timer(WheelEntry *entry) {
        return (Transfer *) ((char *) entry - offsetof(Transfer, timer));
}

/* Under the transfer's lock: the last that this thread does with it. */
static void let_go(Engine *engine, Transfer *transfer) {
        transfer->released = true;
        pthread_cond_signal(&transfer->changed);
        atomic_fetch_sub(&engine->open, 1);
}

/* An item that is still queued keeps the transfer until its turn comes. */
static void finish(Engine *engine, Transfer *transfer, Verdict verdict, CURLcode result) {
        if (transfer->link) {
                (void) curl_multi_remove_handle(engine->multi, transfer->easy);
                *transfer->link = transfer->next;
                if (transfer->next)
                        transfer->next->link = transfer->link;
                transfer->link = NULL;
        }
        wheel_remove(engine->wheel, &transfer->timer);
        (void) curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &transfer->system_error);

        pthread_mutex_lock(&transfer->lock);
        transfer->finished = true;
        transfer->head_complete = true;
        if (verdict != VERDICT_NONE)
                transfer->verdict = verdict;
        transfer->result = result;
        pthread_cond_signal(&transfer->changed);
        if (!transfer->queued)
                let_go(engine, transfer);
        pthread_mutex_unlock(&transfer->lock);
}

/* Looks at the limits of a transfer; ends it or looks again when the next one is due. */
static void check_limits(Engine *engine, Transfer *transfer) {
        int64_t due_us;
        const Verdict verdict = transfer_overdue(transfer, engine->now_us, &due_us);

        if (verdict != VERDICT_NONE)
                finish(engine, transfer, verdict, CURLE_OPERATION_TIMEDOUT);
        else
                engine_look_at(engine, transfer, due_us);
}

/* One thread asks for all: as many threads that each wake up to look would cost more than their streams do. */
static void ask_callers(Engine *engine) {
        Transfer *next;

        engine->ask_due_us = INT64_MAX;
        for (Transfer *transfer = engine->running; transfer; transfer = next) {
                next = transfer->next;
                if (!transfer->stopped)
                        continue;
                if (transfer->stopped(transfer->listener))
                        finish(engine, transfer, VERDICT_CANCELLED, CURLE_ABORTED_BY_CALLBACK);
                else
                        engine->ask_due_us = engine->now_us + ASK_US;
        }
}

static void begin(Engine *engine, Transfer *transfer) {
        transfer->activity_us = engine->now_us;
        transfer->next = engine->running;
        transfer->link = &engine->running;
        if (transfer->next)
                transfer->next->link = &transfer->next;
        engine->running = transfer;
        if (transfer->stopped && engine->ask_due_us == INT64_MAX)
                engine->ask_due_us = engine->now_us + ASK_US;
        if (curl_multi_add_handle(engine->multi, transfer->easy) != CURLM_OK)
                finish(engine, transfer, VERDICT_NONE, CURLE_FAILED_INIT);
        else
                check_limits(engine, transfer);
}

static void attend(Engine *engine, Transfer *transfer) {
        pthread_mutex_lock(&transfer->lock);
        transfer->queued = false;
        const bool finished = transfer->finished;
        const bool cancelled = transfer->cancelled || atomic_load(&engine->stopping);
        const bool resumes = transfer->paused;
        transfer->paused = false;
        if (finished)
                let_go(engine, transfer);
        pthread_mutex_unlock(&transfer->lock);

        if (finished)
                return;
        if (cancelled) {
                finish(engine, transfer, VERDICT_CANCELLED, CURLE_ABORTED_BY_CALLBACK);
        } else if (!transfer->link) {
                begin(engine, transfer);
        } else if (resumes) {
                transfer->activity_us = engine->now_us;
                (void) curl_easy_pause(transfer->easy, CURLPAUSE_CONT); /* may hand over pieces, and pause again */
        }
}

static void attend_queue(Engine *engine) {
        QueueItem *next;

        for (QueueItem *item = queue_take_all(engine->queue); item; item = next) {
                next = item->next;
                if (item != &engine->wake)
                        attend(engine, (Transfer *) item);
        }
}

static void collect_finished(Engine *engine) {
        const CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(engine->multi, &left))) {
                Transfer *transfer = NULL;
                const CURLcode result = message->data.result;
                (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
                finish(engine, transfer, VERDICT_NONE, result);
        }
}

static int64_t sooner(int64_t a_us, int64_t b_us) {
        return a_us < b_us ? a_us : b_us;
}

static int wait_ms(const Engine *engine) {
        const int64_t due_us = sooner(sooner(engine->curl_due_us, engine->ask_due_us), wheel_next_us(engine->wheel));
        const int64_t now_us = clock_now().monotonic_us;

        if (due_us == INT64_MAX)
                return -1;
        if (due_us <= now_us)
                return 0;
        const int64_t wait_us = due_us - now_us;
        return wait_us > 60 * SECONDS ? 60000 : (int) ((wait_us + MILLISECONDS - 1) / MILLISECONDS);
}

static void serve_round(Engine *engine) {
        struct epoll_event events[EVENTS];
        int running;
        WheelEntry *entry;

        const int count = epoll_wait(engine->epoll, events, EVENTS, wait_ms(engine));
        engine->now_us = clock_now().monotonic_us;
        for (int i = 0; i < count; i++) {
                const uint32_t seen = events[i].events;
                if (events[i].data.fd == queue_descriptor(engine->queue)) {
                        attend_queue(engine);
                        continue;
                }
                const int what = (seen & EPOLLIN ? CURL_CSELECT_IN : 0) | (seen & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                                 (seen & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
                (void) curl_multi_socket_action(engine->multi, events[i].data.fd, what, &running);
        }
        if (engine->curl_due_us <= engine->now_us) {
                engine->curl_due_us = INT64_MAX;
                (void) curl_multi_socket_action(engine->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        collect_finished(engine);
        while ((entry = wheel_take(engine->wheel, engine->now_us)))
                check_limits(engine, transfer_of_timer(entry));
        if (engine->ask_due_us <= engine->now_us)
                ask_callers(engine);
}

static void *run(void *user) {
        Engine *engine = user;

        (void) pthread_setname_np(pthread_self(), "aiox-http");
        engine->now_us = clock_now().monotonic_us;
        while (!atomic_load(&engine->stopping) || atomic_load(&engine->open) > 0) {
                serve_round(engine);
                while (atomic_load(&engine->stopping) && engine->running)
                        finish(engine, engine->running, VERDICT_CANCELLED, CURLE_ABORTED_BY_CALLBACK);
        }
        return NULL;
}

static void release(Engine *engine) {
        if (engine->multi)
                (void) curl_multi_cleanup(engine->multi);
        close_fdp(&engine->epoll);
        queue_free(engine->queue);
        wheel_free(engine->wheel);
        free(engine);
}

static bool set_up(Engine *engine) {
        struct epoll_event event = { .events = EPOLLIN, .data.fd = queue_descriptor(engine->queue) };

        return engine->multi && engine->epoll >= 0 &&
               epoll_ctl(engine->epoll, EPOLL_CTL_ADD, event.data.fd, &event) == 0 &&
               curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
               curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine) == CURLM_OK &&
               curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
               curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine) == CURLM_OK &&
               curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS) == CURLM_OK;
}

bool engine_new(Engine **ret_engine, Failure *reterr_failure) {
        Engine *engine = memory_new(sizeof(*engine));

        engine->curl_due_us = INT64_MAX;
        engine->ask_due_us = INT64_MAX;
        engine->now_us = clock_now().monotonic_us;
        engine->queue = queue_new(true);
        engine->wheel = wheel_new(engine->now_us);
        engine->multi = curl_multi_init();
        engine->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (!set_up(engine) || thread_start(&engine->thread, NULL, run, engine) != 0) {
                const int error = errno;
                release(engine);
                return failure_set(
                        reterr_failure, FAILURE_INTERNAL,
                        "The thread for outbound HTTP cannot start (error %d): check the limits of open files "
                        "and threads.",
                        error);
        }
        *ret_engine = engine;
        return true;
}

void engine_submit(Engine *engine, Transfer *transfer) {
        transfer->engine = engine;
        atomic_fetch_add(&engine->open, 1);
        pthread_mutex_lock(&transfer->lock);
        engine_attend(engine, transfer);
        pthread_mutex_unlock(&transfer->lock);
}

void engine_attend(Engine *engine, Transfer *transfer) {
        if (transfer->queued)
                return;
        transfer->queued = true;
        queue_put(engine->queue, &transfer->item);
}

void engine_free(Engine *engine) {
        atomic_store(&engine->stopping, true);
        queue_put(engine->queue, &engine->wake);
        pthread_join(engine->thread, NULL);
        release(engine);
}
