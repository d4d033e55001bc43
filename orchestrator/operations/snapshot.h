/* What a running hub looks like at one moment, as plain data: links, workers, turns and journal, for `hub status`,
 * `worker list` and executions that still run. Not metrics and not the directory.
 *
 * Filled by the hub thread into the asker's arena, which owns every string and array.
 */
#pragma once

#include "base/uuid.h"

typedef enum LinkState { LINK_IS_DOWN, LINK_IS_CONNECTING, LINK_IS_UP, LINK_STATE_COUNT } LinkState;

typedef struct LinkSnapshot {
        const char *domain;
        LinkState state;
        int64_t since_us;    /* wall clock */
        const char *trouble; /* why it is down, as one sentence; NULL = none known */
} LinkSnapshot;

typedef enum WorkerHealth {
        WORKER_IS_HEALTHY,
        WORKER_IS_DEGRADED,
        WORKER_IS_UNAVAILABLE,
        WORKER_HEALTH_COUNT
} WorkerHealth;

typedef struct WorkerSnapshot {
        const char *id, *pool;
        WorkerHealth health;
        int32_t active;          /* turns it runs now */
        int64_t mean_latency_us; /* of its turns in the last minute; 0 = none */
        int64_t heartbeat_us;    /* wall clock */
        int64_t memory_bytes;
} WorkerSnapshot;

typedef struct TurnSnapshot {
        Uuid message_id, tenant_id, agent_id;
        int64_t since_us; /* wall clock */
        int32_t attempt;  /* > 0: taken up again */
} TurnSnapshot;

typedef enum JournalState {
        JOURNAL_IS_READY,
        JOURNAL_IS_AWAY,   /* the database does not answer */
        JOURNAL_IS_FULL,   /* disk full or read-only */
        JOURNAL_IS_FENCED, /* another hub has taken over */
        JOURNAL_STATE_COUNT,
} JournalState;

typedef struct MarkSnapshot {
        const char *domain;
        int64_t sequence; /* every answer up to it was taken by the server */
} MarkSnapshot;

typedef struct Snapshot {
        const char *hub, *version;
        int64_t started_us, now_us; /* wall clock */
        int64_t epoch;
        JournalState journal;
        const char *budgets; /* "open", "rebuilding", "away"; a literal */
        int64_t running;     /* turns */
        int64_t waiting_for_commit, waiting_bytes, waiting_in_lanes, waiting_for_link;
        int64_t waiting_for_budget; /* of those in lanes: which budgets hold up, or that these cannot be checked */
        bool draining;
        LinkSnapshot *links;
        WorkerSnapshot *workers;
        TurnSnapshot *turns; /* running */
        MarkSnapshot *marks;
        size_t link_count, worker_count, turn_count, mark_count;
} Snapshot;

/* All of it, in another arena; false when its limit is reached. */
bool snapshot_copy(const Snapshot *snapshot, Arena *arena, Snapshot *ret_copy) _must_check_;

const char *link_state_name(LinkState state);        /* "down", "connecting", "up" */
const char *worker_health_name(WorkerHealth health); /* "healthy", "degraded", "unavailable" */
const char *journal_state_name(JournalState state);  /* "ready", "away", "full", "fenced" */
