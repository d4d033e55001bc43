#include "tests/unit/xmpp/wire.h"

#include "xmpp/extensions.h"

/* XEP-0115 §5.2 and §5.3, and the same in another order. */
static const struct {
        const char *query, *version;
} queries[] = {
        { "<query xmlns='http://jabber.org/protocol/disco#info'>"
          "<identity category='client' name='Exodus 0.9.1' type='pc'/>"
          "<feature var='http://jabber.org/protocol/caps'/>"
          "<feature var='http://jabber.org/protocol/disco#info'/>"
          "<feature var='http://jabber.org/protocol/disco#items'/>"
          "<feature var='http://jabber.org/protocol/muc'/></query>",
          "QgayPKawpkPSDYmwT/WM94uAlu0=" },
        { "<query xmlns='http://jabber.org/protocol/disco#info'>"
          "<feature var='http://jabber.org/protocol/muc'/>"
          "<feature var='http://jabber.org/protocol/disco#items'/>"
          "<identity category='client' name='Exodus 0.9.1' type='pc'/>"
          "<feature var='http://jabber.org/protocol/disco#info'/>"
          "<feature var='http://jabber.org/protocol/caps'/></query>",
          "QgayPKawpkPSDYmwT/WM94uAlu0=" },
        { "<query xmlns='http://jabber.org/protocol/disco#info' node='http://psi-im.org#q07IKJEyjvHSyhy//CH0CxmKi8w='>"
          "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
          "<identity xml:lang='el' category='client' name='\u03a8 0.11' type='pc'/>"
          "<feature var='http://jabber.org/protocol/caps'/>"
          "<feature var='http://jabber.org/protocol/disco#info'/>"
          "<feature var='http://jabber.org/protocol/disco#items'/>"
          "<feature var='http://jabber.org/protocol/muc'/>"
          "<x xmlns='jabber:x:data' type='result'>"
          "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>"
          "<field var='ip_version'><value>ipv4</value><value>ipv6</value></field>"
          "<field var='os'><value>Mac</value></field>"
          "<field var='os_version'><value>10.5.1</value></field>"
          "<field var='software'><value>Psi</value></field>"
          "<field var='software_version'><value>0.11</value></field></x></query>",
          "q07IKJEyjvHSyhy//CH0CxmKi8w=" },
};

START_TEST(verification_strings_are_those_of_the_specification) {
        for (size_t i = 0; i < COUNT_OF(queries); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                const Element *query = wire_parse(queries[i].query, &arena);
                ck_assert_text(caps_version(arena, query), text_of(queries[i].version));
        }
}
END_TEST

START_TEST(a_verification_string_without_room_is_none) {
        _cleanup_(arena_freep) Arena *arena = NULL, *small = arena_new(8);
        const Element *query = wire_parse(queries[0].query, &arena);
        ck_assert_uint_eq(caps_version(small, query).length, 0);
        ck_assert_uint_eq(caps_version(arena, NULL).length, 0);
}
END_TEST

START_TEST(only_our_own_node_with_the_right_sum_is_known) {
        ck_assert(caps_is_node(TEXT("urn:aiox:0#abc="), TEXT("abc=")));
        ck_assert(!caps_is_node(TEXT("urn:aiox:0#abc"), TEXT("abc=")));
        ck_assert(!caps_is_node(TEXT("urn:aiox:0"), TEXT("abc=")));
        ck_assert(!caps_is_node(TEXT("urn:other#abc="), TEXT("abc=")));
        ck_assert(!caps_is_node(TEXT_NONE, TEXT("abc=")));
}
END_TEST

START_TEST(contact_addresses_have_a_kind_and_a_uri) {
        static const struct {
                const char *address;
                bool right;
        } addresses[] = {
                { "admin=mailto:a@b", true }, { "security=https://b/c?d=e", true }, { "support=xmpp:a@b", true },
                { "mailto:a@b", false },      { "boss=mailto:a@b", false },         { "admin=", false },
                { "admin=:", false },         { "admin=nothing", false },           { "", false },
                { "=mailto:a@b", false },
        };
        for (size_t i = 0; i < COUNT_OF(addresses); i++) {
                Text kind, uri;
                ck_assert_msg(contact_address_parse(text_of(addresses[i].address), &kind, &uri) == addresses[i].right,
                              "%s", addresses[i].address);
        }
}
END_TEST

UNIT_TESTS("xmpp/extensions", verification_strings_are_those_of_the_specification,
           a_verification_string_without_room_is_none, only_our_own_node_with_the_right_sum_is_known,
           contact_addresses_have_a_kind_and_a_uri)
