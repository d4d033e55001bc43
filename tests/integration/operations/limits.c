/* Limits as operations: who may set which, and that a row is one however often it is set. */
#include "orchestrator/governance/ages.h"
#include "store/retention.h"
#include "tests/integration/operations/office.h"

#include <stdio.h>

#define INSTALLER "ines@example.org" /* a member of the installation's own tenant, and no platform admin */

START_TEST(a_limit_is_one_row_and_the_last_amount_holds) {
        Office *office = office_open();
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"desk\"}");
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"messages\",\"agent\":\"desk\",\"amount\":5}");
        ck_assert_int_eq(office->heard[office->heard_count - 1], DIRECTORY_LIMIT);
        const char *set = office_do(office, ADMIN, "", "limit-set",
                                    "{\"what\":\"messages\",\"agent\":\"desk\",\"amount\":7}");
        ck_assert_str_eq(set, "{\"amount\":7,\"limit\":\"7 messages per "
                              "minute\",\"name\":\"desk\",\"subject\":\"agent\",\"what\":\"messages\","
                              "\"window_seconds\":60}");
        office_do(office, ADMIN, "", "limit-set",
                  "{\"what\":\"messages\",\"agent\":\"desk\",\"amount\":100,\"window\":\"1d\"}");
        ck_assert_str_eq(office_ask(office,
                                    "SELECT string_agg(amount || '/' || window_us / 1000000, ' ' ORDER BY amount) "
                                    "FROM limits WHERE removed_at IS NULL"),
                         "7/60 100/86400");
        ck_assert_str_eq(office_do(office, ADMIN, "", "limit-set",
                                   "{\"what\":\"worker-ms\",\"amount\":90000,\"window\":\"2h\"}"),
                         "{\"amount\":90000,\"limit\":\"90000 milliseconds of workers per 7200 seconds\",\"name\":null,"
                         "\"subject\":\"tenant\",\"what\":\"worker-ms\",\"window_seconds\":7200}");
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
                      FAILURE_FORBIDDEN);
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"messages\",\"domain\":\"example.org\",\"amount\":1}",
                      FAILURE_FORBIDDEN);
        office_close(office);
}
END_TEST

