#include "orchestrator/operations/worker.h"

static const Field show_input[] = {
        { "id", FIELD_TEXT, REQUIRED, "The worker's id.", .least = 1, .most = 200 },
        { .type = FIELD_END },
};

static bool show_worker(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Snapshot snapshot;
        Hub *hub = context->operations->hub;
        if (!hub->snapshot(hub, context->arena, &snapshot, reterr_failure))
                return false;
        for (size_t i = 0; i < snapshot.worker_count; i++)
                if (text_equal(text_of(snapshot.workers[i].id), input_text(input, "id"))) {
                        *ret_result = worker_json(&snapshot.workers[i]);
                        return true;
                }
        return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such worker");
}

const Operation worker_show = {
        .name = "worker-show",
        .summary = "Shows one worker of this hub.",
        .example = "local-1",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/workers/{id}",
        .input = show_input,
        .run = show_worker,
};
