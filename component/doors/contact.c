#include "component/doors/contact.h"

#include "component/doors/contact_disco.h"
#include "component/doors/message.h"
#include "component/doors/picture.h"

void contact_add_presence(OutgoingList *list, Arena *arena, Text agent, Text to, const ContactView *view) {
        Element *presence = outgoing_add(list, arena, STANZA_PRESENCE, TYPE_AVAILABLE, TEXT_NONE,
                                         view->hub ? agent : agent_full(arena, agent), to);
        if (!view->hub && !view->active)
                element_add_text(presence, TEXT("show"), TEXT_NONE, TEXT("away"));
        else if (!view->hub && view->busy)
                element_add_text(presence, TEXT("show"), TEXT_NONE, TEXT("dnd"));
        if (view->status.length > 0)
                element_add_text(presence, TEXT("status"), TEXT_NONE, view->status);
        caps_set(presence, contact_caps_version(arena, view));
        vcard_set_photo(presence, picture_hash(arena, picture_of(arena, agent).bytes));
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

static void answer_ping(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        (void) view;
        outgoing_add_result(list, arena, iq);
}

static void answer_version(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        (void) view;
        software_version_add(outgoing_add_result(list, arena, iq), TEXT("AIOX"), TEXT(AIOX_VERSION));
}

static void answer_time(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        entity_time_add(outgoing_add_result(list, arena, iq), view->wall_us);
}

static void answer_last(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        last_activity_add(outgoing_add_result(list, arena, iq), view->idle_seconds);
}

static Card card_of(Arena *arena, const Stanza *iq, const ContactView *view) {
        return (Card){ .jid = iq->to.bare,
                       .name = view->hub ? TEXT("AIOX") : view->name,
                       .note = view->note,
                       .picture = picture_of(arena, iq->to.bare) };
}

static void answer_vcard(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        Card card = card_of(arena, iq, view);
        vcard_add(outgoing_add_result(list, arena, iq), &card);
}

/* What an agent's account publishes, each one item of a node of its own. */
static void answer_pubsub(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        Card card = card_of(arena, iq, view);
        Text node, item, hash = picture_hash(arena, card.picture.bytes);
        bool asked = pubsub_is_request(iq, &node, &item);
        bool vcard = asked && text_equal(node, TEXT(NODE_VCARD4));
        bool metadata = asked && text_equal(node, TEXT(NS_AVATAR_METADATA));
        bool data = asked && text_equal(node, TEXT(NS_AVATAR_DATA));
        Text id = metadata || data ? hash : TEXT("current");

        if (!asked || view->hub || iq->to.resource.length > 0)
                outgoing_add_unavailable(list, arena, iq);
        else if (!(vcard || metadata || data) || (item.length > 0 && !text_equal(item, id)))
                outgoing_add_error(list, arena, iq, FAILURE_NOT_FOUND, TEXT_NONE);
        else if (vcard)
                vcard4_add(pubsub_add_item(outgoing_add_result(list, arena, iq), node, id), &card);
        else if (metadata)
                avatar_add_metadata(pubsub_add_item(outgoing_add_result(list, arena, iq), node, id), &card.picture,
                                    hash);
        else
                avatar_add_data(pubsub_add_item(outgoing_add_result(list, arena, iq), node, id), &card.picture);
}

/* What is asked by get; everything else is offered by nobody. */
static const struct {
        const char *name, *space;
        void (*answer)(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view);
} answers[] = {
        { "query", NS_DISCO_INFO, contact_add_info },
        { "query", NS_DISCO_ITEMS, contact_add_items },
        { "ping", NS_PING, answer_ping },
        { "query", NS_VERSION, answer_version },
        { "time", NS_TIME, answer_time },
        { "query", NS_LAST_ACTIVITY, answer_last },
        { "vCard", NS_VCARD_TEMP, answer_vcard },
        { "pubsub", NS_PUBSUB, answer_pubsub },
};

/* A device of an agent that is not the one it speaks from is not there. */
static bool is_there(const Stanza *iq, const ContactView *view) {
        return view->seen && (view->hub || iq->to.resource.length == 0 || agent_is_full(&iq->to));
}

static void answer_iq(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        if (is_there(iq, view) && iq->type == TYPE_GET && iq->payload)
                for (size_t i = 0; i < COUNT_OF(answers); i++)
                        if (element_is(iq->payload, text_of(answers[i].name), text_of(answers[i].space))) {
                                answers[i].answer(list, arena, iq, view);
                                return;
                        }
        outgoing_add_unavailable(list, arena, iq);
}

void contact_add_answer(OutgoingList *list, Arena *arena, const Stanza *stanza, const ContactView *view) {
        if (stanza->kind == STANZA_PRESENCE)
                answer_presence(list, arena, stanza, view);
        else if (stanza->kind == STANZA_IQ)
                answer_iq(list, arena, stanza, view);
}
