#include "orchestrator/turn_bounds.h"

#define TOKENS_LIMIT (INT64_C(1) << 30) /* of one call; more is not believed */
#define NANO_LIMIT   (INT64_C(1) << 52)
#define MILLION      1000000

/* Sums of money are wider than their result. */
__extension__ typedef __int128 Wide;

int64_t bound_prompt(const Version *version, const Conversation *conversation) {
        Wide bytes = 0;

        for (size_t i = 0; i < conversation->count; i++) {
                const ModelMessage *message = &conversation->messages[i];
                bytes += (Wide) message->content.length + 16;
                for (size_t k = 0; k < message->call_count; k++)
                        bytes += (Wide) message->calls[k].id.length + message->calls[k].name.length +
                                 message->calls[k].arguments.length + 16;
        }
        for (size_t i = 0; i < version->tool_count; i++)
                bytes += (Wide) version->tools[i].parameters.length + version->tools[i].description.length + 32;
        return bytes < TOKENS_LIMIT ? (int64_t) bytes : TOKENS_LIMIT;
}

/* wide: tokens × price of a million. */
static BudgetAmounts amounts_of(Wide wide, int64_t tokens) {
        Wide nano = (wide + MILLION - 1) / MILLION;

        return (BudgetAmounts){
                { [BUDGET_MONEY] = nano < NANO_LIMIT ? (int64_t) nano : NANO_LIMIT, [BUDGET_TOKENS] = tokens }
        };
}

BudgetAmounts bound_amounts(const Version *version, int64_t prompt_tokens, int64_t completion_tokens) {
        return amounts_of((Wide) prompt_tokens * version->prompt_price_nano +
                                  (Wide) completion_tokens * version->completion_price_nano,
                          prompt_tokens + completion_tokens);
}

BudgetAmounts usage_amounts(const Version *version, const Usage *usage) {
        int64_t cached = usage->cached_tokens < usage->prompt_tokens ? usage->cached_tokens : usage->prompt_tokens;

        return amounts_of((Wide) (usage->prompt_tokens - cached) * version->prompt_price_nano +
                                  (Wide) cached * version->cached_price_nano +
                                  (Wide) usage->completion_tokens * version->completion_price_nano,
                          usage->prompt_tokens + usage->completion_tokens);
}

int32_t bound_output(const Version *version, int64_t prompt_tokens, const BudgetAmounts *granted) {
        int64_t output = version->max_tokens, counted = granted->units[BUDGET_TOKENS] - prompt_tokens;

        if (counted < output)
                output = counted;
        if (version->completion_price_nano > 0) {
                Wide left = (Wide) granted->units[BUDGET_MONEY] * MILLION -
                            (Wide) prompt_tokens * version->prompt_price_nano;
                Wide paid = left / version->completion_price_nano;
                if (paid < output)
                        output = (int64_t) paid;
        }
        return output > 1 ? (int32_t) output : 1;
}

static int64_t tokens_within(int64_t tokens) {
        return tokens < 0 ? 0 : tokens > TOKENS_LIMIT ? TOKENS_LIMIT : tokens;
}

void usage_limit(Usage *usage) {
        usage->prompt_tokens = tokens_within(usage->prompt_tokens);
        usage->completion_tokens = tokens_within(usage->completion_tokens);
        usage->cached_tokens = tokens_within(usage->cached_tokens);
}

bool amounts_exceed(const BudgetAmounts *amounts, const BudgetAmounts *bound) {
        for (int unit = 0; unit < BUDGET_UNIT_COUNT; unit++)
                if (amounts->units[unit] > bound->units[unit])
                        return true;
        return false;
}

bool amounts_none(const BudgetAmounts *amounts) {
        return !amounts_exceed(amounts, &(BudgetAmounts){ 0 });
}

BudgetAmounts usage_spent(const Usage *usage) {
        return (BudgetAmounts){ { [BUDGET_MONEY] = usage->cost_nano,
                                  [BUDGET_TOKENS] = usage->prompt_tokens + usage->completion_tokens +
                                                    usage->presumed_tokens } };
}
