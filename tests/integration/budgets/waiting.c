/* Calls that must wait for others: who stands in line, who is asked for when, and what becomes of those who leave. */
#include "tests/integration/budgets/rig.h"

#include <stdio.h>

#define SOON_US    (5 * SECONDS)
#define WAITERS    1000
#define SILENCE_US (300 * MILLISECONDS) /* more than the longest pause between two questions */

static const Budget hundred = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, 100 };

typedef struct Scene {
        Rig rig;
        Budgets *hub;
        BudgetCall first; /* holds all, or nearly all */
} Scene;

static void scene_open(Scene *scene, int64_t held) {
        Failure failure;
        rig_open(&scene->rig);
        scene->hub = rig_hub(&scene->rig, "one");
        await_state(scene->hub, BUDGETS_OPEN);
        scene->first = call_of(&scene->rig, rig_id(&scene->rig), 1, held, held, &hundred, 1);
        ck_assert_int_eq(spend_begin(scene->hub, &scene->first, &failure), held);
}

static void scene_close(Scene *scene) {
        budgets_free(scene->hub);
        rig_close(&scene->rig);
}

static void end(Scene *scene, const BudgetCall *call) {
        budgets_settle(scene->hub, call->message_id, BUDGET_CONCLUDED, money(0));
}

static void must_wait(Budgets *hub, const BudgetCall *call) {
        BudgetVerdict verdict;
        Failure failure;
        ck_assert(!budgets_reserve(hub, call, &verdict, &failure));
        ck_assert_msg(verdict.waits, "%s", failure.text);
}

static BudgetCall waiting_call(Scene *scene, int64_t units) {
        BudgetCall call = call_of(&scene->rig, rig_id(&scene->rig), 1, units, units, &hundred, 1);
        must_wait(scene->hub, &call);
        return call;
}

START_TEST(call_that_would_fit_once_another_settles_is_held_when_it_does_here_or_on_another_hub) {
        Scene scene;
        BudgetVerdict verdict;
        Failure failure;
        scene_open(&scene, 90);
        Budgets *there = rig_hub(&scene.rig, "two");
        await_state(there, BUDGETS_OPEN);
        for (int i = 0; i < 2; i++) {
                BudgetCall call = waiting_call(&scene, 80);
                ck_assert(!told_to_go_on(call.message_id, SILENCE_US));
                budgets_settle(i == 0 ? scene.hub : there, scene.first.message_id, BUDGET_CONCLUDED, money(0));
                ck_assert(told_to_go_on(call.message_id, SOON_US));
                ck_assert_int_eq(held(scene.hub, &scene.rig), 80); /* before it asks again */
                ck_assert_done(budgets_reserve(scene.hub, &call, &verdict, &failure), failure);
                ck_assert_int_eq(verdict.granted.units[BUDGET_MONEY], 80);
                ck_assert_done(budgets_sent(scene.hub, call.message_id, 1, &failure), failure);
                end(&scene, &call);
                ck_assert_int_eq(held(scene.hub, &scene.rig), 0);
                scene.first.message_id = rig_id(&scene.rig);
                ck_assert_int_eq(spend_begin(there, &scene.first, &failure), 90);
        }
        budgets_free(there);
        scene_close(&scene);
}
END_TEST

START_TEST(who_came_first_is_held_for_first_and_who_needs_little_does_not_pass) {
        Scene scene;
        BudgetVerdict verdict;
        Failure failure;
        scene_open(&scene, 90);
        BudgetCall large = waiting_call(&scene, 100), small = waiting_call(&scene, 5);
        must_wait(scene.hub, &small); /* asked again it keeps its place, and is not told twice */
        BudgetCall last = waiting_call(&scene, 100);
        ck_assert(!told_to_go_on(small.message_id, SILENCE_US));
        end(&scene, &scene.first);
        ck_assert(told_to_go_on(large.message_id, SOON_US));
        ck_assert(!told_to_go_on(small.message_id, SILENCE_US));
        ck_assert_done(budgets_reserve(scene.hub, &large, &verdict, &failure), failure); /* though others stand there */
        end(&scene, &large);
        ck_assert(told_to_go_on(small.message_id, SOON_US));
        ck_assert(!told_to_go_on(small.message_id, SILENCE_US));
        end(&scene, &small);
        ck_assert(told_to_go_on(last.message_id, SOON_US));
        scene_close(&scene);
}
END_TEST

