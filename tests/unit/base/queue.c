#include "base/queue.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#define WRITERS        4
#define READERS        3
#define ITEMS_A_WRITER 5000
#define PATIENCE_US    (20 * SECONDS)
#define PATIENCE_MS    20000

typedef struct Item {
        QueueItem link;
        size_t writer, number;
} Item;

static bool is_readable(const Queue *queue, int wait_ms) {
        struct pollfd watched = { .fd = queue_descriptor(queue), .events = POLLIN };
        return poll(&watched, 1, wait_ms) == 1;
}

START_TEST(items_come_in_order) {
        _cleanup_(queue_freep) Queue *queue = queue_new(false);
        Item items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
        ck_assert_int_eq(queue_descriptor(queue), -1);
        ck_assert_ptr_null(queue_take(queue, 0));
        for (size_t i = 0; i < COUNT_OF(items); i++)
                queue_put(queue, &items[i].link);
        ck_assert_uint_eq(queue_length(queue), 3);
        for (size_t i = 0; i < COUNT_OF(items); i++)
                ck_assert_ptr_eq(queue_take(queue, 0), &items[i].link);
        ck_assert_ptr_null(queue_take(queue, 0));
        queue_put(queue, &items[0].link);
        ck_assert_ptr_eq(queue_take(queue, 0), &items[0].link);
}
END_TEST

START_TEST(lists_go_in_and_come_out_whole) {
        _cleanup_(queue_freep) Queue *queue = queue_new(true);
        Item items[4] = { { .number = 0 }, { .number = 1 }, { .number = 2 }, { .number = 3 } };
        items[1].link.next = &items[2].link;
        items[2].link.next = &items[3].link;
        queue_put_list(queue, NULL);
        ck_assert(!is_readable(queue, 0));
        queue_put(queue, &items[0].link);
        queue_put_list(queue, &items[1].link);
        ck_assert_uint_eq(queue_length(queue), 4);
        QueueItem *item = queue_take_all(queue);
        for (size_t i = 0; i < COUNT_OF(items); i++, item = item->next)
                ck_assert_ptr_eq(item, &items[i].link);
        ck_assert_ptr_null(item);
        ck_assert_ptr_null(queue_take_all(queue));
        ck_assert_uint_eq(queue_length(queue), 0);
}
END_TEST

START_TEST(descriptor_says_whether_there_is_something) {
        _cleanup_(queue_freep) Queue *queue = queue_new(true);
        Item items[2] = { { .number = 0 }, { .number = 1 } };
        ck_assert(!is_readable(queue, 0));
        queue_put(queue, &items[0].link);
        queue_put(queue, &items[1].link);
        ck_assert(is_readable(queue, 0));
        ck_assert_ptr_nonnull(queue_take(queue, 0));
        ck_assert(is_readable(queue, 0));
        ck_assert_ptr_nonnull(queue_take(queue, 0));
        ck_assert(!is_readable(queue, 0));
        queue_put(queue, &items[0].link);
        ck_assert(is_readable(queue, 0));
        ck_assert_ptr_nonnull(queue_take_all(queue));
        ck_assert(!is_readable(queue, 0));
        queue_close(queue);
        ck_assert(is_readable(queue, 0));
}
END_TEST

START_TEST(waiting_ends_when_time_is_up) {
        _cleanup_(queue_freep) Queue *queue = queue_new(false);
        int64_t before_us = clock_now().monotonic_us;
        ck_assert_ptr_null(queue_take(queue, 20 * MILLISECONDS));
        ck_assert_int_ge(clock_now().monotonic_us - before_us, 20 * MILLISECONDS);
}
END_TEST

START_TEST(closed_queue_gives_what_is_left_and_does_not_wait) {
        _cleanup_(queue_freep) Queue *queue = queue_new(false);
        Item item = { .number = 0 };
        queue_put(queue, &item.link);
        queue_close(queue);
        ck_assert_ptr_eq(queue_take(queue, -1), &item.link);
        ck_assert_ptr_null(queue_take(queue, -1));
        ck_assert_ptr_null(queue_take(queue, INT64_MAX));
}
END_TEST

START_TEST(closed_queue_takes_no_offer) {
        _cleanup_(queue_freep) Queue *queue = queue_new(true);
        Item items[2] = { 0 };
        ck_assert(queue_offer(queue, &items[0].link));
        queue_close(queue);
        ck_assert(!queue_offer(queue, &items[1].link));
        ck_assert_uint_eq(queue_length(queue), 1);
        ck_assert_ptr_eq(queue_take_all(queue), &items[0].link);
}
END_TEST

