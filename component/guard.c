#include "component/guard.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

bool guard_memory(bool allow_core_dumps, Failure *reterr_failure) {
        if (allow_core_dumps || prctl(PR_SET_DUMPABLE, 0) == 0)
                return true;
        return failure_set(reterr_failure, FAILURE_INTERNAL, "this process cannot be kept from core dumps: %s",
                           strerror(errno));
}
