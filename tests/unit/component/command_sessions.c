/* Whose a command's session is, how long, and how many there may be. */
#include "tests/unit/component/booth.h"

#include <malloc.h>
#include <stdio.h>

#define OTHER_RESOURCE "ann@home.example/laptop"
#define BEN            "ben@home.example/phone"

START_TEST(a_session_of_another_is_one_that_never_was) {
        char session[SESSION_ID_SIZE], never[1024];
        Booth *booth = booth_open(SESSION_LIMITS);
        static const char *const actions[] = { NULL, "execute", "next", "prev", "complete", "cancel" };
        booth_begin(booth, HUB, "agent-pause", session);
        for (size_t i = 0; i < COUNT_OF(actions); i++) {
                const struct {
                        const char *from, *to, *node;
                } others[] = { { OTHER_RESOURCE, HUB, "agent-pause" },
                               { "ann@home.example", HUB, "agent-pause" },
                               { BEN, HUB, "agent-pause" },
                               { ANN, AGENT, "agent-pause" },
                               { ANN, HUB "/x", "agent-pause" },
                               { ANN, HUB, "agent-resume" } };
                for (size_t j = 0; j < COUNT_OF(others); j++) {
                        const char *said = booth_ask(booth, others[j].from, others[j].to, others[j].node,
                                                     "0123456789abcdef0123456789abcdef", actions[i],
                                                     FIELD("agent", "a"));
                        snprintf(never, sizeof(never), "%s", said);
                        said = booth_ask(booth, others[j].from, others[j].to, others[j].node, session, actions[i],
                                         FIELD("agent", "a"));
                        booth_expect_expired(said);
                        ck_assert_str_eq(said, never);
                }
        }
        ck_assert_int_eq(booth->runs, 0);
        booth_expect(booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a")),
                     "status='completed'");
        booth_close(booth);
}
END_TEST

START_TEST(ids_are_random_and_never_the_same) {
        char one[SESSION_ID_SIZE], other[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_begin(booth, HUB, "agent-pause", one);
        booth_begin(booth, HUB, "agent-pause", other);
        ck_assert_str_ne(one, other);
        ck_assert_int_eq(strspn(one, "0123456789abcdef"), 32);
        static const char *const ids[] = { "x", "0", "00000000000000000000000000000000",
                                           "0000000000000000000000000000000000000000000000000000000000000000" };
        for (size_t i = 0; i < COUNT_OF(ids); i++)
                booth_expect_expired(booth_step(booth, HUB, "agent-pause", ids[i], "next", NULL));
        booth_close(booth);
}
END_TEST

START_TEST(a_session_is_over_ten_minutes_after_its_last_use) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_begin(booth, HUB, "agent-pause", session);
        for (size_t i = 0; i < 3; i++) {
                booth->now.monotonic_us += 599 * SECONDS;
                booth_expect(booth_step(booth, HUB, "agent-pause", session, "complete", NULL), "'agent' is missing");
        }
        booth->now.monotonic_us += 600 * SECONDS;
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a")));
        ck_assert_int_eq(booth->runs, 0);
        booth_close(booth);
}
END_TEST

START_TEST(steps_out_of_order_are_bad_actions) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        static const char *const early[] = { "next", "prev", "complete", "cancel" };
        for (size_t i = 0; i < COUNT_OF(early); i++)
                booth_expect(booth_ask(booth, ANN, HUB, "agent-create", NULL, early[i], NULL), "<bad-sessionid ");
        booth_begin(booth, HUB, "agent-create", session);
        booth_expect(booth_step(booth, HUB, "agent-create", session, "prev", NULL), "<bad-action ");
        booth_expect(booth_step(booth, HUB, "agent-create", session, "jump", NULL), "<malformed-action ");
        booth_step(booth, HUB, "agent-create", session, "next", FIELD("name", "a"));
        const char *said = booth_step(booth, HUB, "agent-create", session, "next", NULL);
        booth_expect(said, "<bad-action ");
        /* None of which has moved it. */
        booth_expect(booth_step(booth, HUB, "agent-create", session, "complete", NULL), "status='completed'");
        ck_assert_str_eq(booth->input, "{\"name\":\"a\"}");
        booth_close(booth);
}
END_TEST

