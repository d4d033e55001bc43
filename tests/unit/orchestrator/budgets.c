/* Budgets as the core knows them: which concern a message, and what is refused at the door for them. */
#include "orchestrator/directory/budgets.h"
#include "tests/unit/orchestrator/rig.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define DAY_LIMIT   ((Uuid){ { 7, 1 } })
#define MONTH_LIMIT ((Uuid){ { 7, 2 } })

static void put_limit(Rig *rig, Uuid id, LimitSubject subject, Uuid subject_id, LimitWhat what, int64_t window_us,
                      int64_t amount) {
        rig_change(rig, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                           .id = id,
                                           .tenant_id = rig_acme,
                                           .subject = subject,
                                           .subject_id = subject_id,
                                           .what = what,
                                           .window_us = window_us,
                                           .amount = amount,
                                           .gone = amount < 0 });
}

static void put_agent(Rig *rig, bool priced, const char *model) {
        rig_change(rig, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                           .id = rig_desk,
                                           .tenant_id = rig_acme,
                                           .name = TEXT("desk"),
                                           .owner_id = rig_ann,
                                           .owner = TEXT("ann@example.org"),
                                           .visibility = VISIBILITY_TENANT,
                                           .model = text_of(model),
                                           .priced = priced });
}

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig_start(rig);
        put_agent(rig, true, "openai/m");
}

/* NULL: it was let in. */
static const char *refusal(Rig *rig, Said said) {
        if (!said.from)
                said.from = "bob@example.org/x";
        said.agent = "desk.acme";
        rig_say(rig, said);
        const Command *refused = rig_command(rig, COMMAND_REFUSE, 0);
        static Failure failure;

        if (!refused)
                return NULL;
        failure = refused->arrival.failure;
        return failure.text;
}

static bool is_same(const Budget *one, const Budget *other) {
        return one->subject == other->subject && one->unit == other->unit && one->window == other->window &&
               one->amount == other->amount;
}

START_TEST(a_message_carries_the_budgets_of_all_whom_it_concerns) {
        const struct {
                LimitSubject subject;
                Uuid subject_id;
                LimitWhat what;
                int64_t window_us;
                Budget budget;
                bool none;
        } rows[] = {
                { LIMIT_OF_INSTALLATION,
                  { { 0 } },
                  LIMIT_MONEY_NANO,
                  LIMIT_MONTH_US,
                  { BUDGET_OF_INSTALLATION, BUDGET_MONEY, BUDGET_MONTH, 1 } },
                { LIMIT_OF_TENANT,
                  rig_acme,
                  LIMIT_TOKENS,
                  LIMIT_MINUTE_US,
                  { BUDGET_OF_TENANT, BUDGET_TOKENS, BUDGET_MINUTE, 2 } },
                { LIMIT_OF_AGENT,
                  rig_desk,
                  LIMIT_MONEY_NANO,
                  LIMIT_DAY_US,
                  { BUDGET_OF_AGENT, BUDGET_MONEY, BUDGET_DAY, 3 } },
                { LIMIT_OF_ACCOUNT,
                  rig_bob,
                  LIMIT_TOKENS,
                  LIMIT_DAY_US,
                  { BUDGET_OF_ACCOUNT, BUDGET_TOKENS, BUDGET_DAY, 4 } },
                { LIMIT_OF_TENANT, rig_zeta, LIMIT_TOKENS, LIMIT_DAY_US, .none = true },
                { LIMIT_OF_AGENT, rig_secret, LIMIT_TOKENS, LIMIT_DAY_US, .none = true },
                { LIMIT_OF_ACCOUNT, rig_ann, LIMIT_TOKENS, LIMIT_DAY_US, .none = true },
                { LIMIT_OF_TENANT, rig_acme, LIMIT_MESSAGES, LIMIT_DAY_US, .none = true },
        };
        _cleanup_(rig_release) Rig rig;
        size_t expected = 0;

        setup(&rig);
        for (size_t i = 0; i < COUNT_OF(rows); i++)
                put_limit(&rig, (Uuid){ { 7, (uint8_t) i } }, rows[i].subject, rows[i].subject_id, rows[i].what,
                          rows[i].window_us, (int64_t) i + 1);
        rig_accept(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "hello" });
        const TurnInput *input = rig_turn(&rig, "hello")->input;
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                bool found = false;
                for (size_t k = 0; k < input->budget_count; k++)
                        found |= is_same(&input->budgets[k], &rows[i].budget);
                ck_assert_msg(found == !rows[i].none, "row %zu", i);
                expected += !rows[i].none;
        }
        ck_assert_uint_eq(input->budget_count, expected);
        ck_assert(uuid_equal(input->parties.account_id, rig_bob));
        ck_assert_text(input->zone, TEXT("UTC"));
        ck_assert_int_eq(input->billing_day, 1);
}
END_TEST

