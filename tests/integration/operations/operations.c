#include "tests/integration/operations/office.h"

#include <pthread.h>

static void expect(const char *result, const char *part) {
        ck_assert_msg(strstr(result, part), "%s is not in %s", part, result);
}

START_TEST(an_agent_lives_from_creation_to_restoration) {
        Office *office = office_open();
        const char *result = office_do(office, OWNER, "", "agent-create",
                                       "{\"name\":\"support\",\"prompt\":\"Be kind.\",\"visibility\":\"tenant\"}");
        expect(result, "\"jid\":\"support.acme@agents.localhost\"");
        expect(result, "\"version\":1");
        ck_assert_int_eq(office->heard_count, 1);
        ck_assert_int_eq(office->heard[0], DIRECTORY_AGENT);
        ck_assert_int_eq(office->last.visibility, VISIBILITY_TENANT);

        expect(office_do(office, OPERATOR, "", "agent-pause", "{\"agent\":\"support\",\"reason\":\"Back at noon.\"}"),
               "\"state\":\"paused\"");
        ck_assert_int_eq(office->last.state, AGENT_PAUSED);
        expect(office_do(office, OWNER, "", "agent-show", "{\"agent\":\"support.acme@agents.localhost\"}"),
               "\"pause_reason\":\"Back at noon.\"");
        expect(office_do(office, OPERATOR, "", "agent-resume", "{\"agent\":\"support\"}"), "\"state\":\"active\"");

        expect(office_do(office, ADMIN, "", "agent-delete", "{\"agent\":\"support\"}"), "\"state\":\"deleted\"");
        ck_assert(office->last.gone);
        office_refuse(office, OWNER, "", "agent-show", "{\"agent\":\"support\"}", FAILURE_NOT_FOUND);
        expect(office_do(office, OWNER, "", "agent-list", "{}"), "\"data\":[]");
        expect(office_do(office, OWNER, "", "agent-list", "{\"state\":\"deleted\"}"), "\"name\":\"support\"");
        expect(office_do(office, OWNER, "", "agent-restore", "{\"agent\":\"support\"}"), "\"state\":\"active\"");
        office_refuse(office, OWNER, "", "agent-restore", "{\"agent\":\"support\"}", FAILURE_CONFLICT);

        office_do(office, OWNER, "", "agent-delete", "{\"agent\":\"support\"}");
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"support\"}");
        office_refuse(office, OWNER, "", "agent-restore", "{\"agent\":\"support\"}", FAILURE_CONFLICT);
        office_refuse(office, OWNER, "", "agent-create", "{\"name\":\"support\"}", FAILURE_CONFLICT);
        office_close(office);
}
END_TEST

START_TEST(versions_are_immutable_and_history_only_grows) {
        Office *office = office_open();
        office_do(
                office, OWNER, "", "agent-create",
                "{\"name\":\"support\",\"prompt\":\"One.\",\"goal\":\"Help.\",\"temperature\":0.5,\"tags\":[\"law\"]}");
        expect(office_do(office, OWNER, "", "agent-update", "{\"agent\":\"support\",\"prompt\":\"Two.\"}"),
               "\"version\":2");
        const char *second = office_do(office, OWNER, "", "agent-show", "{\"agent\":\"support\"}");
        expect(second, "\"prompt\":\"Two.\"");
        expect(second, "\"goal\":\"Help.\"");
        expect(second, "\"temperature\":0.5");
        expect(second, "\"tags\":[\"law\"]");
        expect(office_do(office, OWNER, "", "agent-show", "{\"agent\":\"support\",\"version\":1}"),
               "\"prompt\":\"One.\"");
        expect(office_do(office, OWNER, "", "agent-update", "{\"agent\":\"support\",\"visibility\":\"public\"}"),
               "\"version\":2");
        expect(office_do(office, OWNER, "", "agent-rollback", "{\"agent\":\"support\"}"), "\"version\":3");
        expect(office_do(office, OWNER, "", "agent-show", "{\"agent\":\"support\"}"), "\"prompt\":\"One.\"");
        office_refuse(office, OWNER, "", "agent-rollback", "{\"agent\":\"support\",\"version\":9}", FAILURE_NOT_FOUND);
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM agent_versions"), "3");
        ck_assert_str_eq(office_ask(office, "SELECT count(DISTINCT policy_hash)::text FROM agent_versions"), "2");
        ck_assert_str_eq(
                office_ask(office, "SELECT has_table_privilege('aiox_tenant', 'agent_versions', 'UPDATE')::text"),
                "false");
        office_close(office);
}
END_TEST

