#include "tests/unit/unit.h"

#include "component/doors/contact.h"
#include "component/doors/message.h"
#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

#include <stdio.h>

static Stanza read_stanza(const char *xml, Arena **ret_arena) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        ReaderEvent event;
        Stanza stanza;
        Failure failure;
        reader_feed(reader, TEXT("<stream xmlns='" NS_COMPONENT "'>"));
        ck_assert(reader_next(reader, &event));
        arena_free(event.arena);
        reader_feed(reader, text_of(xml));
        ck_assert_msg(reader_next(reader, &event) && event.kind == READER_ELEMENT, "%s: %s", xml, event.failure.text);
        ck_assert_done(stanza_read(event.element, &stanza, &failure), failure);
        *ret_arena = event.arena;
        return stanza;
}

/* What would go over the wire, stamped. */
static Text wire(const OutgoingList *list, TextBuilder *out) {
        Failure failure;
        ck_assert(!list->incomplete);
        text_builder_reset(out);
        for (const Outgoing *one = list->first; one; one = one->next) {
                ck_assert_done(stanza_stamp(one, TEXT("agents.localhost"), &failure), failure);
                element_write(out, one->element, TEXT(NS_COMPONENT));
        }
        return text_built(out);
}

/* The contact door */

static const ContactView absent = { .seen = false };
static const ContactView agent = { .seen = true, .active = true, .name = { "Guide", 5 } };
static const ContactView sleeping = { .seen = true, .status = { "Paused", 6 } };
static const ContactView hub = { .seen = true, .hub = true, .name = { "AIOX", 4 } };

#define ADDRESSES " from='ann@home.example/phone' to='guide@agents.localhost'"
#define BACK      " from='guide@agents.localhost' to='ann@home.example/phone'"
#define BARE_BACK " from='guide@agents.localhost' to='ann@home.example'"
#define PRESENCE  " from='guide@agents.localhost/aiox' to='ann@home.example'"
#define UNAVAILABLE                                                                                                    \
        "<iq type='error' id='1'" BACK "><error type='cancel'><service-unavailable "                                   \
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"

