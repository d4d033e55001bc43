#include "tests/unit/xmpp/wire.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "component/doors/contact_disco.h"
#include "component/doors/picture.h"

#include <stdio.h>

#define DISCO_INFO  "http://jabber.org/protocol/disco#info"
#define COMMANDS    "http://jabber.org/protocol/commands"
#define DISCO_ITEMS "http://jabber.org/protocol/disco#items"
#define PUBSUB      "http://jabber.org/protocol/pubsub"

static const ContactView absent = { .seen = false };
static const ContactView agent = { .seen = true,
                                   .active = true,
                                   .name = { "Guide", 5 },
                                   .note = { "Knows the way", 13 },
                                   .wall_us = 1600000000 * SECONDS,
                                   .idle_seconds = 42 };
static const ContactView sleeping = { .seen = true, .status = { "Paused", 6 } };
static const ContactView hub = { .seen = true, .hub = true, .idle_seconds = 7 };
static const char *const addresses[] = { "admin=mailto:root@home.example", "abuse=xmpp:abuse@home.example",
                                         "admin=xmpp:root@home.example", NULL };
static const ContactView reachable = { .seen = true, .hub = true, .addresses = addresses };

#define ADDRESSES                  " from='ann@home.example/phone' to='guide@agents.localhost'"
#define BACK                       " from='guide@agents.localhost' to='ann@home.example/phone'"
#define FULL                       " from='ann@home.example/phone' to='guide@agents.localhost/aiox'"
#define FULL_BACK                  " from='guide@agents.localhost/aiox' to='ann@home.example/phone'"
#define DEVICE                     " from='ann@home.example/phone' to='guide@agents.localhost/other'"
#define DEVICE_BACK                " from='guide@agents.localhost/other' to='ann@home.example/phone'"
#define HUB                        " from='ann@home.example/phone' to='agents.localhost'"
#define HUB_BACK                   " from='agents.localhost' to='ann@home.example/phone'"
#define BARE_BACK                  " from='guide@agents.localhost' to='ann@home.example'"
#define PRESENCE                   " from='guide@agents.localhost/aiox' to='ann@home.example'"
#define GET(addresses, payload)    "<iq type='get' id='1'" addresses ">" payload "</iq>"
#define SET(addresses, payload)    "<iq type='set' id='1'" addresses ">" payload "</iq>"
#define RESULT(addresses, payload) "<iq type='result' id='1'" addresses ">" payload "</iq>"
#define ERROR(addresses, type, condition)                                                                              \
        "<iq type='error' id='1'" addresses "><error type='" type "'><" condition                                      \
        " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
#define UNAVAILABLE          ERROR(BACK, "cancel", "service-unavailable")
#define NOT_FOUND            ERROR(BACK, "cancel", "item-not-found")
#define FEATURE(name)        "<feature var='" name "'/>"
#define ITEMS(node, content) "<pubsub xmlns='" PUBSUB "'><items node='" node "'>" content "</items></pubsub>"

/* What the presence of the agent carries beside its state; VER and PHOTO are put in by expected(). */
#define EXTRAS                                                                                                         \
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:aiox:0' ver='VER'/>"                        \
        "<x xmlns='vcard-temp:x:update'><photo>PHOTO</photo></x>"

