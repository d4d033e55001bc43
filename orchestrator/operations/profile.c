#include "orchestrator/operations/profile.h"

#include "base/map.h"

#include <stdio.h>

#define CODE_SIZE 9 /* eight digits, and the NUL */

bool profile_read(OperationContext *context, const Rows **ret_rows, Failure *reterr_failure) {
        if (!context_is_person(context))
                return failure_set(reterr_failure, FAILURE_INVALID, "only people have profiles");
        return context_run(context, QUERY_PROFILE_READ, VALUES(value_text(context->caller->principal)), ret_rows,
                           reterr_failure) &&
               (rows_count(*ret_rows) > 0 ||
                failure_set(reterr_failure, FAILURE_NOT_FOUND, "you have no account here"));
}

static bool put_picture(OperationContext *context, const Rows *rows, bool whole, Json *result,
                        Failure *reterr_failure) {
        Text picture = rows_text(rows, 0, 6), encoded;
        json_put_text_or_null(result, "picture_type", rows_text(rows, 0, 7));
        json_put_integer(result, "picture_bytes", (int64_t) picture.length);
        if (!whole || picture.length == 0)
                return true;
        encoded = crypto_base64(context->arena, picture);
        json_put_text(result, "picture", encoded);
        return encoded.bytes || failure_set(reterr_failure, FAILURE_TOO_LARGE, "the picture is too large");
}

bool profile_put(OperationContext *context, const Rows *rows, bool with_picture, Json *profile,
                 Failure *reterr_failure) {
        json_put_text_or_null(profile, "name", rows_text(rows, 0, 1));
        json_put_text_or_null(profile, "email", rows_text(rows, 0, 2));
        json_put_boolean(profile, "email_proved", !rows_is_null(rows, 0, 8));
        json_put_text_or_null(profile, "locale", rows_text(rows, 0, 4));
        json_put_text_or_null(profile, "time_zone", rows_text(rows, 0, 5));
        json_put_time(profile, "created_at", rows_time(rows, 0, 3));
        return put_picture(context, rows, with_picture, profile, reterr_failure);
}

bool profile_result(OperationContext *context, bool with_picture, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        if (!profile_read(context, &rows, reterr_failure))
                return false;
        *ret_result = json_new_object();
        json_put_text(*ret_result, "jid", context->caller->principal);
        return profile_put(context, rows, with_picture, *ret_result, reterr_failure);
}

static void make_code(char ret_code[static CODE_SIZE]) {
        snprintf(ret_code, CODE_SIZE, "%08u", (unsigned) (crypto_random_uint64() % 100000000));
}

static bool mail_code(OperationContext *context, Text address, const char *code, Failure *reterr_failure) {
        Hub *hub = context->operations->hub;
        TextBuilder body = text_builder(0);
        Text domain = context_agent_domain(context, TEXT_NONE), person = context->caller->principal;
        text_add_format(&body,
                        "Somebody, and we hope it was you, has named this address as that of %.*s at %.*s.\n\n"
                        "If it was you, write this to %.*s within an hour:\n\n    /profile-prove %s\n\n"
                        "If it was not, there is nothing to be done.\n",
                        TEXT_ARGUMENTS(person), TEXT_ARGUMENTS(domain), TEXT_ARGUMENTS(domain), code);
        bool sent = hub->mail(hub, address, TEXT("Your code"), text_built(&body), reterr_failure);
        text_builder_release(&body);
        return sent;
}

/* The mail goes out before the commit: a code that reaches nobody is worse than one that reaches somebody and is not
 * good. */
bool profile_send_code(OperationContext *context, Uuid account_id, Text address, bool *ret_sent,
                       Failure *reterr_failure) {
        Failure failure = { 0 };
        char code[CODE_SIZE];
        make_code(code);
        Hash hash = crypto_sha256_parts((const Text[]){ MAP_KEY(account_id), text_of(code) }, 2);
        *ret_sent = mail_code(context, address, code, &failure);
        crypto_wipe(code, sizeof(code));
        if (!*ret_sent && failure.kind != FAILURE_UNSUPPORTED) {
                *reterr_failure = failure;
                return false;
        }
        return context_run(context, QUERY_PROFILE_CODE,
                           VALUES(value_uuid(account_id), *ret_sent ? value_bytes(MAP_KEY(hash)) : value_null()), NULL,
                           reterr_failure);
}
