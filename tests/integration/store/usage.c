/* What was used is counted once, on the right day, at the price of its moment. Rows of the journal are made by hand
 * here, as hubs would write them. */
#include "store/usage.h"

#include "base/clock.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define ACME  "0190aaaa-0000-7000-8000-000000000001"
#define OTHER "0190aaaa-0000-7000-8000-000000000002"

static const char helpers[] =
        "CREATE FUNCTION pg_temp.tenant(id uuid, slug text, zone text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM set_config('aiox.tenant', id::text, false); "
        "INSERT INTO tenants (id, slug, name, zone) VALUES (id, slug, slug, zone); "
        "INSERT INTO agent_versions (tenant_id, id, agent_id, number, owner_id, name, model, policy_hash) "
        "VALUES (id, id, id, 1, id, 'a', 'openai/paid', repeat('x', 32)::bytea); END $$;"
        "CREATE FUNCTION pg_temp.conclude(tenant uuid, by_hub int, numbers int4range, at timestamptz) RETURNS void "
        "LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM set_config('aiox.tenant', tenant::text, false); "
        "WITH made AS (SELECT n, (left(lowest_id(current_date), 24) || right(gen_random_uuid()::text, 12))::uuid AS id "
        "              FROM generate_series(lower(numbers), upper(numbers) - 1) n), "
        "said AS (INSERT INTO accepted (id, tenant_id, agent_id, person_id, sequence, accepted_at, conversation, hub, "
        "           key_id, domain, body_bytes) SELECT id, tenant, tenant, tenant, 2 * n, at, 0, by_hub, 1, 'a', 100 "
        "         FROM made) "
        "INSERT INTO concluded (id, tenant_id, version_id, sequence, concluded_at, cost_nano, queue_us, model_us, "
        "  total_us, admission_us, prompt_tokens, completion_tokens, cached_tokens, model_calls, tool_calls, attempt, "
        "  hub, key_id, outcome, reason, answer) "
        "SELECT id, tenant, tenant, 2 * n + 1, at, 7 + n, 100, 5, 1600, 1, 10 + n % 3, 3, n % 2, 1, n % 5, 0, by_hub, "
        "  1, 1, 0, repeat('y', 50)::bytea FROM made; END $$;"
        "CREATE FUNCTION pg_temp.price(meter text, nano bigint, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$ "
        "BEGIN PERFORM set_config('aiox.tenant', 'a10c0000-0000-4000-8000-000000000000', false); "
        "INSERT INTO prices (id, meter, price_nano, valid_from) VALUES (gen_random_uuid(), meter, nano, at); END $$";

static Database *prepared(void) {
        Database *database = place_database();
        place_clean(database);
        place_execute("ALTER TABLE agent_versions DROP CONSTRAINT IF EXISTS agent_versions_tenant_id_agent_id_fkey");
        place_execute("INSERT INTO leases (number, hub, epoch, process, domains) "
                      "SELECT n, 'hub' || n, 1, gen_random_uuid(), 'a' FROM generate_series(1, 2) n");
        place_execute(helpers);
        place_execute("ALTER TABLE prices NO FORCE ROW LEVEL SECURITY");
        place_execute("SELECT pg_temp.tenant('" ACME "', 'acme', 'Europe/Berlin'), "
                      "pg_temp.tenant('" OTHER "', 'other', 'UTC')");
        return database;
}

static void conclude(const char *tenant, int hub, int from, int to, const char *at) {
        char sql[300];
        snprintf(sql, sizeof(sql), "SELECT pg_temp.conclude('%s', %d, int4range(%d, %d), '%s')", tenant, hub, from, to,
                 at);
        place_execute(sql);
}

static const char *ask_as(const char *tenant, const char *sql) {
        char setting[120];
        snprintf(setting, sizeof(setting), "SELECT set_config('aiox.tenant', '%s', false)", tenant);
        place_execute(setting);
        return place_ask(sql);
}

static void count(Database *database) {
        Failure failure;
        ck_assert_done(usage_count(database, 0, NULL, &failure), failure);
}

static const char counted[] =
        "SELECT concat_ws(' ', sum(messages), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), "
        "sum(tool_runs), sum(model_calls), sum(compute_us), sum(token_nano)) FROM usage_days";
