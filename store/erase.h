/* Erasure: what is sealed in messages, their steps and answers becomes null, some messages a transaction and with a
 * pause after each, so that nobody waits for it. Rows, ids, times and costs stay, and so does the audit.
 *
 * Blocks; as the role that may do this and nothing else. What was erased before a failure stays erased; doing it again
 * does the rest.
 */
#pragma once

#include "store/database.h"

/* Of one person in a tenant, up to and with the message up_to, but for `except` (zero = none): the messages, what
 * operations of the tenant answered, and who the person was. A row (erasures), which the caller wrote before, says that
 * it is under way, and goes at the end, or stays until `aiox keep` has erased the message that asked. */
typedef struct Erasure {
        Uuid tenant_id, person_id, up_to, except;
        Text operation; /* which asked; in erase_left() alone */
        bool named;     /* the same: false when only the message that asked is left */
} Erasure;

bool erase_person(Database *database, const Erasure *erasure, size_t *ret_messages,
                  Failure *reterr_failure) _must_check_;
/* Finishes those that were broken off: begun more than so many seconds ago. The audit has them by a row of their own.
 * And erases messages that asked for an erasure, which is not counted. */
bool erase_left(Database *database, int seconds, size_t *ret_count, Failure *reterr_failure) _must_check_;
/* Of everybody in these tenants, what was concluded more than so many days ago. */
bool erase_old_messages(Database *database, int days, const Uuid *tenants, size_t tenant_count, size_t *ret_count,
                        Failure *reterr_failure) _must_check_;
