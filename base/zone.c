#include "base/zone.h"

#include "base/clock.h"
#include "base/map.h"

#include <glib.h>
#include <pthread.h>

#define NAME_MOST    64
#define WEEK_MINUTES 10080

struct Zone {
        GTimeZone *rules;
        char name[];
};

static struct {
        pthread_mutex_t lock;
        Map *zones; /* by name */
} known = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Also what GLib takes for a zone, and is none: a path, an offset, POSIX rules. */
static bool is_zone_name(Text name) {
        if (name.length == 0 || name.length > NAME_MOST || (name.bytes[0] | 0x20) < 'a' || (name.bytes[0] | 0x20) > 'z')
                return false;
        for (size_t i = 0; i < name.length; i++) {
                char c = name.bytes[i];
                bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
                if (!letter && c != '/' && c != '_' && c != '-' && c != '+')
                        return false;
        }
        return true;
}

static Zone *zone_load(Text name) {
        Zone *zone = memory_new(sizeof(*zone) + name.length + 1);

        memcpy(zone->name, name.bytes, name.length);
        zone->rules = g_time_zone_new_identifier(zone->name);
        if (zone->rules)
                return zone;
        free(zone);
        return NULL;
}

bool zone_find(Text name, const Zone **ret_zone, Failure *reterr_failure) {
        if (!is_zone_name(name))
                return failure_set(reterr_failure, FAILURE_INVALID, "a time zone has a name such as Europe/Berlin");
        pthread_mutex_lock(&known.lock);
        if (!known.zones)
                known.zones = map_new(16);
        Zone *zone = map_get(known.zones, name);
        if (!zone && (zone = zone_load(name)))
                map_put(known.zones, text_of(zone->name), zone);
        pthread_mutex_unlock(&known.lock);
        *ret_zone = zone;
        return zone ||
               failure_set(reterr_failure, FAILURE_INVALID, "there is no time zone '%.*s'", TEXT_ARGUMENTS(name));
}

void zone_prepare(Text name) {
        const Zone *zone;
        bool found = zone_find(name, &zone, NULL);
        (void) found;
}

const char *zone_name(const Zone *zone) {
        return zone ? zone->name : "UTC";
}

int64_t zone_offset(const Zone *zone, int64_t unix_seconds) {
        if (!zone)
                return 0;
        int interval = g_time_zone_find_interval(zone->rules, G_TIME_TYPE_UNIVERSAL, unix_seconds);
        return g_time_zone_get_offset(zone->rules, interval);
}

int zone_minute_of_week(const Zone *zone, int64_t wall_us) {
        int64_t seconds = wall_us / SECONDS;
        int64_t minutes = (seconds + zone_offset(zone, seconds)) / 60 +
                          INT64_C(3) * 1440; /* 1970 began on a Thursday */
        return (int) ((minutes % WEEK_MINUTES + WEEK_MINUTES) % WEEK_MINUTES);
}
