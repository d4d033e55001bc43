/* A worker's turn and the budgets: what turn.c says of a call, in the terms of those who keep them. */
#include "component/world.h"
#include "orchestrator/turn.h"

static BudgetCall call_of(const TurnInput *input, const CallBound *bound) {
        return (BudgetCall){
                .message_id = bound->key.message_id,
                .ordinal = bound->key.ordinal,
                .parties = input->parties,
                .zone = input->zone,
                .billing_day = input->billing_day,
                .budgets = input->budgets,
                .budget_count = input->budget_count,
                .spent = bound->spent,
                .least = bound->least,
                .most = bound->most,
                .last = input->last,
        };
}

static Budgets *budgets_of(World *world) {
        return ((WorkerWorld *) world)->settings->budgets;
}

/* Four fifths. */
static bool is_near(const BudgetVerdict *verdict) {
        return verdict->spent >= verdict->budget->amount - verdict->budget->amount / 5;
}

bool world_reserve(World *world, const TurnInput *input, const CallBound *bound, Reserved *ret_reserved,
                   Failure *reterr_failure) {
        BudgetCall call = call_of(input, bound);
        BudgetVerdict verdict = { 0 };
        bool held = budgets_reserve(budgets_of(world), &call, &verdict, reterr_failure);

        *ret_reserved = (Reserved){ .granted = verdict.granted, .waits = verdict.waits };
        if (!verdict.budget || (held ? !is_near(&verdict) : reterr_failure->kind != FAILURE_LIMIT))
                return held;
        ret_reserved->spent = (SpentBudget){
                .known = true, .budget = *verdict.budget, .spent = verdict.spent, .opens_us = verdict.opens_us
        };
        return held;
}

bool world_sent(World *world, const TurnInput *input, CallKey key, Failure *reterr_failure) {
        (void) input;
        return budgets_sent(budgets_of(world), key.message_id, key.ordinal, reterr_failure);
}

void world_release(World *world, const TurnInput *input, CallKey key) {
        (void) input;
        budgets_release(budgets_of(world), key.message_id, key.ordinal);
}

void world_settle(World *world, const TurnInput *input, int32_t ordinal, BudgetAmounts total) {
        budgets_settle(budgets_of(world), input->message_id, ordinal, total);
}

bool world_presumed(World *world, const TurnInput *input, const CallBound *bound, int32_t covered,
                    BudgetAmounts *ret_amounts, Failure *reterr_failure) {
        BudgetCall call = call_of(input, bound);

        *ret_amounts = (BudgetAmounts){ 0 };
        return budgets_presumed(budgets_of(world), &call, covered, ret_amounts, reterr_failure);
}
