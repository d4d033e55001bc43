/* A running hub: brings up what it is made of, in the order of who needs whom, runs the hub thread, and takes
 * everything down in the reverse order. Not the hub thread itself (loop.h) and not the subcommand (hub.c).
 *
 * hub_run() makes its caller the hub thread; SIGTERM, SIGINT and SIGHUP, blocked in every thread, stop it in good
 * order.
 */
#pragma once

#include "component/settings/settings.h"

bool hub_run(const Settings *settings, Failure *reterr_failure) _must_check_;