START_TEST(prompts_are_sealed_and_read_by_their_owner_only) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create",
                  "{\"name\":\"support\",\"prompt\":\"CANARY-PROMPT\",\"visibility\":\"tenant\"}");
        ck_assert_str_eq(
                office_ask(
                        office,
                        "SELECT count(*)::text FROM agent_versions "
                        "WHERE position('CANARY'::bytea IN system_prompt) > 0 OR agent_versions::text LIKE '%CANARY%'"),
                "0");
        ck_assert_str_eq(
                office_ask(office,
                           "SELECT count(*)::text FROM operation_log WHERE operation_log::text LIKE '%CANARY%'"),
                "0");
        expect(office_do(office, OWNER, "", "agent-show", "{\"agent\":\"support\"}"), "CANARY-PROMPT");
        static const char *const others[] = { ADMIN, OPERATOR, VIEWER, ROOT };
        for (size_t i = 0; i < COUNT_OF(others); i++) {
                const char *result = office_do(office, others[i], "acme", "agent-show", "{\"agent\":\"support\"}");
                ck_assert_msg(!strstr(result, "CANARY"), "%s", others[i]);
                expect(result, "\"prompt_readable\":false");
        }
        office_do(office, OWNER, "", "grant-add",
                  "{\"agent\":\"support\",\"who\":\"" VIEWER "\",\"read_bodies\":true}");
        expect(office_do(office, VIEWER, "", "agent-show", "{\"agent\":\"support\"}"), "CANARY-PROMPT");
        office_refuse(office, ADMIN, "", "grant-add",
                      "{\"agent\":\"support\",\"who\":\"" ADMIN "\",\"read_bodies\":true}", FAILURE_FORBIDDEN);
        office_close(office);
}
END_TEST

#define INVITE "a10c0000-0000-4000-8000-00000000000c"
#define EVENT  "01a1fcd3-ba14-7335-a6b4-b20846167177"

/* A call that is valid for everybody who may, for each operation; the matrix below runs all of them. */
static const struct {
        const char *operation, *input;
        bool for_people;    /* not for who has no JID */
        FailureKind nobody; /* what all of these are told who are let in, when it is for none of them */
} calls[] = {
        { "tenant-create", "{\"slug\":\"fresh\"}" },
        { "tenant-list", "{}" },
        { "tenant-show", "{\"slug\":\"acme\"}" },
        { "tenant-update", "{\"slug\":\"acme\",\"name\":\"Acme\"}" },
        { "tenant-register", "{\"slug\":\"own\"}", .for_people = true, .nobody = FAILURE_FORBIDDEN },
        { "registration-show", "{}" },
        { "tenant-export", "{\"slug\":\"acme\"}" },
        { "tenant-delete", "{\"slug\":\"acme\"}" },
        { "tenant-restore", "{\"slug\":\"acme\"}", .nobody = FAILURE_NOT_FOUND },
        { "invite-create", "{}" },
        { "invite-list", "{}" },
        { "invite-revoke", "{\"id\":\"" INVITE "\"}" },
        { "invite-accept", "{\"code\":\"y\"}", .for_people = true, .nobody = FAILURE_NOT_FOUND },
        { "profile-show", "{}", .for_people = true },
        { "profile-update", "{\"name\":\"x\"}", .for_people = true },
        { "profile-prove", "{\"code\":\"1\"}", .for_people = true, .nobody = FAILURE_POLICY },
        { "member-leave", "{}", .for_people = true },
        { "member-add", "{\"jid\":\"new@example.org\",\"role\":\"viewer\"}" },
        { "member-list", "{}" },
        { "member-remove", "{\"jid\":\"spare@example.org\"}" },
        { "account-create", "{\"jid\":\"made@example.org\"}" },
        { "account-list", "{}" },
        { "account-show", "{\"jid\":\"spare@example.org\"}" },
        { "account-suspend", "{\"jid\":\"spare@example.org\"}" },
        { "account-resume", "{\"jid\":\"spare@example.org\"}" },
        { "account-erase", "{}", .for_people = true },
        { "agent-create", "{\"name\":\"made\"}" },
        { "agent-list", "{}" },
        { "agent-show", "{\"agent\":\"open\"}" },
        { "agent-update", "{\"agent\":\"open\",\"goal\":\"x\"}" },
        { "agent-pause", "{\"agent\":\"open\"}" },
        { "agent-resume", "{\"agent\":\"open\"}" },
        { "agent-delete", "{\"agent\":\"open\"}" },
        { "agent-restore", "{\"agent\":\"gone\"}" },
        { "agent-rollback", "{\"agent\":\"open\"}" },
        { "grant-add", "{\"agent\":\"open\",\"who\":\"g@example.org\"}" },
        { "grant-list", "{\"agent\":\"open\"}" },
        { "grant-remove", "{\"agent\":\"open\",\"who\":\"h@example.org\"}" },
        { "subscription-add", "{\"agent\":\"open\"}", .for_people = true },
        { "subscription-list", "{\"agent\":\"open\"}" },
        { "subscription-remove", "{\"agent\":\"open\"}", .for_people = true },
        { "knowledge-add", "{\"agent\":\"open\",\"name\":\"a.md\",\"content\":\"# A\\n\\nText.\"}" },
        { "knowledge-list", "{\"agent\":\"open\"}" },
        { "knowledge-remove", "{\"agent\":\"open\",\"name\":\"b.md\"}" },
        { "conversation-new", "{\"agent\":\"open\"}" },
        { "conversation-status", "{\"agent\":\"open\"}" },
        { "conversation-forget", "{\"agent\":\"open\"}" },
        { "conversation-stop", "{\"agent\":\"open\"}" },
        { "limit-set", "{\"what\":\"messages\",\"agent\":\"open\",\"amount\":9}" },
        { "limit-list", "{}" },
        { "limit-remove", "{\"what\":\"body-bytes\",\"agent\":\"open\"}" },
        { "policy-set", "{\"max_output\":4000}" },
        { "policy-show", "{}" },
        { "violation-list", "{}" },
        { "violation-count", "{}" },
        { "person-export", "{}", .for_people = true },
        { "person-erase", "{}", .for_people = true },
        { "secret-set", "{\"name\":\"made\",\"value\":\"x\"}" },
        { "secret-list", "{}" },
        { "secret-rotate", "{\"name\":\"kept\",\"value\":\"y\"}" },
        { "secret-remove", "{\"name\":\"kept\"}" },
        { "limit-usage", "{}" },
        { "plan-list", "{}" },
        { "plan-show", "{\"name\":\"free\"}" },
        { "execution-list", "{}" },
        { "execution-show", "{\"id\":\"" /* filled in */ "\"}" },
        { "execution-cancel", "{\"id\":\"\"}" },
        { "feedback-add", "{\"id\":\"\"}", .nobody = FAILURE_NOT_FOUND },
        { "feedback-list", "{}" },
        { "usage-show", "{}" },
        { "usage-export", "{}" },
        { "usage-list", "{}" },
        { "price-set", "{\"meter\":\"messages\",\"price\":1}" },
        { "price-list", "{}" },
        { "audit-list", "{}" },
        { "audit-export", "{}" },
        { "audit-verify", "{}" },
        { "compliance-report", "{}" },
        { "log-list", "{}" },
        { "security-list", "{}" },
        { "security-lift", "{\"event\":\"" EVENT "\"}" },
        { "worker-list", "{}" },
        { "worker-show", "{\"id\":\"main-1\"}" },
        { "hub-status", "{}" },
        { "settings-show", "{}" },
};