static const char written[] =
        "SELECT concat_ws(' ', count(*), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), "
        "sum(tool_calls), sum(model_calls), sum(total_us - queue_us), sum(cost_nano)) FROM concluded";

static void assert_counted_as_written(const char *tenant) {
        char *one = memory_string(ask_as(tenant, counted));
        ck_assert_str_eq(one, ask_as(tenant, written));
        ck_assert_int_ne(one[0], '0');
        free(one);
}

START_TEST(every_conclusion_is_counted_once_and_by_whom_and_what_it_was) {
        _cleanup_(database_freep) Database *database = prepared();
        conclude(ACME, 1, 1, 40, "2026-05-04 12:00Z");
        conclude(ACME, 2, 1, 22000, "2026-05-05 12:00Z");
        conclude(OTHER, 1, 40, 50, "2026-05-04 12:00Z");
        for (int i = 0; i < 3; i++)
                count(database);
        assert_counted_as_written(ACME);
        assert_counted_as_written(OTHER);
        ck_assert_str_eq(ask_as(ACME,
                                "SELECT string_agg(day || ' ' || model || ' ' || (agent_id = tenant_id) || ' ' || "
                                "(person_id = tenant_id) || ' ' || messages, ', ' ORDER BY day) FROM usage_days"),
                         "2026-05-04 openai/paid true true 39, 2026-05-05 openai/paid true true 21999");
        conclude(ACME, 1, 50, 60, "2026-05-04 13:00Z");
        count(database);
        assert_counted_as_written(ACME);
}
END_TEST

/* Counts as long as it lives. */
static pid_t start_counter(void) {
        pid_t child = fork();
        if (child == 0) {
                Database *database = place_database();
                Failure failure;
                for (;;)
                        if (!usage_count(database, 0, NULL, &failure) && failure.kind != FAILURE_TIMED_OUT)
                                _exit(1);
        }
        return child;
}

static void kill_counter(pid_t child) {
        int status;
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        ck_assert_msg(WIFSIGNALED(status), "a counter failed by itself");
}

START_TEST(counters_of_two_hubs_that_are_killed_at_any_moment_count_all_once) {
        _cleanup_(database_freep) Database *database = prepared();
        pid_t counters[2] = { start_counter(), start_counter() };
        for (int i = 0; i < 60; i++) {
                conclude(i % 3 ? ACME : OTHER, 1 + i % 2, 1 + 500 * i, 1 + 500 * i + 500, "2026-05-05 12:00Z");
                if (i % 2 == 0) {
                        kill_counter(counters[i / 2 % 2]);
                        counters[i / 2 % 2] = start_counter();
                }
        }
        kill_counter(counters[0]);
        kill_counter(counters[1]);
        count(database);
        assert_counted_as_written(ACME);
        assert_counted_as_written(OTHER);
}
END_TEST

static void wait_until(const char *sql, const char *expected) {
        int64_t deadline = clock_now().monotonic_us + 20 * SECONDS;
        while (strcmp(place_ask(sql), expected) != 0)
                ck_assert_msg(clock_now().monotonic_us < deadline, "%s did not become %s", sql, expected);
}

/* Between one hub's page and the next of the same transaction. */
START_TEST(a_counter_that_dies_in_the_middle_has_counted_nothing) {
        _cleanup_(database_freep) Database *database = prepared();
        conclude(OTHER, 2, 1, 2, "2026-05-05 12:00Z");
        count(database);
        conclude(ACME, 1, 1, 100, "2026-05-05 12:00Z");
        conclude(OTHER, 2, 2, 100, "2026-05-05 12:00Z");
        place_execute("BEGIN; SELECT FROM usage_days FOR UPDATE");
        pid_t counter = start_counter();
        wait_until("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted", "t");
        kill_counter(counter);
        place_execute("COMMIT");
        wait_until("SELECT count(*) FROM pg_stat_activity WHERE usename = 'aiox_journal' AND pid NOT IN "
                   "(SELECT pid FROM pg_stat_activity WHERE backend_type <> 'client backend')",
                   "1");
        ck_assert_str_eq(ask_as(ACME, "SELECT count(*) FROM usage_days"), "0");
        ck_assert_str_eq(place_ask("SELECT string_agg(sequence::text, ' ' ORDER BY hub) FROM usage_cursors"), "0 3");
        count(database);
        assert_counted_as_written(ACME);
        assert_counted_as_written(OTHER);
}
END_TEST

