/* Refusals before acceptance, counted for the audit: of each (sender, agent, reason) the first becomes a record at
 * once, then one record a minute says how many there were. Bounded: beyond its capacity refusals are counted by reason
 * only, and while the store takes no records they are only counted.
 *
 * Part of the core; one thread, never blocks.
 */
#pragma once

#include "orchestrator/core.h"

typedef struct Refusals Refusals;

typedef struct Refusal {
        Text sender;              /* bare JID */
        Text agent;               /* the local part that it asked for */
        Uuid tenant_id, agent_id; /* zero: the sender is not told that there is one; the installation records it */
        FailureKind reason;
} Refusal;

Refusals *refusals_new(void);
void refusals_count(Core *core, const Refusal *refusal);
void refusals_sweep(Core *core);
void refusals_free(Refusals *refusals);
