#include "base/clock.h"

#include <stdlib.h>

static int64_t read_us(clockid_t clock) {
        struct timespec now;
        clock_gettime(clock, &now);
        return (int64_t) now.tv_sec * SECONDS + now.tv_nsec / 1000;
}

Moment clock_now(void) {
        return (Moment){ .monotonic_us = read_us(CLOCK_MONOTONIC), .wall_us = read_us(CLOCK_REALTIME) };
}

static char *put_digits(char *at, int64_t value, int width) {
        for (int i = width - 1; i >= 0; i--) {
                at[i] = (char) ('0' + value % 10);
                value /= 10;
        }
        return at + width;
}

typedef struct Date {
        int64_t year, month, day;
} Date;

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar; March is the first month within, so that the
 * leap day is the last of a year. After Howard Hinnant, "chrono-compatible low-level date algorithms". */
static Date date_of_days(int64_t days) {
        days += 719468; /* from 0000-03-01 */
        int64_t era = days / 146097, day_of_era = days % 146097;
        int64_t year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
        int64_t month = (5 * day_of_year + 2) / 153;
        Date date = { .day = day_of_year - (153 * month + 2) / 5 + 1, .month = month < 10 ? month + 3 : month - 9 };
        date.year = year + era * 400 + (date.month <= 2);
        return date;
}

void clock_format(int64_t wall_us, char ret_string[static CLOCK_STRING_SIZE]) {
        /* From year 1 to year 9999, what RFC 3339 can say. */
        static const int64_t first = INT64_C(-62135596800) * SECONDS, last = INT64_C(253402300800) * SECONDS - 1;
        wall_us = wall_us < first ? first : wall_us > last ? last : wall_us;
        int64_t ms = (wall_us - first) / MILLISECONDS; /* from 0001-01-01, so that division rounds down */
        Date date = date_of_days(ms / 86400000 - 719162);
        int64_t rest = ms % 86400000;
        char *at = put_digits(ret_string, date.year, 4);
        *at++ = '-';
        at = put_digits(at, date.month, 2);
        *at++ = '-';
        at = put_digits(at, date.day, 2);
        *at++ = 'T';
        at = put_digits(at, rest / 3600000, 2);
        *at++ = ':';
        at = put_digits(at, rest / 60000 % 60, 2);
        *at++ = ':';
        at = put_digits(at, rest / 1000 % 60, 2);
        *at++ = '.';
        at = put_digits(at, rest % 1000, 3);
        *at++ = 'Z';
        *at = '\0';
}

struct timespec clock_timespec(int64_t monotonic_us) {
        return (struct timespec){ .tv_sec = monotonic_us / SECONDS, .tv_nsec = monotonic_us % SECONDS * 1000 };
}

void clock_condition_init(pthread_cond_t *condition) {
        pthread_condattr_t attributes;

        if (pthread_condattr_init(&attributes) != 0 || pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
            pthread_cond_init(condition, &attributes) != 0)
                abort();
        pthread_condattr_destroy(&attributes);
}
