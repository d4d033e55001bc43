/* Events: one table of everything that the audit may hold, with its severity and what it means. Who emits an event
 * names its type as it stands here; an operation's is "operation." and its name. Not the chain (store/audit.h), and not
 * what an event's facts are, which the emitter knows.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/text.h"

typedef struct EventType {
        const char *type;
        const char *severity; /* "info", "warning", "critical"; an emitter may say more of a single event */
        const char *sentence; /* for people */
} EventType;

extern const EventType event_types[]; /* in order of type; ends with one that has none */

/* NULL when nothing of this type may be emitted. Every operation's is the one of "operation.NAME". */
const EventType *event_type_find(Text type);