/* Whether there is such an account is nobody's business here, and makes no difference. */
START_TEST(a_tenants_admins_limit_who_writes_to_it) {
        Office *office = office_open();
        static const char *const who[] = { VIEWER, "nobody@nowhere.example", "example.net" };
        char row[200];
        for (size_t i = 0; i < COUNT_OF(who); i++) {
                snprintf(row, sizeof(row), "{\"what\":\"messages\",\"sender\":\"%s\",\"amount\":2}", who[i]);
                ck_assert_ptr_nonnull(strstr(office_do(office, ADMIN, "", "limit-set", row), "\"subject\":\"sender\""));
                ck_assert_int_eq(office->heard[office->heard_count - 1], DIRECTORY_LIMIT);
                office_refuse(office, OPERATOR, "", "limit-set", row, FAILURE_FORBIDDEN);
                office_refuse(office, FOREIGN, "acme", "limit-set", row, FAILURE_NOT_FOUND);
                office_refuse(office, INSTALLER, "installation", "limit-set", row, FAILURE_NOT_FOUND);
                snprintf(row, sizeof(row), "\"name\":\"%s\",\"subject\":\"sender\"", who[i]);
                ck_assert_ptr_nonnull(strstr(office_do(office, VIEWER, "", "limit-list", "{}"), row));
                ck_assert_ptr_null(strstr(office_do(office, FOREIGN, "", "limit-list", "{}"), row));
                ck_assert_ptr_null(strstr(office_do(office, ROOT, "", "limit-list", "{}"), row));
        }
        office_refuse(office, ADMIN, "", "limit-set",
                      "{\"what\":\"tokens\",\"window\":\"day\",\"sender\":\"example.net\",\"amount\":2}",
                      FAILURE_INVALID);
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"turns\",\"sender\":\"example.net\",\"amount\":2}",
                      FAILURE_INVALID);
        office_do(office, ADMIN, "", "limit-remove", "{\"what\":\"messages\",\"sender\":\"example.net\"}");
        office_refuse(office, ADMIN, "", "limit-remove", "{\"what\":\"messages\",\"sender\":\"example.net\"}",
                      FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

START_TEST(people_and_domains_are_limited_by_platform_admins) {
        Office *office = office_open();
        office_do(office, ROOT, "", "limit-set", "{\"what\":\"messages\",\"account\":\"" VIEWER "\",\"amount\":1}");
        office_do(office, ROOT, "", "limit-set", "{\"what\":\"messages\",\"domain\":\"*@example.net\",\"amount\":2}");
        office_do(office, ROOT, "", "limit-set", "{\"what\":\"messages\",\"everybody\":true,\"amount\":3}");
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

START_TEST(nobody_limits_the_whole_installation_by_leaving_something_out) {
        static const struct {
                const char *who, *tenant, *input, *sentence;
                FailureKind kind;
        } cases[] = {
                { ROOT, "", "", "name one tenant with 'tenant', or say 'everybody'", FAILURE_INVALID },
                { ROOT, "", ",\"everybody\":false", "or say 'everybody'", FAILURE_INVALID },
                { ROOT, "installation", "", "or say 'everybody'", FAILURE_INVALID },
                { ROOT, "acme", ",\"everybody\":true", "'everybody' is limited with all tenants", FAILURE_INVALID },
                { ROOT, "", ",\"everybody\":true,\"domain\":\"example.org\"", "say one of", FAILURE_INVALID },
                { ROOT, "", ",\"everybody\":true,\"plan\":true", "say one of", FAILURE_INVALID },
                { OWNER, "", ",\"everybody\":true", "'everybody' is for platform admins", FAILURE_FORBIDDEN },
                { INSTALLER, "", ",\"everybody\":true", "'everybody' is for platform admins", FAILURE_FORBIDDEN },
                { INSTALLER, "", "", "or say 'everybody'", FAILURE_INVALID },
        };
        Office *office = office_open();
        char input[200];
        office_do(office, ROOT, "", "member-add", "{\"jid\":\"" INSTALLER "\",\"role\":\"owner\"}");
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                for (int remove = 0; remove < 2; remove++) {
                        snprintf(input, sizeof(input), "{\"what\":\"messages\"%s%s}", cases[i].input,
                                 remove ? "" : ",\"amount\":1");
                        office_refuse(office, cases[i].who, cases[i].tenant, remove ? "limit-remove" : "limit-set",
                                      input, cases[i].kind);
                        ck_assert_msg(strstr(office->failure.text, cases[i].sentence), "%s: %s", input,
                                      office->failure.text);
                }
        office_do(office, ROOT, "", "limit-set", "{\"what\":\"messages\",\"everybody\":true,\"amount\":3}");
        ck_assert_str_eq(place_ask("SELECT string_agg(subject || ' ' || amount, ', ') FROM limits"), "installation 3");
        office_do(office, ROOT, "", "limit-remove", "{\"what\":\"messages\",\"everybody\":true}");
        office_close(office);
}
END_TEST

/* Days of the tenant, 0 = for ever. */
static int days_of(Office *office, LimitWhat what, int bound, int absent, const char *tenant) {
        _cleanup_(ages_freep) Ages *ages = NULL;
        Failure failure;
        Uuid id;
        ck_assert(uuid_parse(text_of(tenant), &id));
        ck_assert_done(ages_read(office->operations.database, office->plans, what, bound, absent, &ages, &failure),
                       failure);
        for (size_t i = 0; i < ages->count; i++)
                for (size_t k = 0; k < ages->groups[i].count; k++)
                        if (uuid_equal(ages->groups[i].tenants[k], id))
                                return ages->groups[i].days;
        return 0;
}

START_TEST(what_is_kept_for_days_is_kept_by_the_narrowest_of_plan_tenant_and_installation) {
        static const struct {
                const char *plan, *in_its_stead, *own; /* NULL = not set */
                int bound, days;
        } cases[] = {
                { "enterprise", NULL, NULL, 0, 0 },  { "enterprise", NULL, NULL, 20, 20 },
                { "enterprise", NULL, "30", 0, 30 }, { "free", NULL, NULL, 0, 90 },
                { "free", NULL, NULL, 20, 20 },      { "free", NULL, NULL, 200, 90 },
                { "free", NULL, "30", 0, 30 },       { "free", NULL, "30", 20, 20 },
                { "free", "500", NULL, 0, 500 },     { "free", "500", "30", 0, 30 },
                { "free", "0", NULL, 0, 0 },         { "free", "0", NULL, 365, 365 },
                { "free", "0", "40000", 0, 0 },
        };
        Office *office = office_open();
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char words[200];
                office_execute(office, "DELETE FROM limits");
                snprintf(words, sizeof(words), "{\"slug\":\"acme\",\"plan\":\"%s\"}", cases[i].plan);
                office_do(office, ROOT, "", "tenant-update", words);
                snprintf(words, sizeof(words), "{\"what\":\"body-days\",\"plan\":true,\"amount\":%s}",
                         cases[i].in_its_stead);
                if (cases[i].in_its_stead)
                        office_do(office, ROOT, "acme", "limit-set", words);
                snprintf(words, sizeof(words), "{\"what\":\"body-days\",\"amount\":%s}", cases[i].own);
                if (cases[i].own)
                        office_do(office, ADMIN, "", "limit-set", words);
                ck_assert_int_eq(days_of(office, LIMIT_BODY_DAYS, cases[i].bound, 0, office->acme), cases[i].days);
                ck_assert_int_eq(days_of(office, LIMIT_LOG_DAYS, 0, 77, office->acme),
                                 strcmp(cases[i].plan, "free") == 0 ? 30 : 77);
        }
        office_close(office);
}
END_TEST

START_TEST(tenant_shortens_how_long_it_keeps_and_never_lengthens_it) {
        Office *office = office_open();
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"plan\":\"free\"}");
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"log-days\",\"amount\":7}");
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"log-days\",\"amount\":31}", FAILURE_POLICY);
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"log-days\",\"amount\":0}", FAILURE_POLICY);
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"log-days\",\"amount\":9,\"window\":\"day\"}",
                      FAILURE_INVALID);
        office_close(office);
}
END_TEST

