#include "base/crypto.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sys/wait.h>

static const Key counting_key = { { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 } };
static const Text record_id = { "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16 };

static void assert_hex(const void *bytes, size_t size, const char *expected) {
        _cleanup_(text_builder_release) TextBuilder hex = text_builder(0);
        text_add_hex(&hex, bytes, size);
        ck_assert_str_eq(hex.bytes, expected);
}

START_TEST(digests_match_published_vectors) {
        static const struct {
                Text text;
                const char *sha256, *sha1;
        } cases[] = {
                { { NULL, 0 },
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                  "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
                { { "abc", 3 },
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                  "a9993e364706816aba3e25717850c26c9cd0d89d" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                uint8_t sha1[20];
                Hash sha256 = crypto_sha256(cases[i].text);
                crypto_sha1(cases[i].text, sha1);
                assert_hex(sha256.bytes, sizeof(sha256.bytes), cases[i].sha256);
                assert_hex(sha1, sizeof(sha1), cases[i].sha1);
        }
}
END_TEST

/* Computed by an independent implementation; stored hashes depend on them. */
START_TEST(hashes_of_parts_stay_what_they_are) {
        Hash parts = crypto_sha256_parts((const Text[]){ TEXT("ab"), TEXT("c") }, 2);
        assert_hex(parts.bytes, sizeof(parts.bytes),
                   "43ee655579de01ca739b3f95c1c2d3f46d353b2c0df818064ea594506cdb2617");
        Hash keyed = crypto_keyed_hash(&counting_key, &TEXT("alice@example.com"), 1);
        assert_hex(keyed.bytes, sizeof(keyed.bytes),
                   "2b7ba554f3b6be57cc3699517c16556aec061ae93debbe850c0943e13162a62f");
}
END_TEST

START_TEST(parts_are_told_apart) {
        static const Text splits[][3] = {
                { { "ab", 2 }, { "c", 1 }, { NULL, 0 } },
                { { "a", 1 }, { "bc", 2 }, { NULL, 0 } },
                { { "abc", 3 }, { NULL, 0 }, { NULL, 0 } },
                { { NULL, 0 }, { "abc", 3 }, { NULL, 0 } },
        };
        for (size_t a = 0; a < COUNT_OF(splits); a++) {
                for (size_t b = 0; b < COUNT_OF(splits); b++) {
                        Hash plain_a = crypto_sha256_parts(splits[a], 3), plain_b = crypto_sha256_parts(splits[b], 3);
                        Hash keyed_a = crypto_keyed_hash(&counting_key, splits[a], 3);
                        Hash keyed_b = crypto_keyed_hash(&counting_key, splits[b], 3);
                        ck_assert_int_eq(crypto_equal(&plain_a, &plain_b, sizeof(Hash)), a == b);
                        ck_assert_int_eq(crypto_equal(&keyed_a, &keyed_b, sizeof(Hash)), a == b);
                }
        }
        Key other = counting_key;
        other.bytes[31] ^= 1;
        Hash one = crypto_keyed_hash(&counting_key, splits[0], 3), two = crypto_keyed_hash(&other, splits[0], 3);
        ck_assert(!crypto_equal(&one, &two, sizeof(Hash)));
}
END_TEST

START_TEST(short_hash_is_siphash) {
        /* Appendix A of the SipHash paper: key 00 … 0f, input 00 … 0e. */
        ck_assert_uint_eq(crypto_short_hash(counting_key.bytes, (Text){ record_id.bytes, 15 }),
                          UINT64_C(0xa129ca6149be45e5));
}
END_TEST

START_TEST(sealed_values_open_again) {
        static const size_t sizes[] = { 0, 1, 15, 16, 17, 1000, 262144 };
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(1 << 22);
                Failure failure;
                char *bytes = arena_take(arena, sizes[i]);
                memset(bytes, 'x', sizes[i]);
                Text plain = { bytes, sizes[i] }, sealed, opened;
                ck_assert_done(crypto_seal(&counting_key, TEXT("accepted"), TEXT("body"), record_id, plain, arena,
                                           &sealed, &failure),
                               failure);
                ck_assert_uint_eq(sealed.length, sizes[i] + SEAL_OVERHEAD);
                ck_assert_done(crypto_open(&counting_key, TEXT("accepted"), TEXT("body"), record_id, sealed, arena,
                                           &opened, &failure),
                               failure);
                ck_assert_text(opened, plain);
        }
}
END_TEST

/* Made by an independent implementation, so that what the database holds stays readable. */
START_TEST(seals_of_earlier_releases_open) {
        static const struct {
                Text sealed, plain;
        } cases[] = {
                { { "\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f\x06\xec\x07\xd7\xfc\x75\xb4\xe8\x4f\x17\xd6\x22"
                    "\xbd\x9f\x77\xf8\x02\x86\x1c\xa6\xf0\xe1\xf9",
                    35 },
                  { "Grüße", 7 } },
                { { "\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f\x7e\x45\x9e\xbe\x4a\x5c\x28\x46\x3b\xb6\x0d\xa4"
                    "\xfe\x73\xc7\x13",
                    28 },
                  { NULL, 0 } },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Failure failure;
                Text plain;
                ck_assert_done(crypto_open(&counting_key, TEXT("accepted"), TEXT("body"), record_id, cases[i].sealed,
                                           arena, &plain, &failure),
                               failure);
                ck_assert_text(plain, cases[i].plain);
        }
}
END_TEST

START_TEST(equal_values_seal_differently) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Failure failure;
        Text one, two;
        ck_assert(crypto_seal(&counting_key, TEXT("t"), TEXT("c"), TEXT("1"), TEXT("x"), arena, &one, &failure));
        ck_assert(crypto_seal(&counting_key, TEXT("t"), TEXT("c"), TEXT("1"), TEXT("x"), arena, &two, &failure));
        ck_assert(!text_equal(one, two));
}
END_TEST

START_TEST(moved_values_do_not_open) {
        static const struct {
                Text table, column, id;
        } places[] = {
                { { "other", 5 }, { "body", 4 }, { "1", 1 } },      { { "accepted", 8 }, { "other", 5 }, { "1", 1 } },
                { { "accepted", 8 }, { "body", 4 }, { "2", 1 } },   { { "acceptedb", 9 }, { "ody", 3 }, { "1", 1 } },
                { { "accepted", 8 }, { "body1", 5 }, { NULL, 0 } },
        };
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Failure failure;
        Text sealed, opened = TEXT("untouched");
        ck_assert(crypto_seal(&counting_key, TEXT("accepted"), TEXT("body"), TEXT("1"), TEXT("secret"), arena, &sealed,
                              &failure));
        for (size_t i = 0; i < COUNT_OF(places); i++) {
                ck_assert(!crypto_open(&counting_key, places[i].table, places[i].column, places[i].id, sealed, arena,
                                       &opened, &failure));
                ck_assert_int_eq(failure.kind, FAILURE_INTERNAL);
        }
        Key other = counting_key;
        other.bytes[0] ^= 0x80;
        ck_assert(!crypto_open(&other, TEXT("accepted"), TEXT("body"), TEXT("1"), sealed, arena, &opened, &failure));
        ck_assert_text(opened, TEXT("untouched"));
        ck_assert(crypto_open(&counting_key, TEXT("accepted"), TEXT("body"), TEXT("1"), sealed, arena, &opened,
                              &failure));
}
END_TEST

START_TEST(altered_or_cut_values_do_not_open) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Failure failure;
        Text sealed, opened = TEXT("untouched");
        ck_assert(
                crypto_seal(&counting_key, TEXT("t"), TEXT("c"), TEXT("1"), TEXT("secret"), arena, &sealed, &failure));
        for (size_t i = 0; i < sealed.length; i++) {
                char *altered = (char *) text_copy(arena, sealed).bytes;
                altered[i] ^= 1;
                ck_assert(!crypto_open(&counting_key, TEXT("t"), TEXT("c"), TEXT("1"), (Text){ altered, sealed.length },
                                       arena, &opened, &failure));
                ck_assert(!crypto_open(&counting_key, TEXT("t"), TEXT("c"), TEXT("1"), (Text){ sealed.bytes, i }, arena,
                                       &opened, &failure));
                ck_assert_int_eq(failure.kind, FAILURE_INTERNAL);
        }
        ck_assert_text(opened, TEXT("untouched"));
}
END_TEST