static char execution_input[64];

/* A message of today that nobody has answered. */
static void add_execution(Office *office) {
        char sql[600], id[UUID_STRING_SIZE];
        snprintf(id, sizeof(id), "%s",
                 place_ask("SELECT left(lowest_id(current_date), 24) || right(gen_random_uuid()::text, 12)"));
        snprintf(sql, sizeof(sql),
                 "INSERT INTO accepted (id, tenant_id, agent_id, person_id, sequence, accepted_at, conversation, hub, "
                 "key_id, "
                 "domain) SELECT '%s', tenant_id, id, id, 1, now(), 0, 1, 1, 'agents.localhost' "
                 "FROM agents WHERE name = 'open'",
                 id);
        office_execute(office, sql);
        snprintf(execution_input, sizeof(execution_input), "{\"id\":\"%s\"}", id);
}

static void prepare_subjects(Office *office) {
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"spare@example.org\",\"role\":\"viewer\"}");
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"tenant\"}");
        office_do(office, OWNER, "", "agent-update", "{\"agent\":\"open\",\"goal\":\"y\"}");
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"gone\",\"visibility\":\"tenant\"}");
        office_do(office, OWNER, "", "agent-delete", "{\"agent\":\"gone\"}");
        office_do(office, OWNER, "", "grant-add", "{\"agent\":\"open\",\"who\":\"h@example.org\"}");
        office_do(office, OWNER, "", "knowledge-add", "{\"agent\":\"open\",\"name\":\"b.md\",\"content\":\"Text.\"}");
        office_do(office, OWNER, "", "limit-set", "{\"what\":\"body-bytes\",\"agent\":\"open\",\"amount\":9}");
        office_do(office, ADMIN, "", "secret-set", "{\"name\":\"kept\",\"value\":\"x\"}");
        office_execute(
                office,
                "INSERT INTO invites (tenant_id, id, hash, role, uses, expires_at) SELECT current_tenant(), '" INVITE
                "', sha256('x'), 'viewer', 1, now()");
        office_execute(office, "INSERT INTO security_events (tenant_id, id, at, hub, kind, severity) "
                               "SELECT current_tenant(), '" EVENT "', now(), 'main', 'domain', 'info'");
        add_execution(office);
}

static void undo_subjects(Office *office) {
        static const char *const undo[][2] = {
                { "agent-restore", "{\"agent\":\"open\"}" },
                { "agent-delete", "{\"agent\":\"gone\"}" },
                { "agent-delete", "{\"agent\":\"made\"}" },
                { "agent-resume", "{\"agent\":\"open\"}" },
                { "grant-remove", "{\"agent\":\"open\",\"who\":\"g@example.org\"}" },
                { "grant-add", "{\"agent\":\"open\",\"who\":\"h@example.org\"}" },
                { "knowledge-add", "{\"agent\":\"open\",\"name\":\"b.md\",\"content\":\"Text.\"}" },
                { "member-add", "{\"jid\":\"spare@example.org\",\"role\":\"viewer\"}" },
                { "limit-set", "{\"what\":\"body-bytes\",\"agent\":\"open\",\"amount\":9}" },
                { "agent-update", "{\"agent\":\"open\",\"goal\":\"y\"}" },
                { "secret-remove", "{\"name\":\"made\"}" },
                { "secret-set", "{\"name\":\"kept\",\"value\":\"x\"}" },
                { "member-add", "{\"jid\":\"" VIEWER "\",\"role\":\"viewer\"}" },
                { "member-add", "{\"jid\":\"" OPERATOR "\",\"role\":\"operator\"}" },
                { "member-add", "{\"jid\":\"" ADMIN "\",\"role\":\"admin\"}" },
        };
        office_call(office, OWNER, "acme", "tenant-restore", "{\"slug\":\"acme\"}");
        for (size_t i = 0; i < COUNT_OF(undo); i++)
                office_call(office, OWNER, "acme", undo[i][0], undo[i][1]);
}

