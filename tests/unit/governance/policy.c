#include "orchestrator/governance/policy.h"
#include "base/clock.h"
#include "orchestrator/governance/gate.h"
#include "orchestrator/governance/hours.h"
#include "tests/unit/unit.h"

#define MINUTE(day, hour, minute) ((day) *1440 + (hour) *60 + (minute))

START_TEST(hours_are_spans_of_a_week) {
        static const struct {
                const char *hours;
                int minute;
                bool open;
        } cases[] = {
                { "", MINUTE(6, 3, 0), true },
                { "mon-fri 08:00-18:00", MINUTE(0, 8, 0), true },
                { "mon-fri 08:00-18:00", MINUTE(0, 7, 59), false },
                { "mon-fri 08:00-18:00", MINUTE(4, 17, 59), true },
                { "mon-fri 08:00-18:00", MINUTE(4, 18, 0), false },
                { "mon-fri 08:00-18:00", MINUTE(5, 12, 0), false },
                { "mon 08:00-12:00, sat 10:00-12:00", MINUTE(5, 11, 0), true },
                { "fri-mon 00:00-24:00", MINUTE(6, 23, 59), true },
                { "fri-mon 00:00-24:00", MINUTE(1, 0, 0), false },
                { "sat 22:00-02:00", MINUTE(6, 1, 59), true },
                { "sat 22:00-02:00", MINUTE(5, 1, 0), false },
                { "sun 22:00-02:00", MINUTE(0, 1, 59), true },
                { "sun 22:00-02:00", MINUTE(0, 2, 0), false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Hours hours;
                Failure failure;
                ck_assert_done(hours_parse(text_of(cases[i].hours), &hours, &failure), failure);
                ck_assert_msg(hours_are_open(&hours, cases[i].minute) == cases[i].open, "%s at %d", cases[i].hours,
                              cases[i].minute);
        }
}
END_TEST

START_TEST(hours_that_are_none_are_refused) {
        static const char *const wrong[] = { "always",           "mon",
                                             "mon 8-18",         "mon 08:00",
                                             "mon 08:00-08:00",  "mon 08:60-09:00",
                                             "mon 24:00-02:00",  "mon 08:00-24:01",
                                             "Mon 08:00-18:00",  "mon-fri-sat 08:00-18:00",
                                             "mon 08:00-18:00,", "mon 08:00-18:00, ,tue 08:00-18:00",
                                             "mon 0a:00-18:00",  "mon +8:00-18:00" };
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                Hours hours;
                Failure failure;
                bool read = hours_parse(text_of(wrong[i]), &hours, &failure);
                ck_assert_msg(!read || strcmp(wrong[i], "mon 08:00-18:00,") == 0, "%s", wrong[i]);
        }
}
END_TEST

static bool admits(const char *policy, const char *domain, const char *model, int64_t wall_us, Failure *ret_failure) {
        Gate *gate = gate_new(text_of(policy));
        const GateQuestion question = { "desk", text_of(domain), text_of(model), NULL, wall_us };
        bool admitted = gate_admits(gate, &question, ret_failure);
        gate_free(gate);
        return admitted;
}

START_TEST(a_gate_admits_whom_its_policy_names) {
        static const struct {
                const char *policy, *domain, *model;
                bool admitted;
        } cases[] = {
                { "", "example.net", "m", true },
                { "{}", "example.net", "m", true },
                { "{\"guardrails\":\"input block mail\"}", "example.net", "m", true },
                { "{\"sender_domains\":[\"example.org\"]}", "example.org", "m", true },
                { "{\"sender_domains\":[\"example.org\"]}", "example.net", "m", false },
                { "{\"sender_domains\":[\"example.org\"]}", "evil-example.org", "m", false },
                { "{\"sender_domains\":[\"example.org\"]}", "a.example.org", "m", false },
                { "{\"sender_domains\":[\"*.example.org\"]}", "a.example.org", "m", true },
                { "{\"sender_domains\":[\"*.example.org\"]}", "example.org", "m", false },
                { "{\"sender_domains\":[\"*.example.org\"]}", "evilexample.org", "m", false },
                { "{\"allowed_models\":[\"openai/a\",\"openai/b-*\"]}", "x", "openai/a", true },
                { "{\"allowed_models\":[\"openai/a\",\"openai/b-*\"]}", "x", "openai/b-2", true },
                { "{\"allowed_models\":[\"openai/a\",\"openai/b-*\"]}", "x", "openai/ab", false },
                { "{\"hours\":\"thu 00:00-01:00\"}", "x", "m", true },
                { "{\"hours\":\"thu 00:01-01:00\"}", "x", "m", false },
                { "{\"hours\":\"whenever\"}", "x", "m", false },
                { "{\"sender_domains\":\"example.org\"}", "example.org", "m", false },
                { "{\"sender_domains\":[1]}", "example.org", "m", false },
                { "not JSON", "example.org", "m", false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Failure failure;
                ck_assert_msg(admits(cases[i].policy, cases[i].domain, cases[i].model, 0, &failure) ==
                                      cases[i].admitted,
                              "%s %s %s", cases[i].policy, cases[i].domain, cases[i].model);
                ck_assert(cases[i].admitted || failure.kind == FAILURE_POLICY);
        }
        Failure failure;
        ck_assert(!admits("{\"hours\":\"sat 10:00-12:00\"}", "x", "m", 0, &failure));
        ck_assert_str_eq(failure.text, "desk answers at these hours only: sat 10:00-12:00 (UTC).");
}
END_TEST

START_TEST(the_stamp_of_an_execution_is_that_of_both_policies) {
        Policy *tenant;
        Failure failure;
        Hash version = { { 1 } };
        ck_assert_done(policy_new(TEXT("{\"max_output\":7,\"approval_tools\":[\"mail\"]}"), &tenant, &failure),
                       failure);
        ck_assert_int_eq(tenant->max_output, 7);
        ck_assert(policy_wants_approval(tenant, TEXT("mail")));
        ck_assert(!policy_wants_approval(tenant, TEXT("search")));
        ck_assert(!policy_wants_approval(NULL, TEXT("mail")));
        Hash alone = policy_stamp(&version, NULL), both = policy_stamp(&version, tenant);
        ck_assert_mem_eq(&alone, &version, sizeof(alone));
        ck_assert_mem_ne(&both, &version, sizeof(both));
        tenant->hash.bytes[31] ^= 1;
        Hash other = policy_stamp(&version, tenant);
        ck_assert_mem_ne(&both, &other, sizeof(both));
        version.bytes[31] ^= 1;
        Hash third = policy_stamp(&version, tenant);
        ck_assert_mem_ne(&third, &other, sizeof(third));
        policy_free(tenant);
        ck_assert(!policy_new(TEXT("{\"guardrails\":\"input block\"}"), &tenant, &failure));
        ck_assert_str_eq(failure.text,
                         "'guardrails': line 1: there is no kind '': mail, phone, card, key, words, pattern, "
                         "length, language and leak are");
        ck_assert(!policy_new(TEXT("[]"), &tenant, &failure));
        ck_assert_ptr_null(tenant);
}
END_TEST

UNIT_TESTS("governance/policy", hours_are_spans_of_a_week, hours_that_are_none_are_refused,
           a_gate_admits_whom_its_policy_names, the_stamp_of_an_execution_is_that_of_both_policies)
