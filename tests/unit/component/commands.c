/* What a command says from stage to stage. */
#include "component/doors/command_result.h"
#include "tests/unit/component/booth.h"

#include <stdio.h>

#define COMMANDS "http://jabber.org/protocol/commands"
#define NEXT     "<actions execute='next'><next/><complete/></actions>"
#define COMPLETE "<actions execute='complete'><complete/></actions>"

static const char *ask(Booth *booth, const char *to, const char *node, const char *what) {
        char xml[512];
        snprintf(xml, sizeof(xml),
                 "<iq type='get' id='1' from='" ANN "' to='%s'><query node='%s' "
                 "xmlns='http://jabber.org/protocol/disco#%s'/></iq>",
                 to, node, what);
        return booth_send(booth, xml);
}

START_TEST(what_may_be_run_is_listed) {
        Booth *booth = booth_open(SESSION_LIMITS);
        const char *said = ask(booth, HUB, COMMANDS, "items");
        booth_expect(said, "<item jid='" HUB "' node='agent-pause' name='Agent pause'/>");
        booth_expect(said, "<item jid='" HUB "' node='agent-list' name='Agent list'/></query>");
        booth_expect(ask(booth, AGENT, COMMANDS, "items"),
                     "<item jid='" AGENT "' node='agent-resume' name='Agent resume'/>");
        booth_expect(ask(booth, AGENT, COMMANDS, "info"),
                     "<identity category='automation' type='command-list' name='Commands'/>");
        said = ask(booth, AGENT, "agent-pause", "info");
        booth_expect(said, "<identity category='automation' type='command-node' name='Agent pause'/>");
        booth_expect(said, "<feature var='http://jabber.org/protocol/commands'/>");
        booth_expect(ask(booth, AGENT, "agent-delete", "info"), "<item-not-found ");
        booth->refuses = true;
        booth_expect(ask(booth, HUB, COMMANDS, "items"), "node='http://jabber.org/protocol/commands'/></iq>");
        booth_close(booth);
}
END_TEST

START_TEST(an_operation_is_a_form_and_its_result_another) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        const char *said = booth_begin(booth, HUB, "agent-pause", session);
        booth_expect(said, "status='executing'>" COMPLETE "<x xmlns='jabber:x:data' type='form'>");
        booth_expect(said, "<title>Agent pause</title>");
        booth_expect(said, "<field type='text-single' var='agent' label='Agent'><desc>The agent");
        booth_expect(said, "<required/></field>");
        booth_expect(said, "<field type='text-single' var='reason' label='Reason'>");
        booth_expect_no(said, "var='tenant'");
        said = booth_step(booth, HUB, "agent-pause", session, "complete",
                          FIELD("agent", " support ") FIELD("reason", "Lunch."));
        booth_expect(said, "status='completed'><note type='info'>Done.</note><x xmlns='jabber:x:data' type='result'>");
        booth_expect(said, "<field type='text-single' var='state' label='state'><value>paused</value></field>");
        ck_assert_str_eq(booth->operation, "agent-pause");
        ck_assert_str_eq(booth->principal, "ann@home.example");
        ck_assert_str_eq(booth->tenant, "acme");
        ck_assert_str_eq(booth->input, "{\"agent\":\"support\",\"reason\":\"Lunch.\"}");
        ck_assert(!booth->platform);
        booth_close(booth);
}
END_TEST

START_TEST(on_an_agent_the_agent_is_no_question) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_expect_no(booth_begin(booth, AGENT "/aiox", "agent-pause", session), "var='agent'");
        booth_expect(booth_step(booth, AGENT "/aiox", "agent-pause", session, NULL, ""), "status='completed'");
        ck_assert_str_eq(booth->input, "{\"agent\":\"" AGENT "\"}");
        ck_assert_str_eq(booth->tenant, "");
        /* Nothing is left to ask: it is done at once. */
        booth_expect(booth_begin(booth, AGENT, "agent-resume", session), "status='completed'");
        ck_assert_str_eq(booth->operation, "agent-resume");
        booth_close(booth);
}
END_TEST

