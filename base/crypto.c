#include "base/crypto.h"

#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>

#define NONCE_SIZE 12
#define TAG_SIZE   16
#define POOL_SIZE  512

static_assert(SEAL_OVERHEAD == NONCE_SIZE + TAG_SIZE, "a seal is nonce, ciphertext, tag");
static_assert(KEY_SIZE == crypto_generichash_blake2b_KEYBYTES && HASH_SIZE == crypto_generichash_blake2b_BYTES,
              "BLAKE2b-256 with a key of 256 bits");
static_assert(SHORT_HASH_KEY_SIZE == crypto_shorthash_KEYBYTES, "SipHash-2-4's key");

/* Fetched once: looking an algorithm up costs more than sealing a message. */
static struct {
        EVP_CIPHER *aes_256_gcm;
        EVP_MD *sha256, *sha1;
        pthread_key_t release;
        bool usable;
} algorithms;
static pthread_once_t started = PTHREAD_ONCE_INIT;

/* What OpenSSL would allocate per use, kept per thread, and random bytes, for asking the system for twelve costs a
 * fifth of a seal. */
typedef struct Workbench {
        EVP_CIPHER_CTX *cipher; /* always AES-256-GCM */
        EVP_MD_CTX *digest;
        uint8_t pool[POOL_SIZE];
        size_t pool_left;
} Workbench;
static _Thread_local Workbench *own_workbench;

static void free_workbench(void *held) {
        Workbench *workbench = held;
        EVP_CIPHER_CTX_free(workbench->cipher);
        EVP_MD_CTX_free(workbench->digest);
        sodium_memzero(workbench->pool, sizeof(workbench->pool));
        free(workbench);
}

/* A child must not draw what its parent draws. */
static void forget_pool(void) {
        if (own_workbench)
                own_workbench->pool_left = 0;
}

static void start(void) {
        algorithms.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
        algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        algorithms.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
        algorithms.usable = sodium_init() >= 0 && algorithms.aes_256_gcm && algorithms.sha256 && algorithms.sha1 &&
                            pthread_key_create(&algorithms.release, free_workbench) == 0 &&
                            pthread_atfork(NULL, NULL, forget_pool) == 0;
}

bool crypto_start(Failure *reterr_failure) {
        pthread_once(&started, start);
        if (!algorithms.usable)
                return failure_set(reterr_failure, FAILURE_INTERNAL,
                                   "AES-256-GCM, SHA-256 or SHA-1 are missing: check OpenSSL's configuration "
                                   "(openssl list -providers)");
        return true;
}

static Workbench *workbench(void) {
        if (own_workbench)
                return own_workbench;
        pthread_once(&started, start);
        if (!algorithms.usable)
                abort(); /* crypto_start() has said why */
        Workbench *made = memory_new(sizeof(Workbench));
        made->cipher = EVP_CIPHER_CTX_new();
        made->digest = EVP_MD_CTX_new();
        if (!made->cipher || !made->digest || pthread_setspecific(algorithms.release, made) != 0 ||
            EVP_EncryptInit_ex2(made->cipher, algorithms.aes_256_gcm, NULL, NULL, NULL) != 1)
                abort();
        own_workbench = made;
        return made;
}

void crypto_random(void *ret_bytes, size_t size) {
        randombytes_buf(ret_bytes, size);
}

/* For nonces and ids; keys come from the system directly. What was drawn is wiped. */
static void draw_from_pool(void *ret_bytes, size_t size) {
        Workbench *bench = workbench();
        if (bench->pool_left < size) {
                randombytes_buf(bench->pool, sizeof(bench->pool));
                bench->pool_left = sizeof(bench->pool);
        }
        bench->pool_left -= size;
        memcpy(ret_bytes, bench->pool + bench->pool_left, size);
        sodium_memzero(bench->pool + bench->pool_left, size);
}

uint64_t crypto_random_uint64(void) {
        uint64_t value;
        draw_from_pool(&value, sizeof(value));
        return value;
}

void crypto_wipe(void *memory, size_t size) {
        sodium_memzero(memory, size);
}

Key *crypto_keys_new(size_t count) {
        pthread_once(&started, start);
        Key *keys = sodium_allocarray(count, sizeof(Key));
        if (!keys)
                abort();
        sodium_memzero(keys, count * sizeof(Key));
        return keys;
}

void crypto_keys_free(Key *keys) {
        sodium_free(keys);
}

bool crypto_equal(const void *a, const void *b, size_t size) {
        return sodium_memcmp(a, b, size) == 0;
}

