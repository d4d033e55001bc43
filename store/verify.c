#include "store/verify.h"

#include "base/map.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>

#define CHAIN_LIMIT 1024 /* hubs that ever wrote for one tenant */

typedef struct Verifier {
        AuditVerdict *verdict;
        Arena *arena;
        Uuid tenant_id;
        AuditHead *heads;        /* signed, of this tenant, by hub and position; closings among them */
        size_t head_count, head; /* head: the next of this chain's */
        AuditHead *closings;     /* by hub and position */
        size_t closing_count;
        PublicKey *keys;
        size_t key_count;
        Text *announced; /* hubs that have a key in the database, some twice */
        size_t announced_count;
        int64_t hub; /* number of the chain under way; -1 = none yet */
        AuditChain *chain;
        int64_t position; /* of the record before */
        Hash hash;
        bool exhausted; /* the arena's limit was reached */
} Verifier;

static void breach_found(Verifier *verifier, AuditBreach breach, Text hub, int64_t position, int64_t at_us) {
        AuditVerdict *verdict = verifier->verdict;
        if (verdict->breach != AUDIT_INTACT)
                return;
        verdict->breach = breach;
        verdict->position = position;
        verdict->at_us = at_us;
        snprintf(verdict->hub, sizeof(verdict->hub), "%.*s", TEXT_ARGUMENTS(hub));
}

static int compare_texts(Text a, Text b) {
        size_t shorter = a.length < b.length ? a.length : b.length;
        int order = shorter ? memcmp(a.bytes, b.bytes, shorter) : 0;
        return order ? order : a.length < b.length ? -1 : a.length > b.length;
}

static int compare_heads(const void *a, const void *b) {
        const AuditHead *left = a, *right = b;
        int order = compare_texts(left->hub, right->hub);
        return order ? order : left->position < right->position ? -1 : left->position > right->position;
}

static bool key_counts(const Verifier *verifier, const PublicKey *key) {
        for (size_t i = 0; i < verifier->key_count; i++)
                if (memcmp(&verifier->keys[i], key, sizeof(*key)) == 0)
                        return true;
        return false;
}

/* Whether a head may be compared with; if not, that is what is wrong. */
static bool head_counts(Verifier *verifier, const AuditHead *head) {
        bool is_signed = head_is_signed(head), counts = key_counts(verifier, &head->key);
        if (!is_signed || !counts)
                breach_found(verifier, is_signed ? AUDIT_FOREIGN : AUDIT_FORGED, head->hub, head->position,
                             head->at_us);
        return is_signed && counts;
}

/* The newest closing of a hub; NULL: nothing of its chain was removed. */
static const AuditHead *closing_of(const Verifier *verifier, Text hub) {
        for (size_t i = verifier->closing_count; i > 0; i--)
                if (text_equal(verifier->closings[i - 1].hub, hub))
                        return &verifier->closings[i - 1];
        return NULL;
}

static AuditChain *chain_named(Verifier *verifier, Text hub) {
        AuditVerdict *verdict = verifier->verdict;
        for (size_t i = 0; i < verdict->chain_count; i++)
                if (text_equal(verdict->chains[i].hub, hub))
                        return &verdict->chains[i];
        if (verdict->chain_count == CHAIN_LIMIT) {
                verifier->exhausted = true;
                return &verdict->chains[0];
        }
        AuditChain *chain = &verdict->chains[verdict->chain_count++];
        *chain = (AuditChain){ .hub = text_copy(verifier->arena, hub) };
        return chain;
}

static void begin_chain(Verifier *verifier, int64_t hub, const AuditEntry *first) {
        const AuditHead *closing = closing_of(verifier, first->hub);
        verifier->hub = hub;
        verifier->chain = chain_named(verifier, first->hub);
        verifier->position = 0;
        verifier->hash = (Hash){ { 0 } };
        if (first->position > 1 && closing) {
                verifier->position = closing->position;
                verifier->hash = closing->hash;
        }
        verifier->chain->first = verifier->position + 1;
        verifier->head = 0;
        while (verifier->head < verifier->head_count &&
               (!text_equal(verifier->heads[verifier->head].hub, first->hub) ||
                verifier->heads[verifier->head].position <= verifier->position))
                verifier->head++;
}