static const struct {
        const char *stanza;
        const ContactView *view;
        const char *answer;
} contacts[] = {
        { GET(ADDRESSES, "<ping xmlns='urn:xmpp:ping'/>"), &agent, "<iq type='result' id='1'" BACK "/>" },
        { GET(FULL, "<ping xmlns='urn:xmpp:ping'/>"), &agent, "<iq type='result' id='1'" FULL_BACK "/>" },
        { GET(HUB, "<ping xmlns='urn:xmpp:ping'/>"), &hub, "<iq type='result' id='1'" HUB_BACK "/>" },
        { GET(DEVICE, "<ping xmlns='urn:xmpp:ping'/>"), &agent, ERROR(DEVICE_BACK, "cancel", "service-unavailable") },
        { GET(ADDRESSES, "<query xmlns='" DISCO_INFO "'/>"), &agent,
          RESULT(BACK, "<query xmlns='" DISCO_INFO "'><identity category='account' type='registered'/>"
                       "<identity category='client' type='bot' name='Guide'/><identity category='pubsub' "
                       "type='pep'/>" FEATURE(COMMANDS) FEATURE(DISCO_INFO) FEATURE(DISCO_ITEMS) FEATURE(PUBSUB)
                               FEATURE(PUBSUB "#retrieve-items") FEATURE("jabber:iq:last") FEATURE("jabber:iq:version")
                                       FEATURE("urn:ietf:params:xml:ns:vcard-4.0") FEATURE("urn:xmpp:ping")
                                               FEATURE("urn:xmpp:time") FEATURE("vcard-temp") "</query>") },
        { GET(ADDRESSES, "<query xmlns='" DISCO_ITEMS "'/>"), &agent,
          RESULT(BACK, "<query xmlns='" DISCO_ITEMS "'/>") },
        { GET(ADDRESSES, "<query xmlns='" DISCO_INFO "' node='n'/>"), &agent, NOT_FOUND },
        { GET(ADDRESSES, "<query xmlns='" DISCO_INFO "' node='urn:aiox:0#VER'/>"), &agent, NOT_FOUND },
        { GET(FULL, "<query xmlns='" DISCO_INFO "' node='urn:aiox:0#stale'/>"), &agent,
          ERROR(FULL_BACK, "cancel", "item-not-found") },
        { GET(ADDRESSES, "<query xmlns='" DISCO_ITEMS "' node='n'/>"), &agent, NOT_FOUND },
        { GET(ADDRESSES, "<query xmlns='jabber:iq:version'/>"), &agent,
          RESULT(BACK,
                 "<query xmlns='jabber:iq:version'><name>AIOX</name><version>" AIOX_VERSION "</version></query>") },
        { GET(ADDRESSES, "<time xmlns='urn:xmpp:time'/>"), &agent,
          RESULT(BACK, "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2020-09-13T12:26:40Z</utc></time>") },
        { GET(ADDRESSES, "<query xmlns='jabber:iq:last'/>"), &agent,
          RESULT(BACK, "<query xmlns='jabber:iq:last' seconds='42'/>") },
        { GET(HUB, "<query xmlns='jabber:iq:last'/>"), &hub,
          RESULT(HUB_BACK, "<query xmlns='jabber:iq:last' seconds='7'/>") },
        { GET(ADDRESSES, ITEMS("urn:xmpp:vcard4", "")), &agent,
          RESULT(BACK,
                 ITEMS("urn:xmpp:vcard4",
                       "<item id='current'><vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><kind><text>application"
                       "</text></kind><fn><text>Guide</text></fn><nickname><text>Guide</text></nickname><note>"
                       "<text>Knows the way</text></note><impp><uri>xmpp:guide@agents.localhost</uri></impp>"
                       "</vcard></item>")) },
        { GET(ADDRESSES, ITEMS("urn:xmpp:vcard4", "<item id='other'/>")), &agent, NOT_FOUND },
        { GET(ADDRESSES, ITEMS("urn:xmpp:avatar:data", "<item id='other'/>")), &agent, NOT_FOUND },
        { GET(ADDRESSES, ITEMS("urn:xmpp:bookmarks:1", "")), &agent, NOT_FOUND },
        { GET(ADDRESSES, "<pubsub xmlns='" PUBSUB "'><default/></pubsub>"), &agent, UNAVAILABLE },
        { SET(ADDRESSES, "<pubsub xmlns='" PUBSUB "'><publish node='urn:xmpp:vcard4'/></pubsub>"), &agent,
          UNAVAILABLE },
        { GET(HUB, ITEMS("urn:xmpp:vcard4", "")), &hub, ERROR(HUB_BACK, "cancel", "service-unavailable") },
        { SET(ADDRESSES, "<vCard xmlns='vcard-temp'/>"), &agent, UNAVAILABLE },
        { SET(ADDRESSES, "<ping xmlns='urn:xmpp:ping'/>"), &agent, UNAVAILABLE },
        { GET(ADDRESSES, "<query xmlns='jabber:iq:roster'/>"), &agent, UNAVAILABLE },
        { "<iq type='get' id='1'" ADDRESSES "/>", &agent, UNAVAILABLE },
        { "<iq type='result' id='1'" ADDRESSES "/>", &agent, "" },
        { "<iq type='error' id='1'" ADDRESSES "/>", &agent, "" },
        { "<iq id='1'" ADDRESSES "/>", &agent, "" },
        { GET(HUB, "<query xmlns='" DISCO_INFO "'/>"), &reachable,
          RESULT(HUB_BACK,
                 "<query xmlns='" DISCO_INFO "'><identity category='component' type='generic' name='AIOX'/>" FEATURE(
                         "http://jabber.org/protocol/caps") FEATURE(COMMANDS) FEATURE(DISCO_INFO) FEATURE(DISCO_ITEMS)
                         FEATURE("http://jabber.org/protocol/rsm") FEATURE("jabber:iq:last")
                                 FEATURE("jabber:iq:version") FEATURE("urn:xmpp:ping") FEATURE("urn:xmpp:time")
                                         FEATURE("vcard-temp") "<x xmlns='jabber:x:data' type='result'><field "
                                                               "type='hidden' var='FORM_TYPE'><value>"
                                                               "http://jabber.org/network/serverinfo</value></"
                                                               "field><field type='list-multi' var='abuse-addresses'>"
                                                               "<value>xmpp:abuse@home.example</value></field><field "
                                                               "type='list-multi' var='admin-addresses'>"
                                                               "<value>mailto:root@home.example</"
                                                               "value><value>xmpp:root@home.example</value></field></"
                                                               "x></query>") },
        { "<presence type='subscribe' id='1'" ADDRESSES "/>", &agent,
          "<presence type='subscribed' id='1'" BARE_BACK "/><presence" PRESENCE ">" EXTRAS "</presence>" },
        { "<presence type='subscribe'" ADDRESSES "/>", &sleeping,
          "<presence type='subscribed'" BARE_BACK "/><presence" PRESENCE
          "><show>away</show><status>Paused</status>" EXTRAS "</presence>" },
        { "<presence type='probe'" ADDRESSES "/>", &agent, "<presence" PRESENCE ">" EXTRAS "</presence>" },
        { "<presence type='unsubscribe'" ADDRESSES "/>", &agent, "<presence type='unavailable'" PRESENCE "/>" },
        { "<presence type='unsubscribed'" ADDRESSES "/>", &agent, "" },
        { "<presence type='subscribed'" ADDRESSES "/>", &agent, "" },
        { "<presence" ADDRESSES "/>", &agent, "" },
        { "<presence type='unavailable'" ADDRESSES "/>", &agent, "" },
        { "<presence type='error'" ADDRESSES "/>", &agent, "" },
        { "<presence type='strange'" ADDRESSES "/>", &agent, "" },
        { "<presence type='subscribe' id='1'" ADDRESSES "/>", &absent,
          "<presence type='unsubscribed' id='1'" BARE_BACK "/>" },
        { "<presence type='probe'" ADDRESSES "/>", &absent, "<presence type='unsubscribed'" BARE_BACK "/>" },
        { "<presence type='unsubscribe'" ADDRESSES "/>", &absent, "" },
        { "<presence" ADDRESSES "/>", &absent, "" },
        { GET(ADDRESSES, "<ping xmlns='urn:xmpp:ping'/>"), &absent, UNAVAILABLE },
        { GET(ADDRESSES, "<query xmlns='" DISCO_INFO "'/>"), &absent, UNAVAILABLE },
        { GET(ADDRESSES, "<query xmlns='" DISCO_ITEMS "'/>"), &absent, UNAVAILABLE },
        { GET(ADDRESSES, "<vCard xmlns='vcard-temp'/>"), &absent, UNAVAILABLE },
        { GET(ADDRESSES, ITEMS("urn:xmpp:avatar:metadata", "")), &absent, UNAVAILABLE },
        { GET(ADDRESSES, "<query xmlns='jabber:iq:last'/>"), &absent, UNAVAILABLE },
};