static const struct {
        const char *stanza;
        const ContactView *view;
        const char *answer;
} contacts[] = {
        { "<iq type='get' id='1'" ADDRESSES "><ping xmlns='urn:xmpp:ping'/></iq>", &agent,
          "<iq type='result' id='1'" BACK "/>" },
        { "<iq type='get' id='1'" ADDRESSES "><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", &agent,
          "<iq type='result' id='1'" BACK "><query xmlns='http://jabber.org/protocol/disco#info'><identity "
          "category='account' type='registered'/><identity category='client' type='bot' name='Guide'/><feature "
          "var='http://jabber.org/protocol/chatstates'/><feature var='http://jabber.org/protocol/disco#info'/><feature "
          "var='http://jabber.org/protocol/disco#items'/><feature var='urn:xmpp:ping'/><feature "
          "var='urn:xmpp:receipts'/></query></iq>" },
        { "<iq type='get' id='1'" ADDRESSES "><query xmlns='http://jabber.org/protocol/disco#items'/></iq>", &agent,
          "<iq type='result' id='1'" BACK "><query xmlns='http://jabber.org/protocol/disco#items'/></iq>" },
        { "<iq type='get' id='1'" ADDRESSES "><query xmlns='http://jabber.org/protocol/disco#info' node='n'/></iq>",
          &agent,
          "<iq type='error' id='1'" BACK "><error type='cancel'><item-not-found "
          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" },
        { "<iq type='get' id='1'" ADDRESSES "><vCard xmlns='vcard-temp'/></iq>", &agent, UNAVAILABLE },
        { "<iq type='set' id='1'" ADDRESSES "><ping xmlns='urn:xmpp:ping'/></iq>", &agent, UNAVAILABLE },
        { "<iq type='get' id='1'" ADDRESSES "/>", &agent, UNAVAILABLE },
        { "<iq type='result' id='1'" ADDRESSES "/>", &agent, "" },
        { "<iq type='error' id='1'" ADDRESSES "/>", &agent, "" },
        { "<iq id='1'" ADDRESSES "/>", &agent, "" },
        { "<iq type='get' id='1' from='ann@home.example/phone' to='agents.localhost'><query "
          "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
          &hub,
          "<iq type='result' id='1' from='agents.localhost' to='ann@home.example/phone'><query "
          "xmlns='http://jabber.org/protocol/disco#info'><identity category='component' type='generic' "
          "name='AIOX'/><feature var='http://jabber.org/protocol/disco#info'/><feature "
          "var='http://jabber.org/protocol/disco#items'/><feature var='urn:xmpp:ping'/></query></iq>" },
        { "<presence type='subscribe' id='1'" ADDRESSES "/>", &agent,
          "<presence type='subscribed' id='1'" BARE_BACK "/><presence" PRESENCE "/>" },
        { "<presence type='subscribe'" ADDRESSES "/>", &sleeping,
          "<presence type='subscribed'" BARE_BACK "/><presence" PRESENCE
          "><show>away</show><status>Paused</status></presence>" },
        { "<presence type='probe'" ADDRESSES "/>", &agent, "<presence" PRESENCE "/>" },
        { "<presence type='probe' from='ann@home.example/phone' to='agents.localhost'/>", &hub,
          "<presence from='agents.localhost' to='ann@home.example'/>" },
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
        { "<iq type='get' id='1'" ADDRESSES "><ping xmlns='urn:xmpp:ping'/></iq>", &absent, UNAVAILABLE },
        { "<iq type='get' id='1'" ADDRESSES "><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", &absent,
          UNAVAILABLE },
        { "<iq type='get' id='1'" ADDRESSES "><vCard xmlns='vcard-temp'/></iq>", &absent, UNAVAILABLE },
};

START_TEST(contacts_are_answered_by_what_their_asker_may_see) {
        for (size_t i = 0; i < COUNT_OF(contacts); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
                OutgoingList list = { NULL };
                Stanza stanza = read_stanza(contacts[i].stanza, &arena);
                contact_add_answer(&list, arena, &stanza, contacts[i].view);
                Text answer = wire(&list, &out);
                ck_assert_msg(text_equal(answer, text_of(contacts[i].answer)), "%s:\n  %.*s\nnot\n  %s",
                              contacts[i].stanza, TEXT_ARGUMENTS(answer), contacts[i].answer);
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
                Stanza stanza = read_stanza(contacts[i].stanza, &arena);
                contact_add_answer(&hidden_list, arena, &stanza, &hidden);
                contact_add_answer(&absent_list, arena, &stanza, &absent);
                ck_assert_text(wire(&hidden_list, &of_hidden), wire(&absent_list, &of_absent));
        }
}
END_TEST

/* The message door */

static const struct {
        const char *attributes, *content;
        MessageMeaning meaning;
} meanings[] = {
        { "type='chat' id='1'", "<body>Hello</body>", MESSAGE_SPEECH },
        { "id='1'", "<body>Hello</body>", MESSAGE_SPEECH },
        { "type='chat'", "<body>late</body><delay xmlns='urn:xmpp:delay'/>", MESSAGE_SPEECH },
        { "type='chat'", "<body/>", MESSAGE_SIGNAL },
        { "type='chat'", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", MESSAGE_SIGNAL },
        { "type='chat'", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", MESSAGE_SIGNAL },
        { "type='chat'", "<received xmlns='urn:xmpp:receipts' id='1'/>", MESSAGE_RECEIPT },
        { "type='chat'", "<received xmlns='urn:xmpp:receipts' id='1'/><body>and text</body>", MESSAGE_SPEECH },
        { "type='error' id='1'", "<body>Hello</body>", MESSAGE_BOUNCE },
        { "type='error'", "<body>Hello</body>", MESSAGE_IGNORED },
        { "type='headline'", "<body>News</body>", MESSAGE_IGNORED },
        { "type='groupchat'", "<body>Room</body>", MESSAGE_IGNORED },
        { "type='chat'", "<received xmlns='urn:xmpp:carbons:2'/><body>copy</body>", MESSAGE_IGNORED },
        { "type='chat'", "<body>[OMEMO]</body><encryption xmlns='urn:xmpp:eme:0'/>", MESSAGE_ENCRYPTED },
        { "type='chat'", "<encrypted xmlns='eu.siacs.conversations.axolotl'><header/></encrypted>", MESSAGE_SIGNAL },
        { "type='chat'", "<retract xmlns='urn:xmpp:message-retract:1' id='1'/><body>retracted</body>",
          MESSAGE_RETRACTED },
};

START_TEST(messages_have_one_meaning_each) {
        for (size_t i = 0; i < COUNT_OF(meanings); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                char xml[1024];
                snprintf(xml, sizeof(xml), "<message%s %s>%s</message>", ADDRESSES, meanings[i].attributes,
                         meanings[i].content);
                Stanza stanza = read_stanza(xml, &arena);
                ck_assert_msg(message_read(&stanza).meaning == meanings[i].meaning, "%s", xml);
        }
}
END_TEST

static const ReplyTo reply_to = {
        .agent = { "guide@agents.localhost", 22 },
        .address = { "ann@home.example/phone", 22 },
        .thread = { "t1", 2 },
        .stanza_id = { "m1", 2 },
};
#define UUID "0193a5f0-7b1c-7c4e-8a2d-1f2e3d4c5b6a"

static Uuid uuid(void) {
        Uuid parsed;
        ck_assert(uuid_parse(TEXT(UUID), &parsed));
        return parsed;
}

START_TEST(receipts_refusals_and_states_go_to_the_device) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        message_add_receipt(&list, arena, &reply_to);
        message_add_refusal(&list, arena, &reply_to, FAILURE_LIMIT, TEXT("later"));
        message_add_state(&list, arena, &reply_to, STATE_COMPOSING);
        ck_assert_text(wire(&list, &out),
                       TEXT("<message type='chat' from='guide@agents.localhost/aiox' to='ann@home.example/phone'>"
                            "<received xmlns='urn:xmpp:receipts' id='m1'/></message>"
                            "<message type='error' id='m1' from='guide@agents.localhost' to='ann@home.example/phone'>"
                            "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>later</text></error></message>"
                            "<message type='chat' from='guide@agents.localhost/aiox' to='ann@home.example/phone'>"
                            "<composing xmlns='http://jabber.org/protocol/chatstates'/><thread>t1</thread>"
                            "<no-store xmlns='urn:xmpp:hints'/></message>"));
}
END_TEST

START_TEST(an_answer_carries_its_uuid_and_asks_for_a_receipt) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        ck_assert_uint_eq(message_add_answer(&list, arena, &reply_to, uuid(), TEXT("Yes & no"), FAILURE_NONE, false),
                          1);
        ck_assert_text(wire(&list, &out),
                       TEXT("<message type='chat' id='" UUID "' from='guide@agents.localhost/aiox' "
                            "to='ann@home.example'><body>Yes &amp; no</body><thread>t1</thread>"
                            "<origin-id xmlns='urn:xmpp:sid:0' id='" UUID "'/><request xmlns='urn:xmpp:receipts'/>"
                            "<active xmlns='http://jabber.org/protocol/chatstates'/></message>"));
}
END_TEST

START_TEST(a_refusal_after_the_receipt_is_a_text_with_its_condition) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        message_add_answer(&list, arena, &reply_to, uuid(), TEXT("Too slow."), FAILURE_TIMED_OUT, true);
        ck_assert_text(wire(&list, &out), TEXT("<message type='chat' id='" UUID "' from='guide@agents.localhost/aiox' "
                                               "to='ann@home.example'><body>Too slow.</body><thread>t1</thread>"
                                               "<origin-id xmlns='urn:xmpp:sid:0' id='" UUID "'/>"
                                               "<replace xmlns='urn:xmpp:message-correct:0' id='" UUID ".draft'/>"
                                               "<error xmlns='urn:aiox:0' type='wait'><remote-server-timeout "
                                               "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
                                               "<request xmlns='urn:xmpp:receipts'/>"
                                               "<active xmlns='http://jabber.org/protocol/chatstates'/></message>"));
}
END_TEST