START_TEST(a_cancelled_session_is_over) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_begin(booth, HUB, "agent-pause", session);
        booth_expect(booth_step(booth, HUB, "agent-pause", session, "cancel", NULL), "status='canceled'/>");
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a")));
        /* A form of type cancel says the same, whatever goes with it. */
        booth_begin(booth, HUB, "agent-pause", session);
        booth_expect(booth_step(booth, HUB, "agent-pause", session, "complete",
                                "<x xmlns='jabber:x:data' type='cancel'>" FIELD("agent", "a") "</x>"),
                     "status='canceled'/>");
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session, "cancel", NULL));
        ck_assert_int_eq(booth->runs, 0);
        booth_close(booth);
}
END_TEST

START_TEST(a_repeated_completion_is_the_same_request) {
        char session[SESSION_ID_SIZE], key[128];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_begin(booth, HUB, "agent-pause", session);
        booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a"));
        snprintf(key, sizeof(key), "%s", booth->key);
        booth_expect(key, session);
        for (size_t i = 0; i < 2; i++) {
                const char *said = booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a"));
                booth_expect(said, "status='completed'");
                ck_assert_str_eq(booth->key, key);
                ck_assert_str_eq(booth->input, "{\"agent\":\"a\"}");
        }
        ck_assert_int_eq(booth->runs, 3); /* the gate does it once, by the key */
        /* Anything else finds it over. */
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "b")));
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session, "cancel", NULL));
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session, "prev", NULL));
        ck_assert_int_eq(booth->runs, 3);
        booth->now.monotonic_us += 61 * SECONDS;
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a")));
        /* Two steps of one session are two requests. */
        booth_begin(booth, HUB, "agent-create", session);
        booth->failure = FAILURE_CONFLICT;
        booth->failure_text = "taken";
        booth_step(booth, HUB, "agent-create", session, "complete", FIELD("name", "a"));
        snprintf(key, sizeof(key), "%s", booth->key);
        booth_step(booth, HUB, "agent-create", session, "next", NULL);
        booth_step(booth, HUB, "agent-create", session, "complete", NULL);
        ck_assert_str_ne(booth->key, key);
        booth_close(booth);
}
END_TEST

START_TEST(what_is_being_worked_on_waits_for_its_answer) {
        char session[SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth_begin(booth, HUB, "agent-pause", session);
        booth->holds = true;
        ck_assert_str_eq(booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a")), "");
        booth_expect(booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a")),
                     "<error type='wait'><resource-constraint ");
        booth_expect(booth_step(booth, HUB, "agent-pause", session, "cancel", NULL), "<resource-constraint ");
        booth_release(booth);
        booth_expect(booth_said(booth), "status='completed'");
        ck_assert_int_eq(booth->runs, 1);
        booth_close(booth);
}
END_TEST

START_TEST(one_person_may_have_eight_of_which_the_oldest_goes_first) {
        char session[10][SESSION_ID_SIZE];
        Booth *booth = booth_open(SESSION_LIMITS);
        for (size_t i = 0; i < 8; i++)
                booth_begin(booth, HUB, "agent-pause", session[i]);
        booth_step(booth, HUB, "agent-pause", session[0], "complete", NULL); /* used just now */
        booth_begin(booth, HUB, "agent-pause", session[8]);
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session[1], "complete", NULL));
        booth_expect(booth_step(booth, HUB, "agent-pause", session[0], "complete", NULL), "status='executing'");
        /* Of all resources together. */
        booth_ask(booth, OTHER_RESOURCE, HUB, "agent-pause", NULL, NULL, NULL);
        booth_expect_expired(booth_step(booth, HUB, "agent-pause", session[2], "complete", NULL));
        /* But nobody else's. */
        booth_ask(booth, BEN, HUB, "agent-pause", NULL, NULL, NULL);
        booth_expect(booth_step(booth, HUB, "agent-pause", session[3], "complete", NULL), "status='executing'");
        booth_close(booth);
}
END_TEST

