/* Subscriptions to agents' presence, as operations keep them. */
#include "store/migrate.h"
#include "tests/integration/operations/office.h"

#define OPEN "open.acme@agents.localhost"

static const char add_open[] = "{\"agent\":\"" OPEN "\"}";

static void expect(const char *result, const char *part) {
        ck_assert_msg(strstr(result, part), "%s is not in %s", part, result);
}

static const char *kept(Office *office) {
        return office_ask(office, "SELECT coalesce(string_agg(jid, ' ' ORDER BY jid), 'nobody') FROM subscriptions "
                                  "WHERE removed_at IS NULL");
}

static Office *open_with_agents(void) {
        Office *office = office_open();
        office->hub.domains = "agents.localhost agents.example";
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"own\",\"visibility\":\"private\"}");
        office->heard_count = 0;
        return office;
}

START_TEST(whoever_may_talk_to_an_agent_subscribes_himself_and_ends_it) {
        static const char *const people[] = { STRANGER, FOREIGN, VIEWER, OWNER };
        Office *office = open_with_agents();
        for (size_t i = 0; i < COUNT_OF(people); i++) {
                expect(office_do(office, people[i], "", "subscription-add", add_open), "\"changed\":true");
                ck_assert_str_eq(kept(office), people[i]);
                expect(office_do(office, people[i], "", "subscription-add", add_open), "\"changed\":false");
                expect(office_do(office, people[i], "", "subscription-remove", add_open), "\"removed\":1");
                ck_assert_str_eq(kept(office), "nobody");
                expect(office_do(office, people[i], "", "subscription-remove", add_open), "\"removed\":0");
        }
        expect(office_do(office, STRANGER, "", "subscription-add", add_open), "\"changed\":true");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM subscriptions"), "4"); /* not one a change */
        office_close(office);
}
END_TEST

START_TEST(nobody_subscribes_where_he_may_not_talk) {
        Office *office = open_with_agents();
        Failure absent;
        office_refuse(office, STRANGER, "", "subscription-add", "{\"agent\":\"void.acme@agents.localhost\"}",
                      FAILURE_NOT_FOUND);
        absent = office->failure;
        office_refuse(office, STRANGER, "", "subscription-add", "{\"agent\":\"own.acme@agents.localhost\"}",
                      FAILURE_NOT_FOUND);
        ck_assert_str_eq(office->failure.text, absent.text);
        office_refuse(office, STRANGER, "", "subscription-remove", "{\"agent\":\"own.acme@agents.localhost\"}",
                      FAILURE_NOT_FOUND);
        ck_assert_str_eq(office->failure.text, absent.text);
        ck_assert_str_eq(kept(office), "nobody");
        ck_assert_uint_eq(office->heard_count, 0);
        office_close(office);
}
END_TEST

START_TEST(only_people_subscribe_and_each_for_himself) {
        Office *office = open_with_agents();
        office_refuse(office, ROOT, "", "subscription-add", add_open, FAILURE_INVALID);
        office_refuse(office, ROOT, "", "subscription-remove", add_open, FAILURE_INVALID);
        office_refuse(office, OPEN, "", "subscription-add", add_open, FAILURE_INVALID);
        office_refuse(office, "own.acme@agents.localhost", "", "subscription-add", add_open, FAILURE_INVALID);
        ck_assert_str_eq(kept(office), "nobody");
        office_close(office);
}
END_TEST

START_TEST(others_subscriptions_end_by_the_owner_and_by_admins) {
        static const char others[] = "{\"agent\":\"" OPEN "\",\"who\":[\"" STRANGER "\",\"" FOREIGN "\"]}";
        static const char *const may[] = { OWNER, ADMIN, ROOT }, *const may_not[] = { VIEWER, OPERATOR,
                                                                                      "x@example.org" };
        Office *office = open_with_agents();
        for (size_t i = 0; i < COUNT_OF(may); i++) {
                office_do(office, STRANGER, "", "subscription-add", add_open);
                office_do(office, FOREIGN, "", "subscription-add", add_open);
                for (size_t k = 0; k < COUNT_OF(may_not); k++)
                        office_refuse(office, may_not[k], "", "subscription-remove", others, FAILURE_FORBIDDEN);
                office->heard_count = 0;
                expect(office_do(office, may[i], "", "subscription-remove", others), "\"removed\":2");
                ck_assert_str_eq(kept(office), "nobody");
                ck_assert_uint_eq(office->heard_count, 2);
                ck_assert_int_eq(office->heard[1], DIRECTORY_SUBSCRIPTION);
        }
        office_refuse(office, OWNER, "", "subscription-remove", "{\"agent\":\"" OPEN "\",\"who\":[\"@@\"]}",
                      FAILURE_INVALID);
        office_close(office);
}
END_TEST

