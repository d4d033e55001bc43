/* Policies: what a version and a tenant may declare, how they are hashed, and what is listed of violations. */
#include "tests/integration/operations/office.h"

#include <stdio.h>

static void create(Office *office) {
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"desk\",\"visibility\":\"tenant\"}");
}

/* The value of "policy_hash" in what the last call gave. */
static void hash_of(const char *result, char hash[static 65]) {
        const char *found = strstr(result, "\"policy_hash\":\"");
        ck_assert_ptr_nonnull(found);
        snprintf(hash, 65, "%s", found + strlen("\"policy_hash\":\""));
}

START_TEST(unknown_and_wrong_keys_are_refused_by_name) {
        static const struct {
                const char *input, *sentence;
        } wrong[] = {
                { "\"allowed_model\":[\"a\"]", "'allowed_model'" },
                { "\"allowed_models\":[\"gpt\"]", "'allowed_models': 'gpt' is no model" },
                { "\"hours\":\"always\"", "'hours': 'always' is no span of hours" },
                { "\"sender_domains\":[\"a@b\"]", "'sender_domains': 'a@b' is no domain" },
                { "\"sender_domains\":[\"a\\\"b\"]", "'sender_domains': 'a\"b' is no domain" },
                { "\"sender_domains\":\"example.org,*\"", "'sender_domains': '*' is no domain" },
                { "\"guardrails\":\"input block nothing\"", "'guardrails': line 1: there is no kind 'nothing'" },
                { "\"guardrails\":\"input block mail\\noutput redact leak\"", "'guardrails': line 2: leak concerns" },
                { "\"guardrails\":\"input block pattern (\"", "'guardrails': line 1: the pattern at its byte 1" },
                { "\"max_output\":-1", "'max_output'" },
                { "\"max_output\":\"much\"", "'max_output'" },
        };
        Office *office = office_open();
        char input[400];
        create(office);
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                snprintf(input, sizeof(input), "{%s}", wrong[i].input);
                office_refuse(office, ADMIN, "", "policy-set", input, FAILURE_INVALID);
                ck_assert_msg(strstr(office->failure.text, wrong[i].sentence), "%s", office->failure.text);
                snprintf(input, sizeof(input), "{\"agent\":\"desk\",%s}", wrong[i].input);
                office_refuse(office, ADMIN, "", "agent-update", input, FAILURE_INVALID);
                ck_assert_msg(strstr(office->failure.text, wrong[i].sentence), "%s", office->failure.text);
        }
        ck_assert_str_eq(office_ask(office, "SELECT count(*) FROM policies"), "0");
        ck_assert_str_eq(office_ask(office, "SELECT count(*) FROM agent_versions"), "1");
        office_close(office);
}
END_TEST

static const char *const fields[][2] = {
        { "allowed_models", "[\"builtin/*\"]" },
        { "sender_domains", "[\"example.org\",\"*.example.net\"]" },
        { "hours", "\"mon-fri 08:00-18:00\"" },
        { "max_output", "4000" },
        { "guardrails", "\"input redact mail\\noutput block leak\"" },
        { "approval_tools", "[\"mail\"]" },
};

START_TEST(every_field_of_a_version_is_part_of_its_hash) {
        Office *office = office_open();
        char input[400], before[65], after[65], show[] = "{\"agent\":\"desk\"}";
        create(office);
        hash_of(office_do(office, ADMIN, "", "agent-show", show), before);
        for (size_t i = 0; i < COUNT_OF(fields); i++) {
                snprintf(input, sizeof(input), "{\"agent\":\"desk\",\"%s\":%s}", fields[i][0], fields[i][1]);
                office_do(office, ADMIN, "", "agent-update", input);
                const char *shown = office_do(office, ADMIN, "", "agent-show", show);
                hash_of(shown, after);
                ck_assert_msg(strcmp(before, after) != 0, "%s", fields[i][0]);
                snprintf(input, sizeof(input), "\"%s\":%s", fields[i][0], fields[i][1]);
                ck_assert_msg(strstr(shown, input), "%s: %s", input, shown);
                memcpy(before, after, sizeof(before));
        }
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"desk\",\"prompt\":\"Be kind.\"}");
        hash_of(office_do(office, ADMIN, "", "agent-show", show), after);
        ck_assert_str_ne(before, after);
        /* The same again is another version and the same policy. */
        office_do(office, ADMIN, "", "agent-update", "{\"agent\":\"desk\",\"max_output\":4000}");
        hash_of(office_do(office, ADMIN, "", "agent-show", show), before);
        ck_assert_str_eq(before, after);
        ck_assert_str_eq(office_ask(office, "SELECT count(*) FROM agent_versions"), "9");
        office_close(office);
}
END_TEST