START_TEST(many_optional_fields_have_a_page_of_their_own) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        const char *said = booth_begin(booth, HUB, "agent-create", session);
        booth_expect(said, NEXT);
        booth_expect(said, "var='name'");
        booth_expect_no(said, "var='visibility'");
        said = booth_step(booth, HUB, "agent-create", session, "next", FIELD("name", "support"));
        booth_expect(said, "<actions execute='complete'><prev/><complete/></actions>");
        booth_expect_no(said, "var='name'");
        booth_expect(said,
                     "<field type='fixed'><value>Name: support</value></field><field type='jid-single' var='owner'");
        booth_expect(said, "<value>private</value><option label='private'><value>private</value></option>");
        booth_expect(said, "var='max_tokens' label='Max tokens'>");
        booth_expect(said, "<value>4096</value>");
        booth_expect(said, "<field type='text-multi' var='tags' label='Tags'>");
        said = booth_step(booth, HUB, "agent-create", session, "prev",
                          FIELD("tags", "law</value><value> </value><value>tax") FIELD("goal", "Help."));
        booth_expect(said, "var='name' label='Name'>");
        booth_expect(said, "<value>support</value>");
        said = booth_step(booth, HUB, "agent-create", session, "next", FIELD("name", "helper"));
        booth_expect(said, "<value>law</value><value>tax</value>");
        booth_expect(said, "<value>Help.</value>");
        booth_step(booth, HUB, "agent-create", session, "execute", FIELD("visibility", "public"));
        ck_assert_str_eq(booth->input, "{\"goal\":\"Help.\",\"name\":\"helper\",\"tags\":[\"law\",\"tax\"],"
                                       "\"visibility\":\"public\"}");
        /* What is optional may be left alone. */
        booth_begin(booth, HUB, "agent-create", session);
        booth_step(booth, HUB, "agent-create", session, "complete", FIELD("name", "short"));
        ck_assert_str_eq(booth->input, "{\"name\":\"short\"}");
        booth_close(booth);
}
END_TEST

START_TEST(what_stays_as_it_is_when_absent_has_no_default) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        const char *said = booth_begin(booth, AGENT, "agent-update", session);
        booth_expect(said, "var='visibility' label='Visibility'><desc>Who may talk to it.</desc><value/><option "
                           "label='–'><value/></option>");
        booth_expect_no(said, "<value>4096</value>");
        booth_step(booth, AGENT, "agent-update", session, "complete", FIELD("visibility", "") FIELD("goal", "G"));
        ck_assert_str_eq(booth->input, "{\"agent\":\"" AGENT "\",\"goal\":\"G\"}");
        booth_close(booth);
}
END_TEST

START_TEST(of_several_tenants_one_is_asked_for) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth->tenant_count = 2;
        const char *said = booth_begin(booth, HUB, "agent-pause", session);
        booth_expect(said,
                     "<field type='list-single' var='tenant' label='Tenant'><desc>In which of your tenants.</desc>"
                     "<required/><option label='acme'><value>acme</value></option><option label='other'>");
        said = booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a") FIELD("tenant", "third"));
        booth_expect(said, "<note type='error'>'tenant' must be one of your tenants</note>");
        booth_expect(said, "<instructions>'tenant' must be one of your tenants</instructions>");
        booth_expect(said, "<value>third</value>");
        booth_expect(booth_step(booth, HUB, "agent-pause", session, "complete", ""), "'tenant' must be one of");
        ck_assert_int_eq(booth->runs, 0);
        booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("tenant", "other"));
        ck_assert_str_eq(booth->tenant, "other");
        ck_assert_str_eq(booth->input, "{\"agent\":\"a\"}");
        /* An operation on a tenant asks in its own field; a single one is not asked for. */
        said = booth_begin(booth, HUB, "tenant-update", session);
        booth_expect(said, "<field type='list-single' var='slug'");
        booth_expect_no(said, "var='tenant'");
        booth->tenant_count = 1;
        booth_expect_no(booth_begin(booth, HUB, "tenant-update", session), "var='slug'");
        booth_step(booth, HUB, "tenant-update", session, "complete", FIELD("name", "Acme"));
        ck_assert_str_eq(booth->input, "{\"name\":\"Acme\",\"slug\":\"acme\"}");
        ck_assert_str_eq(booth->tenant, "");
        booth_close(booth);
}
END_TEST

