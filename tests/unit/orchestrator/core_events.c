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

START_TEST(repeated_refusals_are_an_alarm_once) {
        _cleanup_(rig_release) Rig rig;
        size_t alarms = 0;

        rig_prepare(&rig);
        rig_start(&rig);
        for (int i = 0; i < 40; i++) {
                rig_say(&rig, (Said){ .agent = "secret.acme", .from = "bob@example.org/x" });
                alarms += rig_count(&rig, COMMAND_ALARM);
                if (rig_count(&rig, COMMAND_ALARM)) {
                        const Alarm *alarm = &rig_command(&rig, COMMAND_ALARM, 0)->alarm;
                        ck_assert_int_eq(alarm->kind, ALARM_REFUSALS);
                        ck_assert_text(alarm->sender, TEXT("bob@example.org"));
                        /* Bob is not to know that it is there, so it is not acme's either. */
                        ck_assert(uuid_equal(alarm->tenant_id, rig_installation));
                }
        }
        ck_assert_uint_eq(alarms, 1);
}
END_TEST

START_TEST(first_message_of_a_foreign_domain_is_an_alarm_and_that_of_our_server_is_not) {
        _cleanup_(rig_release) Rig rig;

        rig_prepare(&rig);
        rig_start(&rig);
        rig_settle(&rig);
        rig_say(&rig, (Said){ .agent = "guide", .from = "zoe@elsewhere.net/x" });
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ALARM), 1);
        ck_assert_text(rig_command(&rig, COMMAND_ALARM, 0)->alarm.domain, TEXT("elsewhere.net"));
        rig_say(&rig, (Said){ .agent = "guide", .from = "zed@elsewhere.net/x" });
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ALARM), 0);
        rig_say(&rig, (Said){ .agent = "guide", .from = "zed@example/x" });
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ALARM), 0);
}
END_TEST

static size_t crowds_of(const char *domain) {
        _cleanup_(rig_release) Rig rig;
        size_t crowds = 0;
        char who[60];

        rig_prepare(&rig);
        rig_start(&rig);
        for (int i = 0; i < 60; i++) {
                snprintf(who, sizeof(who), "p%d@%s/x", i, domain);
                rig_say(&rig, (Said){ .agent = "secret.acme", .from = who });
                for (size_t k = 0; k < rig_count(&rig, COMMAND_ALARM); k++)
                        crowds += rig_command(&rig, COMMAND_ALARM, k)->alarm.kind == ALARM_CROWD;
        }
        return crowds;
}

START_TEST(crowd_of_a_foreign_domain_is_an_alarm_and_one_of_ours_is_not) {
        ck_assert_uint_eq(crowds_of("elsewhere.net"), 1);
        ck_assert_uint_eq(crowds_of("example"), 0);
}
END_TEST

START_TEST(hour_of_many_messages_is_to_be_compared_with_what_is_usual) {
        _cleanup_(rig_release) Rig rig;
        size_t alarms = 0;

        rig_prepare(&rig);
        rig_start(&rig);
        rig_settle(&rig);
        for (int i = 0; i < 124; i++) {
                rig_say(&rig, (Said){ .agent = "guide", .from = "ann@example/x", .body = "again" });
                if (rig_count(&rig, COMMAND_ALARM)) {
                        const Alarm *alarm = &rig_command(&rig, COMMAND_ALARM, 0)->alarm;
                        ck_assert_int_eq(alarm->kind, ALARM_VOLUME);
                        ck_assert_int_eq(alarm->count, 101);
                        alarms++;
                }
                rig_settle(&rig);
                rig_answer(&rig, rig_turn(&rig, "again"), "yes");
                rig_settle(&rig);
        }
        ck_assert_uint_eq(alarms, 1);
}
END_TEST

START_TEST(turn_that_failed_is_in_its_tenants_log_without_a_word_of_it) {
        _cleanup_(rig_release) Rig rig;
        const Command *line = NULL;

        rig_prepare(&rig);
        rig_start(&rig);
        rig_accept(&rig, (Said){ .agent = "guide", .body = "my secret" });
        rig_end_with(&rig, rig_turn(&rig, "my secret"),
                     (TurnResult){ .outcome = OUTCOME_ERROR,
                                   .reason = FAILURE_UNAVAILABLE,
                                   .explanation = TEXT("The model is away.") });
        for (; rig.request; line = line ? line : rig_command(&rig, COMMAND_LOG, 0))
                rig_store(&rig, STORE_DONE);
        ck_assert_ptr_nonnull(line);
        ck_assert_str_eq(line->log.level, "error");
        ck_assert_str_eq(line->log.sentence, "A message could not be answered.");
        ck_assert(uuid_equal(line->log.agent_id, rig_guide));
        ck_assert_ptr_null(memmem(line->log.fields.bytes, line->log.fields.length, "secret", 6));
        ck_assert_ptr_nonnull(memmem(line->log.fields.bytes, line->log.fields.length, "unavailable", 11));
}
END_TEST

UNIT_TESTS("orchestrator/core_events", event_of_another_thread_is_in_the_next_batch, event_may_be_graver_than_its_type,
           flood_of_events_is_bounded_and_what_is_lost_is_counted_in_the_audit, repeated_refusals_are_an_alarm_once,
           crowd_of_a_foreign_domain_is_an_alarm_and_one_of_ours_is_not,
           first_message_of_a_foreign_domain_is_an_alarm_and_that_of_our_server_is_not,
           hour_of_many_messages_is_to_be_compared_with_what_is_usual,
           turn_that_failed_is_in_its_tenants_log_without_a_word_of_it)
