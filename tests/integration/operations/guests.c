/* Who is no member of a tenant, and what he may do on its agents all the same: what an operation without a role offers,
 * on agents that he may talk to. The operation here only says who it found calling. */
#include "orchestrator/operations/context.h"
#include "tests/integration/operations/office.h"

static bool say_who(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        (void) input, (void) reterr_failure;
        *ret_result = json_new_object();
        json_put_text(*ret_result, "agent", context->agent.name);
        json_put_string(*ret_result, "role", role_name(context->role));
        return true;
}

static const Field knock_input[] = { { "agent", FIELD_AGENT, REQUIRED, "The agent." }, { .type = FIELD_END } };

static const Operation knock = {
        .name = "agent-knock",
        .summary = "Says who is there.",
        .role = ROLE_NONE,
        .effect = EFFECT_CHANGE,
        .input = knock_input,
        .run = say_who,
};

#define PUBLIC "open.acme@agents.localhost"
#define ABSENT "void.acme@agents.localhost"

/* The role that the caller acted with; NULL when refused. */
static const char *try_knock(Office *office, const char *principal, const char *agent) {
        static char role[32];
        Json *input = json_new_object(), *result = NULL;
        const Caller caller = { .principal = text_of(principal),
                                .platform = strcmp(principal, ROOT) == 0,
                                .door = "test" };
        json_put_string(input, "agent", agent);
        office->failure = (Failure){ 0 };
        bool done = operation_call(&office->operations, &caller, &knock, input, &result, &office->failure);
        json_free(input);
        if (!done)
                return NULL;
        Text text = json_to_text(json_member(result, "role"));
        snprintf(role, sizeof(role), "%.*s", TEXT_ARGUMENTS(text));
        json_free(result);
        return role;
}

static void expect_role(Office *office, const char *principal, const char *agent, const char *role) {
        const char *got = try_knock(office, principal, agent);
        ck_assert_msg(got && strcmp(got, role) == 0, "%s on %s: %s", principal, agent,
                      got ? got : office->failure.text);
}

/* Refused in the words for an agent that is not there. */
static void expect_nobody_home(Office *office, const char *principal, const char *agent) {
        ck_assert_msg(!try_knock(office, principal, agent), "%s on %s", principal, agent);
        Failure failure = office->failure;
        ck_assert_ptr_null(try_knock(office, principal, ABSENT));
        ck_assert_int_eq(failure.kind, FAILURE_NOT_FOUND);
        ck_assert_int_eq(failure.kind, office->failure.kind);
        ck_assert_str_eq(failure.text, office->failure.text);
}

static Office *open_with_agents(void) {
        static const char *const made[] = {
                "{\"name\":\"open\",\"visibility\":\"public\"}", "{\"name\":\"team\",\"visibility\":\"tenant\"}",
                "{\"name\":\"lent\",\"visibility\":\"shared\"}", "{\"name\":\"own\",\"visibility\":\"private\"}",
                "{\"name\":\"gone\",\"visibility\":\"public\"}",
        };
        Office *office = office_open();
        for (size_t i = 0; i < COUNT_OF(made); i++)
                office_do(office, OWNER, "", "agent-create", made[i]);
        office_do(office, OWNER, "", "agent-delete", "{\"agent\":\"gone\"}");
        return office;
}

