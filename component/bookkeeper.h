/* The bookkeeper: once a minute it writes down what was counted in memory and counts what was concluded on any hub,
 * once an hour what is stored. What it could not do it does a minute later. Not the clerk, who keeps the directory, and
 * not the only one who counts: usage-show and `aiox keep` do it as well.
 *
 * A thread of its own from bookkeeper_start() until bookkeeper_free(), which waits for what it is at and has it write
 * down the rest.
 */
#pragma once

#include "orchestrator/governance/meters.h"

typedef struct Bookkeeper Bookkeeper;

Bookkeeper *bookkeeper_start(Database *database, Meters *meters);
void bookkeeper_free(Bookkeeper *bookkeeper);
