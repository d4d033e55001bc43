/* Erasure: what is sealed in messages, their steps and answers becomes null, some messages a transaction and with a
 * pause after each, so that nobody waits for it. Rows, ids, times and costs stay, and so does the audit.
 *
 * Blocks; as the role that may do this and nothing else. What was erased before a failure stays erased: ask again.
 */
#pragma once

#include "store/database.h"

/* Of one person in a tenant, up to and with the message up_to, but for `except` (zero = none). */
bool erase_person_messages(Database *database, Uuid tenant_id, Uuid person_id, Uuid up_to, Uuid except,
                           size_t *ret_count, Failure *reterr_failure) _must_check_;
/* Who the person was, and what operations of the tenant answered. */
bool erase_person_name(Database *database, Uuid tenant_id, Uuid person_id, Failure *reterr_failure) _must_check_;
/* Of everybody in these tenants, what was concluded more than so many days ago. */
bool erase_old_messages(Database *database, int days, const Uuid *tenants, size_t tenant_count, size_t *ret_count,
                        Failure *reterr_failure) _must_check_;
