#include "orchestrator/operations/context.h"
#include "store/verify.h"

#include <stdio.h>

#define HEADS_BYTES (896 * 1024)

static const Field verify_input[] = {
        { "heads", FIELD_LONG_TEXT, OPTIONAL,
          "Signed ends of chains to compare with, as the hubs' heads files or a witness have them, a line each.",
          .most = HEADS_BYTES },
        { "keys", FIELD_LIST, OPTIONAL,
          "The public keys that count, in base64, as `aiox doctor` names them on each hub; otherwise those that hubs "
          "have announced in the database.",
          .most = 64 },
        { .type = FIELD_END },
};

/* A line that was cut off, as by a full disk, is left out and counted: who can garble lines can leave them out, too. Of
 * a text in which no line is a head, the first says what is wrong. */
static bool read_heads(OperationContext *context, Text text, AuditProof *proof, int64_t *ret_unreadable,
                       Failure *reterr_failure) {
        size_t lines = 1, number = 0;
        Failure failure;
        *ret_unreadable = 0;
        Text line;
        for (size_t i = 0; i < text.length; i++)
                lines += text.bytes[i] == '\n';
        AuditHead *heads = arena_take_array(context->arena, AuditHead, lines);
        proof->heads = heads;
        while (heads && text_split(&text, '\n', &line)) {
                number++;
                if (text_trim(line).length == 0)
                        continue;
                if (head_read(text_trim(line), context->arena, &heads[proof->head_count], &failure))
                        proof->head_count++;
                else if ((*ret_unreadable)++ == 0) {
                        *reterr_failure = failure;
                        failure_prefix(reterr_failure, "line %zu of the heads", number);
                }
        }
        if (*ret_unreadable > 0 && proof->head_count == 0)
                return false;
        return heads || failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many heads");
}

static bool read_keys(OperationContext *context, const Input *input, AuditProof *proof, Failure *reterr_failure) {
        const Text *names;
        size_t count = input_list(input, "keys", &names);
        PublicKey *keys = arena_take_array(context->arena, PublicKey, count + 1);
        Text bytes;
        for (size_t i = 0; keys && i < count; i++) {
                if (!crypto_base64_decode(context->arena, names[i], &bytes) || bytes.length != PUBLIC_KEY_SIZE)
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "'keys' must be public keys in base64, as `aiox doctor` names them");
                memcpy(keys[i].bytes, bytes.bytes, PUBLIC_KEY_SIZE);
        }
        proof->keys = keys;
        proof->key_count = count;
        return keys || failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many keys");
}

/* A broken chain is a failure, so that a script hears of it too. */
static bool breach_failure(const AuditVerdict *verdict, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *when = json_new_object();
        long long position = verdict->position;
        json_put_time(when, "at", verdict->at_us);
        Text at = json_to_text(json_member(when, "at"));
        switch (verdict->breach) {
        case AUDIT_INTACT:
                return true;
        case AUDIT_ALTERED:
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "the audit was altered: the chain of hub %s breaks at record %lld", verdict->hub,
                                   position);
        case AUDIT_REWRITTEN:
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "the audit was altered: the chain of hub %s was written anew; record %lld is not "
                                   "the one that was signed at %.*s",
                                   verdict->hub, position, TEXT_ARGUMENTS(at));
        case AUDIT_TRUNCATED:
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "the audit was altered: the chain of hub %s was cut off; record %lld, signed at "
                                   "%.*s, is missing",
                                   verdict->hub, position, TEXT_ARGUMENTS(at));
        case AUDIT_FORGED:
                return failure_set(
                        reterr_failure, FAILURE_CONFLICT,
                        "the heads were altered: that of hub %s at record %lld does not bear its key's signature",
                        verdict->hub, position);
        case AUDIT_FOREIGN:
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "the heads are not the hubs': that of hub %s at record %lld is signed by a key that "
                                   "does not count",
                                   verdict->hub, position);
        }
        return true;
}

static Json *chains_json(const AuditVerdict *verdict, Json *unchecked) {
        Json *chains = json_new_array();
        for (size_t i = 0; i < verdict->chain_count; i++) {
                const AuditChain *chain = &verdict->chains[i];
                Json *item = json_new_object();
                json_put_text(item, "hub", chain->hub);
                json_put_integer(item, "first", chain->first);
                json_put_integer(item, "last", chain->last);
                json_put_integer(item, "signed_to", chain->signed_position);
                json_put_time(item, "signed_at", chain->signed_at_us);
                json_append(chains, item);
                if (chain->signed_position == 0)
                        json_append(unchecked, json_new_text(chain->hub));
        }
        return chains;
}

static bool verify_audit(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        AuditVerdict verdict;
        AuditProof proof = { 0 };
        int64_t unreadable;
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 32 * 1024 * 1024);
        if (!read_heads(context, input_text(input, "heads"), &proof, &unreadable, reterr_failure) ||
            !read_keys(context, input, &proof, reterr_failure) ||
            !audit_verify(context->operations->database, context->tenant_id, &proof, arena, &verdict, reterr_failure))
                return false;
        json_put_integer(context->facts, "records", verdict.rows);
        if (!breach_failure(&verdict, reterr_failure))
                return false;
        Json *unchecked = json_new_array(), *result = *ret_result = json_new_object();
        json_put_boolean(result, "intact", true);
        json_put_integer(result, "records", verdict.rows);
        json_put_integer(result, "heads", verdict.heads);
        json_put_integer(result, "unreadable_lines", unreadable);
        json_put(result, "chains", chains_json(&verdict, unchecked));
        json_put(result, "unchecked_hubs", unchecked);
        if (json_count(unchecked) > 0)
                json_put_string(result, "note", "without their heads, chains that are cut off at the end look whole");
        return true;
}

const Operation audit_verification = {
        .name = "audit-verify",
        .summary = "Computes the audit's chains again, compares them with what was signed, and names the first record "
                   "that was altered or is missing.",
        .example = "--heads @/var/lib/aiox/audit.heads --tenant acme",
        .role = ROLE_ADMIN,
        .outlives_tenant = true,
        .effect = EFFECT_READ,
        .method = "POST",
        .path = "/audit/verification",
        .input = verify_input,
        .run = verify_audit,
};
