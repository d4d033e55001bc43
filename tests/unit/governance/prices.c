#include "orchestrator/governance/prices.h"
#include "tests/unit/unit.h"

START_TEST(a_price_holds_from_its_moment_until_the_next) {
        const Price prices[] = {
                { TEXT("a"), TOKENS_OF_PROMPT, 10, 100 },     { TEXT("a"), TOKENS_OF_PROMPT, 20, 200 },
                { TEXT("a"), TOKENS_OF_PROMPT, 30, 200 },     { TEXT("a"), TOKENS_OF_PROMPT, 0, 300 },
                { TEXT("b"), TOKENS_OF_COMPLETION, 40, 100 }, { TEXT("a"), TOKENS_CACHED, 5, 250 },
        };
        static const struct {
                const char *model;
                int64_t now_us;
                ModelPrice price;
        } cases[] = {
                { "a", 99, { { -1, -1, -1 } } },  { "a", 100, { { 10, -1, -1 } } }, { "a", 199, { { 10, -1, -1 } } },
                { "a", 200, { { 30, -1, -1 } } }, { "a", 250, { { 30, -1, 5 } } },  { "a", 300, { { 0, -1, 5 } } },
                { "b", 300, { { -1, 40, -1 } } }, { "c", 300, { { -1, -1, -1 } } },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                ModelPrice price = price_of_model(prices, COUNT_OF(prices), text_of(cases[i].model), cases[i].now_us);
                for (int meter = 0; meter < TOKEN_METER_COUNT; meter++)
                        ck_assert_msg(price.nano[meter] == cases[i].price.nano[meter], "case %zu, meter %d", i, meter);
        }
}
END_TEST

START_TEST(a_version_is_never_cheaper_than_its_model) {
        static const struct {
                ModelPrice price;
                int64_t prompt, completion, wanted_prompt, wanted_completion, wanted_cached;
        } cases[] = {
                { { { -1, -1, -1 } }, 0, 0, 0, 0, 0 },    /* free */
                { { { -1, -1, -1 } }, 7, 8, 7, 8, 7 },    /* as the version says */
                { { { 10, 20, -1 } }, 0, 0, 10, 20, 10 }, /* taken from the installation */
                { { { 10, 20, 5 } }, 9, 19, 10, 20, 5 },  { { { 10, 20, 5 } }, 11, 21, 11, 21, 5 },
                { { { 10, -1, 50 } }, 0, 3, 10, 3, 10 }, /* cached is never dearer */
                { { { 0, 0, 0 } }, 0, 0, 0, 0, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                int64_t prompt = cases[i].prompt, completion = cases[i].completion, cached = -2;
                price_settle(&cases[i].price, &prompt, &completion, &cached);
                ck_assert_msg(prompt == cases[i].wanted_prompt && completion == cases[i].wanted_completion &&
                                      cached == cases[i].wanted_cached,
                              "case %zu: %lld %lld %lld", i, (long long) prompt, (long long) completion,
                              (long long) cached);
        }
}
END_TEST

START_TEST(meters_of_tokens_have_names_and_others_have_not) {
        TokenMeter meter = TOKEN_METER_COUNT;
        ck_assert(token_meter_from_name(TEXT("cached-tokens"), &meter));
        ck_assert_int_eq(meter, TOKENS_CACHED);
        ck_assert(!token_meter_from_name(TEXT("messages"), &meter));
        ck_assert(!token_meter_from_name(TEXT_NONE, &meter));
}
END_TEST

UNIT_TESTS("governance/prices", a_price_holds_from_its_moment_until_the_next, a_version_is_never_cheaper_than_its_model,
           meters_of_tokens_have_names_and_others_have_not)
