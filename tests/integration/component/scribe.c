/* What the scribe makes of alarms, against a real database: the record, the limit, what admins and the audit hear; by
 * two hubs, and by hubs that begin anew, since each raising here is by a scribe of its own. */
#include "component/scribe.h"

#include "base/clock.h"
#include "component/inbox.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ANN "ann@example.org"

typedef struct Office {
        Database *database;
        Keyring *keyring;
        Uuid acme, other;
        Settings settings;
        char folder[64], key[96];
        size_t audited, told;
        char heard[400];  /* what an admin was told last */
        char record[200]; /* the type and the facts of the audit's last */
} Office;

static void execute_as(Uuid tenant, const char *format, ...) {
        char id[UUID_STRING_SIZE], sql[2000];
        va_list arguments;
        uuid_format(tenant, id);
        int begun = snprintf(sql, sizeof(sql), "SELECT set_config('aiox.tenant', '%s', false); ", id);
        va_start(arguments, format);
        vsnprintf(sql + begun, sizeof(sql) - (size_t) begun, format, arguments);
        va_end(arguments);
        place_execute(sql);
}

static const char *ask_as(Uuid tenant, const char *sql) {
        char id[UUID_STRING_SIZE];
        uuid_format(tenant, id);
        return place_ask_as("aiox_tenant", id, sql);
}

static void office_open(Office *office, int64_t throttle_seconds) {
        Failure failure;
        *office = (Office){ .database = place_database(), .folder = "/tmp/scribe.XXXXXX" };
        place_clean(office->database);
        ck_assert_done(keyring_open(office->database, getenv("AIOX_MASTER_KEY_FILE"), &office->keyring, &failure),
                       failure);
        office->acme = place_tenant(office->database, office->keyring, "acme");
        office->other = place_tenant(office->database, office->keyring, "other");
        place_execute("ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY");
        execute_as(office->acme, "INSERT INTO accounts (id, jid) VALUES "
                                 "('0190aaaa-0000-7000-8000-000000000001', '" ANN "'), "
                                 "('0190aaaa-0000-7000-8000-000000000002', 'olga@example.org')");
        execute_as(office->acme, "INSERT INTO members (tenant_id, account_id, role) VALUES (current_tenant(), "
                                 "'0190aaaa-0000-7000-8000-000000000002', 'owner')");
        place_execute("INSERT INTO leases (number, hub, epoch, process, domains) "
                      "SELECT n, 'hub_' || n, 1, gen_random_uuid(), 'a' FROM generate_series(1, 2) n");
        ck_assert_ptr_nonnull(mkdtemp(office->folder));
        snprintf(office->key, sizeof(office->key), "%s/master", office->folder);
        office->settings = (Settings){ .master_key_file = office->key, .security_throttle_seconds = throttle_seconds };
}

static void office_close(Office *office) {
        char path[128];
        static const char *const names[] = { "audit.key", "audit.heads" };
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", office->folder, names[i]);
                unlink(path);
        }
        rmdir(office->folder);
        keyring_free(office->keyring);
        database_free(office->database);
}

static void hear(Office *office, Queue *inbox) {
        Note *note;
        office->audited = office->told = 0;
        while ((note = (Note *) queue_take(inbox, 0))) {
                office->audited += note->kind == NOTE_AUDIT;
                office->told += note->kind == NOTE_TELL;
                if (note->kind == NOTE_AUDIT)
                        snprintf(office->record, sizeof(office->record), "%.*s %.*s",
                                 TEXT_ARGUMENTS(note->event.audit.type), TEXT_ARGUMENTS(note->event.audit.facts));
                if (note->kind == NOTE_TELL)
                        snprintf(office->heard, sizeof(office->heard), "%.*s", TEXT_ARGUMENTS(note->tell.text));
                inbox_answer(note, NULL);
        }
}

/* By a hub that has just begun and then stops: all that was asked is done. NULL: a minute passes. */
static void raise_by(Office *office, const char *hub, const Alarm *alarm) {
        office->settings.hub_name = hub;
        Queue *inbox = queue_new(false);
        Reload *reload = reload_new(&office->settings, plans_builtin(), NULL, inbox);
        ScribeSettings settings = { office->database, office->keyring, reload, inbox, &office->settings };
        Scribe *scribe;
        Failure failure;
        ck_assert_done(scribe_new(&settings, &scribe, &failure), failure);
        if (alarm)
                scribe_alarm(scribe, alarm, clock_now().wall_us);
        else
                scribe_heads(scribe, NULL, 0, clock_now().wall_us);
        scribe_free(scribe);
        hear(office, inbox);
        reload_free(reload);
        queue_free(inbox);
}

static Alarm alarm_of(Office *office, AlarmKind kind, const char *who, int64_t count) {
        bool domain = kind == ALARM_CROWD || kind == ALARM_DOMAIN;
        return (Alarm){ .kind = kind,
                        .tenant_id = office->acme,
                        .sender = domain ? TEXT_NONE : text_of(who),
                        .domain = domain ? text_of(who) : TEXT_NONE,
                        .count = count };
}

