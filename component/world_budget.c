#include "component/world.h"

/* What cannot be checked is refused: without a budget store a call that costs money is not made. */
bool world_reserve(World *world, const TurnInput *input, const CallBound *call, BudgetAmounts *ret_granted,
                   SpentBudget *ret_spent, Failure *reterr_failure) {
        (void) world;
        (void) input;
        (void) call;
        (void) ret_granted;
        (void) ret_spent;
        return failure_set(reterr_failure, FAILURE_POLICY,
                           "This agent's model costs money, and the budget cannot be checked.");
}

bool world_sent(World *world, const TurnInput *input, CallKey key, Failure *reterr_failure) {
        (void) world;
        (void) input;
        (void) key;
        (void) reterr_failure;
        return true;
}

void world_release(World *world, const TurnInput *input, CallKey key) {
        (void) world;
        (void) input;
        (void) key;
}

void world_settle(World *world, const TurnInput *input, int32_t ordinal, BudgetAmounts total) {
        (void) world;
        (void) input;
        (void) ordinal;
        (void) total;
}

bool world_presumed(World *world, const TurnInput *input, const CallBound *call, int32_t covered,
                    BudgetAmounts *ret_amounts, Failure *reterr_failure) {
        (void) world;
        (void) input;
        (void) call;
        (void) covered;
        (void) reterr_failure;
        *ret_amounts = (BudgetAmounts){ 0 };
        return true;
}
