/* The agenda: what will happen when, in simulated time. A heap ordered by time, then by who was entered first, so that
 * a run is the same each time. Not a clock: time is that of the entry taken last.
 *
 * One thread. Entries carry a function, what it is for and a number; who enters owns what `about` points to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*AgendaHandler)(void *about, uint64_t number);

typedef struct AgendaEntry {
        int64_t at_us;
        uint64_t order;
        AgendaHandler handler;
        void *about;
        uint64_t number;
} AgendaEntry;

typedef struct Agenda {
        AgendaEntry *entries;
        size_t count, capacity;
        uint64_t entered;
        int64_t now_us;
} Agenda;

/* Not before now. */
void agenda_add(Agenda *agenda, int64_t at_us, AgendaHandler handler, void *about, uint64_t number);
/* Runs the next entry and moves the time; false when none is left or it is due after `until_us`. */
bool agenda_run(Agenda *agenda, int64_t until_us);
void agenda_release(Agenda *agenda);
