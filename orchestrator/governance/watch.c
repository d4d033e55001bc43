#include "orchestrator/governance/watch.h"

#include "base/clock.h"
#include "base/map.h"

#define CAPACITY    16384
#define HOUR_US     (3600 * SECONDS)
#define PATIENCE_US (2 * HOUR_US) /* where there is no room: for people who are not seen any more … */
#define IMPATIENCE_US                                                                                                  \
        (600 * SECONDS) /* … and for strangers and domains, of which there are as many as somebody likes */
#define SWEEP_US       (10 * SECONDS)
#define REFUSALS_ALARM 20             /* that have not faded */
#define REFUSALS_FADE  (30 * SECONDS) /* after so long one refusal less counts */
#define CROWD_ALARM    50             /* JIDs of a domain, which fade like refusals */
#define VOLUME_LEAST   100            /* messages in an hour that are never unusual */
#define VOLUME_DAYS    7              /* that must be known */
#define VOLUME_TIMES   3
#define VOLUME_SIGMAS  6
#define ALARMS_MOST    30 /* of a tenant, about strangers or foreign domains */
#define ALARMS_FADE    (120 * SECONDS)

/* One person or domain with one tenant. */
typedef struct Watched {
        double refusals; /* of a domain, JIDs */
        int64_t refused_us;
        int64_t crowd_us; /* when the domain was told of this JID; 0 = never */
        int64_t hour_us;  /* when the hour under way began */
        int64_t count;    /* messages in it */
        int64_t worth;    /* a look, at so many */
        int64_t seen_us;
        int64_t alarmed_us; /* 0 = never */
        size_t key_length;
        char key[]; /* the tenant's id, then who */
} Watched;

typedef struct Table {
        Map *map;
        int64_t patience_us, swept_us;
} Table;

struct Watch {
        Table people, strangers;
        Table crowds;  /* domains of strangers that were refused */
        Table domains; /* that wrote */
        Table said[2]; /* tenants, with the alarms that count as their refusals: about strangers, about domains */
};

enum { ABOUT_STRANGERS, ABOUT_DOMAINS };

const char *alarm_name(AlarmKind kind) {
        static const char *const names[ALARM_KINDS] = { "refusals", "domain-refusals", "volume", "domain" };
        return names[kind];
}

static void tables_of(Watch *watch, Table *ret_tables[static 6]) {
        Table *const tables[] = { &watch->people,  &watch->strangers, &watch->crowds,
                                  &watch->domains, &watch->said[0],   &watch->said[1] };
        memcpy(ret_tables, tables, sizeof(tables));
}

Watch *watch_new(void) {
        Watch *watch = memory_new(sizeof(*watch));
        Table *tables[6];

        tables_of(watch, tables);
        for (size_t i = 0; i < COUNT_OF(tables); i++)
                *tables[i] = (Table){ .map = map_new(16), .patience_us = IMPATIENCE_US };
        watch->people.patience_us = PATIENCE_US;
        return watch;
}

void watch_free(Watch *watch) {
        Table *tables[6];
        Watched *watched;

        tables_of(watch, tables);
        for (size_t i = 0; i < COUNT_OF(tables); i++) {
                for (size_t k = 0; (watched = map_each(tables[i]->map, &k));)
                        free(watched);
                map_free(tables[i]->map);
        }
        free(watch);
}

static void sweep(Table *table, int64_t now_us) {
        Watched *watched;

        if (now_us - table->swept_us < SWEEP_US)
                return;
        table->swept_us = now_us;
        for (size_t i = 0; (watched = map_each(table->map, &i));)
                if (now_us - watched->seen_us >= table->patience_us) {
                        map_remove(table->map, (Text){ watched->key, watched->key_length });
                        free(watched);
                }
}

static Watched *watched_new(Uuid tenant_id, Text who) {
        size_t length = sizeof(tenant_id.bytes) + who.length;
        Watched *watched = memory_new(sizeof(*watched) + length);

        watched->key_length = length;
        memcpy(watched->key, tenant_id.bytes, sizeof(tenant_id.bytes));
        if (who.length)
                memcpy(watched->key + sizeof(tenant_id.bytes), who.bytes, who.length);
        return watched;
}

/* NULL: there is no room. seen_us of one that is new is 0. */
static Watched *find(Table *table, Uuid tenant_id, Text who, int64_t now_us) {
        Watched *made = watched_new(tenant_id, who);
        Text key = { made->key, made->key_length };
        Watched *known = map_get(table->map, key);

        if (known) {
                free(made);
                return known;
        }
        if (map_count(table->map) >= CAPACITY)
                sweep(table, now_us);
        if (map_count(table->map) < CAPACITY) {
                map_put(table->map, key, made);
                return made;
        }
        free(made);
        return NULL;
}

static bool is_known(const Table *table, Uuid tenant_id, Text who) {
        Watched *made = watched_new(tenant_id, who);
        bool known = map_get(table->map, (Text){ made->key, made->key_length }) != NULL;

        free(made);
        return known;
}

static void fade(Watched *watched, int64_t pace_us, int64_t now_us) {
        double faded = (double) (now_us - watched->refused_us) / (double) pace_us;

        watched->refusals = faded < watched->refusals ? watched->refusals - faded : 0;
        watched->refused_us = now_us;
}

static bool was_said_lately(const Watched *watched, int64_t now_us) {
        return watched->alarmed_us != 0 && now_us - watched->alarmed_us < HOUR_US;
}

