/* `aiox hub`: what a process needs before a hub can run in it. */
#include "base/crypto.h"
#include "base/log.h"
#include "component/guard.h"
#include "component/running.h"
#include "component/terminal/subcommand.h"

#include <pthread.h>
#include <signal.h>

static void signals_block(void) {
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
}

int hub_main(const Settings *settings, const Arguments *arguments) {
        Failure failure = { 0 };

        (void) arguments;
        if (!guard_memory(settings->allow_core_dumps, &failure) || !crypto_start(&failure))
                return command_fail(&failure);
        signals_block();
        log_start(log_level_of(settings->log_level));
        bool ok = hub_run(settings, &failure);
        if (ok)
                log_info("hub stopped", "hub", LOG_STRING, settings->hub_name);
        log_stop();
        return ok ? 0 : command_fail(&failure);
}
