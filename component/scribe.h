/* The scribe: writes down for the hub thread what is not the journal's, and may block over it. It signs the ends of the
 * audit's chains, appends them to a file outside the database and sends them to the witnesses; writes tenants' logs;
 * and compares what may be unusual with what is usual, records it once for all hubs, has the hub thread put it into the
 * audit, tells the tenant's admins, and limits whom it is about where the settings want that.
 * Not the audit itself, which the journal commits.
 *
 * One thread of its own; all but scribe_new() and scribe_free() from the hub thread, which they never hold up. Ends
 * that cannot be written are kept and tried again with the next; lines and alarms are lost then. A failure is logged
 * once.
 */
#pragma once

#include "base/queue.h"
#include "component/reload.h"
#include "orchestrator/governance/watch.h"
#include "store/database.h"
#include "store/heads.h"
#include "store/keyring.h"
#include "store/tenant_log.h"

typedef struct Scribe Scribe;

typedef struct ScribeSettings {
        Database *database; /* borrowed, like the others */
        Keyring *keyring;
        Reload *reload;
        Queue *inbox;
        const Settings *settings;
} ScribeSettings;

/* Makes the signing key when there is none. */
bool scribe_new(const ScribeSettings *settings, Scribe **ret_scribe, Failure *reterr_failure) _must_check_;
/* In base64; constant. */
const char *scribe_public_key(const Scribe *scribe);
/* Ends of chains of this hub that moved, as journal_take_heads() gives them; takes the array over. Once a minute, also
 * when there is none. */
void scribe_heads(Scribe *scribe, AuditHead *heads, size_t count, int64_t wall_us);
/* A line of a tenant's log; its id is made here. Copies what it is given, like the next. */
void scribe_log(Scribe *scribe, const TenantLogLine *line);
void scribe_alarm(Scribe *scribe, const Alarm *alarm, int64_t wall_us);
/* Writes what it was given, then ends. */
void scribe_free(Scribe *scribe);
DEFINE_RELEASE(Scribe *, scribe_free)
