/* The plans' YAML file: a mapping of plans' names to what each has: `title` and `price`, which people read, and figures
 * such as `tokens per month: 100000`, `members: 10` or `turns: unlimited`. What is unknown is refused by name and line.
 *
 * Blocks on the file. The caller frees the plans.
 */
#pragma once

#include "orchestrator/governance/plans.h"

bool plans_read_file(const char *path, Plans **ret_plans, Failure *reterr_failure) _must_check_;
/* The same from memory; `path` stands in failures only. */
bool plans_read_yaml(Text yaml, const char *path, Plans **ret_plans, Failure *reterr_failure) _must_check_;
