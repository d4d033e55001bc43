#include "orchestrator/operations/call.h"

#include "base/jid.h"
#include "base/log.h"
#include "orchestrator/operations/gate.h"
#include "orchestrator/operations/invite.h"
#include "orchestrator/operations/record.h"

#include <assert.h>

#define ARENA_LIMIT (16 * 1024 * 1024)

static bool no_tenant(Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such tenant");
}

static bool no_agent(Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such agent");
}

static bool set_tenant(OperationContext *context, Uuid id, Text slug, Role role, Text state, Failure *reterr_failure) {
        if (text_equal(state, TEXT("suspended")) && role < ROLE_PLATFORM)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "this tenant is suspended");
        context->tenant_id = id;
        context->slug = text_copy(context->arena, slug);
        context->role = role;
        return true;
}

static bool find_tenant_of_platform(OperationContext *context, Text slug, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        context->tenant_id = installation_tenant_id;
        context->role = ROLE_PLATFORM;
        if (slug.length == 0)
                return true;
        if (!context_ask_directory(context, QUERY_TENANT_BY_SLUG,
                                   VALUES(value_text(slug), value_boolean(context->operation->deleted_tenant),
                                          value_boolean(context->operation->outlives_tenant)),
                                   &transaction, &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return no_tenant(reterr_failure);
        return set_tenant(context, rows_uuid(rows, 0, 0), rows_text(rows, 0, 1), ROLE_PLATFORM, rows_text(rows, 0, 2),
                          reterr_failure);
}

/* Who is no member acts, without a role, in the tenant that is named, on what he may see there. A tenant that is absent
 * or suspended, and a caller who is suspended, are told apart from a hidden agent by nothing: the same queries follow.
 */
static bool find_tenant_of_guest(OperationContext *context, Text slug, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!context_ask_directory(context, QUERY_GUEST_TENANT,
                                   VALUES(value_text(context->caller->principal), value_text(slug)), &transaction,
                                   &rows, reterr_failure))
                return false;
        bool admitted = !rows_is_null(rows, 0, 0) && rows_boolean(rows, 0, 2);
        context->role = ROLE_NONE;
        context->slug = text_copy(context->arena, slug);
        context->nowhere = !admitted;
        if (admitted) {
                context->tenant_id = rows_uuid(rows, 0, 0);
                context->account_id = rows_uuid(rows, 0, 1);
        }
        return true;
}

/* A member's tenant: the one named, or the only one. */
static bool find_tenant_of_member(OperationContext *context, Text slug, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        Role role;
        if (!context_ask_directory(context, QUERY_CALLER_TENANTS,
                                   VALUES(value_text(context->caller->principal), value_text(slug),
                                          value_boolean(context->operation->deleted_tenant)),
                                   &transaction, &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return context->operation->role == ROLE_NONE && slug.length > 0
                               ? find_tenant_of_guest(context, slug, reterr_failure)
                               : no_tenant(reterr_failure);
        if (rows_count(rows) > 1)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "you are a member of several tenants: say which one is meant");
        context->account_id = rows_uuid(rows, 0, 0);
        if (!role_from_name(rows_text(rows, 0, 4), &role))
                return failure_set(reterr_failure, FAILURE_INTERNAL, "a member has a role this program does not know");
        return set_tenant(context, rows_uuid(rows, 0, 1), rows_text(rows, 0, 2), role, rows_text(rows, 0, 3),
                          reterr_failure);
}

/* Outside of tenants a caller is a platform admin or an account. */
static bool find_account(OperationContext *context, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        context->tenant_id = installation_tenant_id;
        context->role = context->caller->platform ? ROLE_PLATFORM : ROLE_NONE;
        if (context->caller->platform)
                return true;
        if (!context_ask_directory(context, QUERY_CALLER_ACCOUNT, VALUES(value_text(context->caller->principal)),
                                   &transaction, &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0 && context->operation->strangers && context->domain.length > 0)
                return true;
        if (rows_count(rows) == 0 || !text_equal(rows_text(rows, 0, 1), TEXT("active")))
                return failure_set(reterr_failure, FAILURE_UNAUTHENTICATED, "you have no account here");
        context->account_id = rows_uuid(rows, 0, 0);
        return true;
}

/* Where an invitation leads. A code that nobody made, one whose tenant is gone and one of a suspended tenant are alike;
 * whether it still holds is found out by taking it. Guesses are counted before they are looked at. */
static bool find_inviting_tenant(OperationContext *context, const Input *input, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        Hash hash = invite_hash(input_text(input, "code"));
        if (!guesses_take(context->operations->guesses, context->caller->principal, context->now.monotonic_us,
                          reterr_failure) ||
            !context_ask_directory(context, QUERY_INVITE_TENANT,
                                   VALUES(value_bytes((Text){ (const char *) hash.bytes, sizeof(hash.bytes) })),
                                   &transaction, &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0 || !text_equal(rows_text(rows, 0, 2), TEXT("active")))
                return invite_refuse(TEXT("absent"), reterr_failure);
        context->tenant_id = rows_uuid(rows, 0, 0);
        context->slug = text_copy(context->arena, rows_text(rows, 0, 1));
        context->role = ROLE_NONE;
        return true;
}

/* The slug in "name.slug@domain", the installation's for "name@domain"; empty when it is no address. */
static Text slug_of_address(Text address) {
        Text domain = address, local, name;
        if (address.length == 0 || !memchr(address.bytes, '@', address.length) || !text_split(&domain, '@', &local))
                return TEXT_NONE;
        if (!memchr(local.bytes, '.', local.length))
                return TEXT(INSTALLATION_SLUG);
        text_split(&local, '.', &name);
        return local;
}

/* The tenant may be named by the door, by a field, or by an agent's JID; two names must agree. */
static bool tenant_asked_for(OperationContext *context, const Input *input, Text *ret_slug, Failure *reterr_failure) {
        const Operation *operation = context->operation;
        const Field *agent = operation_field_of(operation, FIELD_AGENT);
        Text by_field = operation->tenant_field ? input_text(input, operation->tenant_field) : TEXT_NONE;
        if (by_field.length == 0 && agent)
                by_field = slug_of_address(input_text(input, agent->name));
        *ret_slug = context->caller->tenant.length > 0 ? context->caller->tenant : by_field;
        if (ret_slug->length > 0 && !is_name(*ret_slug))
                return no_tenant(reterr_failure);
        if (by_field.length > 0 && !text_equal(*ret_slug, by_field))
                return failure_set(reterr_failure, FAILURE_INVALID, "two different tenants are named");
        return true;
}

/* A tenant about to be made has its id from the request key, so that a repeat finds what was stored in it. */
static void make_tenant_id(OperationContext *context) {
        Text key = context->caller->request_key;
        context->tenant_id = context_id(context);
        if (key.length > 0) {
                Hash hash = crypto_sha256_parts((const Text[]){ TEXT("tenant"), context->caller->principal, key }, 3);
                memcpy(context->tenant_id.bytes, hash.bytes, sizeof(context->tenant_id.bytes));
                context->tenant_id.bytes[6] = (uint8_t) ((context->tenant_id.bytes[6] & 0x0f) | 0x80); /* version 8 */
                context->tenant_id.bytes[8] = (uint8_t) ((context->tenant_id.bytes[8] & 0x3f) | 0x80);
        }
}

bool gate_find_caller(OperationContext *context, const Input *input, Failure *reterr_failure) {
        Text slug;
        if (context->operation->scope == SCOPE_INVITED)
                return find_account(context, reterr_failure) && find_inviting_tenant(context, input, reterr_failure);
        if (context->operation->scope != SCOPE_TENANT)
                return find_account(context, reterr_failure);
        if (!tenant_asked_for(context, input, &slug, reterr_failure))
                return false;
        return context->caller->platform ? find_tenant_of_platform(context, slug, reterr_failure)
                                         : find_tenant_of_member(context, slug, reterr_failure);
}

bool gate_permits(const Operation *operation, Role role, bool owns) {
        return role >= operation->role || (operation->own_agent && owns);
}

bool gate_check_role(const OperationContext *context, Failure *reterr_failure) {
        const Operation *operation = context->operation;
        if (gate_permits(operation, context->role, context->owns))
                return true;
        return failure_set(reterr_failure, FAILURE_FORBIDDEN, "%s is for %s%s", operation->name,
                           operation->role == ROLE_PLATFORM ? "platform admins" : role_name(operation->role),
                           operation->role == ROLE_PLATFORM ? ""
                           : operation->own_agent           ? "s and above, and the agent's owner"
                                                            : "s and above");
}

static bool read_agent(OperationContext *context, const Rows *rows, Failure *reterr_failure) {
        FoundAgent *agent = &context->agent;
        *agent = (FoundAgent){
                .id = rows_uuid(rows, 0, 0),
                .name = rows_text(rows, 0, 1),
                .owner_id = rows_uuid(rows, 0, 2),
                .owner = rows_text(rows, 0, 3),
                .version_id = rows_uuid(rows, 0, 6),
        };
        context->owns = context->owns ||
                        (!uuid_is_zero(context->account_id) && uuid_equal(agent->owner_id, context->account_id));
        return (visibility_from_name(rows_text(rows, 0, 4), &agent->visibility) &&
                agent_state_from_name(rows_text(rows, 0, 5), &agent->state)) ||
               failure_set(reterr_failure, FAILURE_INTERNAL, "the agent's row holds a name this program does not know");
}

/* The name in an address of the acting tenant: "name.slug", or a bare name of the installation's own. TEXT_NONE, which
 * no agent has, when it is another's. */
static Text name_of_address(const OperationContext *context, Text address) {
        Text domain = address, slug, name;
        if (!memchr(address.bytes, '@', address.length))
                return TEXT_NONE;
        text_split(&domain, '@', &slug);
        text_split(&slug, '.', &name);
        bool installation = uuid_equal(context->tenant_id, installation_tenant_id);
        return context_serves(context, domain) && !context->nowhere &&
                               text_equal(slug, installation ? TEXT_NONE : context->slug)
                       ? name
                       : TEXT_NONE;
}

/* Asked also for the name that nobody has, so that every refusal takes the same work. */
static bool find_agent(OperationContext *context, Text name, Uuid id, bool see_all, Failure *reterr_failure) {
        const Rows *rows;
        bool member = context->role > ROLE_NONE;
        if (!context_run(context, QUERY_AGENT_FIND,
                         VALUES(value_text(name), value_uuid(context->account_id), value_boolean(see_all),
                                value_text(context->caller->principal), value_text(context->domain),
                                value_boolean(context->operation->deleted_too), value_boolean(member),
                                value_text(name_of_address(context, context->caller->principal)),
                                value_uuid_or_null(id)),
                         &rows, reterr_failure))
                return false;
        return rows_count(rows) > 0 ? read_agent(context, rows, reterr_failure) : no_agent(reterr_failure);
}

static bool find_named_agent(OperationContext *context, Text named, Failure *reterr_failure) {
        bool is_address = memchr(named.bytes, '@', named.length) != NULL;
        Text name = is_address ? name_of_address(context, named) : context->nowhere ? TEXT_NONE : named;
        return find_agent(context, name, (Uuid){ 0 }, context_sees_all(context), reterr_failure);
}

/* Of the very agent that it was of: another one may have its name by now. */
static bool find_execution(OperationContext *context, Uuid id, Failure *reterr_failure) {
        const Rows *rows;
        Uuid person = { 0 };
        bool is_person = context->domain.length > 0;
        if (!context_run(context, QUERY_EXECUTION_FIND, VALUES(value_uuid(id)), &rows, reterr_failure) ||
            (is_person && !keyring_person(context->operations->keyring, context->tenant_id, context->caller->principal,
                                          &person, reterr_failure)))
                return false;
        bool sender = rows_count(rows) > 0 && is_person && uuid_equal(rows_uuid(rows, 0, 2), person);
        Failure failure;
        if (rows_count(rows) == 0 || context->nowhere ||
            !find_agent(context, rows_text(rows, 0, 3), rows_uuid(rows, 0, 1), context_sees_all(context) || sender,
                        &failure))
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such execution");
        context->execution_id = id;
        context->sender_id = rows_uuid(rows, 0, 2);
        context->owns = context->owns || sender;
        return true;
}

/* What the input names, in the operation's own transaction. */
bool gate_find_subject(OperationContext *context, const Input *input, Failure *reterr_failure) {
        const Field *agent = operation_field_of(context->operation, FIELD_AGENT);
        const Field *execution = operation_field_of(context->operation, FIELD_EXECUTION);
        if (agent && input_has(input, agent->name) &&
            !find_named_agent(context, input_text(input, agent->name), reterr_failure))
                return false;
        return !execution || find_execution(context, input_uuid(input, execution->name), reterr_failure);
}

static void announce(OperationContext *context) {
        Failure failure;
        Hub *hub = context->operations->hub;
        if (context->change_count > 0 && !hub->announce(hub, context->changes, context->change_count, &failure))
                log_warning("a change reaches the hub's directory late", "operation", LOG_STRING,
                            context->operation->name, "failure", LOG_STRING, failure.text);
        for (const Word *word = context->words; word; word = word->next)
                hub->tell(hub, word->who, text_of(word->kind), word->text);
}

/* Everything in one transaction, up to its commit. */
static bool run(OperationContext *context, const Input *input, const OperationRequest *request, Json **ret_result,
                Failure *reterr_failure) {
        bool stored = false;
        if (!transaction_begin(context->operations->database, DATABASE_TENANT, context->tenant_id,
                               &context->transaction, reterr_failure) ||
            !record_find(context, request, &stored, ret_result, reterr_failure))
                return false;
        if (stored)
                return true;
        if (!gate_find_subject(context, input, reterr_failure) || !gate_check_role(context, reterr_failure) ||
            !context->operation->run(context, input, ret_result, reterr_failure))
                return false;
        if (!record_success(context, request, *ret_result, reterr_failure) ||
            !transaction_commit(context->transaction, reterr_failure))
                return false;
        announce(context);
        return true;
}

static Text domain_of(Text principal) {
        Text domain = principal, local;
        return memchr(principal.bytes, '@', principal.length) && text_split(&domain, '@', &local) ? domain : TEXT_NONE;
}

/* Refused ones too, once it is known whose they are. */
static void meter(OperationContext *context) {
        Operations *operations = context->operations;
        Uuid person = { { 0 } };
        if (!context->caller->metered || !operations->meters || context->nowhere)
                return;
        if (context->domain.length > 0 &&
            !keyring_person(operations->keyring, context->tenant_id, context->caller->principal, &person, NULL))
                person = (Uuid){ { 0 } };
        meters_count_call(operations->meters, context->tenant_id, person, context->now.wall_us);
}

/* A tenant that another hub made a moment ago. */
static bool learn_keys(OperationContext *context, Failure *reterr_failure) {
        Operations *operations = context->operations;
        return context->nowhere ||
               keyring_learn(operations->keyring, operations->database, context->tenant_id, reterr_failure);
}

static bool call(OperationContext *context, const Json *json, Json **ret_result, Failure *reterr_failure) {
        const Input *input;
        OperationRequest request;
        if (!input_check(context->operation, json, context->arena, &input, reterr_failure) ||
            !gate_find_caller(context, input, reterr_failure) || !learn_keys(context, reterr_failure))
                return false;
        meter(context);
        /* Who may not, whatever is named, is told so before anything is looked up. */
        if (!context->operation->own_agent && !gate_check_role(context, reterr_failure))
                return false;
        if (context->operation->scope == SCOPE_NEW_TENANT)
                make_tenant_id(context);
        if (!record_request(context, input, &request, reterr_failure))
                return false;
        return run(context, input, &request, ret_result, reterr_failure);
}

OperationContext gate_context(Operations *operations, const Caller *caller, const Operation *operation, Arena *arena) {
        return (OperationContext){
                .operations = operations,
                .operation = operation,
                .caller = caller,
                .arena = arena,
                .now = clock_now(),
                .tenant_id = installation_tenant_id,
                .domain = domain_of(caller->principal),
                .facts = json_new_object(),
                .severity = TEXT("info"),
        };
}

bool operation_call(Operations *operations, const Caller *caller, const Operation *operation, const Json *input,
                    Json **ret_result, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(ARENA_LIMIT);
        OperationContext context = gate_context(operations, caller, operation, arena);
        Failure failure = { 0 };
        Json *result = NULL;
        bool done = call(&context, input, &result, &failure);
        if (context.transaction)
                transaction_end(context.transaction);
        if (done)
                *ret_result = result;
        else {
                json_free(result);
                record_refusal(&context, &failure);
                if (reterr_failure)
                        *reterr_failure = failure;
        }
        json_free(context.facts);
        free(context.changes);
        return done;
}
