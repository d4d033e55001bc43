#include "tests/unit/simulator/agenda.h"

#include "base/arena.h"

static bool is_before(const AgendaEntry *a, const AgendaEntry *b) {
        return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void agenda_add(Agenda *agenda, int64_t at_us, AgendaHandler handler, void *about, uint64_t number) {
        if (agenda->count == agenda->capacity) {
                agenda->capacity = agenda->capacity ? agenda->capacity * 2 : 256;
                agenda->entries = memory_resize(agenda->entries, agenda->capacity * sizeof(AgendaEntry));
        }
        AgendaEntry entry = { at_us > agenda->now_us ? at_us : agenda->now_us, agenda->entered++, handler, about,
                              number };
        size_t place = agenda->count++;
        while (place > 0 && is_before(&entry, &agenda->entries[(place - 1) / 2])) {
                agenda->entries[place] = agenda->entries[(place - 1) / 2];
                place = (place - 1) / 2;
        }
        agenda->entries[place] = entry;
}

static AgendaEntry take_first(Agenda *agenda) {
        AgendaEntry first = agenda->entries[0], last = agenda->entries[--agenda->count];
        size_t place = 0;

        for (;;) {
                size_t child = place * 2 + 1;
                if (child >= agenda->count)
                        break;
                if (child + 1 < agenda->count && is_before(&agenda->entries[child + 1], &agenda->entries[child]))
                        child++;
                if (!is_before(&agenda->entries[child], &last))
                        break;
                agenda->entries[place] = agenda->entries[child];
                place = child;
        }
        agenda->entries[place] = last;
        return first;
}

bool agenda_run(Agenda *agenda, int64_t until_us) {
        if (agenda->count == 0 || agenda->entries[0].at_us > until_us)
                return false;
        AgendaEntry entry = take_first(agenda);
        agenda->now_us = entry.at_us;
        entry.handler(entry.about, entry.number);
        return true;
}

void agenda_release(Agenda *agenda) {
        free(agenda->entries);
        *agenda = (Agenda){ 0 };
}
