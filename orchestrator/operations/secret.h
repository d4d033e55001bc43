/* Secrets of tenants: where a value is sealed, and to whom it may be sent. A value goes in by secret-set and
 * secret-rotate and out to the host it is for; no operation, log, audit record or failure shows it.
 *
 * secret_use() blocks; the rest is plain computing.
 */
#pragma once

#include "store/database.h"
#include "store/keyring.h"

#define SECRETS_MOST 100 /* a tenant may have */

/* A value's place is its row and its number, so that an old value put back does not open. */
typedef struct SecretPlace {
        uint8_t id[20];
} SecretPlace;
SealPlace secret_place(Uuid id, int64_t number, SecretPlace *room);

/* The host of an http:// or https:// URL, without its port; TEXT_NONE when it is none or names a user. */
Text url_host(Text url);
/* Hosts of "": the installation's own provider. FAILURE_POLICY names both. */
bool secret_may_go(Text name, Text bound_host, Text host, Failure *reterr_failure) _must_check_;

/* A tenant's secret by its name, to be sent to a host. The caller wipes the value. *ret_due: its use is to be put into
 * the audit, which it is once a minute on all hubs together. NOT_FOUND, POLICY (another host). */
bool secret_use(Database *database, Keyring *keyring, Uuid tenant_id, Text name, Text host, Arena *arena,
                Text *ret_value, Uuid *ret_id, bool *ret_due, Failure *reterr_failure) _must_check_;
