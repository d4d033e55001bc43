#include "orchestrator/operations/limit.h"

#include "base/money.h"

#include <stdio.h>

const Field limit_fields[] = {
        { "window", FIELD_DURATION, OPTIONAL,
          "In which time. Of messages and worker-ms any, a minute when absent; of tokens and money-nano minute, day or "
          "month, and it must be said; what is counted at one moment has none.",
          .least = 1, .most = 366 * 86400 },
        { "agent", FIELD_AGENT, OPTIONAL, "Of this agent alone; of the tenant as a whole when nobody is named." },
        { "grant", FIELD_WHO, OPTIONAL,
          "With agent: of all that this grant of it lets in, named by the person, domain or agent it is for." },
        { "account", FIELD_JID, OPTIONAL,
          "Of this person, wherever it writes; for platform admins, without a tenant. Budgets count in each tenant by "
          "itself." },
        { "domain", FIELD_WHO, OPTIONAL,
          "Of everybody at this domain together, wherever they write; for platform admins, without a tenant. Budgets "
          "count in each tenant by itself." },
        { "sender", FIELD_WHO, OPTIONAL,
          "Of whoever writes as this JID, or from this domain, to the tenant's agents; without a tenant, to all, and "
          "for platform admins." },
        { "plan", FIELD_BOOLEAN, OPTIONAL,
          "The tenant's own figure in its plan's stead, which may be more or less; for platform admins." },
        { "everybody", FIELD_BOOLEAN, OPTIONAL,
          "Of the whole installation, all tenants together; for platform admins, without a tenant." },
        { .type = FIELD_END },
};

static bool row_of_account(OperationContext *context, Text jid, LimitRow *row, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!context_ask_directory(context, QUERY_LIMIT_ACCOUNT, VALUES(value_text(jid)), &transaction, &rows,
                                   reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such account");
        row->subject = LIMIT_OF_ACCOUNT;
        row->subject_id = rows_uuid(rows, 0, 0);
        row->name = jid;
        return true;
}

static bool row_of_grant(OperationContext *context, Text who, LimitRow *row, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_GRANT_FIND, VALUES(value_uuid(context->agent.id), value_text(who)), &rows,
                         reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "the agent has no such grant");
        row->subject = LIMIT_OF_GRANT;
        row->subject_id = rows_uuid(rows, 0, 0);
        row->name = who;
        return true;
}

static bool row_of_subject(OperationContext *context, const Input *input, LimitRow *row, Failure *reterr_failure) {
        if (input_has(input, "grant"))
                return row_of_grant(context, input_text(input, "grant"), row, reterr_failure);
        if (input_has(input, "agent")) {
                row->subject = LIMIT_OF_AGENT;
                row->subject_id = context->agent.id;
                row->name = context->agent.name;
                return true;
        }
        if (input_has(input, "account"))
                return row_of_account(context, input_text(input, "account"), row, reterr_failure);
        if (input_has(input, "sender")) {
                row->subject = LIMIT_OF_SENDER;
                row->name = row->domain = input_text(input, "sender");
                return true;
        }
        row->subject = input_boolean(input, "plan")                             ? LIMIT_OF_PLAN
                       : uuid_equal(context->tenant_id, installation_tenant_id) ? LIMIT_OF_INSTALLATION
                                                                                : LIMIT_OF_TENANT;
        if (!input_has(input, "domain"))
                return true;
        row->subject = LIMIT_OF_DOMAIN;
        row->name = row->domain = input_text(input, "domain");
        return (row->domain.length > 0 && !memchr(row->domain.bytes, '@', row->domain.length)) ||
               failure_set(reterr_failure, FAILURE_INVALID, "'domain' must be a domain, such as example.org");
}

/* A rate has any window, a budget one of the calendar's, and what there is or may be has none. */
static bool window_of_rate(const Input *input, LimitRow *row, Failure *reterr_failure) {
        (void) reterr_failure;
        row->window_us = (input_has(input, "window") ? input_integer(input, "window") : 60) * SECONDS;
        return true;
}

static bool window_of_budget(const Input *input, LimitRow *row, Failure *reterr_failure) {
        row->window_us = input_integer(input, "window") * SECONDS;
        return row->window_us == LIMIT_MINUTE_US || row->window_us == LIMIT_DAY_US ||
               row->window_us == LIMIT_MONTH_US ||
               failure_set(reterr_failure, FAILURE_INVALID, "'window': %s are a budget: say minute, day or month",
                           limit_what_name(row->what));
}

static bool window_of_none(const Input *input, LimitRow *row, Failure *reterr_failure) {
        static const char *const why[] = { [LIMIT_IS_GAUGE] = "are counted at each moment",
                                           [LIMIT_IS_COUNT] = "are counted, not spent",
                                           [LIMIT_IS_SIZE] = "are of a single one",
                                           [LIMIT_IS_AGE] = "have none but their amount" };
        return !input_has(input, "window") ||
               failure_set(reterr_failure, FAILURE_INVALID, "'window': %s %s: leave it out", limit_what_name(row->what),
                           why[limit_facts[row->what].kind]);
}

static bool row_window(const Input *input, LimitRow *row, Failure *reterr_failure) {
        static bool (*const read[])(const Input *, LimitRow *, Failure *) = {
                [LIMIT_IS_RATE] = window_of_rate,  [LIMIT_IS_BUDGET] = window_of_budget,
                [LIMIT_IS_GAUGE] = window_of_none, [LIMIT_IS_COUNT] = window_of_none,
                [LIMIT_IS_SIZE] = window_of_none,  [LIMIT_IS_AGE] = window_of_none,
        };
        return read[limit_facts[row->what].kind](input, row, reterr_failure);
}

