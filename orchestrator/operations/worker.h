/* What the two operations on workers share: how one is shown. */
#pragma once

#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

Json *worker_json(const WorkerSnapshot *worker);
