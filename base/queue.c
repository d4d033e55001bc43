#include "base/queue.h"
#include "base/arena.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

struct Queue {
        pthread_mutex_t lock;
        pthread_cond_t filled;
        QueueItem *first, **end;
        size_t length;
        size_t waiting; /* threads, in queue_take() */
        bool waking;    /* one of them was signalled, and is not up yet */
        int descriptor; /* -1 without */
        bool closed;
};

Queue *queue_new(bool with_descriptor) {
        Queue *queue = memory_new(sizeof(Queue));
        clock_condition_init(&queue->filled);
        if (pthread_mutex_init(&queue->lock, NULL) != 0)
                abort();
        queue->end = &queue->first;
        queue->descriptor = with_descriptor ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
        if (with_descriptor && queue->descriptor < 0)
                abort();
        return queue;
}

int queue_descriptor(const Queue *queue) {
        return queue->descriptor;
}

/* An eventfd's counter that is full stays readable, so a failed write loses nothing; nor does a failed read of one that
 * is clear. */
static void set_descriptor(const Queue *queue) {
        if (queue->descriptor >= 0)
                (void) !write(queue->descriptor, &(uint64_t){ 1 }, sizeof(uint64_t));
}

static void clear_descriptor(const Queue *queue) {
        if (queue->descriptor >= 0)
                (void) !read(queue->descriptor, &(uint64_t){ 0 }, sizeof(uint64_t));
}

/* With the lock held: whether to signal, after it. One thread wakes the next when it is up and leaves something, so
 * that short work is done by those who are awake, and long work still wakes all. */
static bool wakes_one(Queue *queue) {
        if (!queue->first || queue->waiting == 0 || queue->waking)
                return false;
        queue->waking = true;
        return true;
}

static bool put_list(Queue *queue, QueueItem *first, bool also_when_closed) {
        size_t count = 0;
        QueueItem **end = &first;
        for (; *end; end = &(*end)->next)
                count++;
        if (count == 0)
                return true;
        pthread_mutex_lock(&queue->lock);
        if (queue->closed && !also_when_closed) {
                pthread_mutex_unlock(&queue->lock);
                return false;
        }
        bool was_empty = queue->length == 0;
        *queue->end = first;
        queue->end = end;
        queue->length += count;
        bool wake = wakes_one(queue);
        pthread_mutex_unlock(&queue->lock);
        /* Without the lock, so that whoever wakes finds it free. */
        if (was_empty)
                set_descriptor(queue);
        if (wake)
                pthread_cond_signal(&queue->filled);
        return true;
}

void queue_put(Queue *queue, QueueItem *item) {
        item->next = NULL;
        put_list(queue, item, true);
}

bool queue_offer(Queue *queue, QueueItem *item) {
        item->next = NULL;
        return put_list(queue, item, false);
}

void queue_put_list(Queue *queue, QueueItem *first) {
        put_list(queue, first, true);
}

static struct timespec deadline_in(int64_t wait_us) {
        int64_t now_us = clock_now().monotonic_us, deadline_us;
        if (__builtin_add_overflow(now_us, wait_us, &deadline_us))
                deadline_us = INT64_MAX;
        return clock_timespec(deadline_us);
}

/* With the lock held; returns when there is an item, the queue is closed, or time is up. */
static void wait_for_item(Queue *queue, int64_t wait_us) {
        struct timespec deadline = { 0 };
        if (wait_us > 0)
                deadline = deadline_in(wait_us);
        queue->waiting++;
        for (bool in_time = true; in_time && !queue->first && !queue->closed;) {
                if (wait_us < 0)
                        pthread_cond_wait(&queue->filled, &queue->lock);
                else
                        in_time = pthread_cond_timedwait(&queue->filled, &queue->lock, &deadline) != ETIMEDOUT;
                queue->waking = false;
        }
        queue->waiting--;
}

QueueItem *queue_take(Queue *queue, int64_t wait_us) {
        pthread_mutex_lock(&queue->lock);
        if (!queue->first && wait_us != 0)
                wait_for_item(queue, wait_us);
        QueueItem *item = queue->first;
        if (item) {
                queue->first = item->next;
                item->next = NULL;
                queue->length--;
        }
        if (item && queue->length == 0) {
                queue->end = &queue->first;
                clear_descriptor(queue);
        }
        bool wake = wakes_one(queue);
        pthread_mutex_unlock(&queue->lock);
        if (wake)
                pthread_cond_signal(&queue->filled);
        return item;
}

QueueItem *queue_take_all(Queue *queue) {
        pthread_mutex_lock(&queue->lock);
        QueueItem *first = queue->first;
        queue->first = NULL;
        queue->end = &queue->first;
        queue->length = 0;
        clear_descriptor(queue);
        pthread_mutex_unlock(&queue->lock);
        return first;
}

size_t queue_length(Queue *queue) {
        pthread_mutex_lock(&queue->lock);
        size_t length = queue->length;
        pthread_mutex_unlock(&queue->lock);
        return length;
}

void queue_close(Queue *queue) {
        pthread_mutex_lock(&queue->lock);
        queue->closed = true;
        set_descriptor(queue);
        pthread_cond_broadcast(&queue->filled);
        pthread_mutex_unlock(&queue->lock);
}

void queue_free(Queue *queue) {
        close_fdp(&queue->descriptor);
        pthread_cond_destroy(&queue->filled);
        pthread_mutex_destroy(&queue->lock);
        free(queue);
}
