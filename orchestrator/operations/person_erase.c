#include "orchestrator/operations/erasing.h"
#include "orchestrator/operations/person.h"

static bool begin(OperationContext *context, const Person *person, const Erasure *erasure, Json *result,
                  Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Forgotten forgotten = { 0 };
        if (!transaction_begin(context->operations->database, DATABASE_TENANT, context->tenant_id, &transaction,
                               reterr_failure) ||
            !erasing_forget(context, transaction, erasure, person->jid, &forgotten, reterr_failure) ||
            !transaction_commit(transaction, reterr_failure))
                return false;
        erasing_put(result, &forgotten);
        return true;
}

static bool erase(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Person person;
        size_t messages;
        if (!person_find(context, input, &person, reterr_failure) ||
            !erasing_cancel(context, context->tenant_id, person.id, reterr_failure) ||
            !erasing_wait(context, context->tenant_id, person.id, clock_now().monotonic_us + ERASING_PATIENCE,
                          reterr_failure))
                return false;
        Erasure erasure = { .tenant_id = context->tenant_id,
                            .person_id = person.id,
                            .up_to = context_id(context),
                            .except = context->caller->message_id };
        Json *result = *ret_result = json_new_object();
        if (!begin(context, &person, &erasure, result, reterr_failure) ||
            !erase_person(context->operations->database, &erasure, &messages, reterr_failure))
                return false;
        json_put_uuid(result, "person", person.id);
        json_put_integer(result, "messages", (int64_t) messages);
        context->severity = TEXT("warning");
        json_put_uuid(context->facts, "person", person.id);
        json_put_integer(context->facts, "messages", (int64_t) messages);
        return true;
}

const Operation person_erase = {
        .name = "person-erase",
        .summary = "Erases what you wrote in a tenant, what was answered, and who you were; the audit keeps an id.",
        .example = "--jid carol@example.org --tenant acme",
        .role = ROLE_NONE,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/persons",
        .input = person_input,
        .run = erase,
};