START_TEST(logs_and_security_events_go_by_the_day_and_only_of_the_tenants_named) {
        static const char *const counted =
                "SELECT (SELECT count(*) FROM tenant_log WHERE tenant_id = current_tenant()) || ' ' || "
                "(SELECT count(*) FROM security_events WHERE tenant_id = current_tenant())";
        static const char *const other = "SET aiox.tenant = '00000000-0000-4000-8000-000000000001'";
        static const char *const rows = "INSERT INTO tenant_log (tenant_id, id, at, hub, level, sentence) "
                                        "SELECT current_tenant(), gen_random_uuid(), now() - d * interval '1 day', "
                                        "'h', 'info', 's' FROM unnest(ARRAY[5, 15]) AS d; "
                                        "INSERT INTO security_events (tenant_id, id, at, hub, kind, severity) "
                                        "SELECT current_tenant(), gen_random_uuid(), now() - d * interval '1 day', "
                                        "'h', 'volume', 'info' FROM unnest(ARRAY[5, 15]) AS d";
        Office *office = office_open();
        Failure failure;
        Uuid acme;
        ck_assert(uuid_parse(text_of(office->acme), &acme));
        office_execute(office, rows);
        place_execute(other);
        place_execute(rows);
        ck_assert_done(retention_keep_logs(office->operations.database, 9, &acme, 1, &failure), failure);
        ck_assert_str_eq(place_ask(counted), "2 2");
        ck_assert_str_eq(office_ask(office, counted), "1 1");
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

START_TEST(a_plan_is_narrowed_by_its_tenant_and_changed_by_platform_admins) {
        Office *office = office_open();
        office_refuse(office, OWNER, "", "tenant-update", "{\"slug\":\"acme\",\"plan\":\"pro\"}", FAILURE_FORBIDDEN);
        office_refuse(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"plan\":\"gold\"}", FAILURE_INVALID);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "free, starter, pro, enterprise"));
        office_refuse(office, ROOT, "", "tenant-create", "{\"slug\":\"new\",\"plan\":\"gold\"}", FAILURE_INVALID);
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"plan\":\"free\"}");
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"turns\",\"amount\":3}", FAILURE_POLICY);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "the plan free gives 2 turns at the same time"));
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"turns\",\"amount\":2}"); /* as much is no wider */
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"turns\",\"amount\":1}");
        /* Nor is it kept without effect when a platform admin says it. */
        office_refuse(office, ROOT, "acme", "limit-set", "{\"what\":\"turns\",\"amount\":3}", FAILURE_POLICY);
        ck_assert_str_eq(
                office->failure.text,
                "'amount': the plan free gives 2 turns at the same time, and a limit can only narrow that; for "
                "more a platform admin sets another figure in the plan's stead (limit-set with 'plan') or "
                "gives the tenant another plan (tenant-update)");
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"desk\",\"visibility\":\"shared\"}");
        office_refuse(office, ROOT, "acme", "grant-add",
                      "{\"agent\":\"desk\",\"who\":\"x@example.org\",\"messages_per_minute\":61}", FAILURE_POLICY);
        ck_assert_msg(strstr(office->failure.text, "'messages_per_minute': the plan free gives 60 messages per minute"),
                      "%s", office->failure.text);
        static const char raise[] = "{\"what\":\"turns\",\"plan\":true,\"amount\":9}";
        office_refuse(office, OWNER, "", "limit-set", raise, FAILURE_FORBIDDEN);
        office_refuse(office, FOREIGN, "acme", "limit-set", raise, FAILURE_NOT_FOUND);
        office_refuse(office, ROOT, "", "limit-set", raise, FAILURE_INVALID); /* of no tenant */
        office_do(office, ROOT, "acme", "limit-set", raise);
        ck_assert_str_eq(office_ask(office,
                                    "SELECT facts::json->>'amount_before' || ' ' || (facts::json->>'amount') || ' ' || "
                                    "(facts::json->>'subject') FROM operation_log WHERE facts::json->>'amount' = '9'"),
                         "2 9 plan");
        office_do(office, ROOT, "acme", "limit-set", "{\"what\":\"turns\",\"amount\":8}");
        office_refuse(office, ROOT, "acme", "limit-set", "{\"what\":\"turns\",\"amount\":10}", FAILURE_POLICY);
        ck_assert_msg(strstr(office->failure.text, "gives 9 turns at the same time by a figure of this tenant's own"),
                      "%s", office->failure.text);
        office_do(office, ROOT, "acme", "limit-remove", "{\"what\":\"turns\",\"plan\":true}");
        office_refuse(office, ADMIN, "", "limit-set", "{\"what\":\"turns\",\"amount\":7}", FAILURE_POLICY);
        office_close(office);
}
END_TEST

