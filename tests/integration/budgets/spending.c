#include "tests/integration/budgets/rig.h"

#include <stdatomic.h>
#include <stdio.h>

#define TURNS   1000
#define THREADS 64 /* of each of two hubs */

static const Budget hundred = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, 100 };

/* Turns of two hubs at once against one budget. */
typedef struct Rush {
        Rig *rig;
        Budgets *hubs[2];
        int64_t least, bound, cost;
        Uuid ids[TURNS];
        _Atomic int next, ran, refused, failed;
        _Atomic int64_t at_most, spent, peak; /* at_most: what may be spent in the worst case */
} Rush;

static void rush_turn(Rush *rush, int number, Budgets *budgets) {
        BudgetCall call = call_of(rush->rig, rush->ids[number], 1, rush->least, rush->bound, &hundred, 1);
        Failure failure;
        int64_t granted = spend_begin(budgets, &call, &failure);
        if (granted == 0) {
                rush->refused += failure.kind == FAILURE_LIMIT;
                rush->failed += failure.kind != FAILURE_LIMIT || rush->spent != hundred.amount;
                return;
        }
        int64_t at_most = atomic_fetch_add(&rush->at_most, granted) + granted;
        if (at_most > rush->peak)
                rush->peak = at_most;
        rush->ran++;
        rush->spent += rush->cost;
        rush->at_most -= granted - rush->cost;
        budgets_settle(budgets, call.message_id, BUDGET_CONCLUDED, money(rush->cost));
}

static void *rush_run(void *rush_) {
        Rush *rush = rush_;
        for (int number; (number = rush->next++) < TURNS;)
                rush_turn(rush, number, rush->hubs[number % 2]);
        return NULL;
}

static void rush(Rig *rig, Rush *rush) {
        pthread_t threads[2 * THREADS];
        rush->rig = rig;
        for (int i = 0; i < TURNS; i++)
                rush->ids[i] = rig_id(rig);
        rush->hubs[0] = rig_hub(rig, "one");
        rush->hubs[1] = rig_hub(rig, "two");
        await_state(rush->hubs[0], BUDGETS_OPEN);
        await_state(rush->hubs[1], BUDGETS_OPEN);
        for (int i = 0; i < 2 * THREADS; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, rush_run, rush), 0);
        for (int i = 0; i < 2 * THREADS; i++)
                pthread_join(threads[i], NULL);
        ck_assert_int_eq(spent(rush->hubs[0], rig, BUDGET_DAY), rush->spent);
        ck_assert_int_eq(held(rush->hubs[1], rig), 0);
        budgets_free(rush->hubs[0]);
        budgets_free(rush->hubs[1]);
}

START_TEST(of_a_thousand_turns_exactly_as_many_run_as_the_budget_is_for) {
        Rig rig;
        static Rush all = { .least = 1, .bound = 1, .cost = 1 };
        rig_open(&rig);
        rush(&rig, &all);
        ck_assert_int_eq(all.ran, 100);
        ck_assert_int_eq(all.refused, TURNS - 100);
        ck_assert_int_eq(all.failed, 0);
        ck_assert_int_le(all.peak, 100);
        rig_close(&rig);
}
END_TEST

START_TEST(bounds_of_five_times_the_cost_leave_no_money_idle_and_refuse_nobody_too_early) {
        Rig rig;
        static Rush all = { .least = 1, .bound = 5, .cost = 1 };
        rig_open(&rig);
        rush(&rig, &all);
        ck_assert_int_eq(all.spent, 100);
        ck_assert_int_le(all.peak, 100);
        ck_assert_int_eq(all.ran, 100);
        ck_assert_int_eq(all.refused, TURNS - 100);
        ck_assert_int_eq(all.failed, 0);
        rig_close(&rig);
}
END_TEST

