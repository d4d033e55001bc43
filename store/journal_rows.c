/* Records as rows: sealed, with persons as ids, in columns of one insert each; and sealed values of rows read back. */
#include "base/jid.h"
#include "store/journal_parts.h"

#include <endian.h>
#include <stdio.h>

Uuid key_of(const Hash *hash) {
        Uuid key;
        memcpy(key.bytes, hash->bytes, sizeof(key.bytes));
        return key;
}

int64_t content_of(const Hash *hash) {
        int64_t content;
        memcpy(&content, hash->bytes, sizeof(content));
        return content;
}

Text step_place(Uuid message_id, int32_t ordinal, StepPlace *room) {
        uint32_t number = htobe32((uint32_t) ordinal);
        memcpy(room->id, message_id.bytes, 16);
        memcpy(room->id + 16, &number, 4);
        return (Text){ (const char *) room->id, sizeof(room->id) };
}

static const Oid accepted_types[] = { OID_UUID,        OID_UUID,  OID_UUID,    OID_UUID,     OID_BIGINT,
                                      OID_TIMESTAMPTZ, OID_UUID,  OID_INTEGER, OID_SMALLINT, OID_TEXT,
                                      OID_BYTEA,       OID_BYTEA, OID_UUID,    OID_UUID,     OID_BIGINT,
                                      OID_SMALLINT,    OID_UUID,  OID_UUID,    OID_TEXT };
static const Oid concluded_types[] = { OID_UUID,     OID_UUID,     OID_UUID,     OID_BIGINT,   OID_TIMESTAMPTZ,
                                       OID_BIGINT,   OID_BIGINT,   OID_BIGINT,   OID_BIGINT,   OID_INTEGER,
                                       OID_INTEGER,  OID_INTEGER,  OID_INTEGER,  OID_SMALLINT, OID_SMALLINT,
                                       OID_SMALLINT, OID_SMALLINT, OID_SMALLINT, OID_SMALLINT, OID_BYTEA,
                                       OID_TEXT,     OID_TEXT,     OID_BYTEA,    OID_BYTEA,    OID_SMALLINT,
                                       OID_UUID,     OID_UUID,     OID_UUID,     OID_TEXT,     OID_BIGINT };
static const Oid step_types[] = { OID_UUID,     OID_INTEGER, OID_UUID,   OID_BIGINT, OID_SMALLINT,
                                  OID_SMALLINT, OID_BYTEA,   OID_BIGINT, OID_BIGINT };
static const Oid cancelled_types[] = { OID_UUID, OID_UUID, OID_UUID, OID_BIGINT };
static const Oid audit_types[] = { OID_UUID,        OID_UUID, OID_UUID, OID_UUID, OID_BIGINT,
                                   OID_TIMESTAMPTZ, OID_TEXT, OID_TEXT, OID_TEXT, OID_BYTEA };
static const Oid person_types[] = { OID_UUID, OID_UUID, OID_BYTEA, OID_SMALLINT, OID_SMALLINT };

static void start_table(Table *table, const Oid *types, size_t count) {
        table->rows = 0;
        for (size_t i = 0; i < count; i++)
                column_start(&table->columns[i], types[i]);
}

void rows_start(Journal *journal) {
        start_table(&journal->accepted, accepted_types, COUNT_OF(accepted_types));
        start_table(&journal->concluded, concluded_types, COUNT_OF(concluded_types));
        start_table(&journal->steps, step_types, COUNT_OF(step_types));
        start_table(&journal->cancelled, cancelled_types, COUNT_OF(cancelled_types));
        start_table(&journal->audit, audit_types, COUNT_OF(audit_types));
        start_table(&journal->persons, person_types, COUNT_OF(person_types));
}

void rows_add(Journal *journal, Query query, Table *table, size_t columns, bool with_hub) {
        Value values[COLUMN_LIMIT + 1] = { value_integer(journal->number) };
        if (table->rows == 0)
                return;
        for (size_t i = 0; i < columns; i++)
                values[with_hub + i] = column_value(&table->columns[i]);
        wire_add(journal->wire, query, values, columns + with_hub);
}

static bool seal(Journal *journal, Uuid tenant_id, const char *table, const char *column, Text id, Text plain,
                 Text *ret_sealed, int *ret_key_id, Failure *reterr_failure) {
        return keyring_seal(journal->keyring, tenant_id, (SealPlace){ table, column, id }, plain, journal->commit.seals,
                            ret_sealed, ret_key_id, reterr_failure);
}

static Uuid *known_place(Journal *journal, Uuid id) {
        return &journal->known_persons[(id.bytes[14] << 8 | id.bytes[15]) % PERSON_CACHE];
}

void journal_forget_person(Journal *journal, Uuid person_id) {
        Uuid *known = known_place(journal, person_id);
        if (uuid_equal(*known, person_id))
                *known = (Uuid){ { 0 } };
}

