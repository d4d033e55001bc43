#include "orchestrator/governance/watch.h"

#include "base/clock.h"
#include "base/map.h"

#define CAPACITY        16384
#define HOUR_US         (3600 * SECONDS)
#define REFUSALS_ALARM  20             /* within about REFUSALS_FADE_US */
#define REFUSALS_FADE   (30 * SECONDS) /* after so long one refusal less counts */
#define VOLUME_LEAST    100            /* messages in an hour that are never unusual */
#define VOLUME_HISTORY  24             /* hours that must be known */
#define VOLUME_WEIGHT   (1.0 / 72)     /* of the newest hour: those of more than some days ago fade */
#define VOLUME_SIGMAS   6
#define FORGOTTEN_HOURS 336

/* One person with one tenant. */
typedef struct Watched {
        Uuid tenant_id;
        double refusals;
        int64_t refused_us;
        int64_t hour_us; /* when the hour under way began */
        int64_t count;   /* messages in it */
        double mean, variance;
        int64_t hours; /* known */
        int64_t seen_us;
        int64_t alarmed_us[ALARM_KINDS]; /* when it was last said; 0 = never */
        size_t key_length;
        char key[]; /* the tenant's id, then who */
} Watched;

struct Watch {
        Map *people, *domains;
        int64_t swept_us;
};

const char *alarm_name(AlarmKind kind) {
        static const char *const names[] = { "refusals", "volume", "domain" };
        return names[kind];
}

Watch *watch_new(void) {
        Watch *watch = memory_new(sizeof(*watch));
        watch->people = map_new(64);
        watch->domains = map_new(16);
        return watch;
}

static void forget_all(Map *map) {
        Watched *watched;
        for (size_t i = 0; (watched = map_each(map, &i));)
                free(watched);
        map_free(map);
}

void watch_free(Watch *watch) {
        forget_all(watch->people);
        forget_all(watch->domains);
        free(watch);
}

static void sweep(Watch *watch, int64_t now_us) {
        Watched *watched;
        if (now_us - watch->swept_us < 60 * SECONDS)
                return;
        watch->swept_us = now_us;
        for (size_t i = 0; (watched = map_each(watch->people, &i));) {
                /* Who has no history yet is worth less than who has. */
                int64_t patience_us = watched->hours < VOLUME_HISTORY ? 2 * HOUR_US : FORGOTTEN_HOURS * HOUR_US;
                if (now_us - watched->seen_us < patience_us)
                        continue;
                map_remove(watch->people, (Text){ watched->key, watched->key_length });
                free(watched);
        }
}

static Watched *watched_new(Uuid tenant_id, Text who) {
        size_t length = sizeof(tenant_id.bytes) + who.length;
        Watched *watched = memory_new(sizeof(*watched) + length);
        watched->tenant_id = tenant_id;
        watched->key_length = length;
        memcpy(watched->key, tenant_id.bytes, sizeof(tenant_id.bytes));
        if (who.length)
                memcpy(watched->key + sizeof(tenant_id.bytes), who.bytes, who.length);
        return watched;
}

/* NULL: there is no room. */
static Watched *find(Map *map, Uuid tenant_id, Text who) {
        Watched *made = watched_new(tenant_id, who), *known = map_get(map, (Text){ made->key, made->key_length });
        if (!known && map_count(map) < CAPACITY) {
                map_put(map, (Text){ made->key, made->key_length }, made);
                return made;
        }
        free(made);
        return known;
}

static Watched *person(Watch *watch, Uuid tenant_id, Text sender, int64_t now_us) {
        if (map_count(watch->people) >= CAPACITY)
                sweep(watch, now_us);
        Watched *watched = find(watch->people, tenant_id, sender);
        if (watched)
                watched->seen_us = now_us;
        return watched;
}

static bool may_alarm(Watched *watched, AlarmKind kind, int64_t now_us) {
        if (watched->alarmed_us[kind] != 0 && now_us - watched->alarmed_us[kind] < HOUR_US)
                return false;
        watched->alarmed_us[kind] = now_us;
        return true;
}

bool watch_refusal(Watch *watch, Uuid tenant_id, Uuid agent_id, Text sender, int64_t monotonic_us, Alarm *ret_alarm) {
        Watched *watched = person(watch, tenant_id, sender, monotonic_us);
        if (!watched)
                return false;
        double faded = (double) (monotonic_us - watched->refused_us) / REFUSALS_FADE;
        watched->refusals = faded < watched->refusals ? watched->refusals - faded + 1 : 1;
        watched->refused_us = monotonic_us;
        if (watched->refusals < REFUSALS_ALARM || !may_alarm(watched, ALARM_REFUSALS, monotonic_us))
                return false;
        *ret_alarm = (Alarm){ .kind = ALARM_REFUSALS,
                              .tenant_id = tenant_id,
                              .agent_id = agent_id,
                              .sender = sender,
                              .count = (int64_t) watched->refusals };
        return true;
}

static void hour_ends(Watched *watched, double count) {
        double apart = count - watched->mean;
        double weight = watched->hours < VOLUME_HISTORY ? 1.0 / (double) (watched->hours + 1) : VOLUME_WEIGHT;
        watched->mean += weight * apart;
        watched->variance = (1 - weight) * (watched->variance + weight * apart * apart);
        watched->hours++;
}

/* Hours in which nothing came count as well; beyond a fortnight there is nothing left to fade. */
static void hours_pass(Watched *watched, int64_t now_us) {
        if (watched->hour_us == 0)
                watched->hour_us = now_us;
        for (int passed = 0; now_us - watched->hour_us >= HOUR_US && passed < FORGOTTEN_HOURS; passed++) {
                hour_ends(watched, (double) watched->count);
                watched->count = 0;
                watched->hour_us += HOUR_US;
        }
        if (now_us - watched->hour_us >= HOUR_US)
                watched->hour_us = now_us;
}

static bool is_unusual(const Watched *watched) {
        double over = (double) watched->count - watched->mean;
        return watched->hours >= VOLUME_HISTORY && watched->count > VOLUME_LEAST && over > 2 * watched->mean &&
               over * over > VOLUME_SIGMAS * VOLUME_SIGMAS * watched->variance;
}

bool watch_message(Watch *watch, Uuid tenant_id, Uuid agent_id, Text sender, int64_t monotonic_us, Alarm *ret_alarm) {
        Watched *watched = person(watch, tenant_id, sender, monotonic_us);
        if (!watched)
                return false;
        hours_pass(watched, monotonic_us);
        watched->count++;
        if (!is_unusual(watched) || !may_alarm(watched, ALARM_VOLUME, monotonic_us))
                return false;
        *ret_alarm = (Alarm){ .kind = ALARM_VOLUME,
                              .tenant_id = tenant_id,
                              .agent_id = agent_id,
                              .sender = sender,
                              .count = watched->count,
                              .usual = (int64_t) watched->mean };
        return true;
}

bool watch_domain(Watch *watch, Uuid tenant_id, Uuid agent_id, Text domain, Alarm *ret_alarm) {
        size_t before = map_count(watch->domains);
        find(watch->domains, tenant_id, domain);
        if (map_count(watch->domains) == before)
                return false;
        *ret_alarm = (Alarm){
                .kind = ALARM_DOMAIN, .tenant_id = tenant_id, .agent_id = agent_id, .domain = domain, .count = 1
        };
        return true;
}