START_TEST(what_a_plan_counts_ends_with_a_sentence_and_owners_hear_of_it_before) {
        Office *office = office_open();
        char input[100];
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"plan\":\"free\"}");
        for (int i = 0; i < 5; i++) {
                snprintf(input, sizeof(input), "{\"name\":\"a%d\"}", i);
                office_do(office, ADMIN, "", "agent-create", input);
                ck_assert_int_eq(strstr(office->told, "The tenant acme has 4 of at most 5 agents.") != NULL, i >= 3);
        }
        ck_assert_ptr_nonnull(strstr(office->told, OWNER));
        office_refuse(office, ADMIN, "", "agent-create", "{\"name\":\"a5\"}", FAILURE_LIMIT);
        ck_assert_str_eq(office->failure.text, "The plan's limit of 5 agents is reached (the tenant's plan is free). "
                                               "Remove something, or ask for a wider limit.");
        office_do(office, ADMIN, "", "agent-delete", "{\"agent\":\"a0\"}");
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"a5\"}");
        office_refuse(office, ADMIN, "", "agent-restore", "{\"agent\":\"a0\"}", FAILURE_LIMIT);
        /* Four members were there before: who is one may get another role, and nobody comes. */
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"" VIEWER "\",\"role\":\"operator\"}");
        office_refuse(office, OWNER, "", "member-add", "{\"jid\":\"" STRANGER "\"}", FAILURE_LIMIT);
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"memory-mb\",\"amount\":0,\"agent\":\"a1\"}");
        office_refuse(office, ADMIN, "", "knowledge-add", "{\"agent\":\"a1\",\"name\":\"n\",\"content\":\"Text.\"}",
                      FAILURE_LIMIT);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "The agent's limit of 0 MB of memory is reached"));
        office_do(office, ADMIN, "", "knowledge-add", "{\"agent\":\"a2\",\"name\":\"n\",\"content\":\"Text.\"}");
        /* More megabytes than there are bytes to count are none too few. */
        office_do(office, ROOT, "acme", "limit-set", "{\"what\":\"memory-mb\",\"amount\":9300000000000,\"plan\":true}");
        office_do(office, ADMIN, "", "knowledge-add", "{\"agent\":\"a2\",\"name\":\"m\",\"content\":\"Text.\"}");
        office_do(office, FOREIGN, "", "agent-create", "{\"name\":\"theirs\"}"); /* another tenant has its own plan */
        office_close(office);
}
END_TEST