/* Whether the tenant may hear of one more: who makes up JIDs or domains makes no more than so many records. */
static bool may_say(Watch *watch, int about, Uuid tenant_id, int64_t now_us) {
        Watched *said = find(&watch->said[about], tenant_id, TEXT_NONE, now_us);

        if (!said)
                return false;
        fade(said, ALARMS_FADE, now_us);
        said->seen_us = now_us;
        if (said->refusals > ALARMS_MOST - 1)
                return false;
        said->refusals += 1;
        return true;
}

static bool crowd_refused(Watch *watch, Watched *crowd, const Observed *observed, Watched *stranger, int64_t now_us,
                          Alarm *ret_alarm) {
        crowd->seen_us = now_us;
        if (!stranger || (stranger->crowd_us != 0 && now_us - stranger->crowd_us < HOUR_US))
                return false;
        stranger->crowd_us = now_us;
        fade(crowd, REFUSALS_FADE, now_us);
        crowd->refusals += 1;
        if (crowd->refusals <= CROWD_ALARM - 1 || was_said_lately(crowd, now_us) ||
            !may_say(watch, ABOUT_DOMAINS, observed->tenant_id, now_us))
                return false;
        crowd->alarmed_us = now_us;
        *ret_alarm = (Alarm){ .kind = ALARM_CROWD,
                              .tenant_id = observed->tenant_id,
                              .agent_id = observed->agent_id,
                              .domain = observed->domain,
                              .count = (int64_t) (crowd->refusals + 0.5) };
        return true;
}

bool watch_refusal(Watch *watch, const Observed *observed, int64_t monotonic_us, Alarm *ret_alarm) {
        Table *table = observed->stranger ? &watch->strangers : &watch->people;
        Watched *watched = find(table, observed->tenant_id, observed->sender, monotonic_us), *crowd = NULL;

        if (observed->stranger && !observed->local)
                crowd = find(&watch->crowds, observed->tenant_id, observed->domain, monotonic_us);
        if (watched) {
                watched->seen_us = monotonic_us;
                fade(watched, REFUSALS_FADE, monotonic_us);
                watched->refusals += 1;
        }
        if (crowd && crowd_refused(watch, crowd, observed, watched, monotonic_us, ret_alarm))
                return true;
        if (!watched || watched->refusals <= REFUSALS_ALARM - 1 || was_said_lately(watched, monotonic_us) ||
            (crowd && was_said_lately(crowd, monotonic_us)) ||
            (observed->stranger && !may_say(watch, ABOUT_STRANGERS, observed->tenant_id, monotonic_us)))
                return false;
        watched->alarmed_us = monotonic_us;
        *ret_alarm = (Alarm){ .kind = ALARM_REFUSALS,
                              .tenant_id = observed->tenant_id,
                              .agent_id = observed->agent_id,
                              .sender = observed->sender,
                              .count = (int64_t) (watched->refusals + 0.5) };
        return true;
}

bool watch_message(Watch *watch, const Observed *observed, int64_t monotonic_us, Alarm *ret_alarm) {
        Table *table = observed->stranger ? &watch->strangers : &watch->people;
        Watched *watched = find(table, observed->tenant_id, observed->sender, monotonic_us);

        if (!watched)
                return false;
        watched->seen_us = monotonic_us;
        if (watched->count == 0 || monotonic_us - watched->hour_us >= HOUR_US) {
                watched->hour_us = monotonic_us;
                watched->count = 0;
                watched->worth = VOLUME_LEAST + 1;
        }
        if (++watched->count < watched->worth)
                return false;
        watched->worth = watched->count + watched->count / 4;
        *ret_alarm = (Alarm){ .kind = ALARM_VOLUME,
                              .tenant_id = observed->tenant_id,
                              .agent_id = observed->agent_id,
                              .sender = observed->sender,
                              .count = watched->count };
        return true;
}

/* One that cannot be said now is not remembered, and said later. */
bool watch_domain(Watch *watch, const Observed *observed, int64_t monotonic_us, Alarm *ret_alarm) {
        if (observed->local || (!is_known(&watch->domains, observed->tenant_id, observed->domain) &&
                                !may_say(watch, ABOUT_DOMAINS, observed->tenant_id, monotonic_us)))
                return false;
        Watched *domain = find(&watch->domains, observed->tenant_id, observed->domain, monotonic_us);
        if (!domain)
                return false;
        domain->seen_us = monotonic_us;
        if (domain->alarmed_us != 0)
                return false;
        domain->alarmed_us = monotonic_us;
        *ret_alarm = (Alarm){ .kind = ALARM_DOMAIN,
                              .tenant_id = observed->tenant_id,
                              .agent_id = observed->agent_id,
                              .domain = observed->domain,
                              .count = 1 };
        return true;
}

bool history_is_exceeded(const History *history, int64_t hour, int64_t *ret_today, int64_t *ret_usual) {
        double days = (double) history->days, mean = history->days > 0 ? history->sum / days : 0;
        double variance = history->days > 0 ? history->squares / days - mean * mean : 0;
        int64_t today = history->today > hour ? history->today : hour;
        double over = (double) today - mean;

        *ret_today = today;
        *ret_usual = (int64_t) (mean + 0.5);
        return history->days >= VOLUME_DAYS && today > VOLUME_LEAST && (double) today > VOLUME_TIMES * mean &&
               over * over > VOLUME_SIGMAS * VOLUME_SIGMAS * variance;
}
