#include "base/zone.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

static const Zone *zone(const char *name) {
        const Zone *found;
        Failure failure;
        ck_assert_done(zone_find(text_of(name), &found, &failure), failure);
        return found;
}

START_TEST(offsets_are_those_of_the_place_and_the_day) {
        static const struct {
                const char *name;
                int64_t at, offset;
        } cases[] = {
                { "UTC", 1764000000, 0 },
                { "Europe/Berlin", 1764000000, 3600 }, /* November 2025 */
                { "Europe/Berlin", 1751328000, 7200 }, /* July 2025 */
                { "Europe/Berlin", 1774745999, 3600 }, /* the second before summer 2026 */
                { "Europe/Berlin", 1774746000, 7200 },
                { "America/New_York", 1793512799, -4 * 3600 }, /* the second before winter 2026 */
                { "America/New_York", 1793512800, -5 * 3600 },
                { "Asia/Kolkata", 1764000000, 19800 },
                { "Australia/Lord_Howe", 1767225600, 39600 },       /* summer, half an hour ahead */
                { "Europe/Berlin", INT64_C(4102444800), 3600 },     /* January 2100: by the rule */
                { "Europe/Berlin", INT64_C(4118169600), 7200 },     /* July 2100 */
                { "Australia/Sydney", INT64_C(4102444800), 39600 }, /* summer over the turn of the year */
                { "Asia/Tokyo", INT64_C(4118169600), 32400 },
                { "Europe/London", -2000000000, 0 }, /* 1906 */
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                ck_assert_msg(zone_offset(zone(cases[i].name), cases[i].at) == cases[i].offset, "%s at %lld: %lld",
                              cases[i].name, (long long) cases[i].at,
                              (long long) zone_offset(zone(cases[i].name), cases[i].at));
        ck_assert_int_eq(zone_offset(NULL, 1764000000), 0);
}
END_TEST

START_TEST(a_week_begins_on_monday_at_midnight_there) {
        /* Sunday, 29 March 2026, 00:59 UTC: it is 01:59 in Berlin, and a minute later 03:00. */
        const int64_t before = INT64_C(1774745940) * SECONDS;
        ck_assert_int_eq(zone_minute_of_week(NULL, before), 6 * 1440 + 59);
        ck_assert_int_eq(zone_minute_of_week(zone("Europe/Berlin"), before), 6 * 1440 + 119);
        ck_assert_int_eq(zone_minute_of_week(zone("Europe/Berlin"), before + 60 * SECONDS), 6 * 1440 + 180);
        ck_assert_int_eq(zone_minute_of_week(zone("Asia/Tokyo"), before), 6 * 1440 + 9 * 60 + 59);
        ck_assert_int_eq(zone_minute_of_week(zone("Pacific/Auckland"), before + 12 * 3600 * SECONDS), 119);
        ck_assert_int_eq(zone_minute_of_week(NULL, 0), 3 * 1440);
}
END_TEST

START_TEST(zones_that_are_none_are_refused) {
        static const char *const names[] = {
                "",          "Mars/Olympus", "../../etc/passwd", "/etc/passwd",
                "Europe",    "tzdata.zi",    "Europe/Berlin\n",  "Europe/Berlin; DROP TABLE tenants",
                "posix/../x"
        };
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                const Zone *found;
                Failure failure;
                ck_assert_msg(!zone_find(text_of(names[i]), &found, &failure), "%s", names[i]);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        }
        ck_assert_str_eq(zone_name(zone("Europe/Berlin")), "Europe/Berlin");
        ck_assert_ptr_eq(zone("Europe/Berlin"), zone("Europe/Berlin"));
        ck_assert_str_eq(zone_name(NULL), "UTC");
}
END_TEST

UNIT_TESTS("base/zone", offsets_are_those_of_the_place_and_the_day, a_week_begins_on_monday_at_midnight_there,
           zones_that_are_none_are_refused)
