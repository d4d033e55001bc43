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

static Text refused_key(const Refused *refused) {
        return (Text){ refused->key, refused->key_length };
}

static void refused_record(Core *core, const Refused *refused, int64_t count) {
        Json *facts = json_new_object();
        Text sender = { refused->key, refused->sender_length };

        json_put_text(facts, "agent", (Text){ refused->key + refused->sender_length + 1, refused->agent_length });
        json_put_string(facts, "reason", failure_form(refused->reason)->name);
        json_put_integer(facts, "count", count);
        core_audit(core, refused->tenant_id, "message.refused", sender, (Uuid){ 0 }, refused->agent_id, facts);
}

/* The sender, a NUL, which neither holds, the agent and the reason. */
static Refused *refused_new(const Refusal *refusal, Text sender, Text agent) {
        size_t length = sender.length + 1 + agent.length + 1;
        Refused *refused = memory_new(sizeof(*refused) + length);

        *refused = (Refused){ .tenant_id = refusal->tenant_id,
                              .agent_id = refusal->agent_id,
                              .reason = refusal->reason,
                              .sender_length = sender.length,
                              .agent_length = agent.length,
                              .key_length = length };
        if (sender.length)
                memcpy(refused->key, sender.bytes, sender.length);
        if (agent.length)
                memcpy(refused->key + sender.length + 1, agent.bytes, agent.length);
        refused->key[length - 1] = (char) refusal->reason;
        return refused;
}

static bool records_pile_up(const Core *core) {
        return core->auditing.count >= REFUSALS_CAPACITY;
}

void refusals_count(Core *core, const Refusal *refusal) {
        Refusals *refusals = core->refusals;
        Refused *refused = refused_new(refusal, refusal->sender, refusal->agent);
        Refused *known = map_get(refusals->counted, refused_key(refused));

        core_watch_refusal(core, refusal->tenant_id, refusal->agent_id, refusal->sender);
        if (!known && map_count(refusals->counted) >= REFUSALS_CAPACITY) {
                Refusal any = { .reason = refusal->reason };
                free(refused);
                refused = refused_new(&any, TEXT_NONE, TEXT_NONE);
                known = map_get(refusals->counted, refused_key(refused));
        }
        if (known) {
                known->count++;
                free(refused);
                return;
        }
        if (uuid_is_zero(refused->tenant_id))
                refused->tenant_id = directory_installation(core->directory);
        map_put(refusals->counted, refused_key(refused), refused);
        if (records_pile_up(core))
                refused->count = 1;
        else
                refused_record(core, refused, 1);
}

void refusals_sweep(Core *core) {
        Refused *refused;

        if (core->now.monotonic_us - core->refusals_swept_us < REFUSALS_WINDOW || records_pile_up(core))
                return;
        core->refusals_swept_us = core->now.monotonic_us;
        for (size_t i = 0; (refused = map_each(core->refusals->counted, &i));) {
                if (refused->count) {
                        refused_record(core, refused, refused->count);
                        refused->count = 0;
                        continue;
                }
                map_remove(core->refusals->counted, refused_key(refused));
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
