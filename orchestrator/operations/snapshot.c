#include "orchestrator/operations/snapshot.h"

#include <assert.h>

const char *link_state_name(LinkState state) {
        static const char *const names[] = { "down", "connecting", "up" };
        assert(state >= 0 && state < LINK_STATE_COUNT);
        return names[state];
}

const char *worker_health_name(WorkerHealth health) {
        static const char *const names[] = { "healthy", "degraded", "unavailable" };
        assert(health >= 0 && health < WORKER_HEALTH_COUNT);
        return names[health];
}

const char *journal_state_name(JournalState state) {
        static const char *const names[] = { "ready", "away", "full", "fenced" };
        assert(state >= 0 && state < JOURNAL_STATE_COUNT);
        return names[state];
}
