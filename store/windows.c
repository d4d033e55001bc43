#include "store/windows.h"

#include "base/clock.h"
#include "base/map.h"

#include <stdio.h>

#define ZONE_SIZE      64
#define CALENDARS_KEPT 4096
#define MINUTE_US      (60 * SECONDS)

/* Of a zone and a billing day. */
typedef struct Kept {
        char key[ZONE_SIZE + 8];
        Calendar calendar;
} Kept;

struct Windows {
        Database *database;
        pthread_mutex_t lock;
        Map *kept;
};

Windows *windows_new(Database *database) {
        Windows *windows = memory_new(sizeof(*windows));
        windows->database = database;
        windows->kept = map_new(64);
        pthread_mutex_init(&windows->lock, NULL);
        return windows;
}

static void clear(Windows *windows) {
        Kept *kept;
        for (size_t i = 0; (kept = map_each(windows->kept, &i));) {
                map_remove(windows->kept, text_of(kept->key));
                free(kept);
        }
}

void windows_free(Windows *windows) {
        clear(windows);
        map_free(windows->kept);
        pthread_mutex_destroy(&windows->lock);
        free(windows);
}

static bool holds(const Calendar *calendar, int64_t wall_us) {
        for (int window = BUDGET_DAY; window <= BUDGET_MONTH; window++)
                if (wall_us < calendar->begins_us[window] || wall_us >= calendar->ends_us[window])
                        return false;
        return true;
}

static bool find(Windows *windows, const char *key, int64_t wall_us, Calendar *ret_calendar) {
        pthread_mutex_lock(&windows->lock);
        const Kept *kept = map_get(windows->kept, text_of(key));
        bool found = kept && holds(&kept->calendar, wall_us);
        if (found)
                *ret_calendar = kept->calendar;
        pthread_mutex_unlock(&windows->lock);
        return found;
}

static void put(Windows *windows, const char *key, const Calendar *calendar) {
        pthread_mutex_lock(&windows->lock);
        if (map_count(windows->kept) >= CALENDARS_KEPT)
                clear(windows);
        Kept *kept = map_get(windows->kept, text_of(key));
        if (!kept) {
                kept = memory_new(sizeof(*kept));
                snprintf(kept->key, sizeof(kept->key), "%s", key);
                map_put(windows->kept, text_of(kept->key), kept);
        }
        kept->calendar = *calendar;
        pthread_mutex_unlock(&windows->lock);
}

static bool read_calendar(Windows *windows, Text zone, int32_t billing_day, int64_t wall_us, Calendar *calendar,
                          Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(windows->database, DATABASE_JOURNAL, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_LEDGER_CALENDAR,
                             VALUES(value_time(wall_us), value_text(zone), value_integer(billing_day)), &rows,
                             reterr_failure))
                return failure_prefix(reterr_failure, "the calendar of zone %.*s", TEXT_ARGUMENTS(zone));
        for (int window = BUDGET_DAY; window <= BUDGET_MONTH; window++) {
                int column = 2 * (window - BUDGET_DAY);
                Text end = rows_text(rows, 0, 4 + window - BUDGET_DAY);
                calendar->begins_us[window] = rows_time(rows, 0, column);
                calendar->ends_us[window] = rows_time(rows, 0, column + 1);
                snprintf(calendar->ends[window], sizeof(calendar->ends[window]), "%.*s", TEXT_ARGUMENTS(end));
        }
        return true;
}

bool windows_at(Windows *windows, Text zone, int32_t billing_day, int64_t wall_us, Calendar *ret_calendar,
                Failure *reterr_failure) {
        char key[ZONE_SIZE + 8];
        if (zone.length == 0)
                zone = TEXT("UTC");
        if (billing_day == 0)
                billing_day = 1;
        if (zone.length >= ZONE_SIZE || billing_day < 1 || billing_day > 31)
                return failure_set(reterr_failure, FAILURE_INVALID, "there is no zone \"%.*s\" with billing day %d",
                                   TEXT_ARGUMENTS(zone), billing_day);
        snprintf(key, sizeof(key), "%d %.*s", billing_day, TEXT_ARGUMENTS(zone));
        if (!find(windows, key, wall_us, ret_calendar)) {
                *ret_calendar = (Calendar){ 0 };
                if (!read_calendar(windows, zone, billing_day, wall_us, ret_calendar, reterr_failure))
                        return false;
                put(windows, key, ret_calendar);
        }
        ret_calendar->begins_us[BUDGET_MINUTE] = wall_us - wall_us % MINUTE_US;
        ret_calendar->ends_us[BUDGET_MINUTE] = ret_calendar->begins_us[BUDGET_MINUTE] + MINUTE_US;
        return true;
}
