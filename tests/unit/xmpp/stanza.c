#include "tests/unit/xmpp/wire.h"

#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"
#include "xmpp/writer.h"

#include <stdio.h>

#define MESSAGE(attributes, content)                                                                                   \
        "<message from='ann@home.example/phone' to='guide@agents.localhost' " attributes ">" content "</message>"

START_TEST(a_message_is_read_with_all_its_extensions) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Stanza stanza = wire_read(MESSAGE("type='chat' id='m1'",
                                          "<body>Hello</body><body xml:lang='de'>Hallo</body><subject>s</subject>"
                                          "<thread>t1</thread><request xmlns='urn:xmpp:receipts'/>"
                                          "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>"
                                          "<stanza-id xmlns='urn:xmpp:sid:0' id='z' by='home.example'/>"
                                          "<active xmlns='http://jabber.org/protocol/chatstates'/>"
                                          "<replace xmlns='urn:xmpp:message-correct:0' id='m0'/>"
                                          "<no-store xmlns='urn:xmpp:hints'/>"
                                          "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"
                                          "<unknown xmlns='urn:unknown'/>"),
                                  &arena);
        ck_assert_int_eq(stanza.kind, STANZA_MESSAGE);
        ck_assert_int_eq(stanza.type, TYPE_CHAT);
        ck_assert_text(stanza.from.full, TEXT("ann@home.example/phone"));
        ck_assert_text(stanza.to.local, TEXT("guide"));
        ck_assert_text(stanza.id, TEXT("m1"));
        ck_assert_text(stanza.body, TEXT("Hello"));
        ck_assert_text(stanza.subject, TEXT("s"));
        ck_assert_text(stanza.thread, TEXT("t1"));
        ck_assert(stanza.has_body && stanza.receipt_wanted && stanza.no_store && stanza.delayed);
        ck_assert_text(stanza.origin_id, TEXT("o1"));
        ck_assert_text(stanza.replaces, TEXT("m0"));
        ck_assert_int_eq(stanza.chat_state, STATE_ACTIVE);
        ck_assert(!stanza.carbon && !stanza.encrypted);
}
END_TEST

START_TEST(a_bounce_tells_its_error) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Stanza stanza = wire_read(MESSAGE("type='error' id='a1'",
                                          "<error type='wait'><resource-constraint "
                                          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text "
                                          "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>full</text></error>"),
                                  &arena);
        ck_assert_int_eq(stanza.type, TYPE_ERROR);
        ck_assert_text(stanza.error.type, TEXT("wait"));
        ck_assert_text(stanza.error.condition, TEXT("resource-constraint"));
        ck_assert_text(stanza.error.text, TEXT("full"));
}
END_TEST

static const struct {
        const char *content;
        bool encrypted, carbon;
        const char *receipt_for, *retracts;
} messages[] = {
        { "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/><body>fallback</body>", true, false, "",
          "" },
        { "<encrypted xmlns='eu.siacs.conversations.axolotl'><header/><payload>x</payload></encrypted>", true, false,
          "", "" },
        { "<encrypted xmlns='eu.siacs.conversations.axolotl'><header/></encrypted>", false, false, "", "" },
        { "<encrypted xmlns='urn:xmpp:omemo:2'><header/><payload>x</payload></encrypted>", true, false, "", "" },
        { "<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>", true, false, "", "" },
        { "<x xmlns='jabber:x:encrypted'>x</x>", true, false, "", "" },
        { "<received xmlns='urn:xmpp:carbons:2'/>", false, true, "", "" },
        { "<sent xmlns='urn:xmpp:carbons:2'/>", false, true, "", "" },
        { "<private xmlns='urn:xmpp:carbons:2'/>", false, false, "", "" },
        { "<received xmlns='urn:xmpp:receipts' id='r1'/>", false, false, "r1", "" },
        { "<retract xmlns='urn:xmpp:message-retract:1' id='m1'/>", false, false, "", "m1" },
        { "<apply-to xmlns='urn:xmpp:fasten:0' id='m1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>", false,
          false, "", "m1" },
        { "<apply-to xmlns='urn:xmpp:fasten:0' id='m1'><other/></apply-to>", false, false, "", "" },
};

