#include "tests/integration/budgets/rig.h"

#include <stdio.h>
#include <unistd.h>

static const Budget hundred = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_MONTH, 100 };

/* A call of the price of the whole budget but for `left` of it. */
static BudgetCall spend(Rig *rig, Budgets *hub, int64_t bound) {
        BudgetCall call = call_of(rig, rig_id(rig), 1, bound, bound, &hundred, 1);
        Failure failure;
        ck_assert_msg(spend_begin(hub, &call, &failure) == bound, "%s", failure.text);
        return call;
}

static void settle(Rig *rig, Budgets *hub, const BudgetCall *call, int64_t cost) {
        ledger_conclude(rig, call->message_id, cost, "now()");
        budgets_settle(hub, call->message_id, BUDGET_CONCLUDED, money(cost));
}

/* Closed as soon as somebody asks, whether the treasurer has looked or not. */
static void await_closed(Rig *rig, Budgets *hub) {
        BudgetCall call = call_of(rig, rig_id(rig), 1, 1, 1, &hundred, 1);
        BudgetVerdict verdict;
        Failure failure;
        call.last = true; /* it does not stand there until it is open */
        ck_assert(!budgets_reserve(hub, &call, &verdict, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
}

START_TEST(flushed_cache_is_closed_until_it_is_right_again_without_a_hand) {
        Rig rig;
        rig_open(&rig);
        Budgets *one = rig_hub(&rig, "one"), *two = rig_hub(&rig, "two");
        await_state(one, BUDGETS_OPEN);
        await_state(two, BUDGETS_OPEN);
        BudgetCall done = spend(&rig, one, 20), open = spend(&rig, one, 30), other = spend(&rig, two, 40);
        settle(&rig, one, &done, 15);
        redis_do(&rig, "flushall");
        await_closed(&rig, one);
        await_state(one, BUDGETS_OPEN);
        await_state(two, BUDGETS_OPEN);
        ck_assert_int_eq(spent(one, &rig, BUDGET_MONTH), 15);
        ck_assert_int_eq(held(one, &rig), 70);
        settle(&rig, one, &open, 1);
        settle(&rig, two, &other, 2);
        ck_assert_int_eq(spent(two, &rig, BUDGET_MONTH), 18);
        ck_assert_int_eq(held(two, &rig), 0);
        budgets_free(one);
        budgets_free(two);
        rig_close(&rig);
}
END_TEST

START_TEST(old_copy_of_the_cache_counts_for_nothing) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        await_state(hub, BUDGETS_OPEN);
        BudgetCall before = spend(&rig, hub, 20);
        settle(&rig, hub, &before, 20);
        redis_copy(&rig);
        BudgetCall after = spend(&rig, hub, 50), open = spend(&rig, hub, 10);
        settle(&rig, hub, &after, 50);
        redis_kill(&rig);
        await_closed(&rig, hub);
        await_state(hub, BUDGETS_AWAY);
        redis_put_copy(&rig);
        redis_run(&rig);
        await_state(hub, BUDGETS_OPEN);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_MONTH), 70);
        ck_assert_int_eq(held(hub, &rig), 10);
        settle(&rig, hub, &open, 10);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_MONTH), 80);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(cost_that_is_settled_while_the_cache_is_away_is_booked_once) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        await_state(hub, BUDGETS_OPEN);
        BudgetCall concluded = spend(&rig, hub, 20), step = spend(&rig, hub, 30), committed = spend(&rig, hub, 40);
        redis_kill(&rig);
        settle(&rig, hub, &concluded, 11);
        ledger_accept(&rig, step.message_id, 1, 1);
        ledger_step(&rig, step.message_id, 2, STEP_MODEL_REPLY, 12, 1, 1);
        budgets_settle(hub, step.message_id, 2, money(12));
        ledger_conclude(&rig, committed.message_id, 13, "now()"); /* the row is there, and its settlement comes late */
        await_state(hub, BUDGETS_AWAY);
        redis_run(&rig);
        await_state(hub, BUDGETS_OPEN);
        await_held(hub, &rig, 40);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_MONTH), 36);
        budgets_settle(hub, committed.message_id, BUDGET_CONCLUDED, money(13));
        ck_assert_int_eq(spent(hub, &rig, BUDGET_MONTH), 36);
        ck_assert_int_eq(held(hub, &rig), 0);
        ledger_conclude(&rig, step.message_id, 14, "now()"); /* the message went on, and cost more */
        BudgetCall more = call_of(&rig, step.message_id, 3, 5, 5, &hundred, 1);
        Failure failure;
        more.spent = money(12);
        ck_assert_int_eq(spend_begin(hub, &more, &failure), 5);
        budgets_settle(hub, step.message_id, BUDGET_CONCLUDED, money(14));
        ck_assert_int_eq(spent(hub, &rig, BUDGET_MONTH), 38);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(call_reserved_before_a_loss_may_be_sent_only_if_it_was_told) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        BudgetCall call = call_of(&rig, rig_id(&rig), 1, 60, 60, &hundred, 1);
        BudgetVerdict verdict;
        Failure failure;
        await_state(hub, BUDGETS_OPEN);
        ck_assert_done(budgets_reserve(hub, &call, &verdict, &failure), failure);
        redis_do(&rig, "flushall");
        await_closed(&rig, hub);
        await_state(hub, BUDGETS_OPEN);
        ck_assert_done(budgets_sent(hub, call.message_id, 1, &failure), failure); /* it was told */
        budgets_hold_lease(hub, TEXT("one"), 2); /* what an earlier epoch reserved is no longer this hub's */
        ck_assert(!budgets_sent(hub, call.message_id, 1, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(hub_that_missed_a_generation_tells_the_next_one_what_it_had_sent) {
        Rig rig;
        rig_open(&rig);
        Budgets *hub = rig_hub(&rig, "one");
        BudgetVerdict verdict;
        Failure failure;
        await_state(hub, BUDGETS_OPEN);
        BudgetCall sent = spend(&rig, hub, 30), kept = call_of(&rig, rig_id(&rig), 1, 40, 40, &hundred, 1);
        ck_assert_done(budgets_reserve(hub, &kept, &verdict, &failure), failure);
        /* As others build it who have waited for this hub in vain. */
        redis_do(&rig, "eval \"local gate = redis.call('GET', 'budget:generation') "
                       "redis.call('SET', 'budget:generation', string.sub(gate, 1, 41) .. 'elsewhere')\" 0");
        ck_assert(!budgets_sent(hub, kept.message_id, 1, &failure));
        await_state(hub, BUDGETS_OPEN);
        ck_assert_int_eq(held(hub, &rig), 0);
        redis_do(&rig, "flushall");
        await_closed(&rig, hub);
        await_state(hub, BUDGETS_OPEN);
        ck_assert_int_eq(held(hub, &rig), 30);
        settle(&rig, hub, &sent, 7);
        ck_assert_int_eq(held(hub, &rig), 0);
        ck_assert_int_eq(spent(hub, &rig, BUDGET_MONTH), 7);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

START_TEST(two_hubs_that_find_an_empty_cache_build_one_generation) {
        Rig rig;
        Budgets *hubs[8];
        char name[8];
        rig_open(&rig);
        for (int round = 0; round < 3; round++) {
                redis_do(&rig, "flushall");
                for (int i = 0; i < 8; i++) {
                        snprintf(name, sizeof(name), "hub%d", i);
                        hubs[i] = rig_hub(&rig, name);
                }
                for (int i = 0; i < 8; i++)
                        await_state(hubs[i], BUDGETS_OPEN);
                BudgetCall call = spend(&rig, hubs[round], 10);
                for (int i = 0; i < 8; i++)
                        ck_assert_int_eq(held(hubs[i], &rig), 10);
                budgets_settle(hubs[round], call.message_id, BUDGET_CONCLUDED, money(0));
                for (int i = 0; i < 8; i++)
                        budgets_free(hubs[i]);
        }
        rig_close(&rig);
}
END_TEST

START_TEST(rebuild_waits_for_every_live_hub_and_for_no_dead_one) {
        Rig rig;
        rig_open(&rig);
        Budgets *one = rig_hub(&rig, "one"), *dead = rig_hub(&rig, "dead");
        await_state(one, BUDGETS_OPEN);
        await_state(dead, BUDGETS_OPEN);
        BudgetCall lost = spend(&rig, dead, 30);
        budgets_free(dead);
        ck_assert_int_eq(held(one, &rig), 30);
        redis_do(&rig, "flushall");
        await_closed(&rig, one);
        int64_t before_us = clock_now().monotonic_us;
        await_state(one, BUDGETS_OPEN);
        ck_assert_int_ge(clock_now().monotonic_us - before_us, 1500 * MILLISECONDS); /* its lease, nearly */
        ck_assert_int_eq(held(one, &rig), 0); /* nothing in the ledger speaks of it */
        (void) lost;
        budgets_free(one);
        rig_close(&rig);
}
END_TEST

START_TEST(what_a_dead_hub_held_comes_back_and_what_it_sent_stays) {
        Rig rig;
        rig_open(&rig);
        Budgets *one = rig_hub(&rig, "one"), *dead = rig_hub(&rig, "dead");
        BudgetVerdict verdict;
        Failure failure;
        await_state(one, BUDGETS_OPEN);
        await_state(dead, BUDGETS_OPEN);
        BudgetCall sent = spend(&rig, dead, 30), kept = call_of(&rig, rig_id(&rig), 1, 40, 40, &hundred, 1);
        ck_assert_done(budgets_reserve(dead, &kept, &verdict, &failure), failure);
        ledger_accept(&rig, sent.message_id, 2, 1);
        budgets_free(dead);
        ck_assert_int_eq(held(one, &rig), 70);
        lease_raise(&rig, "dead");
        await_held(one, &rig, 30);
        ledger_conclude(&rig, sent.message_id, 7, "now() - interval '1 minute'"); /* before it died, unsettled */
        await_held(one, &rig, 0);
        ck_assert_int_eq(spent(one, &rig, BUDGET_MONTH), 7);
        budgets_free(one);
        rig_close(&rig);
}
END_TEST

START_TEST(heir_presumes_what_was_sent_and_is_in_no_step) {
        Rig rig;
        rig_open(&rig);
        Budgets *heir = rig_hub(&rig, "heir"), *dead = rig_hub(&rig, "dead");
        BudgetAmounts bound;
        Failure failure;
        await_state(heir, BUDGETS_OPEN);
        await_state(dead, BUDGETS_OPEN);
        BudgetCall call = spend(&rig, dead, 10); /* replied, its step is committed, and not settled */
        call.ordinal = 3;
        call.least = call.most = money(20);
        ck_assert_int_eq(spend_begin(dead, &call, &failure), 20); /* and this had no reply */
        ledger_accept(&rig, call.message_id, 2, 1);
        ledger_step(&rig, call.message_id, 2, STEP_MODEL_REPLY, 4, 2, 1);
        budgets_free(dead);
        lease_raise(&rig, "dead");
        BudgetCall again = call_of(&rig, call.message_id, STEP_ATTEMPT + 1, 0, 0, &hundred, 1);
        again.spent = money(4);
        for (int i = 0; i < 2; i++) {
                ck_assert_done(budgets_presumed(heir, &again, 2, &bound, &failure), failure);
                ck_assert_int_eq(bound.units[BUDGET_MONEY], 20);
        }
        ledger_step(&rig, call.message_id, STEP_ATTEMPT + 1, STEP_PRESUMED, 24, 1, 1);
        budgets_settle(heir, call.message_id, STEP_ATTEMPT + 1, money(24));
        ck_assert_int_eq(spent(heir, &rig, BUDGET_MONTH), 24);
        ck_assert_int_eq(held(heir, &rig), 0);
        again.ordinal = 2 * STEP_ATTEMPT;
        again.spent = money(24);
        ck_assert_done(budgets_presumed(heir, &again, STEP_ATTEMPT + 1, &bound, &failure), failure);
        ck_assert_int_eq(bound.units[BUDGET_MONEY], 0);
        budgets_free(heir);
        rig_close(&rig);
}
END_TEST

/* An agent with one version: a million and 4,096 tokens at most, 1 nano each. */
static void make_priced_agent(Rig *rig) {
        char sql[2000], agent[UUID_STRING_SIZE];
        uuid_format(rig->parties.agent_id, agent);
        snprintf(
                sql, sizeof(sql),
                "ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY;"
                "INSERT INTO accounts (id, jid) VALUES ('%s', 'o@example.org');"
                "ALTER TABLE accounts FORCE ROW LEVEL SECURITY;"
                "INSERT INTO members (tenant_id, account_id, role) VALUES (current_tenant(), '%s', 'owner');"
                "BEGIN; INSERT INTO agents (tenant_id, id, name, owner_id, version_id) "
                "VALUES (current_tenant(), '%s', 'priced', '%s', '%s');"
                "INSERT INTO agent_versions (tenant_id, id, agent_id, number, owner_id, name, model, max_tokens, "
                "prompt_price_nano, completion_price_nano, policy_hash) VALUES (current_tenant(), '%s', '%s', 1, '%s', "
                "'priced', 'm', 424, 1000000, 1000000, decode(repeat('00', 32), 'hex')); COMMIT",
                agent, agent, agent, agent, agent, agent, agent, agent);
        place_execute(sql);
}

START_TEST(open_message_of_a_dead_hub_counts_with_the_largest_bound_when_the_cache_was_lost_too) {
        Rig rig;
        BudgetAmounts bound;
        Failure failure;
        const int64_t largest = (1 << 20) + 424;
        rig_open(&rig);
        make_priced_agent(&rig);
        Budgets *heir = rig_hub(&rig, "heir"), *dead = rig_hub(&rig, "dead");
        await_state(heir, BUDGETS_OPEN);
        await_state(dead, BUDGETS_OPEN);
        Uuid ids[] = { rig_id(&rig), rig_id(&rig), rig_id(&rig) };
        budgets_free(dead);
        ledger_accept(&rig, ids[0], 2, 1); /* of the dead, with a step */
        ledger_step(&rig, ids[0], 2, STEP_MODEL_REPLY, 5, 2, 1);
        ledger_accept(&rig, ids[1], 1, 1); /* of the heir */
        ledger_accept(&rig, ids[2], 2, 1); /* of the dead, taken up by the heir, who has presumed */
        ledger_step(&rig, ids[2], STEP_ATTEMPT, STEP_TAKEN_UP, 0, 1, 1);
        ledger_step(&rig, ids[2], STEP_ATTEMPT + 1, STEP_PRESUMED, 6, 1, 1);
        lease_raise(&rig, "dead");
        redis_do(&rig, "flushall");
        await_closed(&rig, heir);
        await_state(heir, BUDGETS_OPEN);
        ck_assert_int_eq(held(heir, &rig), largest);
        ck_assert_int_eq(spent(heir, &rig, BUDGET_MONTH), 11);
        BudgetCall again = call_of(&rig, ids[0], STEP_ATTEMPT + 1, 0, 0, NULL, 0);
        again.spent = money(5);
        ck_assert_done(budgets_presumed(heir, &again, 2, &bound, &failure), failure);
        ck_assert_int_eq(bound.units[BUDGET_MONEY], largest);
        budgets_settle(heir, ids[0], STEP_ATTEMPT + 1, money(5 + largest));
        ck_assert_int_eq(held(heir, &rig), 0);
        ck_assert_int_eq(spent(heir, &rig, BUDGET_MONTH), 11 + largest);
        budgets_free(heir);
        rig_close(&rig);
}
END_TEST

START_TEST(rebuild_passes_over_a_hub_that_lives_and_tells_nothing_and_names_it) {
        Rig rig;
        char log[4000];
        const int64_t largest = (1 << 20) + 424;
        rig_open(&rig);
        make_priced_agent(&rig);
        Budgets *one = rig_hub(&rig, "one");
        await_state(one, BUDGETS_OPEN);
        rig_lease(&rig, "silent");
        Uuid id = rig_id(&rig);
        ledger_accept(&rig, id, 2, 1);
        FILE *file = tmpfile();
        int before = dup(STDERR_FILENO);
        ck_assert(file && dup2(fileno(file), STDERR_FILENO) >= 0);
        redis_do(&rig, "flushall");
        await_closed(&rig, one);
        int64_t began_us = clock_now().monotonic_us;
        for (; budgets_state(one) != BUDGETS_OPEN; usleep(100000)) {
                ck_assert_int_lt(clock_now().monotonic_us, began_us + 20 * SECONDS);
                rig_beat(&rig, "silent");
        }
        dup2(before, STDERR_FILENO);
        ck_assert_int_ge(clock_now().monotonic_us - began_us, 3500 * MILLISECONDS); /* it was waited for */
        rewind(file);
        log[fread(log, 1, sizeof(log) - 1, file)] = '\0';
        const char *waited = strstr(log,
                                    "has not told yet what it has outstanding, and is waited for\",\"hub\":\"silent\"");
        ck_assert_msg(waited && strstr(waited, "did not tell what it has outstanding") &&
                              strstr(waited, "models\",\"hub\":\"silent\""),
                      "%s", log);
        ck_assert_int_eq(held(one, &rig), largest);
        ledger_conclude(&rig, id, 7, "now() - interval '1 minute'");
        await_held(one, &rig, 0);
        ck_assert_int_eq(spent(one, &rig, BUDGET_MONTH), 7);
        fclose(file);
        close(before);
        budgets_free(one);
        rig_close(&rig);
}
END_TEST

START_TEST(cache_that_may_drop_keys_is_not_used) {
        Rig rig;
        rig_open(&rig);
        redis_do(&rig, "config set maxmemory 100mb maxmemory-policy allkeys-lru");
        Budgets *hub = rig_hub(&rig, "one");
        usleep(500000);
        await_closed(&rig, hub);
        ck_assert_int_eq(budgets_state(hub), BUDGETS_AWAY);
        budgets_free(hub);
        rig_close(&rig);
}
END_TEST

UNIT_TESTS("budgets/loss", flushed_cache_is_closed_until_it_is_right_again_without_a_hand,
           old_copy_of_the_cache_counts_for_nothing, cost_that_is_settled_while_the_cache_is_away_is_booked_once,
           call_reserved_before_a_loss_may_be_sent_only_if_it_was_told,
           hub_that_missed_a_generation_tells_the_next_one_what_it_had_sent,
           two_hubs_that_find_an_empty_cache_build_one_generation, rebuild_waits_for_every_live_hub_and_for_no_dead_one,
           what_a_dead_hub_held_comes_back_and_what_it_sent_stays, heir_presumes_what_was_sent_and_is_in_no_step,
           open_message_of_a_dead_hub_counts_with_the_largest_bound_when_the_cache_was_lost_too,
           rebuild_passes_over_a_hub_that_lives_and_tells_nothing_and_names_it, cache_that_may_drop_keys_is_not_used)
