#include "base/log.h"
#include "base/json.h"
#include "base/log_line.h"
#include "base/uuid.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>

static Text line_of(Arena *arena, bool is_readable, LogLevel level, const char *sentence, ...)
        __attribute__((sentinel));
static Text line_of(Arena *arena, bool is_readable, LogLevel level, const char *sentence, ...) {
        char bytes[LOG_LINE_SIZE];
        va_list fields;
        va_start(fields, sentence);
        size_t length = log_line(bytes, is_readable, level, sentence, fields);
        va_end(fields);
        ck_assert_uint_gt(length, 0);
        ck_assert_int_eq(bytes[length - 1], '\n');
        return text_copy(arena, (Text){ bytes, length - 1 });
}

static Json *parsed(Text line) {
        Failure failure;
        Json *value = NULL;
        ck_assert_done(json_parse(line, 0, &value, &failure), failure);
        return value;
}

START_TEST(record_is_one_json_object) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Uuid uuid;
        Text text = TEXT("b\"c");
        ck_assert(uuid_parse(TEXT("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), &uuid));
        _cleanup_(json_freep) Json *record = parsed(line_of(
                arena, false, LOG_LEVEL_WARNING, "agent paused", "agent", LOG_STRING, "guide", "reason", LOG_TEXT,
                &text, "count", LOG_INTEGER, INT64_MIN, "id", LOG_UUID, &uuid, "none", LOG_STRING, NULL, NULL));
        int64_t count = 0;
        ck_assert_uint_eq(json_to_text(json_member(record, "time")).length, 24);
        ck_assert_text(json_to_text(json_member(record, "level")), TEXT("warning"));
        ck_assert_text(json_to_text(json_member(record, "event")), TEXT("agent paused"));
        ck_assert_text(json_to_text(json_member(record, "agent")), TEXT("guide"));
        ck_assert_text(json_to_text(json_member(record, "reason")), text);
        ck_assert(json_to_integer(json_member(record, "count"), &count));
        ck_assert_int_eq(count, INT64_MIN);
        ck_assert_text(json_to_text(json_member(record, "id")), TEXT("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
        ck_assert_int_eq((int) json_type_of(json_member(record, "none")), JSON_TYPE_NULL);
        ck_assert_uint_eq(json_count(record), 8);
}
END_TEST

START_TEST(readable_record_has_colour_time_and_fields) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Text line = line_of(arena, true, LOG_LEVEL_ERROR, "link lost", "server", LOG_STRING, "a b", "tries",
                            LOG_INTEGER, INT64_C(3), NULL);
        ck_assert_uint_eq(line.length, strlen("08:15:30.123 \x1b[31merror\x1b[0m link lost server=\"a b\" tries=3"));
        ck_assert_ptr_nonnull(strstr(line.bytes, " \x1b[31merror\x1b[0m link lost server=\"a b\" tries=3"));
}
END_TEST

START_TEST(foreign_text_cannot_forge_records) {
        static const struct {
                const char *text, *escaped;
        } cases[] = {
                { "a\nb", "\"a\\u000ab\"" },
                { "\x1b[2J", "\"\\u001b[2J\"" },
                { "\x7F", "\"\\u007f\"" },
                { "\xC2\x9B"
                  "2J",
                  "\"\\u009b2J\"" },
                { "\u202Egnp", "\"\\u202egnp\"" },
                { "\u2028", "\"\\u2028\"" },
                { "\xFF", "\"\uFFFD\"" },
                { "\"}", "\"\\u0022}\"" },
                { "\\", "\"\\u005c\"" },
                { "ä€😀", "\"ä€😀\"" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                for (int is_readable = 0; is_readable < 2; is_readable++) {
                        Text line = line_of(arena, is_readable, LOG_LEVEL_INFO, "x", "f", LOG_STRING, cases[i].text,
                                            NULL);
                        ck_assert_msg(strstr(line.bytes, cases[i].escaped), "%s", line.bytes);
                }
        }
}
END_TEST

START_TEST(long_values_are_cut_between_characters) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        char value[1201];
        for (size_t i = 0; i + 3 < sizeof(value); i += 3)
                memcpy(value + i, "€", 3);
        value[1200] = '\0';
        _cleanup_(json_freep) Json *record = parsed(
                line_of(arena, false, LOG_LEVEL_INFO, "x", "long", LOG_STRING, value, "after", LOG_STRING, "y", NULL));
        Text text = json_to_text(json_member(record, "long"));
        ck_assert_uint_eq(text.length, 510 + 3);
        ck_assert_text((Text){ text.bytes + 510, 3 }, TEXT("…"));
        ck_assert_text(json_to_text(json_member(record, "after")), TEXT("y"));
}
END_TEST

START_TEST(fields_that_do_not_fit_are_left_out_whole) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        char value[500];
        memset(value, '\n', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        _cleanup_(json_freep)
                Json *record = parsed(line_of(arena, false, LOG_LEVEL_INFO, "x", "small", LOG_STRING, "a", "large",
                                              LOG_STRING, value, "after", LOG_STRING, "b", NULL));
        ck_assert_text(json_to_text(json_member(record, "small")), TEXT("a"));
        ck_assert_ptr_null(json_member(record, "large"));
        ck_assert(json_to_boolean(json_member(record, "cut")));
        ck_assert_uint_eq(json_count(record), 5);
}
END_TEST

/* Standard error goes into a file of its own while the work is done; returns what was written. */
static Text captured(Arena *arena, void (*work)(void)) {
        int before = dup(STDERR_FILENO);
        FILE *file = tmpfile();
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
        work();
        ck_assert_int_ge(dup2(before, STDERR_FILENO), 0);
        close(before);
        off_t size = lseek(fileno(file), 0, SEEK_END);
        char *bytes = arena_take(arena, (size_t) size + 1);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_int_eq(pread(fileno(file), bytes, (size_t) size, 0), size);
        fclose(file);
        return (Text){ bytes, (size_t) size };
}

static size_t count_lines(Text text) {
        size_t count = 0;
        for (Text line; text_split(&text, '\n', &line); count++) {
                Json *record = parsed(line);
                json_free(record);
        }
        return count;
}

static void log_at_every_level(void) {
        log_debug("one");
        log_info("two");
        log_warning("three");
        log_error("four");
}

static void log_before_start(void) {
        log_set_level(LOG_LEVEL_WARNING);
        log_at_every_level();
}

static void log_with_thread(void) {
        log_start(LOG_LEVEL_DEBUG);
        log_at_every_level();
        log_set_level(LOG_LEVEL_ERROR);
        log_at_every_level();
        log_stop();
        log_at_every_level();
        log_start(LOG_LEVEL_INFO);
        log_start(LOG_LEVEL_INFO);
        log_at_every_level();
        log_stop();
        log_stop();
}

START_TEST(records_below_the_level_are_left_out) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        ck_assert_uint_eq(count_lines(captured(arena, log_before_start)), 2);
}
END_TEST

START_TEST(records_come_before_between_and_after_start_and_stop) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        ck_assert_uint_eq(count_lines(captured(arena, log_with_thread)), 4 + 1 + 1 + 3);
}
END_TEST

#define THREADS            4
#define RECORDS_PER_THREAD 2000

static void *log_often(void *unused) {
        for (int64_t i = 0; i < RECORDS_PER_THREAD; i++)
                log_info("something happened", "number", LOG_INTEGER, i, "text", LOG_STRING, "some text");
        return unused;
}

static void log_from_threads(void) {
        pthread_t threads[THREADS];
        log_start(LOG_LEVEL_INFO);
        for (size_t i = 0; i < THREADS; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, log_often, NULL), 0);
        for (size_t i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        log_stop();
}

START_TEST(records_of_many_threads_are_whole_written_or_counted) {
        _cleanup_(arena_freep) Arena *arena = arena_new(1 << 24);
        Text text = captured(arena, log_from_threads), line;
        size_t written = 0, reported = 0;
        while (text_split(&text, '\n', &line)) {
                _cleanup_(json_freep) Json *record = parsed(line);
                int64_t count = 0;
                if (json_to_integer(json_member(record, "count"), &count))
                        reported += (size_t) count;
                else
                        written++;
        }
        ck_assert_uint_eq(written + log_dropped(), THREADS * RECORDS_PER_THREAD);
        ck_assert_uint_eq(reported, log_dropped());
}
END_TEST

/* A reader that does not read: standard error is a pipe that is full. */
START_TEST(full_ring_drops_and_does_not_wait) {
        int pipe_ends[2], before = dup(STDERR_FILENO);
        ck_assert_int_eq(pipe(pipe_ends), 0);
        ck_assert_int_ge(dup2(pipe_ends[1], STDERR_FILENO), 0);
        log_start(LOG_LEVEL_INFO);
        for (size_t i = 0; i < 10; i++)
                log_often(NULL);
        uint64_t dropped = log_dropped();
        /* Let the writer go on, so that it can stop. */
        close(pipe_ends[1]);
        fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
        char bytes[65536];
        ck_assert_int_gt(read(pipe_ends[0], bytes, sizeof(bytes)), 0);
        log_stop();
        dup2(before, STDERR_FILENO);
        ck_assert_uint_gt(dropped, 10000);
}
END_TEST

START_TEST(logging_leaves_errno_alone) {
        int before = dup(STDERR_FILENO);
        int closed = open("/dev/full", O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(dup2(closed, STDERR_FILENO), 0);
        errno = EDOM;
        log_error("nowhere to go");
        int after = errno;
        dup2(before, STDERR_FILENO);
        close(closed);
        close(before);
        ck_assert_int_eq(after, EDOM);
}
END_TEST

UNIT_TESTS("base/log", record_is_one_json_object, readable_record_has_colour_time_and_fields,
           foreign_text_cannot_forge_records, long_values_are_cut_between_characters,
           fields_that_do_not_fit_are_left_out_whole, records_below_the_level_are_left_out,
           records_come_before_between_and_after_start_and_stop, records_of_many_threads_are_whole_written_or_counted,
           full_ring_drops_and_does_not_wait, logging_leaves_errno_alone)
