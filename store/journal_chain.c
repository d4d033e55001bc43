/* The audit chains of this hub: where each ends, in memory, read once a tenant, and believed only as long as the
 * connection lasts that moved it. */
#include "store/journal_parts.h"

Head *chain_head(Journal *journal, Uuid tenant_id) {
        return map_get(journal->heads, MAP_KEY(tenant_id));
}

void chain_read(Journal *journal, const Uuid *tenants, size_t count, Stage then, Moment now) {
        for (size_t i = 0; i < count; i++) {
                Head *head = memory_new(sizeof(Head));
                head->tenant_id = tenants[i];
                map_put(journal->heads, MAP_KEY(head->tenant_id), head);
        }
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_JOURNAL_HEADS,
                 VALUES(value_integer(journal->number), value_uuids(tenants, count)));
        wire_end(journal->wire, now);
        journal->stage = then;
}

/* A chain that has no row yet keeps its zeroes. The chain of an unknown transaction tells whether that was committed.
 */
void chain_took(Journal *journal) {
        const Rows *rows = wire_rows(journal->wire, 0);
        Unknown *unknown = &journal->unknown;
        for (size_t i = 0; i < rows_count(rows); i++) {
                Head *head = chain_head(journal, rows_uuid(rows, i, 0));
                Text hash = rows_text(rows, i, 2);
                if (!head || hash.length != sizeof(head->hash))
                        continue;
                head->position = head->tried_position = rows_integer(rows, i, 1);
                memcpy(&head->hash, hash.bytes, sizeof(head->hash));
                head->tried_hash = head->hash;
        }
        Head *told = unknown->there ? chain_head(journal, unknown->tenant_id) : NULL;
        if (told) {
                unknown->there = false;
                unknown->committed = memcmp(&told->hash, &unknown->hash, sizeof(told->hash)) == 0;
        }
}

void chain_touch(Journal *journal, Head *head) {
        if (head->touched)
                return;
        head->touched = true;
        if (journal->touched_count == journal->touched_capacity) {
                journal->touched_capacity = journal->touched_capacity > 0 ? 2 * journal->touched_capacity : 16;
                journal->touched = memory_resize(journal->touched, sizeof(Head *) * journal->touched_capacity);
        }
        journal->touched[journal->touched_count++] = head;
}

void chain_forget(Journal *journal) {
        for (size_t i = 0; i < journal->touched_count; i++) {
                Head *head = journal->touched[i];
                head->tried_position = head->position;
                head->tried_hash = head->hash;
                head->touched = false;
        }
        journal->touched_count = 0;
}

static void chain_moved(Journal *journal, const Head *head) {
        AuditHead *moved = map_get(journal->moved, MAP_KEY(head->tenant_id));
        if (!moved) {
                moved = memory_new(sizeof(AuditHead));
                moved->tenant_id = head->tenant_id;
                map_put(journal->moved, MAP_KEY(moved->tenant_id), moved);
        }
        moved->position = head->position;
        moved->hash = head->hash;
}

size_t journal_take_heads(Journal *journal, AuditHead **ret_heads) {
        size_t count = 0, most = map_count(journal->moved);
        AuditHead *moved;
        *ret_heads = NULL;
        if (most == 0)
                return 0;
        *ret_heads = memory_new(most * sizeof(AuditHead));
        for (size_t i = 0; (moved = map_each(journal->moved, &i));) {
                (*ret_heads)[count++] = *moved;
                map_remove(journal->moved, MAP_KEY(moved->tenant_id));
                free(moved);
        }
        return count;
}

void chain_committed(Journal *journal) {
        for (size_t i = 0; i < journal->touched_count; i++) {
                Head *head = journal->touched[i];
                head->position = head->tried_position;
                head->hash = head->tried_hash;
                head->touched = false;
                chain_moved(journal, head);
        }
        journal->touched_count = 0;
}

void chain_clear(Journal *journal) {
        Head *head;
        for (size_t i = 0; (head = map_each(journal->heads, &i));) {
                map_remove(journal->heads, MAP_KEY(head->tenant_id));
                free(head);
        }
        journal->touched_count = 0;
}

