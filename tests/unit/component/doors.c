#include "tests/unit/xmpp/wire.h"

#include "component/doors/message.h"
#include "xmpp/namespaces.h"
#include "xmpp/writer.h"

#include <stdio.h>

#define ADDRESSES " from='ann@home.example/phone' to='guide@agents.localhost'"

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
        { "type='chat'", "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>+</reaction></reactions>",
          MESSAGE_REACTION },
        { "type='chat'", "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>", MESSAGE_REACTION },
        { "type='chat'", "<reactions xmlns='urn:xmpp:reactions:0'/>", MESSAGE_SIGNAL },
        { "type='groupchat'", "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>", MESSAGE_IGNORED },
        { "type='chat'",
          "<reactions xmlns='urn:xmpp:reactions:0' id='1'/><body>+</body><fallback xmlns='urn:xmpp:fallback:0'/>",
          MESSAGE_REACTION },
        { "type='chat'",
          "<body>&gt; said\n</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' "
          "end='7'/></fallback><reply xmlns='urn:xmpp:reply:0' id='1'/>",
          MESSAGE_SIGNAL },
};

START_TEST(messages_have_one_meaning_each) {
        for (size_t i = 0; i < COUNT_OF(meanings); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                char xml[1024];
                snprintf(xml, sizeof(xml), "<message%s %s>%s</message>", ADDRESSES, meanings[i].attributes,
                         meanings[i].content);
                Stanza stanza = wire_read(xml, &arena);
                ck_assert_msg(message_read(&stanza).meaning == meanings[i].meaning, "%s", xml);
        }
}
END_TEST

static const ReplyTo reply_to = {
        .agent = { "guide@agents.localhost", 22 },
        .address = { "ann@home.example/phone", 22 },
        .thread = { "t1", 2 },
        .stanza_id = { "m1", 2 },
        .states = true,
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
        message_add_refusal(&list, arena, &reply_to, FAILURE_NOT_FOUND, TEXT("nobody"));
        message_add_displayed(&list, arena, &reply_to);
        message_add_state(&list, arena, &reply_to, STATE_COMPOSING);
        ck_assert_text(wire_write(&list, &out),
                       TEXT("<message type='chat' from='guide@agents.localhost/aiox' to='ann@home.example/phone'>"
                            "<received xmlns='urn:xmpp:receipts' id='m1'/></message>"
                            "<message type='error' id='m1' from='guide@agents.localhost' to='ann@home.example/phone'>"
                            "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>later</text></error></message>"
                            "<message type='error' id='m1' from='guide@agents.localhost' to='ann@home.example/phone'>"
                            "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>nobody</text></error></message>"
                            "<message type='chat' from='guide@agents.localhost/aiox' to='ann@home.example/phone'>"
                            "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/><thread>t1</thread></message>"
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
        ck_assert_text(wire_write(&list, &out),
                       TEXT("<message type='chat' id='" UUID "' from='guide@agents.localhost/aiox' "
                            "to='ann@home.example'><body>Yes &amp; no</body><thread>t1</thread>"
                            "<origin-id xmlns='urn:xmpp:sid:0' id='" UUID "'/><request xmlns='urn:xmpp:receipts'/>"
                            "<active xmlns='http://jabber.org/protocol/chatstates'/></message>"));
}
END_TEST

START_TEST(an_answer_shows_a_state_and_names_a_message_only_when_asked_to) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        ReplyTo quoting = reply_to;
        quoting.states = false;
        quoting.quoted_id = TEXT("o1");
        message_add_answer(&list, arena, &quoting, uuid(), TEXT("Yes"), FAILURE_NONE, false);
        ck_assert_text(wire_write(&list, &out),
                       TEXT("<message type='chat' id='" UUID "' from='guide@agents.localhost/aiox' "
                            "to='ann@home.example'><body>Yes</body><thread>t1</thread>"
                            "<origin-id xmlns='urn:xmpp:sid:0' id='" UUID "'/>"
                            "<reply xmlns='urn:xmpp:reply:0' to='ann@home.example/phone' id='o1'/>"
                            "<request xmlns='urn:xmpp:receipts'/></message>"));
}
END_TEST

START_TEST(who_writes_encrypted_is_told_in_clear_text_what_to_do) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        message_add_unreadable(&list, arena, &reply_to, uuid());
        wire_write(&list, &out);
        ck_assert_text(element_get(list.first->element, TEXT("id")), TEXT(UUID));
        ck_assert_text(list.first->to, TEXT("ann@home.example/phone"));
        for (const char *const *name = (const char *const[]){ "Conversations", "Dino", "Gajim", "Monal", NULL }; *name;
             name++)
                ck_assert_msg(strstr(out.bytes, *name), "%s", *name);
}
END_TEST

START_TEST(a_refusal_after_the_receipt_is_a_text_with_its_condition) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        message_add_answer(&list, arena, &reply_to, uuid(), TEXT("Too slow."), FAILURE_TIMED_OUT, true);
        ck_assert_text(wire_write(&list, &out),
                       TEXT("<message type='chat' id='" UUID "' from='guide@agents.localhost/aiox' "
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
        wire_write(&list, &out);
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

UNIT_TESTS("component/doors", messages_have_one_meaning_each, receipts_refusals_and_states_go_to_the_device,
           an_answer_carries_its_uuid_and_asks_for_a_receipt,
           an_answer_shows_a_state_and_names_a_message_only_when_asked_to,
           who_writes_encrypted_is_told_in_clear_text_what_to_do,
           a_refusal_after_the_receipt_is_a_text_with_its_condition, long_answers_go_out_in_numbered_parts,
           an_empty_answer_is_still_sent, drafts_correct_the_first_one, only_ids_of_final_answers_are_recognised)
