/* Threads that handle no signals: those are the main thread's. Not a pool; who starts one joins it or detaches it.
 *
 * Any thread; never blocks.
 */
#pragma once

#include <pthread.h>

/* As pthread_create(): 0, or an error number. The new thread inherits a mask that lets no signal through. */
int thread_start(pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*run)(void *argument), void *argument);
