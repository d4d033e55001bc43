/* Events: what is put into the audit beside the conclusions that carry themselves, and what people are told of. */
#include "orchestrator/core_state.h"
#include "orchestrator/governance/events.h"

#include <assert.h>

#define AUDIT_CAPACITY 16384 /* waiting for a commit; what comes beyond is counted, and the count recorded */

/* What is more than usual in the audit is also in the log that the tenant's people read. */
static void core_log(Core *core, const AuditRecord *record, const char *sentence) {
        Command *command = core_command(core, COMMAND_LOG);

        command->log.tenant_id = record->tenant_id;
        command->log.agent_id = record->agent_id;
        command->log.level = text_equal(record->severity, TEXT("critical")) ? "error" : "warning";
        command->log.sentence = sentence;
        command->log.fields = record->facts;
}

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
        if (!text_equal(audit->record.severity, TEXT("info")))
                core_log(core, &audit->record, type->sentence);
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

/* Events of its turn were written with it. */
void core_log_conclusion(Core *core, const Message *message) {
        const ConcludedRecord *concluded = &message->concluded;
        bool failed = concluded->outcome == OUTCOME_ERROR || concluded->outcome == OUTCOME_REFUSED;
        AuditRecord record = { .tenant_id = concluded->tenant_id,
                               .agent_id = concluded->agent_id,
                               .severity = failed ? TEXT("critical") : TEXT("info") };
        char id[UUID_STRING_SIZE];

        for (size_t i = 0; i < message->event_count; i++) {
                const EventType *type = event_type_find(text_of(message->events[i].type));
                record.severity = text_of(message->events[i].severity);
                record.facts = message->events[i].facts.length ? message->events[i].facts : TEXT("{}");
                if (type && !text_equal(record.severity, TEXT("info")))
                        core_log(core, &record, type->sentence);
        }
        if (!failed)
                return;
        Arena *arena = arena_new(4096);
        Json *fields = json_new_object();
        uuid_format(concluded->id, id);
        json_put_string(fields, "execution", id);
        json_put_string(fields, "reason", failure_form(concluded->reason)->name);
        json_put_integer(fields, "attempt", concluded->attempt);
        if (json_canonical(fields, arena, &record.facts)) {
                record.severity = concluded->outcome == OUTCOME_ERROR ? TEXT("critical") : TEXT("warning");
                core_log(core, &record,
                         concluded->outcome == OUTCOME_ERROR ? "A message could not be answered."
                                                             : "A message was refused after it was accepted.");
        }
        json_free(fields);
        core_bury(core, arena);
}

static Observed observe(const Core *core, Uuid tenant_id, Uuid agent_id, const Sender *sender) {
        return (Observed){ .tenant_id = tenant_id,
                           .agent_id = agent_id,
                           .sender = sender->bare,
                           .domain = sender->domain,
                           .stranger = sender->kind == SENDER_STRANGER,
                           .local = meter_is_local(core->meter, sender->domain) };
}

void core_watch_refusal(Core *core, Uuid tenant_id, Uuid agent_id, Text bare) {
        Uuid watcher = uuid_is_zero(tenant_id) ? directory_installation(core->directory) : tenant_id;
        Alarm alarm;

        if (!core->commands || bare.length == 0)
                return;
        Jid from = jid_of_bare(bare);
        Sender sender = directory_sender(core->directory, &from);
        Observed observed = observe(core, watcher, agent_id, &sender);
        if (watch_refusal(core->watch, &observed, core->now.monotonic_us, &alarm))
                core_command(core, COMMAND_ALARM)->alarm = alarm;
}

void core_watch_message(Core *core, const Agent *agent, const Sender *sender) {
        Observed observed = observe(core, agent->tenant_id, agent->id, sender);
        Alarm alarm;

        if (watch_message(core->watch, &observed, core->now.monotonic_us, &alarm))
                core_command(core, COMMAND_ALARM)->alarm = alarm;
        if (watch_domain(core->watch, &observed, core->now.monotonic_us, &alarm))
                core_command(core, COMMAND_ALARM)->alarm = alarm;
}