START_TEST(usage_is_seen_by_members_and_by_nobody_else) {
        Office *office = office_open();
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"plan\":\"free\"}");
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"desk\"}");
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"messages\",\"agent\":\"desk\",\"amount\":7}");
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"agents\",\"amount\":2}");
        const char *usage = office_do(office, VIEWER, "", "limit-usage", "{}");
        static const char *const shown[] = {
                "{\"amount\":5,\"ends_at\":null,\"in_use\":\"1\",\"kind\":\"count\",\"left\":\"4\",\"limit\":\"5 "
                "agents\","
                "\"name\":null,\"remaining\":4,\"reserved\":null,\"subject\":\"plan\",\"used\":1,\"what\":\"agents\"",
                "{\"amount\":2,\"ends_at\":null,\"in_use\":\"1\",\"kind\":\"count\",\"left\":\"1\",\"limit\":\"2 "
                "agents\","
                "\"name\":null,\"remaining\":1,\"reserved\":null,\"subject\":\"tenant\",\"used\":1,\"what\":\"agents\"",
                "{\"amount\":7,\"ends_at\":null,\"in_use\":\"3\",\"kind\":\"rate\",\"left\":\"4\","
                "\"limit\":\"7 messages per minute\",\"name\":\"desk\",\"remaining\":4,\"reserved\":null,"
                "\"subject\":\"agent\",\"used\":3,\"what\":\"messages\",\"window_seconds\":60}",
                "\"remaining\":0,\"reserved\":null,\"subject\":\"plan\",\"used\":4,\"what\":\"members\"",
        };
        for (size_t i = 0; i < COUNT_OF(shown); i++)
                ck_assert_msg(strstr(usage, shown[i]), "%s: %s", shown[i], usage);
        office_do(office, ROOT, "acme", "limit-set", "{\"what\":\"agents\",\"plan\":true,\"amount\":50}");
        usage = office_do(office, VIEWER, "", "limit-usage", "{}");
        ck_assert_msg(strstr(usage, "\"remaining\":49,\"reserved\":null,\"subject\":\"plan\""), "%s", usage);
        ck_assert_ptr_null(strstr(usage, "\"amount\":5,\"ends_at\":null"));
        usage = office_do(office, FOREIGN, "", "limit-usage", "{}");
        ck_assert_str_eq(usage, "{\"after\":null,\"data\":[],\"has_more\":false}");
        office_refuse(office, FOREIGN, "acme", "limit-usage", "{}", FAILURE_NOT_FOUND);
        office_refuse(office, STRANGER, "acme", "limit-usage", "{}", FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

/* One of the list's items. */
static void expect_use(const char *usage, const char *item) {
        ck_assert_msg(strstr(usage, item), "%s: %.3000s", item, usage);
}

START_TEST(of_budgets_what_is_spent_and_reserved_and_when_they_end_is_seen) {
        Office *office = office_open();
        office_do(office, ROOT, "", "tenant-update",
                  "{\"slug\":\"acme\",\"plan\":\"free\",\"zone\":\"Europe/Vienna\",\"billing_day\":15}");
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"desk\"}");
        static const char *const set[] = {
                "{\"what\":\"money-nano\",\"window\":\"day\",\"amount\":5000000000}",
                "{\"what\":\"tokens\",\"window\":\"minute\",\"amount\":105}",
                "{\"what\":\"money-nano\",\"window\":\"month\",\"agent\":\"desk\",\"amount\":9000000000}",
        };
        for (size_t i = 0; i < COUNT_OF(set); i++)
                office_do(office, ADMIN, "", "limit-set", set[i]);
        const char *usage = office_do(office, VIEWER, "", "limit-usage", "{}");
        expect_use(usage,
                   "{\"amount\":5000000000,\"ends_at\":\"2027-01-15T08:00:01.000Z\",\"in_use\":\"2.50 EUR, reserved "
                   "0.50 EUR\",\"kind\":\"budget\",\"left\":\"2.00 EUR\",\"limit\":\"5.00 EUR per day\",\"name\":null,"
                   "\"remaining\":2000000000,\"reserved\":500000000,\"subject\":\"tenant\",\"used\":2500000000,");
        expect_use(usage,
                   "\"in_use\":\"100, reserved 10\",\"kind\":\"budget\",\"left\":\"0\",\"limit\":\"105 tokens per "
                   "minute\"");
        expect_use(usage,
                   "\"in_use\":\"1.875 EUR, reserved 0.25 EUR\",\"kind\":\"budget\",\"left\":\"6.875 EUR\",\"limit\":"
                   "\"9.00 EUR per month\",\"name\":\"desk\"");
        /* Of the plan's tokens as well, and each account is asked once. */
        expect_use(usage,
                   "\"in_use\":\"300, reserved 10\",\"kind\":\"budget\",\"left\":\"999690\",\"limit\":\"1000000 tokens "
                   "per month\",\"name\":null,\"remaining\":999690,\"reserved\":10,\"subject\":\"plan\"");
        ck_assert_int_eq(office->budgets_asked, 2);
        ck_assert_str_eq(office->budget_calendar, "Europe/Vienna 15");
        office_close(office);
}
END_TEST

