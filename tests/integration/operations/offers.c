/* What somebody is offered is what the gate would let him run: no less, and no more. */
#include "orchestrator/operations/offer.h"
#include "tests/integration/operations/office.h"

#include <stdio.h>

#define TEAM "team.acme@agents.localhost"

static Arena *arena;

static Caller caller_of(const char *principal) {
        return (Caller){ .principal = text_of(principal), .platform = strcmp(principal, ROOT) == 0, .door = "test" };
}

static const OperationOffer *offers_to(Office *office, const char *principal, const char *agent, size_t *ret_count) {
        const OperationOffer *offers;
        Failure failure;
        Caller caller = caller_of(principal);
        if (arena)
                arena_free(arena);
        arena = arena_new(0);
        ck_assert_done(
                operations_offered(&office->operations, &caller, text_of(agent), arena, &offers, ret_count, &failure),
                failure);
        return offers;
}

static const OperationOffer *find_offer(Office *office, const char *principal, const char *agent, const char *name) {
        size_t count;
        const OperationOffer *offers = offers_to(office, principal, agent, &count);
        for (size_t i = 0; i < count; i++)
                if (strcmp(offers[i].operation->name, name) == 0)
                        return &offers[i];
        return NULL;
}

static size_t count_of(Office *office, const char *principal, const char *agent) {
        size_t count;
        offers_to(office, principal, agent, &count);
        return count;
}

static bool has_field(const Operation *operation, FieldType type) {
        const Field *field;
        for (size_t i = 0; (field = operation_input(operation, i)); i++)
                if (field->type == type)
                        return true;
        return false;
}

static const struct {
        const char *jid;
        Role role;
} people[] = { { ROOT, ROLE_PLATFORM },     { OWNER, ROLE_OWNER },   { ADMIN, ROLE_ADMIN },
               { OPERATOR, ROLE_OPERATOR }, { VIEWER, ROLE_VIEWER }, { STRANGER, ROLE_NONE } };

START_TEST(everybody_is_offered_what_the_rows_say) {
        Office *office = office_open();
        office_do(office, OPERATOR, "", "agent-create", "{\"name\":\"team\",\"visibility\":\"public\"}");
        for (size_t i = 0; i < COUNT_OF(people); i++)
                for (const Operation *const *row = operation_catalogue; *row; row++) {
                        bool person = people[i].role > ROLE_NONE;
                        bool owns = people[i].role == ROLE_OPERATOR || (person && has_field(*row, FIELD_EXECUTION));
                        bool may = (person || (*row)->strangers) &&
                                   (people[i].role >= (*row)->role || ((*row)->own_agent && owns));
                        if ((*row)->offered)
                                continue;
                        bool offered = find_offer(office, people[i].jid, "", (*row)->name) != NULL;
                        ck_assert_msg(may == offered, "%s to %s", (*row)->name, people[i].jid);
                }
        office_close(office);
}
END_TEST

START_TEST(an_agent_offers_what_its_caller_may_do_with_it) {
        Office *office = office_open();
        office_do(office, OPERATOR, "", "agent-create", "{\"name\":\"team\",\"visibility\":\"public\"}");
        for (size_t i = 0; i < COUNT_OF(people); i++)
                for (const Operation *const *row = operation_catalogue; *row; row++) {
                        bool owns = people[i].role == ROLE_OPERATOR;
                        bool may = has_field(*row, FIELD_AGENT) &&
                                   (people[i].role >= (*row)->role || ((*row)->own_agent && owns));
                        bool offered = find_offer(office, people[i].jid, TEAM, (*row)->name) != NULL;
                        ck_assert_msg(may == offered, "%s to %s", (*row)->name, people[i].jid);
                }
        /* Somebody else's administrator is a guest here, like anybody. */
        ck_assert_int_eq(count_of(office, FOREIGN, TEAM), count_of(office, STRANGER, TEAM));
        office_close(office);
}
END_TEST