/* The person's id, and its row in this transaction when it is not known to be there. Who writes is named again after an
 * erasure; whom a conclusion or the audit names is not, for that is still about what was erased. */
static bool person_of(Journal *journal, Uuid tenant_id, Text jid, bool writes, Uuid *ret_person_id,
                      Failure *reterr_failure) {
        Uuid id;
        Text sealed;
        int key_id;
        *ret_person_id = (Uuid){ { 0 } };
        if (jid.length == 0)
                return true;
        if (!keyring_person(journal->keyring, tenant_id, jid, &id, reterr_failure))
                return false;
        *ret_person_id = id;
        Uuid *known = known_place(journal, id);
        if (uuid_equal(*known, id))
                return true;
        if (!seal(journal, tenant_id, "persons", "jid", MAP_KEY(id), jid, &sealed, &key_id, reterr_failure))
                return false;
        Column *columns = journal->persons.columns;
        column_uuid(&columns[0], tenant_id);
        column_uuid(&columns[1], id);
        column_bytes(&columns[2], sealed);
        column_smallint(&columns[3], key_id);
        column_smallint(&columns[4], writes);
        journal->persons.rows++;
        if (writes)
                *known = id;
        return true;
}

/* Sender and ReplyTo as one value: the door, then each text with its length (four bytes, highest first) before it. */
static bool pack_reply(const ReplyTo *reply, Text sender, Arena *arena, Text *ret_packed) {
        const Text texts[] = { sender, reply->agent, reply->address, reply->thread, reply->stanza_id };
        size_t size = 1;
        for (size_t i = 0; i < COUNT_OF(texts); i++)
                size += 4 + texts[i].length;
        char *packed = arena_take(arena, size), *place = packed;
        if (!packed)
                return false;
        *place++ = (char) reply->door;
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                uint32_t length = htobe32((uint32_t) texts[i].length);
                memcpy(place, &length, 4);
                if (texts[i].length > 0)
                        memcpy(place + 4, texts[i].bytes, texts[i].length);
                place += 4 + texts[i].length;
        }
        *ret_packed = (Text){ packed, size };
        return true;
}

static bool unpack_reply(Text packed, ReplyTo *ret_reply, Text *ret_sender) {
        Text *const texts[] = { ret_sender, &ret_reply->agent, &ret_reply->address, &ret_reply->thread,
                                &ret_reply->stanza_id };
        if (packed.length < 1 || (unsigned char) packed.bytes[0] >= DOOR_COUNT)
                return false;
        ret_reply->door = (Door) packed.bytes[0];
        packed = (Text){ packed.bytes + 1, packed.length - 1 };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                uint32_t length;
                if (packed.length < 4)
                        return false;
                memcpy(&length, packed.bytes, 4);
                length = be32toh(length);
                if (length > packed.length - 4)
                        return false;
                *texts[i] = (Text){ packed.bytes + 4, length };
                packed = (Text){ packed.bytes + 4 + length, packed.length - 4 - length };
        }
        return packed.length == 0;
}

bool rows_open(Journal *journal, Uuid tenant_id, const Rows *rows, size_t row, int column, int key_column,
               const char *table, const char *name, Text id, Text *ret_plain, Failure *reterr_failure) {
        *ret_plain = TEXT_NONE;
        if (rows_is_null(rows, row, column))
                return true;
        return keyring_unseal(journal->keyring, tenant_id, (int) rows_integer(rows, row, key_column),
                              (SealPlace){ table, name, id }, rows_text(rows, row, column), journal->report->arena,
                              ret_plain, reterr_failure);
}

bool rows_open_reply(Journal *journal, Uuid tenant_id, Uuid id, const Rows *rows, size_t row, int column,
                     int key_column, ReplyTo *ret_reply, Text *ret_sender, Failure *reterr_failure) {
        Text packed;
        *ret_reply = (ReplyTo){ 0 };
        *ret_sender = TEXT_NONE;
        if (!rows_open(journal, tenant_id, rows, row, column, key_column, "accepted", "reply_to", MAP_KEY(id), &packed,
                       reterr_failure))
                return false;
        return packed.length == 0 || unpack_reply(packed, ret_reply, ret_sender) ||
               failure_set(reterr_failure, FAILURE_INTERNAL, "where an answer goes does not read as we write it");
}

