#include "orchestrator/directory/policies.h"

#include "orchestrator/directory/directory.h"

typedef struct TenantPolicy {
        Uuid tenant_id;
        Hash hash;
        Gate *gate; /* NULL admits all */
} TenantPolicy;

void policies_open(Policies *policies) {
        policies->by_tenant = map_new(16);
}

static void tenant_policy_free(TenantPolicy *policy) {
        gate_free(policy->gate);
        free(policy);
}

void policies_close(Policies *policies) {
        TenantPolicy *policy;
        for (size_t i = 0; (policy = map_each(policies->by_tenant, &i));)
                tenant_policy_free(policy);
        map_free(policies->by_tenant);
}

void policies_apply(Policies *policies, const DirectoryChange *change) {
        TenantPolicy *policy = map_get(policies->by_tenant, MAP_KEY(change->tenant_id));

        if (!policy) {
                policy = memory_new(sizeof(*policy));
                policy->tenant_id = change->tenant_id;
                map_put(policies->by_tenant, MAP_KEY(policy->tenant_id), policy);
        }
        gate_free(policy->gate);
        policy->gate = gate_new(change->policy);
        memcpy(policy->hash.bytes, change->policy_hash, sizeof(policy->hash.bytes));
}

void policies_apply_agent(Agent *agent, const DirectoryChange *change) {
        gate_free(agent->gate);
        agent->gate = gate_new(change->policy);
        if (text_equal(text_of(agent->model), change->model))
                return;
        free(agent->model);
        agent->model = text_keep(change->model);
}

void policies_release_agent(Agent *agent) {
        gate_free(agent->gate);
        free(agent->model);
}

bool policies_admit(const Policies *policies, const Agent *agent, Text domain, int64_t wall_us, Failure *ret_refusal) {
        const TenantPolicy *tenant = map_get(policies->by_tenant, MAP_KEY(agent->tenant_id));
        const Zone *zone;

        if (!agent->gate && (!tenant || !tenant->gate))
                return true;
        if (!zone_find(text_of(directory_zone(agent->tenant)), &zone, NULL))
                zone = NULL;
        const GateQuestion question = {
                .agent = agent->name, .domain = domain, .model = text_of(agent->model), .zone = zone, .wall_us = wall_us
        };
        return gate_admits(tenant ? tenant->gate : NULL, &question, ret_refusal) &&
               gate_admits(agent->gate, &question, ret_refusal);
}

Hash policies_hash(const Policies *policies, Uuid tenant_id) {
        const TenantPolicy *tenant = map_get(policies->by_tenant, MAP_KEY(tenant_id));
        return tenant ? tenant->hash : (Hash){ { 0 } };
}