START_TEST(days_are_the_tenants_own_also_in_the_nights_when_clocks_change) {
        _cleanup_(database_freep) Database *database = prepared();
        for (int hour = 0; hour < 27; hour++) { /* from 23:00 of the 24th on, in Berlin */
                char at[60];
                snprintf(at, sizeof(at), "2026-10-%d %02d:00Z", hour < 3 ? 24 : 25, (hour + 21) % 24);
                conclude(ACME, 1, 1 + hour, 2 + hour, at);
        }
        for (int hour = 0; hour < 25; hour++) {
                char at[60];
                snprintf(at, sizeof(at), "2026-03-%d %02d:00Z", hour < 2 ? 28 : 29, (hour + 22) % 24);
                conclude(ACME, 2, 1 + hour, 2 + hour, at);
        }
        conclude(OTHER, 1, 100, 101, "2026-10-24 22:30Z");
        count(database);
        ck_assert_str_eq(ask_as(ACME, "SELECT string_agg(day || ':' || messages, ' ' ORDER BY day) FROM usage_days"),
                         "2026-03-28:1 2026-03-29:23 2026-03-30:1 2026-10-24:1 2026-10-25:25 2026-10-26:1");
        ck_assert_str_eq(ask_as(OTHER, "SELECT day FROM usage_days"), "2026-10-24");
}
END_TEST

START_TEST(a_zone_that_nobody_knows_holds_nobody_up) {
        _cleanup_(database_freep) Database *database = prepared();
        ask_as(ACME, "UPDATE tenants SET zone = 'Middle/Earth' WHERE slug = 'acme' RETURNING 1");
        conclude(ACME, 1, 1, 2, "2026-05-04 23:30Z");
        conclude(OTHER, 1, 2, 3, "2026-05-04 23:30Z");
        count(database);
        ck_assert_str_eq(ask_as(ACME, "SELECT day FROM usage_days"), "2026-05-04");
        ck_assert_str_eq(ask_as(OTHER, "SELECT day FROM usage_days"), "2026-05-04");
}
END_TEST

START_TEST(a_price_holds_from_its_moment_on_and_not_before) {
        _cleanup_(database_freep) Database *database = prepared();
        place_execute("SELECT pg_temp.price('messages', 1000000, '2026-05-01 00:00Z'), "
                      "pg_temp.price('messages', 3000000, '2026-06-01 00:00Z'), "
                      "pg_temp.price('tool-runs', 10000000, '2026-06-01 00:00Z'), "
                      "pg_temp.price('compute-ms', 2000000, '2026-06-01 00:00Z')");
        conclude(OTHER, 1, 3, 4, "2026-04-30 23:59:59.999999Z");
        conclude(OTHER, 1, 4, 5, "2026-05-31 23:59:59.999999Z");
        conclude(OTHER, 1, 8, 9, "2026-06-01 00:00:00Z");
        count(database);
        /* Tokens cost 7 + n. A message is 1, then 3; three runs are 30; 1.5 ms is 3 nano-units. */
        ck_assert_str_eq(ask_as(OTHER, "SELECT string_agg(day || ':' || cost_nano, ' ' ORDER BY day) FROM usage_days"),
                         "2026-04-30:10 2026-05-31:12 2026-06-01:51");
}
END_TEST

START_TEST(calls_written_twice_are_counted_once) {
        _cleanup_(database_freep) Database *database = prepared();
        static UuidGenerator generator;
        Failure failure;
        UsageCall calls[2] = { { .calls = 3, .at_us = INT64_C(1777939200000000) }, /* 2026-05-05 00:00 UTC */
                               { .calls = 4, .at_us = INT64_C(1777939200000000) - 1 } };
        for (int i = 0; i < 2; i++) {
                calls[i].id = uuid_make(&generator, clock_now().wall_us);
                ck_assert(uuid_parse(TEXT(OTHER), &calls[i].tenant_id));
        }
        place_execute("SELECT pg_temp.price('api-calls', 500000, '2026-05-05 00:00Z')");
        ck_assert_done(usage_add_calls(database, calls, 1, &failure), failure);
        for (int i = 0; i < 2; i++)
                ck_assert_done(usage_add_calls(database, calls, 2, &failure), failure);
        ck_assert_str_eq(ask_as(OTHER,
                                "SELECT string_agg(day || ':' || api_calls || ':' || cost_nano, ' ' ORDER BY day) "
                                "FROM usage_days"),
                         "2026-05-04:4:0 2026-05-05:3:2");
        ck_assert_str_eq(ask_as(ACME, "SELECT count(*) FROM usage_days"), "0");
}
END_TEST

