/* Time zones by name, as the machine's tzdata has them: what the clock on the wall shows somewhere. The C library knows
 * one zone a process; GLib, whose only user this is, knows many. Not a calendar, and no leap seconds.
 *
 * A zone is read from its file once and then stays for the process: any thread, and only the first question for a name
 * reads a (local, small) file.
 */
#pragma once

#include "base/failure.h"

typedef struct Zone Zone;

/* FAILURE_INVALID when there is none of this name: "Europe/Berlin", "UTC". */
bool zone_find(Text name, const Zone **ret_zone, Failure *reterr_failure) _must_check_;
/* Reads it, if there is one of this name, so that the next question does not. */
void zone_prepare(Text name);
const char *zone_name(const Zone *zone);
/* Seconds that the zone is ahead of UTC at this time; NULL is UTC. */
int64_t zone_offset(const Zone *zone, int64_t unix_seconds);
/* Minutes since Monday, 00:00, in the zone. */
int zone_minute_of_week(const Zone *zone, int64_t wall_us);
