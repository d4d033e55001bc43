/* What tests of budgets share: a Redis of their own, which they may stop, flush and give an old copy; hubs, each a
 * Budgets with a lease; and the ledger, into which they write rows as the journal would.
 */
#pragma once

#include "base/clock.h"
#include "base/record.h"
#include "orchestrator/governance/budgets.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

typedef struct Rig {
        Database *database;
        char folder[64], address[96];
        pid_t redis;
        UuidGenerator generator;
        BudgetParties parties; /* of the installation's agent */
        int64_t leases;        /* made so far */
} Rig;

void rig_open(Rig *rig);
void rig_close(Rig *rig); /* also its folder */

void redis_run(Rig *rig);
void redis_kill(Rig *rig);                    /* without a last copy */
void redis_do(Rig *rig, const char *command); /* by redis-cli */
/* What it answers, to the letter; waits for it. */
void redis_says(Rig *rig, const char *command, const char *answer);
void redis_copy(Rig *rig);     /* keeps a copy of what it holds now */
void redis_put_copy(Rig *rig); /* gives it to the next one */

/* A hub with its lease, in its first epoch. It beats only while somebody else lets it. */
Budgets *rig_hub(Rig *rig, const char *name);
/* Waits until it is open, or in another state. */
void await_state(const Budgets *budgets, BudgetsState state);
void rig_lease(Rig *rig, const char *name);   /* of a hub without budgets */
void rig_beat(Rig *rig, const char *name);    /* it lives */
void lease_raise(Rig *rig, const char *name); /* the epoch is taken */

Uuid rig_id(Rig *rig);
BudgetCall call_of(Rig *rig, Uuid message_id, int32_t ordinal, int64_t least, int64_t most, const Budget *budgets,
                   size_t count);
/* Reserves, if need be waits like a turn, and sends; the bound granted, 0 = not. */
int64_t spend_begin(Budgets *budgets, const BudgetCall *call, Failure *ret_failure);
/* Whether a call that waits was told to go on, by any hub; forgets it. Waits for it at most so long. */
bool told_to_go_on(Uuid message_id, int64_t patience_us);
BudgetAmounts money(int64_t nano);
int64_t spent(Budgets *budgets, Rig *rig, BudgetWindow window);
int64_t held(Budgets *budgets, Rig *rig);
void await_held(Budgets *budgets, Rig *rig, int64_t nano);

/* Rows, as of hub `number`. */
void ledger_accept(Rig *rig, Uuid message_id, int64_t number, int64_t epoch);
void ledger_step(Rig *rig, Uuid message_id, int32_t ordinal, StepKind kind, int64_t nano, int64_t number,
                 int64_t epoch);
void ledger_conclude(Rig *rig, Uuid message_id, int64_t nano, const char *booked_at);
