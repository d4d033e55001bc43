/* The audit chain: the form of what is hashed, so that whoever verifies computes the same. One chain per tenant and
 * hub: position 1 follows a hash of zeroes, each row's hash covers the hash before it and the row's fields. Not who may
 * read it.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/crypto.h"

typedef struct AuditEntry {
        Uuid tenant_id, message_id, agent_id, person_id; /* zero = none */
        Text hub;                                        /* its name */
        int64_t position;                                /* from 1 */
        int64_t at_us;                                   /* wall clock */
        Text type, severity;
        Text facts; /* canonical JSON */
} AuditEntry;

/* SHA-256 over: "aiox audit 1", the previous hash, the ids, hub, position and at_us (each eight bytes, highest first),
 * type, severity, facts; each part with its length before it (crypto_sha256_parts). */
Hash audit_hash(const Hash *previous, const AuditEntry *entry);