START_TEST(a_budget_that_cannot_be_checked_is_unknown_and_not_unused) {
        Office *office = office_open();
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"money-nano\",\"window\":\"day\",\"amount\":5000000000}");
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"messages\",\"amount\":7}");
        office->budgets_away = true;
        const char *usage = office_do(office, VIEWER, "", "limit-usage", "{}");
        expect_use(
                usage,
                "\"ends_at\":null,\"in_use\":\"unknown\",\"kind\":\"budget\",\"left\":\"unknown\",\"limit\":\"5.00 EUR "
                "per day\",\"name\":null,\"remaining\":null,\"reserved\":null,\"subject\":\"tenant\",\"used\":null,");
        expect_use(usage, "\"used\":3,\"what\":\"messages\"");
        /* What people and domains use is counted in each tenant by itself. */
        office->budgets_away = false;
        office_do(office, ROOT, "", "limit-set",
                  "{\"what\":\"tokens\",\"window\":\"day\",\"account\":\"" VIEWER "\",\"amount\":9}");
        office_do(office, ROOT, "", "limit-set",
                  "{\"what\":\"tokens\",\"window\":\"day\",\"everybody\":true,\"amount\":900}");
        usage = office_do(office, ROOT, "", "limit-usage", "{}");
        expect_use(usage,
                   "\"in_use\":\"in each tenant\",\"kind\":\"budget\",\"left\":\"\",\"limit\":\"9 tokens per day\"");
        expect_use(usage, "\"in_use\":\"200, reserved 10\"");
        office_close(office);
}
END_TEST

