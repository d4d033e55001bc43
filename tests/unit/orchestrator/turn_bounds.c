#include "orchestrator/turn_bounds.h"
#include "tests/unit/unit.h"

START_TEST(what_was_used_costs_what_its_prices_say_to_the_nano_unit) {
        const Version version = { .prompt_price_nano = 2500000000,
                                  .completion_price_nano = 10000000000,
                                  .cached_price_nano = 1250000001 };
        static const struct {
                Usage usage;
                int64_t nano;
        } cases[] = {
                { { .prompt_tokens = 0 }, 0 },
                { { .prompt_tokens = 1, .completion_tokens = 1 }, 12500 },
                { { .prompt_tokens = 100, .completion_tokens = 30, .cached_tokens = 20 }, 525001 }, /* rounded up */
                { { .prompt_tokens = 100, .cached_tokens = 100 }, 125001 },
                { { .prompt_tokens = 100, .cached_tokens = 1000 }, 125001 }, /* cached ones are of the prompt's */
                { { .cached_tokens = 1000 }, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                BudgetAmounts amounts = usage_amounts(&version, &cases[i].usage);
                ck_assert_int_eq(amounts.units[BUDGET_MONEY], cases[i].nano);
                ck_assert_int_eq(amounts.units[BUDGET_TOKENS],
                                 cases[i].usage.prompt_tokens + cases[i].usage.completion_tokens);
        }
}
END_TEST

START_TEST(what_was_used_within_the_bound_never_costs_more_than_it) {
        const Version version = { .prompt_price_nano = 7, .completion_price_nano = 3, .cached_price_nano = 7 };
        for (int64_t cached = 0; cached <= 50; cached++) {
                BudgetAmounts bound = bound_amounts(&version, 40, 9);
                BudgetAmounts used = usage_amounts(
                        &version, &(Usage){ .prompt_tokens = 40, .completion_tokens = 9, .cached_tokens = cached });
                ck_assert(!amounts_exceed(&used, &bound));
        }
}
END_TEST

UNIT_TESTS("orchestrator/turn_bounds", what_was_used_costs_what_its_prices_say_to_the_nano_unit,
           what_was_used_within_the_bound_never_costs_more_than_it)
