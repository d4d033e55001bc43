#include "tests/unit/simulator/simulation.h"

#include <assert.h>
#include <stdio.h>

void *run_take(Simulation *simulation, size_t size) {
        void *taken = arena_take(simulation->arena, size);

        assert(taken);
        return taken;
}

Text run_format(Simulation *simulation, const char *format, ...) {
        char buffer[256];
        va_list arguments;

        va_start(arguments, format);
        int length = vsnprintf(buffer, sizeof(buffer), format, arguments);
        va_end(arguments);
        assert(length >= 0 && (size_t) length < sizeof(buffer));
        return text_copy(simulation->arena, (Text){ buffer, (size_t) length });
}

Uuid run_uuid(uint64_t kind, uint64_t number) {
        Uuid uuid = { { (uint8_t) kind } };

        for (int i = 0; i < 8; i++)
                uuid.bytes[15 - i] = (uint8_t) (number >> (8 * i));
        return uuid;
}

static void line_print(const TraceLine *line) {
        printf("%12.6f  %-20s %6lld  %llu\n", (double) line->at_us / SECONDS, line->what, (long long) line->who,
               (unsigned long long) line->number);
}

static uint64_t mix(uint64_t hash, uint64_t value) {
        hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
        return hash ^ (hash >> 29);
}

void trace(Simulation *simulation, const char *what, int64_t who, uint64_t number) {
        TraceLine *line = &simulation->lines[simulation->line_count++ % LINES];
        uint64_t first = 0;

        memcpy(&first, what, strnlen(what, sizeof(first)));
        *line = (TraceLine){ now_us(simulation), what, who, number };
        simulation->trace = mix(mix(mix(mix(simulation->trace, (uint64_t) line->at_us), first), (uint64_t) who),
                                number);
        if (simulation->options->print_trace)
                line_print(line);
}

static void hubs_make(Simulation *simulation) {
        const Plan *plan = &simulation->plan;
        Random *random = &simulation->hubs;

        for (int i = 0; i < plan->hubs; i++) {
                Hub *hub = &simulation->hub[i];
                hub->simulation = simulation;
                hub->index = i;
                snprintf(hub->name, sizeof(hub->name), "hub%d", i);
                hub->server = plan->cluster ? i : 0;
                hub->monotonic_offset = random_between(random, SECONDS, 100000 * SECONDS);
                hub->wall_offset = plan->calm ? 0 : random_between(random, -SECONDS, SECONDS);
                for (int k = 0; k < plan->domains; k++)
                        hub->serves[k] = plan->cluster || k == i % plan->domains;
                hub->domains = hub->serves[0] && hub->serves[1]
                                       ? run_format(simulation, "%s %s", domain_names[0], domain_names[1])
                                       : text_of(domain_names[hub->serves[0] ? 0 : 1]);
                hub_restart_later(hub, random_between(random, 0, 500 * MILLISECONDS));
        }
        for (int i = 0; i < HUBS; i++)
                simulation->servers[i] = (Server){ .simulation = simulation, .index = i, .up = true };
}

static void begin(Simulation *simulation, uint64_t seed) {
        Random random = { seed };

        simulation->seed = seed;
        simulation->planning = random_fork(&random, 1);
        simulation->people = random_fork(&random, 2);
        simulation->network = random_fork(&random, 3);
        simulation->storage = random_fork(&random, 4);
        simulation->hubs = random_fork(&random, 5);
        simulation->turns = random_fork(&random, 6);
        simulation->provider = random_fork(&random, 7);
        simulation->sharing = random_fork(&random, 8);
        simulation->arena = arena_new(SIZE_MAX);
        simulation->store = simulated_store_new();
        simulated_store_refuse(simulation->store, text_of(UNSTORABLE));
        simulation->books.calls = map_new(1024);
        simulation->books.tools = map_new(256);
        simulation->chaos = true;
        check_watch(simulation);
        faults_plan(simulation);
        books_begin(simulation);
        cast_make(simulation);
        hubs_make(simulation);
        people_begin(simulation);
        faults_begin(simulation);
}

static bool run_until(Simulation *simulation, int64_t until_us) {
        while (simulation->result->violations == 0 && agenda_run(&simulation->agenda, until_us))
                ;
        if (simulation->agenda.now_us < until_us)
                simulation->agenda.now_us = until_us;
        return simulation->result->violations == 0;
}

static void run(Simulation *simulation) {
        while (simulation->note_count < (size_t) simulation->options->messages)
                if (!run_until(simulation, now_us(simulation) + SECONDS))
                        return;
        if (!run_until(simulation, now_us(simulation) + 5 * SECONDS))
                return;
        faults_end(simulation);
        int64_t patience_us = now_us(simulation) + QUIET_US;
        do
                if (!run_until(simulation, now_us(simulation) + 5 * SECONDS))
                        return;
        while (!check_is_settled(simulation) && now_us(simulation) < patience_us);
        if (run_until(simulation, now_us(simulation) + 10 * SECONDS))
                check_settled(simulation);
}

static void end(Simulation *simulation) {
        for (int i = 0; i < simulation->plan.hubs; i++)
                simulation->hub[i].gone = true;
        for (Process *process = simulation->processes; process; process = process->next)
                if (process->alive)
                        process_kill(process);
        agenda_release(&simulation->agenda);
        simulated_store_free(simulation->store);
        map_free(simulation->books.calls);
        map_free(simulation->books.tools);
        free(simulation->notes);
        free(simulation->writings);
        arena_free(simulation->arena);
}

static void plan_print(const Plan *plan) {
        printf("hubs %d, domains %d, %s, workers %d%s, crash %g, lost reply %g, kill %g, freeze %g, store away %g, "
               "store full %g, link %g, server %g, twin %g, drain %g, clock %g, pause %g\n",
               plan->hubs, plan->domains, plan->cluster ? "cluster" : "spread", plan->settings.workers,
               plan->calm ? ", calm" : "", plan->crash, plan->lost_reply, plan->kill, plan->freeze, plan->store_away,
               plan->store_full, plan->link_break, plan->server_death, plan->twin, plan->drain, plan->clock_jump,
               plan->pauses);
}

bool simulate(uint64_t seed, const SimulatorOptions *options, SimulatorResult *ret_result) {
        Simulation *simulation = memory_new(sizeof(*simulation));

        *ret_result = (SimulatorResult){ 0 };
        simulation->options = options;
        simulation->result = ret_result;
        begin(simulation, seed);
        if (options->print_trace)
                plan_print(&simulation->plan);
        run(simulation);
        ret_result->trace = simulation->trace;
        ret_result->simulated_us = now_us(simulation);
        if (ret_result->violations > 0 && options->print_last) {
                plan_print(&simulation->plan);
                for (uint64_t i = simulation->line_count > LINES ? simulation->line_count - LINES : 0;
                     i < simulation->line_count; i++)
                        line_print(&simulation->lines[i % LINES]);
        }
        end(simulation);
        free(simulation);
        return ret_result->violations == 0;
}