/* The heartbeat is done whatever becomes of the operations: they stay unchained, and are found by the next. */
static void operations_chained(Journal *journal, Moment now) {
        (void) now;
        if (!wire_error(journal->wire)->failed)
                chain_committed(journal);
        else
                chain_clear(journal);
        commit_release(journal);
        journal_finish(journal, STORE_DONE, NULL);
}

static void chain_now(Journal *journal, Moment now) {
        Column ids[2] = { 0 };
        chain_forget(journal);
        rows_start(journal);
        for (size_t i = 0; i < 2; i++)
                column_start(&ids[i], OID_UUID);
        for (size_t i = 0; i < journal->operation_count; i++) {
                Operation *operation = &journal->operations[i];
                rows_audit_entry(journal, &operation->entry);
                column_uuid(&ids[0], operation->entry.tenant_id);
                column_uuid(&ids[1], operation->id);
        }
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_JOURNAL_HOLD,
                 VALUES(value_integer(journal->number), value_integer(journal->epoch)));
        rows_add(journal, QUERY_JOURNAL_AUDIT, &journal->audit, 10, true);
        wire_add(journal->wire, QUERY_JOURNAL_CHAINED, VALUES(column_value(&ids[0]), column_value(&ids[1])));
        wire_end(journal->wire, now);
        column_release(&ids[0]);
        column_release(&ids[1]);
        journal->stage = operations_chained;
}

static void operations_heads_read(Journal *journal, Moment now);

/* Reads what heads are missing, then chains. */
static void chain_when_known(Journal *journal, Moment now) {
        Uuid tenants[64];
        size_t count = 0;
        for (size_t i = 0; journal->operations && i < journal->operation_count && count < COUNT_OF(tenants); i++) {
                Uuid tenant_id = journal->operations[i].entry.tenant_id;
                bool listed = chain_head(journal, tenant_id) != NULL;
                for (size_t k = 0; k < count && !listed; k++)
                        listed = uuid_equal(tenants[k], tenant_id);
                if (!listed)
                        tenants[count++] = tenant_id;
        }
        if (count > 0)
                chain_read(journal, tenants, count, operations_heads_read, now);
        else
                chain_now(journal, now);
}

static void operations_heads_read(Journal *journal, Moment now) {
        if (wire_error(journal->wire)->failed) {
                chain_clear(journal);
                journal_finish(journal, STORE_DONE, NULL);
                return;
        }
        chain_took(journal);
        chain_when_known(journal, now);
}

/* Of type "operation." and its name; what came of it is among the facts. */
static bool read_operation(Journal *journal, const Rows *rows, size_t row, Operation *operation) {
        Arena *arena = journal->report->arena;
        Text name = rows_text(rows, row, 2), parts[] = { TEXT("operation."), name };
        char *type = arena_take(arena, parts[0].length + name.length);
        if (!type)
                return false;
        memcpy(type, parts[0].bytes, parts[0].length);
        memcpy(type + parts[0].length, name.bytes, name.length);
        operation->id = rows_uuid(rows, row, 1);
        operation->entry = (AuditEntry){
                .tenant_id = rows_uuid(rows, row, 0),
                .message_id = operation->id,
                .person_id = rows_uuid(rows, row, 3),
                .agent_id = rows_uuid(rows, row, 4),
                .at_us = rows_time(rows, row, 7),
                .type = { type, parts[0].length + name.length },
                .severity = journal_copy(journal, rows_text(rows, row, 5)),
                .facts = journal_copy(journal, rows_text(rows, row, 6)),
        };
        return true;
}

void chain_operations(Journal *journal, const Rows *rows, Moment now) {
        size_t count = rows_count(rows);
        journal->operations = count > 0 ? arena_take_array(journal->report->arena, Operation, count) : NULL;
        journal->operation_count = 0;
        for (size_t i = 0; journal->operations && i < count; i++)
                journal->operation_count += read_operation(journal, rows, i, &journal->operations[i]);
        if (journal->operation_count == 0 || journal->operation_count < count)
                journal_finish(journal, STORE_DONE, NULL);
        else
                chain_when_known(journal, now);
}
