#include "orchestrator/operations/person.h"
#include "store/erase.h"

#include <time.h>

#define PATIENCE      (15 * SECONDS) /* for turns to end that were cancelled */
#define LOOK_AGAIN_NS 50000000

/* Ends the person's messages that are under way, and waits for that: what they still conclude is then erased, too. */
static bool end_running(OperationContext *context, const Person *person, Failure *reterr_failure) {
        Hub *hub = context->operations->hub;
        int64_t deadline = clock_now().monotonic_us + PATIENCE;
        for (bool first = true;; first = false) {
                const Rows *rows;
                if (!context_run(context, QUERY_PERSON_OPEN,
                                 VALUES(value_uuid(person->id), value_uuid(context->caller->message_id)), &rows,
                                 reterr_failure))
                        return false;
                if (rows_count(rows) == 0)
                        return true;
                for (size_t i = 0; first && i < rows_count(rows); i++)
                        if (!hub->cancel(hub, context->tenant_id, rows_uuid(rows, i, 0), context->caller->principal,
                                         reterr_failure))
                                return false;
                if (clock_now().monotonic_us > deadline)
                        return failure_set(reterr_failure, FAILURE_UNAVAILABLE,
                                           "messages are still being answered: ask again in a moment");
                nanosleep(&(struct timespec){ .tv_nsec = LOOK_AGAIN_NS }, NULL);
        }
}

static bool end_subscriptions(OperationContext *context, Transaction *transaction, const Person *person, Json *result,
                              Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_PERSON_UNSUBSCRIBE, VALUES(value_text(person->jid)), &rows,
                             reterr_failure))
                return false;
        for (size_t row = 0; row < rows_count(rows); row++)
                context_announce(context,
                                 (DirectoryChange){ .kind = DIRECTORY_SUBSCRIPTION,
                                                    .gone = true,
                                                    .tenant_id = context->tenant_id,
                                                    .agent_id = rows_uuid(rows, row, 0),
                                                    .name = person->jid,
                                                    .domain = text_copy(context->arena, rows_text(rows, row, 1)) });
        json_put_integer(result, "subscriptions", (int64_t) rows_count(rows));
        return true;
}

static bool end_grants(OperationContext *context, Transaction *transaction, const Person *person, Json *result,
                       Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_PERSON_UNGRANT, VALUES(value_text(person->jid)), &rows, reterr_failure))
                return false;
        for (size_t row = 0; row < rows_count(rows); row++)
                context_announce(context, (DirectoryChange){ .kind = DIRECTORY_GRANT,
                                                             .gone = true,
                                                             .id = rows_uuid(rows, row, 0),
                                                             .tenant_id = context->tenant_id,
                                                             .agent_id = rows_uuid(rows, row, 1),
                                                             .name = person->jid });
        json_put_integer(result, "grants", (int64_t) rows_count(rows));
        return true;
}

static bool forget(OperationContext *context, Transaction *transaction, const Person *person, Json *result,
                   Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_PERSON_FORGET, VALUES(value_uuid(person->id), value_text(person->jid)),
                             &rows, reterr_failure))
                return false;
        json_put_integer(result, "feedback", rows_integer(rows, 0, 0));
        json_put_integer(result, "invites", rows_integer(rows, 0, 2));
        return end_subscriptions(context, transaction, person, result, reterr_failure) &&
               end_grants(context, transaction, person, result, reterr_failure);
}

/* All that needs the name, with the row that says what is left to do: what follows can be finished by others. */
static bool begin(OperationContext *context, const Person *person, const Erasure *erasure, Json *result,
                  Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        return transaction_begin(context->operations->database, DATABASE_TENANT, context->tenant_id, &transaction,
                                 reterr_failure) &&
               transaction_run(
                       transaction, QUERY_ERASURE_BEGIN,
                       VALUES(value_uuid(erasure->person_id), value_uuid(erasure->up_to), value_uuid(erasure->except)),
                       NULL, reterr_failure) &&
               forget(context, transaction, person, result, reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

static bool erase(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Person person;
        size_t messages;
        if (!person_find(context, input, &person, reterr_failure) || !end_running(context, &person, reterr_failure))
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
