/* Meters: what no journal knows, calls of the API, counted in memory by tenant, person and minute until they are
 * written. What was counted and not yet written is lost with the process: at most a minute of it. Not rates, which
 * refuse.
 *
 * meters_count_call() from any thread, never blocks. meters_write() blocks; several threads may call it.
 */
#pragma once

#include "store/usage.h"

typedef struct Meters Meters;

Meters *meters_new(void);
void meters_free(Meters *meters);
DEFINE_RELEASE(Meters *, meters_free)

void meters_count_call(Meters *meters, Uuid tenant_id, Uuid person_id, int64_t wall_us);
/* Writes what was counted so far. What fails is kept and tried again, under the same ids. */
bool meters_write(Meters *meters, Database *database, Failure *reterr_failure) _must_check_;