static const AuditHead *next_head(const Verifier *verifier) {
        const AuditHead *head = &verifier->heads[verifier->head];
        return verifier->head < verifier->head_count && text_equal(head->hub, verifier->chain->hub) ? head : NULL;
}

static void compare_with_heads(Verifier *verifier) {
        const AuditHead *head;
        while ((head = next_head(verifier)) && head->position <= verifier->position) {
                if (head->position == verifier->position && memcmp(&head->hash, &verifier->hash, sizeof(Hash)) != 0)
                        breach_found(verifier, AUDIT_REWRITTEN, head->hub, head->position, head->at_us);
                verifier->chain->signed_position = head->position;
                verifier->chain->signed_at_us = head->at_us;
                verifier->head++;
        }
}

static void end_chain(Verifier *verifier) {
        if (!verifier->chain)
                return;
        const AuditHead *head = next_head(verifier);
        verifier->chain->last = verifier->position;
        if (head)
                breach_found(verifier, AUDIT_TRUNCATED, head->hub, head->position, head->at_us);
}

static bool verify_row(void *taker, const Rows *rows, Failure *reterr_failure) {
        Verifier *verifier = taker;
        int64_t hub = rows_integer(rows, 0, 0);
        (void) reterr_failure;
        AuditEntry entry = {
                .tenant_id = verifier->tenant_id,
                .hub = rows_text(rows, 0, 1),
                .position = rows_integer(rows, 0, 2),
                .at_us = rows_time(rows, 0, 3),
                .type = rows_text(rows, 0, 4),
                .severity = rows_text(rows, 0, 5),
                .message_id = rows_uuid(rows, 0, 6),
                .agent_id = rows_uuid(rows, 0, 7),
                .person_id = rows_uuid(rows, 0, 8),
                .facts = rows_text(rows, 0, 9),
        };
        if (hub != verifier->hub) {
                end_chain(verifier);
                begin_chain(verifier, hub, &entry);
        }
        verifier->verdict->rows++;
        if (verifier->position + 1 == verifier->chain->first && entry.position < verifier->chain->first)
                return true; /* older than the closing, in a part that is newer */
        Hash expected = audit_hash(&verifier->hash, &entry);
        if (entry.position != verifier->position + 1 || !text_equal(rows_text(rows, 0, 10), MAP_KEY(expected)))
                breach_found(verifier, AUDIT_ALTERED, entry.hub, verifier->position + 1, 0);
        verifier->position = entry.position;
        verifier->hash = expected;
        compare_with_heads(verifier);
        return true;
}

static bool has_heads_of(const AuditProof *proof, Text hub) {
        for (size_t i = 0; i < proof->head_count; i++)
                if (text_equal(proof->heads[i].hub, hub))
                        return true;
        return false;
}

/* Hubs of which there is no record at all: in order when all were removed in order, and never otherwise. A hub that has
 * none here, and of which there are no heads, of whatever tenant, may have had some. */
static void verify_absent(Verifier *verifier, const AuditProof *proof) {
        for (size_t i = 0; i < verifier->announced_count; i++)
                if (!has_heads_of(proof, verifier->announced[i]))
                        chain_named(verifier, verifier->announced[i]);
        for (size_t i = 0; i < verifier->closing_count; i++)
                chain_named(verifier, verifier->closings[i].hub);
        for (size_t i = 0; i < verifier->head_count; i++) {
                const AuditHead *head = &verifier->heads[i], *closing = closing_of(verifier, head->hub);
                AuditChain *chain = chain_named(verifier, head->hub);
                if (chain->last == 0 && (!closing || closing->position < head->position))
                        breach_found(verifier, AUDIT_TRUNCATED, head->hub, head->position, head->at_us);
                if (closing && closing->position >= head->position && head->position > chain->signed_position) {
                        chain->signed_position = head->position;
                        chain->signed_at_us = head->at_us;
                }
        }
}

