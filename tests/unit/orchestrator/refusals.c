#include "tests/unit/orchestrator/rig.h"

#include <stdio.h>

typedef struct Recorded {
        Uuid tenant_id, agent_id;
        char person[128], facts[256];
} Recorded;

typedef struct Records {
        Recorded items[8];
        size_t count;    /* in all; the first few are kept */
        int64_t refused; /* of which they tell */
} Records;

/* Lets everything be written, and gives the records of refusals among it. */
static Records settle(Rig *rig) {
        Records records = { 0 };

        for (; rig->request; rig_store(rig, STORE_DONE))
                for (size_t i = 0; i < rig->request->batch.audit_count; i++) {
                        const AuditRecord *audit = &rig->request->batch.audit[i];
                        if (text_starts_with(audit->type, TEXT("security.")))
                                continue;
                        ck_assert_text(audit->type, TEXT("message.refused"));
                        ck_assert_text(audit->severity, TEXT("warning"));
                        Recorded recorded = { .tenant_id = audit->tenant_id, .agent_id = audit->agent_id };
                        snprintf(recorded.person, sizeof(recorded.person), "%.*s", TEXT_ARGUMENTS(audit->person));
                        snprintf(recorded.facts, sizeof(recorded.facts), "%.*s", TEXT_ARGUMENTS(audit->facts));
                        const char *refused = strstr(recorded.facts, "\"count\":");
                        ck_assert_ptr_nonnull(refused);
                        records.refused += atoll(refused + strlen("\"count\":"));
                        if (records.count++ < COUNT_OF(records.items))
                                records.items[records.count - 1] = recorded;
                }
        return records;
}

static Records pass(Rig *rig, int64_t microseconds) {
        rig_pass(rig, microseconds);
        return settle(rig);
}

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig_start(rig);
        /* The first minute is over. */
        rig_pass(rig, 60 * SECONDS);
        ck_assert_uint_eq(settle(rig).count, 0);
}

START_TEST(first_refusal_is_recorded_at_once_and_then_one_a_minute) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_say(&rig, (Said){ .agent = "nobody" });
        Records records = settle(&rig);
        ck_assert_uint_eq(records.count, 1);
        ck_assert_str_eq(records.items[0].person, "eve@example.org");
        ck_assert_str_eq(records.items[0].facts, "{\"agent\":\"nobody\",\"count\":1,\"reason\":\"not-found\"}");
        ck_assert(uuid_equal(records.items[0].tenant_id, rig_installation));
        ck_assert(uuid_is_zero(records.items[0].agent_id));
        for (int i = 0; i < 30; i++) {
                rig_say(&rig, (Said){ .agent = "nobody" });
                ck_assert_uint_eq(settle(&rig).count, 0);
        }
        records = pass(&rig, 60 * SECONDS);
        ck_assert_uint_eq(records.count, 1);
        ck_assert_str_eq(records.items[0].facts, "{\"agent\":\"nobody\",\"count\":30,\"reason\":\"not-found\"}");
        /* A minute without any, and it is forgotten. */
        ck_assert_uint_eq(pass(&rig, 60 * SECONDS).count, 0);
        rig_say(&rig, (Said){ .agent = "nobody" });
        ck_assert_uint_eq(settle(&rig).count, 1);
}
END_TEST

START_TEST(refusals_are_told_apart_by_sender_agent_and_reason) {
        _cleanup_(rig_release) Rig rig;
        const Said said[] = {
                { .agent = "nobody" },
                { .agent = "nobody", .from = "zoe@example.org/x" },
                { .agent = "nowhere" },
                { .agent = "guide", .body = "" },
                { .agent = "nobody", .from = "a@b/c" },
                { .agent = "dnobody", .from = "a@b/c" },
                { .agent = "nobody", .from = "a@bd/c" },
        };

        setup(&rig);
        for (size_t i = 0; i < COUNT_OF(said); i++) {
                rig_say(&rig, said[i]);
                ck_assert_uint_eq(settle(&rig).count, 1);
                rig_say(&rig, said[i]);
                ck_assert_uint_eq(settle(&rig).count, 0);
        }
}
END_TEST

