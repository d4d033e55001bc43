/* The price book: the installation's prices of tokens as this hub last read them. It is read again by whoever needs a
 * price when it is a second old, and says nothing when it could not be read again for longer: since nobody may set a
 * price for a moment nearer than PRICE_LEAD_SECONDS, every turn finds the price that is valid when it begins.
 *
 * Any thread; price_book_find() may block on the database.
 */
#pragma once

#include "orchestrator/governance/prices.h"
#include "store/database.h"

typedef struct PriceBook PriceBook;

PriceBook *price_book_new(Database *database);
void price_book_free(PriceBook *book); /* when nobody asks any more */
DEFINE_RELEASE(PriceBook *, price_book_free)

/* UNAVAILABLE: what a model costs now is not known. */
bool price_book_find(PriceBook *book, Text model, ModelPrice *ret_price, Failure *reterr_failure) _must_check_;
