/* Retention of what is not the journal: parts of the audit that are old are removed once the end of each chain in them
 * was signed and kept (audit_closings), from where verifying goes on; tenants' logs and security events simply go. How
 * long a tenant keeps them is not decided here.
 *
 * Blocks; as the database's owner, beside running hubs. Each part is done by itself: after a failure the same again.
 */
#pragma once

#include "store/heads.h"
#include "store/migrate.h"

typedef struct Retention {
        int audit_days;  /* parts whose month is over for so long go; 0 = none */
        const Key *seed; /* signs closings; may be NULL when audit_days is 0 */
        Text hub;        /* whose key it is */
} Retention;

/* Of these tenants, what of log and security events is older than so many days. */
bool retention_keep_logs(Database *database, int days, const Uuid *tenants, size_t tenant_count,
                         Failure *reterr_failure) _must_check_;
bool retention_keep(Database *database, const Retention *retention, Progress progress, void *listener,
                    Failure *reterr_failure) _must_check_;