START_TEST(a_platform_admin_may_name_any_tenant) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth->asker.platform = true;
        booth->tenant_count = 0;
        booth_expect(booth_begin(booth, HUB, "agent-pause", session), "<field type='text-single' var='tenant'");
        booth_expect(booth_step(booth, HUB, "agent-pause", session, "complete",
                                FIELD("agent", "a") FIELD("tenant", "No such!")),
                     "<note type='error'>'tenant' must be");
        booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a") FIELD("tenant", "globex"));
        ck_assert_str_eq(booth->tenant, "globex");
        ck_assert(booth->platform);
        booth_begin(booth, HUB, "agent-pause", session);
        booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a"));
        ck_assert_str_eq(booth->tenant, "");
        booth_close(booth);
}
END_TEST

START_TEST(what_destroys_asks_first_and_says_what) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        const char *said = booth_begin(booth, HUB, "agent-delete", session);
        booth_expect(said, "<actions execute='next'><next/></actions>");
        said = booth_step(booth, HUB, "agent-delete", session, "complete", FIELD("agent", "support"));
        booth_expect(said, "<bad-request ");
        booth_expect(said, "<bad-action xmlns='http://jabber.org/protocol/commands'/>");
        said = booth_step(booth, HUB, "agent-delete", session, "execute", FIELD("agent", "support"));
        booth_expect(said, "<actions execute='complete'><prev/><complete/></actions>");
        booth_expect(said, "<field type='fixed'><value>agent: support</value></field>");
        booth_expect(said, "<field type='fixed'><value>tenant: acme</value></field>");
        booth_expect(said, "<field type='boolean' var='confirm' label='Yes, really'><required/><value>0</value>");
        static const char *const unsure[] = { NULL, "", FIELD("confirm", "0"), FIELD("confirm", "perhaps"),
                                              FIELD("other", "1") };
        for (size_t i = 0; i < COUNT_OF(unsure); i++) {
                said = booth_step(booth, HUB, "agent-delete", session, "complete", unsure[i]);
                booth_expect(said, "<note type='error'>'confirm' must be true to go on</note>");
                booth_expect(said, "agent: support");
        }
        ck_assert_int_eq(booth->runs, 0);
        booth_expect(booth_step(booth, HUB, "agent-delete", session, "prev", NULL), "<value>support</value>");
        booth_step(booth, HUB, "agent-delete", session, "next", NULL);
        said = booth_step(booth, HUB, "agent-delete", session, "complete", FIELD("confirm", "true"));
        booth_expect(said, "status='completed'");
        ck_assert_int_eq(booth->runs, 1);
        ck_assert_str_eq(booth->input, "{\"agent\":\"support\"}");
        /* On an agent nothing is asked but that. */
        said = booth_begin(booth, AGENT, "agent-delete", session);
        booth_expect(said, COMPLETE);
        booth_expect(said, "agent: " AGENT);
        booth_close(booth);
}
END_TEST

