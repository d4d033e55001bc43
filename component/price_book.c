#include "component/price_book.h"

#include "base/clock.h"

#include <pthread.h>

#define FRESH_US SECONDS
#define STALE_US (2500 * MILLISECONDS)

struct PriceBook {
        Database *database;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        Arena *arena;  /* of what follows */
        Price *prices; /* by model, meter and moment */
        size_t count;
        int64_t read_us; /* monotonic, before it was read; 0 = never */
        bool reading;
};

PriceBook *price_book_new(Database *database) {
        PriceBook *book = memory_new(sizeof(*book));

        book->database = database;
        pthread_mutex_init(&book->lock, NULL);
        clock_condition_init(&book->changed);
        return book;
}

void price_book_free(PriceBook *book) {
        if (!book)
                return;
        if (book->arena)
                arena_free(book->arena);
        pthread_cond_destroy(&book->changed);
        pthread_mutex_destroy(&book->lock);
        free(book);
}

static bool read_prices(Database *database, Arena *arena, Price **ret_prices, size_t *ret_count,
                        Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;

        if (!transaction_begin(database, DATABASE_DIRECTORY, (Uuid){ { 0 } }, &transaction, reterr_failure) ||
            !transaction_run(transaction, QUERY_PRICES_IN_FORCE, NO_VALUES, &rows, reterr_failure))
                return false;
        size_t count = rows_count(rows);
        Price *prices = arena_take_array(arena, Price, count);
        *ret_count = 0;
        for (size_t i = 0; i < count; i++) {
                TokenMeter meter;
                if (token_meter_from_name(rows_text(rows, i, 0), &meter))
                        prices[(*ret_count)++] = (Price){ .model = text_copy(arena, rows_text(rows, i, 1)),
                                                          .meter = meter,
                                                          .nano = rows_integer(rows, i, 2),
                                                          .from_us = rows_time(rows, i, 3) };
        }
        *ret_prices = prices;
        return true;
}

/* With the lock held, which it gives up meanwhile. What could not be read stays as it was. */
static void book_read(PriceBook *book, Failure *ret_failure) {
        Arena *arena = arena_new(0), *before = NULL;
        Price *prices = NULL;
        size_t count = 0;
        int64_t began_us = clock_now().monotonic_us;

        book->reading = true;
        pthread_mutex_unlock(&book->lock);
        bool read = read_prices(book->database, arena, &prices, &count, ret_failure);
        pthread_mutex_lock(&book->lock);
        if (read) {
                before = book->arena;
                book->arena = arena;
                book->prices = prices;
                book->count = count;
                book->read_us = began_us;
        } else
                before = arena;
        if (before)
                arena_free(before);
        book->reading = false;
        pthread_cond_broadcast(&book->changed);
}

/* A second old: one reads it again and the others take it as it is. Too old: they wait for who reads. */
bool price_book_find(PriceBook *book, Text model, ModelPrice *ret_price, Failure *reterr_failure) {
        Failure failure = { .kind = FAILURE_NONE };
        bool asked = false;

        pthread_mutex_lock(&book->lock);
        for (;;) {
                int64_t age_us = book->read_us ? clock_now().monotonic_us - book->read_us : INT64_MAX;
                if (age_us < FRESH_US || (age_us < STALE_US && (asked || book->reading)))
                        break;
                if (book->reading)
                        pthread_cond_wait(&book->changed, &book->lock);
                else if (asked) {
                        pthread_mutex_unlock(&book->lock);
                        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "The prices cannot be read: %s",
                                           failure.text);
                } else {
                        asked = true;
                        book_read(book, &failure);
                }
        }
        *ret_price = price_of_model(book->prices, book->count, model, clock_now().wall_us);
        pthread_mutex_unlock(&book->lock);
        return true;
}
