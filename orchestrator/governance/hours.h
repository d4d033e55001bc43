/* Hours: when an agent answers, by the week: "mon-fri 08:00-18:00, sat 10:00-12:00". A span that ends before it begins
 * goes on into the next day. Not a calendar: there are no holidays.
 *
 * Plain data. Any thread; never blocks.
 */
#pragma once

#include "base/failure.h"

#define HOURS_SPANS 16

typedef struct HoursSpan {
        uint16_t from, to; /* minutes since Monday, 00:00; to: not any more */
} HoursSpan;

typedef struct Hours {
        size_t count; /* 0 = always */
        HoursSpan spans[HOURS_SPANS * 7];
} Hours;

/* Empty text: always. FAILURE_INVALID says what is wrong. */
bool hours_parse(Text text, Hours *ret_hours, Failure *reterr_failure) _must_check_;
bool hours_are_open(const Hours *hours, int minute_of_week);