START_TEST(what_is_worked_on_is_never_the_one_that_goes) {
        SessionLimits limits = SESSION_LIMITS;
        char session[SESSION_ID_SIZE];
        limits.each = 1;
        Booth *booth = booth_open(limits);
        booth_begin(booth, HUB, "agent-pause", session);
        booth->holds = true;
        booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a"));
        DeskCall *running = booth->held[0];
        booth->held_count = 0;
        booth->holds = false;
        booth_expect(booth_ask(booth, ANN, HUB, "agent-pause", NULL, NULL, NULL), "<resource-constraint ");
        booth->now.monotonic_us += 3600 * SECONDS;
        booth->held[booth->held_count++] = running;
        booth_release(booth);
        booth_expect(booth_said(booth), "status='completed'");
        booth_close(booth);
}
END_TEST

static size_t memory_used(void) {
        return mallinfo2().uordblks;
}

START_TEST(ten_thousand_sessions_take_the_room_of_two_thousand) {
        Booth *booth = booth_open(SESSION_LIMITS);
        char from[64], session[SESSION_ID_SIZE];
        size_t opened = 0, before = 0, refused = 0;
        for (size_t i = 0; i < 10000; i++) {
                snprintf(from, sizeof(from), "person%zu@home.example/x", i);
                const char *said = booth_ask(booth, from, HUB, "agent-pause", NULL, NULL, NULL);
                bool open = strstr(said, "status='executing'");
                if (!open)
                        booth_expect(said, "<error type='wait'><resource-constraint ");
                opened += open;
                refused += !open;
                if (i == 5000)
                        before = memory_used();
        }
        ck_assert_int_eq(opened, 2000);
        ck_assert_int_eq(refused, 8000);
        ck_assert_int_le(memory_used(), before + 64 * 1024);
        /* One who has some may begin another: his own goes. */
        snprintf(from, sizeof(from), "person%d@home.example/x", 7);
        booth_expect(booth_ask(booth, from, HUB, "agent-pause", NULL, NULL, NULL), "status='executing'");
        /* What is idle makes room in time. */
        booth->now.monotonic_us += 600 * SECONDS;
        booth_begin(booth, HUB, "agent-pause", session);
        ck_assert(UNIT_SANITIZED || memory_used() < before / 2);
        booth_close(booth);
}
END_TEST

START_TEST(ten_thousand_sessions_of_one_person_take_the_room_of_eight) {
        Booth *booth = booth_open(SESSION_LIMITS);
        char session[SESSION_ID_SIZE];
        size_t before = 0;
        for (size_t i = 0; i < 10000; i++) {
                booth_begin(booth, HUB, "agent-pause", session);
                if (i == 100)
                        before = memory_used();
        }
        ck_assert_int_le(memory_used(), before + 64 * 1024);
        booth_close(booth);
}
END_TEST

START_TEST(guests_leave_room_for_those_who_have_an_account) {
        SessionLimits limits = SESSION_LIMITS;
        char from[64], session[SESSION_ID_SIZE];
        limits.guests = 3;
        limits.all = 10;
        Booth *booth = booth_open(limits);
        booth->asker.known = false;
        for (size_t i = 0; i < 6; i++) {
                snprintf(from, sizeof(from), "guest%zu@elsewhere.example/x", i);
                booth_expect(booth_ask(booth, from, AGENT, "agent-pause", NULL, NULL, NULL),
                             i < 3 ? "status='executing'" : "<resource-constraint ");
        }
        booth->asker.known = true;
        booth_begin(booth, HUB, "agent-pause", session);
        booth_close(booth);
}
END_TEST

START_TEST(what_is_completed_makes_room_for_what_begins) {
        SessionLimits limits = SESSION_LIMITS;
        char session[SESSION_ID_SIZE];
        limits.all = 1;
        Booth *booth = booth_open(limits);
        booth_begin(booth, HUB, "agent-pause", session);
        booth_step(booth, HUB, "agent-pause", session, "complete", FIELD("agent", "a"));
        booth_expect(booth_ask(booth, BEN, HUB, "agent-pause", NULL, NULL, NULL), "status='executing'");
        booth_expect(booth_ask(booth, ANN, HUB, "agent-pause", NULL, NULL, NULL), "<resource-constraint ");
        booth_close(booth);
}
END_TEST

