/* Prices and usage as operations: who may set and see what. */
#include "tests/integration/operations/office.h"

#include <stdio.h>

static void expect(const char *result, const char *part) {
        ck_assert_msg(strstr(result, part), "%s is not in %s", part, result);
}

static void expect_no(const char *result, const char *part) {
        ck_assert_msg(!strstr(result, part), "%s is in %s", part, result);
}

/* acme's id of a person. */
static const char *person_id(Office *office, const char *jid) {
        static char id[UUID_STRING_SIZE];
        Uuid person, acme;
        Failure failure;
        ck_assert(uuid_parse(text_of(office->acme), &acme));
        ck_assert_done(keyring_person(office->operations.keyring, acme, text_of(jid), &person, &failure), failure);
        uuid_format(person, id);
        return id;
}

/* `count` messages of a person to acme's agent, answered at that time with 100 tokens in, 20 of them cached, and 30
 * out, for 1,000,000,001 nano-units each. */
static void answer(Office *office, const char *agent, const char *jid, int first, int count, const char *at) {
        char sql[1600];
        snprintf(sql, sizeof(sql),
                 "WITH made AS (SELECT n, (left(lowest_id(current_date), 24) || right(gen_random_uuid()::text, "
                 "12))::uuid "
                 "AS id, a.tenant_id, a.id AS agent_id, a.version_id FROM agents a, generate_series(%d, %d) n "
                 "WHERE a.name = '%s'), said AS (INSERT INTO accepted (id, tenant_id, agent_id, person_id, sequence, "
                 "accepted_at, conversation, hub, key_id, domain) SELECT id, tenant_id, agent_id, '%s', 2 * n, '%s', "
                 "0, 1, "
                 "1, 'agents.localhost' FROM made) INSERT INTO concluded (id, tenant_id, version_id, sequence, "
                 "concluded_at, cost_nano, queue_us, model_us, total_us, admission_us, prompt_tokens, "
                 "completion_tokens, "
                 "cached_tokens, model_calls, tool_calls, attempt, hub, key_id, outcome, reason) SELECT id, tenant_id, "
                 "version_id, 2 * n + 1, '%s', 1000000001, 0, 0, 1000, 0, 100, 30, 20, 1, 0, 0, 1, 1, 1, 0 FROM made",
                 first, first + count - 1, agent, person_id(office, jid), at, at);
        office_execute(office, sql);
}

static Office *office_with_answers(void) {
        Office *office = office_open();
        place_execute("TRUNCATE usage_days, usage_cursors, usage_calls, prices, journal_bytes, accepted, concluded");
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"desk\",\"visibility\":\"public\"}");
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"shop\",\"visibility\":\"public\"}");
        answer(office, "desk", VIEWER, 1, 2, "2026-05-04 12:00Z");
        answer(office, "desk", ADMIN, 3, 1, "2026-05-05 12:00Z");
        answer(office, "shop", STRANGER, 4, 4, "2026-05-05 12:00Z");
        return office;
}

#define MAY "\"from\":\"2026-05-01\",\"to\":\"2026-05-31\""

