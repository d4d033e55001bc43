#include "base/log.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/uuid.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define RING_SIZE   1024 /* records; a power of two */
#define LINE_SIZE   2048 /* bytes of one record */
#define VALUE_LIMIT 512  /* bytes of one field, before escaping */
#define LINE_END    64   /* kept free for what closes a line */

/* A bounded queue of many writers and one reader, after Dmitry Vyukov: a slot's turn says whose it is. A turn equal to
 * the ticket: free for the writer with that ticket; one more: filled, for the reader. Writers format in place. */
static struct {
        char (*lines)[LINE_SIZE];
        size_t lengths[RING_SIZE];
        _Atomic uint64_t turns[RING_SIZE];
        _Atomic uint64_t next_ticket;
        uint64_t next_read; /* the writer thread's */
        sem_t filled;
        pthread_t thread;
        _Atomic bool running;
} ring;

static _Atomic int least_level = LOG_LEVEL_INFO;
static _Atomic uint64_t dropped;

static const struct {
        const char *name, *colour, *shown;
} levels[] = {
        [LOG_LEVEL_DEBUG] = { "debug", "\x1b[2m", "debug" },
        [LOG_LEVEL_INFO] = { "info", "\x1b[32m", "info " },
        [LOG_LEVEL_WARNING] = { "warning", "\x1b[33m", "warn " },
        [LOG_LEVEL_ERROR] = { "error", "\x1b[31m", "error" },
};

/* A line in the making. What does not fit is left out; LINE_END bytes stay for the end. */
typedef struct Line {
        char *bytes;
        size_t length, limit;
        bool is_cut, is_readable;
} Line;

static void add_bytes(Line *line, const char *bytes, size_t length) {
        if (line->is_cut || length > line->limit - line->length) {
                line->is_cut = true;
                return;
        }
        memcpy(line->bytes + line->length, bytes, length);
        line->length += length;
}

static void add(Line *line, const char *string) {
        add_bytes(line, string, strlen(string));
}

static void add_escape(Line *line, uint32_t character) {
        static const char digits[] = "0123456789abcdef";
        char escape[6] = { '\\', 'u', digits[character >> 12 & 15], digits[character >> 8 & 15],
                           digits[character >> 4 & 15], digits[character & 15] };
        add_bytes(line, escape, sizeof(escape));
}

