#include "orchestrator/operations/secret.h"
#include "tests/integration/operations/office.h"

#define CANARY    "CANARY-S3cret"
#define PLAIN_SET "{\"host\":\"api.example.com\",\"name\":\"model\",\"value\":\"" CANARY "\"}"

static Uuid acme(Office *office) {
        Uuid id;
        ck_assert(uuid_parse(text_of(office->acme), &id));
        return id;
}

static bool use(Office *office, Uuid tenant_id, const char *host, Text *ret_value, bool *ret_due) {
        static Arena *arena;
        Uuid id;
        if (!arena)
                arena = arena_new(0);
        return secret_use(office->operations.database, office->operations.keyring, tenant_id, TEXT("model"),
                          text_of(host), arena, ret_value, &id, ret_due, &office->failure);
}

/* Wherever the canary stands in clear, in any table: the tables' names. */
static const char *tables_with_canary(Office *office) {
        office_execute(office,
                       "CREATE OR REPLACE FUNCTION pg_temp.look() RETURNS text LANGUAGE plpgsql AS $$ "
                       "DECLARE t regclass; n bigint; found text := ''; BEGIN "
                       "FOR t IN SELECT c.oid FROM pg_class c WHERE relnamespace = 'public'::regnamespace "
                       "AND relkind IN ('r', 'p') AND NOT relispartition LOOP "
                       "EXECUTE format('SELECT count(*) FROM %s r WHERE convert_from(convert_to(r::text, ''utf8''), "
                       "''utf8'') LIKE ''%%S3cret%%'' OR r::text LIKE ''%%'' || encode(''S3cret'', ''hex'') || "
                       "''%%''', t) INTO n; "
                       "IF n > 0 THEN found := found || t || ' '; END IF; END LOOP; RETURN found; END $$");
        return office_ask(office, "SELECT pg_temp.look()");
}

START_TEST(a_secret_goes_in_and_is_shown_to_nobody) {
        Office *office = office_open();
        const char *result = office_do(office, ADMIN, "", "secret-set", PLAIN_SET);
        ck_assert_str_eq(result, "{\"host\":\"api.example.com\",\"name\":\"model\"}");
        result = office_do(office, OWNER, "", "secret-list", "{}");
        ck_assert_ptr_nonnull(strstr(result, "\"name\":\"model\""));
        ck_assert_ptr_nonnull(strstr(result, "\"last_used_at\":null"));
        ck_assert_ptr_null(strstr(result, "S3cret"));
        ck_assert_str_eq(tables_with_canary(office), "");
        ck_assert_str_eq(office_ask(office, "SELECT count(*) FROM operation_log WHERE operation = 'secret-set' AND "
                                            "outcome = 'success' AND facts LIKE '%\"secret\":%'"),
                         "1");
        office_close(office);
}
END_TEST

/* Or who reads the log could try secrets until one fits. */
START_TEST(what_was_typed_cannot_be_guessed_from_the_log) {
        static const Text parts[] = { { "secret-set", 10 }, { PLAIN_SET, sizeof(PLAIN_SET) - 1 } };
        Office *office = office_open();
        _cleanup_(text_builder_release) TextBuilder sql = text_builder(0);
        Hash plain = crypto_sha256_parts(parts, 2);
        office_call_keyed(office, ADMIN, "", "secret-set", PLAIN_SET, "key-1");
        text_add_string(&sql, "SELECT count(*) FROM operation_log WHERE digest = decode('");
        text_add_hex(&sql, plain.bytes, sizeof(plain.bytes));
        text_add_string(&sql, "', 'hex')");
        ck_assert_str_eq(office_ask(office, sql.bytes), "0");
        /* And yet a request that is repeated is known, and another under its key is not taken for it. */
        ck_assert_ptr_nonnull(office_call_keyed(office, ADMIN, "", "secret-set", PLAIN_SET, "key-1"));
        ck_assert_ptr_null(office_call_keyed(office, ADMIN, "", "secret-set",
                                             "{\"name\":\"model\",\"value\":\"other\"}", "key-1"));
        ck_assert_int_eq(office->failure.kind, FAILURE_CONFLICT);
        office_close(office);
}
END_TEST

