/* Sharing: what hubs tell each other of turns that run and messages that wait. One stream, which all read in its order,
 * each when its round comes; a hub is as silent as it is frozen, and while the cache is away nobody hears anything. */
#include "tests/unit/simulator/simulation.h"

#define TOLD_AGAIN_US SECONDS

typedef struct Entry {
        HubLevels said;
        struct Entry *next;
} Entry;

static void tell(Process *process) {
        Simulation *simulation = process->simulation;
        CoreLevels *levels = &process->held;

        if (!core_levels_moved(process->core) && now_us(simulation) < process->told_us + TOLD_AGAIN_US)
                return;
        bool before = levels->count > 0;
        core_levels(process->core, levels);
        process->told_us = now_us(simulation);
        if (levels->count == 0 && !before)
                return;
        Entry *entry = run_take(simulation, sizeof(*entry));
        Level *copy = run_take(simulation, (levels->count + 1) * sizeof(*copy));
        memcpy(copy, levels->items, levels->count * sizeof(*copy));
        entry->said = (HubLevels){ process->id, now_us(simulation) / MILLISECONDS, copy, levels->count };
        *(simulation->told_last ? &simulation->told_last->next : &simulation->told_first) = entry;
        simulation->told_last = entry;
        for (Process *each = simulation->processes; each; each = each->next)
                if (each->alive)
                        sharing_later(each);
}

/* True: something may be other than before. */
static bool hear(Process *process) {
        int64_t clock_us = process_now(process).monotonic_us;
        bool news = false;

        for (Entry *entry = process->heard ? process->heard->next : process->simulation->told_first; entry;
             entry = entry->next) {
                levels_hear(process->others, &entry->said, clock_us);
                process->heard = entry;
                news = true;
        }
        return levels_expire(process->others, clock_us) || news;
}

static void share(void *about, uint64_t number) {
        Process *process = about;
        Simulation *simulation = process->simulation;

        (void) number;
        if (!process->alive)
                return;
        if (process->frozen) {
                agenda_add(&simulation->agenda, process->frozen_until + 1, share, process, 0);
                return;
        }
        process->shares = false;
        int32_t hubs = core_live_hubs(process->core);
        bool away = hubs > 1 && now_us(simulation) < simulation->books.away_until;
        int32_t parts = away ? hubs : 1;
        if (hubs > 1 && !away)
                tell(process);
        bool news = hubs > 1 && !away ? hear(process) : levels_forget(process->others);
        if (away || hubs == 1)
                process->heard = simulation->told_last;
        if (news || parts != process->parts) {
                _cleanup_(arena_freep) Arena *arena = arena_new(1 << 20);
                Event event = { EVENT_LEVELS, .levels = { .hubs = parts } };
                LevelElsewhere *elsewhere;
                process->parts = parts;
                if (!levels_elsewhere(process->others, arena, &elsewhere, &event.levels.count))
                        check_violated(simulation, "there is no room for what hubs hold");
                event.levels.elsewhere = elsewhere;
                process_handle(process, &event);
        }
        if (process->alive)
                sharing_later(process);
}

void sharing_later(Process *process) {
        Simulation *simulation = process->simulation;

        bool quiet = !core_levels_moved(process->core) && process->held.count == 0 && process->parts <= 1 &&
                     process->heard == simulation->told_last;
        if (simulation->plan.hubs == 1 || process->shares || quiet)
                return;
        process->shares = true;
        agenda_add(&simulation->agenda,
                   now_us(simulation) + random_between(&simulation->sharing, 10, 400) * MILLISECONDS, share, process,
                   0);
}

void sharing_begin(Process *process) {
        process->others = levels_new(process->id);
        process->heard = process->simulation->told_last;
        process->parts = 1;
}

void sharing_end(Process *process) {
        levels_free(process->others);
        free(process->held.items);
        process->held = (CoreLevels){ 0 };
}