START_TEST(a_wrong_form_comes_again_with_what_was_typed) {
        static const struct {
                const char *form, *sentence, *kept;
        } cases[] = {
                { "", "'agent' is missing", NULL },
                { FIELD("agent", "  "), "'agent' is missing", NULL },
                { FIELD("agent", "No Name"), "'agent' must be", "<value>No Name</value>" },
                { FIELD("reason", "Lunch."), "'agent' is missing", "<value>Lunch.</value>" },
                { FIELD("agent", "a") FIELD("agenda", "b"), "'agenda' was not asked for; did you mean 'agent'?",
                  "<value>a</value>" },
                { FIELD("agent", "a") FIELD("tenant", "acme"), "'tenant' was not asked for", "<value>a</value>" },
                { FIELD("agent", "a") FIELD("limit", "9"), "'limit' was not asked for", NULL },
                { FIELD("reason", "r") "<field var='agent'><value>a</value><value>b</value></field>",
                  "'agent' takes one value", "<value>r</value>" },
                { NULL, "'agent' is missing", NULL },
        };
        Booth *booth = booth_open(SESSION_LIMITS);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char session[SESSION_ID_SIZE];
                booth_begin(booth, HUB, "agent-pause", session);
                const char *said = booth_step(booth, HUB, "agent-pause", session, "complete", cases[i].form);
                booth_expect(said, "status='executing'>" COMPLETE "<note type='error'>");
                booth_expect(said, cases[i].sentence);
                if (cases[i].kept)
                        booth_expect(said, cases[i].kept);
                ck_assert_int_eq(booth->runs, 0);
                /* And may then be put right. */
                said = booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a"));
                booth_expect(said, "status='completed'");
                booth->runs = 0;
        }
        booth_close(booth);
}
END_TEST

START_TEST(a_secret_is_asked_for_in_private_and_not_shown_again) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        const char *said = booth_begin(booth, HUB, "secret-set", session);
        booth_expect(said, "<field type='text-private' var='value'");
        said = booth_step(booth, HUB, "secret-set", session, "complete",
                          FIELD("name", "No Name") FIELD("value", "CANARY"));
        booth_expect(said, "<value>No Name</value>");
        booth_expect_no(said, "CANARY");
        said = booth_step(booth, HUB, "secret-set", session, "complete",
                          FIELD("name", "mine") FIELD("value", "CANARY"));
        booth_expect_no(said, "CANARY");
        ck_assert_int_eq(booth->runs, 1);
        booth_close(booth);
}
END_TEST

START_TEST(what_is_no_form_is_a_bad_payload) {
        static const char *const forms[] = {
                "<x xmlns='jabber:x:data' type='form'/>",
                "<x xmlns='jabber:x:data' type='result'/>",
                "<x xmlns='jabber:x:data' type='other'/>",
                "<x xmlns='jabber:x:data'/>",
                "<x xmlns='jabber:x:data' type='submit'><field><value>a</value></field></x>",
                "<x xmlns='jabber:x:data' type='submit'>" FIELD("agent", "a") FIELD("agent", "b") "</x>",
        };
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_begin(booth, HUB, "agent-pause", session);
        for (size_t i = 0; i < COUNT_OF(forms); i++) {
                const char *said = booth_step(booth, HUB, "agent-pause", session, "complete", forms[i]);
                booth_expect(said, "<bad-request ");
                booth_expect(said, "<bad-payload xmlns='http://jabber.org/protocol/commands'/>");
        }
        ck_assert_int_eq(booth->runs, 0);
        booth_expect(booth_step(booth, HUB, "agent-pause", session, NULL, FIELD("agent", "a")), "status='completed'");
        booth_close(booth);
}
END_TEST

START_TEST(what_clients_send_back_unasked_is_no_mistake) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_begin(booth, HUB, "agent-pause", session);
        booth_expect(booth_step(booth, HUB, "agent-pause", session, "complete",
                                "<field var='FORM_TYPE' type='hidden'><value>x</value></field>"
                                "<field type='fixed'><value>x</value></field>" FIELD("agent", "a")),
                     "status='completed'");
        booth_close(booth);
}
END_TEST