START_TEST(a_secret_is_used_by_name_for_its_host_alone) {
        Office *office = office_open();
        Text value;
        bool due;
        office_do(office, ADMIN, "", "secret-set", PLAIN_SET);
        ck_assert_done(use(office, acme(office), "api.example.com", &value, &due), office->failure);
        ck_assert_text(value, TEXT(CANARY));
        ck_assert_msg(due, "the first use is told");
        ck_assert_done(use(office, acme(office), "api.example.com", &value, &due), office->failure);
        ck_assert_msg(!due, "the second within a minute is not");
        office_execute(office, "UPDATE secrets SET last_used_at = now() - interval '61 seconds'");
        ck_assert_done(use(office, acme(office), "api.example.com", &value, &due), office->failure);
        ck_assert(due);
        ck_assert(!use(office, acme(office), "evil.example", &value, &due));
        ck_assert_int_eq(office->failure.kind, FAILURE_POLICY);
        ck_assert(!use(office, acme(office), "", &value, &due));
        ck_assert(!use(office, installation_tenant_id, "api.example.com", &value, &due));
        ck_assert_int_eq(office->failure.kind, FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

START_TEST(a_rotated_secret_is_the_new_one_and_a_removed_one_is_gone) {
        Office *office = office_open();
        Text value;
        bool due;
        office_do(office, ADMIN, "", "secret-set", PLAIN_SET);
        office_refuse(office, ADMIN, "", "secret-set", PLAIN_SET, FAILURE_CONFLICT);
        office_do(office, ADMIN, "", "secret-rotate", "{\"name\":\"model\",\"value\":\"New-S3cret\"}");
        ck_assert_done(use(office, acme(office), "api.example.com", &value, &due), office->failure);
        ck_assert_text(value, TEXT("New-S3cret"));
        ck_assert_str_eq(tables_with_canary(office), "");
        office_do(office, ADMIN, "", "secret-remove", "{\"name\":\"model\"}");
        ck_assert(!use(office, acme(office), "api.example.com", &value, &due));
        office_refuse(office, ADMIN, "", "secret-rotate", "{\"name\":\"model\",\"value\":\"x\"}", FAILURE_NOT_FOUND);
        office_refuse(office, ADMIN, "", "secret-remove", "{\"name\":\"model\"}", FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

/* Each of these is done by who owns the database. */
START_TEST(a_value_that_was_moved_or_put_back_does_not_open) {
        static const char from_the_log[] = "UPDATE secrets SET value = (SELECT result FROM operation_log "
                                           "WHERE operation = 'secret-set' LIMIT 1) WHERE name = 'model'";
        static const char *const moves[] = {
                "UPDATE secrets SET value = (SELECT value FROM secrets WHERE name = 'second') WHERE name = 'model'",
                "UPDATE secrets SET number = number + 1 WHERE name = 'model'",
                "UPDATE secrets SET id = gen_random_uuid() WHERE name = 'model'",
                "UPDATE secrets SET value = set_byte(value, 20, get_byte(value, 20) # 1) WHERE name = 'model'",
                from_the_log,
        };
        Office *office = office_open();
        Text value;
        bool due;
        office_do(office, ADMIN, "", "secret-set", "{\"name\":\"second\",\"value\":\"other\"}");
        for (size_t i = 0; i < COUNT_OF(moves); i++) {
                office_do(office, ADMIN, "", "secret-set", PLAIN_SET);
                office_execute(office, moves[i]);
                ck_assert_msg(!use(office, acme(office), "api.example.com", &value, &due), "%s", moves[i]);
                ck_assert_int_eq(office->failure.kind, FAILURE_INTERNAL);
                ck_assert_ptr_nonnull(strstr(office->failure.text, "moved or altered"));
                office_do(office, ADMIN, "", "secret-remove", "{\"name\":\"model\"}");
        }
        office_close(office);
}
END_TEST

START_TEST(who_may_not_administer_sees_no_secret_and_who_is_elsewhere_sees_none) {
        static const char *const others[] = { OPERATOR, VIEWER, STRANGER };
        Office *office = office_open();
        office_do(office, ADMIN, "", "secret-set", PLAIN_SET);
        for (size_t i = 0; i < COUNT_OF(others); i++)
                ck_assert_msg(!office_call(office, others[i], "acme", "secret-list", "{}"), "%s", others[i]);
        ck_assert_ptr_null(strstr(office_do(office, FOREIGN, "", "secret-list", "{}"), "model"));
        office_refuse(office, FOREIGN, "", "secret-remove", "{\"name\":\"model\"}", FAILURE_NOT_FOUND);
        office_do(office, FOREIGN, "", "secret-set", PLAIN_SET);
        office_close(office);
}
END_TEST

START_TEST(an_agent_brings_its_own_provider_only_with_a_secret_that_may_go_there) {
        Office *office = office_open();
        office_do(office, ADMIN, "", "secret-set", PLAIN_SET);
        office_refuse(office, OWNER, "", "agent-create",
                      "{\"name\":\"a\",\"model\":\"openai/x\",\"provider_url\":\"https://evil.example/v1\","
                      "\"provider_key\":\"model\"}",
                      FAILURE_POLICY);
        office_refuse(office, OWNER, "", "agent-create",
                      "{\"name\":\"a\",\"model\":\"openai/x\",\"provider_url\":\"https://api.example.com/v1\","
                      "\"provider_key\":\"absent\"}",
                      FAILURE_INVALID);
        office_refuse(
                office, OWNER, "", "agent-create",
                "{\"name\":\"a\",\"model\":\"openai/x\",\"provider_url\":\"https://api.example.com@evil.example/v1\"}",
                FAILURE_INVALID);
        office_refuse(office, OWNER, "", "agent-create",
                      "{\"name\":\"a\",\"model\":\"builtin/echo\",\"provider_url\":\"https://api.example.com/v1\"}",
                      FAILURE_INVALID);
        office_do(office, OWNER, "", "agent-create",
                  "{\"name\":\"a\",\"model\":\"openai/x\",\"provider_url\":\"https://api.example.com:8443/v1\","
                  "\"provider_key\":\"model\"}");
        const char *shown = office_do(office, OWNER, "", "agent-show", "{\"agent\":\"a\"}");
        ck_assert_ptr_nonnull(strstr(shown, "\"provider_key\":\"model\""));
        ck_assert_ptr_null(strstr(shown, "S3cret"));
        office_close(office);
}
END_TEST

START_TEST(hosts_of_urls_are_what_would_be_connected_to) {
        static const struct {
                const char *url, *host;
        } cases[] = {
                { "https://api.example.com/v1", "api.example.com" },
                { "http://127.0.0.1:11434", "127.0.0.1" },
                { "https://[::1]:80/v1", "[::1]" },
                { "https://a.example@b.example/", "" },
                { "https://a.example?b", "" },
                { "https://a.example#b", "" },
                { "https:///v1", "" },
                { "ftp://a.example/", "" },
                { "a.example", "" },
                { "", "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                ck_assert_text(url_host(text_of(cases[i].url)), text_of(cases[i].host));
}
END_TEST

UNIT_TESTS("operations/secrets", a_secret_goes_in_and_is_shown_to_nobody, what_was_typed_cannot_be_guessed_from_the_log,
           a_secret_is_used_by_name_for_its_host_alone, a_rotated_secret_is_the_new_one_and_a_removed_one_is_gone,
           a_value_that_was_moved_or_put_back_does_not_open,
           who_may_not_administer_sees_no_secret_and_who_is_elsewhere_sees_none,
           an_agent_brings_its_own_provider_only_with_a_secret_that_may_go_there,
           hosts_of_urls_are_what_would_be_connected_to)