uint64_t crypto_short_hash(const uint8_t key[static SHORT_HASH_KEY_SIZE], Text text) {
        uint64_t hash;
        crypto_shorthash((unsigned char *) &hash, (const unsigned char *) text.bytes, text.length, key);
        return hash;
}

/* The length of a part as it is hashed: eight bytes, lowest first. */
static void encode_length(size_t length, unsigned char ret_bytes[static 8]) {
        for (int i = 0; i < 8; i++)
                ret_bytes[i] = (unsigned char) ((uint64_t) length >> (8 * i));
}

/* The algorithm is there once there is a workbench, hence the pointer to it. */
static void digest(EVP_MD **algorithm, const Text *parts, size_t count, bool with_lengths, unsigned char *ret_digest) {
        EVP_MD_CTX *context = workbench()->digest;
        int done = EVP_DigestInit_ex2(context, *algorithm, NULL);
        for (size_t i = 0; i < count; i++) {
                unsigned char length[8];
                encode_length(parts[i].length, length);
                if (with_lengths)
                        done &= EVP_DigestUpdate(context, length, sizeof(length));
                done &= EVP_DigestUpdate(context, parts[i].bytes, parts[i].length);
        }
        done &= EVP_DigestFinal_ex(context, ret_digest, NULL);
        if (done != 1)
                abort(); /* a digest in memory has nothing that could fail */
}

Hash crypto_sha256(Text text) {
        Hash hash = { { 0 } };
        digest(&algorithms.sha256, &text, 1, false, hash.bytes);
        return hash;
}

Hash crypto_sha256_parts(const Text *parts, size_t count) {
        Hash hash = { { 0 } };
        digest(&algorithms.sha256, parts, count, true, hash.bytes);
        return hash;
}

void crypto_sha1(Text text, uint8_t ret_digest[static 20]) {
        digest(&algorithms.sha1, &text, 1, false, ret_digest);
}

/* The purpose keeps hashes that use one key for different things apart. */
static void blake2b(const Key *key, const char purpose[static crypto_generichash_blake2b_PERSONALBYTES],
                    const Text *parts, size_t count, uint8_t ret_bytes[static HASH_SIZE]) {
        crypto_generichash_blake2b_state state;
        pthread_once(&started, start);
        crypto_generichash_blake2b_init_salt_personal(&state, key->bytes, KEY_SIZE, HASH_SIZE, NULL,
                                                      (const unsigned char *) purpose);
        for (size_t i = 0; i < count; i++) {
                unsigned char length[8];
                encode_length(parts[i].length, length);
                crypto_generichash_blake2b_update(&state, length, sizeof(length));
                crypto_generichash_blake2b_update(&state, (const unsigned char *) parts[i].bytes, parts[i].length);
        }
        crypto_generichash_blake2b_final(&state, ret_bytes, HASH_SIZE);
        sodium_memzero(&state, sizeof(state));
}

Hash crypto_keyed_hash(const Key *key, const Text *parts, size_t count) {
        Hash hash = { { 0 } };
        blake2b(key, "aiox keyed hash", parts, count, hash.bytes);
        return hash;
}

/* A cipher of this thread that has the key derived for the record, the nonce, and the record's place as associated
 * data. */
static EVP_CIPHER_CTX *start_cipher(const Key *data_key, const Text place[static 3], const unsigned char *nonce,
                                    bool encrypt) {
        EVP_CIPHER_CTX *cipher = workbench()->cipher;
        Key key;
        blake2b(data_key, "aiox record key", place, 3, key.bytes);
        int done = EVP_CipherInit_ex2(cipher, NULL, key.bytes, nonce, encrypt, NULL);
        sodium_memzero(&key, sizeof(key));
        for (size_t i = 0; i < 3; i++) {
                unsigned char length[8];
                int ignored;
                encode_length(place[i].length, length);
                done &= EVP_CipherUpdate(cipher, NULL, &ignored, length, sizeof(length));
                done &= EVP_CipherUpdate(cipher, NULL, &ignored, (const unsigned char *) place[i].bytes,
                                         (int) place[i].length);
        }
        if (done != 1)
                abort(); /* the sizes are right and nothing is allocated */
        return cipher;
}

static bool is_too_large(const Text place[static 3], Text text) {
        for (size_t i = 0; i < 3; i++)
                if (place[i].length > INT_MAX)
                        return true;
        return text.length > INT_MAX - SEAL_OVERHEAD;
}

