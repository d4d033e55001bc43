#include "orchestrator/governance/plans.h"
#include "component/settings/plans_file.h"
#include "tests/unit/unit.h"

static Plans *read_yaml(const char *yaml) {
        Plans *plans;
        Failure failure;
        ck_assert_done(plans_read_yaml(text_of(yaml), "plans.yml", &plans, &failure), failure);
        return plans;
}

START_TEST(built_in_plans_hold_what_was_promised) {
        static const struct {
                const char *plan;
                LimitWhat what;
                int64_t window_us, amount; /* -1: without limit */
        } figures[] = {
                { "free", LIMIT_TOKENS, LIMIT_MONTH_US, 1000000 },
                { "free", LIMIT_TURNS, 0, 2 },
                { "free", LIMIT_TURN_SECONDS, 0, 300 },
                { "free", LIMIT_MEMBERS, 0, 1 },
                { "free", LIMIT_PROVIDERS, 0, 1 },
                { "free", LIMIT_BODY_DAYS, 0, 90 },
                { "pro", LIMIT_LOG_DAYS, 0, 365 },
                { "enterprise", LIMIT_BODY_DAYS, 0, -1 },
                { "starter", LIMIT_TOKENS, LIMIT_MONTH_US, 10000000 },
                { "pro", LIMIT_TOKENS, LIMIT_MONTH_US, 50000000 },
                { "pro", LIMIT_TURNS, 0, 20 },
                { "pro", LIMIT_TURN_SECONDS, 0, 1800 },
                { "pro", LIMIT_MEMBERS, 0, 10 },
                { "pro", LIMIT_PROVIDERS, 0, -1 },
                { "enterprise", LIMIT_TURNS, 0, -1 },
                { "enterprise", LIMIT_TOKENS, LIMIT_MONTH_US, -1 },
        };
        for (size_t i = 0; i < COUNT_OF(figures); i++) {
                const Plan *plan = plan_find(plans_builtin(), text_of(figures[i].plan));
                ck_assert_ptr_nonnull(plan);
                const PlanFigure *figure = plan_figure(plan, figures[i].what, figures[i].window_us);
                ck_assert_int_eq(figure ? figure->amount : -1, figures[i].amount);
        }
        ck_assert_str_eq(plan_of(plans_builtin(), TEXT("nobody-knows"))->name, "free");
}
END_TEST

START_TEST(each_built_in_plan_is_at_least_as_wide_as_the_one_before_it_in_every_figure) {
        const Plans *plans = plans_builtin();
        for (size_t p = 1; p < plans->count; p++)
                for (size_t i = 0; i < plans->items[p].figure_count; i++) {
                        const PlanFigure *figure = &plans->items[p].figures[i];
                        const PlanFigure *before = plan_figure(&plans->items[p - 1], figure->what, figure->window_us);
                        ck_assert_msg(before && before->amount <= figure->amount && before->amount > 0,
                                      "%s of %s is narrower than that of %s", limit_what_name(figure->what),
                                      plans->items[p].name, plans->items[p - 1].name);
                }
        ck_assert_str_eq(plans->items[0].name, "free");
        ck_assert_str_eq(plans->items[plans->count - 1].name, "enterprise");
}
END_TEST

START_TEST(keys_are_read_as_they_are_written) {
        char key[PLAN_KEY_SIZE];
        LimitWhat what;
        int64_t window_us;
        Failure failure;
        for (size_t p = 0; p < plans_builtin()->count; p++)
                for (size_t i = 0; i < plans_builtin()->items[p].figure_count; i++) {
                        const PlanFigure *figure = &plans_builtin()->items[p].figures[i];
                        plan_key_format(figure->what, figure->window_us, key);
                        ck_assert_done(plan_key_parse(text_of(key), &what, &window_us, &failure), failure);
                        ck_assert_int_eq(what, figure->what);
                        ck_assert_int_eq(window_us, figure->window_us);
                }
}
END_TEST

START_TEST(a_file_is_read_whole) {
        Plans *plans = read_yaml("free:\n  messages per minute: 10\n  turns: unlimited\n  worker-ms per hour: 900\n"
                                 "gold:\n  title: Gold\n  price: $9 a month\n  tokens per day: 5000\n  members: 0\n");
        const Plan *gold = plan_find(plans, TEXT("gold"));
        ck_assert_uint_eq(plans->count, 2);
        ck_assert_str_eq(gold->title, "Gold");
        ck_assert_str_eq(gold->price, "$9 a month");
        ck_assert_int_eq(plan_figure(gold, LIMIT_TOKENS, LIMIT_DAY_US)->amount, 5000);
        ck_assert_int_eq(plan_figure(gold, LIMIT_MEMBERS, 0)->amount, 0);
        ck_assert_int_eq(plan_figure(plan_find(plans, TEXT("free")), LIMIT_WORKER_MS, LIMIT_HOUR_US)->amount, 900);
        ck_assert_ptr_null(plan_figure(gold, LIMIT_TURNS, 0));
        ck_assert_ptr_null(plan_figure(plan_find(plans, TEXT("free")), LIMIT_TURNS, 0));
        plans_free(plans);
}
END_TEST

START_TEST(what_is_wrong_in_a_file_is_named_with_its_line) {
        static const char *const wrong[][2] = {
                { "free:\n  wishes: 3\n", "plans.yml:2: 'wishes' is nothing that a plan has." },
                { "free:\n  token per month: 3\n", "did you mean 'tokens'?" },
                { "free:\n  tokens: 3\n",
                  "plans.yml:2: 'tokens' needs a window: write 'tokens per minute', day or month" },
                { "free:\n  tokens per hour: 3\n", "'tokens' needs a window" },
                { "free:\n  messages per week: 3\n", "'messages per minute', hour, day or month" },
                { "free:\n  turns per day: 3\n", "'turns' has no window: write 'turns'" },
                { "free:\n  turns: -1\n", "plans.yml:2: expected a whole number, or 'unlimited'" },
                { "free:\n  turns: many\n", "expected a whole number" },
                { "free:\n  turns: 9007199254740992\n", "expected a whole number" },
                { "free:\n  turns: [1]\n", "expected a plain value" },
                { "free:\n  turns: 1\n  turns: 2\n", "plans.yml:3: this key stands here twice" },
                { "free: 3\n", "expected what the plan has" },
                { "Free Plan:\n  turns: 1\n", "plans.yml:1: a plan's name has" },
                { "gold:\n  turns: 1\n", "names no plan 'free'" },
                { "", "names no plan 'free'" },
        };
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                Plans *plans;
                Failure failure = { 0 };
                ck_assert_msg(!plans_read_yaml(text_of(wrong[i][0]), "plans.yml", &plans, &failure), "%s", wrong[i][0]);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
                ck_assert_msg(strstr(failure.text, wrong[i][1]), "%s: %s", wrong[i][0], failure.text);
        }
}
END_TEST

UNIT_TESTS("governance/plans", built_in_plans_hold_what_was_promised,
           each_built_in_plan_is_at_least_as_wide_as_the_one_before_it_in_every_figure,
           keys_are_read_as_they_are_written, a_file_is_read_whole, what_is_wrong_in_a_file_is_named_with_its_line)