START_TEST(on_an_agent_that_is_hidden_nothing_is_offered) {
        Office *office = office_open();
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"team\",\"visibility\":\"private\"}");
        static const char *const nowhere[] = { TEAM, "absent.acme@agents.localhost", "team.none@agents.localhost",
                                               "team@agents.localhost", "team.acme@elsewhere.org" };
        for (size_t i = 0; i < COUNT_OF(nowhere); i++) {
                ck_assert_int_eq(count_of(office, STRANGER, nowhere[i]), 0);
                ck_assert_int_eq(count_of(office, FOREIGN, nowhere[i]), 0);
                ck_assert_int_eq(count_of(office, VIEWER, nowhere[i]), 0);
        }
        ck_assert_int_gt(count_of(office, OWNER, TEAM), 0);
        office_do(office, OWNER, "", "agent-delete", "{\"agent\":\"team\"}");
        ck_assert_int_eq(count_of(office, OWNER, TEAM), 0);
        office_close(office);
}
END_TEST

START_TEST(tenants_are_those_where_the_caller_may) {
        Office *office = office_open();
        office_do(office, FOREIGN, "", "member-add", "{\"jid\":\"" OWNER "\",\"role\":\"viewer\"}");
        const OperationOffer *list = find_offer(office, OWNER, "", "agent-list");
        ck_assert_int_eq(list->tenant_count, 2);
        ck_assert_text(list->tenants[0], TEXT("acme"));
        ck_assert_text(list->tenants[1], TEXT("other"));
        const OperationOffer *create = find_offer(office, OWNER, "", "agent-create");
        ck_assert_int_eq(create->tenant_count, 1);
        ck_assert_text(create->tenants[0], TEXT("acme"));
        ck_assert_int_eq(find_offer(office, OWNER, "", "tenant-list")->tenant_count, 0);
        ck_assert_int_eq(find_offer(office, ROOT, "", "agent-list")->tenant_count, 0);
        office_do(office, ROOT, "", "tenant-update", "{\"slug\":\"acme\",\"state\":\"suspended\"}");
        list = find_offer(office, OWNER, "", "agent-list");
        ck_assert_int_eq(list->tenant_count, 1);
        ck_assert_text(list->tenants[0], TEXT("other"));
        ck_assert_ptr_null(find_offer(office, OWNER, "", "agent-create"));
        office_do(office, ROOT, "", "account-suspend", "{\"jid\":\"" OWNER "\"}");
        ck_assert_int_eq(count_of(office, OWNER, ""), 0);
        office_close(office);
}
END_TEST

START_TEST(a_refused_offer_is_recorded_like_a_refused_call) {
        Office *office = office_open();
        Caller viewer = caller_of(VIEWER), admin = caller_of(ADMIN);
        Failure failure = { 0 };
        OperationOffer one = { 0 };
        const Operation *remove = operation_find(TEXT("agent-delete"));
        office_do(office, OWNER, "", "agent-create", "{\"name\":\"team\",\"visibility\":\"tenant\"}");
        _cleanup_(arena_freep) Arena *room = arena_new(0);
        ck_assert(!operation_offered(&office->operations, &viewer, remove, TEXT(TEAM), room, &one, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_FORBIDDEN);
        ck_assert_ptr_null(one.operation);
        ck_assert_str_eq(office_ask(office, "SELECT count(*)::text FROM operation_log "
                                            "WHERE operation = 'agent-delete' AND outcome = 'forbidden'"),
                         "1");
        ck_assert_done(operation_offered(&office->operations, &admin, remove, TEXT(TEAM), room, &one, &failure),
                       failure);
        ck_assert_ptr_eq(one.operation, remove);
        office_close(office);
}
END_TEST

UNIT_TESTS("operations/offers", everybody_is_offered_what_the_rows_say, an_agent_offers_what_its_caller_may_do_with_it,
           on_an_agent_that_is_hidden_nothing_is_offered, tenants_are_those_where_the_caller_may,
           a_refused_offer_is_recorded_like_a_refused_call)
