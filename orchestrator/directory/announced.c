#include "orchestrator/directory/announced.h"

#include "base/crypto.h"

/* Readings come once a second: what is older was seen by one, or is of a row that is gone. */
#define MEMORY_US    (60 * SECONDS)
#define SWEEP_BEYOND 1024

typedef struct Announcement {
        Hash key;
        int64_t as_of_us;
} Announcement;

/* What tells a row from others of its kind. */
static Hash change_key(const DirectoryChange *change) {
        bool is_subscription = change->kind == DIRECTORY_SUBSCRIPTION;
        const Text parts[] = {
                MAP_KEY(change->kind),
                is_subscription ? MAP_KEY(change->agent_id) : MAP_KEY(change->id),
                change->kind == DIRECTORY_MEMBER ? MAP_KEY(change->tenant_id) : TEXT_NONE,
                is_subscription ? change->domain : TEXT_NONE,
                is_subscription ? change->name : TEXT_NONE,
        };
        return crypto_sha256_parts(parts, COUNT_OF(parts));
}

static void sweep(Map *announced, int64_t before_us) {
        Announcement *each;

        if (map_count(announced) <= SWEEP_BEYOND)
                return;
        for (size_t i = 0; (each = map_each(announced, &i));)
                if (each->as_of_us < before_us) {
                        map_remove(announced, MAP_KEY(each->key));
                        free(each);
                }
}

static void remember(Map *announced, const DirectoryChange *change, const Hash *key) {
        Announcement *announcement = memory_new(sizeof(*announcement));

        sweep(announced, change->as_of_us - MEMORY_US);
        *announcement = (Announcement){ *key, change->as_of_us };
        map_put(announced, MAP_KEY(announcement->key), announcement);
}

bool announced_admit(Map *announced, const DirectoryChange *change) {
        if (!change->announced && map_count(announced) == 0)
                return true;
        Hash key = change_key(change);
        Announcement *known = map_get(announced, MAP_KEY(key));
        if (known && change->as_of_us < known->as_of_us)
                return false;
        if (known)
                map_remove(announced, MAP_KEY(key));
        free(known);
        if (change->announced)
                remember(announced, change, &key);
        return true;
}

void announced_free(Map *announced) {
        Announcement *each;

        for (size_t i = 0; (each = map_each(announced, &i));)
                free(each);
        map_free(announced);
}
