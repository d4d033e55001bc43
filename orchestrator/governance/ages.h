/* Ages: how long each tenant keeps what is a figure of its plan in days (LIMIT_IS_AGE), as groups of tenants with the
 * same number. Of the plan's figure (or the one in its stead), the tenant's own and the installation's bound the
 * narrowest holds. What becomes of what is older is the caller's.
 *
 * Blocks. Whoever asked for Ages frees them.
 */
#pragma once

#include "orchestrator/governance/plans.h"
#include "store/database.h"

typedef struct AgeGroup {
        int days; /* never 0: who keeps for ever is in no group */
        Uuid *tenants;
        size_t count;
} AgeGroup;

typedef struct Ages {
        AgeGroup *groups;
        size_t count;
} Ages;

/* bound: the installation's, and absent: for whom nothing says a figure; 0 = for ever. */
bool ages_read(Database *database, const Plans *plans, LimitWhat what, int bound, int absent, Ages **ret_ages,
               Failure *reterr_failure) _must_check_;
void ages_free(Ages *ages);
DEFINE_RELEASE(Ages *, ages_free)