static bool names_execution(const char *input) {
        return strstr(input, "\"id\":\"\"") != NULL;
}

static const char *input_of(const char *input) {
        return names_execution(input) ? execution_input : input;
}

START_TEST(who_may_do_what_is_what_the_rows_say) {
        static const struct {
                const char *principal;
                Role role;
        } people[] = {
                { VIEWER, ROLE_VIEWER }, { OPERATOR, ROLE_OPERATOR }, { ADMIN, ROLE_ADMIN }, { ROOT, ROLE_PLATFORM }
        };
        Office *office = office_open();
        size_t covered = 0;
        prepare_subjects(office);
        for (const Operation *const *row = operation_catalogue; *row; row++)
                for (size_t i = 0; i < COUNT_OF(calls); i++) {
                        if (strcmp(calls[i].operation, (*row)->name) != 0)
                                continue;
                        covered++;
                        for (size_t j = 0; j < COUNT_OF(people); j++) {
                                if (people[j].role == ROLE_PLATFORM && calls[i].for_people)
                                        continue;
                                bool may = people[j].role >= (*row)->role && !calls[i].nobody;
                                FailureKind kind = calls[i].nobody ? calls[i].nobody : FAILURE_FORBIDDEN;
                                const char *result = office_call(office, people[j].principal,
                                                                 (*row)->scope == SCOPE_TENANT ? "acme" : "",
                                                                 (*row)->name, input_of(calls[i].input));
                                ck_assert_msg(!!result == may, "%s by %s: %s", (*row)->name, people[j].principal,
                                              result ? result : office->failure.text);
                                ck_assert_msg(result || office->failure.kind == kind, "%s by %s: %s", (*row)->name,
                                              people[j].principal, office->failure.text);
                                undo_subjects(office);
                        }
                }
        ck_assert_uint_eq(covered, COUNT_OF(calls));
        for (size_t i = 0; operation_catalogue[i]; i++)
                ck_assert_uint_lt(i, COUNT_OF(calls));
        office_close(office);
}
END_TEST

START_TEST(an_agents_owner_may_everything_on_it) {
        Office *office = office_open();
        office_do(office, ADMIN, "", "member-add", "{\"jid\":\"" OPERATOR "\",\"role\":\"operator\"}");
        office_do(office, OPERATOR, "", "agent-create", "{\"name\":\"mine\"}");
        office_do(office, ADMIN, "", "member-add", "{\"jid\":\"" OPERATOR "\",\"role\":\"viewer\"}");
        static const char *const inputs[][2] = {
                { "agent-show", "{\"agent\":\"mine\"}" },
                { "agent-update", "{\"agent\":\"mine\",\"goal\":\"x\"}" },
                { "agent-pause", "{\"agent\":\"mine\"}" },
                { "agent-resume", "{\"agent\":\"mine\"}" },
                { "agent-rollback", "{\"agent\":\"mine\"}" },
                { "grant-add", "{\"agent\":\"mine\",\"who\":\"g@example.org\"}" },
                { "grant-list", "{\"agent\":\"mine\"}" },
                { "grant-remove", "{\"agent\":\"mine\",\"who\":\"g@example.org\"}" },
                { "knowledge-add", "{\"agent\":\"mine\",\"name\":\"a\",\"content\":\"Text.\"}" },
                { "knowledge-list", "{\"agent\":\"mine\"}" },
                { "knowledge-remove", "{\"agent\":\"mine\",\"name\":\"a\"}" },
                { "agent-delete", "{\"agent\":\"mine\"}" },
                { "agent-restore", "{\"agent\":\"mine\"}" },
        };
        for (size_t i = 0; i < COUNT_OF(inputs); i++)
                office_do(office, OPERATOR, "", inputs[i][0], inputs[i][1]);
        /* Others of the tenant do not even see it, save admins. */
        office_refuse(office, VIEWER, "", "agent-show", "{\"agent\":\"mine\"}", FAILURE_NOT_FOUND);
        expect(office_do(office, VIEWER, "", "agent-list", "{}"), "\"data\":[]");
        office_do(office, ADMIN, "", "agent-pause", "{\"agent\":\"mine\"}");
        office_close(office);
}
END_TEST

/* Byte for byte the answer for what does not exist, for every operation that names an agent or an execution. */
START_TEST(another_tenants_names_do_not_exist) {
        Office *office = office_open();
        prepare_subjects(office);
        char absent_execution[] = "{\"id\":\"0190b6b2-6f7e-7c3a-9d2e-3f5a1c7b9e01\"}";
        for (size_t i = 0; i < COUNT_OF(calls); i++) {
                bool execution = names_execution(calls[i].input);
                if (!strstr(calls[i].input, "\"agent\"") && !execution)
                        continue;
                Failure absent, foreign;
                char input[200];
                snprintf(input, sizeof(input), "%s", calls[i].input);
                char *name = strstr(input, "\"open\"") ? strstr(input, "\"open\"") : strstr(input, "\"gone\"");
                if (name)
                        memcpy(name, "\"void\"", 6);
                ck_assert_ptr_null(
                        office_call(office, FOREIGN, "", calls[i].operation, execution ? absent_execution : input));
                absent = office->failure;
                ck_assert_ptr_null(office_call(office, FOREIGN, "", calls[i].operation, input_of(calls[i].input)));
                foreign = office->failure;
                ck_assert_msg(absent.kind == FAILURE_NOT_FOUND, "%s: %s", calls[i].operation, absent.text);
                ck_assert_int_eq(absent.kind, foreign.kind);
                ck_assert_str_eq(absent.text, foreign.text);
        }
        /* Nor does the tenant. */
        office_refuse(office, FOREIGN, "acme", "agent-list", "{}", FAILURE_NOT_FOUND);
        Failure foreign = office->failure;
        office_refuse(office, FOREIGN, "void", "agent-list", "{}", FAILURE_NOT_FOUND);
        ck_assert_str_eq(office->failure.text, foreign.text);
        office_refuse(office, FOREIGN, "", "agent-show", "{\"agent\":\"open.acme@agents.localhost\"}",
                      FAILURE_NOT_FOUND);
        office_refuse(office, STRANGER, "", "agent-list", "{}", FAILURE_NOT_FOUND);
        office_refuse(office, STRANGER, "", "tenant-list", "{}", FAILURE_UNAUTHENTICATED);
        office_close(office);
}
END_TEST

