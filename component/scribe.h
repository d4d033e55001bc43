/* The scribe: writes down for the hub thread what is not the journal's, and may block over it. It signs the ends of the
 * audit's chains, appends them to a file outside the database and sends them to the witnesses. Not the audit itself,
 * which the journal commits.
 *
 * One thread of its own; scribe_heads() from the hub thread, which it never holds up. What it cannot write it keeps and
 * tries again with the next; a failure is logged once.
 */
#pragma once

#include "base/queue.h"
#include "component/reload.h"
#include "store/database.h"
#include "store/heads.h"

typedef struct Scribe Scribe;

typedef struct ScribeSettings {
        Database *database; /* borrowed, like the others */
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
/* Writes what it was given, then ends. */
void scribe_free(Scribe *scribe);
DEFINE_RELEASE(Scribe *, scribe_free)
