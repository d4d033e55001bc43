/* Calendar windows of budgets: when the day and the billing month begin and end that a moment is in, in a tenant's
 * zone. PostgreSQL computes them (it knows the zones and their changes of the clock), once per zone and billing day;
 * then they are kept until they are over. Not the minute, which every zone has alike.
 *
 * Any thread; blocks for a query when a window is not known.
 */
#pragma once

#include "base/budget.h"
#include "store/database.h"

typedef struct Windows Windows;

typedef struct Calendar {
        int64_t begins_us[BUDGET_WINDOW_COUNT], ends_us[BUDGET_WINDOW_COUNT]; /* wall clock */
        char ends[BUDGET_WINDOW_COUNT][11];                                   /* the date there; of the minute empty */
} Calendar;

Windows *windows_new(Database *database); /* borrowed */
void windows_free(Windows *windows);
DEFINE_RELEASE(Windows *, windows_free)

/* An empty zone, or one that the database does not know, is UTC; billing_day 0 = 1. FAILURE_INVALID: it is no day of a
 * month. */
bool windows_at(Windows *windows, Text zone, int32_t billing_day, int64_t wall_us, Calendar *ret_calendar,
                Failure *reterr_failure) _must_check_;