START_TEST(a_name_that_another_tenant_uses_is_free) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"support\"}");
        expect(office_do(office, FOREIGN, "", "agent-create", "{\"name\":\"support\"}"),
               "support.other@agents.localhost");
        office_close(office);
}
END_TEST

START_TEST(a_repeat_gets_the_first_result_and_another_request_a_conflict) {
        Office *office = office_open();
        char first[2000];
        snprintf(first, sizeof(first), "%s",
                 office_call_keyed(office, OWNER, "", "agent-create", "{\"name\":\"support\"}", "k1"));
        size_t heard = office->heard_count;
        ck_assert_str_eq(first,
                         office_call_keyed(office, OWNER, "", "agent-create", "{ \"name\" : \"support\" }", "k1"));
        ck_assert_uint_eq(office->heard_count, heard);
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM agents"), "1");

        ck_assert_ptr_null(office_call_keyed(office, OWNER, "", "agent-create", "{\"name\":\"second\"}", "k1"));
        ck_assert_int_eq(office->failure.kind, FAILURE_CONFLICT);
        /* Another caller's key is another key, and so is the same one in another tenant. */
        ck_assert_ptr_nonnull(office_call_keyed(office, ADMIN, "", "agent-create", "{\"name\":\"second\"}", "k1"));
        ck_assert_ptr_nonnull(office_call_keyed(office, FOREIGN, "", "agent-create", "{\"name\":\"third\"}", "k1"));

        snprintf(first, sizeof(first), "%s",
                 office_call_keyed(office, ROOT, "", "tenant-create", "{\"slug\":\"new\"}", "k2"));
        ck_assert_str_eq(first, office_call_keyed(office, ROOT, "", "tenant-create", "{\"slug\":\"new\"}", "k2"));
        /* What failed is not remembered. */
        ck_assert_ptr_null(office_call_keyed(office, OWNER, "", "agent-pause", "{\"agent\":\"later\"}", "k3"));
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"later\"}");
        ck_assert_ptr_nonnull(office_call_keyed(office, OWNER, "", "agent-pause", "{\"agent\":\"later\"}", "k3"));
        office_close(office);
}
END_TEST

typedef struct Race {
        Office *office;
        bool done;
} Race;

static void *race(void *argument) {
        Race *race_call = argument;
        Operations *operations = &race_call->office->operations;
        const Caller caller = { .principal = TEXT(OWNER), .door = "test", .request_key = TEXT("race") };
        Json *input = json_new_object(), *result = NULL;
        Failure failure = { 0 };
        json_put_string(input, "name", "support");
        race_call->done = operation_call(operations, &caller, operation_find(TEXT("agent-create")), input, &result,
                                         &failure);
        if (!race_call->done)
                fprintf(stderr, "# %s\n", failure.text);
        json_free(input);
        json_free(result);
        return NULL;
}

START_TEST(two_requests_under_one_key_at_once_are_done_once) {
        Office *office = office_open();
        Race races[4] = { { office, false }, { office, false }, { office, false }, { office, false } };
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &races[i]), 0);
        for (int i = 0; i < 4; i++)
                pthread_join(threads[i], NULL);
        for (int i = 0; i < 4; i++)
                ck_assert(races[i].done);
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM agents"), "1");
        office_close(office);
}
END_TEST

START_TEST(every_operation_and_refusal_leaves_a_record) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"support\"}");
        ck_assert_str_eq(office_ask(office,
                                    "SELECT outcome || ' ' || door || ' ' || (person_id IS NOT NULL)::text || ' ' || "
                                    "(agent_id IS NOT NULL)::text FROM operation_log WHERE operation = 'agent-create'"),
                         "success test true true");
        for (int i = 0; i < 5; i++)
                office_refuse(office, VIEWER, "", "agent-create", "{\"name\":\"x\"}", FAILURE_FORBIDDEN);
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM operation_log WHERE outcome = 'forbidden'"),
                         "1");
        office_do(office, OWNER, "", "agent-list", "{}");
        office_do(office, OWNER, "", "agent-list", "{}");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM operation_log WHERE operation = 'agent-list'"),
                         "1");
        office_do(office, ROOT, "acme", "agent-pause", "{\"agent\":\"support\"}");
        ck_assert_str_eq(office_ask(office, "SELECT facts FROM operation_log WHERE operation = 'agent-pause'"),
                         "{\"by\":\"uid:0\"}");
        office_close(office);
}
END_TEST