/* bob's message is refused by a budget of so much, which opens in an hour. */
static void refuse_by(Rig *rig, Budget budget) {
        TurnResult result = { .outcome = OUTCOME_REFUSED,
                              .reason = FAILURE_LIMIT,
                              .explanation = TEXT("The budget is spent until tomorrow."),
                              .spent = { .known = true, .budget = budget } };

        rig_accept(rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "spend" });
        result.spent.opens_us = rig->now.wall_us + 3600 * SECONDS;
        rig_end_with(rig, rig_turn(rig, "spend"), result);
        rig_settle(rig);
}

static const Agent *desk_of(const Rig *rig) {
        return directory_agent_by_id(core_directory(rig->core), rig_desk);
}

START_TEST(an_agent_over_budget_says_so_at_the_door_until_its_window_opens) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        put_limit(&rig, DAY_LIMIT, LIMIT_OF_AGENT, rig_desk, LIMIT_MONEY_NANO, LIMIT_DAY_US, 100);
        uint32_t look = desk_of(&rig)->look;
        refuse_by(&rig, (Budget){ BUDGET_OF_AGENT, BUDGET_MONEY, BUDGET_DAY, 100 });
        ck_assert_uint_ne(desk_of(&rig)->look, look);
        ck_assert_int_eq(desk_of(&rig)->spent_until_us, rig.now.wall_us + 3600 * SECONDS);
        ck_assert_str_eq(refusal(&rig, (Said){ .body = "more" }), "The budget is spent until tomorrow.");
        ck_assert_str_eq(refusal(&rig, (Said){ .from = "ann@example.org/x", .body = "mine" }),
                         "The budget is spent until tomorrow.");
        ck_assert_ptr_null(refusal(&rig, (Said){ .body = "/help", .command = true }));
        look = desk_of(&rig)->look;
        rig_settle(&rig);
        rig_pass(&rig, 3600 * SECONDS);
        rig_settle(&rig);
        ck_assert_uint_ne(desk_of(&rig)->look, look);
        ck_assert_int_eq(desk_of(&rig)->spent_until_us, 0);
        ck_assert_ptr_null(refusal(&rig, (Said){ .body = "now" }));
        rig_settle(&rig);
}
END_TEST

START_TEST(a_limit_that_is_raised_or_removed_opens_the_door_at_once) {
        const int64_t amounts[] = { 200, -1 };

        for (size_t i = 0; i < COUNT_OF(amounts); i++) {
                _cleanup_(rig_release) Rig rig;
                setup(&rig);
                put_limit(&rig, DAY_LIMIT, LIMIT_OF_TENANT, rig_acme, LIMIT_MONEY_NANO, LIMIT_DAY_US, 100);
                refuse_by(&rig, (Budget){ BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, 100 });
                put_limit(&rig, DAY_LIMIT, LIMIT_OF_TENANT, rig_acme, LIMIT_MONEY_NANO, LIMIT_DAY_US, 100);
                ck_assert_ptr_nonnull(refusal(&rig, (Said){ .body = "the same row again" }));
                uint32_t look = desk_of(&rig)->look;
                put_limit(&rig, DAY_LIMIT, LIMIT_OF_TENANT, rig_acme, LIMIT_MONEY_NANO, LIMIT_DAY_US, amounts[i]);
                ck_assert_uint_ne(desk_of(&rig)->look, look);
                ck_assert_ptr_null(refusal(&rig, (Said){ .body = "now" }));
                rig_settle(&rig);
        }
}
END_TEST

