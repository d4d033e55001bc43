/* A hub: the machine with its clocks, and the processes that run on it, each with a core of its own. */
#include "tests/unit/simulator/simulation.h"

#include <assert.h>

Moment process_now(const Process *process) {
        int64_t now = now_us(process->simulation);

        return (Moment){ now + process->hub->monotonic_offset, WALL_START + now + process->hub->wall_offset };
}

static uint64_t process_random(void *source) {
        return random_next(source);
}

static void tick(void *about, uint64_t number);

static void tick_later(Process *process) {
        int64_t wake = core_wake(process->core) - process->hub->monotonic_offset;

        /* An earlier one is on the agenda already: it asks again. */
        if (process->tick_at > now_us(process->simulation) && process->tick_at <= wake)
                return;
        process->tick_at = wake > now_us(process->simulation) ? wake : now_us(process->simulation) + 1;
        agenda_add(&process->simulation->agenda, process->tick_at, tick, process, (uint64_t) process->tick_at);
}

static void link_ended(Process *process, Text domain) {
        int index = domain_index(domain);

        process->downs[index]--;
        if (process->links_open)
                server_connect(process, index);
}

void process_handle(Process *process, const Event *event) {
        if (event->kind == EVENT_STORE)
                check_report(process, event->report);
        if (event->kind == EVENT_STORE)
                process->request = NULL;
        if (event->kind == EVENT_MESSAGE) {
                event->arrival->arrived_us = process_now(process).monotonic_us;
                Writing *writing = writing_of(process->simulation, event->arrival->ticket);
                writing->arrived = true;
                writing->losses = process->losses;
        }
        process->simulation->result->events++;
        core_set_cache_away(process->core, !books_are_open(process->simulation));
        core_step(process->core, process_now(process), event, &process->commands);
        for (size_t i = 0; i < process->commands.count && process->alive; i++) {
                process_command(process, &process->commands.items[i]);
                if (process->alive)
                        maybe_crash(process);
        }
        if (process->alive && event->kind == EVENT_LINK_DOWN)
                link_ended(process, event->link.domain);
        if (process->alive)
                tick_later(process);
        if (process->alive)
                sharing_later(process);
}

static void tick(void *about, uint64_t number) {
        Process *process = about;

        if (!process->alive || process->frozen || process->tick_at != (int64_t) number)
                return;
        process->tick_at = 0;
        process_handle(process, &(Event){ EVENT_TICK });
}

static void delivery_unlink(Delivery *delivery) {
        *(delivery->before ? &delivery->before->next : &delivery->process->deliveries) = delivery->next;
        if (delivery->next)
                delivery->next->before = delivery->before;
}

/* What an event brings along belongs to whoever drops it. */
static void event_drop(const Event *event) {
        if (event->kind == EVENT_MESSAGE)
                arena_free(event->arrival->arena);
        else if (event->kind == EVENT_STORE)
                arena_free(event->report->arena);
        else if (event->kind == EVENT_TURN_ENDED)
                arena_free(event->ended.arena);
}

static void delivery_take(Process *process, const Delivery *delivery) {
        if (delivery->is_wake)
                turn_resume(process, delivery->turn, delivery->wake);
        else if (delivery->connection && !delivery->connection->up)
                event_drop(&delivery->event);
        else
                process_handle(process, &delivery->event);
}

static void deliver(void *about, uint64_t number) {
        Delivery *delivery = about;
        Process *process = delivery->process;

        (void) number;
        if (!delivery->dead && process->frozen) {
                delivery->next_held = NULL;
                *(process->held_last ? &process->held_last->next_held : &process->held_first) = delivery;
                process->held_last = delivery;
                return;
        }
        Delivery taken = *delivery;
        if (!delivery->dead)
                delivery_unlink(delivery);
        delivery->next = process->simulation->free_deliveries;
        process->simulation->free_deliveries = delivery;
        if (!taken.dead)
                delivery_take(process, &taken);
}

static Delivery *delivery_new(Process *process, int64_t delay) {
        Simulation *simulation = process->simulation;
        Delivery *delivery = simulation->free_deliveries;

        if (delivery)
                simulation->free_deliveries = delivery->next;
        else
                delivery = run_take(simulation, sizeof(*delivery));
        *delivery = (Delivery){ .process = process, .next = process->deliveries };
        if (delivery->next)
                delivery->next->before = delivery;
        process->deliveries = delivery;
        agenda_add(&simulation->agenda, now_us(simulation) + delay, deliver, delivery, 0);
        return delivery;
}

void process_post(Process *process, int64_t delay, const Event *event, Connection *connection) {
        if (!process->alive) {
                event_drop(event);
                return;
        }
        Delivery *delivery = delivery_new(process, delay);
        delivery->event = *event;
        delivery->connection = connection;
}

