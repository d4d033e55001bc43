/* Verifying the audit: recomputes every chain of a tenant from the rows and says where one is broken. Cutting off a
 * chain's end shows only to whoever kept its last hash.
 *
 * Blocks; reads row by row, so that memory does not grow with the audit. Not the hub thread.
 */
#pragma once

#include "store/database.h"

typedef struct AuditVerdict {
        int64_t rows, chains;
        bool broken;
        char hub[64];     /* broken: the chain's hub and the first position that is not as it was written, */
        int64_t position; /* or that is missing */
} AuditVerdict;

/* True when all rows could be read, whatever the verdict. */
bool audit_verify(Database *database, Uuid tenant_id, AuditVerdict *ret_verdict, Failure *reterr_failure) _must_check_;
