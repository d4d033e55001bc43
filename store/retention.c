#include "store/retention.h"

#include "base/clock.h"
#include "base/map.h"
#include "store/connection.h"

#include <stdio.h>

static bool close_chain(Transaction *transaction, const Retention *retention, AuditHead *head,
                        Failure *reterr_failure) {
        head->at_us = clock_now().wall_us;
        head_sign(head, retention->seed);
        return transaction_run(transaction, QUERY_KEEP_AUDIT_CLOSE,
                               VALUES(value_uuid(head->tenant_id), value_text(head->hub), value_integer(head->position),
                                      value_time(head->at_us), value_bytes(MAP_KEY(head->hash)),
                                      value_bytes(MAP_KEY(head->key)), value_bytes(MAP_KEY(head->signature))),
                               NULL, reterr_failure);
}

/* As the role that reads ends of chains and nothing else of the audit. */
static bool close_part(Database *database, const Retention *retention, int64_t from_us, int64_t to_us,
                       Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        PublicKey public = crypto_public_key(retention->seed);
        const Rows *ends;
        if (!transaction_begin(database, DATABASE_JOURNAL, (Uuid){ 0 }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_AUDIT_KEY_ADD,
                             VALUES(value_text(retention->hub), value_bytes(MAP_KEY(public))), NULL, reterr_failure) ||
            !transaction_run(transaction, QUERY_KEEP_AUDIT_ENDS, VALUES(value_time(from_us), value_time(to_us)), &ends,
                             reterr_failure))
                return false;
        for (size_t i = 0; i < rows_count(ends); i++) {
                AuditHead head = { .tenant_id = rows_uuid(ends, i, 0),
                                   .hub = rows_text(ends, i, 1),
                                   .position = rows_integer(ends, i, 2) };
                memcpy(head.hash.bytes, rows_text(ends, i, 3).bytes, HASH_SIZE);
                if (!close_chain(transaction, retention, &head, reterr_failure))
                        return false;
        }
        return transaction_commit(transaction, reterr_failure);
}

static bool keep_audit(Database *database, Connection *connection, const Retention *retention, Progress progress,
                       void *listener, Failure *reterr_failure) {
        _result_ *result = NULL;
        if (!connection_run(connection, QUERY_KEEP_AUDIT_OLD, VALUES(value_integer(retention->audit_days)), &result,
                            reterr_failure))
                return false;
        const Rows *parts = (Rows *) result;
        for (size_t i = 0; i < rows_count(parts); i++) {
                char sentence[128];
                bool pending = rows_boolean(parts, i, 3); /* it was closed before it was detached */
                if (!pending &&
                    !close_part(database, retention, rows_time(parts, i, 1), rows_time(parts, i, 2), reterr_failure))
                        return false;
                if (!connection_execute(connection, rows_text(parts, i, 4).bytes, reterr_failure) ||
                    !connection_execute(connection, rows_text(parts, i, 5).bytes, reterr_failure))
                        return failure_prefix(reterr_failure, "%s", rows_text(parts, i, 0).bytes);
                snprintf(sentence, sizeof(sentence), "closed and removed %s", rows_text(parts, i, 0).bytes);
                if (progress)
                        progress(listener, sentence);
        }
        return true;
}

bool retention_keep_logs(Database *database, int days, const Uuid *tenants, size_t tenant_count,
                         Failure *reterr_failure) {
        static const Query queries[] = { QUERY_KEEP_LOGS, QUERY_KEEP_SECURITY_EVENTS };
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        if (!transaction_begin(database, DATABASE_OWNER, (Uuid){ 0 }, &transaction, reterr_failure))
                return false;
        for (size_t i = 0; i < COUNT_OF(queries); i++)
                if (!transaction_run(transaction, queries[i],
                                     VALUES(value_integer(days), value_uuids(tenants, tenant_count)), NULL,
                                     reterr_failure))
                        return false;
        return transaction_commit(transaction, reterr_failure);
}

bool retention_keep(Database *database, const Retention *retention, Progress progress, void *listener,
                    Failure *reterr_failure) {
        _cleanup_(connection_closep) Connection *connection = NULL;
        return retention->audit_days == 0 ||
               (database_connect(database, DATABASE_OWNER, &connection, reterr_failure) &&
                keep_audit(database, connection, retention, progress, listener, reterr_failure));
}
