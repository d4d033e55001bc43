#include "orchestrator/governance/hours.h"

#define DAY_MINUTES  1440
#define WEEK_MINUTES (7 * DAY_MINUTES)

static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static bool day_read(Text text, int *ret_day) {
        for (*ret_day = 0; *ret_day < 7; ++*ret_day)
                if (text_equal(text, text_of(days[*ret_day])))
                        return true;
        return false;
}

/* "08:00", up to "24:00" */
static bool time_read(Text text, int *ret_minutes) {
        int64_t hours, minutes;

        if (text.length != 5 || text.bytes[2] != ':' || !text_to_int64((Text){ text.bytes, 2 }, &hours) ||
            !text_to_int64((Text){ text.bytes + 3, 2 }, &minutes) || hours < 0 || minutes < 0 || minutes > 59)
                return false;
        *ret_minutes = (int) (hours * 60 + minutes);
        return *ret_minutes <= DAY_MINUTES;
}

/* "a-b", or "a" where one is enough. */
static bool range_read(Text text, bool (*read)(Text text, int *ret), bool both, int *ret_from, int *ret_to) {
        Text first;

        if (!text_split(&text, '-', &first) || !read(first, ret_from))
                return false;
        if (text.length == 0 && !both)
                *ret_to = *ret_from;
        return (text.length == 0 && !both) || read(text, ret_to);
}

static bool span_read(Text text, Hours *hours, Failure *reterr_failure) {
        int first, last, from, to;
        Text rest = text, word;

        if (!text_split(&rest, ' ', &word) || !range_read(word, day_read, false, &first, &last) ||
            !range_read(text_trim(rest), time_read, true, &from, &to) || from == to || from == DAY_MINUTES)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "'%.*s' is no span of hours: write mon-fri 08:00-18:00, sat 10:00-12:00",
                                   TEXT_ARGUMENTS(text_prefix(text, 60)));
        for (int day = first;; day = (day + 1) % 7) {
                int begin = day * DAY_MINUTES + from, end = day * DAY_MINUTES + to + (to < from ? DAY_MINUTES : 0);
                hours->spans[hours->count++] = (HoursSpan){ (uint16_t) begin, (uint16_t) end };
                if (day == last)
                        return true;
        }
}

bool hours_parse(Text text, Hours *ret_hours, Failure *reterr_failure) {
        Text span;
        size_t count = 0;

        *ret_hours = (Hours){ 0 };
        while (text_split(&text, ',', &span)) {
                if (count++ == HOURS_SPANS)
                        return failure_set(reterr_failure, FAILURE_INVALID, "there are more than %d spans of hours",
                                           HOURS_SPANS);
                if (!span_read(text_trim(span), ret_hours, reterr_failure))
                        return false;
        }
        return true;
}

bool hours_are_open(const Hours *hours, int minute_of_week) {
        for (size_t i = 0; i < hours->count; i++) {
                const HoursSpan *span = &hours->spans[i];
                if ((minute_of_week >= span->from && minute_of_week < span->to) ||
                    minute_of_week + WEEK_MINUTES < span->to)
                        return true;
        }
        return hours->count == 0;
}
