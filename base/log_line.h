/* One record of the log as a line of JSON, or of readable text for a terminal. Not where it goes: that is base/log.c,
 * whose part this is. Any thread; never blocks.
 */
#pragma once

#include "base/log.h"

#define LOG_LINE_SIZE 2048 /* fields that do not fit are left out, and the line says that it was cut */

/* Bytes written, a line feed at the end; no NUL. Fields as log_write() takes them. */
size_t log_line(char bytes[static LOG_LINE_SIZE], bool is_readable, LogLevel level, const char *sentence,
                va_list fields);
