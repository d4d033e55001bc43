/* How an account is erased: everywhere, at once, and so that nothing of it leads to anybody. */
#include "orchestrator/operations/erasing.h"
#include "tests/integration/operations/office.h"

#include <stdio.h>

/* Her name stands in every column that can hold one; what she wrote, in two tenants. */
#define CARLA "carla-canary@example.org"
#define OPEN  "open.acme@agents.localhost"

static void expect(const char *result, const char *part) {
        ck_assert_msg(strstr(result, part), "%s is not in %s", part, result);
}

/* As a superuser, whom no row security binds. */
static const char *anywhere(const char *sql) {
        return place_ask_as("postgres", "", sql);
}

/* Every column of every table that holds the text, as it is or as bytes, when `aiox keep` has removed what other hubs
 * had to see go. */
static const char *found(const char *needle) {
        static const char walk[] =
                "CREATE FUNCTION pg_temp.found(needle text) RETURNS text LANGUAGE plpgsql AS $$ "
                "DECLARE place record; hits bigint; places text := ''; BEGIN "
                "  FOR place IN SELECT c.oid::regclass AS part, a.attname FROM pg_class c "
                "               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
                "               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
                "               AND NOT c.relispartition ORDER BY c.relname, a.attname LOOP "
                "    EXECUTE format('SELECT count(*) FROM %%s WHERE strpos(%%I::text, $1) > 0 OR strpos(%%I::text, $2) "
                "> "
                "0', place.part, place.attname, place.attname) INTO hits "
                "      USING needle, encode(convert_to(needle, 'UTF8'), 'hex'); "
                "    IF hits > 0 THEN places := places || format('%%s.%%s ', place.part, place.attname); END IF; "
                "  END LOOP; RETURN places; END $$; SELECT pg_temp.found('%s')";
        char sql[sizeof(walk) + 200];
        place_execute("DELETE FROM subscriptions WHERE removed_at < now() - interval '7 days'");
        snprintf(sql, sizeof(sql), walk, needle);
        return anywhere(sql);
}

static Uuid person_in(Office *office, const char *tenant, const char *jid) {
        Uuid tenant_id, person;
        Failure failure;
        ck_assert(uuid_parse(text_of(tenant), &tenant_id));
        ck_assert_done(keyring_person(office->operations.keyring, tenant_id, text_of(jid), &person, &failure), failure);
        return person;
}

static const char *id_of(Office *office, const char *slug) {
        static char ids[2][UUID_STRING_SIZE];
        char sql[100];
        char *id = ids[strcmp(slug, "acme") == 0];
        (void) office;
        snprintf(sql, sizeof(sql), "SELECT id::text FROM tenants WHERE slug = '%s'", slug);
        snprintf(id, UUID_STRING_SIZE, "%s", anywhere(sql));
        return id;
}

/* A message that was answered, as the journal leaves it: the person's row, and what is sealed. */
static void add_message(Office *office, const char *slug, const char *jid) {
        static const char insert[] =
                "WITH m AS (SELECT (left(lowest_id(current_date), 24) || right(gen_random_uuid()::text, 12))::uuid AS "
                "id, '%s'::uuid AS tenant, '%s'::uuid AS person), "
                "p AS (INSERT INTO persons (tenant_id, id, jid, key_id) SELECT tenant, person, 'sealed', 1 FROM m "
                "      ON CONFLICT (tenant_id, id) DO UPDATE SET jid = excluded.jid, erased_at = NULL), "
                "c AS (INSERT INTO concluded (id, tenant_id, sequence, concluded_at, cost_nano, queue_us, model_us, "
                "      total_us, admission_us, prompt_tokens, completion_tokens, cached_tokens, model_calls, "
                "      tool_calls, attempt, hub, key_id, outcome, reason, answer) SELECT id, tenant, 1, now(), 0, 0, "
                "      0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 'sealed' FROM m) "
                "INSERT INTO accepted (id, tenant_id, agent_id, person_id, sequence, accepted_at, conversation, hub, "
                "  key_id, domain, body) SELECT id, tenant, id, person, 1, now(), 0, 1, 1, 'agents.localhost', "
                "  'sealed' FROM m RETURNING id";
        char sql[sizeof(insert) + 200], person[UUID_STRING_SIZE];
        const char *tenant = id_of(office, slug);
        uuid_format(person_in(office, tenant, jid), person);
        snprintf(sql, sizeof(sql), insert, tenant, person);
        ck_assert_int_eq(strlen(anywhere(sql)), UUID_STRING_SIZE - 1);
}

