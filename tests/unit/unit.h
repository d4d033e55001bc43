/* What a unit test needs: libcheck, its main function, and a few comparisons in our types. A test is
 *
 *     START_TEST(paused_agent_stays_silent) { … } END_TEST
 *
 *     UNIT_TESTS("orchestrator/pipeline", paused_agent_stays_silent, …)
 *
 * Each test runs in a process of its own, so that one that crashes fails alone. CK_FORK=no keeps a debugger with it,
 * and CK_RUN_CASE=NAME runs that one test alone.
 */
#pragma once

#include "base/failure.h"

#include <check.h>

/* Built with a sanitizer, which makes everything several times as slow: for tests that measure. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNIT_SANITIZED true
#else
#define UNIT_SANITIZED false
#endif

/* What the calling thread has computed so far, however much it had to share the machine. */
int64_t unit_computed_us(void);

/* The program's main(); results as TAP on standard output. */
int unit_run(const char *module, const TTest *const *tests, size_t count);

#define UNIT_TESTS(module, ...)                                                                                        \
        int main(void) {                                                                                               \
                const TTest *const tests[] = { __VA_ARGS__ };                                                          \
                return unit_run(module, tests, COUNT_OF(tests));                                                       \
        }

/* What is expected may be a literal in braces, whose commas end a macro's argument. */
#define ck_assert_text(actual, ...) unit_assert_text(actual, __VA_ARGS__, #actual, __FILE__, __LINE__)
void unit_assert_text(Text actual, Text expected, const char *expression, const char *file, int line);

/* For functions that return a bool and a Failure: says the failure's sentence. */
#define ck_assert_done(call, failure) ck_assert_msg((call), "%s: %s", #call, (failure).text)
