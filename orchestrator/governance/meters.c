#include "orchestrator/governance/meters.h"

#include "base/clock.h"
#include "base/map.h"

#include <pthread.h>

#define MINUTE_US     (60 * SECONDS)
#define ENTRIES_LIMIT 16384 /* then further people count as nobody in particular, and further tenants not at all */

typedef struct Place {
        Uuid tenant_id, person_id;
        int64_t minute_us;
} Place;

typedef struct Entry {
        Place place; /* the map borrows it */
        int64_t calls;
} Entry;

struct Meters {
        pthread_mutex_t lock;
        Map *counted;            /* of Place to Entry */
        pthread_mutex_t writing; /* of what follows: taken from the map, and not known to be written */
        UsageCall *calls;
        size_t count;
};

Meters *meters_new(void) {
        Meters *meters = memory_new(sizeof(*meters));

        pthread_mutex_init(&meters->lock, NULL);
        pthread_mutex_init(&meters->writing, NULL);
        meters->counted = map_new(64);
        return meters;
}

void meters_free(Meters *meters) {
        Entry *entry;

        if (!meters)
                return;
        for (size_t i = 0; (entry = map_each(meters->counted, &i));)
                free(entry);
        map_free(meters->counted);
        free(meters->calls);
        pthread_mutex_destroy(&meters->writing);
        pthread_mutex_destroy(&meters->lock);
        free(meters);
}

static Entry *entry_of(Meters *meters, Place place) {
        Entry *entry = map_get(meters->counted, MAP_KEY(place));

        if (!entry && map_count(meters->counted) < ENTRIES_LIMIT) {
                entry = memory_new(sizeof(*entry));
                entry->place = place;
                map_put(meters->counted, MAP_KEY(entry->place), entry);
        }
        return entry;
}

void meters_count_call(Meters *meters, Uuid tenant_id, Uuid person_id, int64_t wall_us) {
        Place place = { tenant_id, person_id, wall_us - wall_us % MINUTE_US };

        pthread_mutex_lock(&meters->lock);
        Entry *entry = entry_of(meters, place);
        if (!entry) {
                place.person_id = (Uuid){ { 0 } };
                entry = map_get(meters->counted, MAP_KEY(place));
        }
        if (entry)
                entry->calls++;
        pthread_mutex_unlock(&meters->lock);
}

/* With `writing` held. */
static void take_counted(Meters *meters) {
        static _Thread_local UuidGenerator generator;
        Entry *entry;

        pthread_mutex_lock(&meters->lock);
        Map *counted = meters->counted;
        if (map_count(counted) > 0)
                meters->counted = map_new(64);
        pthread_mutex_unlock(&meters->lock);
        if (map_count(counted) == 0)
                return;
        meters->calls = memory_resize(meters->calls, map_count(counted) * sizeof(*meters->calls));
        for (size_t i = 0; (entry = map_each(counted, &i));) {
                meters->calls[meters->count++] = (UsageCall){ .tenant_id = entry->place.tenant_id,
                                                              .id = uuid_make(&generator, clock_now().wall_us),
                                                              .person_id = entry->place.person_id,
                                                              .at_us = entry->place.minute_us,
                                                              .calls = entry->calls };
                free(entry);
        }
        map_free(counted);
}

bool meters_write(Meters *meters, Database *database, Failure *reterr_failure) {
        bool done = true;

        pthread_mutex_lock(&meters->writing);
        for (int pass = 0; done && pass < 2; pass++) { /* what was left over, then what is new */
                if (meters->count == 0)
                        take_counted(meters);
                done = meters->count == 0 || usage_add_calls(database, meters->calls, meters->count, reterr_failure);
                if (done)
                        meters->count = 0;
        }
        pthread_mutex_unlock(&meters->writing);
        return done;
}