START_TEST(extensions_fill_their_fields) {
        for (size_t i = 0; i < COUNT_OF(messages); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                char xml[1024];
                snprintf(xml, sizeof(xml), MESSAGE("type='chat'", "%s"), messages[i].content);
                Stanza stanza = wire_read(xml, &arena);
                ck_assert_msg(stanza.encrypted == messages[i].encrypted, "%s", xml);
                ck_assert_msg(stanza.carbon == messages[i].carbon, "%s", xml);
                ck_assert_text(stanza.receipt_for, text_of(messages[i].receipt_for));
                ck_assert_text(stanza.retracts, text_of(messages[i].retracts));
        }
}
END_TEST

static const struct {
        const char *content, *body;
} bodies[] = {
        { "<body>&gt; said\nyes</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' "
          "end='7'/></fallback>",
          "yes" },
        { "<body>&gt; \u00fc\u2026\U0001F600\nja</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>"
          "<body start='0' end='6'/></fallback>",
          "ja" },
        { "<fallback xmlns='urn:xmpp:feature-fallback:0' for='urn:xmpp:reply:0'><body start='0' end='2'/></fallback>"
          "<body>a\nb</body>",
          "b" },
        { "<body>abcdef</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='1'/>"
          "<body start='4' end='5'/></fallback>",
          "bcdf" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='1'/></fallback>",
          "a" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'/>", "" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><subject/></fallback>", "abc" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:unknown'/>", "abc" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0'/>", "abc" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0'/><reactions xmlns='urn:xmpp:reactions:0' id='1'/>",
          "" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='2' end='1'/>"
          "</fallback>",
          "abc" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='-9' "
          "end='99999999999999999999'/></fallback>",
          "" },
        { "<body>abc</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='7' end='9'/>"
          "</fallback>",
          "abc" },
};

START_TEST(what_only_repeats_an_extension_is_taken_off_the_body) {
        for (size_t i = 0; i < COUNT_OF(bodies); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                char xml[1024];
                snprintf(xml, sizeof(xml), MESSAGE("type='chat'", "%s"), bodies[i].content);
                Stanza stanza = wire_read(xml, &arena);
                ck_assert_msg(text_equal(stanza.body, text_of(bodies[i].body)), "%s: %.*s", bodies[i].content,
                              TEXT_ARGUMENTS(stanza.body));
                ck_assert(stanza.has_body);
        }
}
END_TEST

START_TEST(reactions_are_listed_once_each) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Text list[3];
        Stanza stanza = wire_read(MESSAGE("type='chat'",
                                          "<reactions xmlns='urn:xmpp:reactions:0' id='a1'><reaction>\U0001F44D"
                                          "</reaction><reaction> \u2764 </reaction><reaction>\U0001F44D</reaction>"
                                          "<reaction/><other>x</other><reaction>a very long text that is certainly no "
                                          "emoji, for none is as long as this one is</reaction><reaction>3</reaction>"
                                          "<reaction>4</reaction></reactions>"),
                                  &arena);
        ck_assert_text(stanza.reacts_to, TEXT("a1"));
        ck_assert_uint_eq(reactions_list(stanza.reactions, list, COUNT_OF(list)), 3);
        ck_assert_text(list[0], TEXT("\U0001F44D"));
        ck_assert_text(list[1], TEXT("\u2764"));
        ck_assert_text(list[2], TEXT("3"));
}
END_TEST

START_TEST(a_message_says_what_its_sender_wants_to_see) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Stanza stanza = wire_read(MESSAGE("type='chat' id='1'",
                                          "<body>x</body><markable xmlns='urn:xmpp:chat-markers:0'/>"
                                          "<reply xmlns='urn:xmpp:reply:0' to='guide@agents.localhost' id='a1'/>"),
                                  &arena);
        ck_assert(stanza.markable && !stanza.reactions);
        ck_assert_text(stanza.replies_to, TEXT("a1"));
}
END_TEST

