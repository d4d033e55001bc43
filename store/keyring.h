/* The keyring: each tenant's data keys, unwrapped in locked memory, and what is done with them: sealing and opening
 * values, and making persons' ids. Data keys are stored wrapped by a master key that comes from a file outside the
 * database. Not a cipher (base/crypto.h) and not a secret store for tenants.
 *
 * Any thread. keyring_open(), keyring_refresh() and keyring_learn() talk to the database and block; the rest does not,
 * beyond a short lock. A sealed value opens only at the place it was sealed for: table, column and the row's whole key.
 */
#pragma once

#include "store/database.h"

typedef struct Keyring Keyring;

/* Which row and column a sealed value stands in. */
typedef struct SealPlace {
        const char *table, *column;
        Text id; /* the row's key without tenant_id: 16 bytes of its uuid, with ordinal or number after it (big-endian)
                  */
} SealPlace;

/* Reads the master key (32 bytes, raw or as base64 or hexadecimal) and unwraps every tenant's keys; makes the key of
 * the installation when it has none yet. FAILURE_FORBIDDEN when the master key is not the one these keys were wrapped
 * with. */
bool keyring_open(Database *database, const char *master_key_file, Keyring **ret_keyring,
                  Failure *reterr_failure) _must_check_;
void keyring_free(Keyring *keyring);
DEFINE_RELEASE(Keyring *, keyring_free)

/* Reads the keys of tenants that came or went since. */
bool keyring_refresh(Keyring *keyring, Database *database, Failure *reterr_failure) _must_check_;
/* Reads the keys of one tenant, unless some are known: another hub may have made it a moment ago. Blocks. A tenant that
 * has none, or is not there, is no failure here. */
bool keyring_learn(Keyring *keyring, Database *database, Uuid tenant_id, Failure *reterr_failure) _must_check_;
/* Makes the first data key of a tenant within the transaction that makes the tenant (DATABASE_TENANT, of that tenant).
 */
bool keyring_make(Keyring *keyring, Transaction *transaction, Uuid tenant_id, Failure *reterr_failure) _must_check_;
/* A tenant deleted is a key destroyed: the rows must be deleted too, or they come back with the next start. */
void keyring_forget(Keyring *keyring, Uuid tenant_id);
bool keyring_has(Keyring *keyring, Uuid tenant_id);

/* Seals with the tenant's newest key, whose id goes into the row's key_id. FAILURE_NOT_FOUND when the tenant has none.
 */
bool keyring_seal(Keyring *keyring, Uuid tenant_id, SealPlace place, Text plain, Arena *arena, Text *ret_sealed,
                  int *ret_key_id, Failure *reterr_failure) _must_check_;
bool keyring_unseal(Keyring *keyring, Uuid tenant_id, int key_id, SealPlace place, Text sealed, Arena *arena,
                    Text *ret_plain, Failure *reterr_failure) _must_check_;
/* The id under which a person stands in the tenant's journal and audit: the same bare JID has another one in each
 * tenant. */
bool keyring_person(Keyring *keyring, Uuid tenant_id, Text bare_jid, Uuid *ret_person_id,
                    Failure *reterr_failure) _must_check_;
/* A digest that says nothing to who has not the tenant's key, and is the same whenever it is made. */
bool keyring_digest(Keyring *keyring, Uuid tenant_id, const Text *parts, size_t count, Hash *ret_digest,
                    Failure *reterr_failure) _must_check_;
