#include "base/thread.h"

#include <signal.h>

int thread_start(pthread_t *ret_thread, const pthread_attr_t *attributes, void *(*run)(void *argument),
                 void *argument) {
        sigset_t all, before;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int error = pthread_create(ret_thread, attributes, run, argument);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return error;
}