START_TEST(the_last_owner_stays) {
        Office *office = office_open();
        office_refuse(office, OWNER, "", "member-remove", "{\"jid\":\"" OWNER "\"}", FAILURE_CONFLICT);
        office_refuse(office, OWNER, "", "member-add", "{\"jid\":\"" OWNER "\",\"role\":\"viewer\"}", FAILURE_CONFLICT);
        office_refuse(office, ADMIN, "", "member-remove", "{\"jid\":\"" OWNER "\"}", FAILURE_FORBIDDEN);
        office_refuse(office, ADMIN, "", "member-add", "{\"jid\":\"" ADMIN "\",\"role\":\"owner\"}", FAILURE_FORBIDDEN);
        office_do(office, OWNER, "", "member-add", "{\"jid\":\"" ADMIN "\",\"role\":\"owner\"}");
        office_do(office, OWNER, "", "member-remove", "{\"jid\":\"" OWNER "\"}");
        office_refuse(office, OWNER, "", "member-list", "{}", FAILURE_NOT_FOUND);
        office_refuse(office, ADMIN, "", "member-remove", "{\"jid\":\"nobody@example.org\"}", FAILURE_NOT_FOUND);
        office_do(office, ADMIN, "", "agent-create", "{\"name\":\"support\",\"owner\":\"" VIEWER "\"}");
        office_refuse(office, ADMIN, "", "member-remove", "{\"jid\":\"" VIEWER "\"}", FAILURE_CONFLICT);
        office_close(office);
}
END_TEST

START_TEST(a_suspended_account_and_tenant_are_shut_out) {
        Office *office = office_open();
        office_do(office, ROOT, "", "account-suspend", "{\"jid\":\"" OWNER "\",\"reason\":\"x\"}");
        ck_assert_int_eq(office->heard[0], DIRECTORY_ACCOUNT);
        office_refuse(office, OWNER, "", "agent-list", "{}", FAILURE_NOT_FOUND);
        office_refuse(office, OWNER, "", "tenant-list", "{}", FAILURE_UNAUTHENTICATED);
        expect(office_do(office, ROOT, "", "account-list", "{\"state\":\"suspended\"}"), OWNER);
        office_do(office, ROOT, "", "account-resume", "{\"jid\":\"" OWNER "\"}");
        office_do(office, OWNER, "", "agent-list", "{}");
        office_refuse(office, ROOT, "", "account-suspend", "{\"jid\":\"nobody@example.org\"}", FAILURE_NOT_FOUND);

        office_refuse(office, OWNER, "", "tenant-update", "{\"slug\":\"acme\",\"state\":\"suspended\"}",
                      FAILURE_FORBIDDEN);
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"state\":\"suspended\"}");
        office_refuse(office, OWNER, "", "agent-list", "{}", FAILURE_FORBIDDEN);
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"state\":\"active\"}");
        office_do(office, OWNER, "", "agent-list", "{}");
        office_refuse(office, ROOT, "", "tenant-update", "{\"slug\":\"installation\",\"state\":\"suspended\"}",
                      FAILURE_POLICY);
        office_close(office);
}
END_TEST

START_TEST(grants_name_people_domains_and_agents_but_never_everybody) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"support\",\"visibility\":\"shared\"}");
        office->heard_count = 0;
        expect(office_do(office, OWNER, "", "grant-add",
                         "{\"agent\":\"support\",\"who\":\"carol@elsewhere.org\",\"messages_per_minute\":10}"),
               "\"kind\":\"jid\"");
        ck_assert_uint_eq(office->heard_count, 2);
        ck_assert_int_eq(office->heard[0], DIRECTORY_GRANT);
        ck_assert_int_eq(office->heard[1], DIRECTORY_LIMIT);
        expect(office_do(office, OWNER, "", "grant-add", "{\"agent\":\"support\",\"who\":\"*@elsewhere.org\"}"),
               "\"kind\":\"domain\"");
        expect(office_do(office, OWNER, "", "grant-add", "{\"agent\":\"support\",\"who\":\"a.b@agents.localhost\"}"),
               "\"kind\":\"agent\"");
        office_refuse(office, OWNER, "", "grant-add", "{\"agent\":\"support\",\"who\":\"*@*\"}", FAILURE_INVALID);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "public"));
        office_refuse(office, OWNER, "", "grant-add", "{\"agent\":\"support\",\"who\":\"elsewhere.org\"}",
                      FAILURE_CONFLICT);
        expect(office_do(office, OWNER, "", "grant-list", "{\"agent\":\"support\"}"), "\"messages_per_minute\":10");
        office->heard_count = 0;
        office_do(office, OWNER, "", "grant-remove", "{\"agent\":\"support\",\"who\":\"carol@elsewhere.org\"}");
        ck_assert_uint_eq(office->heard_count, 2);
        office_do(office, OWNER, "", "grant-add", "{\"agent\":\"support\",\"who\":\"carol@elsewhere.org\"}");
        office_close(office);
}
END_TEST

