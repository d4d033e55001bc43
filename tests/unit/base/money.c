#include "base/money.h"
#include "tests/unit/unit.h"

START_TEST(money_is_read_in_whole_units) {
        static const struct {
                int64_t nano;
                const char *shown;
        } cases[] = {
                { 0, "0.00" },
                { 1, "0.000000001" },
                { 4500000, "0.0045" },
                { 2500000000, "2.50" },
                { 5000000000, "5.00" },
                { -1250000000, "-1.25" },
                { INT64_MAX, "9223372036.854775807" },
                { INT64_MIN, "-9223372036.854775808" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char string[MONEY_SIZE];
                money_format(cases[i].nano, string);
                ck_assert_str_eq(string, cases[i].shown);
        }
}
END_TEST

UNIT_TESTS("base/money", money_is_read_in_whole_units)
