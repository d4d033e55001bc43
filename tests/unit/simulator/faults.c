/* What breaks, and how often: each seed draws its own mixture, most of them harsher than life. */
#include "tests/unit/simulator/simulation.h"

static double sometimes(Random *random, double most) {
        return random_chance(random, 0.5) ? most * (double) random_between(random, 1, 100) / 100.0 : 0;
}

/* Limits small enough to be reached, and waits short enough to end within a run. */
static CoreSettings plan_settings(Random *random) {
        CoreSettings settings = core_defaults();

        settings.workers = (int32_t) random_between(random, 2, 16);
        if (random_chance(random, 0.5))
                settings.batch_messages = (int32_t) random_between(random, 1, 10);
        if (random_chance(random, 0.3))
                settings.lane_depth = (int32_t) random_between(random, 1, 5);
        if (random_chance(random, 0.3))
                settings.sender_depth = (int32_t) random_between(random, 1, 10);
        if (random_chance(random, 0.2))
                settings.waiting_messages = (int32_t) random_between(random, 1, 10);
        if (random_chance(random, 0.2))
                settings.sender_rate = (Rate){ 60, (int32_t) random_between(random, 1, 10) };
        settings.attempts = (int32_t) random_between(random, 1, 3);
        settings.lease_us = random_between(random, 3, 15) * SECONDS;
        settings.drain_us = random_between(random, 1, 20) * SECONDS;
        settings.turn_us = random_between(random, 10, 300) * SECONDS;
        return settings;
}

static void plan_people(Plan *plan, Random *random) {
        plan->cancels = sometimes(random, 0.1);
        plan->repeats = sometimes(random, 0.4);
        plan->conflicts = sometimes(random, 0.1);
        plan->commands = sometimes(random, 0.2);
        plan->stops = sometimes(random, 0.1);
        plan->corrections = sometimes(random, 0.1);
        plan->floods = sometimes(random, 0.02);
        plan->unstorable = sometimes(random, 0.02);
        plan->model_fails = sometimes(random, 0.3);
        plan->tool_fails = sometimes(random, 0.3);
        plan->overbilled = sometimes(random, 0.02);
        plan->bounces = sometimes(random, 0.05);
        plan->pauses = sometimes(random, 1);
        plan->cache_lost = sometimes(random, 0.5);
        plan->cache_away = sometimes(random, 0.5);
        plan->budget_nano = random_chance(random, 0.2) ? random_between(random, 1, 100) * 10000000 : INT64_C(1) << 50;
        if (random_chance(random, 0.25)) { /* calls fit if others settle */
                plan->raised_nano = random_between(random, 5, 60) * 100000;
                plan->budget_nano = plan->raised_nano;
        }
}

static void plan_faults(Plan *plan, Random *random) {
        plan->crash = sometimes(random, 3e-4);
        plan->lost_reply = sometimes(random, 0.05);
        plan->kill = sometimes(random, 1);
        plan->freeze = sometimes(random, 1);
        plan->store_away = sometimes(random, 1);
        plan->store_full = sometimes(random, 0.5);
        plan->store_stall = sometimes(random, 0.5);
        plan->link_break = sometimes(random, 2);
        plan->server_death = sometimes(random, 0.5);
        plan->twin = sometimes(random, 0.5);
        plan->drain = sometimes(random, 0.5);
        plan->clock_jump = sometimes(random, 1);
}

void faults_plan(Simulation *simulation) {
        Plan *plan = &simulation->plan;
        Random *random = &simulation->planning;

        plan->hubs = (int) random_between(random, 1, HUBS);
        plan->domains = (int) random_between(random, 1, DOMAINS);
        plan->cluster = random_chance(random, 0.7);
        if (!plan->cluster)
                plan->hubs = plan->domains;
        plan->gap_us = random_between(random, 40, 200) * MILLISECONDS;
        plan->budget_nano = INT64_C(1) << 50;
        plan->settings = core_defaults();
        plan->calm = simulation->options->calm || random_chance(random, 0.1);
        if (plan->calm)
                return;
        plan->settings = plan_settings(random);
        plan_people(plan, random);
        plan_faults(plan, random);
}

StoreFault faults_of_store(Simulation *simulation, const StoreRequest *request) {
        Random *random = &simulation->storage;

        (void) request;
        if (now_us(simulation) < simulation->store_away_until)
                return STORE_FAULT_NOT_REACHED;
        if (simulation->chaos && random_chance(random, simulation->plan.lost_reply))
                return random_chance(random, 0.7) ? STORE_FAULT_REPLY_LOST : STORE_FAULT_NOT_REACHED;
        return now_us(simulation) < simulation->store_full_until ? STORE_FAULT_FULL : STORE_FAULT_NONE;
}

static Process *any_process(Simulation *simulation) {
        Process *found = NULL;
        uint64_t count = 0;

        for (Process *process = simulation->processes; process; process = process->next)
                if (process->alive && random_below(&simulation->planning, ++count) == 0)
                        found = process;
        return found;
}

static void fault_kill(Simulation *simulation, Process *process) {
        int others = 0;

        for (int i = 0; i < simulation->plan.hubs; i++)
                others += !simulation->hub[i].gone && &simulation->hub[i] != process->hub;
        if (simulation->plan.cluster && others > 0 && random_chance(&simulation->planning, 0.2))
                process->hub->gone = true;
        simulation->result->crashes++;
        process_kill(process);
}

static void fault_freeze(Simulation *simulation, Process *process) {
        process_freeze(process, random_chance(&simulation->planning, 0.5)
                                        ? random_between(&simulation->planning, 10 * MILLISECONDS, 5 * SECONDS)
                                        : random_between(&simulation->planning, 5 * SECONDS, 60 * SECONDS));
}

