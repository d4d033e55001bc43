/* What a turn tells the audit beside its conclusion: violations of a rule, a bill above its bound. Part of the turn;
 * touches no World.
 */
#pragma once

#include "base/json.h"
#include "orchestrator/turn.h"

/* Adds one; type and severity are literals. Takes the facts over: ids and counts, never bodies. What finds no room in
 * the arena is told without its facts, or, without room for that, not at all. */
void turn_event(TurnResult *result, Arena *arena, const char *type, const char *severity, Json *facts);
