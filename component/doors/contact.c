#include "component/doors/contact.h"

#include "component/doors/message.h"
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

static const char *const agent_features[] = { NS_CHAT_STATES, NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PING, NS_RECEIPTS };
static const char *const hub_features[] = { NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PING };

void contact_add_presence(OutgoingList *list, Arena *arena, Text agent, Text to, const ContactView *view) {
        Element *presence = outgoing_add(list, arena, STANZA_PRESENCE, TYPE_AVAILABLE, TEXT_NONE,
                                         view->hub ? agent : agent_full(arena, agent), to);
        if (!view->hub && !view->active)
                element_add_text(presence, TEXT("show"), TEXT_NONE, TEXT("away"));
        if (view->status.length > 0)
                element_add_text(presence, TEXT("status"), TEXT_NONE, view->status);
}

void contact_add_absence(OutgoingList *list, Arena *arena, Text agent, Text to) {
        outgoing_add(list, arena, STANZA_PRESENCE, TYPE_UNAVAILABLE, TEXT_NONE, agent_full(arena, agent), to);
}

/* Subscription stanzas go between bare JIDs, RFC 6121 §3.1. */
static void add_subscription(OutgoingList *list, Arena *arena, const Stanza *stanza, StanzaType type) {
        outgoing_add(list, arena, STANZA_PRESENCE, type, stanza->id, stanza->to.bare, stanza->from.bare);
}

static void answer_presence(OutgoingList *list, Arena *arena, const Stanza *stanza, const ContactView *view) {
        bool asks = stanza->type == TYPE_SUBSCRIBE || stanza->type == TYPE_PROBE;
        if (!view->seen) {
                if (asks)
                        add_subscription(list, arena, stanza, TYPE_UNSUBSCRIBED);
                return;
        }
        if (stanza->type == TYPE_SUBSCRIBE)
                add_subscription(list, arena, stanza, TYPE_SUBSCRIBED);
        if (asks)
                contact_add_presence(list, arena, stanza->to.bare, stanza->from.bare, view);
        else if (stanza->type == TYPE_UNSUBSCRIBE && !view->hub)
                contact_add_absence(list, arena, stanza->to.bare, stanza->from.bare);
}

static void answer_info(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        Element *result = outgoing_add_result(list, arena, iq);
        if (view->hub) {
                const DiscoIdentity hub = { "component", "generic", view->name };
                disco_add_info(result, TEXT_NONE, &hub, 1, hub_features, COUNT_OF(hub_features));
        } else {
                const DiscoIdentity agent[] = { { "account", "registered", TEXT_NONE },
                                                { "client", "bot", view->name } };
                disco_add_info(result, TEXT_NONE, agent, COUNT_OF(agent), agent_features, COUNT_OF(agent_features));
        }
}

static void answer_iq(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        bool knows_node = iq->payload && element_get(iq->payload, TEXT("node")).length == 0;
        if (!view->seen)
                outgoing_add_unavailable(list, arena, iq);
        else if (ping_is(iq))
                outgoing_add_result(list, arena, iq);
        else if ((disco_is_info(iq) || disco_is_items(iq)) && !knows_node)
                outgoing_add_error(list, arena, iq, FAILURE_NOT_FOUND, TEXT_NONE);
        else if (disco_is_info(iq))
                answer_info(list, arena, iq, view);
        else if (disco_is_items(iq))
                disco_add_items(outgoing_add_result(list, arena, iq), TEXT_NONE);
        else
                outgoing_add_unavailable(list, arena, iq);
}

void contact_add_answer(OutgoingList *list, Arena *arena, const Stanza *stanza, const ContactView *view) {
        if (stanza->kind == STANZA_PRESENCE)
                answer_presence(list, arena, stanza, view);
        else if (stanza->kind == STANZA_IQ)
                answer_iq(list, arena, stanza, view);
}
