#include "orchestrator/operations/offer.h"

#include "orchestrator/operations/gate.h"
#include "orchestrator/operations/record.h"

/* What stands in for the operations on an agent until one is chosen, so that the gate finds out once who asks. */
static const Field subject_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent." },
        { .type = FIELD_END },
};
static const Operation on_subject = { .name = "commands", .own_agent = true, .input = subject_input };
static const Operation anywhere = { .name = "commands", .scope = SCOPE_INSTALLATION, .strangers = true };

/* A caller's place in one tenant. */
typedef struct Place {
        Text slug;
        Role role;
        bool owns; /* some agent there */
} Place;

typedef struct Offers {
        OperationOffer *items;
        size_t count;
} Offers;

static bool offers_begin(Arena *arena, Offers *ret_offers, Failure *reterr_failure) {
        size_t count = 0;
        while (operation_catalogue[count])
                count++;
        *ret_offers = (Offers){ .items = arena_take_array(arena, OperationOffer, count) };
        return ret_offers->items || failure_set(reterr_failure, FAILURE_TOO_LARGE, "there are too many operations");
}

static void offer(Offers *offers, const Operation *operation, const Text *tenants, size_t tenant_count) {
        offers->items[offers->count++] = (OperationOffer){ operation, tenants, tenant_count };
}

/* Whose agent or message it will be is not known yet: who has agents here is asked which, and everybody may have
 * written a message. */
static bool permits(const Operation *operation, const Place *place) {
        return gate_permits(operation, place->role, place->owns || operation_field_of(operation, FIELD_EXECUTION));
}

/* What belongs to no tenant that is known beforehand. Who has no account is offered what makes him one. */
static bool offer_outside(OperationContext *context, const Operation *operation, Offers *offers,
                          Failure *reterr_failure) {
        bool offered = true, stranger = uuid_is_zero(context->account_id) && !context->caller->platform;
        if (!gate_permits(operation, context->role, false) || (stranger && !operation->strangers))
                return true;
        if (operation->offered && !operation->offered(context, &offered, reterr_failure))
                return false;
        if (offered)
                offer(offers, operation, NULL, 0);
        return true;
}

/* Everything of the catalogue, for a platform admin; else by place. */
static bool offer_all(OperationContext *context, const Place *places, size_t place_count, Offers *offers,
                      Failure *reterr_failure) {
        for (const Operation *const *row = operation_catalogue; *row; row++) {
                if ((*row)->scope != SCOPE_TENANT || context->caller->platform) {
                        if (!offer_outside(context, *row, offers, reterr_failure))
                                return false;
                        continue;
                }
                Text *tenants = arena_take_array(context->arena, Text, place_count);
                size_t count = 0;
                if (!tenants)
                        return failure_set(reterr_failure, FAILURE_TOO_LARGE, "you are a member of too many tenants");
                for (size_t i = 0; i < place_count; i++)
                        if (permits(*row, &places[i]))
                                tenants[count++] = places[i].slug;
                if (count > 0)
                        offer(offers, *row, tenants, count);
        }
        return true;
}

/* None for a platform admin, who needs none. A tenant that is suspended is closed to its members. */
static bool find_places(OperationContext *context, Place **ret_places, size_t *ret_count, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        *ret_places = NULL;
        *ret_count = 0;
        if (context->caller->platform)
                return true;
        if (!context_ask_directory(context, QUERY_CALLER_ROLES, VALUES(value_text(context->caller->principal)),
                                   &transaction, &rows, reterr_failure))
                return false;
        *ret_places = arena_take_array(context->arena, Place, rows_count(rows));
        for (size_t row = 0; *ret_places && row < rows_count(rows); row++) {
                Place place = { .slug = text_copy(context->arena, rows_text(rows, row, 1)),
                                .owns = rows_boolean(rows, row, 4) };
                if (!rows_is_null(rows, row, 1) && text_equal(rows_text(rows, row, 2), TEXT("active")) &&
                    role_from_name(rows_text(rows, row, 3), &place.role))
                        (*ret_places)[(*ret_count)++] = place;
        }
        return *ret_places || failure_set(reterr_failure, FAILURE_TOO_LARGE, "you are a member of too many tenants");
}

