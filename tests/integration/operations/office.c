#include "tests/integration/operations/office.h"

#include <stdlib.h>

static bool hear(Hub *hub, const DirectoryChange *changes, size_t count, Failure *reterr_failure) {
        Office *office = (Office *) hub;
        (void) reterr_failure;
        for (size_t i = 0; i < count; i++) {
                if (office->heard_count < HEARD_LIMIT)
                        office->heard[office->heard_count++] = changes[i].kind;
                if (changes[i].kind == DIRECTORY_AGENT)
                        office->last = changes[i];
        }
        return true;
}

static bool cancel(Hub *hub, Uuid tenant_id, Uuid message_id, Text by, Failure *reterr_failure) {
        (void) tenant_id, (void) by, (void) reterr_failure;
        ((Office *) hub)->cancelled = message_id;
        return true;
}

static bool snapshot(Hub *hub, Arena *arena, Snapshot *ret_snapshot, Failure *reterr_failure) {
        static LinkSnapshot links[] = { { "agents.localhost", LINK_IS_DOWN, 1000000, "nobody listens" } };
        static WorkerSnapshot workers[] = { { "main-1", "local", WORKER_IS_HEALTHY, 1, 2500, 1000000, 3145728 },
                                            { "main-2", "local", WORKER_IS_DEGRADED, 0, 0, 1000000, 0 } };
        (void) arena, (void) reterr_failure;
        *ret_snapshot = (Snapshot){
                .hub = hub->name, .version = "0", .links = links, .link_count = 1, .workers = workers, .worker_count = 2
        };
        return true;
}

static void audit(Hub *hub, const AuditRecord *record) {
        Office *office = (Office *) hub;
        (void) record;
        office->audited++;
}

static void tell(Hub *hub, Text who, Text kind, Text text) {
        Office *office = (Office *) hub;
        (void) kind;
        snprintf(office->told, sizeof(office->told), "%.*s: %.*s", TEXT_ARGUMENTS(who), TEXT_ARGUMENTS(text));
}

static Json *settings(Hub *hub) {
        (void) hub;
        return json_new_array();
}

static Registration registration(Hub *hub) {
        return ((Office *) hub)->registration;
}

static bool mail(Hub *hub, Text address, Text subject, Text body, Failure *reterr_failure) {
        Office *office = (Office *) hub;
        (void) subject;
        if (!office->mails)
                return failure_set(reterr_failure, FAILURE_UNSUPPORTED, "no mail");
        snprintf(office->mailed_to, sizeof(office->mailed_to), "%.*s", TEXT_ARGUMENTS(address));
        snprintf(office->mailed, sizeof(office->mailed), "%.*s", TEXT_ARGUMENTS(body));
        return true;
}

static bool limits(Hub *hub, LimitUse *uses, size_t count, Failure *reterr_failure) {
        (void) hub, (void) reterr_failure;
        for (size_t i = 0; i < count; i++) {
                uses[i].known = limit_facts[uses[i].what].kind == LIMIT_IS_RATE;
                uses[i].used = uses[i].known ? 3 : 0;
        }
        return true;
}

/* Of agents half of what it is of tenants. */
static bool budgets(Hub *hub, BudgetSubject subject, const BudgetParties *parties, Text zone, int32_t billing_day,
                    BudgetLook *ret_look, Failure *reterr_failure) {
        Office *office = (Office *) hub;
        int64_t part = subject == BUDGET_OF_AGENT ? 2 : 1;
        office->budgets_asked++;
        snprintf(office->budget_calendar, sizeof(office->budget_calendar), "%.*s %d", TEXT_ARGUMENTS(zone),
                 billing_day);
        if (office->budgets_away || uuid_is_zero(parties->tenant_id) ||
            (subject == BUDGET_OF_AGENT) == uuid_is_zero(parties->agent_id))
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "away");
        *ret_look = (BudgetLook){ .held = { { 500000000 / part, 10 } } };
        for (int window = 0; window < BUDGET_WINDOW_COUNT; window++) {
                ret_look->spent[window] = (BudgetAmounts){ { INT64_C(1250000000) * (window + 1) / part,
                                                             100 * (window + 1) } };
                ret_look->ends_us[window] = INT64_C(1800000000000000) + window * SECONDS;
        }
        return true;
}

static const Plans *plans(Hub *hub) {
        return ((Office *) hub)->plans;
}

static const Standards *standards(Hub *hub) {
        (void) hub;
        return NULL;
}

static void add_people(Office *office) {
        static const struct {
                const char *jid, *role;
        } people[] = { { ADMIN, "admin" }, { OPERATOR, "operator" }, { VIEWER, "viewer" } };
        const char *made = office_do(office, ROOT, "", "tenant-create", "{\"slug\":\"acme\",\"owner\":\"" OWNER "\"}");
        snprintf(office->acme, sizeof(office->acme), "%s", strstr(made, "\"id\":\"") + 6);
        office_do(office, ROOT, "", "tenant-create", "{\"slug\":\"other\",\"owner\":\"" FOREIGN "\"}");
        for (size_t i = 0; i < COUNT_OF(people); i++) {
                char input[200];
                snprintf(input, sizeof(input), "{\"jid\":\"%s\",\"role\":\"%s\"}", people[i].jid, people[i].role);
                office_do(office, OWNER, "", "member-add", input);
        }
}

