#include "orchestrator/operations/catalogue.h"
#include "orchestrator/operations/context.h"

static Json *links_json(const Snapshot *snapshot) {
        Json *links = json_new_array();
        for (size_t i = 0; i < snapshot->link_count; i++) {
                Json *link = json_new_object();
                json_put_string(link, "domain", snapshot->links[i].domain);
                json_put_string(link, "state", link_state_name(snapshot->links[i].state));
                json_put_time(link, "since", snapshot->links[i].since_us);
                json_put_string(link, "trouble", snapshot->links[i].trouble);
                json_append(links, link);
        }
        return links;
}

static Json *marks_json(const Snapshot *snapshot) {
        Json *marks = json_new_object();
        for (size_t i = 0; i < snapshot->mark_count; i++)
                json_put_integer(marks, snapshot->marks[i].domain, snapshot->marks[i].sequence);
        return marks;
}

static void put_counts(const Snapshot *snapshot, Json *result) {
        json_put_integer(result, "running", snapshot->running);
        json_put_integer(result, "waiting_in_lanes", snapshot->waiting_in_lanes);
        json_put_integer(result, "waiting_for_budget", snapshot->waiting_for_budget);
        json_put_integer(result, "waiting_for_commit", snapshot->waiting_for_commit);
        json_put_integer(result, "waiting_bytes", snapshot->waiting_bytes);
        json_put_integer(result, "waiting_for_link", snapshot->waiting_for_link);
        json_put_integer(result, "workers", (int64_t) snapshot->worker_count);
}

static bool show_hub(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input;
        Snapshot snapshot;
        Hub *hub = context->operations->hub;
        if (!hub->snapshot(hub, context->arena, &snapshot, reterr_failure))
                return false;
        Json *result = *ret_result = json_new_object();
        json_put_string(result, "hub", snapshot.hub);
        json_put_string(result, "version", snapshot.version);
        json_put_time(result, "started_at", snapshot.started_us);
        json_put_integer(result, "uptime_seconds", (snapshot.now_us - snapshot.started_us) / SECONDS);
        json_put_integer(result, "epoch", snapshot.epoch);
        json_put_string(result, "journal", journal_state_name(snapshot.journal));
        json_put_string(result, "budgets", snapshot.budgets);
        json_put_boolean(result, "draining", snapshot.draining);
        json_put_string(result, "audit_key", hub->audit_key);
        json_put(result, "links", links_json(&snapshot));
        put_counts(&snapshot, result);
        json_put(result, "delivered_marks", marks_json(&snapshot));
        return true;
}

const Operation hub_status = {
        .name = "hub-status",
        .summary = "Shows the hub: its links, its journal, and what runs and waits.",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/hub",
        .run = show_hub,
};