START_TEST(long_answers_go_out_in_numbered_parts) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder body = text_builder(0);
        OutgoingList list = { NULL };
        for (int i = 0; i < 2500; i++)
                text_add_format(&body, "Paragraph %d, with some words in it, so that it has a length.\n\n", i);
        size_t count = message_add_answer(&list, arena, &reply_to, uuid(), text_built(&body), FAILURE_NONE, false);
        ck_assert_uint_eq(count, 3);
        size_t part = 0;
        for (const Outgoing *one = list.first; one; one = one->next) {
                char id[64] = UUID;
                if (++part > 1)
                        snprintf(id, sizeof(id), UUID ".%zu", part);
                ck_assert_text(element_get(one->element, TEXT("id")), text_of(id));
                const Element *text = element_child(one->element, TEXT("body"), TEXT_NONE);
                ck_assert_uint_le(text_xml_length(text->text), MESSAGE_PART_LIMIT);
                ck_assert(text_starts_with(text->text, TEXT("Paragraph ")));
                bool asks = element_child(one->element, TEXT("request"), TEXT(NS_RECEIPTS)) != NULL;
                ck_assert(asks == (part == count));
        }
}
END_TEST

START_TEST(an_empty_answer_is_still_sent) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        OutgoingList list = { NULL };
        ck_assert_uint_eq(message_add_answer(&list, arena, &reply_to, uuid(), TEXT_NONE, FAILURE_NONE, false), 1);
        ck_assert_uint_eq(list.first->element->children->text.length, 0);
}
END_TEST