bool crypto_seal(const Key *data_key, Text table, Text column, Text id, Text plain, Arena *arena, Text *ret_sealed,
                 Failure *reterr_failure) {
        const Text place[3] = { table, column, id };
        unsigned char *sealed = is_too_large(place, plain) ? NULL : arena_take(arena, plain.length + SEAL_OVERHEAD);
        if (!sealed)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "%zu bytes are too many to be sealed here",
                                   plain.length);
        draw_from_pool(sealed, NONCE_SIZE);
        EVP_CIPHER_CTX *cipher = start_cipher(data_key, place, sealed, true);
        unsigned char *body = sealed + NONCE_SIZE;
        int length = 0, ignored;
        int done = plain.length == 0 ||
                   EVP_CipherUpdate(cipher, body, &length, (const unsigned char *) plain.bytes, (int) plain.length);
        done &= EVP_CipherFinal_ex(cipher, body + length, &ignored);
        done &= EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, body + plain.length);
        if (done != 1)
                abort();
        *ret_sealed = (Text){ (const char *) sealed, plain.length + SEAL_OVERHEAD };
        return true;
}

bool crypto_open(const Key *data_key, Text table, Text column, Text id, Text sealed, Arena *arena, Text *ret_plain,
                 Failure *reterr_failure) {
        const Text place[3] = { table, column, id };
        if (sealed.length < SEAL_OVERHEAD)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "a sealed value is shorter than a seal");
        size_t size = sealed.length - SEAL_OVERHEAD;
        unsigned char *plain = is_too_large(place, sealed) ? NULL : arena_take(arena, size + 1);
        if (!plain)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "%zu bytes are too many to be opened here", size);
        const unsigned char *nonce = (const unsigned char *) sealed.bytes, *body = nonce + NONCE_SIZE;
        EVP_CIPHER_CTX *cipher = start_cipher(data_key, place, nonce, false);
        int length = 0, ignored;
        int done = size == 0 || EVP_CipherUpdate(cipher, plain, &length, body, (int) size);
        done &= EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, (void *) (body + size));
        done &= EVP_CipherFinal_ex(cipher, plain + length, &ignored) == 1;
        if (done != 1) {
                sodium_memzero(plain, size);
                ERR_clear_error();
                return failure_set(reterr_failure, FAILURE_INTERNAL,
                                   "a sealed value does not open: wrong key, or it was moved or altered");
        }
        *ret_plain = (Text){ (const char *) plain, size };
        return true;
}

PublicKey crypto_public_key(const Key *seed) {
        uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];
        PublicKey key;
        pthread_once(&started, start);
        crypto_sign_ed25519_seed_keypair(key.bytes, secret, seed->bytes);
        sodium_memzero(secret, sizeof(secret));
        return key;
}

Signature crypto_signature(const Key *seed, Text text) {
        uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES], public[PUBLIC_KEY_SIZE];
        Signature signature;
        pthread_once(&started, start);
        crypto_sign_ed25519_seed_keypair(public, secret, seed->bytes);
        crypto_sign_ed25519_detached(signature.bytes, NULL, (const uint8_t *) text.bytes, text.length, secret);
        sodium_memzero(secret, sizeof(secret));
        return signature;
}

bool crypto_signature_holds(const PublicKey *key, Text text, const Signature *signature) {
        pthread_once(&started, start);
        return crypto_sign_ed25519_verify_detached(signature->bytes, (const uint8_t *) text.bytes, text.length,
                                                   key->bytes) == 0;
}

Text crypto_base64(Arena *arena, Text bytes) {
        if (bytes.length > SIZE_MAX / 8)
                return TEXT_NONE;
        size_t size = sodium_base64_encoded_len(bytes.length, sodium_base64_VARIANT_ORIGINAL);
        char *encoded = arena_take(arena, size);
        if (!encoded)
                return TEXT_NONE;
        sodium_bin2base64(encoded, size, (const unsigned char *) bytes.bytes, bytes.length,
                          sodium_base64_VARIANT_ORIGINAL);
        return (Text){ encoded, size - 1 };
}

bool crypto_base64_decode(Arena *arena, Text text, Text *ret_bytes) {
        /* libsodium 1.0.18 takes any byte above 7F for a slash. */
        if (text_ascii_length(text) < text.length)
                return false;
        size_t size = text.length / 4 * 3, length;
        unsigned char *bytes = arena_take(arena, size + 1);
        if (!bytes || sodium_base642bin(bytes, size, text.bytes, text.length, NULL, &length, NULL,
                                        sodium_base64_VARIANT_ORIGINAL) != 0)
                return false;
        *ret_bytes = (Text){ (const char *) bytes, length };
        return true;
}