START_TEST(an_agent_that_a_rate_shuts_for_long_shows_it_until_it_lets_in_again) {
        const struct {
                LimitSubject subject;
                Uuid subject_id;
                int64_t window_us;
                bool shows;
        } cases[] = {
                { LIMIT_OF_AGENT, rig_desk, LIMIT_DAY_US, true },
                { LIMIT_OF_TENANT, rig_acme, LIMIT_HOUR_US, true },
                { LIMIT_OF_ACCOUNT, rig_bob, LIMIT_DAY_US, false },       /* nobody else's business */
                { LIMIT_OF_AGENT, rig_desk, LIMIT_MINUTE_US / 2, false }, /* it opens in a moment */
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                setup(&rig);
                put_limit(&rig, DAY_LIMIT, cases[i].subject, cases[i].subject_id, LIMIT_MESSAGES, cases[i].window_us,
                          1);
                ck_assert_ptr_null(refusal(&rig, (Said){ .body = "one" }));
                uint32_t look = desk_of(&rig)->look;
                ck_assert_ptr_nonnull(refusal(&rig, (Said){ .body = "two" }));
                ck_assert_msg((desk_of(&rig)->look != look) == cases[i].shows, "case %zu", i);
                int64_t shown_us = desk_of(&rig)->spent_until_us, opens_us = rig.now.wall_us + cases[i].window_us;
                ck_assert(cases[i].shows ? llabs(shown_us - opens_us) <= 1 : shown_us == 0);
                rig_pass(&rig, cases[i].window_us + SECONDS);
                rig_settle(&rig);
                ck_assert_int_eq(desk_of(&rig)->spent_until_us, 0);
                ck_assert_ptr_null(refusal(&rig, (Said){ .body = "three" }));
                ck_assert_ptr_nonnull(refusal(&rig, (Said){ .body = "four" }));
                put_limit(&rig, DAY_LIMIT, cases[i].subject, cases[i].subject_id, LIMIT_MESSAGES, cases[i].window_us,
                          -1);
                rig_pass(&rig, 2 * SECONDS);
                rig_settle(&rig);
                ck_assert_int_eq(desk_of(&rig)->spent_until_us, 0);
        }
}
END_TEST

START_TEST(an_agent_over_several_limits_shows_the_one_that_is_over_last) {
        const Budget day = { BUDGET_OF_AGENT, BUDGET_MONEY, BUDGET_DAY, 100 },
                     month = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_MONTH, 200 };
        const BudgetParties parties = { .tenant_id = rig_acme, .agent_id = rig_desk };
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        put_limit(&rig, DAY_LIMIT, LIMIT_OF_AGENT, rig_desk, LIMIT_MONEY_NANO, LIMIT_DAY_US, 100);
        put_limit(&rig, MONTH_LIMIT, LIMIT_OF_TENANT, rig_acme, LIMIT_MONEY_NANO, LIMIT_MONTH_US, 200);
        Directory *directory = core_directory(rig.core);
        const int64_t one_us = rig.now.wall_us + 3600 * SECONDS, two_us = one_us + 3600 * SECONDS;
        directory_spend(directory, &parties, &month, two_us, TEXT("Of the month."));
        uint32_t look = desk_of(&rig)->look;
        directory_spend(directory, &parties, &day, one_us, TEXT("Of the day."));
        ck_assert_int_eq(desk_of(&rig)->spent_until_us, two_us);
        directory_renew_spent(directory, (Moment){ .wall_us = one_us });
        ck_assert_int_eq(desk_of(&rig)->spent_until_us, two_us);
        ck_assert_uint_eq(desk_of(&rig)->look, look); /* nobody need be told anything new */
        directory_spend(directory, &parties, &day, two_us - SECONDS, TEXT("Of the next day."));
        put_limit(&rig, MONTH_LIMIT, LIMIT_OF_TENANT, rig_acme, LIMIT_MONEY_NANO, LIMIT_MONTH_US, -1);
        ck_assert_int_eq(desk_of(&rig)->spent_until_us, two_us - SECONDS);
        ck_assert_uint_ne(desk_of(&rig)->look, look);
        put_limit(&rig, DAY_LIMIT, LIMIT_OF_AGENT, rig_desk, LIMIT_MONEY_NANO, LIMIT_DAY_US, -1);
        ck_assert_int_eq(desk_of(&rig)->spent_until_us, 0);
}
END_TEST

START_TEST(a_model_that_became_free_is_not_held_up_by_money) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        put_limit(&rig, DAY_LIMIT, LIMIT_OF_AGENT, rig_desk, LIMIT_MONEY_NANO, LIMIT_DAY_US, 100);
        refuse_by(&rig, (Budget){ BUDGET_OF_AGENT, BUDGET_MONEY, BUDGET_DAY, 100 });
        put_agent(&rig, false, "openai/m");
        ck_assert_ptr_null(refusal(&rig, (Said){ .body = "free" }));
        ck_assert_int_eq(desk_of(&rig)->spent_until_us, 0);
        rig_settle(&rig);
}
END_TEST

