/* Events: what is put into the audit beside the conclusions that carry themselves, and what people are told of. */
#include "orchestrator/core_state.h"
#include "orchestrator/governance/events.h"

#include <assert.h>

#define AUDIT_CAPACITY 16384 /* waiting for a commit; what comes beyond is counted, and the count recorded */

void core_audit_record(Core *core, const AuditRecord *record) {
        const EventType *type = event_type_find(record->type);

        assert(type);
        if (core->auditing.count >= AUDIT_CAPACITY) {
                core->audit_lost++;
                return;
        }
        Arena *arena = arena_new(16 * 1024);
        Audit *audit = arena_take(arena, sizeof(*audit));
        audit->arena = arena;
        audit->record = *record;
        audit->record.type = text_copy(arena, record->type);
        audit->record.severity = record->severity.length ? text_copy(arena, record->severity) : text_of(type->severity);
        audit->record.person = text_copy(arena, record->person);
        audit->record.facts = text_copy(arena, record->facts);
        if (!audit->record.facts.length)
                audit->record.facts = TEXT("{}"); /* none, or more than a record may say */
        if (!record->at_us)
                audit->record.at_us = core->now.wall_us;
        list_add(&core->auditing, audit);
}

void core_audit(Core *core, Uuid tenant_id, const char *type, Text person, Uuid message_id, Uuid agent_id,
                Json *facts) {
        _cleanup_(arena_freep) Arena *arena = arena_new(16 * 1024);
        AuditRecord record = { .tenant_id = tenant_id,
                               .type = text_of(type),
                               .person = person,
                               .message_id = message_id,
                               .agent_id = agent_id };

        if (!facts || !json_canonical(facts, arena, &record.facts))
                record.facts = TEXT_NONE;
        json_free(facts);
        core_audit_record(core, &record);
}

void core_audit_lost(Core *core) {
        if (core->audit_lost == 0 || core->auditing.count > AUDIT_CAPACITY / 2)
                return;
        Json *facts = json_new_object();
        json_put_integer(facts, "count", core->audit_lost);
        core->audit_lost = 0;
        core_audit(core, directory_installation(core->directory), "audit.lost", TEXT_NONE, (Uuid){ 0 }, (Uuid){ 0 },
                   facts);
}

void core_tell(Core *core, Text who, const char *kind, Text text) {
        Command *command = core_command(core, COMMAND_TELL);

        command->tell.who = who;
        command->tell.kind = text_of(kind);
        command->tell.text = text;
}