START_TEST(a_failure_that_can_be_mended_asks_again) {
        static const struct {
                FailureKind kind;
                bool again, stays;
                const char *condition;
        } cases[] = {
                { FAILURE_INVALID, true, true, NULL },
                { FAILURE_NOT_FOUND, true, true, NULL },
                { FAILURE_CONFLICT, true, true, NULL },
                { FAILURE_TOO_LARGE, true, true, NULL },
                { FAILURE_POLICY, true, true, NULL },
                { FAILURE_FORBIDDEN, false, false, "<forbidden " },
                { FAILURE_INTERNAL, false, false, "<internal-server-error " },
                { FAILURE_UNAVAILABLE, false, true, "<recipient-unavailable " },
                { FAILURE_TIMED_OUT, false, true, "<remote-server-timeout " },
        };
        Booth *booth = booth_open(SESSION_LIMITS);
        booth->failure_text = "it is as it is";
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char session[SESSION_ID_SIZE];
                booth->failure = cases[i].kind;
                booth_begin(booth, HUB, "agent-pause", session);
                const char *said = booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a"));
                booth_expect(said, "it is as it is");
                booth_expect(said, cases[i].again ? "<note type='error'>" : cases[i].condition);
                booth->failure = FAILURE_NONE;
                said = booth_step(booth, HUB, "agent-pause", session, "complete", NULL);
                if (cases[i].stays)
                        booth_expect(said, "status='completed'");
                else
                        booth_expect_expired(said);
        }
        /* With nothing to fill in, it is over. */
        booth->failure = FAILURE_CONFLICT;
        const char *said = booth_ask(booth, ANN, AGENT, "agent-resume", NULL, NULL, NULL);
        booth_expect(said, "status='completed'><note type='error'>it is as it is</note></command>");
        booth->failure = FAILURE_UNAVAILABLE;
        booth_expect(booth_ask(booth, ANN, AGENT, "agent-resume", NULL, NULL, NULL), "<recipient-unavailable ");
        booth_close(booth);
}
END_TEST

START_TEST(a_list_is_shown_page_by_page) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth->result =
                "{\"after\":\"b\",\"has_more\":true,\"data\":[{\"name\":\"a\",\"state\":\"active\",\"version\":1},"
                "{\"name\":\"b\",\"state\":null,\"more\":{}}]}";
        booth_begin(booth, HUB, "agent-list", session);
        const char *said = booth_step(booth, HUB, "agent-list", session, NULL, FIELD("state", "active"));
        booth_expect(said, "status='executing'>" NEXT "<note type='info'>There are more.</note>");
        booth_expect(said, "<reported><field type='text-single' var='name' label='name'/>");
        booth_expect(said, "<item><field var='name'><value>a</value></field><field var='state'><value>active</value>");
        booth_expect_no(said, "var='limit'");
        ck_assert_str_eq(booth->input, "{\"limit\":25,\"state\":\"active\"}");
        booth_expect(booth_step(booth, HUB, "agent-list", session, "prev", NULL), "<bad-action ");
        booth->failure = FAILURE_UNAVAILABLE;
        booth->failure_text = "wait";
        booth_expect(booth_step(booth, HUB, "agent-list", session, "next", NULL), "<recipient-unavailable ");
        booth->failure = FAILURE_NONE;
        booth->result = "{\"after\":null,\"has_more\":false,\"data\":[{\"name\":\"c\"}]}";
        said = booth_step(booth, HUB, "agent-list", session, "next", NULL);
        ck_assert_str_eq(booth->input, "{\"after\":\"b\",\"limit\":25,\"state\":\"active\"}");
        booth_expect(said, "status='completed'><x ");
        booth_expect_expired(booth_step(booth, HUB, "agent-list", session, "next", NULL));
        booth->result = "{\"after\":\"c\",\"has_more\":true,\"data\":[]}";
        booth_begin(booth, HUB, "agent-list", session);
        said = booth_step(booth, HUB, "agent-list", session, NULL, NULL);
        booth_expect(said, "<value>No agents found.</value>");
        booth_expect(booth_step(booth, HUB, "agent-list", session, "complete", NULL), "status='completed'/>");
        booth_expect_expired(booth_step(booth, HUB, "agent-list", session, "complete", NULL));
        booth_close(booth);
}
END_TEST