static bool read_keys(Verifier *verifier, Transaction *transaction, const AuditProof *proof, Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_AUDIT_KEYS, NO_VALUES, &rows, reterr_failure))
                return false;
        verifier->key_count = proof->key_count ? proof->key_count : rows_count(rows);
        verifier->keys = arena_take_array(verifier->arena, PublicKey, verifier->key_count + 1);
        verifier->announced = arena_take_array(verifier->arena, Text, rows_count(rows) + 1);
        for (size_t i = 0; verifier->announced && i < rows_count(rows); i++)
                verifier->announced[verifier->announced_count++] = text_copy(verifier->arena, rows_text(rows, i, 0));
        for (size_t i = 0; verifier->keys && i < verifier->key_count; i++)
                if (proof->key_count)
                        verifier->keys[i] = proof->keys[i];
                else
                        memcpy(verifier->keys[i].bytes, rows_text(rows, i, 1).bytes, PUBLIC_KEY_SIZE);
        return (verifier->keys && verifier->announced) ||
               failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many keys");
}

static bool read_closings(Verifier *verifier, Transaction *transaction, Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_AUDIT_CLOSINGS, NO_VALUES, &rows, reterr_failure))
                return false;
        verifier->closings = arena_take_array(verifier->arena, AuditHead, rows_count(rows) + 1);
        for (size_t i = 0; verifier->closings && i < rows_count(rows); i++) {
                AuditHead head = { .tenant_id = verifier->tenant_id,
                                   .hub = text_copy(verifier->arena, rows_text(rows, i, 0)),
                                   .position = rows_integer(rows, i, 1),
                                   .at_us = rows_time(rows, i, 2) };
                memcpy(head.hash.bytes, rows_text(rows, i, 3).bytes, HASH_SIZE);
                memcpy(head.key.bytes, rows_text(rows, i, 4).bytes, PUBLIC_KEY_SIZE);
                memcpy(head.signature.bytes, rows_text(rows, i, 5).bytes, SIGNATURE_SIZE);
                if (head_counts(verifier, &head))
                        verifier->closings[verifier->closing_count++] = head;
        }
        return verifier->closings || failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many closings");
}

static bool take_heads(Verifier *verifier, const AuditProof *proof, Failure *reterr_failure) {
        size_t most = proof->head_count + verifier->closing_count;
        verifier->heads = arena_take_array(verifier->arena, AuditHead, most + 1);
        if (!verifier->heads)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many heads");
        for (size_t i = 0; i < proof->head_count; i++)
                if (uuid_equal(proof->heads[i].tenant_id, verifier->tenant_id)) {
                        verifier->verdict->heads++;
                        if (head_counts(verifier, &proof->heads[i]))
                                verifier->heads[verifier->head_count++] = proof->heads[i];
                }
        for (size_t i = 0; i < verifier->closing_count; i++)
                verifier->heads[verifier->head_count++] = verifier->closings[i];
        if (verifier->head_count > 1)
                qsort(verifier->heads, verifier->head_count, sizeof(AuditHead), compare_heads);
        return true;
}

bool audit_verify(Database *database, Uuid tenant_id, const AuditProof *proof, Arena *arena, AuditVerdict *ret_verdict,
                  Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Verifier verifier = { .verdict = ret_verdict, .arena = arena, .tenant_id = tenant_id, .hub = -1 };
        *ret_verdict = (AuditVerdict){ .chains = arena_take_array(arena, AuditChain, CHAIN_LIMIT) };
        if (!ret_verdict->chains)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many chains");
        if (!transaction_begin(database, DATABASE_TENANT, tenant_id, &transaction, reterr_failure) ||
            !read_keys(&verifier, transaction, proof, reterr_failure) ||
            !read_closings(&verifier, transaction, reterr_failure) || !take_heads(&verifier, proof, reterr_failure) ||
            !transaction_stream(transaction, QUERY_AUDIT_ROWS, NO_VALUES, verify_row, &verifier, reterr_failure))
                return false;
        end_chain(&verifier);
        verify_absent(&verifier, proof);
        return !verifier.exhausted ||
               failure_set(reterr_failure, FAILURE_TOO_LARGE, "more than %d hubs wrote for this tenant", CHAIN_LIMIT);
}
