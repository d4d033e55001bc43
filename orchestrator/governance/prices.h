/* Prices of a model's tokens: which of the installation's holds at a moment, and what that makes of a version's own.
 * Not where they come from (component/price_book.h) and not what is counted (store/usage.h).
 *
 * Plain data; any thread; never blocks.
 */
#pragma once

#include "base/text.h"

/* How long before a price holds it must be set, so that every hub knows it when it does. */
#define PRICE_LEAD_SECONDS 3

typedef enum TokenMeter { TOKENS_OF_PROMPT, TOKENS_OF_COMPLETION, TOKENS_CACHED, TOKEN_METER_COUNT } TokenMeter;

/* Nano-units for a million tokens, margin included, from a moment of the wall clock on. */
typedef struct Price {
        Text model;
        TokenMeter meter;
        int64_t nano, from_us;
} Price;

/* -1: the installation sets none. */
typedef struct ModelPrice {
        int64_t nano[TOKEN_METER_COUNT];
} ModelPrice;

bool token_meter_from_name(Text name, TokenMeter *ret_meter) _must_check_; /* "prompt-tokens" … */

/* prices: of one model and meter the earlier first; of equal moments the last one holds. */
ModelPrice price_of_model(const Price *prices, size_t count, Text model, int64_t now_us);

/* What a version's tokens cost. Its own price may only be the higher one; a cached token is never dearer than one that
 * is not, and costs the same where no price says otherwise. */
void price_settle(const ModelPrice *price, int64_t *prompt_nano, int64_t *completion_nano, int64_t *ret_cached_nano);
