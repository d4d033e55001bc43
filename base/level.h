/* Levels as plain data: how much of a limit of what may be at the same time a hub holds, as hubs tell each other
 * (store/cache/rates.h), as it is added up (orchestrator/governance/levels.h) and as the core takes it. Here are shapes
 * only, no functions.
 */
#pragma once

#include "base/uuid.h"

/* Of one limit on one hub. */
typedef struct Level {
        Uuid limit;
        int32_t held;
        int32_t wanted;    /* lanes that would go on there if nothing but this limit let them */
        int32_t waited_ms; /* the one of them that is next */
} Level;

/* All that a hub holds, at a moment of the clock that all share. */
typedef struct HubLevels {
        Uuid hub;
        int64_t told_ms;
        const Level *levels;
        size_t count;
} HubLevels;

/* What the other hubs hold of one limit. */
typedef struct LevelElsewhere {
        Uuid limit;
        int32_t held;    /* by all of them */
        int32_t content; /* of that, by those that want no more */
        int32_t wanting; /* so many hubs want more, */
        int32_t ahead;   /* and so many of them have waited longer than this one */
} LevelElsewhere;
