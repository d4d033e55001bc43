/* What people think of answers. */
#include "tests/integration/operations/office.h"

#include <stdio.h>

static void expect(const char *result, const char *part) {
        ck_assert_msg(strstr(result, part), "%s is not in %s", part, result);
}

/* A message of today from that person to acme's agent of that name; its id. */
static const char *add_message(Office *office, const char *agent, const char *person_jid) {
        static char id[UUID_STRING_SIZE];
        char sql[700], person_id[UUID_STRING_SIZE];
        Uuid person, acme;
        Failure failure;
        ck_assert(uuid_parse(text_of(office->acme), &acme));
        ck_assert_done(keyring_person(office->operations.keyring, acme, text_of(person_jid), &person, &failure),
                       failure);
        uuid_format(person, person_id);
        snprintf(id, sizeof(id), "%s",
                 place_ask("SELECT left(lowest_id(current_date), 24) || right(gen_random_uuid()::text, 12)"));
        snprintf(sql, sizeof(sql),
                 "INSERT INTO accepted (id, tenant_id, agent_id, person_id, sequence, accepted_at, conversation, hub, "
                 "key_id, domain) SELECT '%s', tenant_id, id, '%s', 1, now(), 0, 1, 1, 'agents.localhost' FROM agents "
                 "WHERE name = '%s'",
                 id, person_id, agent);
        office_execute(office, sql);
        return id;
}

static const char *input(const char *id, const char *reactions) {
        static char text[200];
        snprintf(text, sizeof(text), "{\"id\":\"%s\",\"reactions\":[%s]}", id, reactions);
        return text;
}

static const char *kept(Office *office) {
        return office_ask(office,
                          "SELECT coalesce(string_agg(array_to_string(reactions, '+'), ' ' ORDER BY message_id), "
                          "'nothing') FROM feedback");
}

START_TEST(who_asked_says_what_he_thinks_and_changes_his_mind) {
        static const char *const people[] = { STRANGER, FOREIGN, VIEWER, OWNER };
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        for (size_t i = 0; i < COUNT_OF(people); i++) {
                const char *id = add_message(office, "open", people[i]);
                expect(office_do(office, people[i], "acme", "feedback-add", input(id, "\"\U0001F44D\",\"\u2764\"")),
                       "\"reactions\":[\"\U0001F44D\",\"\u2764\"]");
                ck_assert_str_eq(kept(office), "\U0001F44D+\u2764");
                office_do(office, people[i], "acme", "feedback-add", input(id, "\"\U0001F44E\""));
                ck_assert_str_eq(kept(office), "\U0001F44E");
                office_do(office, people[i], "acme", "feedback-add", input(id, ""));
                ck_assert_str_eq(kept(office), "nothing");
        }
        office_close(office);
}
END_TEST

/* Not even who administers the agent: it would be his own praise. */
START_TEST(nobody_judges_an_answer_to_somebody_else) {
        static const char *const people[] = { OWNER, ADMIN, VIEWER, FOREIGN, STRANGER, ROOT };
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        const char *id = add_message(office, "open", "somebody@example.org");
        for (size_t i = 0; i < COUNT_OF(people); i++)
                office_refuse(office, people[i], "acme", "feedback-add", input(id, "\"+\""), FAILURE_NOT_FOUND);
        office_refuse(office, "somebody@example.org", "other", "feedback-add", input(id, "\"+\""), FAILURE_NOT_FOUND);
        ck_assert_str_eq(kept(office), "nothing");
        office_close(office);
}
END_TEST

START_TEST(feedback_has_bounds) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        const char *id = add_message(office, "open", STRANGER);
        office_refuse(office, STRANGER, "acme", "feedback-add",
                      input(id, "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\",\"e\","
                                "\"f\",\"g\",\"h\""),
                      FAILURE_INVALID);
        office_refuse(office, STRANGER, "acme", "feedback-add", input(id, "7"), FAILURE_INVALID);
        office_refuse(office, STRANGER, "acme", "feedback-add", input("m1", "\"+\""), FAILURE_INVALID);
        ck_assert_str_eq(kept(office), "nothing");
        office_close(office);
}
END_TEST

START_TEST(feedback_is_listed_to_those_who_answer_for_the_agent) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"own\",\"visibility\":\"private\"}");
        office_do(office, STRANGER, "acme", "feedback-add", input(add_message(office, "open", STRANGER), "\"one\""));
        office_do(office, OWNER, "acme", "feedback-add", input(add_message(office, "own", OWNER), "\"two\""));
        const char *all = office_do(office, OWNER, "acme", "feedback-list", "{}");
        expect(all, "\"one\"");
        expect(all, "\"two\"");
        ck_assert_ptr_null(strstr(all, "sally"));
        const char *some = office_do(office, OPERATOR, "acme", "feedback-list", "{}");
        expect(some, "\"one\"");
        ck_assert_ptr_null(strstr(some, "\"two\""));
        expect(office_do(office, OWNER, "acme", "feedback-list", "{\"agent\":\"own\"}"), "\"two\"");
        expect(office_do(office, OWNER, "acme", "feedback-list", "{\"limit\":1}"), "\"has_more\":true");
        expect(office_do(office, VIEWER, "acme", "feedback-list", "{}"), "\"data\":[]");
        expect(office_do(office, FOREIGN, "other", "feedback-list", "{}"), "\"data\":[]");
        office_refuse(office, STRANGER, "acme", "feedback-list", "{}", FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

UNIT_TESTS("operations/feedback", who_asked_says_what_he_thinks_and_changes_his_mind,
           nobody_judges_an_answer_to_somebody_else, feedback_has_bounds,
           feedback_is_listed_to_those_who_answer_for_the_agent)
