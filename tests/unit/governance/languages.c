/* That threads need not wait for each other to have languages told: with a library in this program's own hands, which
 * says how many are with it at the same time, and by whose handle. */
#include "orchestrator/governance/guardrails/guardrails.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define MOST     8 /* handles, where there are as many processors */
#define THREADS  12
#define TEXT_OF  "Could you please tell me how many orders were delivered to our office in the last month?"
#define PATIENCE 20

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool taken[THREADS + 1];
static int made, inside, inside_most, wanted; /* wanted: who comes in waits until so many have been in at once */
static bool shared;                           /* one handle by two */

void *special_textcat_Init(const char *conffile, const char *prefix);
int textcat_SetProperty(void *handle, int property, int value);
char *textcat_Classify(void *handle, const char *buffer, size_t size);

void *special_textcat_Init(const char *conffile, const char *prefix) {
        (void) conffile;
        (void) prefix;
        pthread_mutex_lock(&lock);
        void *handle = &taken[++made];
        pthread_mutex_unlock(&lock);
        return handle;
}

int textcat_SetProperty(void *handle, int property, int value) {
        (void) handle;
        (void) property;
        (void) value;
        return 0;
}

char *textcat_Classify(void *handle_, const char *buffer, size_t size) {
        static char english[] = "[en--utf8]";
        struct timespec deadline;
        bool *handle = handle_;

        (void) buffer;
        (void) size;
        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += PATIENCE;
        pthread_mutex_lock(&lock);
        shared |= *handle;
        *handle = true;
        if (++inside > inside_most)
                inside_most = inside;
        pthread_cond_broadcast(&changed);
        while (inside_most < wanted && pthread_cond_timedwait(&changed, &lock, &deadline) == 0) {
        }
        inside--;
        *handle = false;
        pthread_mutex_unlock(&lock);
        return english;
}

static void *ask(void *guardrails) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        GuardVerdict verdict;
        Failure failure;
        bool done = guardrails_ask(guardrails, GUARD_INPUT, TEXT(TEXT_OF), NULL, arena, &verdict, &failure);
        return done && !verdict.blocked ? guardrails : NULL;
}

START_TEST(as_many_threads_as_processors_are_served_at_once_and_each_by_a_handle_of_its_own) {
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        _cleanup_(guardrails_freep) Guardrails *guardrails = NULL;
        pthread_t threads[THREADS];
        Failure failure;
        void *right;

        wanted = processors < MOST ? (int) processors : MOST;
        ck_assert_done(guardrails_parse(TEXT("input block language en"), &guardrails, &failure), failure);
        for (size_t i = 0; i < THREADS; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, ask, guardrails), 0);
        for (size_t i = 0; i < THREADS; i++) {
                ck_assert_int_eq(pthread_join(threads[i], &right), 0);
                ck_assert_ptr_nonnull(right);
        }
        ck_assert_int_eq(inside_most, wanted);
        ck_assert_int_eq(made, wanted);
        ck_assert(!shared);
}
END_TEST

UNIT_TESTS("governance/languages", as_many_threads_as_processors_are_served_at_once_and_each_by_a_handle_of_its_own)