static const struct {
        const char *xml;
        StanzaKind kind;
        StanzaType type;
} types[] = {
        { "<message from='a@b' to='c@d'/>", STANZA_MESSAGE, TYPE_NORMAL },
        { "<message from='a@b' to='c@d' type='strange'/>", STANZA_MESSAGE, TYPE_NORMAL },
        { "<message from='a@b' to='c@d' type='get'/>", STANZA_MESSAGE, TYPE_NORMAL },
        { "<message from='a@b' to='c@d' type='headline'/>", STANZA_MESSAGE, TYPE_HEADLINE },
        { "<message from='a@b' to='c@d' type='groupchat'/>", STANZA_MESSAGE, TYPE_GROUPCHAT },
        { "<presence from='a@b' to='c@d'/>", STANZA_PRESENCE, TYPE_AVAILABLE },
        { "<presence from='a@b' to='c@d' type='subscribe'/>", STANZA_PRESENCE, TYPE_SUBSCRIBE },
        { "<presence from='a@b' to='c@d' type='probe'/>", STANZA_PRESENCE, TYPE_PROBE },
        { "<presence from='a@b' to='c@d' type='strange'/>", STANZA_PRESENCE, TYPE_UNKNOWN },
        { "<presence from='a@b' to='c@d' type='error'/>", STANZA_PRESENCE, TYPE_ERROR },
        { "<iq from='a@b' to='c@d' type='get'/>", STANZA_IQ, TYPE_GET },
        { "<iq from='a@b' to='c@d' type='result'/>", STANZA_IQ, TYPE_RESULT },
        { "<iq from='a@b' to='c@d'/>", STANZA_IQ, TYPE_UNKNOWN },
};

START_TEST(types_follow_the_rfc) {
        for (size_t i = 0; i < COUNT_OF(types); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                Stanza stanza = wire_read(types[i].xml, &arena);
                ck_assert_msg(stanza.kind == types[i].kind && stanza.type == types[i].type, "%s", types[i].xml);
        }
}
END_TEST

START_TEST(what_is_no_stanza_is_refused) {
        static const char *const bad[] = {
                "<message to='c@d'/>",           "<message from='a@b'/>", "<message from='' to='c@d'/>",
                "<message from='a@b' to='@d'/>", "<handshake/>",          "<message from='a@b@' to='c@d'/>",
        };
        for (size_t i = 0; i < COUNT_OF(bad); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                Stanza stanza;
                Failure failure;
                ck_assert_msg(!stanza_read(wire_parse(bad[i], &arena), &stanza, &failure), "%s", bad[i]);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        }
}
END_TEST

/* Sending */

static const struct {
        const char *from, *to;
        bool taken;
} stamps[] = {
        { "agents.localhost", "ann@home.example", true },
        { "guide@agents.localhost", "ann@home.example", true },
        { "guide@agents.localhost/aiox", "ann@home.example/phone", true },
        { "guide@agents.localhost/a@b", "home.example", true },
        { "", "ann@home.example", false },
        { "guide@agents.localhost", "", false },
        { "guide@other.example", "ann@home.example", false },
        { "guide@sub.agents.localhost", "ann@home.example", false },
        { "other.example/guide@agents.localhost", "ann@home.example", false },
        { "ann@home.example", "guide@agents.localhost", false },
        { "@agents.localhost", "ann@home.example", false },
        { "gui\x01"
          "de@agents.localhost",
          "ann@home.example", false },
        { "guide@agents.localhost", "@home.example", false },
        { "guide@agents.localhost", "a b@home.example", false },
        { "guide@agents.localhost/", "ann@home.example", false },
};

