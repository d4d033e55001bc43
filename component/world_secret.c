/* A tenant's own provider in a worker's World: its endpoint and key, which are the version's. */
#include "base/json.h"
#include "base/log.h"
#include "component/inbox.h"
#include "component/world.h"
#include "orchestrator/operations/secret.h"

static void note_use(const WorldSettings *settings, const Version *version, Uuid secret_id) {
        _cleanup_(arena_freep) Arena *arena = arena_new(4096);
        _cleanup_(json_freep) Json *facts = json_new_object();
        char id[UUID_STRING_SIZE];
        AuditRecord record = { .tenant_id = version->tenant_id,
                               .type = TEXT("secret.used"),
                               .agent_id = version->agent_id };

        uuid_format(secret_id, id);
        json_put_string(facts, "secret", id);
        if (json_canonical(facts, arena, &record.facts))
                inbox_audit(settings->inbox, &record);
}

/* Whoever wrote to the agent does not hear what the tenant's secrets are called. */
static bool not_used(const Version *version, const Failure *failure, Failure *reterr_failure) {
        log_warning("the key of an agent's provider cannot be used", "tenant", LOG_UUID, &version->tenant_id, "agent",
                    LOG_UUID, &version->agent_id, "failure", LOG_STRING, failure->text);
        return failure_set(reterr_failure, failure->kind,
                           "The key of this agent's own provider cannot be used: its owner has to see to it.");
}

static bool take_key(const WorldSettings *settings, const Version *version, Arena *arena, Text *ret_key,
                     Failure *reterr_failure) {
        Failure failure;
        Uuid id;
        bool due;

        *ret_key = TEXT_NONE;
        if (version->provider_key.length == 0)
                return true;
        if (!secret_use(settings->database, settings->keyring, version->tenant_id, version->provider_key,
                        url_host(version->provider_url), arena, ret_key, &id, &due, &failure))
                return not_used(version, &failure, reterr_failure);
        if (due)
                note_use(settings, version, id);
        return true;
}

bool world_complete(WorkerWorld *world, const ModelRequest *request, Arena *arena, ModelReply *ret_reply,
                    Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *scratch = arena_new((size_t) 64 * 1024);
        ModelRequest own = *request;

        *ret_reply = (ModelReply){ 0 };
        if (!world->version)
                return model_complete(request, arena, ret_reply, reterr_failure);
        own.endpoint = world->version->provider_url;
        if (!take_key(world->settings, world->version, scratch, &own.key, reterr_failure))
                return false;
        bool done = model_complete(&own, arena, ret_reply, reterr_failure);
        crypto_wipe((void *) own.key.bytes, own.key.length);
        return done;
}
