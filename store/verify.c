#include "store/verify.h"

#include "base/map.h"
#include "store/audit.h"

#include <stdio.h>

typedef struct Verifier {
        AuditVerdict *verdict;
        Uuid tenant_id;
        int64_t hub, position;
        Hash hash;
} Verifier;

static void begin_chain(Verifier *verifier, int64_t hub) {
        verifier->hub = hub;
        verifier->position = 0;
        verifier->hash = (Hash){ { 0 } };
        verifier->verdict->chains++;
}

static bool verify_row(void *taker, const Rows *rows, Failure *reterr_failure) {
        Verifier *verifier = taker;
        AuditVerdict *verdict = verifier->verdict;
        int64_t hub = rows_integer(rows, 0, 0);
        (void) reterr_failure;
        verdict->rows++;
        if (hub != verifier->hub)
                begin_chain(verifier, hub);
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
        Hash expected = audit_hash(&verifier->hash, &entry);
        bool good = entry.position == verifier->position + 1 && text_equal(rows_text(rows, 0, 10), MAP_KEY(expected));
        if (!good && !verdict->broken) {
                verdict->broken = true;
                verdict->position = verifier->position + 1;
                snprintf(verdict->hub, sizeof(verdict->hub), "%.*s", TEXT_ARGUMENTS(entry.hub));
        }
        verifier->position = entry.position;
        verifier->hash = expected;
        return true;
}

bool audit_verify(Database *database, Uuid tenant_id, AuditVerdict *ret_verdict, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Verifier verifier = { .verdict = ret_verdict, .tenant_id = tenant_id, .hub = -1 };
        *ret_verdict = (AuditVerdict){ 0 };
        return transaction_begin(database, DATABASE_TENANT, tenant_id, &transaction, reterr_failure) &&
               transaction_stream(transaction, QUERY_AUDIT_ROWS, NO_VALUES, verify_row, &verifier, reterr_failure);
}
