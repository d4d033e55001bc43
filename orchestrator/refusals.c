#include "orchestrator/refusals.h"
#include "orchestrator/core_state.h"

#define REFUSALS_CAPACITY 4096
#define REFUSALS_WINDOW   (60 * SECONDS)

typedef struct Refused {
        int64_t count; /* since the last record */
        Uuid tenant_id, agent_id;
        FailureKind reason;
        size_t sender_length, agent_length;
        size_t key_length;
        char key[]; /* sender, agent, reason */
} Refused;

struct Refusals {
        Map *counted;
};

Refusals *refusals_new(void) {
        Refusals *refusals = memory_new(sizeof(*refusals));

        refusals->counted = map_new(64);
        return refusals;
}

static void refused_record(Core *core, const Refused *refused, int64_t count) {
        Json *facts = json_new_object();
        Text sender = { refused->key, refused->sender_length };

        json_put_text(facts, "agent", (Text){ refused->key + refused->sender_length, refused->agent_length });
        json_put_string(facts, "reason", failure_form(refused->reason)->name);
        json_put_integer(facts, "count", count);
        core_audit(core, refused->tenant_id, "message.refused", "warning", sender, (Uuid){ 0 }, refused->agent_id,
                   facts);
}

void refusals_count(Core *core, const Admission *admission, const Failure *refusal) {
        Refusals *refusals = core->refusals;
        Text sender = admission->arrival->from.bare, agent = admission->arrival->agent;

        if (map_count(refusals->counted) >= REFUSALS_CAPACITY)
                sender = agent = TEXT_NONE;
        size_t length = sender.length + agent.length + 1;
        Refused *refused = memory_new(sizeof(*refused) + length);
        *refused = (Refused){ .reason = refusal->kind,
                              .sender_length = sender.length,
                              .agent_length = agent.length,
                              .key_length = length };
        if (admission->agent) {
                refused->tenant_id = admission->agent->tenant_id;
                refused->agent_id = admission->agent->id;
        } else {
                refused->tenant_id = directory_installation(core->directory);
        }
        if (sender.length)
                memcpy(refused->key, sender.bytes, sender.length);
        if (agent.length)
                memcpy(refused->key + sender.length, agent.bytes, agent.length);
        refused->key[length - 1] = (char) refusal->kind;

        Refused *known = map_get(refusals->counted, (Text){ refused->key, length });
        if (known) {
                known->count++;
                free(refused);
                return;
        }
        map_put(refusals->counted, (Text){ refused->key, length }, refused);
        refused_record(core, refused, 1);
}

void refusals_sweep(Core *core) {
        Refused *refused;

        if (core->now.monotonic_us - core->refusals_swept_us < REFUSALS_WINDOW)
                return;
        core->refusals_swept_us = core->now.monotonic_us;
        for (size_t i = 0; (refused = map_each(core->refusals->counted, &i));) {
                if (refused->count) {
                        refused_record(core, refused, refused->count);
                        refused->count = 0;
                        continue;
                }
                map_remove(core->refusals->counted, (Text){ refused->key, refused->key_length });
                free(refused);
        }
}

void refusals_free(Refusals *refusals) {
        Refused *refused;
        for (size_t i = 0; (refused = map_each(refusals->counted, &i));)
                free(refused);
        map_free(refusals->counted);
        free(refusals);
}
