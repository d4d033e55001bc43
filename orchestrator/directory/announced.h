/* What operations of this hub have announced, until a reading of the store has caught up with it. An operation's change
 * is applied before its answer; a reading that began before its commit comes later and still holds the row as it was.
 * Not a version: two hubs that change one row at the same moment are put right by the reading after the next.
 *
 * Part of the directory; belongs to its thread.
 */
#pragma once

#include "base/map.h"
#include "orchestrator/directory/directory.h"

/* Whether the change is to be applied: false for one that is older than what was announced of the same row. */
bool announced_admit(Map *announced, const DirectoryChange *change);
void announced_free(Map *announced);
