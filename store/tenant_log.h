/* Tenants' logs: what happened to their agents, as sentences with fields. Not the program's own log (base/log.h), and
 * not the audit: a line may be lost with the hub that was about to write it.
 *
 * Blocks; not the hub thread.
 */
#pragma once

#include "store/database.h"

typedef struct TenantLogLine {
        Uuid id;                  /* ordered by time */
        Uuid tenant_id, agent_id; /* agent_id: zero = none */
        int64_t at_us;            /* wall clock */
        const char *level;        /* "info", "warning", "error" */
        Text sentence, fields;    /* fields: a JSON object; ids and counts, never what was written */
} TenantLogLine;

/* All of them or none. */
bool tenant_log_write(Database *database, Text hub, const TenantLogLine *lines, size_t count,
                      Failure *reterr_failure) _must_check_;