START_TEST(a_grant_that_is_over_is_refused_and_one_of_the_future_says_that_it_is_not_in_force_yet) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"support\",\"visibility\":\"shared\"}");
        office_refuse(office, OWNER, "", "grant-add",
                      "{\"agent\":\"support\",\"who\":\"carol@elsewhere.org\",\"expires\":\"2020-01-01T00:00:00Z\"}",
                      FAILURE_INVALID);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "'expires'"));
        office_refuse(office, OWNER, "", "grant-add",
                      "{\"agent\":\"support\",\"who\":\"carol@elsewhere.org\","
                      "\"not_before\":\"2199-01-02T00:00:00Z\",\"expires\":\"2199-01-01T00:00:00Z\"}",
                      FAILURE_INVALID);
        ck_assert_ptr_nonnull(strstr(office->failure.text, "'not_before'"));
        expect(office_do(office, OWNER, "", "grant-add",
                         "{\"agent\":\"support\",\"who\":\"carol@elsewhere.org\",\"not_before\":\"2199-01-02T00:00:"
                         "00Z\"}"),
               "\"in_force\":false");
        expect(office_do(
                       office, OWNER, "", "grant-add",
                       "{\"agent\":\"support\",\"who\":\"dave@elsewhere.org\",\"not_before\":\"2020-01-01T00:00:00Z\","
                       "\"expires\":\"2199-01-01T00:00:00Z\"}"),
               "\"in_force\":true");
        office_close(office);
}
END_TEST

