#include "xmpp/registration.h"

#include "tests/unit/xmpp/wire.h"

#define IQ(type, content)                                                                                              \
        "<iq type='" type "' id='1' from='ann@home.example/phone' to='agents.localhost'><query "                       \
        "xmlns='jabber:iq:register'>" content "</query></iq>"
#define FORM(type, fields) "<x xmlns='jabber:x:data' type='" type "'>" fields "</x>"
#define FIELD(name, value) "<field var='" name "'><value>" value "</value></field>"

START_TEST(what_somebody_sends_is_read_from_a_form_or_from_elements) {
        static const struct {
                const char *stanza;
                RegistrationWish wish;
                const char *name, *title, *code;
        } cases[] = {
                { IQ("get", ""), REGISTRATION_ASKED, "", "", "" },
                { IQ("get", "<remove/>"), REGISTRATION_ASKED, "", "", "" },
                { IQ("set", ""), REGISTRATION_SENT, "", "", "" },
                { IQ("set", "<remove/>"), REGISTRATION_REMOVE, "", "", "" },
                { IQ("set", "<username> acme </username><name>Acme</name><key>c0de</key><password>x</password>"),
                  REGISTRATION_SENT, "acme", "Acme", "c0de" },
                { IQ("set",
                     FORM("submit", FIELD("username", "acme") FIELD("name", "Acme Ltd") FIELD("x-code", "c0de"))),
                  REGISTRATION_SENT, "acme", "Acme Ltd", "c0de" },
                { IQ("set", "<username>other</username>" FORM("submit", FIELD("username", "acme"))), REGISTRATION_SENT,
                  "acme", "", "" },
                { IQ("set", FORM("cancel", "")), REGISTRATION_GIVEN_UP, "", "", "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Arena *arena;
                Stanza iq = wire_read(cases[i].stanza, &arena);
                RegistrationRequest request;
                Failure failure;
                ck_assert(registration_is(&iq));
                ck_assert_done(registration_read(&iq, &request, &failure), failure);
                ck_assert_int_eq(request.wish, cases[i].wish);
                ck_assert_text(request.name, text_of(cases[i].name));
                ck_assert_text(request.title, text_of(cases[i].title));
                ck_assert_text(request.code, text_of(cases[i].code));
                arena_free(arena);
        }
}
END_TEST

START_TEST(what_is_no_form_is_refused_and_what_is_no_registration_is_none) {
        Arena *arena;
        RegistrationRequest request;
        Failure failure;
        Stanza iq = wire_read(IQ("set", FORM("strange", "")), &arena);
        ck_assert(!registration_read(&iq, &request, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        arena_free(arena);
        static const char *const others[] = {
                IQ("result", ""),
                "<iq type='get' id='1' from='a@b' to='agents.localhost'><query xmlns='jabber:iq:version'/></iq>",
                "<iq type='get' id='1' from='a@b' to='agents.localhost'><ping xmlns='jabber:iq:register'/></iq>",
                "<message from='a@b' to='agents.localhost'><query xmlns='jabber:iq:register'/></message>",
        };
        for (size_t i = 0; i < COUNT_OF(others); i++) {
                iq = wire_read(others[i], &arena);
                ck_assert(!registration_is(&iq));
                arena_free(arena);
        }
}
END_TEST

START_TEST(an_offer_is_a_form_and_the_same_as_elements) {
        Arena *arena;
        OutgoingList list = { 0 };
        TextBuilder out = text_builder(0);
        Stanza iq = wire_read(IQ("get", ""), &arena);
        RegistrationOffer offer = { .instructions = TEXT("Choose."),
                                    .registered = true,
                                    .name = TEXT("acme"),
                                    .title = TEXT("Acme"),
                                    .code_needed = true };
        registration_add_offer(&list, arena, &iq, &offer);
        Text text = wire_write(&list, &out);
        static const char *const parts[] = {
                "<registered/>",
                "<instructions>Choose.</instructions>",
                "<username>acme</username>",
                "<name>Acme</name>",
                "var='FORM_TYPE'",
                "<value>jabber:iq:register</value>",
                "var='x-code'",
                "<required/>",
        };
        for (size_t i = 0; i < COUNT_OF(parts); i++)
                ck_assert_msg(memmem(text.bytes, text.length, parts[i], strlen(parts[i])), "%s is not in %.*s",
                              parts[i], TEXT_ARGUMENTS(text));
        text_builder_release(&out);
        arena_free(arena);
}
END_TEST

UNIT_TESTS("xmpp/registration", what_somebody_sends_is_read_from_a_form_or_from_elements,
           what_is_no_form_is_refused_and_what_is_no_registration_is_none, an_offer_is_a_form_and_the_same_as_elements)