START_TEST(message_that_is_over_leaves_its_line_and_gives_back_what_was_held_for_it_meanwhile) {
        Scene scene;
        scene_open(&scene, 100);
        BudgetCall gone = waiting_call(&scene, 100), next = waiting_call(&scene, 100);
        end(&scene, &gone);
        end(&scene, &scene.first);
        ck_assert(told_to_go_on(next.message_id, SOON_US));
        ck_assert(!told_to_go_on(gone.message_id, SILENCE_US));
        ck_assert_int_eq(held(scene.hub, &scene.rig), 100);
        end(&scene, &next); /* it never asks again */
        ck_assert_int_eq(held(scene.hub, &scene.rig), 0);
        scene_close(&scene);
}
END_TEST

START_TEST(call_whose_budget_is_gone_leaves_its_line_and_gives_back_what_was_held_for_it) {
        Scene scene;
        BudgetVerdict verdict;
        Failure failure;
        scene_open(&scene, 100);
        BudgetCall free = waiting_call(&scene, 100), next = waiting_call(&scene, 100);
        for (int i = 0; i < 2; i++) { /* while it stands there, and when it was its turn */
                free.most = free.least = money(0);
                ck_assert_done(budgets_reserve(scene.hub, &free, &verdict, &failure), failure);
                ck_assert_done(budgets_sent(scene.hub, free.message_id, 1, &failure), failure);
                if (i == 0)
                        end(&scene, &scene.first);
                ck_assert(told_to_go_on(next.message_id, SOON_US));
                ck_assert_int_eq(held(scene.hub, &scene.rig), 100);
                free = next;
                next = waiting_call(&scene, 100);
        }
        end(&scene, &next);
        scene_close(&scene);
}
END_TEST

START_TEST(call_that_is_asked_for_the_last_time_hears_who_has_it_and_leaves_its_line) {
        Scene scene;
        BudgetVerdict verdict;
        Failure failure;
        scene_open(&scene, 90);
        BudgetCall call = waiting_call(&scene, 20), next = waiting_call(&scene, 20);
        call.last = true;
        ck_assert(!budgets_reserve(scene.hub, &call, &verdict, &failure));
        ck_assert(!verdict.waits);
        ck_assert_int_eq(failure.kind, FAILURE_LIMIT);
        ck_assert_int_eq(verdict.opens_us, 0);
        ck_assert_msg(strstr(failure.text, "spent or reserved"), "%s", failure.text);
        end(&scene, &scene.first);
        ck_assert(told_to_go_on(next.message_id, SOON_US));
        ck_assert(!told_to_go_on(call.message_id, SILENCE_US));
        scene_close(&scene);
}
END_TEST

START_TEST(what_would_not_fit_even_if_all_settled_is_told_so_when_that_is_known) {
        Scene scene;
        BudgetVerdict verdict;
        Failure failure;
        scene_open(&scene, 90);
        BudgetCall call = waiting_call(&scene, 80);
        budgets_settle(scene.hub, scene.first.message_id, BUDGET_CONCLUDED, money(90));
        ck_assert(told_to_go_on(call.message_id, SOON_US));
        ck_assert(!budgets_reserve(scene.hub, &call, &verdict, &failure));
        ck_assert(!verdict.waits);
        ck_assert_int_gt(verdict.opens_us, clock_now().wall_us);
        ck_assert_msg(strstr(failure.text, "is spent: 0.00000009 EUR are spent"), "%s", failure.text);
        scene_close(&scene);
}
END_TEST

