#include "base/log.h"
#include "base/arena.h"
#include "base/log_line.h"
#include "base/thread.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

#define RING_SIZE 1024 /* records; a power of two */

/* A bounded queue of many writers and one reader, after Dmitry Vyukov: a slot's turn says whose it is. A turn equal to
 * the ticket: free for the writer with that ticket; one more: filled, for the reader. Writers format in place. */
static struct {
        char (*lines)[LOG_LINE_SIZE];
        size_t lengths[RING_SIZE];
        _Atomic uint64_t turns[RING_SIZE];
        _Atomic uint64_t next_ticket;
        uint64_t next_read, reported; /* the writer thread's */
        sem_t filled;
        pthread_t thread;
        _Atomic bool running;
} ring;

static _Atomic int least_level = LOG_LEVEL_INFO;
static _Atomic uint64_t dropped;

static bool is_terminal(void) {
        static _Atomic int known = -1; /* asked once; of two threads that ask, both get the same answer */
        if (known < 0)
                known = isatty(STDERR_FILENO) == 1;
        return known == 1;
}

static size_t format(char bytes[static LOG_LINE_SIZE], LogLevel level, const char *sentence, va_list fields) {
        return log_line(bytes, is_terminal(), level, sentence, fields);
}

static void write_out(const char *bytes, size_t length) {
        while (length > 0) {
                ssize_t written = write(STDERR_FILENO, bytes, length);
                if (written < 0 && errno != EINTR)
                        return; /* there is nowhere to say so */
                if (written > 0) {
                        bytes += written;
                        length -= (size_t) written;
                }
        }
}

/* The ticket of a free slot, or none when the ring is full. */
static bool take_ticket(uint64_t *ret_ticket) {
        uint64_t ticket = atomic_load_explicit(&ring.next_ticket, memory_order_relaxed);
        for (;;) {
                uint64_t turn = atomic_load_explicit(&ring.turns[ticket % RING_SIZE], memory_order_acquire);
                if (turn < ticket)
                        return false;
                if (turn > ticket)
                        ticket = atomic_load_explicit(&ring.next_ticket, memory_order_relaxed);
                else if (atomic_compare_exchange_weak_explicit(&ring.next_ticket, &ticket, ticket + 1,
                                                               memory_order_relaxed, memory_order_relaxed))
                        break;
        }
        *ret_ticket = ticket;
        return true;
}

static void write_record(LogLevel level, const char *sentence, va_list fields) {
        if (!ring.running) {
                char bytes[LOG_LINE_SIZE] = { 0 };
                write_out(bytes, format(bytes, level, sentence, fields));
                return;
        }
        uint64_t ticket;
        if (!take_ticket(&ticket)) {
                atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
                return;
        }
        size_t slot = ticket % RING_SIZE;
        ring.lengths[slot] = format(ring.lines[slot], level, sentence, fields);
        atomic_store_explicit(&ring.turns[slot], ticket + 1, memory_order_release);
        sem_post(&ring.filled);
}

void log_write(LogLevel level, const char *sentence, ...) {
        if ((int) level < atomic_load_explicit(&least_level, memory_order_relaxed))
                return;
        int kept_errno = errno;
        va_list fields;
        va_start(fields, sentence);
        write_record(level, sentence, fields);
        va_end(fields);
        errno = kept_errno;
}

static void write_direct(LogLevel level, const char *sentence, ...) __attribute__((sentinel));
static void write_direct(LogLevel level, const char *sentence, ...) {
        char bytes[LOG_LINE_SIZE] = { 0 };
        va_list fields;
        va_start(fields, sentence);
        write_out(bytes, format(bytes, level, sentence, fields));
        va_end(fields);
}

static void report_dropped(void) {
        uint64_t now = log_dropped();
        if (now == ring.reported)
                return;
        write_direct(LOG_LEVEL_WARNING, "log records were dropped", "count", LOG_INTEGER,
                     (int64_t) (now - ring.reported), NULL);
        ring.reported = now;
}

static void empty_ring(void) {
        for (;; ring.next_read++) {
                size_t slot = ring.next_read % RING_SIZE;
                if (atomic_load_explicit(&ring.turns[slot], memory_order_acquire) != ring.next_read + 1)
                        return;
                write_out(ring.lines[slot], ring.lengths[slot]);
                atomic_store_explicit(&ring.turns[slot], ring.next_read + RING_SIZE, memory_order_release);
        }
}

static void *run_writer(void *unused) {
        while (ring.running) {
                if (sem_wait(&ring.filled) == 0)
                        empty_ring();
                report_dropped();
        }
        empty_ring();
        report_dropped();
        return unused;
}

void log_start(LogLevel least) {
        log_set_level(least);
        if (ring.running)
                return;
        ring.lines = memory_new(sizeof(*ring.lines) * RING_SIZE);
        for (size_t i = 0; i < RING_SIZE; i++)
                ring.turns[i] = i;
        ring.next_ticket = ring.next_read = 0;
        ring.reported = log_dropped();
        if (sem_init(&ring.filled, 0, 0) != 0)
                abort();
        ring.running = true;
        if (thread_start(&ring.thread, NULL, run_writer, NULL) != 0)
                ring.running = false; /* records are written directly */
}

void log_stop(void) {
        if (!ring.running)
                return;
        ring.running = false;
        sem_post(&ring.filled);
        pthread_join(ring.thread, NULL);
        empty_ring();
        sem_destroy(&ring.filled);
        free(ring.lines);
        ring.lines = NULL;
}

void log_set_level(LogLevel least) {
        atomic_store_explicit(&least_level, (int) least, memory_order_relaxed);
}

uint64_t log_dropped(void) {
        return atomic_load_explicit(&dropped, memory_order_relaxed);
}