START_TEST(admins_see_the_tenants_usage_by_day_person_agent_and_model) {
        Office *office = office_with_answers();
        const char *days = office_do(office, ADMIN, "", "usage-show", "{" MAY "}");
        expect(days, "\"api_calls\":0,\"byte_hours\":0,\"cached_tokens\":40,\"completion_tokens\":60,\"compute_ms\":2,"
                     "\"cost\":\"2.000000002 EUR\",\"cost_nano\":2000000002,\"id\":\"2026-05-04\",\"messages\":2,"
                     "\"model_calls\":2,\"name\":\"2026-05-04\",\"prompt_tokens\":200,\"tool_runs\":0");
        expect(days, "\"cost\":\"7.000000007 EUR\",\"cost_nano\":7000000007,\"messages\":7");
        const char *people = office_do(office, ADMIN, "", "usage-show", "{" MAY ",\"group\":\"account\"}");
        expect(people, "\"name\":\"" VIEWER "\"");
        expect(people, "\"name\":\"" ADMIN "\"");
        expect_no(people, STRANGER); /* who is no member stays an id */
        expect(people, "\"messages\":4");
        const char *agents = office_do(office, ADMIN, "", "usage-show", "{" MAY ",\"group\":\"agent\"}");
        expect(agents, "\"messages\":3,\"model_calls\":3,\"name\":\"desk\"");
        expect(agents, "\"messages\":4,\"model_calls\":4,\"name\":\"shop\"");
        expect(office_do(office, ADMIN, "", "usage-show", "{" MAY ",\"group\":\"model\"}"),
               "\"messages\":7,\"model_calls\":7,\"name\":\"builtin/extractive\"");
        const char *one = office_do(office, ADMIN, "", "usage-show", "{" MAY ",\"account\":\"" VIEWER "\"}");
        expect(one, "\"cost_nano\":2000000002,\"messages\":2");
        const char *page = office_do(office, ADMIN, "", "usage-show", "{" MAY ",\"limit\":1}");
        expect(page, "\"after\":\"2026-05-04\"");
        page = office_do(office, ADMIN, "", "usage-show", "{" MAY ",\"limit\":1,\"after\":\"2026-05-04\"}");
        expect(page, "\"id\":\"2026-05-05\"");
        expect(page, "\"has_more\":false");
        office_close(office);
}
END_TEST

START_TEST(everybody_else_sees_his_own_and_an_owner_his_agents) {
        Office *office = office_with_answers();
        const char *own = office_do(office, VIEWER, "", "usage-show", "{" MAY ",\"group\":\"account\"}");
        expect(own, "\"name\":\"" VIEWER "\"");
        expect_no(own, ADMIN);
        expect(own, "\"cost_nano\":2000000002,\"messages\":2");
        office_refuse(office, OPERATOR, "", "usage-show", "{" MAY ",\"account\":\"" VIEWER "\"}", FAILURE_FORBIDDEN);
        expect(office_do(office, OPERATOR, "", "usage-show", "{" MAY "}"), "\"data\":[]");
        const char *export = office_do(office, VIEWER, "", "usage-export", "{" MAY "}");
        expect(export, VIEWER);
        expect_no(export, ADMIN);
        /* Who made an agent sees who used it, whatever his role has become. */
        office_do(office, ADMIN, "", "member-add", "{\"jid\":\"" OPERATOR "\",\"role\":\"operator\"}");
        office_do(office, OPERATOR, "", "agent-create", "{\"name\":\"mine\",\"visibility\":\"tenant\"}");
        answer(office, "mine", ADMIN, 10, 3, "2026-05-06 12:00Z");
        expect(office_do(office, OPERATOR, "", "usage-show", "{" MAY ",\"agent\":\"mine\"}"), "\"messages\":3");
        expect(office_do(office, VIEWER, "", "usage-show", "{" MAY ",\"agent\":\"mine\"}"), "\"data\":[]");
        office_close(office);
}
END_TEST

START_TEST(another_tenant_sees_nothing_and_a_platform_admin_sums) {
        Office *office = office_with_answers();
        static const char *const operations[] = { "usage-show", "usage-export" };
        for (size_t i = 0; i < COUNT_OF(operations); i++) {
                office_refuse(office, FOREIGN, "acme", operations[i], "{" MAY "}", FAILURE_NOT_FOUND);
                office_refuse(office, STRANGER, "acme", operations[i], "{" MAY "}", FAILURE_NOT_FOUND);
                const char *theirs = office_do(office, FOREIGN, "", operations[i], "{" MAY "}");
                expect_no(theirs, "desk");
                expect_no(theirs, "cost_nano\":");
        }
        office_refuse(office, OWNER, "", "usage-list", "{" MAY "}", FAILURE_FORBIDDEN);
        const char *sums = office_do(office, ROOT, "", "usage-list", "{" MAY "}");
        expect(sums, "\"cost\":\"7.000000007 EUR\",\"cost_nano\":7000000007,\"messages\":7,\"model_calls\":7,"
                     "\"prompt_tokens\":700,\"tenant\":\"acme\"");
        expect(sums, "\"tenant\":\"other\"");
        expect_no(sums, VIEWER);
        office_close(office);
}
END_TEST