/* The schema is made once; what the test before left is emptied. */
static void empty(Database *database) {
        if (strcmp(place_ask("SELECT (to_regclass('operation_log') IS NOT NULL)::text"), "true") != 0) {
                place_fresh(database);
                return;
        }
        place_execute("SET client_min_messages = warning; TRUNCATE tenants, accounts, operation_log, leases CASCADE");
        place_execute("SELECT set_config('aiox.tenant', 'a10c0000-0000-4000-8000-000000000000', false)");
        place_execute("INSERT INTO tenants (id, slug, name, plan) VALUES "
                      "('a10c0000-0000-4000-8000-000000000000', 'installation', 'The installation', 'enterprise')");
}

Office *office_open(void) {
        Office *office = memory_new(sizeof(*office));
        Failure failure;
        ck_assert_done(crypto_start(&failure), failure);
        office->hub = (Hub){ .name = "main",
                             .domains = "agents.localhost",
                             .installation = installation_tenant_id,
                             .announce = hear,
                             .cancel = cancel,
                             .audit = audit,
                             .tell = tell,
                             .snapshot = snapshot,
                             .settings = settings,
                             .registration = registration,
                             .mail = mail,
                             .limits = limits,
                             .budgets = budgets,
                             .plans = plans,
                             .standards = standards };
        office->plans = plans_builtin();
        office->registration = (Registration){ .mode = REGISTRATION_CLOSED, .retention_days = 30 };
        Database *database = place_database();
        empty(database);
        place_execute("INSERT INTO leases (number, hub, epoch, process, domains) "
                      "VALUES (1, 'main', 1, 'a10c0000-0000-4000-8000-000000000001', 'agents.localhost')");
        office->operations = (Operations){
                .database = database, .hub = &office->hub, .recurrence = recurrence_new(1024), .guesses = guesses_new()
        };
        ck_assert_done(keyring_open(database, getenv("AIOX_MASTER_KEY_FILE"), &office->operations.keyring, &failure),
                       failure);
        add_people(office);
        office->heard_count = 0;
        return office;
}

void office_close(Office *office) {
        recurrence_free(office->operations.recurrence);
        guesses_free(office->operations.guesses);
        keyring_free(office->operations.keyring);
        database_free(office->operations.database);
        free(office);
}

const char *office_call_keyed(Office *office, const char *principal, const char *tenant, const char *operation,
                              const char *input, const char *key) {
        static Arena *arena;
        if (arena)
                arena_free(arena);
        arena = arena_new(8 * 1024 * 1024);
        const Operation *row = operation_find(text_of(operation));
        ck_assert_msg(row, "%s", operation);
        Json *json = NULL, *result = NULL;
        const Caller caller = { .principal = text_of(principal),
                                .platform = strcmp(principal, ROOT) == 0 || strcmp(principal, PLATFORM) == 0,
                                .tenant = text_of(tenant),
                                .door = "test",
                                .request_key = text_of(key) };
        office->failure = (Failure){ 0 };
        ck_assert_done(json_parse(text_of(input), 4 * 1024 * 1024, &json, &office->failure), office->failure);
        bool done = operation_call(&office->operations, &caller, row, json, &result, &office->failure);
        json_free(json);
        if (!done)
                return NULL;
        Text text;
        ck_assert(json_canonical(result, arena, &text));
        json_free(result);
        return text_string(arena, text);
}

const char *office_call(Office *office, const char *principal, const char *tenant, const char *operation,
                        const char *input) {
        return office_call_keyed(office, principal, tenant, operation, input, "");
}

const char *office_do(Office *office, const char *principal, const char *tenant, const char *operation,
                      const char *input) {
        const char *result = office_call(office, principal, tenant, operation, input);
        ck_assert_msg(result, "%s %s by %s: %s", operation, input, principal, office->failure.text);
        return result;
}

void office_refuse(Office *office, const char *principal, const char *tenant, const char *operation, const char *input,
                   FailureKind kind) {
        const char *result = office_call(office, principal, tenant, operation, input);
        ck_assert_msg(!result, "%s %s by %s: %s", operation, input, principal, result);
        ck_assert_msg(office->failure.kind == kind, "%s %s by %s: %s: %s", operation, input, principal,
                      failure_form(office->failure.kind)->name, office->failure.text);
}

static void show_acme(Office *office) {
        char sql[128];
        snprintf(sql, sizeof(sql), "SELECT set_config('aiox.tenant', '%s', false)", office->acme);
        place_execute(sql);
}

const char *office_ask(Office *office, const char *sql) {
        show_acme(office);
        return place_ask(sql);
}

void office_execute(Office *office, const char *sql) {
        show_acme(office);
        place_execute(sql);
}