static void *take_forever(void *argument) {
        return queue_take(argument, -1);
}

START_TEST(closing_wakes_all_who_wait) {
        _cleanup_(queue_freep) Queue *queue = queue_new(false);
        pthread_t threads[READERS];
        for (size_t i = 0; i < READERS; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, take_forever, queue), 0);
        queue_close(queue);
        for (size_t i = 0; i < READERS; i++) {
                void *result;
                ck_assert_int_eq(pthread_join(threads[i], &result), 0);
                ck_assert_ptr_null(result);
        }
}
END_TEST

typedef struct Crowd {
        Queue *queue;
        Item *items;
        _Atomic size_t next_writer, taken, out_of_order;
} Crowd;

static void *write_items(void *argument) {
        Crowd *crowd = argument;
        size_t writer = atomic_fetch_add(&crowd->next_writer, 1);
        Item *items = crowd->items + writer * ITEMS_A_WRITER;
        for (size_t i = 0; i < ITEMS_A_WRITER; i++) {
                items[i] = (Item){ .writer = writer, .number = i };
                queue_put(crowd->queue, &items[i].link);
        }
        return NULL;
}

/* What one reader sees of one writer is in that writer's order. */
static void *read_items(void *argument) {
        Crowd *crowd = argument;
        size_t last[WRITERS] = { 0 };
        for (Item *item; (item = (Item *) queue_take(crowd->queue, -1));) {
                if (item->number < last[item->writer])
                        atomic_fetch_add(&crowd->out_of_order, 1);
                last[item->writer] = item->number;
                atomic_fetch_add(&crowd->taken, 1);
        }
        return NULL;
}

START_TEST(many_writers_and_readers_lose_nothing) {
        _cleanup_(queue_freep) Queue *queue = queue_new(true);
        _cleanup_(free_memoryp) Item *items = memory_new(sizeof(Item) * WRITERS * ITEMS_A_WRITER);
        Crowd crowd = { .queue = queue, .items = items };
        pthread_t writers[WRITERS], readers[READERS];
        for (size_t i = 0; i < READERS; i++)
                ck_assert_int_eq(pthread_create(&readers[i], NULL, read_items, &crowd), 0);
        for (size_t i = 0; i < WRITERS; i++)
                ck_assert_int_eq(pthread_create(&writers[i], NULL, write_items, &crowd), 0);
        for (size_t i = 0; i < WRITERS; i++)
                pthread_join(writers[i], NULL);
        queue_close(queue);
        for (size_t i = 0; i < READERS; i++)
                pthread_join(readers[i], NULL);
        ck_assert_uint_eq(crowd.taken, WRITERS * ITEMS_A_WRITER);
        ck_assert_uint_eq(crowd.out_of_order, 0);
}
END_TEST

START_TEST(poll_loop_never_misses_a_wake_up) {
        _cleanup_(queue_freep) Queue *queue = queue_new(true);
        _cleanup_(free_memoryp) Item *items = memory_new(sizeof(Item) * WRITERS * ITEMS_A_WRITER);
        Crowd crowd = { .queue = queue, .items = items };
        pthread_t writers[WRITERS];
        for (size_t i = 0; i < WRITERS; i++)
                ck_assert_int_eq(pthread_create(&writers[i], NULL, write_items, &crowd), 0);
        for (size_t taken = 0; taken < WRITERS * ITEMS_A_WRITER;) {
                ck_assert(is_readable(queue, PATIENCE_MS));
                for (QueueItem *item = queue_take_all(queue); item; item = item->next)
                        taken++;
        }
        for (size_t i = 0; i < WRITERS; i++)
                pthread_join(writers[i], NULL);
        ck_assert_ptr_null(queue_take(queue, 0));
}
END_TEST

static void *put_one(void *argument) {
        static Item item;
        queue_put(argument, &item.link);
        return NULL;
}

START_TEST(put_wakes_who_waits) {
        _cleanup_(queue_freep) Queue *queue = queue_new(false);
        pthread_t writer;
        ck_assert_int_eq(pthread_create(&writer, NULL, put_one, queue), 0);
        ck_assert_ptr_nonnull(queue_take(queue, PATIENCE_US));
        pthread_join(writer, NULL);
}
END_TEST

UNIT_TESTS("base/queue", items_come_in_order, lists_go_in_and_come_out_whole,
           descriptor_says_whether_there_is_something, waiting_ends_when_time_is_up,
           closed_queue_gives_what_is_left_and_does_not_wait, closed_queue_takes_no_offer, closing_wakes_all_who_wait,
           many_writers_and_readers_lose_nothing, poll_loop_never_misses_a_wake_up, put_wakes_who_waits)
