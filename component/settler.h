/* The settler: a thread that tells the budgets what concluded messages have cost. The hub thread hears first that a
 * conclusion is durable, but must not wait for the cache; and workers may all be waiting for what is given back here.
 *
 * settler_put() from the hub thread, never blocks. What is still untold when the process dies is found in its row.
 */
#pragma once

#include "orchestrator/governance/budgets.h"

typedef struct Settler Settler;

Settler *settler_new(Budgets *budgets); /* borrowed */
void settler_put(Settler *settler, Uuid message_id, BudgetAmounts total);
/* Tells the rest first. */
void settler_free(Settler *settler);
DEFINE_RELEASE(Settler *, settler_free)
