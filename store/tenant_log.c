#include "store/tenant_log.h"

#include "store/columns.h"

enum { TENANT, ID, AT, LEVEL, SENTENCE, AGENT, FIELDS, COLUMNS };

bool tenant_log_write(Database *database, Text hub, const TenantLogLine *lines, size_t count, Failure *reterr_failure) {
        static const Oid types[COLUMNS] = {
                OID_UUID, OID_UUID, OID_TIMESTAMPTZ, OID_TEXT, OID_TEXT, OID_UUID, OID_TEXT
        };
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        Column columns[COLUMNS] = { 0 };
        for (int i = 0; i < COLUMNS; i++)
                column_start(&columns[i], types[i]);
        for (size_t i = 0; i < count; i++) {
                column_uuid(&columns[TENANT], lines[i].tenant_id);
                column_uuid(&columns[ID], lines[i].id);
                column_time(&columns[AT], lines[i].at_us);
                column_bytes(&columns[LEVEL], text_of(lines[i].level));
                column_bytes(&columns[SENTENCE], lines[i].sentence);
                column_uuid_or_null(&columns[AGENT], lines[i].agent_id);
                column_bytes(&columns[FIELDS], lines[i].fields);
        }
        bool done = transaction_begin(database, DATABASE_JOURNAL, (Uuid){ 0 }, &transaction, reterr_failure) &&
                    transaction_run(transaction, QUERY_TENANT_LOG_ADD,
                                    VALUES(value_text(hub), column_value(&columns[TENANT]), column_value(&columns[ID]),
                                           column_value(&columns[AT]), column_value(&columns[LEVEL]),
                                           column_value(&columns[SENTENCE]), column_value(&columns[AGENT]),
                                           column_value(&columns[FIELDS])),
                                    NULL, reterr_failure) &&
                    transaction_commit(transaction, reterr_failure);
        for (int i = 0; i < COLUMNS; i++)
                column_release(&columns[i]);
        return done;
}
