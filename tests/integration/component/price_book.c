/* Prices that become valid while everything runs are found by those who ask then, and what is not known is not guessed.
 */
#include "component/price_book.h"

#include "base/clock.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>

static void set_price(const char *meter, int64_t nano, const char *moment) {
        char sql[400];
        snprintf(sql, sizeof(sql),
                 "ALTER TABLE prices NO FORCE ROW LEVEL SECURITY; INSERT INTO prices (id, meter, model, price_nano, "
                 "margin_bp, valid_from) VALUES (gen_random_uuid(), '%s', 'openai/paid', %lld, 5000, %s)",
                 meter, (long long) nano, moment);
        place_execute(sql);
}

static ModelPrice find(PriceBook *book, const char *model) {
        ModelPrice price;
        Failure failure;
        ck_assert_done(price_book_find(book, text_of(model), &price, &failure), failure);
        return price;
}

START_TEST(a_price_set_ahead_is_found_the_moment_it_holds) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(price_book_freep) PriceBook *book = price_book_new(database);
        place_clean(database);
        set_price("prompt-tokens", 100, "now() - interval '1 hour'");
        ck_assert_int_eq(find(book, "openai/paid").nano[TOKENS_OF_PROMPT], 150); /* with its margin */
        ck_assert_int_eq(find(book, "openai/paid").nano[TOKENS_CACHED], -1);
        ck_assert_int_eq(find(book, "openai/other").nano[TOKENS_OF_PROMPT], -1);
        /* Set after the book was read, for a moment after it must be read again: as late as price-set allows. */
        set_price("prompt-tokens", 200, "now() + interval '3 seconds'");
        int64_t from_us = clock_now().wall_us + PRICE_LEAD_SECONDS * SECONDS, now_us;
        ModelPrice price;
        do {
                now_us = clock_now().wall_us;
                price = find(book, "openai/paid");
                if (now_us > from_us)
                        ck_assert_int_eq(price.nano[TOKENS_OF_PROMPT], 300);
                else if (clock_now().wall_us < from_us - 100 * MILLISECONDS)
                        ck_assert_int_eq(price.nano[TOKENS_OF_PROMPT], 150);
        } while (now_us < from_us + 100 * MILLISECONDS);
}
END_TEST

static void *ask_often(void *book) {
        for (int i = 0; i < 20000; i++)
                ck_assert_int_eq(find(book, "openai/paid").nano[TOKENS_OF_COMPLETION], 15);
        return NULL;
}

START_TEST(many_workers_ask_at_once) {
        _cleanup_(database_freep) Database *database = place_database();
        _cleanup_(price_book_freep) PriceBook *book = price_book_new(database);
        pthread_t threads[8];
        place_clean(database);
        set_price("completion-tokens", 10, "now()");
        for (size_t i = 0; i < COUNT_OF(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, book), 0);
        for (size_t i = 0; i < COUNT_OF(threads); i++)
                pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(a_price_that_cannot_be_read_is_not_guessed) {
        _cleanup_(database_freep) Database *nowhere = database_new(
                &(DatabaseSettings){ .conninfo = "host=127.0.0.1 port=1 dbname=aiox", .patience_us = SECONDS });
        _cleanup_(price_book_freep) PriceBook *book = price_book_new(nowhere);
        ModelPrice price;
        Failure failure;
        ck_assert(!price_book_find(book, TEXT("openai/paid"), &price, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(failure.text, "prices cannot be read"));
}
END_TEST

UNIT_TESTS("component/price_book", a_price_set_ahead_is_found_the_moment_it_holds, many_workers_ask_at_once,
           a_price_that_cannot_be_read_is_not_guessed)