#define EVENTS "SELECT count(*) || coalesce(max(' ' || kind || ' ' || severity), '') FROM security_events"
#define LIMITS                                                                                                         \
        "SELECT coalesce(string_agg(subject || ' ' || subject_name || ' ' || what || ' ' || amount, ', '), '') "       \
        "FROM limits WHERE removed_at IS NULL"

START_TEST(alarm_is_recorded_told_and_answered_once_in_its_tenant_whichever_hubs_raise_it) {
        Office office;
        office_open(&office, 600);
        Alarm alarm = alarm_of(&office, ALARM_REFUSALS, ANN, 20);
        raise_by(&office, "hub_1", &alarm);
        ck_assert_uint_eq(office.audited, 1);
        ck_assert_uint_eq(office.told, 1);
        ck_assert_str_eq(office.heard,
                         ANN " was refused again and again: 20 times within a few minutes. Limited for now "
                             "to 10 messages in ten minutes. See security-list.");
        ck_assert_str_eq(ask_as(office.acme, EVENTS), "1 refusals warning");
        ck_assert_str_eq(ask_as(office.acme, LIMITS), "sender " ANN " messages 10");
        ck_assert_str_eq(ask_as(office.acme, "SELECT account_id FROM security_events"),
                         "0190aaaa-0000-7000-8000-000000000001");
        /* No other tenant's, nor the installation's. */
        ck_assert_str_eq(ask_as(office.other, LIMITS), "");
        ck_assert_str_eq(ask_as(installation_tenant_id, LIMITS), "");
        raise_by(&office, "hub_2", &alarm);
        raise_by(&office, "hub_1", &alarm);
        ck_assert_uint_eq(office.audited + office.told, 0);
        ck_assert_str_eq(ask_as(office.acme, EVENTS), "1 refusals warning");
        /* Somebody else, and the same in another tenant, are news. */
        alarm.sender = TEXT("bob@elsewhere.example");
        raise_by(&office, "hub_2", &alarm);
        ck_assert_uint_eq(office.audited, 1);
        alarm.tenant_id = office.other;
        raise_by(&office, "hub_1", &alarm);
        ck_assert_uint_eq(office.audited, 1);
        ck_assert_str_eq(ask_as(office.other, LIMITS), "sender bob@elsewhere.example messages 10");
        office_close(&office);
}
END_TEST

START_TEST(domain_is_answered_as_a_domain_and_a_new_one_is_told_once_for_ever) {
        Office office;
        office_open(&office, 600);
        Alarm crowd = alarm_of(&office, ALARM_CROWD, "many.example", 50);
        raise_by(&office, "hub_1", &crowd);
        raise_by(&office, "hub_2", &crowd);
        ck_assert_str_eq(office.record,
                         "security.domain-refusals {\"count\":50,\"domain\":\"many.example\",\"limited_seconds\":600}");
        ck_assert_str_eq(ask_as(office.acme, EVENTS), "1 domain-refusals warning");
        ck_assert_str_eq(ask_as(office.acme, LIMITS), "sender many.example messages 10");
        execute_as(office.acme, "DELETE FROM security_events; DELETE FROM limits");
        Alarm domain = alarm_of(&office, ALARM_DOMAIN, "new.example", 1);
        raise_by(&office, "hub_1", &domain);
        ck_assert_uint_eq(office.audited, 1);
        raise_by(&office, "hub_2", &domain);
        ck_assert_uint_eq(office.audited, 0);
        ck_assert_str_eq(ask_as(office.acme,
                                "SELECT string_agg(kind || ' ' || severity || ' ' || domain, ',' ORDER BY at) "
                                "FROM security_events WHERE kind = 'domain'"),
                         "domain info new.example");
        office_close(&office);
}
END_TEST

/* So many messages on each of the days from..to before today, of somebody in acme, as the bookkeeper counts them. */
static void wrote(Office *office, const char *who, int from, int to, int each) {
        char id[UUID_STRING_SIZE];
        Uuid person;
        Failure failure;
        ck_assert_done(keyring_person(office->keyring, office->acme, text_of(who), &person, &failure), failure);
        uuid_format(person, id);
        execute_as(
                office->acme,
                "INSERT INTO usage_days (tenant_id, day, person_id, agent_id, model, messages) "
                "SELECT current_tenant(), (now() AT TIME ZONE 'UTC')::date - n, '%s', gen_random_uuid(), 'm' || half, "
                "%d / 2 FROM generate_series(%d, %d) n, generate_series(1, 2) half",
                id, each, from, to);
}