START_TEST(a_record_shows_every_kind_of_value) {
        Booth *booth = booth_open(SESSION_LIMITS);
        booth->result = "{\"text\":\"one\\ntwo\",\"number\":3,\"real\":0.5,\"yes\":true,\"none\":null,\"empty\":\"\","
                        "\"no_items\":[],\"items\":[\"a\",{\"b\":[1]}],\"thing\":{\"c\":{\"d\":1}}}";
        const char *said = booth_ask(booth, ANN, AGENT, "agent-resume", NULL, NULL, NULL);
        booth_expect(said, "<field type='text-multi' var='text' label='text'><value>one</value><value>two</value>");
        booth_expect(said, "var='number' label='number'><value>3</value>");
        booth_expect(said, "<value>0.5</value>");
        booth_expect(said, "<value>yes</value>");
        booth_expect(said, "<value>a</value><value>b: 1</value>");
        booth_expect(said, "<field type='text-multi' var='thing' label='thing'><value>c:</value><value>  d: 1</value>");
        booth_expect_no(said, "var='none'");
        booth_expect_no(said, "var='empty'");
        booth_expect_no(said, "var='no_items'");
        booth_close(booth);
}
END_TEST

START_TEST(a_result_that_is_too_long_is_cut_and_says_so) {
        _cleanup_(text_builder_release) TextBuilder result = text_builder(0);
        Booth *booth = booth_open(SESSION_LIMITS);
        text_add_string(&result, "{\"first\":\"kept\",\"long\":\"");
        for (size_t i = 0; i < 2 * COMMAND_RESULT_LIMIT; i++)
                text_add_char(&result, 'x');
        text_add_string(&result, "\"}");
        booth->result = result.bytes;
        const char *said = booth_ask(booth, ANN, AGENT, "agent-resume", NULL, NULL, NULL);
        booth_expect(said, "<note type='warn'>This is too long to be shown whole.</note>");
        booth_expect(said, "<value>kept</value>");
        ck_assert_int_lt(strlen(said), COMMAND_RESULT_LIMIT + 4096);
        booth_close(booth);
}
END_TEST

START_TEST(what_is_not_offered_is_forbidden_and_what_is_not_there_is_not_found) {
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_expect(booth_ask(booth, ANN, HUB, "agent-fly", NULL, NULL, NULL), "<item-not-found ");
        booth_expect(booth_ask(booth, ANN, HUB, NULL, NULL, NULL, NULL), "<item-not-found ");
        booth_expect(booth_ask(booth, "home.example", HUB, "agent-pause", NULL, NULL, NULL), "<forbidden ");
        booth->refuses = true;
        const char *said = booth_ask(booth, ANN, HUB, "agent-pause", NULL, NULL, NULL);
        booth_expect(said, "<error type='auth'><forbidden ");
        booth_expect_no(said, "sessionid");
        booth_close(booth);
}
END_TEST

UNIT_TESTS("component/commands", what_may_be_run_is_listed, an_operation_is_a_form_and_its_result_another,
           on_an_agent_the_agent_is_no_question, many_optional_fields_have_a_page_of_their_own,
           what_stays_as_it_is_when_absent_has_no_default, of_several_tenants_one_is_asked_for,
           a_platform_admin_may_name_any_tenant, what_destroys_asks_first_and_says_what,
           a_wrong_form_comes_again_with_what_was_typed, a_secret_is_asked_for_in_private_and_not_shown_again,
           what_is_no_form_is_a_bad_payload, what_clients_send_back_unasked_is_no_mistake,
           a_failure_that_can_be_mended_asks_again, a_list_is_shown_page_by_page, a_record_shows_every_kind_of_value,
           a_result_that_is_too_long_is_cut_and_says_so,
           what_is_not_offered_is_forbidden_and_what_is_not_there_is_not_found)
