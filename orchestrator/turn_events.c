#include "orchestrator/turn_events.h"

#define EVENTS_MOST 64 /* of one turn */

void turn_event(TurnResult *result, Arena *arena, const char *type, const char *severity, Json *facts) {
        TurnEvent event = { .type = type, .severity = severity };

        if (!json_canonical(facts, arena, &event.facts))
                event.facts = TEXT("{}");
        json_free(facts);
        if (!result->events)
                result->events = arena_take_array(arena, TurnEvent, EVENTS_MOST);
        if (result->events && result->event_count < EVENTS_MOST)
                result->events[result->event_count++] = event;
}