static bool subject_fits(const LimitRow *row, Failure *reterr_failure) {
        return limit_facts[row->what].subjects & LIMIT_SUBJECT_BIT(row->subject) ||
               failure_set(reterr_failure, FAILURE_INVALID, "'what': there is no limit of %s for %s %s",
                           limit_what_name(row->what), strchr("aeiou", *limit_subject_name(row->subject)) ? "an" : "a",
                           limit_subject_name(row->subject));
}

/* Who is for all tenants is named without one, and by a platform admin. */
static bool may_limit_all(const OperationContext *context, const char *field, Failure *reterr_failure) {
        if (context->role < ROLE_PLATFORM)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                   "'%s' is for platform admins: it is limited with all tenants together", field);
        return uuid_equal(context->tenant_id, installation_tenant_id) ||
               failure_set(reterr_failure, FAILURE_INVALID,
                           "'%s' is limited with all tenants together: leave 'tenant' out", field);
}

static bool may_replace_plan(const OperationContext *context, Failure *reterr_failure) {
        if (context->role < ROLE_PLATFORM)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                   "only platform admins set a figure in a plan's stead");
        return !uuid_equal(context->tenant_id, installation_tenant_id) ||
               failure_set(reterr_failure, FAILURE_INVALID,
                           "'plan' is of one tenant: name it with 'tenant', or leave 'plan' out");
}

/* Nobody limits the whole installation by leaving something out. */
static bool names_whose(const OperationContext *context, Failure *reterr_failure) {
        return !uuid_equal(context->tenant_id, installation_tenant_id) ||
               failure_set(reterr_failure, FAILURE_INVALID,
                           "whose limit is meant: name one tenant with 'tenant', or say 'everybody' for all tenants "
                           "together");
}

/* The field that names who is limited with all tenants together; NULL: none. */
static const char *names_all(const OperationContext *context, const Input *input) {
        bool installation = uuid_equal(context->tenant_id, installation_tenant_id);
        return input_has(input, "account")                  ? "account"
               : input_has(input, "domain")                 ? "domain"
               : input_boolean(input, "everybody")          ? "everybody"
               : input_has(input, "sender") && installation ? "sender"
                                                            : NULL;
}

static bool who_may(const OperationContext *context, const Input *input, Failure *reterr_failure) {
        const char *all = names_all(context, input);
        bool everybody = input_boolean(input, "everybody"), plan = input_boolean(input, "plan");
        bool agent = input_has(input, "agent"), sender = input_has(input, "sender");
        if (input_has(input, "grant") && !agent)
                return failure_set(reterr_failure, FAILURE_INVALID, "'grant' is one of an agent's: say 'agent', too");
        if (agent + sender + input_has(input, "account") + input_has(input, "domain") + plan + everybody > 1)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "say one of 'agent', 'account', 'domain', 'sender', 'plan' and 'everybody'");
        if (all)
                return may_limit_all(context, all, reterr_failure);
        if (plan)
                return may_replace_plan(context, reterr_failure);
        return agent || sender || names_whose(context, reterr_failure);
}

bool limit_row(OperationContext *context, const Input *input, LimitRow *ret_row, Failure *reterr_failure) {
        *ret_row = (LimitRow){ .what = (LimitWhat) input_choice(input, "what") };
        return who_may(context, input, reterr_failure) && row_window(input, ret_row, reterr_failure) &&
               row_of_subject(context, input, ret_row, reterr_failure) && subject_fits(ret_row, reterr_failure);
}

DirectoryChange limit_row_change(const OperationContext *context, const LimitRow *row, Uuid id, int64_t amount) {
        return (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                  .id = id,
                                  .tenant_id = context->tenant_id,
                                  .name = row->domain,
                                  .subject = row->subject,
                                  .subject_id = row->subject == LIMIT_OF_TENANT || row->subject == LIMIT_OF_PLAN
                                                        ? context->tenant_id
                                                        : row->subject_id,
                                  .what = row->what,
                                  .window_us = row->window_us,
                                  .amount = amount };
}

void limit_show(const OperationContext *context, LimitWhat what, int64_t window_us, int64_t amount,
                char shown[static LIMIT_TEXT_SIZE]) {
        char window[LIMIT_WINDOW_SIZE], money[MONEY_SIZE];
        const char *currency = context->operations->hub->currency;
        limit_format(what, window_us, amount, shown);
        if (what != LIMIT_MONEY_NANO)
                return;
        money_format(amount, money);
        limit_window_format(window_us, window);
        snprintf(shown, LIMIT_TEXT_SIZE, "%s %.16s per %s", money, currency ? currency : "EUR", window);
}

void limit_put_shown(Json *object, const OperationContext *context, LimitWhat what, int64_t window_us, int64_t amount) {
        char shown[LIMIT_TEXT_SIZE];
        limit_show(context, what, window_us, amount, shown);
        json_put_string(object, "limit", shown);
}

Json *limit_row_json(const LimitRow *row) {
        Json *json = json_new_object();
        json_put_string(json, "subject", limit_subject_name(row->subject));
        json_put_text_or_null(json, "name", row->name);
        json_put_string(json, "what", limit_what_name(row->what));
        json_put(json, "window_seconds", row->window_us ? json_new_integer(row->window_us / SECONDS) : json_new_null());
        return json;
}