/* Unsealed values of messages that somebody wrote in a tenant. */
static const char *left_of(Office *office, const char *slug, const char *jid) {
        char sql[500], person[UUID_STRING_SIZE];
        uuid_format(person_in(office, id_of(office, slug), jid), person);
        snprintf(sql, sizeof(sql),
                 "SELECT count(a.body) || ' ' || count(c.answer) || ' ' || (SELECT count(jid) FROM persons WHERE id = "
                 "'%s') FROM accepted a JOIN concluded c ON c.id = a.id WHERE a.person_id = '%s'",
                 person, person);
        return anywhere(sql);
}

static void add_carla(Office *office) {
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"" CARLA "\",\"role\":\"admin\"}");
        office_do(office, CARLA, "", "profile-update",
                  "{\"name\":\"" CARLA "\",\"email\":\"" CARLA "\",\"locale\":\"en\"}");
        office_do(office, CARLA, "", "subscription-add", "{\"agent\":\"" OPEN "\"}");
        office_do(office, FOREIGN, "", "agent-create", "{\"name\":\"secret\"}");
        office_do(office, FOREIGN, "", "grant-add", "{\"agent\":\"secret\",\"who\":\"" CARLA "\"}");
        office_do(office, FOREIGN, "", "invite-create", "{\"jid\":\"" CARLA "\"}");
        add_message(office, "acme", CARLA);
        add_message(office, "acme", VIEWER);
        add_message(office, "other", CARLA);
        office->heard_count = 0;
}

static bool heard(const Office *office, DirectoryKind kind) {
        for (size_t i = 0; i < office->heard_count; i++)
                if (office->heard[i] == kind)
                        return true;
        return false;
}

/* Of each tenant: how often it is in the log of operations, from which the audit is made. */
static const char *logged(void) {
        return anywhere(
                "SELECT string_agg(line, ', ' ORDER BY line) FROM (SELECT t.slug || ' ' || o.door || ' ' || "
                "count(*) AS line FROM operation_log o JOIN tenants t ON t.id = o.tenant_id "
                "WHERE o.operation = 'account-erase' AND o.outcome = 'success' GROUP BY t.slug, o.door) AS each");
}

START_TEST(of_an_erased_account_no_column_of_any_table_knows_the_address) {
        static const DirectoryKind kinds[] = { DIRECTORY_ACCOUNT, DIRECTORY_MEMBER, DIRECTORY_SUBSCRIPTION,
                                               DIRECTORY_GRANT, DIRECTORY_PERSON };
        Office *office = office_open();
        add_carla(office);
        ck_assert_str_eq(found(CARLA),
                         "accounts.email accounts.jid accounts.name grants.subject invites.jid subscriptions.jid ");
        ck_assert_str_eq(left_of(office, "acme", CARLA), "1 1 1");
        const char *result = office_do(office, CARLA, "", "account-erase", "{}");
        expect(result, "\"tenants\":2");
        expect(result, "\"messages\":2");
        expect(result, "\"grants\":1");
        expect(result, "\"invites\":1");
        expect(result, "\"subscriptions\":1");
        ck_assert_str_eq(found(CARLA), "");
        ck_assert_str_eq(left_of(office, "acme", CARLA), "0 0 0");
        ck_assert_str_eq(left_of(office, "other", CARLA), "0 0 0");
        ck_assert_str_eq(left_of(office, "acme", VIEWER), "1 1 1");
        ck_assert_str_eq(anywhere("SELECT count(*) || ' ' || count(name) || ' ' || count(email) || ' ' || (SELECT "
                                  "count(*) FROM profiles) FROM accounts WHERE state = 'deleted' AND jid = 'erased:' "
                                  "|| id"),
                         "1 0 0 0");
        ck_assert_str_eq(logged(), "acme test 1, installation test 1, other test 1");
        ck_assert_str_eq(anywhere("SELECT count(*)::text FROM erasures"), "0");
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
                ck_assert_msg(heard(office, kinds[i]), "kind %d", (int) kinds[i]);
        office_refuse(office, ROOT, "", "account-show", "{\"jid\":\"" CARLA "\"}", FAILURE_NOT_FOUND);
        ck_assert(!strstr(office_do(office, OWNER, "", "member-list", "{}"), "canary"));
        office_close(office);
}
END_TEST

