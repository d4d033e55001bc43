#include "base/clock.h"
#include "store/cache/server.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static const char *password(void) {
        static char line[200];
        const char *path = getenv("AIOX_REDIS_SECRET_FILE");
        FILE *file = path ? fopen(path, "r") : NULL;
        if (!file)
                return NULL;
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
        line[strcspn(line, "\n")] = '\0';
        fclose(file);
        return line;
}

START_TEST(server_that_is_there_is_logged_in_to_with_its_password_only) {
        const char *secret = password();
        Failure failure;
        ck_assert_done(cache_server_answers(getenv("AIOX_REDIS"), secret, SECONDS, &failure), failure);
        if (!secret)
                return;
        ck_assert(!cache_server_answers(getenv("AIOX_REDIS"), "another", SECONDS, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
}
END_TEST

START_TEST(server_that_is_away_is_said_at_once) {
        Failure failure;
        ck_assert(!cache_server_answers("unix:/nonexistent/redis", NULL, 0, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
}
END_TEST

START_TEST(address_that_does_not_read_is_refused) {
        static const char *const addresses[] = { "",
                                                 "redis://",
                                                 "redis://host:0",
                                                 "redis://host:99999",
                                                 "redis://h/x",
                                                 "http://host:6379",
                                                 "unix:relative" };
        for (size_t i = 0; i < COUNT_OF(addresses); i++) {
                Failure failure;
                ck_assert(!cache_server_answers(addresses[i], NULL, 0, &failure));
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
        }
}
END_TEST

UNIT_TESTS("store/cache", server_that_is_there_is_logged_in_to_with_its_password_only,
           server_that_is_away_is_said_at_once, address_that_does_not_read_is_refused)
