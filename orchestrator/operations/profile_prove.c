#include "base/map.h"
#include "orchestrator/operations/profile.h"

static const Field prove_input[] = {
        { "code", FIELD_TEXT, REQUIRED, "The code from the mail.", .most = 40 },
        { .type = FIELD_END },
};

/* Five tries a code, counted in a transaction of its own, so that a wrong one stays counted. */
static bool try_code(OperationContext *context, Uuid account_id, Hash *ret_hash, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!transaction_begin(context->operations->database, DATABASE_TENANT, installation_tenant_id, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_PROFILE_TRY, VALUES(value_uuid(account_id)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_POLICY,
                                   "there is no code that could be proved: have another one sent by profile-update");
        memcpy(ret_hash->bytes, rows_text(rows, 0, 0).bytes, sizeof(ret_hash->bytes));
        return transaction_commit(transaction, reterr_failure);
}

static bool prove_profile(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Hash wanted;
        if (!profile_read(context, &rows, reterr_failure))
                return false;
        Uuid account_id = rows_uuid(rows, 0, 0);
        if (!try_code(context, account_id, &wanted, reterr_failure))
                return false;
        Text code = text_trim(input_text(input, "code"));
        Hash hash = crypto_sha256_parts((const Text[]){ MAP_KEY(account_id), code }, 2);
        if (!crypto_equal(hash.bytes, wanted.bytes, sizeof(hash.bytes)))
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "that is not the code");
        return context_run(context, QUERY_PROFILE_PROVE, VALUES(value_uuid(account_id)), NULL, reterr_failure) &&
               profile_result(context, false, ret_result, reterr_failure);
}

const Operation profile_prove = {
        .name = "profile-prove",
        .summary = "Proves your e-mail address by the code that was sent to it.",
        .example = "12345678",
        .role = ROLE_NONE,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/profile/proof",
        .input = prove_input,
        .run = prove_profile,
};