/* A field of that many bytes. */
static void add_field(TextBuilder *form, const char *name, size_t bytes) {
        text_add_format(form, "<field var='%s'><value>", name);
        for (size_t i = 0; i < bytes; i++)
                text_add_char(form, 'x');
        text_add_string(form, "</value></field>");
}

START_TEST(what_is_filled_in_is_bounded_in_bytes) {
        SessionLimits limits = SESSION_LIMITS;
        char session[SESSION_ID_SIZE];
        _cleanup_(text_builder_release) TextBuilder form = text_builder(0), small = text_builder(0);
        limits.bytes = 300 * 1024;
        Booth *booth = booth_open(limits);
        add_field(&form, "content", 200 * 1024);
        add_field(&small, "reason", 2000);
        /* More than the field takes: it comes again, without being run. */
        booth_begin(booth, AGENT, "agent-pause", session);
        booth_expect(booth_step(booth, AGENT, "agent-pause", session, "complete", small.bytes), "<note type='error'>");
        ck_assert_int_eq(booth->runs, 0);
        booth_begin(booth, AGENT, "knowledge-add", session);
        booth_expect(booth_step(booth, AGENT, "knowledge-add", session, "complete", form.bytes), "'name' is missing");
        /* More than all may hold together: it ends, and room is there again. */
        booth_begin(booth, AGENT, "knowledge-add", session);
        booth_expect(booth_step(booth, AGENT, "knowledge-add", session, "complete", form.bytes),
                     "<error type='wait'><resource-constraint ");
        booth_expect_expired(booth_step(booth, AGENT, "knowledge-add", session, "complete", NULL));
        booth_begin(booth, AGENT, "agent-pause", session);
        booth_expect(booth_step(booth, AGENT, "agent-pause", session, "complete", NULL), "status='completed'");
        booth_close(booth);
}
END_TEST

START_TEST(questions_are_answered_a_few_at_a_time) {
        char from[64];
        Booth *booth = booth_open(SESSION_LIMITS);
        booth->holds = true;
        for (size_t i = 0; i < 6; i++) {
                const char *said = booth_ask(booth, ANN, HUB, "agent-pause", NULL, NULL, NULL);
                if (i < 4)
                        ck_assert_str_eq(said, "");
                else
                        booth_expect(said, "<error type='wait'><resource-constraint ");
        }
        booth->asker.known = false;
        for (size_t i = 0; i < 12; i++) {
                snprintf(from, sizeof(from), "guest%zu@elsewhere.example/x", i);
                const char *said = booth_ask(booth, from, AGENT, "agent-pause", NULL, NULL, NULL);
                ck_assert_msg((i < 8) == (*said == '\0'), "%zu: %s", i, said);
        }
        booth->asker.known = true;
        booth_ask(booth, BEN, HUB, "agent-pause", NULL, NULL, NULL);
        booth_release(booth);
        booth->holds = false;
        booth_expect(booth_ask(booth, ANN, HUB, "agent-pause", NULL, NULL, NULL), "status='executing'");
        booth->full = true;
        booth_expect(booth_ask(booth, ANN, HUB, "agent-pause", NULL, NULL, NULL), "<resource-constraint ");
        booth_expect(booth_ask(booth, ANN, AGENT, "agent-resume", NULL, NULL, NULL), "<resource-constraint ");
        booth_close(booth);
}
END_TEST

UNIT_TESTS("component/command_sessions", a_session_of_another_is_one_that_never_was, ids_are_random_and_never_the_same,
           a_session_is_over_ten_minutes_after_its_last_use, steps_out_of_order_are_bad_actions,
           a_cancelled_session_is_over, a_repeated_completion_is_the_same_request,
           what_is_being_worked_on_waits_for_its_answer, one_person_may_have_eight_of_which_the_oldest_goes_first,
           what_is_worked_on_is_never_the_one_that_goes, ten_thousand_sessions_take_the_room_of_two_thousand,
           ten_thousand_sessions_of_one_person_take_the_room_of_eight, guests_leave_room_for_those_who_have_an_account,
           what_is_completed_makes_room_for_what_begins, what_is_filled_in_is_bounded_in_bytes,
           questions_are_answered_a_few_at_a_time)