START_TEST(volume_is_compared_with_the_days_of_all_hubs_that_outlive_them) {
        static const struct {
                int from, to, each, today;
                int64_t hour;
                bool news;
        } cases[] = {
                { 1, 20, 10, 0, 150, true },    { 0, 0, 0, 0, 5000, false },   /* who has no history */
                { 1, 5, 10, 0, 5000, false },                                  /* who has too little of it */
                { 20, 20, 10, 0, 150, true },                                  /* days without a message count */
                { 1, 20, 200, 0, 150, false },                                 /* who always writes that much */
                { 1, 20, 50, 90, 110, false },  { 1, 20, 50, 400, 110, true }, /* what other hubs counted today */
                { 30, 60, 10, 0, 5000, false },                                /* longer ago than is looked at */
        };
        Office office;
        office_open(&office, 0);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                execute_as(office.acme, "DELETE FROM security_events");
                place_execute("DELETE FROM usage_days");
                wrote(&office, ANN, cases[i].from, cases[i].to, cases[i].each);
                wrote(&office, ANN, 0, 0, cases[i].today);
                wrote(&office, "bob@example.org", 1, 28, 10);
                Alarm alarm = alarm_of(&office, ALARM_VOLUME, ANN, cases[i].hour);
                raise_by(&office, "hub_1", &alarm);
                ck_assert_msg(office.audited == cases[i].news && office.told == cases[i].news, "case %zu", i);
                if (i == 0)
                        ck_assert_str_eq(office.heard,
                                         ANN " wrote 150 messages today; 10 a day are usual. See security-list.");
                if (i == 0)
                        ck_assert_str_eq(office.record, "security.volume {\"count\":150,\"usual\":10}");
                /* The other hub, and this one begun anew, see the same, and do not say it again. */
                raise_by(&office, "hub_2", &alarm);
                raise_by(&office, "hub_1", &alarm);
                ck_assert_str_eq(ask_as(office.acme, EVENTS), cases[i].news ? "1 volume warning" : "0");
                ck_assert_str_eq(ask_as(office.acme, LIMITS), ""); /* where nobody is throttled */
        }
        office_close(&office);
}
END_TEST

START_TEST(throttle_ends_by_itself_also_one_that_an_older_hub_made_for_all) {
        Office office;
        office_open(&office, 600);
        Alarm alarm = alarm_of(&office, ALARM_REFUSALS, ANN, 20);
        raise_by(&office, "hub_1", &alarm);
        raise_by(&office, "hub_2", NULL);
        ck_assert_str_eq(ask_as(office.acme, LIMITS), "sender " ANN " messages 10");
        execute_as(installation_tenant_id,
                   "INSERT INTO limits (tenant_id, id, subject, subject_id, what, window_us, amount) VALUES "
                   "(current_tenant(), '0190aaaa-0000-7000-8000-000000000009', 'account', "
                   "'0190aaaa-0000-7000-8000-000000000001', 'messages', 601000000, 10)");
        execute_as(office.acme, "INSERT INTO security_events (tenant_id, id, at, hub, kind, severity, limit_id) VALUES "
                                "(current_tenant(), gen_random_uuid(), now(), 'old', 'refusals', 'warning', "
                                "'0190aaaa-0000-7000-8000-000000000009')");
        execute_as(office.acme, "UPDATE security_events SET until = now()");
        raise_by(&office, "hub_2", NULL);
        ck_assert_str_eq(ask_as(office.acme, LIMITS), "");
        ck_assert_str_eq(ask_as(installation_tenant_id, LIMITS), "");
        ck_assert_str_eq(ask_as(office.acme, "SELECT count(*) FROM security_events WHERE lifted_at IS NOT NULL"), "2");
        office_close(&office);
}
END_TEST

START_TEST(throttles_of_a_tenant_are_bounded_and_what_is_over_is_kept_for_a_day) {
        Office office;
        Failure failure;
        office_open(&office, 600);
        execute_as(office.acme, "INSERT INTO limits (tenant_id, id, subject, subject_name, what, window_us, amount) "
                                "SELECT current_tenant(), gen_random_uuid(), 'sender', 'p' || n || '@many.example', "
                                "'messages', 601000000, 10 FROM generate_series(1, 1000) n");
        Alarm alarm = alarm_of(&office, ALARM_REFUSALS, "bob@many.example", 20);
        raise_by(&office, "hub_1", &alarm);
        ck_assert_uint_eq(office.audited, 1);
        ck_assert_str_eq(ask_as(office.acme, "SELECT count(*) FROM limits"), "1000");
        ck_assert_str_eq(ask_as(office.acme, "SELECT limit_id IS NULL AND until IS NULL FROM security_events"), "t");
        execute_as(office.acme, "UPDATE limits SET removed_at = now() - interval '25 hours'; "
                                "UPDATE limits SET removed_at = now() WHERE subject_name = 'p1@many.example'");
        KeepSettings keep = { .days_ahead = 2 };
        ck_assert_done(schema_keep(office.database, &keep, NULL, NULL, &failure), failure);
        ck_assert_str_eq(ask_as(office.acme, "SELECT string_agg(subject_name, ' ') FROM limits"), "p1@many.example");
        office_close(&office);
}
END_TEST

UNIT_TESTS("component/scribe", alarm_is_recorded_told_and_answered_once_in_its_tenant_whichever_hubs_raise_it,
           domain_is_answered_as_a_domain_and_a_new_one_is_told_once_for_ever,
           volume_is_compared_with_the_days_of_all_hubs_that_outlive_them,
           throttle_ends_by_itself_also_one_that_an_older_hub_made_for_all,
           throttles_of_a_tenant_are_bounded_and_what_is_over_is_kept_for_a_day)
