/* The connections of store/cache/budget.c: a few, shared by all threads, each of which knows on which server it is. And
 * the arguments of a script. Internal to it.
 *
 * Any thread. Arguments borrow what they are given, and must not be moved.
 */
#pragma once

#include "store/cache/budget.h"
#include "store/cache/budget_scripts.h"
#include "store/cache/server.h"

#define STRINGS_MOST (20 + BUDGET_SUBJECT_COUNT + 2 * BUDGET_CALLS_MOST)
#define NUMBERS_MOST (20 + 4 * BUDGET_BUDGETS_MOST + 3 * BUDGET_CALLS_MOST)

/* Numbers travel together, as one string; the others follow it in their order. */
typedef struct Arguments {
        const char *values[STRINGS_MOST];
        size_t lengths[STRINGS_MOST];
        uint64_t numbers[NUMBERS_MOST]; /* little-endian */
        int count, number_count;
} Arguments;

void arguments_start(Arguments *arguments, const char *generation);
void add_bytes(Arguments *arguments, const void *bytes, size_t length);
void add_string(Arguments *arguments, const char *string);
void add_number(Arguments *arguments, int64_t number);
void add_amounts(Arguments *arguments, BudgetAmounts amounts);

/* Runs a script. *ret_reply NULL: another server answers than the generation was made on. */
bool budget_ask(BudgetCache *cache, BudgetScript script, Arguments *arguments, redisReply **ret_reply,
                Failure *reterr_failure) _must_check_;