static uint32_t decode(Text character) {
        static const unsigned char first_masks[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
        uint32_t value = (unsigned char) character.bytes[0] & first_masks[character.length];
        for (size_t i = 1; i < character.length; i++)
                value = value << 6 | ((unsigned char) character.bytes[i] & 0x3F);
        return value;
}

/* What moves a terminal's cursor, ends a line, or changes the direction of writing could forge records. */
static bool must_escape(uint32_t c) {
        return c < ' ' || (c >= 0x7F && c < 0xA0) || c == '"' || c == '\\' || c == 0x061C || c == 0xFEFF ||
               (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F);
}

static void add_quoted(Line *line, Text text) {
        Text rest = text_prefix(text, VALUE_LIMIT);
        bool is_whole = rest.length == text.length;
        add(line, "\"");
        while (rest.length > 0) {
                size_t length = text_character(rest);
                uint32_t character = length > 0 ? decode((Text){ rest.bytes, length }) : 0xFFFD;
                if (must_escape(character))
                        add_escape(line, character);
                else if (length == 0)
                        add(line, "\uFFFD");
                else
                        add_bytes(line, rest.bytes, length);
                length = length > 0 ? length : 1;
                rest = (Text){ rest.bytes + length, rest.length - length };
        }
        add(line, is_whole ? "\"" : "…\"");
}

static void add_integer(Line *line, int64_t value) {
        char digits[24];
        size_t at = sizeof(digits);
        uint64_t rest = value < 0 ? -(uint64_t) value : (uint64_t) value;
        do
                digits[--at] = (char) ('0' + rest % 10);
        while ((rest /= 10) > 0);
        if (value < 0)
                digits[--at] = '-';
        add_bytes(line, digits + at, sizeof(digits) - at);
}

static void add_string(Line *line, const char *string) {
        if (string)
                add_quoted(line, text_of(string));
        else
                add(line, "null");
}

static void add_uuid(Line *line, const Uuid *uuid) {
        char string[UUID_STRING_SIZE];
        uuid_format(*uuid, string);
        add_quoted(line, text_of(string));
}

static void add_name(Line *line, const char *name) {
        add(line, line->is_readable ? " " : ",\"");
        add(line, name);
        add(line, line->is_readable ? "=" : "\":");
}

/* Whole fields only: one that does not fit is taken back, and so are those behind it. */
static void add_fields(Line *line, va_list fields) {
        const char *name;
        while ((name = va_arg(fields, const char *))) {
                size_t before = line->length;
                bool was_cut = line->is_cut;
                add_name(line, name);
                switch (va_arg(fields, LogFieldType)) {
                case LOG_STRING:
                        add_string(line, va_arg(fields, const char *));
                        break;
                case LOG_TEXT:
                        add_quoted(line, *va_arg(fields, const Text *));
                        break;
                case LOG_INTEGER:
                        add_integer(line, va_arg(fields, int64_t));
                        break;
                case LOG_UUID:
                        add_uuid(line, va_arg(fields, const Uuid *));
                        break;
                case LOG_END:
                        return;
                }
                if (line->is_cut && !was_cut)
                        line->length = before;
        }
}

static void begin(Line *line, LogLevel level, const char *sentence) {
        char time[CLOCK_STRING_SIZE];
        clock_format(clock_now().wall_us, time);
        if (line->is_readable) {
                time[23] = '\0';
                add(line, time + 11); /* of day */
                add(line, " ");
                add(line, levels[level].colour);
                add(line, levels[level].shown);
                add(line, "\x1b[0m ");
                add(line, sentence);
                return;
        }
        add(line, "{\"time\":\"");
        add(line, time);
        add(line, "\",\"level\":\"");
        add(line, levels[level].name);
        add(line, "\",\"event\":");
        add_quoted(line, text_of(sentence));
}

static void finish(Line *line) {
        bool was_cut = line->is_cut;
        line->is_cut = false;
        line->limit += LINE_END;
        if (was_cut)
                add(line, line->is_readable ? " …" : ",\"cut\":true");
        add(line, line->is_readable ? "\n" : "}\n");
}

static bool is_terminal(void) {
        static _Atomic int known = -1; /* asked once; of two threads that ask, both get the same answer */
        if (known < 0)
                known = isatty(STDERR_FILENO) == 1;
        return known == 1;
}

static size_t format(char bytes[static LINE_SIZE], LogLevel level, const char *sentence, va_list fields) {
        Line line = { .bytes = bytes, .limit = LINE_SIZE - LINE_END, .is_readable = is_terminal() };
        begin(&line, level, sentence);
        add_fields(&line, fields);
        finish(&line);
        return line.length;
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
                char bytes[LINE_SIZE];
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
        char bytes[LINE_SIZE];
        va_list fields;
        va_start(fields, sentence);
        write_out(bytes, format(bytes, level, sentence, fields));
        va_end(fields);
}

static void report_dropped(uint64_t *reported) {
        uint64_t now = log_dropped();
        if (now == *reported)
                return;
        write_direct(LOG_LEVEL_WARNING, "log records were dropped", "count", LOG_INTEGER, (int64_t) (now - *reported),
                     NULL);
        *reported = now;
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
        uint64_t reported = log_dropped();
        while (ring.running) {
                if (sem_wait(&ring.filled) == 0)
                        empty_ring();
                report_dropped(&reported);
        }
        empty_ring();
        report_dropped(&reported);
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
        if (sem_init(&ring.filled, 0, 0) != 0)
                abort();
        ring.running = true;
        if (pthread_create(&ring.thread, NULL, run_writer, NULL) != 0)
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
