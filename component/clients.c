#include "component/clients.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

#define PLACES      4096
#define REMEMBER_US (3600 * SECONDS)
#define ASK_ID      "client-features"

typedef enum Answered { NOT_ANSWERED, CANNOT, CAN } Answered;

typedef struct Place {
        uint64_t key; /* hashed, with a secret that nobody outside knows; 0 = free */
        Answered answered;
        int64_t until_us;
} Place;

struct Clients {
        uint8_t secret[SHORT_HASH_KEY_SIZE];
        Place places[PLACES];
};

Clients *clients_new(void) {
        Clients *clients = memory_new(sizeof(*clients));

        crypto_random(clients->secret, sizeof(clients->secret));
        return clients;
}

static Place *place_of(Clients *clients, Text full, uint64_t *ret_key) {
        *ret_key = crypto_short_hash(clients->secret, full) | 1;
        return &clients->places[(*ret_key >> 1) % PLACES];
}

bool clients_show_corrections(Clients *clients, Text full, int64_t monotonic_us, bool *ret_ask) {
        uint64_t key;
        Place *place = place_of(clients, full, &key);

        *ret_ask = place->key != key || monotonic_us >= place->until_us;
        if (*ret_ask)
                *place = (Place){ key, NOT_ANSWERED, monotonic_us + REMEMBER_US };
        return place->answered == CAN;
}

void clients_ask(OutgoingList *list, Arena *arena, Text agent, Text full) {
        Element *iq = outgoing_add(list, arena, STANZA_IQ, TYPE_GET, TEXT(ASK_ID), agent, full);
        element_add(iq, TEXT("query"), TEXT(NS_DISCO_INFO));
}

static bool has_feature(const Element *query, Text feature) {
        for (const Element *child = query->children; child; child = child->next)
                if (element_is(child, TEXT("feature"), TEXT(NS_DISCO_INFO)) &&
                    text_equal(element_get(child, TEXT("var")), feature))
                        return true;
        return false;
}

/* Nobody is believed who was not asked. */
bool clients_take(Clients *clients, const Stanza *iq, int64_t monotonic_us) {
        uint64_t key;

        if (iq->kind != STANZA_IQ || (iq->type != TYPE_RESULT && iq->type != TYPE_ERROR) ||
            !text_equal(iq->id, TEXT(ASK_ID)))
                return false;
        Place *place = place_of(clients, iq->from.full, &key);
        if (place->key != key || place->answered != NOT_ANSWERED || monotonic_us >= place->until_us)
                return true;
        bool can = iq->type == TYPE_RESULT && iq->payload &&
                   element_is(iq->payload, TEXT("query"), TEXT(NS_DISCO_INFO)) &&
                   has_feature(iq->payload, TEXT(NS_CORRECTION));
        place->answered = can ? CAN : CANNOT;
        return true;
}

void clients_free(Clients *clients) {
        free(clients);
}
