#include "orchestrator/operations/record.h"

#include "base/log.h"

#include <stdio.h>

#define KEY_LIMIT 512

static Text id_text(const Uuid *id) {
        return (Text){ (const char *) id->bytes, sizeof(id->bytes) };
}

static Text uuid_text(Arena *arena, Uuid uuid) {
        char string[UUID_STRING_SIZE];
        uuid_format(uuid, string);
        return text_copy(arena, text_of(string));
}

/* NUL and other bytes that the database refuses must not come in by a header, and keys of two callers must differ. */
static Text key_text(OperationContext *context) {
        const Caller *caller = context->caller;
        Hash hash = crypto_sha256_parts((const Text[]){ caller->principal, caller->request_key }, 2);
        TextBuilder builder = text_builder(KEY_LIMIT);
        text_add_hex(&builder, hash.bytes, sizeof(hash.bytes));
        Text key = text_copy(context->arena, text_built(&builder));
        text_builder_release(&builder);
        return key;
}

/* What holds a secret is digested by the tenant's key: a secret is often short enough to be guessed. */
static bool digest_input(OperationContext *context, Text canonical, Hash *ret_digest, Failure *reterr_failure) {
        const Text parts[] = { TEXT("operation"), text_of(context->operation->name), canonical };
        if (operation_field_of(context->operation, FIELD_SECRET))
                return keyring_digest(context->operations->keyring, context->tenant_id, parts, 3, ret_digest,
                                      reterr_failure);
        *ret_digest = crypto_sha256_parts(parts + 1, 2);
        return true;
}

bool record_request(OperationContext *context, const Input *input, OperationRequest *ret_request,
                    Failure *reterr_failure) {
        Text canonical;
        if (!input_canonical(input, context->arena, &canonical))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the input is too large");
        ret_request->id = context_id(context);
        ret_request->named = context->caller->request_key.length > 0 && context->operation->effect != EFFECT_READ;
        ret_request->key = ret_request->named ? key_text(context) : uuid_text(context->arena, ret_request->id);
        return digest_input(context, canonical, &ret_request->digest, reterr_failure);
}

static SealPlace result_place(const Uuid *id) {
        return (SealPlace){ .table = "operation_log", .column = "result", .id = id_text(id) };
}

static bool open_result(OperationContext *context, const Rows *rows, Json **ret_result, Failure *reterr_failure) {
        Uuid id = rows_uuid(rows, 0, 0);
        Text plain;
        if (rows_is_null(rows, 0, 2))
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "this was done, and its result was erased since with what a person left here");
        if (!keyring_unseal(context->operations->keyring, context->tenant_id, (int) rows_integer(rows, 0, 3),
                            result_place(&id), rows_text(rows, 0, 2), context->arena, &plain, reterr_failure))
                return false;
        return json_parse(plain, SIZE_MAX, ret_result, reterr_failure);
}