static void fault_link(Simulation *simulation, Process *process) {
        Connection *connection = process->connections[random_below(&simulation->planning, DOMAINS)];

        if (connection && random_chance(&simulation->planning, 0.3))
                connection_stall(connection, random_between(&simulation->planning, SECONDS, 100 * SECONDS));
        else if (connection)
                connection_break(connection, false, false);
}

static void fault_server(Simulation *simulation, Process *process) {
        server_die(&simulation->servers[process->hub->server],
                   random_between(&simulation->planning, 100 * MILLISECONDS, 20 * SECONDS));
}

static void fault_twin(Simulation *simulation, Process *process) {
        (void) simulation;
        if (process->hub->process == process)
                hub_start(process->hub);
}

static void fault_drain(Simulation *simulation, Process *process) {
        if (process->draining)
                return;
        process->draining = true;
        trace(simulation, "drain", process->number, 0);
        process_post(process, 0, &(Event){ EVENT_DRAIN }, NULL);
}

static void fault_clock(Simulation *simulation, Process *process) {
        Random *random = &simulation->planning;
        Hub *hub = process->hub;

        if (random_chance(random, 0.3))
                hub->monotonic_offset += random_between(random, 0, 30 * SECONDS);
        else
                hub->wall_offset += random_between(random, -4000 * SECONDS, 4000 * SECONDS);
        trace(simulation, "clock jumps", hub->index, (uint64_t) hub->wall_offset);
}

static void fault_store_away(Simulation *simulation, Process *process) {
        (void) process;
        simulation->store_away_until = now_us(simulation) +
                                       random_between(&simulation->planning, 100 * MILLISECONDS, 20 * SECONDS);
        trace(simulation, "store away", 0, (uint64_t) simulation->store_away_until);
}

static void fault_store_full(Simulation *simulation, Process *process) {
        (void) process;
        simulation->store_full_until = now_us(simulation) +
                                       random_between(&simulation->planning, 100 * MILLISECONDS, 20 * SECONDS);
        trace(simulation, "store full", 0, (uint64_t) simulation->store_full_until);
}

static void fault_store_stall(Simulation *simulation, Process *process) {
        int64_t until_us = now_us(simulation) + random_between(&simulation->planning, 100 * MILLISECONDS, 30 * SECONDS);

        (void) process;
        if (until_us > simulation->store_stalled_until) /* what already waits, waits for the end of that stall */
                simulation->store_stalled_until = until_us;
        trace(simulation, "store stalls", 0, (uint64_t) simulation->store_stalled_until);
}

static void fault_pause(Simulation *simulation, Process *process) {
        int agent = (int) random_below(&simulation->planning, AGENTS);
        CastAgent *each = &simulation->cast.agents[agent];

        (void) process;
        if (now_us(simulation) - each->changed_us > 5 * SECONDS)
                cast_pause(simulation, agent, !each->paused);
}

static void fault_cache_lost(Simulation *simulation, Process *process) {
        (void) process;
        books_lose(simulation);
}

static void fault_cache_away(Simulation *simulation, Process *process) {
        (void) process;
        simulation->books.away_until = now_us(simulation) +
                                       random_between(&simulation->planning, 100 * MILLISECONDS, 20 * SECONDS);
        trace(simulation, "cache away", 0, (uint64_t) simulation->books.away_until);
}

static void fault_next(void *about, uint64_t number) {
        Simulation *simulation = about;
        const Plan *plan = &simulation->plan;
        const struct {
                double weight;
                void (*happen)(Simulation *simulation, Process *process);
        } faults[] = {
                { plan->kill, fault_kill },
                { plan->freeze, fault_freeze },
                { plan->link_break, fault_link },
                { plan->server_death, fault_server },
                { plan->twin, fault_twin },
                { plan->drain, fault_drain },
                { plan->clock_jump, fault_clock },
                { plan->store_away, fault_store_away },
                { plan->store_full, fault_store_full },
                { plan->store_stall, fault_store_stall },
                { plan->pauses, fault_pause },
                { plan->cache_lost, fault_cache_lost },
                { plan->cache_away, fault_cache_away },
        };
        double all = 0;

        (void) number;
        if (!simulation->chaos)
                return;
        for (size_t i = 0; i < COUNT_OF(faults); i++)
                all += faults[i].weight;
        double chosen = all * (double) random_below(&simulation->planning, 1000000) / 1000000;
        Process *process = any_process(simulation);
        for (size_t i = 0; i < COUNT_OF(faults) && process && all > 0; i++) {
                chosen -= faults[i].weight;
                if (chosen >= 0)
                        continue;
                faults[i].happen(simulation, process);
                break;
        }
        agenda_add(&simulation->agenda, now_us(simulation) + random_between(&simulation->planning, 0, 8 * SECONDS),
                   fault_next, simulation, 0);
}

void faults_begin(Simulation *simulation) {
        if (!simulation->plan.calm)
                agenda_add(&simulation->agenda, 2 * SECONDS, fault_next, simulation, 0);
}

/* Everything is mended; hubs that are gone for good stay gone, as long as others serve their domains. */
void faults_end(Simulation *simulation) {
        simulation->chaos = false;
        simulation->store_away_until = simulation->store_full_until = 0;
        simulation->books.away_until = 0;
        trace(simulation, "faults end", 0, 0);
        for (int i = 0; i < simulation->plan.hubs; i++) {
                Hub *hub = &simulation->hub[i];
                if (hub->gone && random_chance(&simulation->planning, 0.5))
                        hub->gone = false;
                if (!hub->process)
                        hub_restart_later(hub, random_between(&simulation->planning, 0, 20 * SECONDS));
        }
        for (int i = 0; i < AGENTS; i++)
                cast_pause(simulation, i, false);
}
