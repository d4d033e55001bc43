/* What a model call may cost and what it did cost, in money and tokens: plain sums over a version's prices. Part of the
 * turn; touches no World. Sums are wider than their results, and those stay below 2⁵³.
 */
#pragma once

#include "orchestrator/turn_steps.h"

/* Tokens that the conversation, sent to this version's model, is at most: never more than its bytes. */
int64_t bound_prompt(const Version *version, const Conversation *conversation);
/* So many tokens, and their price, rounded up. */
BudgetAmounts bound_amounts(const Version *version, int64_t prompt_tokens, int64_t completion_tokens);
/* What was used, of which cached tokens may have a price of their own. */
BudgetAmounts usage_amounts(const Version *version, const Usage *usage);
/* The output limit that the granted amounts pay for, beside such a prompt; at most the version's. */
int32_t bound_output(const Version *version, int64_t prompt_tokens, const BudgetAmounts *granted);
/* What a provider says it used is a stranger's number. */
void usage_limit(Usage *usage);
bool amounts_exceed(const BudgetAmounts *amounts, const BudgetAmounts *bound); /* in one unit at least */
bool amounts_none(const BudgetAmounts *amounts);
/* What a message has cost so far, as the ledger says it. */
BudgetAmounts usage_spent(const Usage *usage);