START_TEST(a_guest_acts_without_a_role_where_he_may_talk) {
        Office *office = open_with_agents();
        expect_role(office, STRANGER, PUBLIC, "none");
        expect_role(office, FOREIGN, PUBLIC, "none");
        expect_nobody_home(office, STRANGER, "team.acme@agents.localhost");
        expect_nobody_home(office, STRANGER, "own.acme@agents.localhost");
        expect_nobody_home(office, STRANGER, "gone.acme@agents.localhost");
        expect_nobody_home(office, STRANGER, "lent.acme@agents.localhost");
        office_do(office, OWNER, "", "grant-add", "{\"agent\":\"lent\",\"who\":\"" STRANGER "\"}");
        office_do(office, OWNER, "", "grant-add", "{\"agent\":\"team\",\"who\":\"" STRANGER "\"}");
        expect_role(office, STRANGER, "lent.acme@agents.localhost", "none");
        expect_nobody_home(office, STRANGER, "team.acme@agents.localhost");
        /* As long as it is in force, by the database's clock. */
        static const struct {
                const char *from, *until;
                bool holds;
        } spans[] = { { "now() - interval '1 hour'", "now() + interval '1 hour'", true },
                      { "now() + interval '1 hour'", "NULL", false },
                      { "NULL", "now() - interval '1 second'", false } };
        for (size_t i = 0; i < COUNT_OF(spans); i++) {
                char sql[200];
                snprintf(sql, sizeof(sql), "UPDATE grants SET not_before = %s, expires_at = %s", spans[i].from,
                         spans[i].until);
                office_execute(office, sql);
                if (spans[i].holds)
                        expect_role(office, STRANGER, "lent.acme@agents.localhost", "none");
                else
                        expect_nobody_home(office, STRANGER, "lent.acme@agents.localhost");
        }
        office_execute(office, "UPDATE grants SET not_before = NULL, expires_at = NULL");
        expect_role(office, STRANGER, "lent.acme@agents.localhost", "none");
        office_do(office, OWNER, "", "grant-remove", "{\"agent\":\"lent\",\"who\":\"" STRANGER "\"}");
        expect_nobody_home(office, STRANGER, "lent.acme@agents.localhost");
        office_close(office);
}
END_TEST

START_TEST(a_member_keeps_his_role_and_sees_what_members_see) {
        Office *office = open_with_agents();
        expect_role(office, VIEWER, PUBLIC, "viewer");
        expect_role(office, VIEWER, "team", "viewer");
        expect_role(office, OWNER, "own", "owner");
        expect_role(office, ADMIN, "own", "admin");
        static const char *const below[] = { VIEWER, OPERATOR };
        for (size_t i = 0; i < COUNT_OF(below); i++) {
                ck_assert_ptr_null(try_knock(office, below[i], "own"));
                ck_assert_int_eq(office->failure.kind, FAILURE_NOT_FOUND);
                office_refuse(office, below[i], "", "agent-show", "{\"agent\":\"own\"}", FAILURE_NOT_FOUND);
                ck_assert_ptr_null(strstr(office_do(office, below[i], "", "agent-list", "{}"), "\"own\""));
        }
        ck_assert_ptr_nonnull(strstr(office_do(office, ADMIN, "", "agent-list", "{}"), "\"own\""));
        /* Who was one is a guest. */
        office_do(office, OWNER, "", "member-remove", "{\"jid\":\"" VIEWER "\"}");
        expect_role(office, VIEWER, PUBLIC, "none");
        expect_nobody_home(office, VIEWER, "team.acme@agents.localhost");
        office_close(office);
}
END_TEST

START_TEST(a_tenant_that_is_absent_or_suspended_and_a_suspended_caller_are_told_the_same) {
        Office *office = open_with_agents();
        expect_nobody_home(office, STRANGER, "open.void@agents.localhost");
        expect_nobody_home(office, STRANGER, "open.acme@elsewhere.example");
        expect_nobody_home(office, STRANGER, "open@agents.localhost");
        office_do(office, ROOT, "", "account-create", "{\"jid\":\"" STRANGER "\"}");
        expect_role(office, STRANGER, PUBLIC, "none");
        office_do(office, ROOT, "", "account-suspend", "{\"jid\":\"" STRANGER "\"}");
        expect_nobody_home(office, STRANGER, PUBLIC);
        office_do(office, ROOT, "", "account-resume", "{\"jid\":\"" STRANGER "\"}");
        expect_role(office, STRANGER, PUBLIC, "none");
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"state\":\"suspended\"}");
        expect_nobody_home(office, STRANGER, PUBLIC);
        office_close(office);
}
END_TEST