START_TEST(exports_are_lines_that_add_up) {
        Office *office = office_with_answers();
        const char *csv = office_do(office, ADMIN, "", "usage-export", "{" MAY "}");
        expect(csv, "\"day,account,jid,agent,model,messages,model_calls,tool_runs,api_calls,prompt_tokens,"
                    "completion_tokens,cached_tokens,compute_us,byte_hours,cost_nano,currency\\r\\n2026-05-04,");
        expect(csv, ",\\\"" VIEWER "\\\",\\\"desk\\\",\\\"builtin/extractive\\\",2,2,0,0,200,60,40,2000,0,2000000002,"
                    "EUR\\r\\n");
        expect(csv, ",\\\"\\\",\\\"shop\\\",\\\"builtin/extractive\\\",4,4,0,0,400,120,80,4000,0,4000000004,EUR\\r\\n");
        const char *lines = office_do(office, ADMIN, "", "usage-export", "{" MAY ",\"format\":\"jsonl\"}");
        expect(lines, "\\\"cost_nano\\\":2000000002,\\\"currency\\\":\\\"EUR\\\",\\\"day\\\":\\\"2026-05-04\\\",");
        expect(lines, "\\\"jid\\\":null");
        office_close(office);
}
END_TEST

START_TEST(an_erased_person_stays_an_id_and_sums_stay_right) {
        Office *office = office_with_answers();
        char name[80], sql[200];
        snprintf(name, sizeof(name), "\"name\":\"%s\"", person_id(office, VIEWER));
        office_do(office, ADMIN, "", "usage-show", "{" MAY "}");
        snprintf(sql, sizeof(sql), "UPDATE persons SET jid = NULL, erased_at = now() WHERE id = '%s'",
                 person_id(office, VIEWER));
        office_execute(office, sql);
        office_do(office, OWNER, "", "member-remove", "{\"jid\":\"" VIEWER "\"}");
        const char *people = office_do(office, ADMIN, "", "usage-show", "{" MAY ",\"group\":\"account\"}");
        expect(people, name);
        expect_no(people, VIEWER);
        expect(people, "\"cost_nano\":7000000007,\"messages\":7");
        office_close(office);
}
END_TEST

START_TEST(a_period_is_the_tenants_and_wrong_days_are_refused_by_name) {
        static const char *const wrong[][2] = {
                { "{\"from\":\"2026-02-30\"}", "'from'" },
                { "{\"from\":\"26-1-1\"}", "'from'" },
                { "{\"from\":\"2026- 1-31\"}", "'from'" },
                { "{\"from\":\"0000-01-01\"}", "'from'" },
                { "{\"from\":\"2026-01-01\",\"to\":\"tomorrow\"}", "'to'" },
                { "{\"from\":\"2026-01-01\",\"to\":\"2026-13-01\"}", "'to'" },
                { "{\"from\":\"2026-02-01\",\"to\":\"2026-01-31\"}", "'from'" },
                { "{\"to\":\"2026-01-31\"}", "'from'" },
                { "{\"period\":\"next\"}", "'period'" },
                { "{\"period\":\"previous\",\"from\":\"2026-01-01\"}", "say 'period', or 'from' and 'to', not both" },
                { "{\"period\":\"current\",\"to\":\"2026-01-01\"}", "say 'period', or 'from' and 'to', not both" },
                { "{\"from\":\"'; DROP\"}", "'from'" },
        };
        Office *office = office_open();
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                office_refuse(office, ADMIN, "", "usage-show", wrong[i][0], FAILURE_INVALID);
                ck_assert_msg(strstr(office->failure.text, wrong[i][1]) != NULL, "%s", office->failure.text);
        }
        office_refuse(office, OWNER, "", "tenant-update", "{\"slug\":\"acme\",\"billing_day\":31}", FAILURE_FORBIDDEN);
        office_refuse(office, OWNER, "", "tenant-update", "{\"slug\":\"acme\",\"zone\":\"UTC\"}", FAILURE_FORBIDDEN);
        office_refuse(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"zone\":\"Middle/Earth\"}",
                      FAILURE_INVALID);
        office_refuse(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"billing_day\":32}", FAILURE_INVALID);
        expect(office_do(office, ROOT, "", "tenant-update",
                         "{\"slug\":\"acme\",\"zone\":\"Pacific/Kiritimati\",\"billing_day\":31}"),
               "\"billing_day\":31");
        char *current = memory_string(place_ask("SELECT format('\"from\":\"%s\"', first) || ' ' || (next - 1) FROM "
                                                "billing_month((now() AT TIME ZONE 'Pacific/Kiritimati')::date, 31)"));
        char *to = strchr(current, ' ');
        *to++ = '\0';
        const char *shown = office_do(office, ADMIN, "", "usage-show", "{}");
        expect(shown, current);
        expect(shown, to);
        expect(shown, "\"zone\":\"Pacific/Kiritimati\"");
        free(current);
        office_close(office);
}
END_TEST