static void add_filled(TextBuilder *out, Text text, const char *place, Text value) {
        const char *at = memmem(text.bytes, text.length, place, strlen(place));
        size_t before = at ? (size_t) (at - text.bytes) : text.length;
        text_add(out, (Text){ text.bytes, before });
        if (!at)
                return;
        text_add(out, value);
        text_add(out, (Text){ at + strlen(place), text.length - before - strlen(place) });
}

static void expected(const char *answer, TextBuilder *out) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder half = text_builder(0);
        add_filled(&half, text_of(answer), "VER", contact_caps_version(arena, &agent));
        add_filled(out, text_built(&half), "PHOTO",
                   picture_hash(arena, picture_of(arena, TEXT("guide@agents.localhost")).bytes));
}

START_TEST(contacts_are_answered_by_what_their_asker_may_see) {
        for (size_t i = 0; i < COUNT_OF(contacts); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                _cleanup_(text_builder_release) TextBuilder out = text_builder(0), wanted = text_builder(0);
                OutgoingList list = { NULL };
                Stanza stanza = wire_read(contacts[i].stanza, &arena);
                contact_add_answer(&list, arena, &stanza, contacts[i].view);
                expected(contacts[i].answer, &wanted);
                Text answer = wire_write(&list, &out);
                ck_assert_msg(text_equal(answer, text_built(&wanted)), "%s:\n  %.*s\nnot\n  %s", contacts[i].stanza,
                              TEXT_ARGUMENTS(answer), wanted.bytes);
        }
}
END_TEST

