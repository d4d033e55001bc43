/* Policies: the directory's part for what tenants and agents declare about who may write to them and when. Each
 * tenant's gate, each agent's gate and model; an agent is asked through both gates. What else a policy holds is the
 * turn's, which finds the tenant's by the hash that stands here.
 *
 * Belongs to the hub thread; never blocks.
 */
#pragma once

#include "base/crypto.h"
#include "base/map.h"
#include "base/uuid.h"
#include "orchestrator/governance/gate.h"

typedef struct Agent Agent;
typedef struct DirectoryChange DirectoryChange;

typedef struct Policies {
        Map *by_tenant;
} Policies;

void policies_open(Policies *policies);
void policies_close(Policies *policies);

void policies_apply(Policies *policies, const DirectoryChange *change); /* DIRECTORY_POLICY */
void policies_apply_agent(Agent *agent, const DirectoryChange *change); /* DIRECTORY_AGENT */
void policies_release_agent(Agent *agent);

/* Whether agent and tenant let this domain's people write to it now; false, and a sentence for them. */
bool policies_admit(const Policies *policies, const Agent *agent, Text domain, int64_t wall_us,
                    Failure *ret_refusal) _must_check_;
/* Of the tenant's policy; zero when it has none. */
Hash policies_hash(const Policies *policies, Uuid tenant_id);
