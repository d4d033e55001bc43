/* Plain text: which of the settings' connections would leave this machine unencrypted. Such a hop is refused unless its
 * allow_plaintext_… setting permits it. Judged by what is written in the settings: a Unix socket, a loopback address or
 * `localhost` stays here, any other name or address does not.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "component/settings/settings.h"

typedef struct PlaintextHop {
        const char *setting, *allowance; /* "server", "allow_plaintext_server" */
        bool exposed;                    /* leaves this machine in clear text */
        bool allowed;
} PlaintextHop;

#define PLAINTEXT_HOPS 4
void plaintext_hops(const Settings *settings, PlaintextHop ret_hops[static PLAINTEXT_HOPS]);
/* FAILURE_POLICY names the first hop that is not allowed, and how to mend it. */
bool plaintext_check(const Settings *settings, Failure *reterr_failure) _must_check_;