START_TEST(a_persons_own_budget_is_spent_for_nobody_else) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        put_limit(&rig, DAY_LIMIT, LIMIT_OF_ACCOUNT, rig_bob, LIMIT_TOKENS, LIMIT_DAY_US, 100);
        uint32_t look = desk_of(&rig)->look;
        refuse_by(&rig, (Budget){ BUDGET_OF_ACCOUNT, BUDGET_TOKENS, BUDGET_DAY, 100 });
        ck_assert_ptr_nonnull(refusal(&rig, (Said){ .body = "more" }));
        ck_assert_uint_eq(desk_of(&rig)->look, look);
        ck_assert_ptr_null(refusal(&rig, (Said){ .from = "ann@example.org/x", .body = "mine" }));
        rig_settle(&rig);
}
END_TEST

START_TEST(what_cannot_be_checked_is_refused_and_nothing_else) {
        const struct {
                const char *model;
                bool priced;
                LimitWhat what;
                const char *says; /* NULL: it is let in */
        } cases[] = {
                { "openai/m", true, LIMIT_MESSAGES,
                  "What this may cost cannot be checked at the moment. Try again later." },
                { "openai/m", true, LIMIT_TOKENS,
                  "What this may cost cannot be checked at the moment. Try again later." },
                { "openai/m", false, LIMIT_TOKENS,
                  "Tokens are limited here, and how many are left cannot be checked at the moment. Try again later." },
                { "openai/m", false, LIMIT_MONEY_NANO, NULL },
                { "openai/m", false, LIMIT_MESSAGES, NULL },
                { "builtin/echo", false, LIMIT_TOKENS, NULL }, /* asks no provider, and uses none */
                { "builtin/extractive", false, LIMIT_TOKENS, NULL },
                { "builtin/extractive", true, LIMIT_TOKENS,
                  "What this may cost cannot be checked at the moment. Try again later." },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                setup(&rig);
                put_agent(&rig, cases[i].priced, cases[i].model);
                put_limit(&rig, DAY_LIMIT, LIMIT_OF_TENANT, rig_acme, cases[i].what, LIMIT_DAY_US, 1000);
                core_set_cache_away(rig.core, true);
                const char *said = refusal(&rig, (Said){ .body = "away" });
                ck_assert_msg(said && cases[i].says ? strcmp(said, cases[i].says) == 0 : !said && !cases[i].says,
                              "case %zu: %s", i, said ? said : "let in");
                ck_assert_ptr_null(refusal(&rig, (Said){ .body = "/help", .command = true }));
                core_set_cache_away(rig.core, false);
                ck_assert_ptr_null(refusal(&rig, (Said){ .body = "back" }));
                rig_settle(&rig);
        }
}
END_TEST

START_TEST(owners_are_told_once_a_window_when_four_fifths_of_a_budget_are_used) {
        _cleanup_(rig_release) Rig rig;
        int told = 0;

        setup(&rig);
        put_limit(&rig, DAY_LIMIT, LIMIT_OF_AGENT, rig_desk, LIMIT_MONEY_NANO, LIMIT_DAY_US, 100);
        int64_t ends_us = rig.now.wall_us + 3600 * SECONDS;
        for (int i = 0; i < 4; i++) {
                TurnResult result = { .outcome = OUTCOME_SUCCESS, .answer = TEXT("done") };
                Budget budget = { BUDGET_OF_AGENT, BUDGET_MONEY, BUDGET_DAY, 100 };
                if (i > 0) /* the last of them in the next window */
                        result.near = (SpentBudget){ true, budget, 80, ends_us + (i == 3) * 86400 * SECONDS };
                rig_accept(&rig, (Said){ .from = "bob@example.org/x", .agent = "desk.acme", .body = "spend" });
                rig_end_with(&rig, rig_turn(&rig, "spend"), result);
                const Command *tell = rig_command(&rig, COMMAND_TELL, 0);
                ck_assert_msg((tell != NULL) == (i == 1 || i == 3), "message %d", i);
                told += tell != NULL;
                if (tell)
                        ck_assert_text(tell->tell.who, TEXT("ann@example.org"));
                rig_settle(&rig);
        }
        ck_assert_int_eq(told, 2);
}
END_TEST

UNIT_TESTS("orchestrator/budgets", a_message_carries_the_budgets_of_all_whom_it_concerns,
           an_agent_over_budget_says_so_at_the_door_until_its_window_opens,
           a_limit_that_is_raised_or_removed_opens_the_door_at_once, a_model_that_became_free_is_not_held_up_by_money,
           an_agent_that_a_rate_shuts_for_long_shows_it_until_it_lets_in_again,
           an_agent_over_several_limits_shows_the_one_that_is_over_last, a_persons_own_budget_is_spent_for_nobody_else,
           owners_are_told_once_a_window_when_four_fifths_of_a_budget_are_used,
           what_cannot_be_checked_is_refused_and_nothing_else)