START_TEST(what_is_stored_is_looked_at_once_an_hour) {
        _cleanup_(database_freep) Database *database = prepared();
        Failure failure;
        place_execute("SELECT pg_temp.price('stored-bytes', 720000000000, '2026-01-01 00:00Z')");
        conclude(ACME, 1, 1, 11, "2026-05-04 12:00Z");
        count(database);
        ask_as(ACME, "INSERT INTO objects (tenant_id, hash, size, chunks, key_id) "
                     "VALUES ('" ACME "', repeat('x', 32)::bytea, 5000, 1, 1) RETURNING 1");
        char *hour = memory_string(place_ask("SELECT date_trunc('hour', now())"));
        ck_assert_done(usage_sample(database, &failure), failure);
        ck_assert_done(usage_sample(database, &failure), failure);
        if (strcmp(hour, place_ask("SELECT date_trunc('hour', now())")) == 0) /* ten of 100 + 50 bytes, and 5,000 */
                ck_assert_str_eq(ask_as(ACME, "SELECT sum(byte_hours) || ' ' || sum(ceil(byte_wide / 720000000000)) "
                                              "FROM usage_days WHERE byte_hours > 0"),
                                 "6500 6500");
        ck_assert_str_eq(ask_as(OTHER, "SELECT count(*) FROM usage_days"), "0");
        free(hour);
}
END_TEST

START_TEST(parts_go_only_after_what_is_in_them_was_counted) {
        _cleanup_(database_freep) Database *database = prepared();
        Failure failure;
        conclude(ACME, 1, 1, 20, "2026-05-04 12:00Z");
        ck_assert_done(schema_keep(database, &(KeepSettings){ .journal_days = 5 }, NULL, NULL, &failure), failure);
        assert_counted_as_written(ACME);
        ck_assert_str_eq(ask_as(ACME, "SELECT bytes FROM journal_bytes"), "2850");
}
END_TEST

START_TEST(a_billing_month_begins_on_its_day_or_on_the_last_of_a_shorter_one) {
        static const struct {
                const char *day, *anchor, *month;
        } cases[] = {
                { "2026-01-31", "31", "2026-01-31 2026-02-28" }, { "2026-02-27", "31", "2026-01-31 2026-02-28" },
                { "2026-02-28", "31", "2026-02-28 2026-03-31" }, { "2026-03-30", "31", "2026-02-28 2026-03-31" },
                { "2028-02-29", "31", "2028-02-29 2028-03-31" }, { "2028-02-28", "30", "2028-01-30 2028-02-29" },
                { "2026-04-30", "31", "2026-04-30 2026-05-31" }, { "2026-12-31", "1", "2026-12-01 2027-01-01" },
                { "2027-01-14", "15", "2026-12-15 2027-01-15" },
        };
        _cleanup_(database_freep) Database *database = prepared();
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char sql[200];
                snprintf(sql, sizeof(sql), "SELECT first || ' ' || next FROM billing_month('%s', %s)", cases[i].day,
                         cases[i].anchor);
                ck_assert_str_eq(place_ask(sql), cases[i].month);
        }
}
END_TEST

UNIT_TESTS("store/usage", every_conclusion_is_counted_once_and_by_whom_and_what_it_was,
           counters_of_two_hubs_that_are_killed_at_any_moment_count_all_once,
           a_counter_that_dies_in_the_middle_has_counted_nothing,
           days_are_the_tenants_own_also_in_the_nights_when_clocks_change, a_zone_that_nobody_knows_holds_nobody_up,
           a_price_holds_from_its_moment_on_and_not_before, calls_written_twice_are_counted_once,
           what_is_stored_is_looked_at_once_an_hour, parts_go_only_after_what_is_in_them_was_counted,
           a_billing_month_begins_on_its_day_or_on_the_last_of_a_shorter_one)