/* Whatever else is known of a hidden agent must not show. */
START_TEST(a_hidden_agent_answers_as_an_absent_one) {
        ContactView hidden = agent;
        hidden.seen = false;
        hidden.status = TEXT("secret");
        for (size_t i = 0; i < COUNT_OF(contacts); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                _cleanup_(text_builder_release) TextBuilder of_hidden = text_builder(0), of_absent = text_builder(0);
                OutgoingList hidden_list = { NULL }, absent_list = { NULL };
                Stanza stanza = wire_read(contacts[i].stanza, &arena);
                contact_add_answer(&hidden_list, arena, &stanza, &hidden);
                contact_add_answer(&absent_list, arena, &stanza, &absent);
                ck_assert_text(wire_write(&hidden_list, &of_hidden), wire_write(&absent_list, &of_absent));
        }
}
END_TEST

/* The payload of the one answer to a stanza. */
static const Element *ask(const char *xml, const ContactView *view, Arena **ret_arena) {
        OutgoingList list = { NULL };
        Stanza stanza = wire_read(xml, ret_arena);
        contact_add_answer(&list, *ret_arena, &stanza, view);
        ck_assert(list.first && list.first == list.last && !list.incomplete);
        ck_assert_text(element_get(list.first->element, TEXT("type")), TEXT("result"));
        return list.first->element->children;
}

static Text presence_version(const ContactView *view, const char *address, Arena *arena) {
        OutgoingList list = { NULL };
        contact_add_presence(&list, arena, text_of(address), TEXT("ann@home.example"), view);
        return element_get(element_child(list.first->element, TEXT("c"), TEXT(NS_CAPS)), TEXT("ver"));
}

/* A client asks for node#ver at the address the presence came from, sums up what it gets, and compares. */
START_TEST(what_presence_promises_is_what_discovery_gives) {
        static const struct {
                const ContactView *view;
                const char *from, *to;
        } cases[] = {
                { &agent, "guide@agents.localhost", "guide@agents.localhost/aiox" },
                { &sleeping, "other@agents.localhost", "other@agents.localhost/aiox" },
                { &hub, "agents.localhost", "agents.localhost" },
                { &reachable, "agents.localhost", "agents.localhost" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0), *answer = NULL;
                char xml[512];
                Text ver = presence_version(cases[i].view, cases[i].from, arena);
                snprintf(xml, sizeof(xml),
                         "<iq type='get' id='1' from='ann@home.example/phone' to='%s'><query xmlns='" DISCO_INFO
                         "' node='urn:aiox:0#%.*s'/></iq>",
                         cases[i].to, TEXT_ARGUMENTS(ver));
                const Element *query = ask(xml, cases[i].view, &answer);
                ck_assert(text_starts_with(element_get(query, TEXT("node")), TEXT("urn:aiox:0#")));
                ck_assert_text(caps_version(arena, query), ver);
        }
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        ck_assert_text(presence_version(&agent, "guide@agents.localhost", arena),
                       presence_version(&sleeping, "other@agents.localhost", arena));
        ck_assert(!text_equal(presence_version(&hub, "agents.localhost", arena),
                              presence_version(&reachable, "agents.localhost", arena)));
}
END_TEST

