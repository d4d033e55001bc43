#include "base/map.h"
#include "orchestrator/operations/invite.h"
#include "orchestrator/operations/tenant.h"

#define PLAN "free"

static const Field register_input[] = {
        { "slug", FIELD_NAME, REQUIRED,
          "Its short name, part of its agents' addresses: 3 to 63 of a-z, 0-9, _ and -." },
        { "name", FIELD_TEXT, OPTIONAL, "Name shown to people; the short name when absent.", .least = 1, .most = 200 },
        { "code", FIELD_TEXT, OPTIONAL, "An invitation's code, when you were given one.", .most = 100 },
        { .type = FIELD_END },
};

static bool check_open(OperationContext *context, Failure *reterr_failure) {
        const Hub *hub = context->operations->hub;
        Registration registration = hub->registration(context->operations->hub);
        if (registration_admits(&registration, hub->domains, context->domain))
                return true;
        if (registration.mode == REGISTRATION_OPEN)
                return failure_set(
                        reterr_failure, FAILURE_FORBIDDEN,
                        "people of your server need an invitation here: give its `code`, in a chat as code=…");
        return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                           registration.mode == REGISTRATION_INVITE
                                   ? "workspaces are by invitation here: give its `code`, in a chat as code=…"
                                   : "nobody makes workspaces for themselves here: ask who runs this installation");
}

/* An invitation opens what a domain or a workspace there is already does not, but not what is closed. */
static bool check_code(OperationContext *context, Text code, Failure *reterr_failure) {
        Registration registration = context->operations->hub->registration(context->operations->hub);
        Hash hash = invite_hash(code);
        const Rows *rows;
        if (registration.mode == REGISTRATION_CLOSED)
                return check_open(context, reterr_failure);
        if (!guesses_take(context->operations->guesses, context->caller->principal, context->now.monotonic_us,
                          reterr_failure) ||
            !context_run(context, QUERY_INVITE_TAKE_WORKSPACE,
                         VALUES(value_bytes(MAP_KEY(hash)), value_text(context->caller->principal)), &rows,
                         reterr_failure))
                return false;
        return text_equal(rows_text(rows, 0, 0), TEXT("good")) || invite_refuse(rows_text(rows, 0, 0), reterr_failure);
}

/* Says it before the database would, with what there is. */
static bool check_first(OperationContext *context, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        char until[CLOCK_STRING_SIZE];
        const Rows *rows;
        if (!context_ask_directory(context, QUERY_REGISTERED_TENANT, VALUES(value_text(context->caller->principal)),
                                   &transaction, &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return true;
        Text slug = rows_text(rows, 0, 0);
        if (!text_equal(rows_text(rows, 0, 2), TEXT("deleted")))
                return failure_set(reterr_failure, FAILURE_CONFLICT,
                                   "you have the workspace %.*s already; another one is by invitation",
                                   TEXT_ARGUMENTS(slug));
        clock_format(rows_time(rows, 0, 3), until);
        return failure_set(reterr_failure, FAILURE_CONFLICT,
                           "your workspace %.*s is deleted and can be restored until %s: see tenant-restore",
                           TEXT_ARGUMENTS(slug), until);
}

/* Two at a time of one person are told apart by the database. */
static bool claim(OperationContext *context, Uuid account_id, Failure *reterr_failure) {
        return context_run(context, QUERY_TENANT_MADE_BY, VALUES(value_uuid(account_id)), NULL, reterr_failure) ||
               (reterr_failure->kind == FAILURE_CONFLICT &&
                failure_set(reterr_failure, FAILURE_CONFLICT,
                            "you have a workspace already; another one is by invitation"));
}

static void put_result(OperationContext *context, Text name, Json *result) {
        json_put_text(result, "slug", context->slug);
        json_put_text(result, "name", name);
        json_put_string(result, "plan", PLAN);
        json_put_text(result, "owner", context->caller->principal);
        json_put_text(result, "agents", agent_address(context, TEXT("NAME")));
        json_put_string(result, "next", "Make your first agent: /agent-create and a name for it.");
}

static bool register_tenant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Text slug = input_text(input, "slug"), code = text_trim(input_text(input, "code"));
        Text name = input_has(input, "name") ? input_text(input, "name") : slug;
        Uuid account_id;
        if (!context_is_person(context))
                return failure_set(reterr_failure, FAILURE_INVALID, "only people register, each for himself");
        if (slug.length < 3)
                return failure_set(reterr_failure, FAILURE_INVALID, "'slug' must have at least 3 characters");
        if (code.length > 0 ? !check_code(context, code, reterr_failure)
                            : !check_open(context, reterr_failure) || !check_first(context, reterr_failure))
                return false;
        if (!tenant_make(context, slug, name, TEXT(PLAN), reterr_failure) ||
            !account_ensure(context, context->caller->principal, &account_id, reterr_failure) ||
            !(code.length > 0 || claim(context, account_id, reterr_failure)) ||
            !member_put(context, account_id, ROLE_OWNER, reterr_failure))
                return false;
        json_put_boolean(context->facts, "invited", code.length > 0);
        *ret_result = json_new_object();
        put_result(context, name, *ret_result);
        return true;
}

/* To whom may have one and has none. */
static bool is_offered(OperationContext *context, bool *ret_offered, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Hub *hub = context->operations->hub;
        Registration registration = hub->registration(context->operations->hub);
        const Rows *rows;
        *ret_offered = context_is_person(context) && registration_offers(&registration, hub->domains, context->domain);
        if (!*ret_offered || registration.mode == REGISTRATION_INVITE)
                return true;
        if (!context_ask_directory(context, QUERY_REGISTERED_TENANT, VALUES(value_text(context->caller->principal)),
                                   &transaction, &rows, reterr_failure))
                return false;
        *ret_offered = rows_count(rows) == 0;
        return true;
}

const Operation tenant_register = {
        .name = "tenant-register",
        .summary = "Gives you a workspace of your own, with you as its owner.",
        .example = "acme --name 'Acme Ltd'",
        .role = ROLE_NONE,
        .scope = SCOPE_NEW_TENANT,
        .strangers = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/registration",
        .input = register_input,
        .welcome = "For a workspace of your own, where you can make agents, write /tenant-register and a short name "
                   "for it.",
        .offered = is_offered,
        .run = register_tenant,
};
