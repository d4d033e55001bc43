/* Changes the master key while hubs run: wraps every tenant's data key by a new one, some at a time, and puts the new
 * file in the old one's place when no key is left. What was begun and broken off is gone on with by asking again. Hubs
 * keep the data keys they have, wrap new ones by the new master key as soon as it is in force, and find it beside their
 * file.
 *
 * Blocks; for a command of its own, on the machine that has the master key's file.
 */
#pragma once

#include "store/database.h"

typedef struct RotateReport {
        size_t wrapped; /* now, by this call */
        bool resumed;   /* some had been before */
} RotateReport;

/* path: of the master key in force; new_path: of the new one. CONFLICT: it is in force already, or a change to yet
 * another one was begun and not ended. FORBIDDEN: some key is wrapped by a master key that is in none of the files. */
bool keyring_rotate(Database *database, const char *path, const char *new_path, RotateReport *ret_report,
                    Failure *reterr_failure) _must_check_;
/* How many keys a change that was broken off has left behind. */
bool keyring_rotation_pending(Database *database, size_t *ret_pending, Failure *reterr_failure) _must_check_;