START_TEST(who_writes_again_is_somebody_new) {
        Office *office = office_open();
        add_carla(office);
        office_do(office, CARLA, "", "account-erase", "{}");
        const char *of_account = "SELECT id::text FROM accounts ORDER BY created_at DESC, id DESC LIMIT 1";
        char before[UUID_STRING_SIZE];
        snprintf(before, sizeof(before), "%s", anywhere("SELECT id::text FROM accounts WHERE state = 'deleted'"));
        office_refuse(office, CARLA, "", "profile-show", "{}", FAILURE_UNAUTHENTICATED);
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"" CARLA "\",\"role\":\"viewer\"}");
        ck_assert_str_ne(anywhere(of_account), before);
        expect(office_do(office, CARLA, "", "profile-show", "{}"), "\"email\":null");
        add_message(office, "acme", CARLA);
        const char *export = office_do(office, CARLA, "acme", "person-export", "{\"limit\":1}");
        expect(export, "\"has_more\":false");
        expect(export, "\"feedback\":[]");
        expect(office_do(office, CARLA, "", "account-erase", "{}"), "\"messages\":1");
        ck_assert_str_eq(found(CARLA), "");
        ck_assert_str_eq(logged(), "acme test 2, installation test 2, other test 1");
        office_close(office);
}
END_TEST

START_TEST(an_owner_is_told_what_to_do_first_and_nothing_is_done) {
        Office *office = office_open();
        add_carla(office);
        office_do(office, CARLA, "", "agent-create", "{\"name\":\"hers\"}");
        office_do(office, ROOT, "", "tenant-create", "{\"slug\":\"third\",\"owner\":\"" CARLA "\"}");
        office_refuse(office, CARLA, "", "account-erase", "{}", FAILURE_CONFLICT);
        ck_assert_str_eq(office->failure.text, "before that, in acme: give away or delete 1 agent; in third: make "
                                               "somebody else an owner, or delete it");
        office_refuse(office, ROOT, "", "account-erase", "{\"jid\":\"" CARLA "\"}", FAILURE_CONFLICT);
        ck_assert_str_eq(left_of(office, "acme", CARLA), "1 1 1");
        expect(found(CARLA), "accounts.jid");
        office_do(office, OWNER, "", "agent-delete", "{\"agent\":\"hers\"}");
        /* What is deleted already holds nobody up, and forgets with the rest. */
        office_do(office, CARLA, "", "tenant-delete", "{\"slug\":\"third\"}");
        office_do(office, CARLA, "", "account-erase", "{}");
        ck_assert_str_eq(found(CARLA), "");
        office_close(office);
}
END_TEST

START_TEST(others_may_not_and_do_not_learn_who_is_known) {
        static const char *const others[] = { OWNER, ADMIN, FOREIGN, STRANGER };
        Office *office = office_open();
        add_carla(office);
        for (size_t i = 0; i < COUNT_OF(others); i++) {
                office_refuse(office, others[i], "", "account-erase", "{\"jid\":\"" CARLA "\"}", FAILURE_FORBIDDEN);
                Failure known = office->failure;
                office_refuse(office, others[i], "", "account-erase", "{\"jid\":\"nobody@example.org\"}",
                              FAILURE_FORBIDDEN);
                ck_assert_str_eq(office->failure.text, known.text);
        }
        office_refuse(office, ROOT, "", "account-erase", "{}", FAILURE_INVALID);
        office_refuse(office, ROOT, "", "account-erase", "{\"jid\":\"" OPEN "\"}", FAILURE_INVALID);
        office_refuse(office, ROOT, "", "account-erase", "{\"jid\":\"nobody@example.org\"}", FAILURE_NOT_FOUND);
        ck_assert_str_eq(left_of(office, "acme", CARLA), "1 1 1");
        office_close(office);
}
END_TEST

