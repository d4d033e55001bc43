#include "orchestrator/operations/context.h"

static const Field list_input[] = {
        { "meter", FIELD_CHOICE, OPTIONAL, "Only of this meter.",
          .choices = "prompt-tokens|completion-tokens|cached-tokens|compute-ms|stored-bytes|api-calls|tool-runs|"
                     "messages" },
        { "model", FIELD_TEXT, OPTIONAL, "Only of this model's tokens.", .least = 1, .most = 200 },
        { "current", FIELD_BOOLEAN, OPTIONAL, "Leaves out those that another has followed.", .fallback = "false" },
        { .type = FIELD_END },
};

static Json *price_item(OperationContext *context, const Rows *rows, size_t row) {
        Json *item = json_new_object();
        json_put_text(item, "id", rows_text(rows, row, 0));
        json_put_text(item, "meter", rows_text(rows, row, 1));
        json_put_text_or_null(item, "model", rows_text(rows, row, 2));
        json_put_money(item, "price", context, rows_integer(rows, row, 3));
        json_put(item, "margin", json_new_real((double) rows_integer(rows, row, 4) / 100));
        json_put_money(item, "charged", context, rows_integer(rows, row, 5));
        json_put_integer(item, "charged_nano", rows_integer(rows, row, 5));
        json_put_time(item, "from", rows_time(rows, row, 6));
        json_put_time(item, "until", rows_time(rows, row, 7));
        json_put_boolean(item, "in_force", rows_boolean(rows, row, 8));
        return item;
}

static bool list_prices(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        Value after;
        if (!list_after_id(input, &after, reterr_failure) ||
            !context_run(context, QUERY_PRICES_LIST,
                         VALUES(value_text_or_null(input_text(input, "meter")),
                                value_text_or_null(input_text(input, "model")),
                                value_boolean(input_boolean(input, "current")), after,
                                value_integer(input_integer(input, "limit") + 1)),
                         &rows, reterr_failure))
                return false;
        *ret_result = list_result(context, input, rows, price_item, "id");
        return true;
}

const Operation price_list = {
        .name = "price-list",
        .summary = "Lists prices in the order they were set: what the installation pays of a million (of stored-bytes: "
                   "of a gigabyte for a month), and with the margin what tenants are charged.",
        .example = "--model openai/gpt-4o --current",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_READ,
        .method = "GET",
        .path = "/prices",
        .input = list_input,
        .shared = list_fields,
        .columns = "meter model price margin charged from in_force",
        .items = "prices",
        .run = list_prices,
};