bool rows_accept(Journal *journal, const AcceptedRecord *record, Failure *reterr_failure) {
        Column *columns = journal->accepted.columns;
        Text packed, reply, body, id = MAP_KEY(record->id);
        Uuid person_id;
        int key_id;
        if (!person_of(journal, record->tenant_id, record->sender, true, &person_id, reterr_failure))
                return false;
        if (!pack_reply(&record->reply_to, record->sender, journal->commit.seals, &packed))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "where the answer goes is too long to be kept");
        if (!seal(journal, record->tenant_id, "accepted", "reply_to", id, packed, &reply, &key_id, reterr_failure) ||
            !seal(journal, record->tenant_id, "accepted", "body", id, record->body, &body, &key_id, reterr_failure))
                return false;
        column_uuid(&columns[0], record->id);
        column_uuid(&columns[1], record->tenant_id);
        column_uuid(&columns[2], record->agent_id);
        column_uuid(&columns[3], person_id);
        column_bigint(&columns[4], record->sequence);
        column_time(&columns[5], record->accepted_us);
        column_uuid_or_null(&columns[6], record->continues);
        column_integer(&columns[7], record->conversation);
        column_smallint(&columns[8], key_id);
        column_bytes(&columns[9], jid_domain(record->reply_to.agent));
        column_bytes(&columns[10], reply);
        column_bytes(&columns[11], body);
        for (int i = 0; i < 2; i++)
                if (i < record->key_count)
                        column_uuid(&columns[12 + i], key_of(&record->keys[i]));
                else
                        column_null(&columns[12 + i]);
        column_bigint(&columns[14], content_of(&record->content));
        column_smallint(&columns[15], record->command);
        column_uuid_or_null(&columns[16], record->account_id);
        column_uuid_or_null(&columns[17], record->grant_id);
        column_bytes_or_null(&columns[18], record->sender_domain);
        journal->accepted.rows++;
        return true;
}

static const char *const outcome_names[OUTCOME_COUNT] = { "pending", "success",   "error",
                                                          "refused", "cancelled", "parked" };

static void add_hash(TextBuilder *builder, const Hash *hash) {
        text_add_hex(builder, hash->bytes, sizeof(hash->bytes));
}

/* What the chain says about a conclusion. Members in the order of RFC 8785; nothing in it needs an escape. */
static void audit_conclusion(Journal *journal, const ConcludedRecord *record, Uuid person_id) {
        char bytes[512], version[UUID_STRING_SIZE];
        Hash none = { { 0 } };
        TextBuilder policy = text_builder(0);
        bool pinned = memcmp(&record->policy_hash, &none, sizeof(none)) != 0;
        uuid_format(record->version_id, version);
        if (pinned)
                add_hash(&policy, &record->policy_hash);
        int length = snprintf(bytes, sizeof(bytes),
                              "{\"attempt\":%d,\"completion_tokens\":%lld,\"cost_nano\":%lld,\"outcome\":\"%s\","
                              "\"policy\":\"%.*s\",\"prompt_tokens\":%lld,\"reason\":\"%s\",\"version\":\"%s\"}",
                              record->attempt, (long long) record->usage.completion_tokens,
                              (long long) record->usage.cost_nano, outcome_names[record->outcome],
                              TEXT_ARGUMENTS(text_built(&policy)), (long long) record->usage.prompt_tokens,
                              failure_form(record->reason)->name, uuid_is_zero(record->version_id) ? "" : version);
        text_builder_release(&policy);
        rows_audit_entry(journal, &(AuditEntry){ .tenant_id = record->tenant_id,
                                                 .message_id = record->id,
                                                 .agent_id = record->agent_id,
                                                 .person_id = person_id,
                                                 .at_us = record->concluded_us,
                                                 .type = TEXT("message.concluded"),
                                                 .severity = TEXT("info"),
                                                 .facts = { bytes, (size_t) length } });
}

