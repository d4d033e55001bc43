/* What the operations on plans share: a plan as an object. Only for files of this folder. */
#pragma once

#include "orchestrator/governance/plans.h"
#include "orchestrator/operations/context.h"

/* {"name", "title", "price", "limits": {"tokens per month": 1000000, …}}; what is not named is without limit. */
Json *plan_json(const Plan *plan);