START_TEST(a_subscription_is_to_an_agent_at_one_domain) {
        Office *office = open_with_agents();
        office_do(office, STRANGER, "", "subscription-add", add_open);
        office_do(office, STRANGER, "", "subscription-add", "{\"agent\":\"open.acme@agents.example\"}");
        expect(office_do(office, OWNER, "", "subscription-list", "{\"agent\":\"open\"}"),
               "\"at\":\"agents.example agents.localhost\"");
        expect(office_do(office, STRANGER, "", "subscription-remove", add_open), "\"removed\":1");
        expect(office_do(office, OWNER, "", "subscription-list", "{\"agent\":\"open\"}"), "\"at\":\"agents.example\"");
        office_do(office, STRANGER, "", "subscription-add", add_open);
        expect(office_do(office, OWNER, "", "subscription-remove", "{\"agent\":\"open\",\"who\":\"" STRANGER "\"}"),
               "\"removed\":2");
        office_close(office);
}
END_TEST

START_TEST(subscribers_are_listed_to_the_owner_and_admins_in_pages) {
        Office *office = open_with_agents();
        office_do(office, STRANGER, "", "subscription-add", add_open);
        office_do(office, FOREIGN, "", "subscription-add", add_open);
        office_do(office, VIEWER, "", "subscription-add", add_open);
        const char *page = office_do(office, OWNER, "", "subscription-list", "{\"agent\":\"open\",\"limit\":2}");
        expect(page, "\"after\":\"" STRANGER "\"");
        expect(page, "\"who\":\"" FOREIGN "\"");
        ck_assert_ptr_null(strstr(page, VIEWER));
        expect(office_do(office, ADMIN, "", "subscription-list", "{\"agent\":\"open\",\"after\":\"" STRANGER "\"}"),
               "\"who\":\"" VIEWER "\"");
        office_refuse(office, OPERATOR, "", "subscription-list", "{\"agent\":\"open\"}", FAILURE_FORBIDDEN);
        office_refuse(office, STRANGER, "", "subscription-list", add_open, FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

START_TEST(another_tenant_sees_and_ends_no_subscription) {
        Office *office = open_with_agents();
        office_do(office, STRANGER, "", "subscription-add", add_open);
        office_refuse(office, FOREIGN, "", "subscription-list", add_open, FAILURE_NOT_FOUND);
        office_refuse(office, FOREIGN, "", "subscription-remove", "{\"agent\":\"" OPEN "\",\"who\":[\"" STRANGER "\"]}",
                      FAILURE_FORBIDDEN);
        office_do(office, FOREIGN, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        expect(office_do(office, FOREIGN, "", "subscription-list", "{\"agent\":\"open\"}"), "\"data\":[]");
        /* The database shows a tenant its own rows only. */
        place_execute("SELECT set_config('aiox.tenant', 'a10c0000-0000-4000-8000-000000000000', false)");
        ck_assert_str_eq(place_ask("SELECT count(*)::text FROM subscriptions"), "0");
        ck_assert_str_eq(kept(office), STRANGER);
        office_close(office);
}
END_TEST

START_TEST(a_deleted_agent_has_no_subscribers_also_when_it_is_restored) {
        Office *office = open_with_agents();
        office_do(office, STRANGER, "", "subscription-add", add_open);
        office_do(office, OWNER, "", "agent-delete", "{\"agent\":\"open\"}");
        ck_assert_str_eq(kept(office), "nobody");
        office_do(office, OWNER, "", "agent-restore", "{\"agent\":\"open\"}");
        expect(office_do(office, OWNER, "", "subscription-list", "{\"agent\":\"open\"}"), "\"data\":[]");
        office_close(office);
}
END_TEST

START_TEST(upkeep_forgets_who_left_a_week_ago_and_nobody_else) {
        Office *office = open_with_agents();
        office_do(office, STRANGER, "", "subscription-add", add_open);
        office_do(office, FOREIGN, "", "subscription-add", add_open);
        office_do(office, VIEWER, "", "subscription-add", add_open);
        office_do(office, FOREIGN, "", "subscription-remove", add_open);
        office_do(office, VIEWER, "", "subscription-remove", add_open);
        office_execute(office,
                       "UPDATE subscriptions SET removed_at = now() - interval '8 days' WHERE jid = '" VIEWER "'");
        ck_assert_done(schema_keep(office->operations.database, &(KeepSettings){ 0 }, NULL, NULL, &office->failure),
                       office->failure);
        ck_assert_str_eq(office_ask(office, "SELECT string_agg(jid, ' ' ORDER BY jid) FROM subscriptions"),
                         FOREIGN " " STRANGER);
        ck_assert_str_eq(kept(office), STRANGER);
        office_close(office);
}
END_TEST

UNIT_TESTS("operations-subscriptions", whoever_may_talk_to_an_agent_subscribes_himself_and_ends_it,
           nobody_subscribes_where_he_may_not_talk, only_people_subscribe_and_each_for_himself,
           others_subscriptions_end_by_the_owner_and_by_admins, a_subscription_is_to_an_agent_at_one_domain,
           subscribers_are_listed_to_the_owner_and_admins_in_pages, another_tenant_sees_and_ends_no_subscription,
           a_deleted_agent_has_no_subscribers_also_when_it_is_restored,
           upkeep_forgets_who_left_a_week_ago_and_nobody_else)