START_TEST(the_order_of_keys_is_no_part_of_a_hash) {
        Office *office = office_open();
        char first[65], second[65];
        hash_of(office_do(office, ADMIN, "", "policy-set",
                          "{\"hours\":\"mon 08:00-18:00\",\"max_output\":7,\"sender_domains\":[\"a.example\"]}"),
                first);
        hash_of(office_do(office, ADMIN, "", "policy-set",
                          "{\"sender_domains\":[\"a.example\"],\"max_output\":7,\"hours\":\"mon 08:00-18:00\"}"),
                second);
        ck_assert_str_eq(first, second);
        /* SHA-256 of {"hours":"mon 08:00-18:00","max_output":7,"sender_domains":["a.example"]} */
        ck_assert_str_eq(office_ask(office, "SELECT encode(policy_hash, 'hex') = encode(sha256(convert_to("
                                            "'{\"hours\":\"mon 08:00-18:00\",\"max_output\":7,"
                                            "\"sender_domains\":[\"a.example\"]}', 'UTF8')), 'hex') FROM policies"),
                         "t");
        ck_assert_ptr_nonnull(
                strstr(office_ask(office, "SELECT facts FROM operation_log ORDER BY at DESC LIMIT 1"), first));
        ck_assert_int_eq(office->heard[office->heard_count - 1], DIRECTORY_POLICY);
        office_close(office);
}
END_TEST

START_TEST(a_tenants_policy_stays_as_it_is_where_nothing_is_said_and_is_emptied_by_what_is_empty) {
        Office *office = office_open();
        for (size_t i = 0; i < COUNT_OF(fields); i++) {
                char input[400];
                snprintf(input, sizeof(input), "{\"%s\":%s}", fields[i][0], fields[i][1]);
                office_do(office, ADMIN, "", "policy-set", input);
        }
        const char *shown = office_do(office, VIEWER, "", "policy-show", "{}");
        for (size_t i = 0; i < COUNT_OF(fields); i++) {
                char member[400];
                snprintf(member, sizeof(member), "\"%s\":%s", fields[i][0], fields[i][1]);
                ck_assert_msg(strstr(shown, member), "%s: %s", member, shown);
        }
        const char *export = office_do(office, OWNER, "", "tenant-export", "{\"slug\":\"acme\",\"limit\":200}");
        ck_assert_ptr_nonnull(
                strstr(export, "\"hours\":\"mon-fri 08:00-18:00\",\"kind\":\"policy\",\"max_output\":4000"));
        ck_assert_ptr_nonnull(strstr(office_do(office, OWNER, "", "compliance-report", "{}"), "the tenant"));
        office_do(office, ADMIN, "", "policy-set",
                  "{\"allowed_models\":[],\"sender_domains\":[],\"hours\":\"\",\"max_output\":0,\"guardrails\":\"\","
                  "\"approval_tools\":[]}");
        ck_assert_str_eq(office_ask(office, "SELECT policy FROM policies"), "{}");
        office_close(office);
}
END_TEST

