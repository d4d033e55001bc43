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

/* Absent stays absent; false when the arena's limit is reached. */
static bool copy_string(Arena *arena, const char **string) {
        if (*string)
                *string = text_string(arena, text_of(*string));
        return *string != NULL;
}

static bool copy_rows(Arena *arena, const void *rows, size_t size, size_t count, void **ret_rows) {
        void *copies = arena_take_items(arena, size, count);

        if (!copies)
                return false;
        if (count)
                memcpy(copies, rows, size * count);
        *ret_rows = copies;
        return true;
}

#define COPY_ROWS(arena, copy, rows, count)                                                                            \
        copy_rows((arena), (copy)->rows, sizeof(*(copy)->rows), (copy)->count, (void **) &(copy)->rows)

bool snapshot_copy(const Snapshot *snapshot, Arena *arena, Snapshot *ret_copy) {
        bool ok;

        *ret_copy = *snapshot;
        ok = copy_string(arena, &ret_copy->hub) && copy_string(arena, &ret_copy->version) &&
             COPY_ROWS(arena, ret_copy, links, link_count) && COPY_ROWS(arena, ret_copy, workers, worker_count) &&
             COPY_ROWS(arena, ret_copy, turns, turn_count) && COPY_ROWS(arena, ret_copy, marks, mark_count);
        for (size_t i = 0; ok && i < ret_copy->link_count; i++)
                ok = copy_string(arena, &ret_copy->links[i].domain) &&
                     (!ret_copy->links[i].trouble || copy_string(arena, &ret_copy->links[i].trouble));
        for (size_t i = 0; ok && i < ret_copy->worker_count; i++)
                ok = copy_string(arena, &ret_copy->workers[i].id) && copy_string(arena, &ret_copy->workers[i].pool);
        for (size_t i = 0; ok && i < ret_copy->mark_count; i++)
                ok = copy_string(arena, &ret_copy->marks[i].domain);
        return ok;
}
