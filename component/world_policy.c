/* Tenants' policies as turns use them: made once for each hash, since what has one hash is one policy. */
#include "component/world.h"

#include "base/map.h"
#include "orchestrator/turn.h"

#define POLICIES_KEPT 1024

typedef struct KeptPolicy {
        Policy *policy;
        int32_t holders;
} KeptPolicy;

struct TenantPolicies {
        pthread_mutex_t lock;
        Map *by_hash;
};

TenantPolicies *tenant_policies_new(void) {
        TenantPolicies *policies = memory_new(sizeof(*policies));

        pthread_mutex_init(&policies->lock, NULL);
        policies->by_hash = map_new(16);
        return policies;
}

static void kept_free(KeptPolicy *kept) {
        policy_free(kept->policy);
        free(kept);
}

void tenant_policies_free(TenantPolicies *policies) {
        KeptPolicy *kept;
        for (size_t i = 0; (kept = map_each(policies->by_hash, &i));)
                kept_free(kept);
        map_free(policies->by_hash);
        pthread_mutex_destroy(&policies->lock);
        free(policies);
}

static const Policy *hold(TenantPolicies *policies, const Hash *hash) {
        pthread_mutex_lock(&policies->lock);
        KeptPolicy *kept = map_get(policies->by_hash, MAP_KEY(*hash));
        if (kept)
                kept->holders++;
        pthread_mutex_unlock(&policies->lock);
        return kept ? kept->policy : NULL;
}

static void trim(TenantPolicies *policies) {
        KeptPolicy *kept;

        if (map_count(policies->by_hash) < POLICIES_KEPT)
                return;
        for (size_t i = 0; (kept = map_each(policies->by_hash, &i));)
                if (kept->holders == 0) {
                        map_remove(policies->by_hash, MAP_KEY(kept->policy->hash));
                        kept_free(kept);
                }
}

/* Two threads may have read the same one: the first stays. */
static const Policy *add(TenantPolicies *policies, Policy *policy) {
        pthread_mutex_lock(&policies->lock);
        KeptPolicy *kept = map_get(policies->by_hash, MAP_KEY(policy->hash));
        if (!kept) {
                trim(policies);
                kept = memory_new(sizeof(*kept));
                kept->policy = policy;
                map_put(policies->by_hash, MAP_KEY(policy->hash), kept);
        }
        kept->holders++;
        pthread_mutex_unlock(&policies->lock);
        if (kept->policy != policy)
                policy_free(policy);
        return kept->policy;
}

static bool policy_read(const WorldSettings *settings, Uuid tenant_id, Policy **ret_policy, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;

        if (!transaction_begin(settings->database, DATABASE_TENANT, tenant_id, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_TURN_POLICY, NO_VALUES, &rows, reterr_failure))
                return false;
        Text hash = rows_count(rows) ? rows_text(rows, 0, 1) : TEXT_NONE;
        if (hash.length != HASH_SIZE)
                return failure_set(reterr_failure, FAILURE_INTERNAL, "The tenant's policy is gone.");
        if (!policy_new(rows_text(rows, 0, 0), ret_policy, reterr_failure))
                return failure_prefix(reterr_failure, "the tenant's policy");
        memcpy((*ret_policy)->hash.bytes, hash.bytes, HASH_SIZE);
        return true;
}

bool world_hold_policy(const WorldSettings *settings, const TurnInput *input, const Policy **ret_policy,
                       Failure *reterr_failure) {
        static const Hash none;
        Policy *read;

        if (*ret_policy) /* recalled again */
                world_release_policy(settings, *ret_policy);
        *ret_policy = NULL;
        if (memcmp(&input->tenant_policy, &none, sizeof(none)) == 0)
                return true;
        *ret_policy = hold(settings->policies, &input->tenant_policy);
        if (*ret_policy)
                return true;
        if (!policy_read(settings, input->tenant_id, &read, reterr_failure))
                return false;
        *ret_policy = add(settings->policies, read);
        return true;
}

void world_release_policy(const WorldSettings *settings, const Policy *policy) {
        TenantPolicies *policies = settings->policies;

        pthread_mutex_lock(&policies->lock);
        KeptPolicy *kept = map_get(policies->by_hash, MAP_KEY(policy->hash));
        kept->holders--;
        pthread_mutex_unlock(&policies->lock);
}