START_TEST(refusal_by_an_agent_one_may_know_is_recorded_by_its_tenant) {
        _cleanup_(rig_release) Rig rig;
        const struct {
                Said said;
                Uuid tenant_id, agent_id;
        } cases[] = {
                { { .agent = "desk.acme", .body = "", .from = "bob@example.org/x" }, rig_acme, rig_desk },
                { { .agent = "secret.acme", .body = "", .from = "bob@example.org/x" }, rig_installation, { { 0 } } },
                { { .agent = "secret.acme", .body = "", .from = "ann@example.org/x" }, rig_acme, rig_secret },
        };

        setup(&rig);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                rig_say(&rig, cases[i].said);
                Records records = settle(&rig);
                ck_assert_uint_eq(records.count, 1);
                ck_assert(uuid_equal(records.items[0].tenant_id, cases[i].tenant_id));
                ck_assert(uuid_equal(records.items[0].agent_id, cases[i].agent_id));
        }
}
END_TEST

START_TEST(every_kind_of_refusal_before_acceptance_is_recorded) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        /* By the store, one message alone. */
        rig_say(&rig, (Said){ .body = "conflict" });
        StoreReport *report = rig_report(&rig);
        report->accepted[0].fate = ROW_CONFLICT;
        rig_give(&rig, report);
        Records records = settle(&rig);
        ck_assert_uint_eq(records.count, 1);
        ck_assert_str_eq(records.items[0].facts, "{\"agent\":\"guide\",\"count\":1,\"reason\":\"conflict\"}");
        ck_assert(uuid_equal(records.items[0].agent_id, rig_guide));
        /* By a hub that is busy. */
        rig_accept(&rig, (Said){ .body = "runs" });
        rig_step(&rig, (Event){ .kind = EVENT_DRAIN });
        rig_say(&rig, (Said){ .body = "too late" });
        records = settle(&rig);
        ck_assert_uint_eq(records.count, 1);
        ck_assert_str_eq(records.items[0].facts, "{\"agent\":\"guide\",\"count\":1,\"reason\":\"limit\"}");
}
END_TEST

START_TEST(flood_of_refusals_is_counted_by_reason) {
        _cleanup_(rig_release) Rig rig;
        size_t recorded = 0;

        setup(&rig);
        rig_say(&rig, (Said){ .agent = "nobody", .from = "known@example.org/x" });
        recorded += settle(&rig).count;
        for (int i = 0; i < 20000; i++) {
                char from[64];
                snprintf(from, sizeof(from), "p%d@example.net/x", i);
                rig_say(&rig, (Said){ .agent = "nobody", .from = from });
                recorded += settle(&rig).count;
        }
        ck_assert_uint_eq(recorded, 4096 + 1);
        rig_say(&rig, (Said){ .agent = "nobody", .from = "known@example.org/x" });
        Records records = pass(&rig, 60 * SECONDS);
        ck_assert_uint_eq(records.count, 2);
        ck_assert_str_eq(records.items[0].person, "known@example.org");
        ck_assert_str_eq(records.items[0].facts, "{\"agent\":\"nobody\",\"count\":1,\"reason\":\"not-found\"}");
        ck_assert_str_eq(records.items[1].person, "");
        ck_assert_str_eq(records.items[1].facts, "{\"agent\":\"\",\"count\":15904,\"reason\":\"not-found\"}");
}
END_TEST

/* A store that is away for an hour under a flood: what is kept stays small, and nothing goes uncounted. */
START_TEST(records_do_not_pile_up_while_the_store_is_away) {
        _cleanup_(rig_release) Rig rig;
        int64_t said = 0;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "held" });
        for (int minute = 0; minute < 60; minute++) {
                for (int i = 0; i < 300; i++, said++) {
                        char from[64];
                        snprintf(from, sizeof(from), "p%d@example.net/x", i + 100 * minute);
                        rig_say(&rig, (Said){ .agent = "nobody", .from = from });
                }
                rig_pass(&rig, 60 * SECONDS);
        }
        Records records = settle(&rig);
        ck_assert_uint_le(records.count, 2 * 4096);
        Records rest = pass(&rig, 60 * SECONDS);
        ck_assert_uint_le(rest.count, 4096 + 14);
        ck_assert_int_eq(records.refused + rest.refused, said);
}
END_TEST

UNIT_TESTS("orchestrator/refusals", first_refusal_is_recorded_at_once_and_then_one_a_minute,
           refusals_are_told_apart_by_sender_agent_and_reason,
           refusal_by_an_agent_one_may_know_is_recorded_by_its_tenant,
           every_kind_of_refusal_before_acceptance_is_recorded, flood_of_refusals_is_counted_by_reason,
           records_do_not_pile_up_while_the_store_is_away)