START_TEST(a_tenants_policy_is_its_admins_and_only_narrows) {
        Office *office = office_open();
        office_do(office, ADMIN, "", "policy-set", "{\"allowed_models\":[\"builtin/extractive\"]}");
        office_refuse(office, OPERATOR, "", "policy-set", "{\"max_output\":1}", FAILURE_FORBIDDEN);
        office_refuse(office, FOREIGN, "acme", "policy-set", "{\"max_output\":1}", FAILURE_NOT_FOUND);
        office_refuse(office, FOREIGN, "acme", "policy-show", "{}", FAILURE_NOT_FOUND);
        ck_assert_ptr_null(strstr(office_do(office, FOREIGN, "", "policy-show", "{}"), "builtin"));
        create(office);
        office_refuse(office, ADMIN, "", "agent-update",
                      "{\"agent\":\"desk\",\"model\":\"builtin/echo\",\"allowed_models\":[\"builtin/*\"]}",
                      FAILURE_POLICY);
        ck_assert_str_eq(office->failure.text, "'model': the tenant's policy does not allow 'builtin/echo'");
        office_refuse(office, ADMIN, "", "agent-create", "{\"name\":\"echo\",\"model\":\"builtin/echo\"}",
                      FAILURE_POLICY);
        office_refuse(office, ADMIN, "", "agent-update", "{\"agent\":\"desk\",\"allowed_models\":[\"builtin/echo\"]}",
                      FAILURE_INVALID);
        ck_assert_str_eq(office->failure.text, "'model': 'builtin/extractive' is not among 'allowed_models'");
        const char *shown = office_do(office, VIEWER, "", "policy-show", "{\"agent\":\"desk\"}");
        ck_assert_ptr_nonnull(strstr(shown, "\"model\":\"builtin/extractive\",\"name\":\"desk\""));
        office_close(office);
}
END_TEST

/* As a hub writes it into its chain. */
static void add_violation(Office *office, int position, const char *action, int rule, const char *kind) {
        char sql[700];
        snprintf(sql, sizeof(sql),
                 "INSERT INTO audit (tenant_id, agent_id, position, at, hub, type, severity, facts, hash) "
                 "SELECT tenant_id, id, %d, now() - interval '%d seconds', 1, 'policy.violation', 'info', "
                 "'{\"action\":\"%s\",\"count\":2,\"kind\":\"%s\",\"of\":\"agent\",\"rule\":%d,\"where\":\"input\"}', "
                 "'\\x00' "
                 "FROM agents WHERE name = 'desk'",
                 position, 100 - position, action, kind, rule);
        office_execute(office, sql);
}

START_TEST(violations_are_listed_by_filters_and_counted_by_rule) {
        Office *office = office_open();
        create(office);
        add_violation(office, 1, "redact", 1, "mail");
        add_violation(office, 2, "redact", 1, "mail");
        add_violation(office, 3, "block", 2, "card");
        add_violation(office, 4, "unchecked", 3, "pattern");
        const char *list = office_do(office, ADMIN, "", "violation-list", "{\"action\":\"block\"}");
        ck_assert_ptr_nonnull(strstr(list, "\"kind\":\"card\""));
        ck_assert_ptr_null(strstr(list, "\"kind\":\"mail\""));
        list = office_do(office, ADMIN, "", "violation-list", "{\"agent\":\"desk\",\"kind\":\"mail\",\"limit\":1}");
        ck_assert_ptr_nonnull(strstr(list, "\"has_more\":true"));
        ck_assert_ptr_nonnull(
                strstr(office_do(office, ADMIN, "", "violation-list", "{\"where\":\"output\"}"), "\"data\":[]"));
        list = office_do(office, ADMIN, "", "violation-list", "{\"action\":\"unchecked\"}");
        ck_assert_ptr_nonnull(strstr(list, "\"action\":\"unchecked\",\"agent\":\"desk\""));
        ck_assert_ptr_null(strstr(list, "\"kind\":\"card\""));
        const char *counts = office_do(office, ADMIN, "", "violation-count", "{}");
        ck_assert_ptr_nonnull(strstr(counts, "\"action\":\"redact\",\"agent\":\"desk\",\"found\":4,\"kind\":\"mail\""));
        ck_assert_ptr_nonnull(strstr(counts, "\"messages\":2"));
        ck_assert_ptr_nonnull(strstr(counts, "\"found\":2,\"kind\":\"card\""));
        office_refuse(office, ADMIN, "", "violation-list", "{\"kind\":\"mail' OR true --\"}", FAILURE_INVALID);
        office_refuse(office, ADMIN, "", "violation-list", "{\"after\":\"1.1.1' OR '1'='1\"}", FAILURE_INVALID);
        office_refuse(office, VIEWER, "", "violation-list", "{}", FAILURE_FORBIDDEN);
        ck_assert_ptr_nonnull(strstr(office_do(office, FOREIGN, "", "violation-list", "{}"), "\"data\":[]"));
        ck_assert_ptr_nonnull(strstr(office_do(office, FOREIGN, "", "violation-count", "{}"), "\"data\":[]"));
        office_close(office);
}
END_TEST