void process_wake_turn(Process *process, int64_t delay, const SimulatedTurn *turn) {
        Delivery *delivery = delivery_new(process, delay);

        delivery->is_wake = true;
        delivery->turn = turn->number;
        delivery->wake = turn->wake;
}

/* What a process waits for: its stream, its store, its threads. Within one source things keep their order. */
static int source_of(const Delivery *delivery) {
        if (delivery->is_wake || delivery->event.kind == EVENT_STEP || delivery->event.kind == EVENT_TURN_ENDED ||
            delivery->event.kind == EVENT_WAIT_OVER)
                return 2;
        return delivery->event.kind == EVENT_STORE ? 1 : 0;
}

static void thaw(void *about, uint64_t number) {
        Process *process = about;
        int first = (int) random_below(&process->simulation->hubs, 3);

        if (!process->alive || process->frozen_until != (int64_t) number)
                return;
        process->frozen = false;
        trace(process->simulation, "thawed", process->number, 0);
        Delivery *held = process->held_first;
        process->held_first = process->held_last = NULL;
        for (int i = 0; i < 3; i++)
                for (Delivery *each = held, *next; each; each = next) {
                        next = each->next_held;
                        if (source_of(each) == (first + i) % 3)
                                agenda_add(&process->simulation->agenda, now_us(process->simulation), deliver, each, 0);
                }
        process->tick_at = 0;
        tick_later(process);
}

void process_freeze(Process *process, int64_t duration) {
        Simulation *simulation = process->simulation;

        if (process->frozen)
                return;
        process->frozen = true;
        process->frozen_until = now_us(simulation) + duration;
        simulation->result->freezes++;
        trace(simulation, "frozen", process->number, (uint64_t) duration);
        agenda_add(&simulation->agenda, process->frozen_until, thaw, process, (uint64_t) process->frozen_until);
}

static void start_later(void *about, uint64_t number) {
        Hub *hub = about;

        (void) number;
        hub->returns = false;
        if (!hub->process && !hub->gone)
                hub_start(hub);
}

void hub_restart_later(Hub *hub, int64_t delay) {
        if (hub->returns || hub->gone)
                return;
        hub->returns = true;
        agenda_add(&hub->simulation->agenda, now_us(hub->simulation) + delay, start_later, hub, 0);
}

/* Everything in its memory is gone. What it had asked the store for arrives there, or does not. */
void process_kill(Process *process) {
        Hub *hub = process->hub;

        assert(process->alive);
        trace(process->simulation, "process ends", process->number, 0);
        process_store_apply(process, true);
        process->alive = false;
        for (int i = 0; i < DOMAINS; i++)
                if (process->connections[i])
                        connection_break(process->connections[i], false,
                                         random_chance(&process->simulation->network, 0.5));
        turns_kill(process);
        for (Delivery *each = process->deliveries, *next; each; each = next) {
                next = each->next;
                each->dead = true;
                if (!each->is_wake)
                        event_drop(&each->event);
        }
        /* Those on the agenda free themselves when they are due, those held would never be. */
        for (Delivery *each = process->held_first; each; each = each->next_held) {
                each->next = process->simulation->free_deliveries;
                process->simulation->free_deliveries = each;
        }
        process->deliveries = process->held_first = process->held_last = NULL;
        check_process_gone(process);
        core_free(process->core);
        process->core = NULL;
        sharing_end(process);
        commands_release(&process->commands);
        if (hub->process != process)
                return;
        hub->process = NULL;
        if (!hub->gone)
                hub_restart_later(hub, random_between(&process->simulation->hubs, 100 * MILLISECONDS, 40 * SECONDS));
}

Process *hub_start(Hub *hub) {
        Simulation *simulation = hub->simulation;
        Process *process = run_take(simulation, sizeof(*process));

        process->simulation = simulation;
        process->hub = hub;
        process->number = ++simulation->process_count;
        process->random = random_fork(&simulation->hubs, (uint64_t) process->number);
        process->id = run_uuid('p', random_next(&simulation->hubs));
        process->settings = simulation->plan.settings;
        process->settings.hub = text_of(hub->name);
        process->settings.domains = hub->domains;
        process->settings.process = process->id;
        process->settings.random = process_random;
        process->settings.random_source = &process->random;
        process->core = core_new(&process->settings, cast_directory(simulation, hub->domains));
        process->lanes = map_new(64);
        sharing_begin(process);
        process->alive = true;
        process->next = simulation->processes;
        simulation->processes = process;
        hub->process = process;
        trace(simulation, "process starts", process->number, (uint64_t) hub->index);
        process_post(process, random_between(&simulation->hubs, 0, 100 * MILLISECONDS), &(Event){ EVENT_START }, NULL);
        return process;
}
