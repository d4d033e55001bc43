/* Verifying the audit: recomputes every chain of a tenant from its records and says where one is broken. What was
 * signed and kept elsewhere (store/heads.h) is compared with it, so that a chain whose end was cut off or that was
 * written anew shows too, up to the last signature. A chain whose beginning `aiox keep` removed goes on from its signed
 * closing.
 *
 * Blocks; reads record by record, so that memory does not grow with the audit. Not the hub thread.
 */
#pragma once

#include "store/database.h"
#include "store/heads.h"

/* What the chains are compared with. Heads of other tenants are left alone. */
typedef struct AuditProof {
        const AuditHead *heads;
        size_t head_count;
        const PublicKey *keys; /* whose signatures count; none: those that hubs have announced in the database */
        size_t key_count;
} AuditProof;

typedef struct AuditChain {
        Text hub;
        int64_t first, last;                   /* positions of its records; 0, 0 = all of them were removed in order */
        int64_t signed_position, signed_at_us; /* of the last head that it was compared with; 0 = of none */
} AuditChain;

typedef enum AuditBreach {
        AUDIT_INTACT,
        AUDIT_ALTERED,   /* the record at `position` is not as it was written, or is missing */
        AUDIT_REWRITTEN, /* up to `position` it is consistent, and is not what was signed at `at_us` */
        AUDIT_TRUNCATED, /* the record at `position` was signed at `at_us`, and the chain ends before it */
        AUDIT_FORGED,    /* a head of `position` is not signed by its key: the heads were altered */
        AUDIT_FOREIGN,   /* a head of `position` is signed by a key that is not the hub's */
} AuditBreach;

typedef struct AuditVerdict {
        int64_t rows, heads; /* looked at */
        AuditChain *chains;  /* in the arena */
        size_t chain_count;
        AuditBreach breach; /* the first; then hub and position say where */
        char hub[64];
        int64_t position, at_us;
} AuditVerdict;

/* True when all could be read, whatever the verdict. */
bool audit_verify(Database *database, Uuid tenant_id, const AuditProof *proof, Arena *arena, AuditVerdict *ret_verdict,
                  Failure *reterr_failure) _must_check_;
