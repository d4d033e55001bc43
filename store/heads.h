/* Signed heads: where the audit's chains ended at a time, each as a line of JSON under the signature of the hub that
 * keeps the chain. Kept where whoever can alter the database cannot (a file, another server), they show an end that was
 * cut off and a chain that was written anew. Here are their form and their signatures; not where lines are kept
 * (component/scribe.h), nor what is checked against them (store/verify.h).
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/crypto.h"

typedef struct AuditHead {
        Uuid tenant_id;
        Text hub; /* its name */
        int64_t position;
        Hash hash;     /* of the record at that position */
        int64_t at_us; /* when it was signed, wall clock */
        PublicKey key;
        Signature signature;
} AuditHead;

/* Over SHA-256 of "aiox audit head 1", tenant, hub, position and at_us (each eight bytes, highest first) and hash, each
 * part with its length before it (crypto_sha256_parts). Sets key and signature. */
void head_sign(AuditHead *head, const Key *seed);
bool head_is_signed(const AuditHead *head);

/* {"at_us","hash","hub","key","position","signature","tenant"}: canonical JSON without a line's end; hash in hex, key
 * and signature in base64. False when the arena's limit is reached. */
bool head_write(const AuditHead *head, Arena *arena, Text *ret_line) _must_check_;
/* Texts live in the arena. True of what reads as a line, signed or not. */
bool head_read(Text line, Arena *arena, AuditHead *ret_head, Failure *reterr_failure) _must_check_;
