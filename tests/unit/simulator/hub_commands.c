/* What a core asks for, carried out in the simulated world: each command may be the last before the process dies. */
#include "tests/unit/simulator/simulation.h"

static const char *const command_names[] = {
        [COMMAND_STORE] = "asks the store",
        [COMMAND_TURN] = "hands out a turn",
        [COMMAND_STEP_DONE] = "step done",
        [COMMAND_STOP_TURN] = "stops a turn",
        [COMMAND_SETTLE] = "settles",
        [COMMAND_ACCEPTED] = "accepts",
        [COMMAND_REFUSE] = "refuses",
        [COMMAND_ANSWER] = "answers",
        [COMMAND_DRAFT] = "shows a draft",
        [COMMAND_SILENCE] = "ends a turn without a word",
        [COMMAND_PING] = "pings",
        [COMMAND_CANCEL_DONE] = "cancel done",
        [COMMAND_CLOSE_LINKS] = "closes links",
        [COMMAND_OPEN_LINKS] = "opens links",
        [COMMAND_TELL] = "tells a person",
        [COMMAND_LOG] = "logs",
        [COMMAND_ALARM] = "raises an alarm",
        [COMMAND_NOTE] = "notes",
        [COMMAND_EXIT] = "exits",
};

static const char *const request_names[] = {
        [STORE_START] = "store: start",
        [STORE_COMMIT] = "store: commit",
        [STORE_BEAT] = "store: beat",
        [STORE_TAKE_OVER] = "store: take over",
        [STORE_READ_UNSENT] = "store: read unsent",
        [STORE_RELEASE] = "store: release",
};

static void die(void *about, uint64_t number) {
        Process *process = about;

        (void) number;
        if (process->alive)
                process_kill(process);
}

bool maybe_crash(Process *process) {
        Simulation *simulation = process->simulation;

        if (!simulation->chaos || !random_chance(&simulation->hubs, simulation->plan.crash))
                return false;
        simulation->result->crashes++;
        trace(simulation, "crash", process->number, 0);
        process_kill(process);
        return true;
}

/* At most once for a request: when it gets to the database, or at its hub's death, as luck has it. */
void process_store_apply(Process *process, bool at_death) {
        Simulation *simulation = process->simulation;
        const StoreRequest *request = process->request;
        StoreFault fault = at_death ? STORE_FAULT_NONE : faults_of_store(simulation, request);

        if (!request || !process->request_waits)
                return;
        process->request_waits = false;
        if (at_death && (request->kind == STORE_START || random_chance(&simulation->storage, 0.5)))
                return;
        int64_t wall_us = WALL_START + now_us(simulation);
        StoreReport *report = simulated_store_run(simulation->store, request, fault, wall_us);
        trace(simulation, request_names[request->kind], process->number, (uint64_t) report->result);
        simulation->result->commits += request->kind == STORE_COMMIT && report->result == STORE_DONE;
        simulation->result->takeovers += request->kind == STORE_TAKE_OVER && report->taken;
        if (request->kind == STORE_START || (request->kind == STORE_TAKE_OVER && report->taken))
                books_clear_up(simulation);
        if (at_death)
                arena_free(report->arena);
        else
                process_post(process, random_delay(&simulation->storage, MILLISECONDS),
                             &(Event){ EVENT_STORE, .report = report }, NULL);
}

static void store_reached(void *about, uint64_t number) {
        Process *process = about;

        if (!process->alive || process->request_generation != number)
                return;
        if (now_us(process->simulation) < process->simulation->store_stalled_until) {
                agenda_add(&process->simulation->agenda, process->simulation->store_stalled_until, store_reached,
                           process, number);
                return;
        }
        /* A frozen hub's request is in its own buffers still, or in the network already. */
        if (process->frozen && random_chance(&process->simulation->storage, 0.5)) {
                agenda_add(&process->simulation->agenda, process->frozen_until + 1, store_reached, process, number);
                return;
        }
        process_store_apply(process, false);
}

static void command_store(Process *process, const StoreRequest *request) {
        Simulation *simulation = process->simulation;

        if (process->request)
                check_violated(simulation, "a second request was given to the store before the first was reported");
        process->request = request;
        process->request_waits = true;
        process->request_generation++;
        agenda_add(&simulation->agenda, now_us(simulation) + random_delay(&simulation->storage, MILLISECONDS / 2),
                   store_reached, process, process->request_generation);
}

static void command_links(Process *process, bool open) {
        process->links_open = open;
        for (int i = 0; i < DOMAINS; i++)
                if (open && process->hub->serves[i])
                        server_connect(process, i);
                else if (!open && process->connections[i])
                        connection_break(process->connections[i], true, false);
}

static void command_send(Process *process, const Command *command) {
        Text jid = command->kind == COMMAND_PING     ? command->ping.domain
                   : command->kind == COMMAND_ANSWER ? command->answer.reply_to.agent
                                                     : command->arrival.reply_to.agent;
        int domain = domain_index(jid);

        if (domain >= 0 && process->connections[domain])
                connection_send(process->connections[domain], command);
}

static void command_exit(Process *process, const Failure *failure) {
        Simulation *simulation = process->simulation;

        trace(simulation, "exit", process->number, (uint64_t) failure->kind);
        check_exit(process, failure);
        agenda_add(&simulation->agenda, now_us(simulation), die, process, 0);
}

static void command_settle(Process *process, const Command *command) {
        Life *life = life_of(process->simulation, command->settle.message_id);

        if (life)
                books_settle(process, life, INT32_MAX, command->settle.total.units[BUDGET_MONEY]);
        else
                check_violated(process->simulation, "money was settled for a message that is not durable");
}

void process_command(Process *process, const Command *command) {
        Simulation *simulation = process->simulation;

        bool arrival = command->kind == COMMAND_ACCEPTED || command->kind == COMMAND_REFUSE;
        trace(simulation, command_names[command->kind], process->number, arrival ? command->arrival.ticket : 0);
        switch (command->kind) {
        case COMMAND_STORE:
                command_store(process, command->request);
                break;
        case COMMAND_TURN:
                check_turn(process, command->turn.turn, command->turn.input);
                turn_begin(process, command->turn.turn, command->turn.input);
                break;
        case COMMAND_STEP_DONE:
                turn_step_done(process, command->turn.turn, &command->turn.failure);
                break;
        case COMMAND_STOP_TURN:
                turn_stop(process, command->turn.turn);
                break;
        case COMMAND_SETTLE:
                command_settle(process, command);
                break;
        case COMMAND_ACCEPTED:
        case COMMAND_REFUSE:
                check_arrival(process, command);
                if (command->arrival.reply_to.door == DOOR_CHAT &&
                    (command->kind == COMMAND_REFUSE || command->arrival.receipt_wanted))
                        command_send(process, command);
                break;
        case COMMAND_ANSWER:
                check_answer(process, command);
                if (command->answer.reply_to.door == DOOR_CHAT)
                        command_send(process, command);
                break;
        case COMMAND_DRAFT:
                check_draft(process, command);
                break;
        case COMMAND_PING:
                command_send(process, command);
                break;
        case COMMAND_CANCEL_DONE:
                check_cancel_done(process, command);
                break;
        case COMMAND_CLOSE_LINKS:
        case COMMAND_OPEN_LINKS:
                command_links(process, command->kind == COMMAND_OPEN_LINKS);
                break;
        case COMMAND_SILENCE:
        case COMMAND_TELL:
        case COMMAND_LOG:
        case COMMAND_ALARM:
        case COMMAND_NOTE:
                break;
        case COMMAND_EXIT:
                command_exit(process, &command->note.failure);
                break;
        }
}