START_TEST(knowledge_is_cut_into_passages_and_replaced_by_name) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"support\"}");
        static const char
                *const add = "{\"agent\":\"support\",\"name\":\"a.md\",\"content\":\"# Install\\n\\nRun it.\\n\\n"
                             "# Remove\\n\\nDelete it.\\n\"}";
        expect(office_do(office, OWNER, "", "knowledge-add", add), "\"passages\":2");
        expect(office_do(office, OWNER, "", "knowledge-add", add), "\"changed\":false");
        ck_assert_str_eq(
                office_ask(office, "SELECT string_agg(heading || ':' || content, ' ' ORDER BY number) FROM passages"),
                "Install:Run it. Remove:Delete it.");
        ck_assert_str_eq(
                office_ask(office,
                           "SELECT count(*)::text FROM passages WHERE search @@ to_tsquery('english', 'installing')"),
                "1");
        expect(office_do(office, OWNER, "", "knowledge-add",
                         "{\"agent\":\"support\",\"name\":\"a.md\",\"content\":\"Only this.\",\"format\":\"plain\"}"),
               "\"changed\":true");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM passages"), "1");
        expect(office_do(office, OWNER, "", "knowledge-list", "{\"agent\":\"support\"}"), "\"name\":\"a.md\"");
        office_refuse(office, OWNER, "", "knowledge-add",
                      "{\"agent\":\"support\",\"name\":\"b\",\"content\":\" \\n \"}", FAILURE_INVALID);
        office_do(office, OWNER, "", "knowledge-remove", "{\"agent\":\"support\",\"name\":\"a.md\"}");
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM passages"), "0");
        office_refuse(office, OWNER, "", "knowledge-remove", "{\"agent\":\"support\",\"name\":\"a.md\"}",
                      FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

START_TEST(executions_are_listed_shown_and_cancelled) {
        Office *office = office_open();
        prepare_subjects(office);
        expect(office_do(office, OWNER, "", "execution-list", "{\"agent\":\"open\"}"), "\"status\":\"pending\"");
        expect(office_do(office, VIEWER, "", "execution-list", "{}"), "\"data\":[]");
        const char *shown = office_do(office, OWNER, "", "execution-show", execution_input);
        expect(shown, "\"input\":null");
        expect(shown, "\"readable\":true");
        expect(office_do(office, ADMIN, "", "execution-show", execution_input), "\"readable\":false");
        office_do(office, OPERATOR, "", "execution-cancel", execution_input);
        ck_assert(!uuid_is_zero(office->cancelled));
        office_refuse(office, OWNER, "", "execution-list", "{\"after\":\"x\"}", FAILURE_INVALID);
        office_close(office);
}
END_TEST

START_TEST(lists_are_paged_by_key) {
        Office *office = office_open();
        for (int i = 0; i < 5; i++) {
                char input[64];
                snprintf(input, sizeof(input), "{\"name\":\"agent-%d\"}", i);
                office_do(office, OWNER, "", "agent-create", input);
        }
        const char *page = office_do(office, OWNER, "", "agent-list", "{\"limit\":2}");
        expect(page, "\"after\":\"agent-1\"");
        expect(page, "\"has_more\":true");
        page = office_do(office, OWNER, "", "agent-list", "{\"limit\":2,\"after\":\"agent-3\"}");
        expect(page, "\"after\":null");
        expect(page, "\"has_more\":false");
        expect(page, "agent-4");
        expect(office_do(office, ROOT, "", "worker-list", "{\"limit\":1}"), "\"after\":\"main-1\"");
        expect(office_do(office, ROOT, "", "worker-list", "{\"after\":\"main-1\"}"), "main-2");
        office_close(office);
}
END_TEST

/* What is typed into any field is data, whatever it looks like. */
START_TEST(sql_in_any_field_is_only_text) {
        static const char *const attempts[] = { "x'; DROP TABLE agents; --",
                                                "\\'; DELETE FROM tenants; --",
                                                "$1",
                                                "%s%n",
                                                "' OR '1'='1",
                                                "\\x00",
                                                "{}",
                                                "a\\u202eb" };
        Office *office = office_open();
        prepare_subjects(office);
        for (size_t i = 0; i < COUNT_OF(calls); i++) {
                const Operation *row = operation_find(text_of(calls[i].operation));
                const Field *field;
                for (size_t j = 0; (field = operation_input(row, j)); j++)
                        for (size_t k = 0; k < COUNT_OF(attempts); k++) {
                                Json *json = NULL, *text = json_new_text(text_of(attempts[k]));
                                Arena *arena = arena_new(0);
                                Text input;
                                Failure failure;
                                ck_assert_done(json_parse(text_of(input_of(calls[i].input)), 0, &json, &failure),
                                               failure);
                                json_put(json, field->name, text);
                                ck_assert(json_canonical(json, arena, &input));
                                if (!office_call(office, OWNER, row->scope == SCOPE_TENANT ? "acme" : "", row->name,
                                                 text_string(arena, input)))
                                        ck_assert_msg(office->failure.kind != FAILURE_INTERNAL &&
                                                              office->failure.kind != FAILURE_UNAVAILABLE,
                                                      "%s %s: %s", row->name, text_string(arena, input),
                                                      office->failure.text);
                                json_free(json);
                                arena_free(arena);
                        }
        }
        ck_assert_ptr_nonnull(strstr(office_do(office, ROOT, "", "tenant-list", "{}"), "other"));
        office_do(office, OWNER, "", "agent-update", "{\"agent\":\"open\",\"goal\":\"x'; DROP TABLE agents; --\"}");
        expect(office_do(office, OWNER, "", "agent-show", "{\"agent\":\"open\"}"), "x'; DROP TABLE agents; --");
        office_close(office);
}
END_TEST

START_TEST(an_operation_names_its_tenant_when_there_are_several) {
        Office *office = office_open();
        office_do(office, FOREIGN, "", "member-add", "{\"jid\":\"" OWNER "\",\"role\":\"viewer\"}");
        office_refuse(office, OWNER, "", "agent-list", "{}", FAILURE_INVALID);
        office_do(office, OWNER, "acme", "agent-create", "{\"name\":\"support\"}");
        office_do(office, OWNER, "", "agent-pause", "{\"agent\":\"support.acme@agents.localhost\"}");
        office_refuse(office, OWNER, "other", "agent-pause", "{\"agent\":\"support.acme@agents.localhost\"}",
                      FAILURE_INVALID);
        office_refuse(office, OWNER, "acme", "tenant-show", "{\"slug\":\"other\"}", FAILURE_INVALID);
        office_refuse(office, OWNER, "a'b", "agent-list", "{}", FAILURE_NOT_FOUND);
        const char *list = office_do(office, OWNER, "", "tenant-list", "{}");
        expect(list, "acme");
        expect(list, "other");
        ck_assert_ptr_null(strstr(list, "installation"));
        office_close(office);
}
END_TEST

START_TEST(a_type_that_no_record_has_is_refused_by_name) {
        static const struct {
                const char *type, *sentence; /* NULL: taken */
        } cases[] = {
                { "message.refused", NULL },
                { "message.", NULL },
                { "operation.agent-", NULL },
                { "operation.limit-set", NULL },
                { "o", NULL },
                { "bogus", "begin with one of audit., budget., message., operation., policy., secret., security." },
                { "mesage.refused", "did you mean 'message.refused'?" },
                { "operation.limit-sett", "did you mean 'operation.limit-set'?" },
                { "message.refused.", "did you mean 'message.refused'?" },
                { "%", "'type': no record's type begins so" },
        };
        Office *office = office_open();
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char input[100];
                snprintf(input, sizeof(input), "{\"type\":\"%s\"}", cases[i].type);
                if (!cases[i].sentence) {
                        office_do(office, ADMIN, "", "audit-list", input);
                        continue;
                }
                office_refuse(office, ADMIN, "", "audit-list", input, FAILURE_INVALID);
                ck_assert_msg(strstr(office->failure.text, cases[i].sentence), "%s", office->failure.text);
        }
        office_refuse(office, ADMIN, "", "audit-list", "{\"severity\":\"warn\"}", FAILURE_INVALID);
        ck_assert_str_eq(office->failure.text,
                         "'severity' must be one of info|warning|critical; did you mean 'warning'?");
        office_close(office);
}
END_TEST

UNIT_TESTS("operations", an_agent_lives_from_creation_to_restoration, versions_are_immutable_and_history_only_grows,
           prompts_are_sealed_and_read_by_their_owner_only, who_may_do_what_is_what_the_rows_say,
           an_agents_owner_may_everything_on_it, another_tenants_names_do_not_exist,
           a_name_that_another_tenant_uses_is_free, a_repeat_gets_the_first_result_and_another_request_a_conflict,
           two_requests_under_one_key_at_once_are_done_once, every_operation_and_refusal_leaves_a_record,
           the_last_owner_stays, a_suspended_account_and_tenant_are_shut_out,
           grants_name_people_domains_and_agents_but_never_everybody,
           a_grant_that_is_over_is_refused_and_one_of_the_future_says_that_it_is_not_in_force_yet,
           knowledge_is_cut_into_passages_and_replaced_by_name, executions_are_listed_shown_and_cancelled,
           lists_are_paged_by_key, a_type_that_no_record_has_is_refused_by_name, sql_in_any_field_is_only_text,
           an_operation_names_its_tenant_when_there_are_several)