START_TEST(same_key_reserves_once_and_a_cost_said_twice_is_booked_once) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        Uuid id = rig_id(&rig);
        BudgetCall call = call_of(&rig, id, 1, 10, 60, &hundred, 1);
        Failure failure;
        await_state(hub, BUDGETS_OPEN);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(spend_begin(hub, &call, &failure), 60);
        ck_assert_int_eq(held(hub, &rig), 60);
        for (int i = 0; i < 3; i++)
                budgets_settle(hub, id, BUDGET_CONCLUDED, money(20));
        ck_assert_int_eq(held(hub, &rig), 0);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_DAY), 20);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_MONTH), 20);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(bill_above_the_bound_is_booked_in_full_and_stops_the_next_call) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        BudgetCall call = call_of(&rig, rig_id(&rig), 1, 10, 60, &hundred, 1);
        BudgetVerdict verdict;
        Failure failure;
        await_state(hub, BUDGETS_OPEN);
        ck_assert_int_eq(spend_begin(hub, &call, &failure), 60);
        budgets_settle(hub, call.message_id, BUDGET_CONCLUDED, money(150));
        call.message_id = rig_id(&rig);
        ck_assert(!budgets_reserve(hub, &call, &verdict, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_LIMIT);
        ck_assert_ptr_eq(verdict.budget, &hundred);
        ck_assert_int_eq(verdict.spent, 150);
        ck_assert_int_gt(verdict.opens_us, clock_now().wall_us);
        ck_assert_msg(strstr(failure.text, "The tenant's budget of 0.0000001 EUR a day is spent") &&
                              strstr(failure.text, "It opens again on 20") && strstr(failure.text, "(UTC)"),
                      "%s", failure.text);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(call_is_given_what_is_left_when_others_could_not_make_room_for_all_of_it) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        BudgetCall first = call_of(&rig, rig_id(&rig), 1, 70, 70, &hundred, 1);
        BudgetCall second = call_of(&rig, rig_id(&rig), 1, 10, 80, &hundred, 1);
        BudgetCall third = call_of(&rig, rig_id(&rig), 1, 31, 80, &hundred, 1);
        Failure failure;
        await_state(hub, BUDGETS_OPEN);
        ck_assert_int_eq(spend_begin(hub, &first, &failure), 70);
        budgets_settle(hub, first.message_id, BUDGET_CONCLUDED, money(70));
        ck_assert_int_eq(spend_begin(hub, &third, &failure), 0);
        ck_assert_int_eq(failure.kind, FAILURE_LIMIT);
        ck_assert_int_eq(spend_begin(hub, &second, &failure), 30);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(call_does_not_wait_for_an_earlier_one_of_its_own_message) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        Uuid id = rig_id(&rig);
        BudgetCall call = call_of(&rig, id, 1, 60, 60, &hundred, 1), again = call_of(&rig, id, 2, 60, 60, &hundred, 1);
        Failure failure;
        await_state(hub, BUDGETS_OPEN);
        ck_assert_int_eq(spend_begin(hub, &call, &failure), 60);
        ck_assert_int_eq(spend_begin(hub, &again, &failure), 0);
        ck_assert_int_eq(failure.kind, FAILURE_LIMIT);
        ck_assert_msg(!strstr(failure.text, "or reserved"), "it waited: %s", failure.text);
        budgets_release(hub, id, 1);
        ck_assert_int_eq(spend_begin(hub, &again, &failure), 60);
        budgets_settle(hub, id, 3, money(5)); /* a step */
        ck_assert_int_eq(held(hub, &rig), 0);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_DAY), 5);
        call = call_of(&rig, id, 4, 60, 60, &hundred, 1);
        call.spent = money(5);
        ck_assert_int_eq(spend_begin(hub, &call, &failure), 60);
        budgets_settle(hub, id, BUDGET_CONCLUDED, money(12)); /* all of it, the step included */
        ck_assert_int_eq(spent(hub, &rig, BUDGET_DAY), 12);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(budget_is_one_tenants_and_one_partys) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        const Budget budgets[] = { { BUDGET_OF_ACCOUNT, BUDGET_MONEY, BUDGET_DAY, 100 },
                                   { BUDGET_OF_DOMAIN, BUDGET_MONEY, BUDGET_DAY, 100 } };
        Failure failure;
        await_state(hub, BUDGETS_OPEN);
        for (int i = 0; i < 2; i++) {
                BudgetCall call = call_of(&rig, rig_id(&rig), 1, 100, 100, &budgets[i], 1), other;
                call.parties.account_id = i == 0 ? rig.parties.agent_id : (Uuid){ { 0 } };
                call.parties.domain = i == 0 ? TEXT_NONE : TEXT("example.org");
                ck_assert_int_eq(spend_begin(hub, &call, &failure), 100);
                budgets_settle(hub, call.message_id, BUDGET_CONCLUDED, money(100));
                call.message_id = rig_id(&rig);
                ck_assert_int_eq(spend_begin(hub, &call, &failure), 0);
                other = call; /* the same person, of another tenant */
                other.parties.tenant_id = rig_id(&rig);
                ck_assert_int_eq(spend_begin(hub, &other, &failure), 100);
                other = call; /* and another of this one */
                other.message_id = rig_id(&rig);
                other.parties.account_id = i == 0 ? rig_id(&rig) : (Uuid){ { 0 } };
                other.parties.domain = i == 0 ? TEXT_NONE : TEXT("example.net");
                ck_assert_int_eq(spend_begin(hub, &other, &failure), 100);
        }
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(budget_set_late_begins_with_what_was_spent_before) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        const Budget agents = { BUDGET_OF_AGENT, BUDGET_TOKENS, BUDGET_MONTH, 50 };
        BudgetCall call = call_of(&rig, rig_id(&rig), 1, 10, 10, NULL, 0);
        BudgetVerdict verdict;
        Failure failure;
        call.most.units[BUDGET_TOKENS] = call.least.units[BUDGET_TOKENS] = 30;
        await_state(hub, BUDGETS_OPEN);
        ck_assert_int_eq(spend_begin(hub, &call, &failure), 10);
        budgets_settle(hub, call.message_id, BUDGET_CONCLUDED, (BudgetAmounts){ { 10, 30 } });
        call.message_id = rig_id(&rig);
        call.budgets = &agents;
        call.budget_count = 1;
        ck_assert(!budgets_reserve(hub, &call, &verdict, &failure));
        ck_assert_msg(strstr(failure.text, "The agent's budget of 50 tokens a month is spent: 30 tokens"), "%s",
                      failure.text);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(call_that_costs_nothing_does_not_ask_the_cache) {
        Rig rig;
        rig_open(&rig);
        redis_kill(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        BudgetCall call = call_of(&rig, rig_id(&rig), 1, 0, 0, &hundred, 1);
        BudgetVerdict verdict;
        Failure failure;
        call.most.units[BUDGET_TOKENS] = 1000; /* without a budget of tokens */
        ck_assert(!budgets_apply(&call));
        ck_assert_done(budgets_reserve(hub, &call, &verdict, &failure), failure);
        ck_assert_int_eq(verdict.granted.units[BUDGET_TOKENS], 1000);
        ck_assert_done(budgets_sent(hub, call.message_id, 1, &failure), failure);
        budgets_settle(hub, call.message_id, BUDGET_CONCLUDED, money(0));
        call.most = money(1);
        ck_assert(!budgets_reserve(hub, &call, &verdict, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(settling_a_step_ends_the_calls_before_it_and_not_the_one_that_follows) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        Uuid id = rig_id(&rig);
        BudgetCall call = call_of(&rig, id, 1, 40, 40, &hundred, 1), next = call_of(&rig, id, 2, 50, 50, &hundred, 1);
        Failure failure;
        await_state(hub, BUDGETS_OPEN);
        ck_assert_int_eq(spend_begin(hub, &call, &failure), 40);
        ck_assert_int_eq(spend_begin(hub, &next, &failure), 50);
        budgets_settle(hub, id, 2, money(5));
        ck_assert_int_eq(held(hub, &rig), 50);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_DAY), 5);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

/* One message, which a hub took up after another. */
START_TEST(what_one_hub_reserved_another_neither_sends_nor_loses_its_own_with) {
        Rig rig;
        rig_open(&rig);
        Budgets *heir = rig_hub(&rig, "heir"), *dead = rig_hub(&rig, "dead");
        Uuid id = rig_id(&rig);
        BudgetCall call = call_of(&rig, id, 1, 30, 30, &hundred, 1);
        BudgetCall again = call_of(&rig, id, STEP_ATTEMPT + 2, 40, 40, &hundred, 1);
        BudgetAmounts bound;
        BudgetVerdict verdict;
        Failure failure;
        await_state(heir, BUDGETS_OPEN);
        await_state(dead, BUDGETS_OPEN);
        ck_assert_done(budgets_reserve(dead, &call, &verdict, &failure), failure);
        ck_assert_done(budgets_reserve(heir, &call, &verdict, &failure), failure); /* the same key: once */
        ck_assert_int_eq(held(heir, &rig), 30);
        ck_assert(!budgets_sent(heir, id, 1, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        ck_assert_done(budgets_reserve(heir, &again, &verdict, &failure), failure);
        budgets_free(dead);
        lease_raise(&rig, "dead");
        await_held(heir, &rig, 40);
        ck_assert_done(budgets_sent(heir, id, STEP_ATTEMPT + 2, &failure), failure);
        again.ordinal = STEP_ATTEMPT + 1; /* nothing was sent before; what is sent now is no presumption */
        ck_assert_done(budgets_presumed(heir, &again, 0, &bound, &failure), failure);
        ck_assert_int_eq(bound.units[BUDGET_MONEY], 0);
        budgets_free(heir);
        rig_close(&rig);
}
END_TEST

UNIT_TESTS("budgets/spending", of_a_thousand_turns_exactly_as_many_run_as_the_budget_is_for,
           bounds_of_five_times_the_cost_leave_no_money_idle_and_refuse_nobody_too_early,
           same_key_reserves_once_and_a_cost_said_twice_is_booked_once,
           bill_above_the_bound_is_booked_in_full_and_stops_the_next_call,
           call_is_given_what_is_left_when_others_could_not_make_room_for_all_of_it,
           call_does_not_wait_for_an_earlier_one_of_its_own_message,
           settling_a_step_ends_the_calls_before_it_and_not_the_one_that_follows,
           what_one_hub_reserved_another_neither_sends_nor_loses_its_own_with, budget_is_one_tenants_and_one_partys,
           budget_set_late_begins_with_what_was_spent_before, call_that_costs_nothing_does_not_ask_the_cache)
