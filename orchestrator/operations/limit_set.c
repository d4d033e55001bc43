#include "orchestrator/operations/allowance.h"
#include "orchestrator/operations/limit.h"

static const Field set_input[] = {
        { "what", FIELD_CHOICE, REQUIRED,
          "What is limited: messages, worker-ms, tokens and money-nano within a time; turns and messages waiting at "
          "the same moment; agents, members, providers, keys and MB there may be; bytes or seconds of a single one; "
          "days that texts (body-days) and the log are kept.",
          .choices = LIMIT_NAMES },
        { "amount", FIELD_INTEGER, REQUIRED,
          "How much at most; 0 forbids it, and of days means for ever. Of money-nano in billionths of the currency: "
          "5000000000 is 5.00.",
          .most = INT64_C(9007199254740991) },
        { .type = FIELD_END },
};

/* What stood there before, for the audit; in a plan's stead also what the plan gives. */
static bool limit_facts_before(OperationContext *context, const LimitRow *row, Failure *reterr_failure) {
        const Rows *rows;
        PlanAllowance allowance;
        if (!context_run(context, QUERY_LIMIT_FIND,
                         VALUES(value_string(limit_subject_name(row->subject)), value_uuid_or_null(row->subject_id),
                                value_text_or_null(row->domain), value_string(limit_what_name(row->what)),
                                value_integer(row->window_us)),
                         &rows, reterr_failure))
                return false;
        json_put_string(context->facts, "subject", limit_subject_name(row->subject));
        json_put_string(context->facts, "what", limit_what_name(row->what));
        if (rows_count(rows) > 0)
                json_put_integer(context->facts, "amount_before", rows_integer(rows, 0, 1));
        else if (row->subject != LIMIT_OF_PLAN)
                return true;
        else if (!plan_allowance(context, row->what, row->window_us, &allowance, reterr_failure))
                return false;
        else
                json_put(context->facts, "amount_before",
                         allowance.limited ? json_new_integer(allowance.amount) : json_new_null());
        return true;
}

static bool is_within_tenant(const LimitRow *row) {
        return row->subject == LIMIT_OF_TENANT || row->subject == LIMIT_OF_AGENT || row->subject == LIMIT_OF_GRANT;
}

static bool set_limit(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        int64_t amount = input_integer(input, "amount");
        const Rows *rows;
        LimitRow row;
        if (!limit_row(context, input, &row, reterr_failure) ||
            (is_within_tenant(&row) &&
             !limit_narrows(context, "amount", row.what, row.window_us, amount, reterr_failure)) ||
            !limit_facts_before(context, &row, reterr_failure) ||
            !context_run(context, QUERY_LIMIT_SET,
                         VALUES(value_uuid(context_id(context)), value_string(limit_subject_name(row.subject)),
                                value_uuid_or_null(row.subject_id), value_text_or_null(row.domain),
                                value_string(limit_what_name(row.what)), value_integer(row.window_us),
                                value_integer(amount), value_uuid_or_null(context->account_id)),
                         &rows, reterr_failure))
                return false;
        Uuid id = rows_uuid(rows, 0, 0);
        context_announce(context, limit_row_change(context, &row, id, amount));
        json_put_uuid(context->facts, "limit", id);
        json_put_integer(context->facts, "amount", amount);
        *ret_result = limit_row_json(&row);
        json_put_integer(*ret_result, "amount", amount);
        limit_put_shown(*ret_result, context, row.what, row.window_us, amount);
        return true;
}

const Operation limit_set = {
        .name = "limit-set",
        .summary = "Sets how much a tenant, an agent, a grant, a person, a domain or everybody may have at most. A "
                   "limit set again has the new amount; of several the narrowest holds, and within a tenant none is "
                   "wider than its plan.",
        .example = "messages 600 --window 1h --agent support --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/limits",
        .input = set_input,
        .shared = limit_fields,
        .run = set_limit,
};