START_TEST(prices_are_set_ahead_by_platform_admins_and_never_changed) {
        static const char *const wrong[][2] = {
                { "{\"meter\":\"prompt-tokens\",\"price\":1}", "'model'" },
                { "{\"meter\":\"messages\",\"model\":\"openai/x\",\"price\":1}", "'model'" },
                { "{\"meter\":\"prompt-tokens\",\"model\":\"gpt-4o\",\"price\":1}", "'model'" },
                { "{\"meter\":\"messages\",\"price\":-1}", "'price'" },
                { "{\"meter\":\"messages\",\"price\":1e-10}", "'price'" },
                { "{\"meter\":\"messages\",\"price\":1000001}", "'price'" },
                { "{\"meter\":\"thoughts\",\"price\":1}", "'meter'" },
                { "{\"meter\":\"messages\",\"price\":1,\"margin\":-1}", "'margin'" },
                { "{\"meter\":\"messages\",\"price\":1,\"from\":\"2026-01-01T00:00:00Z\"}", "'from'" },
        };
        Office *office = office_with_answers();
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                office_refuse(office, ROOT, "", "price-set", wrong[i][0], FAILURE_INVALID);
                ck_assert_msg(strstr(office->failure.text, wrong[i][1]) != NULL, "%s", office->failure.text);
        }
        office_refuse(office, OWNER, "", "price-set", "{\"meter\":\"messages\",\"price\":1}", FAILURE_FORBIDDEN);
        office_refuse(office, OWNER, "", "price-list", "{}", FAILURE_FORBIDDEN);
        expect(office_do(office, ROOT, "", "price-set",
                         "{\"meter\":\"prompt-tokens\",\"model\":\"openai/x\",\"price\":0.000000001,\"margin\":20}"),
               "\"charged\":\"0.000000002 EUR\",\"charged_nano\":2,"); /* rounded up */
        expect(office_do(office, ROOT, "", "price-set",
                         "{\"meter\":\"prompt-tokens\",\"model\":\"openai/x\",\"price\":2.5,\"margin\":12.5,"
                         "\"from\":\"2099-01-01T00:00:00Z\"}"),
               "\"charged\":\"2.8125 EUR\",\"charged_nano\":2812500000,\"from\":\"2099-01-01T00:00:00");
        const char *list = office_do(office, ROOT, "", "price-list", "{\"model\":\"openai/x\"}");
        expect(list, "\"until\":\"2099-01-01T00:00:00");
        expect(list, "\"in_force\":false,\"margin\":12.5");
        ck_assert_str_eq(place_ask("SELECT has_table_privilege('aiox_tenant', 'prices', 'UPDATE, DELETE, TRUNCATE')"),
                         "f");
        ck_assert_str_eq(place_ask_as("aiox_tenant", office->acme, "SELECT count(*) FROM prices"), "0");
        ck_assert_str_eq(place_ask_as("aiox_tenant", office->acme,
                                      "INSERT INTO prices (id, meter, price_nano, valid_from) VALUES "
                                      "(gen_random_uuid(), 'messages', 0, now()) RETURNING 1"),
                         "42501");
        office_close(office);
}
END_TEST