static bool offer_anywhere(OperationContext *context, Offers *offers, Failure *reterr_failure) {
        Place *places;
        size_t count;
        const Input *input;
        return input_check(context->operation, NULL, context->arena, &input, reterr_failure) &&
               gate_find_caller(context, input, reterr_failure) &&
               find_places(context, &places, &count, reterr_failure) &&
               offer_all(context, places, count, offers, reterr_failure);
}

static bool offer_on_agent(OperationContext *context, Text agent, Offers *offers, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *json = json_new_object();
        const Input *input;
        json_put_text(json, "agent", agent);
        if (!input_check(context->operation, json, context->arena, &input, reterr_failure) ||
            !gate_find_caller(context, input, reterr_failure) ||
            !transaction_begin(context->operations->database, DATABASE_TENANT, context->tenant_id,
                               &context->transaction, reterr_failure))
                return false;
        bool found = gate_find_subject(context, input, reterr_failure);
        transaction_end(context->transaction);
        for (const Operation *const *row = operation_catalogue; found && *row; row++)
                if (operation_field_of(*row, FIELD_AGENT) && gate_permits(*row, context->role, context->owns))
                        offer(offers, *row, NULL, 0);
        return found;
}

static bool find_offers(OperationContext *context, Text agent, Offers *ret_offers, Failure *reterr_failure) {
        Failure failure = { 0 };
        if (!offers_begin(context->arena, ret_offers, reterr_failure))
                return false;
        if (agent.length > 0 ? offer_on_agent(context, agent, ret_offers, &failure)
                             : offer_anywhere(context, ret_offers, &failure))
                return true;
        if (failure.kind == FAILURE_NOT_FOUND || failure.kind == FAILURE_UNAUTHENTICATED ||
            failure.kind == FAILURE_FORBIDDEN)
                return true;
        if (reterr_failure)
                *reterr_failure = failure;
        return false;
}

bool operations_offered(Operations *operations, const Caller *caller, Text agent, Arena *arena,
                        const OperationOffer **ret_offers, size_t *ret_count, Failure *reterr_failure) {
        OperationContext context = gate_context(operations, caller, agent.length > 0 ? &on_subject : &anywhere, arena);
        Offers offers;
        bool done = find_offers(&context, agent, &offers, reterr_failure);
        json_free(context.facts);
        if (!done)
                return false;
        *ret_offers = offers.items;
        *ret_count = offers.count;
        return true;
}

/* As the gate would, had the operation been called. */
static bool refuse(OperationContext *context, const Operation *operation, Failure *reterr_failure) {
        Failure failure;
        context->operation = operation;
        failure_set(&failure, FAILURE_FORBIDDEN, "%s is not for you here", operation->name);
        record_refusal(context, &failure);
        if (reterr_failure)
                *reterr_failure = failure;
        return false;
}

bool operation_offered(Operations *operations, const Caller *caller, const Operation *operation, Text agent,
                       Arena *arena, OperationOffer *ret_offer, Failure *reterr_failure) {
        OperationContext context = gate_context(operations, caller, agent.length > 0 ? &on_subject : &anywhere, arena);
        Offers offers;
        const OperationOffer *found = NULL;
        bool done = find_offers(&context, agent, &offers, reterr_failure);
        for (size_t i = 0; done && i < offers.count; i++)
                if (offers.items[i].operation == operation)
                        found = &offers.items[i];
        if (found)
                *ret_offer = *found;
        else if (done)
                refuse(&context, operation, reterr_failure);
        json_free(context.facts);
        return found != NULL;
}