bool record_find(OperationContext *context, const OperationRequest *request, bool *ret_stored, Json **ret_result,
                 Failure *reterr_failure) {
        const Rows *rows;
        *ret_stored = false;
        if (!request->named)
                return true;
        if (!context_run(context, QUERY_OPERATION_LOCK, VALUES(value_text(request->key)), NULL, reterr_failure) ||
            !context_run(context, QUERY_OPERATION_STORED, VALUES(value_text(request->key)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return true;
        Text digest = rows_text(rows, 0, 1);
        if (digest.length != HASH_SIZE || memcmp(digest.bytes, request->digest.bytes, HASH_SIZE) != 0)
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "this idempotency key was used for another request: take a new one");
        *ret_stored = true;
        return open_result(context, rows, ret_result, reterr_failure);
}

/* A person stands in the log as an id; a platform admin on the socket is no person. */
static bool find_person(OperationContext *context, Uuid *ret_person, Failure *reterr_failure) {
        *ret_person = (Uuid){ 0 };
        if (context->domain.length == 0) {
                json_put_text(context->facts, "by", context->caller->principal);
                return true;
        }
        return keyring_person(context->operations->keyring, context->tenant_id, context->caller->principal, ret_person,
                              reterr_failure);
}

static bool add_row(OperationContext *context, Transaction *transaction, const OperationRequest *request,
                    const char *outcome, Value result, int key_id, Failure *reterr_failure) {
        Uuid person;
        Text facts;
        const Rows *rows;
        if (!find_person(context, &person, reterr_failure))
                return false;
        if (!json_canonical(context->facts, context->arena, &facts))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the operation has too many facts to record");
        Text digest = { (const char *) request->digest.bytes, HASH_SIZE };
        if (!transaction_run(transaction, QUERY_OPERATION_LOG_ADD,
                             VALUES(value_uuid(request->id), value_text(request->key), value_bytes(digest),
                                    value_string(context->operation->name), value_string(context->caller->door),
                                    value_uuid_or_null(person), value_uuid_or_null(context->agent.id),
                                    value_text(context->severity), value_string(outcome), value_text(facts), result,
                                    value_integer(key_id), value_string(context->operations->hub->name)),
                             &rows, reterr_failure))
                return false;
        return rows_changed(rows) == 1 ||
               failure_set(reterr_failure, FAILURE_UNAVAILABLE, "this hub has no lease yet; try again in a moment");
}

/* Whether a repeated event is due: of each kind by each caller in each tenant. */
static bool is_due(OperationContext *context, const char *outcome) {
        char event[512];
        int64_t count;
        snprintf(event, sizeof(event), "%s %s %.*s %.*s", context->operation->name, outcome,
                 TEXT_ARGUMENTS(uuid_text(context->arena, context->tenant_id)),
                 TEXT_ARGUMENTS(context->caller->principal));
        if (!recurrence_count(context->operations->recurrence, text_of(event), context->now.monotonic_us, &count))
                return false;
        if (count > 1)
                json_put_integer(context->facts, "count", count);
        return true;
}

bool record_success(OperationContext *context, const OperationRequest *request, const Json *result,
                    Failure *reterr_failure) {
        Text canonical, sealed;
        int key_id;
        if (context->operation->effect == EFFECT_READ)
                return (!context->operation->recorded && !is_due(context, "success")) ||
                       add_row(context, context->transaction, request, "success", value_null(), 0, reterr_failure);
        _cleanup_(json_freep) Json *kept = json_clone(result);
        Text once = text_of(context->operation->shown_once), name;
        while (text_split(&once, ' ', &name))
                json_put(kept, text_string(context->arena, name), json_new_null());
        if (!json_canonical(kept, context->arena, &canonical))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the result is too large");
        return keyring_seal(context->operations->keyring, context->tenant_id, result_place(&request->id), canonical,
                            context->arena, &sealed, &key_id, reterr_failure) &&
               add_row(context, context->transaction, request, "success", value_bytes(sealed), key_id, reterr_failure);
}

bool record_elsewhere(OperationContext *context, Transaction *transaction, Uuid tenant_id, Json *facts,
                      Failure *reterr_failure) {
        OperationContext other = *context;
        Uuid id = context_id(context);
        OperationRequest request = { .id = id, .key = uuid_text(context->arena, id) };
        other.tenant_id = tenant_id;
        other.facts = facts;
        return add_row(&other, transaction, &request, "success", value_null(), 0, reterr_failure);
}

void record_refusal(OperationContext *context, const Failure *failure) {
        const char *outcome = failure_form(failure->kind)->name;
        /* A tenant that was about to be made does not exist: the installation remembers. */
        if (context->operation->scope == SCOPE_NEW_TENANT)
                context->tenant_id = installation_tenant_id;
        if (failure->kind == FAILURE_UNAVAILABLE || failure->kind == FAILURE_TIMED_OUT || !is_due(context, outcome))
                return;
        Failure trouble;
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Uuid id = context_id(context);
        OperationRequest request = { .id = id, .key = uuid_text(context->arena, id) };
        if (failure->kind == FAILURE_FORBIDDEN || failure->kind == FAILURE_INTERNAL)
                context->severity = TEXT("warning");
        if (!transaction_begin(context->operations->database, DATABASE_TENANT, context->tenant_id, &transaction,
                               &trouble) ||
            !add_row(context, transaction, &request, outcome, value_null(), 0, &trouble) ||
            !transaction_commit(transaction, &trouble))
                log_warning("a refused operation was not recorded", "operation", LOG_STRING, context->operation->name,
                            "failure", LOG_STRING, trouble.text);
}