/* Presence, vCard and both nodes speak of the same bytes. */
START_TEST(a_picture_is_the_same_wherever_it_is_asked_for) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0), *card = NULL, *metadata = NULL, *data = NULL;
        Picture picture = picture_of(arena, TEXT("guide@agents.localhost"));
        Text base64 = crypto_base64(arena, picture.bytes), hash = picture_hash(arena, picture.bytes);
        const Element *vcard = ask(GET(ADDRESSES, "<vCard xmlns='vcard-temp'/>"), &agent, &card);
        const Element *photo = element_child(vcard, TEXT("PHOTO"), TEXT_NONE);
        ck_assert_text(element_child(photo, TEXT("BINVAL"), TEXT_NONE)->text, base64);
        ck_assert_text(element_child(photo, TEXT("TYPE"), TEXT_NONE)->text, TEXT("image/png"));
        ck_assert_text(element_child(vcard, TEXT("FN"), TEXT_NONE)->text, TEXT("Guide"));
        ck_assert_text(element_child(vcard, TEXT("DESC"), TEXT_NONE)->text, TEXT("Knows the way"));
        const Element *items = ask(GET(ADDRESSES, ITEMS("urn:xmpp:avatar:metadata", "")), &agent, &metadata)->children;
        const Element *info = items->children->children->children;
        ck_assert_text(element_get(items->children, TEXT("id")), hash);
        ck_assert_text(element_get(info, TEXT("id")), hash);
        ck_assert_text(element_get(info, TEXT("width")), TEXT("64"));
        char xml[512];
        snprintf(xml, sizeof(xml), GET(ADDRESSES, ITEMS("urn:xmpp:avatar:data", "<item id='%.*s'/>")),
                 TEXT_ARGUMENTS(hash));
        items = ask(xml, &agent, &data)->children;
        ck_assert_text(items->children->children->text, base64);
        ck_assert_text(element_get(items->children, TEXT("id")), hash);
}
END_TEST

START_TEST(pictures_differ_by_address_alone) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Picture one = picture_of(arena, TEXT("a@agents.localhost")),
                other = picture_of(arena, TEXT("b@agents.localhost"));
        Picture again = picture_of(arena, TEXT("a@agents.localhost"));
        ck_assert_text(one.bytes, again.bytes);
        ck_assert(!text_equal(one.bytes, other.bytes));
        _cleanup_(arena_freep) Arena *full = arena_new(16);
        ck_assert_uint_eq(picture_of(full, TEXT("a@agents.localhost")).bytes.length, 0);
}
END_TEST

/* The hub's agents, handed over in an order that is not the alphabet's. */

#define AGENTS 250
typedef struct Crowd {
        size_t next;
        char locals[AGENTS][16];
} Crowd;

static bool next_agent(void *crowd_, ContactItem *ret_item) {
        Crowd *crowd = crowd_;
        if (crowd->next == AGENTS)
                return false;
        snprintf(crowd->locals[crowd->next], sizeof(crowd->locals[0]), "a%03zu.acme", crowd->next * 7 % AGENTS);
        *ret_item = (ContactItem){ .local = text_of(crowd->locals[crowd->next]), .name = TEXT("name") };
        crowd->next++;
        return true;
}

typedef struct Slice {
        int first, last; /* of the agents on the page; -1 = none */
        size_t count, total;
        int64_t index;
        bool has_set;
} Slice;

static int number_of(Text jid) {
        int64_t number;
        ck_assert_msg(jid.length >= 4 && text_to_int64((Text){ jid.bytes + 1, 3 }, &number), "%.*s",
                      TEXT_ARGUMENTS(jid));
        return (int) number;
}