START_TEST(a_version_may_cost_more_than_its_model_but_not_less) {
        Office *office = office_with_answers();
        place_execute(
                "ALTER TABLE prices NO FORCE ROW LEVEL SECURITY; INSERT INTO prices (id, meter, model, price_nano, "
                "valid_from) SELECT gen_random_uuid(), meter, 'builtin/echo', 2000000000, at FROM (VALUES "
                "('prompt-tokens', now() - interval '1 hour'), ('completion-tokens', now() + interval '1 hour')) "
                "AS v(meter, at); ALTER TABLE prices FORCE ROW LEVEL SECURITY");
#define ECHO_AGENT "\"name\":\"paid\",\"model\":\"builtin/echo\""
        office_refuse(office, OWNER, "", "agent-create", "{" ECHO_AGENT ",\"prompt_price\":0}", FAILURE_INVALID);
        office_refuse(office, OWNER, "", "agent-create", "{" ECHO_AGENT ",\"prompt_price\":1.999999999}",
                      FAILURE_INVALID);
        expect(office->failure.text, "'prompt_price' must be at least 2");
        office_do(office, OWNER, "", "agent-create", "{" ECHO_AGENT ",\"prompt_price\":2,\"completion_price\":0}");
        office_do(office, OWNER, "", "agent-update", "{\"agent\":\"paid\",\"prompt_price\":3}");
        office_refuse(office, OWNER, "", "agent-update", "{\"agent\":\"paid\",\"prompt_price\":1}", FAILURE_INVALID);
        /* Without a price of the installation it is as the version says. */
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"free\",\"prompt_price\":0}");
        office_close(office);
}
END_TEST

START_TEST(calls_of_the_api_are_counted_by_who_called) {
        Office *office = office_with_answers();
        office->operations.meters = meters_new();
        static const char *const people[] = { VIEWER, VIEWER, ADMIN, ROOT };
        for (size_t i = 0; i < COUNT_OF(people); i++) {
                Json *input = json_new_object(), *result = NULL;
                const Caller caller = { .principal = text_of(people[i]),
                                        .platform = strcmp(people[i], ROOT) == 0,
                                        .tenant = TEXT("acme"),
                                        .door = "test",
                                        .metered = true };
                ck_assert_done(operation_call(&office->operations, &caller, operation_find(TEXT("agent-list")), input,
                                              &result, &office->failure),
                               office->failure);
                json_free(input);
                json_free(result);
        }
        const char *people_shown = office_do(office, ADMIN, "", "usage-show",
                                             "{\"from\":\"2026-06-01\",\"to\":\"2999-01-01\",\"group\":\"account\"}");
        expect(people_shown, "\"api_calls\":4");
        ck_assert_str_eq(office_ask(office,
                                    "SELECT string_agg(api_calls::text, ' ' ORDER BY api_calls) FROM usage_days "
                                    "WHERE api_calls > 0"),
                         "1 1 2");
        meters_free(office->operations.meters);
        office_close(office);
}
END_TEST

UNIT_TESTS("integration/operations/usage", admins_see_the_tenants_usage_by_day_person_agent_and_model,
           everybody_else_sees_his_own_and_an_owner_his_agents, another_tenant_sees_nothing_and_a_platform_admin_sums,
           exports_are_lines_that_add_up, an_erased_person_stays_an_id_and_sums_stay_right,
           a_period_is_the_tenants_and_wrong_days_are_refused_by_name,
           prices_are_set_ahead_by_platform_admins_and_never_changed,
           a_version_may_cost_more_than_its_model_but_not_less, calls_of_the_api_are_counted_by_who_called)
