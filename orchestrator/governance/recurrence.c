#include "orchestrator/governance/recurrence.h"

#include "base/clock.h"
#include "base/map.h"

#include <pthread.h>

#define PAUSE (60 * SECONDS)

typedef struct Entry {
        char *event;
        int64_t recorded_us, count; /* count: since it was recorded */
} Entry;

struct Recurrence {
        pthread_mutex_t lock;
        Map *entries; /* in order of first insertion: the first is the oldest */
        size_t capacity;
};

Recurrence *recurrence_new(size_t capacity) {
        Recurrence *recurrence = memory_new(sizeof(*recurrence));
        if (pthread_mutex_init(&recurrence->lock, NULL) != 0)
                abort();
        recurrence->entries = map_new(capacity);
        recurrence->capacity = capacity;
        return recurrence;
}

static void forget(Recurrence *recurrence, Entry *entry) {
        map_remove(recurrence->entries, text_of(entry->event));
        free(entry->event);
        free(entry);
}

static Entry *entry_add(Recurrence *recurrence, Text event) {
        if (map_count(recurrence->entries) == recurrence->capacity)
                forget(recurrence, map_each(recurrence->entries, &(size_t){ 0 }));
        Entry *entry = memory_new(sizeof(*entry));
        entry->event = memory_new(event.length + 1);
        memcpy(entry->event, event.bytes, event.length);
        map_put(recurrence->entries, text_of(entry->event), entry);
        return entry;
}

bool recurrence_count(Recurrence *recurrence, Text event, int64_t monotonic_us, int64_t *ret_count) {
        pthread_mutex_lock(&recurrence->lock);
        Entry *entry = map_get(recurrence->entries, event);
        bool now = !entry || monotonic_us - entry->recorded_us >= PAUSE;
        if (!entry)
                entry = entry_add(recurrence, event);
        entry->count++;
        *ret_count = entry->count;
        if (now) {
                entry->recorded_us = monotonic_us;
                entry->count = 0;
        }
        pthread_mutex_unlock(&recurrence->lock);
        return now;
}

void recurrence_free(Recurrence *recurrence) {
        if (!recurrence)
                return;
        Entry *entry;
        for (size_t i = 0; (entry = map_each(recurrence->entries, &i));) {
                free(entry->event);
                free(entry);
        }
        map_free(recurrence->entries);
        pthread_mutex_destroy(&recurrence->lock);
        free(recurrence);
}