START_TEST(a_grant_has_limits_of_its_own_within_the_plan) {
        static const char *const wrong[][2] = {
                { "{\"what\":\"turns\",\"amount\":1,\"agent\":\"desk\",\"grant\":\"x@example.org\"}",
                  "no limit of turns for a grant" },
                { "{\"what\":\"messages\",\"amount\":1,\"grant\":\"x@example.org\"}", "say 'agent', too" },
        };
        Office *office = office_open();
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"desk\",\"visibility\":\"shared\"}");
        static const char set[] = "{\"what\":\"money-nano\",\"window\":86400,\"amount\":5250000000,\"agent\":\"desk\","
                                  "\"grant\":\"x@example.org\"}";
        office_refuse(office, ADMIN, "", "limit-set", set, FAILURE_NOT_FOUND);
        office_do(office, ADMIN, "", "grant-add",
                  "{\"agent\":\"desk\",\"who\":\"x@example.org\",\"messages_per_minute\":61}");
        office->heard_count = 0;
        office_do(office, ADMIN, "", "limit-set", set);
        ck_assert_uint_eq(office->heard_count, 1);
        ck_assert_int_eq(office->heard[0], DIRECTORY_LIMIT);
        const char *list = office_do(office, ADMIN, "", "grant-list", "{\"agent\":\"desk\"}");
        ck_assert_msg(strstr(list, "\"limits\":[\"61 messages per minute\",\"5.25 EUR per day\"]"), "%s", list);
        /* Whom an agent was opened to is not for everybody in the tenant. */
        ck_assert_ptr_null(strstr(office_do(office, VIEWER, "", "limit-list", "{}"), "x@example.org"));
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                office_refuse(office, ADMIN, "", "limit-set", wrong[i][0], FAILURE_INVALID);
                ck_assert_msg(strstr(office->failure.text, wrong[i][1]), "%s", office->failure.text);
        }
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"plan\":\"free\"}");
        office_refuse(office, ADMIN, "", "limit-set",
                      "{\"what\":\"messages\",\"amount\":61,\"agent\":\"desk\",\"grant\":\"x@example.org\"}",
                      FAILURE_POLICY);
        office_do(office, ADMIN, "", "limit-remove",
                  "{\"what\":\"money-nano\",\"window\":86400,\"agent\":\"desk\",\"grant\":\"x@example.org\"}");
        list = office_do(office, ADMIN, "", "grant-list", "{\"agent\":\"desk\"}");
        ck_assert_msg(strstr(list, "\"limits\":[\"61 messages per minute\"]"), "%s", list);
        office_close(office);
}
END_TEST

START_TEST(money_is_shown_in_units_of_the_currency) {
        Office *office = office_open();
        const char *set = office_do(office, ADMIN, "", "limit-set",
                                    "{\"what\":\"money-nano\",\"window\":86400,\"amount\":5250000000}");
        ck_assert_msg(strstr(set, "\"limit\":\"5.25 EUR per day\""), "%s", set);
        static const char *const lists[] = { "limit-list", "limit-usage" };
        for (size_t i = 0; i < COUNT_OF(lists); i++) {
                const char *list = office_do(office, VIEWER, "", lists[i], "{}");
                ck_assert_msg(strstr(list, "\"limit\":\"5.25 EUR per day\""), "%s", list);
                ck_assert_msg(strstr(list, "\"amount\":5250000000"), "%s", list);
        }
        office_close(office);
}
END_TEST

