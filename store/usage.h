/* Usage: counts what the journal says was used, and what hubs counted beside it, by the day. A conclusion is counted by
 * the transaction that moves its hub's cursor past it, so once, whoever counts and whenever a counter dies; calls of
 * the API come with ids, samples of what is stored with their hour. One counter at a time: the others wait a moment,
 * and fail with TIMED_OUT. Not who may see it (orchestrator/operations/usage.c) and not budgets.
 *
 * Any thread; blocks.
 */
#pragma once

#include "store/database.h"

/* Calls of the API by one person in one minute, as a hub counted them. */
typedef struct UsageCall {
        Uuid tenant_id, id;
        Uuid person_id; /* zero = nobody in particular */
        int64_t at_us;  /* wall clock; of the minute's beginning */
        int64_t calls;
} UsageCall;

/* Counts what was concluded on any hub and is not counted yet, some ten thousand in a transaction: at most so many of
 * those, 0 = all. ret_counted may be NULL. */
bool usage_count(Database *database, int transactions, int64_t *ret_counted, Failure *reterr_failure) _must_check_;
/* Adds calls; those whose ids were added before are left out. */
bool usage_add_calls(Database *database, const UsageCall *calls, size_t count, Failure *reterr_failure) _must_check_;
/* What each tenant has stored, once for each hour of the wall clock. */
bool usage_sample(Database *database, Failure *reterr_failure) _must_check_;
/* Removes what only kept the counting honest and is old enough; sums by the day stay. */
bool usage_forget(Database *database, Failure *reterr_failure) _must_check_;
