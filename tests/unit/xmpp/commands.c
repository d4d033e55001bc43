#include "tests/unit/unit.h"

#include "xmpp/commands.h"
#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

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

static Text wire(const OutgoingList *list, TextBuilder *out) {
        Failure failure;
        ck_assert(!list->incomplete);
        for (const Outgoing *one = list->first; one; one = one->next) {
                ck_assert_done(stanza_stamp(one, TEXT("agents.localhost"), &failure), failure);
                element_write(out, one->element, TEXT(NS_COMPONENT));
        }
        return text_built(out);
}

#define IQ(type, content)                                                                                              \
        "<iq type='" type "' id='1' from='ann@home.example/phone' to='agents.localhost'>" content "</iq>"
#define BACK " from='agents.localhost' to='ann@home.example/phone'>"

START_TEST(a_request_is_read_with_its_action) {
        static const struct {
                const char *attributes;
                AdHocAction action;
        } cases[] = {
                { "", ADHOC_EXECUTE },
                { "action='execute'", ADHOC_EXECUTE },
                { "action='prev'", ADHOC_PREV },
                { "action='next'", ADHOC_NEXT },
                { "action='complete'", ADHOC_COMPLETE },
                { "action='cancel'", ADHOC_CANCEL },
                { "action='Cancel'", ADHOC_ACTION_COUNT },
                { "action='jump'", ADHOC_ACTION_COUNT },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                _cleanup_(text_builder_release) TextBuilder xml = text_builder(0);
                text_add_format(&xml,
                                IQ("set", "<command xmlns='" NS_COMMANDS "' node='n' sessionid='s' %s>"
                                          "<x xmlns='jabber:x:data' type='submit'/></command>"),
                                cases[i].attributes);
                Stanza iq = read_stanza(xml.bytes, &arena);
                ck_assert(adhoc_is(&iq));
                AdHocRequest request = adhoc_read(&iq);
                ck_assert_int_eq(request.action, cases[i].action);
                ck_assert_text(request.node, TEXT("n"));
                ck_assert_text(request.session_id, TEXT("s"));
                ck_assert(request.form && form_is(request.form));
        }
}
END_TEST

START_TEST(what_is_no_command_is_none) {
        static const char *const others[] = {
                IQ("get", "<command xmlns='http://jabber.org/protocol/commands' node='n'/>"),
                IQ("result", "<command xmlns='http://jabber.org/protocol/commands' node='n'/>"),
                IQ("set", "<command xmlns='urn:other' node='n'/>"),
                IQ("set", "<query xmlns='http://jabber.org/protocol/commands'/>"),
                IQ("set", ""),
                "<presence from='ann@home.example/phone' to='agents.localhost'>"
                "<command xmlns='http://jabber.org/protocol/commands' node='n'/></presence>",
        };
        for (size_t i = 0; i < COUNT_OF(others); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                Stanza stanza = read_stanza(others[i], &arena);
                ck_assert_msg(!adhoc_is(&stanza), "%s", others[i]);
        }
        _cleanup_(arena_freep) Arena *arena = NULL;
        Stanza bare = read_stanza(IQ("set", "<command xmlns='http://jabber.org/protocol/commands'/>"), &arena);
        AdHocRequest request = adhoc_read(&bare);
        ck_assert(adhoc_is(&bare) && request.node.length == 0 && request.session_id.length == 0 && !request.form);
}
END_TEST

START_TEST(replies_say_what_may_follow) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Stanza iq = read_stanza(IQ("set", "<command xmlns='" NS_COMMANDS "' node='n'/>"), &arena);
        static const struct {
                AdHocReply reply;
                const char *content;
        } cases[] = {
                { { .status = ADHOC_EXECUTING, .next = true, .execute = ADHOC_NEXT },
                  " status='executing'><actions execute='next'><next/></actions></command>" },
                { { .status = ADHOC_EXECUTING,
                    .prev = true,
                    .complete = true,
                    .execute = ADHOC_COMPLETE,
                    .note_type = ADHOC_ERROR,
                    .note = { "wrong", 5 } },
                  " status='executing'><actions execute='complete'><prev/><complete/></actions>"
                  "<note type='error'>wrong</note></command>" },
                { { .status = ADHOC_COMPLETED, .note = { "Done.", 5 } },
                  " status='completed'><note type='info'>Done.</note></command>" },
                { { .status = ADHOC_CANCELED }, " status='canceled'/>" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(text_builder_release) TextBuilder out = text_builder(0), expected = text_builder(0);
                OutgoingList list = { NULL };
                AdHocReply reply = cases[i].reply;
                reply.node = TEXT("n");
                reply.session_id = TEXT("s");
                adhoc_add_reply(&list, arena, &iq, &reply);
                text_add_format(&expected,
                                "<iq type='result' id='1'" BACK "<command xmlns='" NS_COMMANDS
                                "' node='n' sessionid='s'%s</iq>",
                                cases[i].content);
                ck_assert_text(wire(&list, &out), text_built(&expected));
        }
}
END_TEST

START_TEST(errors_carry_their_own_condition_beside_the_general_one) {
        static const struct {
                AdHocError error;
                const char *type, *general, *own;
        } cases[] = {
                { ADHOC_MALFORMED_ACTION, "modify", "bad-request", "malformed-action" },
                { ADHOC_BAD_ACTION, "modify", "bad-request", "bad-action" },
                { ADHOC_BAD_PAYLOAD, "modify", "bad-request", "bad-payload" },
                { ADHOC_BAD_SESSION_ID, "modify", "bad-request", "bad-sessionid" },
                { ADHOC_SESSION_EXPIRED, "cancel", "not-allowed", "session-expired" },
        };
        _cleanup_(arena_freep) Arena *arena = NULL;
        Stanza iq = read_stanza(IQ("set", "<command xmlns='" NS_COMMANDS "' node='n'/>"), &arena);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(text_builder_release) TextBuilder out = text_builder(0), expected = text_builder(0);
                OutgoingList list = { NULL };
                adhoc_add_error(&list, arena, &iq, cases[i].error, TEXT("why"));
                text_add_format(&expected,
                                "<iq type='error' id='1'" BACK "<error type='%s'><%s xmlns='" NS_STANZA_ERRORS
                                "'/><text xmlns='" NS_STANZA_ERRORS "'>why</text><%s xmlns='" NS_COMMANDS
                                "'/></error></iq>",
                                cases[i].type, cases[i].general, cases[i].own);
                ck_assert_text(wire(&list, &out), text_built(&expected));
        }
        /* What must not be answered is not. */
        _cleanup_(arena_freep) Arena *other = NULL;
        Stanza result = read_stanza(IQ("result", ""), &other);
        OutgoingList list = { NULL };
        adhoc_add_error(&list, other, &result, ADHOC_BAD_ACTION, TEXT_NONE);
        ck_assert_ptr_null(list.first);
}
END_TEST

UNIT_TESTS("xmpp/commands", a_request_is_read_with_its_action, what_is_no_command_is_none, replies_say_what_may_follow,
           errors_carry_their_own_condition_beside_the_general_one)