/* What it is that each of these would do, were it ever part of a statement, a pattern or a format. */
static const char *const nasty[] = {
        "'; DROP TABLE policies; --",
        "' OR '1'='1",
        "\\\\'; SELECT pg_sleep(10); --",
        "$$; DELETE FROM agents; $$",
        "%s%s%s%n%x",
        "{{7*7}} ${7*7} <script>alert(1)</script>",
        "\\u202e\\u2066 right to left \\u0001",
        "\\ud83d\\ude00 \\uffff",
        "../../../etc/passwd",
        "a,b;c|d\\ne",
        "COPY agents TO PROGRAM 'id'",
};

START_TEST(nothing_that_is_written_into_a_field_does_harm) {
        static const char *const takers[][2] = {
                { "policy-set", "" },
                { "agent-update", "\"agent\":\"desk\"," },
        };
        static const char *const names[] = { "allowed_models", "sender_domains", "hours",          "guardrails",
                                             "approval_tools", "description",    "goal",           "constraints",
                                             "prompt",         "personality",    "display_name",   "tags",
                                             "model",          "pool",           "allowed_domains" };
        Office *office = office_open();
        char rules[300], input[600];
        create(office);
        for (size_t n = 0; n < COUNT_OF(nasty); n++)
                for (size_t f = 0; f < COUNT_OF(names); f++)
                        for (size_t t = 0; t < COUNT_OF(takers); t++) {
                                bool is_rules = strcmp(names[f], "guardrails") == 0;
                                snprintf(rules, sizeof(rules), "input warn words %s", nasty[n]);
                                snprintf(input, sizeof(input), "{%s\"%s\":\"%s\"}", takers[t][1], names[f],
                                         is_rules ? rules : nasty[n]);
                                const char *result = office_call(office, ADMIN, "", takers[t][0], input);
                                ck_assert_msg(result || office->failure.kind == FAILURE_INVALID ||
                                                      office->failure.kind == FAILURE_POLICY,
                                              "%s: %s", input, office->failure.text);
                        }
        ck_assert_str_eq(office_ask(office, "SELECT count(*) FROM agents"), "1");
        ck_assert_str_eq(office_ask(office, "SELECT count(*) FROM policies"), "1");
        office_do(office, ADMIN, "", "agent-show", "{\"agent\":\"desk\"}");
        office_do(office, ADMIN, "", "policy-show", "{\"agent\":\"desk\"}");
        office_close(office);
}
END_TEST

UNIT_TESTS("integration/operations/policies", unknown_and_wrong_keys_are_refused_by_name,
           every_field_of_a_version_is_part_of_its_hash, the_order_of_keys_is_no_part_of_a_hash,
           a_tenants_policy_stays_as_it_is_where_nothing_is_said_and_is_emptied_by_what_is_empty,
           a_tenants_policy_is_its_admins_and_only_narrows, violations_are_listed_by_filters_and_counted_by_rule,
           nothing_that_is_written_into_a_field_does_harm)
