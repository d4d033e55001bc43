#include "orchestrator/directory/subscriptions.h"

#include "orchestrator/directory/directory.h"

#define KEY_LIMIT (sizeof(Uuid) + sizeof(uint16_t) + JID_LIMIT)

void subscriptions_open(Subscriptions *subscriptions) {
        subscriptions->by_key = map_new(16);
}

void subscriptions_close(Subscriptions *subscriptions) {
        Subscription *subscription;

        while ((subscription = subscriptions_take(subscriptions)))
                if (subscription->gone)
                        free(subscription);
        for (size_t i = 0; (subscription = map_each(subscriptions->by_key, &i));)
                free(subscription);
        map_free(subscriptions->by_key);
}

static Text key_of(char buffer[static KEY_LIMIT], const Agent *agent, uint16_t domain, Text who) {
        size_t length = who.length < JID_LIMIT ? who.length : JID_LIMIT;

        memcpy(buffer, agent->id.bytes, sizeof(Uuid));
        memcpy(buffer + sizeof(Uuid), &domain, sizeof(domain));
        if (length)
                memcpy(buffer + sizeof(Uuid) + sizeof(domain), who.bytes, length);
        return (Text){ buffer, sizeof(Uuid) + sizeof(domain) + length };
}

static Text key_in(const Subscription *subscription) {
        return (Text){ subscription->key, subscription->key_length };
}

Text subscription_who(const Subscription *subscription) {
        size_t before = sizeof(Uuid) + sizeof(uint16_t);

        return (Text){ subscription->key + before, subscription->key_length - before };
}

Subscription *subscriptions_find(const Subscriptions *subscriptions, const Agent *agent, uint16_t domain, Text who) {
        char buffer[KEY_LIMIT];

        return map_get(subscriptions->by_key, key_of(buffer, agent, domain, who));
}

/* Once is enough: who takes it looks at it as it is then. */
static void concern(Subscriptions *subscriptions, Subscription *subscription) {
        if (subscription->waits)
                return;
        subscription->waits = true;
        subscription->following = NULL;
        if (subscriptions->last)
                subscriptions->last->following = subscription;
        else
                subscriptions->first = subscription;
        subscriptions->last = subscription;
}

Subscription *subscriptions_take(Subscriptions *subscriptions) {
        Subscription *subscription = subscriptions->first;

        if (!subscription)
                return NULL;
        subscriptions->first = subscription->following;
        if (!subscriptions->first)
                subscriptions->last = NULL;
        subscription->following = NULL;
        subscription->waits = false;
        return subscription;
}

void subscriptions_put(Subscriptions *subscriptions, Agent *agent, uint16_t domain, Text who) {
        char buffer[KEY_LIMIT];
        Text key = key_of(buffer, agent, domain, who);

        if (map_get(subscriptions->by_key, key))
                return;
        Subscription *subscription = memory_new(sizeof(*subscription) + key.length);
        subscription->agent = agent;
        subscription->domain = domain;
        subscription->fresh = true;
        subscription->key_length = key.length;
        memcpy(subscription->key, key.bytes, key.length);
        subscription->next = agent->subscriptions;
        if (agent->subscriptions)
                agent->subscriptions->previous = subscription;
        agent->subscriptions = subscription;
        map_put(subscriptions->by_key, key_in(subscription), subscription);
        concern(subscriptions, subscription);
}

void subscriptions_drop(Subscriptions *subscriptions, const Agent *agent, uint16_t domain, Text who) {
        char buffer[KEY_LIMIT];
        Subscription *subscription = map_remove(subscriptions->by_key, key_of(buffer, agent, domain, who));

        if (!subscription)
                return;
        if (subscription->previous)
                subscription->previous->next = subscription->next;
        else
                subscription->agent->subscriptions = subscription->next;
        if (subscription->next)
                subscription->next->previous = subscription->previous;
        subscription->gone = true;
        concern(subscriptions, subscription);
}

void subscriptions_concern_agent(Subscriptions *subscriptions, const Agent *agent) {
        for (Subscription *subscription = agent->subscriptions; subscription; subscription = subscription->next)
                concern(subscriptions, subscription);
}

void subscriptions_concern(Subscriptions *subscriptions, const Tenant *tenant, Text who) {
        Subscription *subscription;

        for (size_t i = 0; (subscription = map_each(subscriptions->by_key, &i));)
                if ((!tenant || subscription->agent->tenant == tenant) &&
                    (who.length == 0 || text_equal(subscription_who(subscription), who)))
                        concern(subscriptions, subscription);
}