START_TEST(seal_respects_the_arena) {
        _cleanup_(arena_freep) Arena *small = arena_new(SEAL_OVERHEAD + 5);
        Failure failure;
        Text sealed;
        ck_assert(
                !crypto_seal(&counting_key, TEXT("t"), TEXT("c"), TEXT("1"), TEXT("secret"), small, &sealed, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        ck_assert(crypto_seal(&counting_key, TEXT("t"), TEXT("c"), TEXT("1"), TEXT("fits!"), small, &sealed, &failure));
        ck_assert(!crypto_open(&counting_key, TEXT("t"), TEXT("c"), TEXT("1"), sealed, small, &sealed, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
}
END_TEST

static void *seal_often(void *argument) {
        Failure failure;
        Text id = { argument, 1 };
        for (size_t i = 0; i < 500; i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                Text sealed, opened;
                if (!crypto_seal(&counting_key, TEXT("t"), TEXT("c"), id, id, arena, &sealed, &failure) ||
                    !crypto_open(&counting_key, TEXT("t"), TEXT("c"), id, sealed, arena, &opened, &failure) ||
                    !text_equal(opened, id))
                        return argument;
        }
        return NULL;
}

START_TEST(threads_seal_side_by_side) {
        static char ids[] = "abcd";
        pthread_t threads[4];
        for (size_t i = 0; i < COUNT_OF(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, seal_often, &ids[i]), 0);
        for (size_t i = 0; i < COUNT_OF(threads); i++) {
                void *failed;
                pthread_join(threads[i], &failed);
                ck_assert_ptr_null(failed);
        }
}
END_TEST

START_TEST(random_bytes_differ_and_wiped_bytes_are_zero) {
        Key one, two;
        crypto_random(&one, sizeof(one));
        crypto_random(&two, sizeof(two));
        ck_assert(!crypto_equal(&one, &two, sizeof(one)));
        ck_assert_uint_ne(crypto_random_uint64(), crypto_random_uint64());
        crypto_wipe(&one, sizeof(one));
        ck_assert(crypto_equal(&one, &(Key){ { 0 } }, sizeof(one)));
}
END_TEST

START_TEST(child_draws_other_numbers_than_its_parent) {
        int ends[2];
        uint64_t of_child[4] = { 0 };
        ck_assert_uint_ne(crypto_random_uint64(), 0);
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
                for (size_t i = 0; i < COUNT_OF(of_child); i++)
                        of_child[i] = crypto_random_uint64();
                _exit(write(ends[1], of_child, sizeof(of_child)) != sizeof(of_child));
        }
        ck_assert_int_gt(child, 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        ck_assert_int_eq(read(ends[0], of_child, sizeof(of_child)), sizeof(of_child));
        for (size_t i = 0; i < 100; i++) {
                uint64_t of_parent = crypto_random_uint64();
                for (size_t j = 0; j < COUNT_OF(of_child); j++)
                        ck_assert_uint_ne(of_parent, of_child[j]);
        }
}
END_TEST

START_TEST(start_succeeds_and_may_be_repeated) {
        Failure failure;
        ck_assert_done(crypto_start(&failure), failure);
        ck_assert_done(crypto_start(&failure), failure);
}
END_TEST

START_TEST(base64_matches_rfc_4648) {
        static const struct {
                const char *plain, *encoded;
        } cases[] = { { "", "" },
                      { "f", "Zg==" },
                      { "fo", "Zm8=" },
                      { "foo", "Zm9v" },
                      { "foob", "Zm9vYg==" },
                      { "fooba", "Zm9vYmE=" },
                      { "foobar", "Zm9vYmFy" } };
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Text decoded;
                ck_assert_text(crypto_base64(arena, text_of(cases[i].plain)), text_of(cases[i].encoded));
                ck_assert(crypto_base64_decode(arena, text_of(cases[i].encoded), &decoded));
                ck_assert_text(decoded, text_of(cases[i].plain));
        }
}
END_TEST

START_TEST(loose_base64_is_refused) {
        static const char *const cases[] = { "Zg",   "Zg=",  "Z",     "Zg==Zg==", "Zm9v\n", " Zm9v",   "Zm9-", "Zm9_",
                                             "Zh==", "====", "Zm9v=", "Zm8==",    "Zm 8=",  "Zm9\xFF", "ä€" };
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Text decoded = TEXT("untouched");
                ck_assert_msg(!crypto_base64_decode(arena, text_of(cases[i]), &decoded), "%s", cases[i]);
                ck_assert_text(decoded, TEXT("untouched"));
        }
}
END_TEST

UNIT_TESTS("base/crypto", digests_match_published_vectors, hashes_of_parts_stay_what_they_are, parts_are_told_apart,
           short_hash_is_siphash, sealed_values_open_again, seals_of_earlier_releases_open,
           equal_values_seal_differently, moved_values_do_not_open, altered_or_cut_values_do_not_open,
           seal_respects_the_arena, threads_seal_side_by_side, random_bytes_differ_and_wiped_bytes_are_zero,
           child_draws_other_numbers_than_its_parent, start_succeeds_and_may_be_repeated, base64_matches_rfc_4648,
           loose_base64_is_refused)
