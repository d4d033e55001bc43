#include "component/doors/contact_disco.h"

#include "component/doors/message.h"
#include "xmpp/extensions.h"

#include <pthread.h>
#include <stdio.h>

/* What one address says of itself; features in the order of their names. */
typedef struct Profile {
        DiscoIdentity identities[3];
        size_t identity_count;
        const char *features[24];
        size_t feature_count;
} Profile;

/* The account behind an agent: who it is, and what it publishes. */
static const Profile account = {
        .identities = { { "account", "registered", { 0 } }, { "client", "bot", { 0 } }, { "pubsub", "pep", { 0 } } },
        .identity_count = 3,
        .features = { NS_COMMANDS, NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PUBSUB, NS_PUBSUB_RETRIEVE, NS_LAST_ACTIVITY,
                      NS_VERSION, NS_VCARD4, NS_PING, NS_TIME, NS_VCARD_TEMP },
        .feature_count = 11,
};

/* Where an agent speaks from. The same for all of them, so that a client asks once for all: no name. */
static const Profile client = {
        .identities = { { "client", "bot", { "AIOX", 4 } } },
        .identity_count = 1,
        .features = { NS_CAPS,          NS_CHAT_STATES, NS_COMMANDS, NS_DISCO_INFO, NS_DISCO_ITEMS,
                      NS_LAST_ACTIVITY, NS_VERSION,     NS_MARKERS,  NS_ENCRYPTION, NS_FALLBACK,
                      NS_CORRECTION,    NS_RETRACTION,  NS_PING,     NS_REACTIONS,  NS_RECEIPTS,
                      NS_REPLIES,       NS_STANZA_IDS,  NS_STYLING,  NS_TIME,       NS_VCARD_TEMP },
        .feature_count = 20,
};

static const Profile hub = {
        .identities = { { "component", "generic", { "AIOX", 4 } } },
        .identity_count = 1,
        .features = { NS_CAPS, NS_COMMANDS, NS_DISCO_INFO, NS_DISCO_ITEMS, NS_RESULT_SETS, NS_LAST_ACTIVITY, NS_VERSION,
                      NS_PING, NS_TIME, NS_VCARD_TEMP },
        .feature_count = 10,
};

/* The same where the asker may register. */
static const Profile registering_hub = {
        .identities = { { "component", "generic", { "AIOX", 4 } } },
        .identity_count = 1,
        .features = { NS_CAPS, NS_COMMANDS, NS_DISCO_INFO, NS_DISCO_ITEMS, NS_RESULT_SETS, NS_LAST_ACTIVITY,
                      NS_REGISTER, NS_VERSION, NS_PING, NS_TIME, NS_VCARD_TEMP },
        .feature_count = 11,
};

static const Profile *profile_of_hub(const ContactView *view) {
        return view->registers ? &registering_hub : &hub;
}

static Element *add_profile(Element *result, Text node, const Profile *profile, const ContactView *view) {
        DiscoIdentity identities[COUNT_OF(profile->identities)];
        memcpy(identities, profile->identities, sizeof(identities));
        if (profile == &account)
                identities[1].name = view->name;
        Element *query = disco_add_info(result, node, identities, profile->identity_count, profile->features,
                                        profile->feature_count);
        if (view->hub)
                contact_addresses_add(query, view->addresses);
        return query;
}

static Text version_of(Arena *arena, const Profile *profile, const ContactView *view) {
        Element *scratch = element_new(arena, TEXT("iq"), TEXT(NS_COMPONENT));
        Element *query = scratch ? add_profile(scratch, TEXT_NONE, profile, view) : NULL;
        return !query || scratch->incomplete ? TEXT_NONE : caps_version(arena, query);
}

static pthread_once_t client_once = PTHREAD_ONCE_INIT;
static char client_version[32];

static void sum_up_client(void) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        const ContactView view = { .seen = true };
        snprintf(client_version, sizeof(client_version), "%.*s", TEXT_ARGUMENTS(version_of(arena, &client, &view)));
}

Text contact_caps_version(Arena *arena, const ContactView *view) {
        if (view->hub)
                return version_of(arena, profile_of_hub(view), view);
        pthread_once(&client_once, sum_up_client);
        return text_of(client_version);
}

