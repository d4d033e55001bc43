#include "orchestrator/operations/worker.h"

Json *worker_json(const WorkerSnapshot *worker) {
        Json *item = json_new_object();
        json_put_string(item, "id", worker->id);
        json_put_string(item, "pool", worker->pool);
        json_put_string(item, "status", worker_health_name(worker->health));
        json_put_integer(item, "active", worker->active);
        json_put(item, "mean_latency_ms", json_new_real((double) worker->mean_latency_us / 1000));
        json_put_time(item, "heartbeat", worker->heartbeat_us);
        json_put_integer(item, "memory_mb", worker->memory_bytes / (1024 * 1024));
        return item;
}

/* In order of id, after the one given. */
static bool list_workers(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Snapshot snapshot;
        Hub *hub = context->operations->hub;
        if (!hub->snapshot(hub, context->arena, &snapshot, reterr_failure))
                return false;
        Json *data = json_new_array();
        Text after = input_text(input, "after");
        int64_t left = input_integer(input, "limit");
        bool has_more = false;
        for (size_t i = 0; i < snapshot.worker_count; i++) {
                if (text_compare(text_of(snapshot.workers[i].id), after) <= 0)
                        continue;
                has_more = left-- <= 0;
                if (has_more)
                        break;
                json_append(data, worker_json(&snapshot.workers[i]));
        }
        *ret_result = json_new_object();
        json_put_boolean(*ret_result, "has_more", has_more);
        json_put_text_or_null(*ret_result, "after",
                              has_more ? json_to_text(json_member(json_item(data, json_count(data) - 1), "id"))
                                       : TEXT_NONE);
        json_put(*ret_result, "data", data);
        return true;
}

const Operation worker_list = {
        .name = "worker-list",
        .summary = "Lists the workers of this hub, which run the turns of all tenants, and how they are.",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/workers",
        .shared = list_fields,
        .columns = "id pool status active mean_latency_ms memory_mb heartbeat",
        .items = "workers",
        .run = list_workers,
};