START_TEST(the_installations_own_agents_have_guests_too) {
        Office *office = open_with_agents();
        office_do(office, ROOT, "", "member-add", "{\"jid\":\"" OWNER "\",\"role\":\"owner\"}");
        office_do(office, ROOT, "", "agent-create", "{\"name\":\"guide\",\"visibility\":\"public\"}");
        office_do(office, ROOT, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"private\"}");
        expect_role(office, STRANGER, "guide@agents.localhost", "none");
        expect_role(office, OWNER, "guide@agents.localhost",
                    "owner"); /* a member of two tenants: the address says which */
        expect_nobody_home(office, STRANGER, "open@agents.localhost");
        expect_nobody_home(office, STRANGER, "guide.acme@agents.localhost");
        office_close(office);
}
END_TEST

START_TEST(an_agent_is_a_guest_save_to_those_of_its_tenant) {
        Office *office = open_with_agents();
        office_do(office, FOREIGN, "", "agent-create", "{\"name\":\"open\",\"visibility\":\"public\"}");
        expect_role(office, PUBLIC, "team.acme@agents.localhost", "none");
        expect_nobody_home(office, PUBLIC, "own.acme@agents.localhost");
        expect_role(office, "open.other@agents.localhost", PUBLIC, "none");
        expect_nobody_home(office, "open.other@agents.localhost", "team.acme@agents.localhost");
        expect_nobody_home(office, "open.acme@elsewhere.example", "team.acme@agents.localhost");
        office_do(office, OWNER, "", "grant-add", "{\"agent\":\"lent\",\"who\":\"open.other@agents.localhost\"}");
        expect_role(office, "open.other@agents.localhost", "lent.acme@agents.localhost", "none");
        office_close(office);
}
END_TEST

START_TEST(a_guest_names_the_agent_by_its_address_and_gets_no_operation_with_a_role) {
        Office *office = open_with_agents();
        ck_assert_ptr_null(try_knock(office, STRANGER, "open"));
        ck_assert_int_eq(office->failure.kind, FAILURE_NOT_FOUND);
        office_refuse(office, STRANGER, "", "agent-show", "{\"agent\":\"" PUBLIC "\"}", FAILURE_NOT_FOUND);
        office_refuse(office, STRANGER, "", "agent-pause", "{\"agent\":\"" PUBLIC "\"}", FAILURE_NOT_FOUND);
        office_refuse(office, FOREIGN, "", "agent-show", "{\"agent\":\"" PUBLIC "\"}", FAILURE_NOT_FOUND);
        office_close(office);
}
END_TEST

START_TEST(what_a_guest_did_and_was_refused_stands_in_the_tenants_record) {
        Office *office = open_with_agents();
        expect_role(office, STRANGER, PUBLIC, "none");
        ck_assert_ptr_null(try_knock(office, STRANGER, "own.acme@agents.localhost"));
        ck_assert_str_eq(office_ask(office, "SELECT string_agg(outcome, ' ' ORDER BY outcome) FROM operation_log "
                                            "WHERE operation = 'agent-knock' AND tenant_id = current_tenant() "
                                            "AND person_id IS NOT NULL"),
                         "not-found success");
        office_close(office);
}
END_TEST

UNIT_TESTS("operations-guests", a_guest_acts_without_a_role_where_he_may_talk,
           a_member_keeps_his_role_and_sees_what_members_see,
           a_tenant_that_is_absent_or_suspended_and_a_suspended_caller_are_told_the_same,
           the_installations_own_agents_have_guests_too, an_agent_is_a_guest_save_to_those_of_its_tenant,
           a_guest_names_the_agent_by_its_address_and_gets_no_operation_with_a_role,
           what_a_guest_did_and_was_refused_stands_in_the_tenants_record)