bool rows_conclude(Journal *journal, const ConcludedRecord *record, Failure *reterr_failure) {
        Column *columns = journal->concluded.columns;
        Text answer = TEXT_NONE, explanation = TEXT_NONE, id = MAP_KEY(record->id);
        Hash none = { { 0 } };
        Uuid person_id;
        int key_id = 0;
        if (!person_of(journal, record->tenant_id, record->sender, false, &person_id, reterr_failure) ||
            (record->answer.length > 0 && !seal(journal, record->tenant_id, "concluded", "answer", id, record->answer,
                                                &answer, &key_id, reterr_failure)) ||
            (record->explanation.length > 0 && !seal(journal, record->tenant_id, "concluded", "explanation", id,
                                                     record->explanation, &explanation, &key_id, reterr_failure)))
                return false;
        column_uuid(&columns[0], record->id);
        column_uuid(&columns[1], record->tenant_id);
        column_uuid_or_null(&columns[2], record->version_id);
        column_bigint(&columns[3], record->sequence);
        column_time(&columns[4], record->concluded_us);
        column_bigint(&columns[5], record->usage.cost_nano);
        column_bigint(&columns[6], record->timings.queue_us);
        column_bigint(&columns[7], record->timings.model_us);
        column_bigint(&columns[8], record->timings.total_us);
        column_integer(&columns[9], record->timings.admission_us);
        column_integer(&columns[10], record->usage.prompt_tokens);
        column_integer(&columns[11], record->usage.completion_tokens);
        column_integer(&columns[12], record->usage.cached_tokens);
        column_smallint(&columns[13], record->usage.model_calls);
        column_smallint(&columns[14], record->usage.tool_calls);
        column_smallint(&columns[15], record->attempt);
        column_smallint(&columns[16], key_id);
        column_smallint(&columns[17], record->outcome);
        column_smallint(&columns[18], record->reason);
        column_bytes_or_null(&columns[19], memcmp(&record->policy_hash, &none, sizeof(none)) == 0
                                                   ? TEXT_NONE
                                                   : MAP_KEY(record->policy_hash));
        column_bytes_or_null(&columns[20], record->worker);
        column_bytes_or_null(&columns[21], record->tools);
        column_bytes_or_null(&columns[22], answer);
        column_bytes_or_null(&columns[23], explanation);
        column_smallint(&columns[24], record->streamed);
        column_uuid_or_null(&columns[25], record->agent_id);
        column_uuid_or_null(&columns[26], record->account_id);
        column_uuid_or_null(&columns[27], record->grant_id);
        column_bytes_or_null(&columns[28], record->sender_domain);
        column_bigint(&columns[29], record->usage.presumed_tokens);
        journal->concluded.rows++;
        audit_conclusion(journal, record, person_id);
        return true;
}

bool rows_step(Journal *journal, const StepRecord *record, Failure *reterr_failure) {
        Column *columns = journal->steps.columns;
        StepPlace room;
        Text payload = TEXT_NONE;
        int key_id = 0;
        if (record->payload.length > 0 && !seal(journal, record->tenant_id, "steps", "payload",
                                                step_place(record->message_id, record->ordinal, &room), record->payload,
                                                &payload, &key_id, reterr_failure))
                return false;
        column_uuid(&columns[0], record->message_id);
        column_integer(&columns[1], record->ordinal);
        column_uuid(&columns[2], record->tenant_id);
        column_bigint(&columns[3], record->sequence);
        column_smallint(&columns[4], key_id);
        column_smallint(&columns[5], record->kind);
        column_bytes_or_null(&columns[6], payload);
        column_bigint(&columns[7], record->spent.units[BUDGET_MONEY]);
        column_bigint(&columns[8], record->spent.units[BUDGET_TOKENS]);
        journal->steps.rows++;
        return true;
}

bool rows_cancel(Journal *journal, const CancelledRecord *record, Failure *reterr_failure) {
        Column *columns = journal->cancelled.columns;
        Uuid person_id;
        if (!person_of(journal, record->tenant_id, record->by, false, &person_id, reterr_failure))
                return false;
        column_uuid(&columns[0], record->message_id);
        column_uuid(&columns[1], record->tenant_id);
        column_uuid(&columns[2], person_id);
        column_bigint(&columns[3], record->sequence);
        journal->cancelled.rows++;
        return true;
}

bool rows_audit(Journal *journal, const AuditRecord *record, Failure *reterr_failure) {
        Uuid person_id;
        if (!person_of(journal, record->tenant_id, record->person, false, &person_id, reterr_failure))
                return false;
        rows_audit_entry(journal, &(AuditEntry){ .tenant_id = record->tenant_id,
                                                 .message_id = record->message_id,
                                                 .agent_id = record->agent_id,
                                                 .person_id = person_id,
                                                 .at_us = record->at_us,
                                                 .type = record->type,
                                                 .severity = record->severity,
                                                 .facts = record->facts.length > 0 ? record->facts : TEXT("{}") });
        return true;
}

/* The head of the entry's tenant is known: commit_try() sees to it. */
void rows_audit_entry(Journal *journal, AuditEntry *entry) {
        Column *columns = journal->audit.columns;
        Head *head = chain_head(journal, entry->tenant_id);
        entry->hub = text_of(journal->hub);
        entry->position = head->tried_position + 1;
        head->tried_hash = audit_hash(&head->tried_hash, entry);
        head->tried_position = entry->position;
        chain_touch(journal, head);
        column_uuid(&columns[0], entry->tenant_id);
        column_uuid_or_null(&columns[1], entry->message_id);
        column_uuid_or_null(&columns[2], entry->agent_id);
        column_uuid_or_null(&columns[3], entry->person_id);
        column_bigint(&columns[4], entry->position);
        column_time(&columns[5], entry->at_us);
        column_bytes(&columns[6], entry->type);
        column_bytes(&columns[7], entry->severity);
        column_bytes(&columns[8], entry->facts);
        column_bytes(&columns[9], MAP_KEY(head->tried_hash));
        journal->audit.rows++;
}
