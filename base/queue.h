/* A queue between threads: many writers, many readers, a mutex inside, and optionally an eventfd that a poll loop
 * watches. Items are intrusive: the caller's struct begins with a QueueItem, nothing is copied or allocated.
 *
 * queue_put() from any thread, never blocks longer than the lock; queue_take() may wait.
 */
#pragma once

#include "base/defer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct QueueItem {
        struct QueueItem *next;
} QueueItem;

typedef struct Queue Queue;

/* with_descriptor: queue_descriptor() becomes readable when the queue stops being empty, or is closed. Aborts when
 * there is no descriptor left. */
Queue *queue_new(bool with_descriptor);
int queue_descriptor(const Queue *queue);
void queue_put(Queue *queue, QueueItem *item);
/* The same, unless it is closed: false, and the item is still the caller's. */
bool queue_offer(Queue *queue, QueueItem *item) _must_check_;
void queue_put_list(Queue *queue, QueueItem *first); /* linked by next, in order; one wake-up */
/* Waits at most wait_us (0 = not at all, -1 = until closed); NULL when nothing came, or it is closed and empty. */
QueueItem *queue_take(Queue *queue, int64_t wait_us);
/* Everything there is, in order, and clears the descriptor; NULL when empty. Never waits. */
QueueItem *queue_take_all(Queue *queue);
size_t queue_length(Queue *queue);
/* Those who wait return. Items may still be put and taken. */
void queue_close(Queue *queue);
/* Nobody may use the queue any more; items left in it are their owners'. */
void queue_free(Queue *queue);
DEFINE_RELEASE(Queue *, queue_free)
