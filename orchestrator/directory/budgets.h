/* Budgets in the directory: which of them concern a message, and which agents are known to have none left. An agent
 * that a budget refused, though the message had been empty, is over it until that budget's window ends, or its limit is
 * changed or removed: then messages to it are refused at the door, and it shows. So does one that a rate refuses for
 * long, whoever writes. Not what is spent: that is orchestrator/governance/budgets.h.
 *
 * Belongs to the hub thread; never blocks.
 */
#pragma once

#include "base/arena.h"
#include "base/budget.h"
#include "orchestrator/directory/directory.h"

/* Of a sender, or of a grant, budgets count apart from those of the agent itself. */
BudgetParties directory_parties(const Sender *sender, const Agent *agent, const Grant *grant);
/* In the arena; false when its limit is reached. */
bool directory_budgets(Directory *directory, const BudgetParties *parties, Arena *arena, Budget **ret_budgets,
                       size_t *ret_count) _must_check_;
/* Whether tokens of theirs are counted: then a call of a provider needs the cache, though it be free. */
bool directory_counts_tokens(Directory *directory, const BudgetParties *parties);
/* Whether what a message may spend has to be checked before it is let in, and in which unit first. */
bool directory_needs_cache(Directory *directory, const Agent *agent, const BudgetParties *parties,
                           BudgetUnit *ret_unit);

/* The agent was refused by this budget until then (wall clock), with that sentence. */
void directory_spend(Directory *directory, const BudgetParties *parties, const Budget *budget, int64_t until_us,
                     Text sentence);
/* A rate of the agent, its tenant or all refuses whoever writes to it, until then. */
void directory_exhaust(Directory *directory, Agent *agent, const LimitVerdict *verdict, Moment until);
/* The row of a budget of which little is left, for the first time in the window that ends then (wall clock); else NULL.
 */
const Limit *directory_near(Directory *directory, const BudgetParties *parties, const Budget *budget, int64_t ends_us);
/* The sentence, when a budget of theirs is known to be spent; NULL = none is. */
const char *directory_spent(Directory *directory, const BudgetParties *parties, int64_t wall_us);
/* Lets go of what is over: windows that have ended, rates that let in again, limits that were changed. Costs nothing
 * when nothing is spent. */
void directory_renew_spent(Directory *directory, Moment now);
