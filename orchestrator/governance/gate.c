#include "orchestrator/governance/gate.h"

#include "base/json.h"
#include "orchestrator/governance/hours.h"

struct Gate {
        Arena *arena; /* holds the gate */
        bool shut;
        Text *domains, *models;
        size_t domain_count, model_count;
        Text hours_text;
        Hours *hours; /* NULL = always */
};

typedef struct Document {
        JsonList sender_domains, allowed_models;
        Text hours;
} Document;

static const JsonField document_fields[] = {
        { "sender_domains", BIND_ARRAY, offsetof(Document, sender_domains), .item_size = sizeof(Text) },
        { "allowed_models", BIND_ARRAY, offsetof(Document, allowed_models), .item_size = sizeof(Text) },
        { "hours", BIND_TEXT, offsetof(Document, hours) },
        { .bind = BIND_REST },
};

static bool gate_read(Gate *gate, Text policy) {
        _cleanup_(json_freep) Json *json = NULL;
        Document document = { 0 };

        if (!json_parse(policy, 0, &json, NULL) || !json_bind(json, document_fields, gate->arena, &document, NULL))
                return false;
        gate->domains = document.sender_domains.items;
        gate->domain_count = document.sender_domains.count;
        gate->models = document.allowed_models.items;
        gate->model_count = document.allowed_models.count;
        gate->hours_text = document.hours;
        if (document.hours.length == 0)
                return true;
        gate->hours = arena_take(gate->arena, sizeof(*gate->hours));
        return gate->hours && hours_parse(document.hours, gate->hours, NULL);
}

Gate *gate_new(Text policy) {
        if (policy.length == 0)
                return NULL;
        Arena *arena = arena_new(policy.length * 4 + 4096);
        Gate *gate = arena_take(arena, sizeof(*gate));

        gate->arena = arena;
        gate->shut = !gate_read(gate, policy);
        if (gate->shut || gate->domain_count || gate->model_count || gate->hours)
                return gate;
        arena_free(arena);
        return NULL;
}

void gate_free(Gate *gate) {
        if (gate)
                arena_free(gate->arena);
}

/* "example.org", or "*.example.org" for all below it. */
static bool domain_matches(Text pattern, Text domain) {
        if (!text_starts_with(pattern, TEXT("*.")))
                return text_equal(pattern, domain);
        Text end = { pattern.bytes + 1, pattern.length - 1 };
        return domain.length > end.length &&
               memcmp(domain.bytes + domain.length - end.length, end.bytes, end.length) == 0;
}

static bool domains_allow(const Gate *gate, Text domain) {
        for (size_t i = 0; i < gate->domain_count; i++)
                if (domain_matches(gate->domains[i], domain))
                        return true;
        return gate->domain_count == 0;
}

bool models_allow(const Text *models, size_t count, Text model) {
        for (size_t i = 0; i < count; i++) {
                bool open = models[i].length && models[i].bytes[models[i].length - 1] == '*';
                if (open ? text_starts_with(model, (Text){ models[i].bytes, models[i].length - 1 })
                         : text_equal(model, models[i]))
                        return true;
        }
        return count == 0;
}

bool gate_admits(const Gate *gate, const GateQuestion *question, Failure *ret_refusal) {
        if (!gate)
                return true;
        if (gate->shut)
                return failure_set(ret_refusal, FAILURE_POLICY,
                                   "%s has a policy that this hub cannot read, and so answers nobody.",
                                   question->agent);
        if (!domains_allow(gate, question->domain))
                return failure_set(ret_refusal, FAILURE_POLICY, "%s does not answer people of %.*s.", question->agent,
                                   TEXT_ARGUMENTS(question->domain));
        if (gate->hours && !hours_are_open(gate->hours, zone_minute_of_week(question->zone, question->wall_us)))
                return failure_set(ret_refusal, FAILURE_POLICY, "%s answers at these hours only: %.*s (%s).",
                                   question->agent, TEXT_ARGUMENTS(gate->hours_text), zone_name(question->zone));
        if (!models_allow(gate->models, gate->model_count, question->model))
                return failure_set(ret_refusal, FAILURE_POLICY, "%s's model is not one of those that are allowed.",
                                   question->agent);
        return true;
}
