#include "component/seldom.h"

#include "base/crypto.h"

typedef struct Place {
        uint64_t key; /* hashed, with a secret that nobody outside knows */
        int64_t until_us;
} Place;

struct Seldom {
        uint8_t secret[SHORT_HASH_KEY_SIZE];
        int64_t interval_us;
        size_t count;
        Place places[];
};

Seldom *seldom_new(size_t places, int64_t interval_us) {
        Seldom *seldom = memory_new(sizeof(*seldom) + places * sizeof(Place));

        crypto_random(seldom->secret, sizeof(seldom->secret));
        seldom->interval_us = interval_us;
        seldom->count = places;
        return seldom;
}

bool seldom_now(Seldom *seldom, Text one, Text other, int64_t monotonic_us) {
        uint64_t hashes[] = { crypto_short_hash(seldom->secret, one), crypto_short_hash(seldom->secret, other) };
        uint64_t key = crypto_short_hash(seldom->secret, (Text){ (const char *) hashes, sizeof(hashes) });
        Place *place = &seldom->places[key % seldom->count];

        if (place->key == key && monotonic_us < place->until_us)
                return false;
        *place = (Place){ key, monotonic_us + seldom->interval_us };
        return true;
}

void seldom_free(Seldom *seldom) {
        free(seldom);
}
