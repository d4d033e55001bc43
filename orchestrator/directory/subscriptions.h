/* Who is subscribed to which agent's presence, at which of our domains: the directory's part for it. A copy of rows,
 * like the rest of the directory; what a subscriber is told, and when, is decided elsewhere (component/roster.h), which
 * finds here whom a change concerns. Whether a subscriber may still see the agent is for directory_agent() to say.
 *
 * Belongs to the hub thread; never blocks.
 */
#pragma once

#include "base/map.h"
#include "base/uuid.h"

typedef struct Agent Agent;
typedef struct Tenant Tenant;

typedef struct Subscription {
        Agent *agent;
        struct Subscription *next, *previous; /* of the agent */
        struct Subscription *following;       /* in the queue where it waits */
        uint32_t shown;                       /* kept by the roster: what the subscriber was last told; 0 = nothing */
        uint16_t domain;                      /* which of ours, from 0 */
        bool waits;                           /* it is in a queue, here or in the roster */
        bool fresh;                           /* it was made since somebody looked last */
        bool gone;                            /* its row was removed: whoever takes it from its queue frees it */
        size_t key_length;
        char key[]; /* the agent's id, the domain, and who it is: a bare JID */
} Subscription;

typedef struct Subscriptions {
        Map *by_key;
        Subscription *first, *last; /* concerned by a change */
} Subscriptions;

void subscriptions_open(Subscriptions *subscriptions);
void subscriptions_close(Subscriptions *subscriptions);

Text subscription_who(const Subscription *subscription);
/* NULL when there is none. */
Subscription *subscriptions_find(const Subscriptions *subscriptions, const Agent *agent, uint16_t domain, Text who);
/* A row came: makes the subscription, if it is not there. */
void subscriptions_put(Subscriptions *subscriptions, Agent *agent, uint16_t domain, Text who);
/* A row went. */
void subscriptions_drop(Subscriptions *subscriptions, const Agent *agent, uint16_t domain, Text who);

/* Something changed that concerns all of an agent's; or all of this tenant and this person, where NULL and TEXT_NONE
 * are any. */
void subscriptions_concern_agent(Subscriptions *subscriptions, const Agent *agent);
void subscriptions_concern(Subscriptions *subscriptions, const Tenant *tenant, Text who);
/* The next one that a change concerned, in the order of the changes; NULL at the end. Whoever takes one that is gone
 * frees it in the end. */
Subscription *subscriptions_take(Subscriptions *subscriptions);