START_TEST(the_stamp_refuses_foreign_senders_and_empty_receivers) {
        for (size_t i = 0; i < COUNT_OF(stamps); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                OutgoingList list = { NULL };
                Failure failure = { .kind = FAILURE_NONE };
                outgoing_add(&list, arena, STANZA_MESSAGE, TYPE_CHAT, TEXT("1"), text_of(stamps[i].from),
                             text_of(stamps[i].to));
                bool taken = stanza_stamp(list.first, TEXT("agents.localhost"), &failure);
                ck_assert_msg(taken == stamps[i].taken, "%s to %s: %s", stamps[i].from, stamps[i].to, failure.text);
                ck_assert_int_eq(failure.kind, taken ? FAILURE_NONE : FAILURE_INTERNAL);
                ck_assert_text(element_get(list.first->element, TEXT("from")), text_of(taken ? stamps[i].from : ""));
                ck_assert_text(element_get(list.first->element, TEXT("to")), text_of(taken ? stamps[i].to : ""));
        }
}
END_TEST

START_TEST(the_stamp_overrides_addresses_and_refuses_what_is_incomplete) {
        _cleanup_(arena_freep) Arena *arena = arena_new(2048);
        OutgoingList list = { NULL };
        Failure failure;
        Element *element = outgoing_add(&list, arena, STANZA_MESSAGE, TYPE_CHAT, TEXT_NONE,
                                        TEXT("guide@agents.localhost"), TEXT("ann@home.example"));
        element_set(element, TEXT("from"), TEXT("root@elsewhere.example"));
        ck_assert_done(stanza_stamp(list.first, TEXT("agents.localhost"), &failure), failure);
        ck_assert_text(element_get(element, TEXT("from")), TEXT("guide@agents.localhost"));
        while (element_add(element, TEXT("a"), TEXT_NONE))
                ;
        ck_assert(!stanza_stamp(list.first, TEXT("agents.localhost"), &failure));
}
END_TEST

static void expect_error(const char *xml, const char *expected) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        Stanza stanza = wire_read(xml, &arena);
        outgoing_add_error(&list, arena, &stanza, FAILURE_TOO_LARGE, TEXT("too <large>"));
        if (list.first)
                element_write(&out, list.first->element, TEXT(NS_COMPONENT));
        ck_assert_text(text_built(&out), text_of(expected));
        if (list.first) {
                ck_assert_text(list.first->from, stanza.to.full);
                ck_assert_text(list.first->to, stanza.from.full);
        }
}

#define ERROR                                                                                                          \
        "<error type='modify'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text "                   \
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>too &lt;large&gt;</text></error>"

START_TEST(errors_answer_only_what_may_be_answered) {
        expect_error("<message from='a@b' to='c@d' id='1'/>", "<message type='error' id='1'>" ERROR "</message>");
        expect_error("<iq from='a@b' to='c@d' type='set' id='1'/>", "<iq type='error' id='1'>" ERROR "</iq>");
        expect_error("<presence from='a@b' to='c@d' type='subscribe'/>", "<presence type='error'>" ERROR "</presence>");
        expect_error("<message from='a@b' to='c@d' type='error'/>", "");
        expect_error("<message from='a@b' to='c@d' type='headline'/>", "");
        expect_error("<iq from='a@b' to='c@d' type='result' id='1'/>", "");
        expect_error("<iq from='a@b' to='c@d' type='error' id='1'/>", "");
        expect_error("<iq from='a@b' to='c@d' id='1'/>", "");
        expect_error("<presence from='a@b' to='c@d'/>", "");
        expect_error("<presence from='a@b' to='c@d' type='probe'/>", "");
}
END_TEST

UNIT_TESTS("xmpp/stanza", a_message_is_read_with_all_its_extensions, a_bounce_tells_its_error,
           extensions_fill_their_fields, what_only_repeats_an_extension_is_taken_off_the_body,
           reactions_are_listed_once_each, a_message_says_what_its_sender_wants_to_see, types_follow_the_rfc,
           what_is_no_stanza_is_refused, the_stamp_refuses_foreign_senders_and_empty_receivers,
           the_stamp_overrides_addresses_and_refuses_what_is_incomplete, errors_answer_only_what_may_be_answered)
