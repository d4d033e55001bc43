#include "orchestrator/governance/budgets_parts.h"
#include "tests/unit/unit.h"

static const Budget tokens = { BUDGET_OF_TENANT, BUDGET_TOKENS, BUDGET_DAY, 1 };
static const Budget cents = { BUDGET_OF_TENANT, BUDGET_MONEY, BUDGET_DAY, 1 };

START_TEST(only_what_costs_money_or_has_a_budget_of_tokens_needs_a_reservation) {
        static const struct {
                BudgetAmounts most;
                const Budget *budget;
                bool applies;
        } cases[] = {
                { { { 0, 0 } }, NULL, false },   { { { 0, 9 } }, NULL, false },    { { { 0, 9 } }, &cents, false },
                { { { 0, 9 } }, &tokens, true }, { { { 0, 0 } }, &tokens, false }, { { { 1, 0 } }, NULL, true },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                BudgetCall call = { .most = cases[i].most,
                                    .budgets = cases[i].budget,
                                    .budget_count = cases[i].budget != NULL };
                ck_assert_msg(budgets_apply(&call) == cases[i].applies, "case %zu", i);
        }
}
END_TEST

START_TEST(every_party_of_every_tenant_has_an_account_of_its_own) {
        char names[2 * BUDGET_SUBJECT_COUNT][BUDGET_ACCOUNT_SIZE];
        for (int tenant = 0; tenant < 2; tenant++) {
                /* The same id everywhere: only what it is the id of tells them apart. */
                const Uuid id = { { 7 } }, other = { { (uint8_t) (7 + tenant) } };
                const BudgetParties parties = { other, other, id, other, TEXT("example.org") };
                for (int i = 0; i < BUDGET_SUBJECT_COUNT; i++)
                        ck_assert(
                                budget_account((BudgetSubject) i, &parties, names[tenant * BUDGET_SUBJECT_COUNT + i]));
        }
        for (size_t i = 0; i < COUNT_OF(names); i++)
                for (size_t k = i + 1; k < COUNT_OF(names); k++) {
                        bool both = i == BUDGET_OF_INSTALLATION && k == BUDGET_SUBJECT_COUNT + BUDGET_OF_INSTALLATION;
                        ck_assert_msg((strcmp(names[i], names[k]) == 0) == both, "%s and %s", names[i], names[k]);
                }
}
END_TEST

START_TEST(party_that_a_message_has_not_has_no_account) {
        const BudgetParties parties = { .tenant_id = { { 1 } }, .agent_id = { { 2 } } };
        char name[BUDGET_ACCOUNT_SIZE];
        for (int i = 0; i < BUDGET_SUBJECT_COUNT; i++)
                ck_assert_int_eq(budget_account((BudgetSubject) i, &parties, name), i <= BUDGET_OF_AGENT);
}
END_TEST

START_TEST(calendar_of_a_message_reads_as_it_was_written) {
        static const struct {
                const char *packed, *zone;
                int32_t day;
        } cases[] = {
                { "31 Europe/Berlin", "Europe/Berlin", 31 },
                { "0 ", "", 0 },
                { "", "", 0 },
                { "32 UTC", "", 0 },
                { "x UTC", "", 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char room[60];
                int32_t day;
                Text zone;
                zone_parse(text_of(cases[i].packed), &zone, &day);
                ck_assert_int_eq(day, cases[i].day);
                ck_assert_text(zone, text_of(cases[i].zone));
                if (i < 2)
                        ck_assert_text(zone_format(zone, day, room, sizeof(room)), text_of(cases[i].packed));
        }
}
END_TEST

START_TEST(lease_that_was_released_or_raised_is_nobodys) {
        static const LedgerLease leases[] = { { "one", 3, 9, false }, { "two", 3, 9, true } };
        static const struct {
                const char *owner;
                bool alive;
        } cases[] = { { "3 one", true }, { "2 one", false }, { "3 two", false }, { "3 three", false }, { "", false } };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                ck_assert_int_eq(owner_is_alive(cases[i].owner, leases, COUNT_OF(leases)), cases[i].alive);
}
END_TEST

UNIT_TESTS("governance/budgets", only_what_costs_money_or_has_a_budget_of_tokens_needs_a_reservation,
           every_party_of_every_tenant_has_an_account_of_its_own, party_that_a_message_has_not_has_no_account,
           calendar_of_a_message_reads_as_it_was_written, lease_that_was_released_or_raised_is_nobodys)
