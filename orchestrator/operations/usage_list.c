#include "orchestrator/operations/usage.h"

static const Field list_input[] = {
        USAGE_PERIOD_FIELDS,
        { .type = FIELD_END },
};

static Json *tenant_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object();
        json_put_text(item, "tenant", rows_text(rows, row, 0));
        usage_put_counts(context, item, rows, row, 1);
        return item;
}

static bool list_usage(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        UsageQuestion question;
        const Rows *rows;
        usage_catch_up(context);
        if (!usage_days(context, input, &question, reterr_failure) ||
            !context_ask_directory(context, QUERY_USAGE_TENANTS,
                                   VALUES(value_text(question.from), value_text(question.to),
                                          value_text(input_text(input, "after")),
                                          value_integer(input_integer(input, "limit") + 1)),
                                   &transaction, &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, tenant_item, "tenant");
        json_put_text(*ret_result, "from", question.from);
        json_put_text(*ret_result, "to", question.to);
        return true;
}

const Operation usage_list = {
        .name = "usage-list",
        .summary = "Lists what each tenant used, in sums; days are the installation's when none are given.",
        .example = "--from 2026-01-01 --to 2026-01-31",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/usage/tenants",
        .input = list_input,
        .shared = list_fields,
        .columns = "tenant messages prompt_tokens completion_tokens cached_tokens cost",
        .items = "use",
        .run = list_usage,
};