START_TEST(plans_are_shown_to_everybody) {
        Office *office = office_open();
        const char *list = office_do(office, VIEWER, "", "plan-list", "{}");
        ck_assert_msg(strstr(list, "\"tokens per month\":1000000"), "%s", list);
        const char *shown = office_do(office, VIEWER, "", "plan-show", "{\"name\":\"enterprise\"}");
        ck_assert_str_eq(shown,
                         "{\"limits\":{},\"name\":\"enterprise\",\"price\":\"custom\",\"title\":\"Enterprise\"}");
        office_refuse(office, VIEWER, "", "plan-show", "{\"name\":\"gold\"}", FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

static const char *agent_at(const char *name, const char *url) {
        static char input[300];
        snprintf(input, sizeof(input), "{\"name\":\"%s\",\"model\":\"openai/x\",\"provider_url\":\"%s\"}", name, url);
        return input;
}

START_TEST(a_provider_is_a_host_that_live_agents_ask) {
        Office *office = office_open();
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"providers\",\"amount\":1}");
        office_do(office, ADMIN, "", "agent-create", agent_at("one", "https://a.example/v1"));
        /* Another path, port or case is the same one. */
        office_do(office, ADMIN, "", "agent-create", agent_at("two", "https://A.example:8443/v2"));
        office_refuse(office, ADMIN, "", "agent-create", agent_at("three", "https://b.example/v1"), FAILURE_LIMIT);
        ck_assert_str_eq(office->failure.text,
                         "The tenant's limit of 1 providers is reached (the tenant's plan is enterprise). Remove "
                         "something, or ask for a wider limit.");
        ck_assert_ptr_nonnull(
                strstr(office_do(office, VIEWER, "", "limit-usage", "{}"), "\"used\":1,\"what\":\"providers\""));
        /* The only one that asks it may ask another instead; and what is deleted asks nobody. */
        office_do(office, ADMIN, "", "agent-delete", "{\"agent\":\"two\"}");
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"one\",\"provider_url\":\"https://b.example/v1\"}");
        office_refuse(office, ADMIN, "", "agent-restore", "{\"agent\":\"two\"}", FAILURE_LIMIT);
        office_do(office, ADMIN, "", "agent-rollback", "{\"agent\":\"one\"}");
        office_do(office, ADMIN, "", "agent-restore", "{\"agent\":\"two\"}");
        office_refuse(office, ADMIN, "", "agent-rollback", "{\"agent\":\"one\",\"version\":2}", FAILURE_LIMIT);
        /* A limit that is narrower than what there is stops nothing that is there. */
        office_do(office, ADMIN, "", "limit-set", "{\"what\":\"providers\",\"amount\":0}");
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"one\",\"goal\":\"Helps.\"}");
        office_close(office);
}
END_TEST

UNIT_TESTS("integration/operations/limits", a_limit_is_one_row_and_the_last_amount_holds,
           a_tenant_limits_itself_and_nobody_else, a_tenants_admins_limit_who_writes_to_it,
           people_and_domains_are_limited_by_platform_admins,
           nobody_limits_the_whole_installation_by_leaving_something_out, wrong_limits_are_refused_by_name,
           a_plan_is_narrowed_by_its_tenant_and_changed_by_platform_admins,
           what_a_plan_counts_ends_with_a_sentence_and_owners_hear_of_it_before,
           a_provider_is_a_host_that_live_agents_ask, usage_is_seen_by_members_and_by_nobody_else,
           of_budgets_what_is_spent_and_reserved_and_when_they_end_is_seen,
           a_budget_that_cannot_be_checked_is_unknown_and_not_unused, money_is_shown_in_units_of_the_currency,
           plans_are_shown_to_everybody, a_grant_has_limits_of_its_own_within_the_plan,
           what_is_kept_for_days_is_kept_by_the_narrowest_of_plan_tenant_and_installation,
           tenant_shortens_how_long_it_keeps_and_never_lengthens_it,
           logs_and_security_events_go_by_the_day_and_only_of_the_tenants_named)
