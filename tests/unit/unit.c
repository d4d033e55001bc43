#include "tests/unit/unit.h"

#include "base/clock.h"

#include <stdio.h>

/* For one that stands still; how long one computes is measured by unit_computed_us(). */
#define SECONDS_PER_TEST (UNIT_SANITIZED ? 300 : 120)

int unit_run(const char *module, const TTest *const *tests, size_t count) {
        Suite *suite = suite_create(module);
        for (size_t i = 0; i < count; i++) {
                TCase *test_case = tcase_create(tests[i]->name);
                tcase_set_timeout(test_case, SECONDS_PER_TEST);
                tcase_add_test(test_case, tests[i]);
                suite_add_tcase(suite, test_case);
        }
        SRunner *runner = srunner_create(suite);
        srunner_set_tap(runner, "-");
        srunner_run_all(runner, CK_SILENT);
        bool passed = srunner_ntests_failed(runner) == 0;
        srunner_free(runner);
        return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int64_t unit_computed_us(void) {
        struct timespec now;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return now.tv_sec * SECONDS + now.tv_nsec / 1000;
}

void unit_assert_text(Text actual, Text expected, const char *expression, const char *file, int line) {
        if (text_equal(actual, expected))
                mark_point();
        else
                _ck_assert_failed(file, line, expression, "%s is \"%.*s\", not \"%.*s\"", expression,
                                  TEXT_ARGUMENTS(actual), TEXT_ARGUMENTS(expected));
}