void contact_add_info(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        const Profile *profile = view->hub ? profile_of_hub(view) : iq->to.resource.length > 0 ? &client : &account;
        Text node = element_get(iq->payload, TEXT("node"));
        if (node.length > 0 && (profile == &account || !caps_is_node(node, contact_caps_version(arena, view))))
                outgoing_add_error(list, arena, iq, FAILURE_NOT_FOUND, TEXT_NONE);
        else
                add_profile(outgoing_add_result(list, arena, iq), node, profile, view);
}

/* Pages of agents, in the order of their addresses, so that a page begins at the same place whatever came or went. */

typedef struct Page {
        ContactItem items[CONTACT_PAGE];
        size_t count, room;
        size_t total;        /* of all pages */
        size_t index, first; /* of the first item that is wanted; what stands before the page */
} Page;

static int compare_items(const ContactItem *a, const ContactItem *b) {
        return text_compare(a->local, b->local);
}

/* Keeps the `room` least items, or the greatest when backwards, sorted. */
static void page_offer(Page *page, const ContactItem *item, bool backwards) {
        size_t at = page->count;
        while (at > 0 && (compare_items(&page->items[at - 1], item) > 0) != backwards)
                at--;
        if (at == page->room)
                return;
        if (page->count < page->room)
                page->count++;
        memmove(&page->items[at + 1], &page->items[at], (page->count - at - 1) * sizeof(*item));
        page->items[at] = *item;
}

static void page_reverse(Page *page) {
        for (size_t i = 0; i < page->count / 2; i++) {
                ContactItem item = page->items[i];
                page->items[i] = page->items[page->count - 1 - i];
                page->items[page->count - 1 - i] = item;
        }
}

/* One walk over all agents for any page: there is no order to begin in the middle of. */
static void page_fill(Page *page, const ContactView *view, const ResultSet *set) {
        ContactItem item;
        size_t behind = 0;
        while (view->next_agent && view->next_agent(view->agents, &item)) {
                page->total++;
                if (set->after.length > 0 && text_compare(item.local, set->after) <= 0)
                        continue;
                if (set->before.length > 0 && text_compare(item.local, set->before) >= 0) {
                        behind++;
                        continue;
                }
                page->index++;
                page_offer(page, &item, set->backwards);
        }
        /* page->index counts what the page was chosen from. */
        page->first = set->backwards ? page->index - page->count : page->total - page->index - behind;
        if (set->backwards)
                page_reverse(page);
}

static FailureKind page_read(const Stanza *iq, ResultSet *ret_set, Page *ret_page) {
        *ret_page = (Page){ .room = CONTACT_PAGE };
        if (!result_sets_read(iq->payload, ret_set))
                return FAILURE_INVALID;
        if (ret_set->most >= 0 && ret_set->most < CONTACT_PAGE)
                ret_page->room = (size_t) ret_set->most;
        return ret_set->index >= 0 ? FAILURE_UNSUPPORTED : FAILURE_NONE;
}

static Text address_of(Arena *arena, Text local, Text domain) {
        char *address = arena_take(arena, local.length + 1 + domain.length);
        if (!address)
                return TEXT_NONE;
        memcpy(address, local.bytes, local.length);
        address[local.length] = '@';
        memcpy(address + local.length + 1, domain.bytes, domain.length);
        return (Text){ address, local.length + 1 + domain.length };
}

static void add_agents(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        ResultSet set;
        Page page;
        FailureKind failure = page_read(iq, &set, &page);
        if (failure != FAILURE_NONE) {
                outgoing_add_error(list, arena, iq, failure, TEXT_NONE);
                return;
        }
        page_fill(&page, view, &set);
        Element *query = disco_add_items(outgoing_add_result(list, arena, iq), TEXT_NONE);
        for (size_t i = 0; i < page.count; i++)
                disco_add_item(query, address_of(arena, page.items[i].local, iq->to.domain), TEXT_NONE,
                               page.items[i].name);
        if (set.wanted || page.count < page.total)
                result_sets_add(query, page.count > 0 ? page.items[0].local : TEXT_NONE, page.first,
                                page.count > 0 ? page.items[page.count - 1].local : TEXT_NONE, page.total);
}

void contact_add_items(OutgoingList *list, Arena *arena, const Stanza *iq, const ContactView *view) {
        if (element_get(iq->payload, TEXT("node")).length > 0)
                outgoing_add_error(list, arena, iq, FAILURE_NOT_FOUND, TEXT_NONE);
        else if (view->hub)
                add_agents(list, arena, iq, view);
        else
                disco_add_items(outgoing_add_result(list, arena, iq), TEXT_NONE);
}
