/* Levels: what each hub said last that it holds of limits of what may be at the same time (turns that run, messages
 * that wait), and what of it is held elsewhere than here. All hubs hear the same entries in the same order, their own
 * among them, so that each comes to the same parts by itself. Not where a turn or a message is let through: that is the
 * core, with what it holds itself at that moment. A hub that is not heard of is forgotten, and with it what it held.
 *
 * One thread at a time; never blocks.
 */
#pragma once

#include "base/arena.h"
#include "base/level.h"

typedef struct Levels Levels;

/* own: by which this hub's own entries are known. */
Levels *levels_new(Uuid own);
void levels_free(Levels *levels);
/* In the place of what that hub said before. The entry is copied. */
void levels_hear(Levels *levels, const HubLevels *entry, int64_t monotonic_us);
/* Forgets whom nobody has heard of for so long. True: there was one. */
bool levels_expire(Levels *levels, int64_t monotonic_us);
/* Forgets all: this hub is alone, or cannot hear the others. True: there was something. */
bool levels_forget(Levels *levels);
/* One for each limit of which others hold or want something, ordered by its id. False: the arena has no room. */
bool levels_elsewhere(const Levels *levels, Arena *arena, LevelElsewhere **ret_elsewhere, size_t *ret_count);
