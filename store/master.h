/* Master keys: what a master key's file holds, and the wrapping of tenants' data keys by it. Beside the file in force,
 * "FILE", there may be two more while the master key is changed: "FILE.next", by which keys are being wrapped, and
 * "FILE.former", by which they were. Not the data keys themselves: that is store/keyring.h.
 *
 * Any thread; reads files, and does not block otherwise.
 */
#pragma once

#include "base/crypto.h"

#define MASTER_ID_SIZE 8
#define MASTERS_MOST   3

/* By which a wrapped key says whose it is; tells nothing about the master key. */
typedef struct MasterId {
        uint8_t bytes[MASTER_ID_SIZE];
} MasterId;

typedef struct Masters {
        Key *keys; /* in locked memory; that of FILE is the first */
        MasterId ids[MASTERS_MOST];
        int count;
} Masters;

/* 32 bytes, raw, base64 or hexadecimal. NOT_FOUND, FORBIDDEN (everybody may read it), INVALID. */
bool master_read(const char *path, Key *ret_key, Failure *reterr_failure) _must_check_;
MasterId master_id(const Key *master);

/* FILE and those beside it. */
bool masters_read(const char *path, Masters *ret_masters, Failure *reterr_failure) _must_check_;
void masters_release(Masters *masters); /* for _cleanup_; wipes them */
/* NULL when none of them has this id. */
const Key *masters_find(const Masters *masters, Text id);

static inline Text master_id_text(const MasterId *id) {
        return (Text){ (const char *) id->bytes, sizeof(id->bytes) };
}

/* A wrapped key is sealed to its place like any other value: the tenant and the key's number. */
bool master_wrap(const Key *master, Uuid tenant_id, int key_id, const Key *key, Arena *arena, Text *ret_wrapped,
                 Failure *reterr_failure) _must_check_;
/* The caller wipes ret_key. */
bool master_unwrap(const Key *master, Uuid tenant_id, int key_id, Text wrapped, Key *ret_key,
                   Failure *reterr_failure) _must_check_;
