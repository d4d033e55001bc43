#include "orchestrator/operations/limit.h"

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

static bool row_of_subject(OperationContext *context, const Input *input, LimitRow *row, Failure *reterr_failure) {
        if (input_has(input, "agent")) {
                row->subject = LIMIT_OF_AGENT;
                row->subject_id = context->agent.id;
                row->name = context->agent.name;
                return true;
        }
        if (input_has(input, "account"))
                return row_of_account(context, input_text(input, "account"), row, reterr_failure);
        row->subject = uuid_equal(context->tenant_id, installation_tenant_id) ? LIMIT_OF_INSTALLATION : LIMIT_OF_TENANT;
        if (!input_has(input, "domain"))
                return true;
        row->subject = LIMIT_OF_DOMAIN;
        row->name = row->domain = input_text(input, "domain");
        return (row->domain.length > 0 && !memchr(row->domain.bytes, '@', row->domain.length)) ||
               failure_set(reterr_failure, FAILURE_INVALID, "'domain' must be a domain, such as example.org");
}

bool limit_row(OperationContext *context, const Input *input, LimitRow *ret_row, Failure *reterr_failure) {
        bool named = input_has(input, "account") || input_has(input, "domain");
        bool installation = uuid_equal(context->tenant_id, installation_tenant_id);
        *ret_row = (LimitRow){ .what = (LimitWhat) input_choice(input, "what") };
        if (input_has(input, "agent") + input_has(input, "account") + input_has(input, "domain") > 1)
                return failure_set(reterr_failure, FAILURE_INVALID, "name one of agent, account and domain");
        if (named && !installation)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "people and domains are limited for all tenants: leave the tenant out");
        if (named && context->role < ROLE_PLATFORM)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "only platform admins limit people and domains");
        if (ret_row->what == LIMIT_MESSAGES)
                ret_row->window_us = (input_has(input, "window") ? input_integer(input, "window") : 60) * SECONDS;
        else if (input_has(input, "window"))
                return failure_set(reterr_failure, FAILURE_INVALID, "'window': body-bytes are of one message");
        return row_of_subject(context, input, ret_row, reterr_failure);
}

DirectoryChange limit_row_change(const OperationContext *context, const LimitRow *row, Uuid id, int64_t amount) {
        return (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                  .id = id,
                                  .tenant_id = context->tenant_id,
                                  .name = row->domain,
                                  .subject = row->subject,
                                  .subject_id = row->subject == LIMIT_OF_TENANT ? context->tenant_id : row->subject_id,
                                  .what = row->what,
                                  .window_us = row->window_us,
                                  .amount = amount };
}

Json *limit_row_json(const LimitRow *row) {
        Json *json = json_new_object();
        json_put_string(json, "subject", limit_subject_name(row->subject));
        json_put_text_or_null(json, "name", row->name);
        json_put_string(json, "what", limit_what_name(row->what));
        json_put(json, "window_seconds", row->window_us ? json_new_integer(row->window_us / SECONDS) : json_new_null());
        return json;
}