START_TEST(who_is_asked_for_less_or_by_other_limits_meanwhile_gets_by_what_holds_then) {
        static const Budget two_hundred = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, 200 };
        Scene scene;
        BudgetVerdict verdict;
        Failure failure;
        scene_open(&scene, 90);
        BudgetCall raised = waiting_call(&scene, 80), freed = waiting_call(&scene, 80),
                   grown = waiting_call(&scene, 80);
        raised.budgets = &two_hundred;
        must_wait(scene.hub, &raised); /* and is asked for at once */
        ck_assert(told_to_go_on(raised.message_id, SOON_US));
        freed.budget_count = 0;
        ck_assert_done(budgets_reserve(scene.hub, &freed, &verdict, &failure), failure);
        end(&scene, &raised);
        end(&scene, &freed);
        end(&scene, &scene.first);
        ck_assert(told_to_go_on(grown.message_id, SOON_US));
        grown.least = grown.most = money(100); /* its prompt has grown while it waited */
        ck_assert_done(budgets_reserve(scene.hub, &grown, &verdict, &failure), failure);
        ck_assert_int_eq(verdict.granted.units[BUDGET_MONEY], 100);
        ck_assert_int_eq(held(scene.hub, &scene.rig), 100);
        scene_close(&scene);
}
END_TEST

START_TEST(who_comes_while_the_cache_is_away_is_held_for_when_it_is_back) {
        Scene scene;
        BudgetVerdict verdict;
        Failure failure;
        scene_open(&scene, 20);
        end(&scene, &scene.first);
        redis_kill(&scene.rig);
        BudgetCall call = call_of(&scene.rig, rig_id(&scene.rig), 1, 80, 80, &hundred, 1);
        ck_assert(!budgets_reserve(scene.hub, &call, &verdict, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        ck_assert(verdict.waits);
        ck_assert(!told_to_go_on(call.message_id, SILENCE_US));
        redis_run(&scene.rig);
        ck_assert(told_to_go_on(call.message_id, 4 * SOON_US));
        ck_assert_done(budgets_reserve(scene.hub, &call, &verdict, &failure), failure);
        scene_close(&scene);
}
END_TEST

static int threads_of_ours(void) {
        char line[200];
        int threads = 0;
        FILE *file = fopen("/proc/self/status", "r");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, "Threads:", 8) == 0)
                        threads = atoi(line + 8);
        fclose(file);
        return threads;
}

START_TEST(thousand_who_wait_take_no_thread_and_are_served_in_their_order) {
        Scene scene;
        static BudgetCall calls[WAITERS];
        scene_open(&scene, 100);
        int before = threads_of_ours();
        for (int i = 0; i < WAITERS; i++)
                calls[i] = waiting_call(&scene, 100);
        ck_assert_int_eq(threads_of_ours(), before);
        end(&scene, &scene.first);
        for (int i = 0; i < WAITERS; i++) {
                ck_assert_msg(told_to_go_on(calls[i].message_id, SOON_US), "number %d was not told", i);
                ck_assert_int_eq(held(scene.hub, &scene.rig), 100);
                end(&scene, &calls[i]);
        }
        ck_assert_int_eq(held(scene.hub, &scene.rig), 0);
        scene_close(&scene);
}
END_TEST

UNIT_TESTS("budgets/waiting", call_that_would_fit_once_another_settles_is_held_when_it_does_here_or_on_another_hub,
           who_came_first_is_held_for_first_and_who_needs_little_does_not_pass,
           message_that_is_over_leaves_its_line_and_gives_back_what_was_held_for_it_meanwhile,
           call_whose_budget_is_gone_leaves_its_line_and_gives_back_what_was_held_for_it,
           call_that_is_asked_for_the_last_time_hears_who_has_it_and_leaves_its_line,
           what_would_not_fit_even_if_all_settled_is_told_so_when_that_is_known,
           who_is_asked_for_less_or_by_other_limits_meanwhile_gets_by_what_holds_then,
           who_comes_while_the_cache_is_away_is_held_for_when_it_is_back,
           thousand_who_wait_take_no_thread_and_are_served_in_their_order)
