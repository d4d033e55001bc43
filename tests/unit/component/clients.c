#include "component/clients.h"

#include "base/clock.h"
#include "tests/unit/unit.h"
#include "tests/unit/xmpp/wire.h"

#define ROMEO TEXT("romeo@home.example/phone")

static bool take(Clients *clients, const char *xml, int64_t now_us) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        Stanza stanza = wire_read(xml, &arena);

        return clients_take(clients, &stanza, now_us);
}

#define REPLY(from, type, payload)                                                                                     \
        "<iq from='" from "' to='guide@agents.example/aiox' id='client-features' type='" type "'>" payload "</iq>"
#define CORRECTS                                                                                                       \
        "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:message-correct:0'/></query>"
#define OTHER "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:ping'/></query>"

START_TEST(client_is_asked_once_and_believed_for_an_hour) {
        _cleanup_(clients_freep) Clients *clients = clients_new();
        bool ask;

        ck_assert(!clients_show_corrections(clients, ROMEO, SECONDS, &ask));
        ck_assert(ask);
        ck_assert(!clients_show_corrections(clients, ROMEO, 2 * SECONDS, &ask));
        ck_assert(!ask);
        ck_assert(take(clients, REPLY("romeo@home.example/phone", "result", CORRECTS), 3 * SECONDS));
        ck_assert(clients_show_corrections(clients, ROMEO, 4 * SECONDS, &ask));
        ck_assert(!ask);
        ck_assert(!clients_show_corrections(clients, ROMEO, 3700 * SECONDS, &ask));
        ck_assert(ask);
}
END_TEST

START_TEST(what_is_no_answer_or_says_no_means_no) {
        static const char *const replies[] = {
                REPLY("romeo@home.example/phone", "result", OTHER),
                REPLY("romeo@home.example/phone", "result", ""),
                REPLY("romeo@home.example/phone", "result", "<query xmlns='other'/>"),
                REPLY("romeo@home.example/phone", "error", CORRECTS),
        };

        for (size_t i = 0; i < COUNT_OF(replies); i++) {
                _cleanup_(clients_freep) Clients *clients = clients_new();
                bool ask;
                clients_show_corrections(clients, ROMEO, SECONDS, &ask);
                ck_assert(take(clients, replies[i], 2 * SECONDS));
                ck_assert_msg(!clients_show_corrections(clients, ROMEO, 3 * SECONDS, &ask), "%s", replies[i]);
                ck_assert(!ask);
        }
}
END_TEST

START_TEST(nobody_answers_who_was_not_asked) {
        _cleanup_(clients_freep) Clients *clients = clients_new();
        bool ask;

        ck_assert(take(clients, REPLY("romeo@home.example/phone", "result", CORRECTS), SECONDS));
        ck_assert(!clients_show_corrections(clients, ROMEO, 2 * SECONDS, &ask));
        ck_assert(take(clients, REPLY("romeo@home.example/desk", "result", CORRECTS), 3 * SECONDS));
        ck_assert(!clients_show_corrections(clients, ROMEO, 4 * SECONDS, &ask));
        /* A second word changes nothing, and other stanzas are not ours. */
        ck_assert(take(clients, REPLY("romeo@home.example/phone", "result", OTHER), 5 * SECONDS));
        ck_assert(take(clients, REPLY("romeo@home.example/phone", "result", CORRECTS), 6 * SECONDS));
        ck_assert(!clients_show_corrections(clients, ROMEO, 7 * SECONDS, &ask));
        ck_assert(!take(clients, "<iq from='a@b/c' to='d@e' id='other' type='result'/>", 8 * SECONDS));
        ck_assert(!take(clients, "<iq from='a@b/c' to='d@e' id='client-features' type='get'/>", 9 * SECONDS));
}
END_TEST

UNIT_TESTS("component/clients", client_is_asked_once_and_believed_for_an_hour, what_is_no_answer_or_says_no_means_no,
           nobody_answers_who_was_not_asked)
