#include "base/nearest.h"
#include "tests/unit/unit.h"

START_TEST(distance_counts_changes) {
        static const struct {
                const char *a, *b;
                size_t distance;
        } cases[] = {
                { "", "", 0 },
                { "", "abc", 3 },
                { "abc", "abc", 0 },
                { "modle", "model", 1 },
                { "agent", "agents", 1 },
                { "kitten", "sitting", 3 },
                { "agent-list", "agent_list", 0 },
                { "ca", "abc", 3 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                ck_assert_uint_eq(text_distance(text_of(cases[i].a), text_of(cases[i].b)), cases[i].distance);
                ck_assert_uint_eq(text_distance(text_of(cases[i].b), text_of(cases[i].a)), cases[i].distance);
        }
}
END_TEST

START_TEST(long_names_are_equal_or_far_apart) {
        char name[66];
        memset(name, 'a', sizeof(name));
        ck_assert_uint_eq(text_distance((Text){ name, 65 }, (Text){ name, 65 }), 0);
        ck_assert_uint_eq(text_distance((Text){ name, 65 }, (Text){ name, 64 }), SIZE_MAX);
        ck_assert_uint_eq(text_distance((Text){ name, 64 }, (Text){ name, 63 }), 1);
}
END_TEST

START_TEST(only_what_may_be_meant_is_offered) {
        static const struct {
                const char *wanted, *expected;
        } cases[] = {
                { "modle", "model" }, { "agnt", "agent" }, { "m", NULL }, { "xyz", NULL }, { "workspace", NULL }
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char hint[NEAREST_HINT_SIZE];
                Nearest nearest = nearest_to(text_of(cases[i].wanted));
                nearest_offer(&nearest, TEXT("agent"));
                nearest_offer(&nearest, TEXT("model"));
                nearest_offer(&nearest, TEXT("domains"));
                ck_assert_text(nearest.name, text_of(cases[i].expected));
                if (cases[i].expected)
                        ck_assert_ptr_nonnull(strstr(nearest_hint(&nearest, hint), cases[i].expected));
                else
                        ck_assert_str_eq(nearest_hint(&nearest, hint), "");
        }
}
END_TEST

UNIT_TESTS("base/nearest", distance_counts_changes, long_names_are_equal_or_far_apart,
           only_what_may_be_meant_is_offered)
