/* Refusals before acceptance, counted for the audit: of each (sender, agent, reason) the first becomes a record at
 * once, then one record a minute says how many there were. Bounded: beyond its capacity refusals are counted by reason
 * only.
 *
 * Part of the core; one thread, never blocks.
 */
#pragma once

#include "orchestrator/pipeline.h"

typedef struct Refusals Refusals;

Refusals *refusals_new(void);
void refusals_count(Core *core, const Admission *admission, const Failure *refusal);
void refusals_sweep(Core *core);
void refusals_free(Refusals *refusals);
