/* Coroutines: linear code that can be left in the middle and taken up again, on a stack of its own. The switch is by
 * hand on x86-64 (a third of a microsecond is saved over ucontext, which asks the kernel each time); elsewhere it is
 * ucontext. Not threads: one runs at a time, and only when resumed.
 *
 * One thread. coroutine_free() only after the body has returned, so that what the body holds is released by its own
 * code.
 */
#pragma once

#include "base/defer.h"

#include <stdbool.h>

typedef struct Coroutine Coroutine;

Coroutine *coroutine_new(void (*body)(void *argument), void *argument);
/* Runs the body until it yields or returns; false when it has returned. */
bool coroutine_resume(Coroutine *coroutine);
/* Inside a body: back to whoever resumed it. */
void coroutine_yield(void);
void coroutine_free(Coroutine *coroutine);
/* Gives the stacks kept for reuse back to the system. */
void coroutine_release_stacks(void);
