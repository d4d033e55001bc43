/* The World of a worker thread: what a turn sees of the database, the models and the hub, each call blocking the
 * thread. Versions are kept in memory by id, since they never change.
 *
 * world_settings is shared and constant; a WorkerWorld belongs to one thread.
 */
#pragma once

#include "base/queue.h"
#include "component/price_book.h"
#include "component/reload.h"
#include "orchestrator/governance/budgets.h"
#include "orchestrator/operations/call.h"
#include "orchestrator/world.h"
#include "store/database.h"
#include "store/keyring.h"

#include <pthread.h>

typedef struct Versions Versions;
typedef struct TenantPolicies TenantPolicies;

typedef struct WorldSettings {
        Database *database;
        Keyring *keyring;
        Versions *versions;
        PriceBook *prices;
        TenantPolicies *policies;
        Operations *operations;
        Reload *reload; /* of the settings in force, whose platform admins may more by chat */
        Queue *inbox;
        Budgets *budgets;
} WorldSettings;

/* Where the hub thread reaches a running turn. */
typedef struct TurnControl {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        uint64_t turn; /* that runs here; 0 = none */
        bool stopped, step_done;
        bool closed; /* the hub stops: steps fail at once */
        Failure step_failure;
} TurnControl;

typedef struct WorkerWorld {
        World world; /* first */
        const WorldSettings *settings;
        TurnControl *control;
        uint64_t turn;
        Version *version;            /* held for the turn */
        Version priced;              /* the same with the prices of its beginning */
        const Policy *tenant_policy; /* held, too; NULL = none */
        TextBuilder said;            /* of the answer, by the call of the model that runs */
        int64_t draft_us;            /* when it is shown next */
        int drafts;                  /* how often it was */
} WorkerWorld;

WorkerWorld worker_world(const WorldSettings *settings, TurnControl *control, uint64_t turn);
/* Gives back what the turn held. */
void worker_world_release(WorkerWorld *world);

/* world_budget.c */
bool world_reserve(World *world, const TurnInput *input, const CallBound *call, Reserved *ret_reserved,
                   Failure *reterr_failure);
bool world_sent(World *world, const TurnInput *input, CallKey key, Failure *reterr_failure);
void world_release(World *world, const TurnInput *input, CallKey key);
void world_settle(World *world, const TurnInput *input, int32_t ordinal, BudgetAmounts total);
bool world_presumed(World *world, const TurnInput *input, const CallBound *call, int32_t covered,
                    BudgetAmounts *ret_amounts, Failure *reterr_failure);
/* world_command.c */
bool world_operate(World *world, const TurnInput *input, Arena *arena, Text *ret_answer, Failure *reterr_failure);
/* The text of a message, read back as the tenant. */
bool world_read_body(const WorldSettings *settings, Transaction *transaction, const TurnInput *input, Arena *arena,
                     Text *ret_body, Failure *reterr_failure) _must_check_;
bool world_unseal_body(const WorldSettings *settings, Uuid tenant_id, Uuid id, int key_id, Text sealed, Arena *arena,
                       Text *ret_body, Failure *reterr_failure) _must_check_;

/* world_secret.c: a call of the model that the version names, at the version's own provider and with its key if it has
 * one. */
bool world_complete(WorkerWorld *world, const ModelRequest *request, Arena *arena, ModelReply *ret_reply,
                    Failure *reterr_failure) _must_check_;

/* world_policy.c: tenants' policies, kept in memory by their hash. */
TenantPolicies *tenant_policies_new(void);
void tenant_policies_free(TenantPolicies *policies);
/* The tenant's, as its hash says or as it is by now; held until it is released. */
bool world_hold_policy(const WorldSettings *settings, const TurnInput *input, const Policy **ret_policy,
                       Failure *reterr_failure) _must_check_;
void world_release_policy(const WorldSettings *settings, const Policy *policy);

Versions *versions_new(void);
void versions_free(Versions *versions);