static Slice ask_for(const char *set) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(free_memoryp) char *crowd = memory_new(sizeof(Crowd));
        char xml[512];
        ContactView view = hub;
        Slice slice = { .first = -1, .last = -1, .index = -1 };
        view.next_agent = next_agent;
        view.agents = crowd;
        snprintf(xml, sizeof(xml), GET(HUB, "<query xmlns='" DISCO_ITEMS "'>%s</query>"), set);
        const Element *query = ask(xml, &view, &arena);
        for (const Element *item = query->children; item; item = item->next) {
                if (!text_equal(item->name, TEXT("item"))) {
                        const Element *first = element_child(item, TEXT("first"), TEXT_NONE);
                        slice.has_set = true;
                        ck_assert(text_to_int64(element_child(item, TEXT("count"), TEXT_NONE)->text, &(int64_t){ 0 }));
                        slice.total = (size_t) atoi(element_child(item, TEXT("count"), TEXT_NONE)->text.bytes);
                        if (first)
                                slice.index = atoi(element_get(first, TEXT("index")).bytes);
                        continue;
                }
                int number = number_of(element_get(item, TEXT("jid")));
                ck_assert(slice.count == 0 || number == slice.last + 1);
                slice.first = slice.count == 0 ? number : slice.first;
                slice.last = number;
                slice.count++;
        }
        return slice;
}

#define RSM(content) "<set xmlns='http://jabber.org/protocol/rsm'>" content "</set>"

START_TEST(the_hubs_agents_come_in_pages) {
        static const struct {
                const char *set;
                int first, last;
                int64_t index;
        } pages[] = {
                { "", 0, 99, 0 },
                { RSM(""), 0, 99, 0 },
                { RSM("<max>10</max>"), 0, 9, 0 },
                { RSM("<max>1000</max>"), 0, 99, 0 },
                { RSM("<max>10</max><after>a009.acme</after>"), 10, 19, 10 },
                { RSM("<max>10</max><after>a009.acme-gone</after>"), 10, 19, 10 },
                { RSM("<max>100</max><after>a199.acme</after>"), 200, 249, 200 },
                { RSM("<max>10</max><before/>"), 240, 249, 240 },
                { RSM("<max>10</max><before>a240.acme</before>"), 230, 239, 230 },
                { RSM("<max>10</max><before>a005.acme</before>"), 0, 4, 0 },
                { RSM("<max>10</max><after>a249.acme</after>"), -1, -1, -1 },
                { RSM("<max>0</max>"), -1, -1, -1 },
        };
        for (size_t i = 0; i < COUNT_OF(pages); i++) {
                Slice slice = ask_for(pages[i].set);
                ck_assert_msg(slice.first == pages[i].first && slice.last == pages[i].last &&
                                      slice.index == pages[i].index && slice.has_set && slice.total == AGENTS,
                              "%s: %d to %d of %zu from %lld", pages[i].set, slice.first, slice.last, slice.total,
                              (long long) slice.index);
        }
}
END_TEST

START_TEST(walking_all_pages_meets_every_agent_once) {
        char set[256] = RSM("<max>33</max>");
        int next = 0;
        for (;;) {
                Slice slice = ask_for(set);
                if (slice.count == 0)
                        break;
                ck_assert_int_eq(slice.first, next);
                next = slice.last + 1;
                snprintf(set, sizeof(set), RSM("<max>33</max><after>a%03d.acme</after>"), slice.last);
        }
        ck_assert_int_eq(next, AGENTS);
}
END_TEST

START_TEST(a_page_that_cannot_be_is_refused) {
        static const struct {
                const char *set, *condition;
        } wrong[] = {
                { RSM("<max>many</max>"), "bad-request" },
                { RSM("<max>-1</max>"), "bad-request" },
                { RSM("<after>a</after><before>b</before>"), "bad-request" },
                { RSM("<index>3</index>"), "feature-not-implemented" },
        };
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                OutgoingList list = { NULL };
                char xml[512];
                snprintf(xml, sizeof(xml), GET(HUB, "<query xmlns='" DISCO_ITEMS "'>%s</query>"), wrong[i].set);
                Stanza stanza = wire_read(xml, &arena);
                contact_add_answer(&list, arena, &stanza, &hub);
                ck_assert_text(list.first->element->children->children->name, text_of(wrong[i].condition));
        }
}
END_TEST

UNIT_TESTS("component/contact", contacts_are_answered_by_what_their_asker_may_see,
           a_hidden_agent_answers_as_an_absent_one, what_presence_promises_is_what_discovery_gives,
           a_picture_is_the_same_wherever_it_is_asked_for, pictures_differ_by_address_alone,
           the_hubs_agents_come_in_pages, walking_all_pages_meets_every_agent_once, a_page_that_cannot_be_is_refused)
