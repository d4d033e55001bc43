/* Limits as operations: who may set which, and that a row is one however often it is set. */
#include "tests/integration/operations/office.h"

START_TEST(a_limit_is_one_row_and_the_last_amount_holds) {
        Office *office = office_open();
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"desk\"}");
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"messages\",\"agent\":\"desk\",\"amount\":5}");
        ck_assert_int_eq(office->heard[office->heard_count - 1], DIRECTORY_LIMIT);
        const char *set = office_do(office, ADMIN, "", "limit-set",
                                    "{\"what\":\"messages\",\"agent\":\"desk\",\"amount\":7}");
        ck_assert_str_eq(set, "{\"amount\":7,\"name\":\"desk\",\"subject\":\"agent\",\"what\":\"messages\","
                              "\"window_seconds\":60}");
        office_do(office, ADMIN, "", "limit-set",
                  "{\"what\":\"messages\",\"agent\":\"desk\",\"amount\":100,\"window\":\"1d\"}");
        ck_assert_str_eq(office_ask(office,
                                    "SELECT string_agg(amount || '/' || window_us / 1000000, ' ' ORDER BY amount) "
                                    "FROM limits WHERE removed_at IS NULL"),
                         "7/60 100/86400");
        office_do(office, ADMIN, "", "limit-remove", "{\"what\":\"messages\",\"agent\":\"desk\"}");
        office_refuse(office, ADMIN, "", "limit-remove", "{\"what\":\"messages\",\"agent\":\"desk\"}",
                      FAILURE_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(office_do(office, VIEWER, "", "limit-list", "{}"), "\"window_seconds\":86400"));
        office_close(office);
}
END_TEST

START_TEST(a_tenant_limits_itself_and_nobody_else) {
        Office *office = office_open();
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"body-bytes\",\"amount\":1000}");
        ck_assert_str_eq(office_ask(office, "SELECT subject || ' ' || window_us FROM limits"), "tenant 0");
        ck_assert_ptr_null(strstr(office_do(office, FOREIGN, "", "limit-list", "{}"), "body-bytes"));
        office_refuse(office, OPERATOR, "", "limit-set", "{\"what\":\"messages\",\"amount\":1}", FAILURE_FORBIDDEN);
        office_refuse(office, FOREIGN, "acme", "limit-set", "{\"what\":\"messages\",\"amount\":1}", FAILURE_NOT_FOUND);
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"messages\",\"account\":\"" VIEWER "\",\"amount\":1}",
                      FAILURE_INVALID);
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"messages\",\"domain\":\"example.org\",\"amount\":1}",
                      FAILURE_INVALID);
        office_close(office);
}
END_TEST

START_TEST(people_and_domains_are_limited_by_platform_admins) {
        Office *office = office_open();
        office_do(office, ROOT, "", "limit-set", "{\"what\":\"messages\",\"account\":\"" VIEWER "\",\"amount\":1}");
        office_do(office, ROOT, "", "limit-set", "{\"what\":\"messages\",\"domain\":\"*@example.net\",\"amount\":2}");
        office_do(office, ROOT, "", "limit-set", "{\"what\":\"messages\",\"amount\":3}");
        const char *list = office_do(office, ROOT, "", "limit-list", "{}");
        ck_assert_ptr_nonnull(strstr(list, "\"name\":\"" VIEWER "\",\"subject\":\"account\""));
        ck_assert_ptr_nonnull(strstr(list, "\"name\":\"example.net\",\"subject\":\"domain\""));
        ck_assert_ptr_nonnull(strstr(list, "\"name\":null,\"subject\":\"installation\""));
        office_do(office, ROOT, "", "limit-remove", "{\"what\":\"messages\",\"domain\":\"example.net\"}");
        office_refuse(office, ROOT, "", "limit-set",
                      "{\"what\":\"messages\",\"account\":\"nobody@example.org\",\"amount\":1}", FAILURE_NOT_FOUND);
        office_refuse(office, ROOT, "", "limit-set",
                      "{\"what\":\"messages\",\"domain\":\"ann@example.org\",\"amount\":1}", FAILURE_INVALID);
        office_close(office);
}
END_TEST

START_TEST(wrong_limits_are_refused_by_name) {
        static const char *const wrong[][2] = {
                { "{\"what\":\"wishes\",\"amount\":1}", "'what'" },
                { "{\"what\":\"tokens\",\"amount\":1}", "'window': tokens are a budget: say minute, day or month" },
                { "{\"what\":\"money-nano\",\"amount\":1,\"window\":\"hour\"}", "minute, day or month" },
                { "{\"what\":\"turns\",\"amount\":1,\"window\":\"day\"}", "counted at each moment" },
                { "{\"what\":\"members\",\"amount\":1,\"window\":\"day\"}", "'window'" },
                { "{\"what\":\"members\",\"amount\":1,\"agent\":\"desk\"}", "no limit of members for an agent" },
                { "{\"what\":\"messages\",\"amount\":-1}", "'amount'" },
                { "{\"what\":\"messages\",\"amount\":9007199254740992}", "'amount'" },
                { "{\"what\":\"messages\",\"amount\":1,\"window\":\"0s\"}", "'window'" },
                { "{\"what\":\"body-bytes\",\"amount\":1,\"window\":\"1m\"}", "'window'" },
                { "{\"what\":\"messages\"}", "'amount'" },
        };
        Office *office = office_open();
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"desk\"}");
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                office_refuse(office, ADMIN, "", "limit-set", wrong[i][0], FAILURE_INVALID);
                ck_assert_msg(strstr(office->failure.text, wrong[i][1]) != NULL, "%s", office->failure.text);
        }
        office_close(office);
}
END_TEST

UNIT_TESTS("integration/operations/limits", a_limit_is_one_row_and_the_last_amount_holds,
           a_tenant_limits_itself_and_nobody_else, people_and_domains_are_limited_by_platform_admins,
           wrong_limits_are_refused_by_name)
