#include "orchestrator/operations/erasing.h"

#include <time.h>

#define LOOK_AGAIN_NS 50000000

static bool look(OperationContext *context, Uuid tenant_id, Uuid person_id, bool cancels, bool *ret_over,
                 Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Hub *hub = context->operations->hub;
        const Rows *rows;
        if (!transaction_begin(context->operations->database, DATABASE_TENANT, tenant_id, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_PERSON_OPEN,
                             VALUES(value_uuid(person_id), value_uuid(context->caller->message_id)), &rows,
                             reterr_failure))
                return false;
        *ret_over = rows_count(rows) == 0;
        for (size_t i = 0; cancels && i < rows_count(rows); i++)
                if (!hub->cancel(hub, tenant_id, rows_uuid(rows, i, 0), context->caller->principal, reterr_failure))
                        return false;
        return true;
}

bool erasing_cancel(OperationContext *context, Uuid tenant_id, Uuid person_id, Failure *reterr_failure) {
        bool over;
        return look(context, tenant_id, person_id, true, &over, reterr_failure);
}

bool erasing_wait(OperationContext *context, Uuid tenant_id, Uuid person_id, int64_t deadline_us,
                  Failure *reterr_failure) {
        for (bool over;;) {
                if (!look(context, tenant_id, person_id, false, &over, reterr_failure))
                        return false;
                if (over)
                        return true;
                if (clock_now().monotonic_us > deadline_us)
                        return failure_set(reterr_failure, FAILURE_UNAVAILABLE,
                                           "messages are still being answered: ask again in a moment");
                nanosleep(&(struct timespec){ .tv_nsec = LOOK_AGAIN_NS }, NULL);
        }
}

static bool end_subscriptions(OperationContext *context, Transaction *transaction, Uuid tenant_id, Text jid,
                              Forgotten *forgotten, Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_PERSON_UNSUBSCRIBE, VALUES(value_text(jid)), &rows, reterr_failure))
                return false;
        for (size_t row = 0; row < rows_count(rows); row++)
                context_announce(context,
                                 (DirectoryChange){ .kind = DIRECTORY_SUBSCRIPTION,
                                                    .gone = true,
                                                    .tenant_id = tenant_id,
                                                    .agent_id = rows_uuid(rows, row, 0),
                                                    .name = jid,
                                                    .domain = text_copy(context->arena, rows_text(rows, row, 1)) });
        forgotten->subscriptions += (int64_t) rows_count(rows);
        return true;
}

static bool end_grants(OperationContext *context, Transaction *transaction, Uuid tenant_id, Text jid,
                       Forgotten *forgotten, Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_PERSON_UNGRANT, VALUES(value_text(jid)), &rows, reterr_failure))
                return false;
        for (size_t row = 0; row < rows_count(rows); row++)
                context_announce(context, (DirectoryChange){ .kind = DIRECTORY_GRANT,
                                                             .gone = true,
                                                             .id = rows_uuid(rows, row, 0),
                                                             .tenant_id = tenant_id,
                                                             .agent_id = rows_uuid(rows, row, 1),
                                                             .name = jid });
        forgotten->grants += (int64_t) rows_count(rows);
        return true;
}

bool erasing_forget(OperationContext *context, Transaction *transaction, const Erasure *erasure, Text jid,
                    Forgotten *forgotten, Failure *reterr_failure) {
        const Rows *rows;
        if (!transaction_run(transaction, QUERY_ERASURE_BEGIN,
                             VALUES(value_uuid(erasure->person_id), value_uuid(erasure->up_to),
                                    value_uuid(erasure->except), value_string(context->operation->name)),
                             NULL, reterr_failure) ||
            !transaction_run(transaction, QUERY_PERSON_FORGET, VALUES(value_uuid(erasure->person_id), value_text(jid)),
                             &rows, reterr_failure))
                return false;
        forgotten->feedback += rows_integer(rows, 0, 0);
        forgotten->invites += rows_integer(rows, 0, 2);
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_PERSON,
                                                     .gone = true,
                                                     .id = erasure->person_id,
                                                     .tenant_id = erasure->tenant_id });
        return end_subscriptions(context, transaction, erasure->tenant_id, jid, forgotten, reterr_failure) &&
               end_grants(context, transaction, erasure->tenant_id, jid, forgotten, reterr_failure);
}

void erasing_put(Json *result, const Forgotten *forgotten) {
        json_put_integer(result, "feedback", forgotten->feedback);
        json_put_integer(result, "grants", forgotten->grants);
        json_put_integer(result, "invites", forgotten->invites);
        json_put_integer(result, "subscriptions", forgotten->subscriptions);
}
