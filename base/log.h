/* The log: a fixed sentence plus fields, as JSON lines, or readable lines on a terminal (colours only there). Records
 * go to a bounded ring that a writer thread empties to standard error; a full ring drops and counts, so that logging
 * never blocks. Never bodies, never secrets.
 *
 * log_…() from any thread, never blocks. Before log_start() and after log_stop() records are written directly, and
 * may wait for standard error. log_stop() when no other thread logs any more.
 */
#pragma once

#include "base/text.h"

typedef enum LogLevel { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR } LogLevel;

typedef enum LogFieldType { LOG_END, LOG_STRING, LOG_TEXT, LOG_INTEGER, LOG_UUID } LogFieldType;

void log_start(LogLevel least);
void log_stop(void);
void log_set_level(LogLevel least);
LogLevel log_level_of(const char *name); /* "debug" …; INFO for what is none */
uint64_t log_dropped(void);

/* Fields come as triples name, type, value and end with NULL:
 *   log_write(LOG_LEVEL_INFO, "agent paused", "agent", LOG_STRING, jid, "count", LOG_INTEGER, (int64_t) 3, NULL);
 * LOG_STRING const char *, LOG_TEXT const Text *, LOG_INTEGER int64_t, LOG_UUID const Uuid *. */
void log_write(LogLevel level, const char *sentence, ...) __attribute__((sentinel));

#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__, NULL)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__, NULL)
#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__, NULL)
