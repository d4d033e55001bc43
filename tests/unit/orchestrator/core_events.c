#include "tests/unit/orchestrator/rig.h"

#include <stdio.h>

#define FLOOD 20000

static Event event_of(const char *type, const char *severity, const char *person) {
        return (Event){ EVENT_AUDIT, .audit = { .tenant_id = rig_acme,
                                                .type = text_of(type),
                                                .severity = text_of(severity),
                                                .agent_id = rig_desk,
                                                .person = text_of(person),
                                                .facts = TEXT("{\"count\":3}") } };
}

START_TEST(event_of_another_thread_is_in_the_next_batch) {
        _cleanup_(rig_release) Rig rig;
        char person[] = "bob@example.org";

        rig_prepare(&rig);
        rig_start(&rig);
        rig_settle(&rig);
        rig_step(&rig, event_of("message.refused", "", person));
        memset(person, 'x', strlen(person)); /* it is copied */
        ck_assert_ptr_nonnull(rig.request);
        ck_assert_uint_eq(rig.request->batch.audit_count, 1);
        const AuditRecord *record = &rig.request->batch.audit[0];
        ck_assert_text(record->person, TEXT("bob@example.org"));
        ck_assert_text(record->severity, TEXT("warning"));
        ck_assert_text(record->facts, TEXT("{\"count\":3}"));
        ck_assert_int_eq(record->at_us, rig.now.wall_us);
        ck_assert(uuid_equal(record->agent_id, rig_desk));
}
END_TEST

START_TEST(event_may_be_graver_than_its_type) {
        _cleanup_(rig_release) Rig rig;

        rig_prepare(&rig);
        rig_start(&rig);
        rig_settle(&rig);
        rig_step(&rig, event_of("message.refused", "critical", ""));
        ck_assert_ptr_nonnull(rig.request);
        ck_assert_text(rig.request->batch.audit[0].severity, TEXT("critical"));
}
END_TEST

START_TEST(flood_of_events_is_bounded_and_what_is_lost_is_counted_in_the_audit) {
        _cleanup_(rig_release) Rig rig;
        int64_t recorded = 0, lost = 0;

        rig_prepare(&rig);
        rig_start(&rig);
        rig_settle(&rig);
        for (int i = 0; i < FLOOD; i++)
                rig_step(&rig, event_of("message.refused", "", "bob@example.org"));
        for (int pass = 0; pass < 3; pass++, rig_pass(&rig, SECONDS))
                for (; rig.request; rig_store(&rig, STORE_DONE))
                        for (size_t i = 0; i < rig.request->batch.audit_count; i++) {
                                const AuditRecord *record = &rig.request->batch.audit[i];
                                char facts[64];
                                snprintf(facts, sizeof(facts), "%.*s", TEXT_ARGUMENTS(record->facts));
                                if (text_equal(record->type, TEXT("audit.lost")))
                                        lost += atoll(strchr(facts, ':') + 1);
                                else
                                        recorded++;
                        }
        ck_assert_int_gt(lost, 0);
        ck_assert_int_eq(recorded + lost, FLOOD);
}
END_TEST

UNIT_TESTS("orchestrator/core_events", event_of_another_thread_is_in_the_next_batch, event_may_be_graver_than_its_type,
           flood_of_events_is_bounded_and_what_is_lost_is_counted_in_the_audit)
