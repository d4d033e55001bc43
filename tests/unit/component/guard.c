#include "component/guard.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a child ends that guards its memory, or does not, and crashes in a folder of its own. */
static int crash(bool allowed, bool *ret_dumpable) {
        char folder[] = "/tmp/aiox-guard.XXXXXX", command[100];
        ck_assert_ptr_nonnull(mkdtemp(folder));
        int channel[2], status;
        ck_assert_int_eq(pipe(channel), 0);
        pid_t child = fork();
        if (child == 0) {
                Failure failure;
                struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
                (void) setrlimit(RLIMIT_CORE, &all);
                char answer = (char) (guard_memory(allowed, &failure) && chdir(folder) == 0 ? prctl(PR_GET_DUMPABLE)
                                                                                            : 9);
                if (write(channel[1], &answer, 1) == 1)
                        abort();
                _exit(1);
        }
        char answer = 9;
        ck_assert_int_eq(read(channel[0], &answer, 1), 1);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        close(channel[0]);
        close(channel[1]);
        snprintf(command, sizeof(command), "rm -rf %s", folder);
        ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): a name of our own */
        ck_assert_int_ne(answer, 9);
        *ret_dumpable = answer == 1;
        ck_assert(WIFSIGNALED(status));
        return status;
}

START_TEST(hub_that_crashes_leaves_no_core_dump_unless_allowed) {
        bool dumpable;
        int status = crash(false, &dumpable);
        ck_assert(!dumpable);
        ck_assert(!WCOREDUMP(status));
        (void) crash(true, &dumpable);
        ck_assert(dumpable);
}
END_TEST

UNIT_TESTS("component/guard", hub_that_crashes_leaves_no_core_dump_unless_allowed)
