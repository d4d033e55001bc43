#include "orchestrator/governance/prices.h"
#include "orchestrator/operations/context.h"

#include <math.h>

#define NANO 1e9

static const Field set_input[] = {
        { "meter", FIELD_CHOICE, REQUIRED, "What it is the price of.",
          .choices = "prompt-tokens|completion-tokens|cached-tokens|compute-ms|stored-bytes|api-calls|tool-runs|"
                     "messages" },
        { "price", FIELD_REAL, REQUIRED,
          "Of a million, in units of the installation's currency, as in 2.50; of stored-bytes: of a gigabyte for a "
          "month.",
          .most = 1000000 },
        { "model", FIELD_TEXT, OPTIONAL, "Whose tokens: openai/NAME.", .least = 1, .most = 200 },
        { "margin", FIELD_REAL, OPTIONAL, "What is added for tenants, in percent.", .fallback = "0", .most = 1000 },
        { "from", FIELD_TIME, OPTIONAL, "From when on; three seconds from now when absent, and never earlier." },
        { .type = FIELD_END },
};

static bool check_model(const Input *input, Failure *reterr_failure) {
        TokenMeter meter;
        bool tokens = token_meter_from_name(input_text(input, "meter"), &meter), named = input_has(input, "model");
        if (tokens && !named)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "'model' is missing: tokens have a price by model, such as openai/gpt-4o");
        if (!tokens && named)
                return failure_set(reterr_failure, FAILURE_INVALID, "'model': only tokens have a price by model");
        return !named || memchr(input_text(input, "model").bytes, '/', input_text(input, "model").length) ||
               failure_set(reterr_failure, FAILURE_INVALID,
                           "'model': write it as agents have it, such as openai/gpt-4o");
}

/* A price that is smaller than what can be kept is no gift. */
static bool check_price(const Input *input, Failure *reterr_failure) {
        double price = input_real(input, "price");
        return price == 0 || llround(price * NANO) > 0 ||
               failure_set(reterr_failure, FAILURE_INVALID, "'price' is less than 0.000000001: say 0 for nothing");
}

/* What was used has its price already, and every hub has to know the new one before it holds. */
static bool find_moment(OperationContext *context, const Input *input, int64_t *ret_from_us, Failure *reterr_failure) {
        int64_t earliest_us = context->now.wall_us + PRICE_LEAD_SECONDS * SECONDS;
        *ret_from_us = input_has(input, "from") ? input_integer(input, "from") : earliest_us;
        return *ret_from_us >= earliest_us ||
               failure_set(reterr_failure, FAILURE_INVALID,
                           "'from' must lie %d seconds ahead: what was used keeps its price", PRICE_LEAD_SECONDS);
}

static bool set_price(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        const Rows *rows;
        int64_t from_us, margin_bp = llround(input_real(input, "margin") * 100);
        Uuid id = context_id(context);
        if (!check_model(input, reterr_failure) || !check_price(input, reterr_failure) ||
            !find_moment(context, input, &from_us, reterr_failure) ||
            !context_run(context, QUERY_PRICE_ADD,
                         VALUES(value_uuid(id), value_text(input_text(input, "meter")),
                                value_text(input_text(input, "model")),
                                value_integer(llround(input_real(input, "price") * NANO)), value_integer(margin_bp),
                                value_time(from_us), value_uuid_or_null(context->account_id)),
                         &rows, reterr_failure))
                return false;
        int64_t charged = rows_integer(rows, 0, 0);
        json_put_uuid(context->facts, "price", id);
        json_put_text(context->facts, "meter", input_text(input, "meter"));
        json_put_integer(context->facts, "charged_nano", charged);
        Json *result = *ret_result = json_new_object();
        json_put_uuid(result, "id", id);
        json_put_text(result, "meter", input_text(input, "meter"));
        json_put_text_or_null(result, "model", input_text(input, "model"));
        json_put_money(result, "price", context, llround(input_real(input, "price") * NANO));
        json_put(result, "margin", json_new_real((double) margin_bp / 100));
        json_put_money(result, "charged", context, charged);
        json_put_integer(result, "charged_nano", charged);
        json_put_time(result, "from", from_us);
        return true;
}

const Operation price_set = {
        .name = "price-set",
        .summary = "Sets what tokens, compute, storage, calls, tools or messages cost from a moment on.",
        .example = "prompt-tokens 2.5 --model openai/gpt-4o --margin 20 --from 2027-01-01T00:00:00Z",
        .role = ROLE_PLATFORM,
        .scope = SCOPE_INSTALLATION,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/prices",
        .input = set_input,
        .run = set_price,
};
