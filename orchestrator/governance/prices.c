#include "orchestrator/governance/prices.h"

bool token_meter_from_name(Text name, TokenMeter *ret_meter) {
        static const char *const names[TOKEN_METER_COUNT] = { "prompt-tokens", "completion-tokens", "cached-tokens" };

        for (int i = 0; i < TOKEN_METER_COUNT; i++)
                if (text_equal(name, text_of(names[i]))) {
                        *ret_meter = (TokenMeter) i;
                        return true;
                }
        return false;
}

ModelPrice price_of_model(const Price *prices, size_t count, Text model, int64_t now_us) {
        ModelPrice price = { { -1, -1, -1 } };

        for (size_t i = 0; i < count; i++)
                if (prices[i].from_us <= now_us && text_equal(prices[i].model, model))
                        price.nano[prices[i].meter] = prices[i].nano;
        return price;
}

static int64_t dearer(int64_t own, int64_t price) {
        return own > price ? own : price;
}

void price_settle(const ModelPrice *price, int64_t *prompt_nano, int64_t *completion_nano, int64_t *ret_cached_nano) {
        int64_t cached = price->nano[TOKENS_CACHED];

        *prompt_nano = dearer(*prompt_nano, price->nano[TOKENS_OF_PROMPT]);
        *completion_nano = dearer(*completion_nano, price->nano[TOKENS_OF_COMPLETION]);
        *ret_cached_nano = cached >= 0 && cached < *prompt_nano ? cached : *prompt_nano;
}