START_TEST(drafts_correct_the_first_one) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        message_add_draft(&list, arena, &reply_to, uuid(), TEXT("Once"), true);
        ck_assert_text(element_get(list.first->element, TEXT("id")), TEXT(UUID ".draft"));
        message_add_draft(&list, arena, &reply_to, uuid(), TEXT("Once upon"), false);
        wire(&list, &out);
        const Element *replace = element_child(list.last->element, TEXT("replace"), TEXT(NS_CORRECTION));
        ck_assert_text(element_get(replace, TEXT("id")), TEXT(UUID ".draft"));
        ck_assert_text(list.last->to, TEXT("ann@home.example/phone"));
}
END_TEST

START_TEST(only_ids_of_final_answers_are_recognised) {
        static const struct {
                const char *id;
                bool ours;
        } ids[] = {
                { UUID, true },           { UUID ".2", true }, { UUID ".17", true }, { UUID ".1", false },
                { UUID ".draft", false }, { UUID "x", false }, { UUID ".", false },  { UUID ".-2", false },
                { "m1", false },          { "", false },
        };
        for (size_t i = 0; i < COUNT_OF(ids); i++) {
                Uuid message;
                ck_assert_msg(message_answer_id(text_of(ids[i].id), &message) == ids[i].ours, "%s", ids[i].id);
                if (ids[i].ours)
                        ck_assert(uuid_equal(message, uuid()));
        }
}
END_TEST

UNIT_TESTS("component/doors", contacts_are_answered_by_what_their_asker_may_see,
           a_hidden_agent_answers_as_an_absent_one, messages_have_one_meaning_each,
           receipts_refusals_and_states_go_to_the_device, an_answer_carries_its_uuid_and_asks_for_a_receipt,
           a_refusal_after_the_receipt_is_a_text_with_its_condition, long_answers_go_out_in_numbered_parts,
           an_empty_answer_is_still_sent, drafts_correct_the_first_one, only_ids_of_final_answers_are_recognised)
