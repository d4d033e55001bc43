/* Cryptography: hashes, keyed hashes, random bytes, and seals (AES-256-GCM under a key derived per record). The only
 * user of libsodium and OpenSSL's libcrypto. Not key management: who holds which key is store/seal.
 *
 * crypto_start() says in a sentence what is missing; without it the first use starts, and aborts when it cannot. Any
 * thread; never blocks.
 */
#pragma once

#include "base/failure.h"
#include "base/uuid.h"

#define HASH_SIZE           32
#define KEY_SIZE            32
#define SHORT_HASH_KEY_SIZE 16

typedef struct Hash {
        uint8_t bytes[HASH_SIZE];
} Hash;

typedef struct Key {
        uint8_t bytes[KEY_SIZE];
} Key;

bool crypto_start(Failure *reterr_failure) _must_check_;
void crypto_random(void *ret_bytes, size_t size);
uint64_t crypto_random_uint64(void);
void crypto_wipe(void *memory, size_t size);
/* Room for keys that is never swapped out or dumped and has a guard page on each side. */
Key *crypto_keys_new(size_t count);
void crypto_keys_free(Key *keys); /* wipes them */
DEFINE_RELEASE(Key *, crypto_keys_free)
bool crypto_equal(const void *a, const void *b, size_t size); /* constant time */

Hash crypto_sha256(Text text);
/* Several parts, each hashed with its length before it, so that ("ab","c") and ("a","bc") differ. */
Hash crypto_sha256_parts(const Text *parts, size_t count);
void crypto_sha1(Text text, uint8_t ret_digest[static 20]);              /* XEP-0114 §3 handshake only */
Hash crypto_keyed_hash(const Key *key, const Text *parts, size_t count); /* BLAKE2b-256, length-prefixed parts */
/* SipHash-2-4: for tables in memory only. */
uint64_t crypto_short_hash(const uint8_t key[static SHORT_HASH_KEY_SIZE], Text text);

/* A seal: 12 random nonce bytes, the ciphertext, 16 tag bytes. The key is BLAKE2b of the data key over (table, column,
 * id); the same triple is the associated data, so a sealed value moved to another row does not open. */
#define SEAL_OVERHEAD 28
bool crypto_seal(const Key *data_key, Text table, Text column, Text id, Text plain, Arena *arena, Text *ret_sealed,
                 Failure *reterr_failure) _must_check_;
/* FAILURE_INTERNAL when it does not open: wrong key, moved or altered. */
bool crypto_open(const Key *data_key, Text table, Text column, Text id, Text sealed, Arena *arena, Text *ret_plain,
                 Failure *reterr_failure) _must_check_;

/* Signatures: Ed25519 (RFC 8032). The secret key's room is crypto_keys_new(1), and its content the seed. */
#define PUBLIC_KEY_SIZE 32
#define SIGNATURE_SIZE  64
typedef struct PublicKey {
        uint8_t bytes[PUBLIC_KEY_SIZE];
} PublicKey;
typedef struct Signature {
        uint8_t bytes[SIGNATURE_SIZE];
} Signature;
PublicKey crypto_public_key(const Key *seed);
Signature crypto_signature(const Key *seed, Text text);
bool crypto_signature_holds(const PublicKey *key, Text text, const Signature *signature);

/* Base64 (RFC 4648 §4), with padding; bytes is NULL, or decoding false, when the arena's limit is reached. Decoding is
 * strict: nothing but the alphabet, padded, no bits left over. Hex is text_add_hex(). */
Text crypto_base64(Arena *arena, Text bytes);
bool crypto_base64_decode(Arena *arena, Text text, Text *ret_bytes) _must_check_;