START_TEST(who_is_shut_out_or_limited_does_not_get_rid_of_it_by_erasing) {
        Office *office = office_open();
        add_carla(office);
        office_do(office, ROOT, "", "limit-set", "{\"what\":\"messages\",\"account\":\"" CARLA "\",\"amount\":1}");
        office_refuse(office, CARLA, "", "account-erase", "{}", FAILURE_POLICY);
        office_do(office, ROOT, "", "account-suspend", "{\"jid\":\"" CARLA "\",\"reason\":\"" CARLA "\"}");
        office_refuse(office, CARLA, "", "account-erase", "{}", FAILURE_UNAUTHENTICATED);
        office->heard_count = 0;
        office_do(office, ROOT, "", "account-erase", "{\"jid\":\"" CARLA "\"}");
        ck_assert(heard(office, DIRECTORY_LIMIT));
        ck_assert_str_eq(anywhere("SELECT count(*)::text FROM limits WHERE subject = 'account' AND removed_at IS NULL"),
                         "0");
        ck_assert_str_eq(found(CARLA), "");
        office_close(office);
}
END_TEST

START_TEST(a_repeat_gets_the_same_answer_and_erases_nothing_more) {
        Office *office = office_open();
        add_carla(office);
        char first[600];
        const char *result = office_call_keyed(office, CARLA, "", "account-erase", "{}", "once");
        ck_assert_msg(result, "%s", office->failure.text);
        snprintf(first, sizeof(first), "%s", result);
        expect(first, "\"messages\":2");
        add_message(office, "acme", CARLA);
        ck_assert_str_eq(office_call_keyed(office, CARLA, "", "account-erase", "{}", "once"), first);
        ck_assert_str_eq(left_of(office, "acme", CARLA), "1 1 1");
        ck_assert_str_eq(logged(), "acme test 1, installation test 1, other test 1");
        office_close(office);
}
END_TEST

START_TEST(what_is_broken_off_is_finished_without_the_name) {
        Office *office = office_open();
        size_t count;
        Failure failure;
        add_carla(office);
        place_execute("REVOKE UPDATE (body) ON accepted FROM aiox_eraser");
        const char *result = office_call(office, CARLA, "", "account-erase", "{}");
        place_execute("GRANT UPDATE (body) ON accepted TO aiox_eraser");
        ck_assert(!result);
        ck_assert_str_eq(found(CARLA), "");
        ck_assert_str_eq(anywhere("SELECT count(*)::text FROM erasures"), "3");
        ck_assert_str_eq(left_of(office, "acme", CARLA), "1 1 1");
        ck_assert_str_eq(logged(), "acme test 1, other test 1");
        ck_assert_done(erase_left(office->operations.database, 60, &count, &failure), failure);
        ck_assert_uint_eq(count, 0); /* somebody may still be at it */
        anywhere("UPDATE erasures SET begun_at = begun_at - interval '2 minutes' RETURNING 1");
        ck_assert_done(erase_left(office->operations.database, 60, &count, &failure), failure);
        ck_assert_uint_eq(count, 3);
        ck_assert_str_eq(left_of(office, "acme", CARLA), "0 0 0");
        ck_assert_str_eq(left_of(office, "other", CARLA), "0 0 0");
        ck_assert_str_eq(logged(), "acme keep 1, acme test 1, installation keep 1, other keep 1, other test 1");
        office_close(office);
}
END_TEST

UNIT_TESTS("operations/persons", of_an_erased_account_no_column_of_any_table_knows_the_address,
           who_writes_again_is_somebody_new, an_owner_is_told_what_to_do_first_and_nothing_is_done,
           others_may_not_and_do_not_learn_who_is_known, who_is_shut_out_or_limited_does_not_get_rid_of_it_by_erasing,
           a_repeat_gets_the_same_answer_and_erases_nothing_more, what_is_broken_off_is_finished_without_the_name)
