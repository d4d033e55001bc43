/* The world of a turn, made of coroutines: each call is a place where the turn is left, comes back later, is stopped,
 * or dies with its process. A turn whose process died runs on as a ghost, every call failing at once and doing nothing,
 * so that its own code releases what it holds. */
#include "tests/unit/simulator/simulation.h"

#include <assert.h>

#define TURN_ARENA (4 * 1024 * 1024)

static SimulatedTurn *turn_of(World *world) {
        return (SimulatedTurn *) world;
}

static bool is_cancelled(Failure *reterr) {
        return failure_set(reterr, FAILURE_CANCELLED, "The turn was stopped.");
}

static void die(void *about, uint64_t number) {
        Process *process = about;

        (void) number;
        if (!process->alive)
                return;
        process->simulation->result->crashes++;
        process_kill(process);
}

static void leave(SimulatedTurn *turn) {
        Simulation *simulation = turn->process->simulation;

        if (simulation->chaos && random_chance(&simulation->turns, simulation->plan.crash))
                agenda_add(&simulation->agenda, now_us(simulation), die, turn->process, 0);
        turn->waiting = true;
        coroutine_yield();
        turn->waiting = false;
}

bool turn_pause(SimulatedTurn *turn, int64_t delay) {
        if (turn->ghost)
                return false;
        turn->wake++;
        process_wake_turn(turn->process, delay, turn);
        leave(turn);
        return !turn->ghost;
}

bool turn_pause_interruptibly(SimulatedTurn *turn, int64_t delay) {
        if (turn->stopped)
                return false;
        turn->interruptible = true;
        bool lives = turn_pause(turn, delay);
        turn->interruptible = false;
        return lives && !turn->stopped;
}

static Moment world_now(World *world) {
        return process_now(turn_of(world)->process);
}

static bool world_sleep(World *world, int64_t microseconds) {
        return turn_pause_interruptibly(turn_of(world), microseconds);
}

static bool world_stopped(World *world) {
        return turn_of(world)->ghost || turn_of(world)->stopped;
}

static void world_stream(World *world, Text piece) {
        SimulatedTurn *turn = turn_of(world);
        Simulation *simulation = turn->process->simulation;
        Event event = { EVENT_STREAM, .stream = { turn->number, piece } };

        if (!turn->ghost)
                process_post(turn->process, random_delay(&simulation->turns, MILLISECONDS / 20), &event, NULL);
}

static bool world_operate(World *world, const TurnInput *input, Arena *arena, Text *ret_answer, Failure *reterr) {
        SimulatedTurn *turn = turn_of(world);
        Simulation *simulation = turn->process->simulation;

        (void) input;
        if (!turn_pause(turn, random_delay(&simulation->turns, MILLISECONDS)))
                return is_cancelled(reterr);
        if (now_us(simulation) < simulation->store_away_until)
                return failure_set(reterr, FAILURE_UNAVAILABLE, "The simulated database is away.");
        check_operate(turn);
        if (!turn_pause(turn, random_delay(&simulation->turns, MILLISECONDS)))
                return is_cancelled(reterr);
        *ret_answer = text_copy(arena, TEXT("Done."));
        return true;
}

static bool world_recall(World *world, const TurnInput *input, Arena *arena, Recalled *ret_recalled, Failure *reterr) {
        SimulatedTurn *turn = turn_of(world);
        Simulation *simulation = turn->process->simulation;

        if (!turn_pause(turn, random_delay(&simulation->turns, MILLISECONDS)))
                return is_cancelled(reterr);
        if (now_us(simulation) < simulation->store_away_until)
                return failure_set(reterr, FAILURE_UNAVAILABLE, "The simulated database is away.");
        *ret_recalled = (Recalled){ .version = turn->version };
        if (input->body.length == 0)
                ret_recalled->body = text_copy(arena, turn->life->stored->accepted.body);
        return true;
}

/* What others still hold, the books wait for. */
static bool world_reserve(World *world, const TurnInput *input, const CallBound *call, Reserved *ret_reserved,
                          Failure *reterr) {
        SimulatedTurn *turn = turn_of(world);
        Simulation *simulation = turn->process->simulation;

        ret_reserved->granted = call->most;
        if (!turn_pause(turn, random_delay(&simulation->turns, MILLISECONDS / 4)))
                return is_cancelled(reterr);
        if (books_reserve(turn->process, turn->life, call, &ret_reserved->granted.units[BUDGET_MONEY],
                          &ret_reserved->waits, reterr)) {
                books_wait_no_more(turn->process, turn->life);
                turn->reserved = call->key;
                return turn_pause(turn, random_delay(&simulation->turns, MILLISECONDS / 4)) || is_cancelled(reterr);
        }
        ret_reserved->spent.known = reterr->kind == FAILURE_LIMIT;
        ret_reserved->waits &= !input->last;
        if (ret_reserved->waits)
                books_wait(turn->process, turn->life, call);
        return false;
}

static bool world_sent(World *world, const TurnInput *input, CallKey key, Failure *reterr) {
        SimulatedTurn *turn = turn_of(world);

        (void) input;
        if (!turn_pause(turn, random_delay(&turn->process->simulation->turns, MILLISECONDS / 4)))
                return is_cancelled(reterr);
        return books_sent(turn, key, reterr) &&
               (turn_pause(turn, random_delay(&turn->process->simulation->turns, MILLISECONDS / 4)) ||
                is_cancelled(reterr));
}

static void world_release(World *world, const TurnInput *input, CallKey key) {
        (void) input;
        if (!turn_of(world)->ghost)
                books_release(turn_of(world), key);
}

static void world_settle(World *world, const TurnInput *input, int32_t ordinal, BudgetAmounts total) {
        SimulatedTurn *turn = turn_of(world);

        (void) input;
        if (!turn->ghost)
                books_settle(turn->process, turn->life, ordinal, total.units[BUDGET_MONEY]);
}

static bool world_presumed(World *world, const TurnInput *input, const CallBound *call, int32_t covered,
                           BudgetAmounts *ret_amounts, Failure *reterr) {
        SimulatedTurn *turn = turn_of(world);

        (void) input;
        *ret_amounts = (BudgetAmounts){ 0 };
        if (!turn_pause(turn, random_delay(&turn->process->simulation->turns, MILLISECONDS / 4)))
                return is_cancelled(reterr);
        return books_presumed(turn, call->key, covered, call->spent.units[BUDGET_MONEY],
                              &ret_amounts->units[BUDGET_MONEY], reterr);
}

static bool world_model(World *world, const ModelRequest *request, Arena *arena, ModelReply *ret_reply,
                        Failure *reterr) {
        if (request->stream)
                request->stream(request->listener, TEXT("So far"));
        return provider_model(turn_of(world), request, arena, ret_reply, reterr);
}

static bool world_tool_is_idempotent(World *world, Text name) {
        (void) world;
        return provider_tool_is_idempotent(name);
}

static bool world_tool(World *world, const TurnInput *input, CallKey key, const ModelToolCall *call, Arena *arena,
                       ToolResult *ret_result, Failure *reterr) {
        (void) input;
        return provider_tool(turn_of(world), key, call, arena, ret_result, reterr);
}

static bool world_step(World *world, const TurnInput *input, const TurnStep *step, Failure *reterr) {
        SimulatedTurn *turn = turn_of(world);
        Simulation *simulation = turn->process->simulation;
        Event event = { EVENT_STEP, .step = { turn->number, step->ordinal, step->kind, step->payload, step->spent } };

        (void) input;
        if (turn->ghost)
                return is_cancelled(reterr);
        simulation->result->steps++;
        turn->wake++;
        turn->awaits_step = true;
        process_post(turn->process, random_delay(&simulation->turns, MILLISECONDS / 20), &event, NULL);
        leave(turn);
        if (turn->ghost)
                return is_cancelled(reterr);
        *reterr = turn->step_failure;
        return turn->step_failure.kind == FAILURE_NONE;
}

static const World world_calls = {
        .now = world_now,
        .sleep = world_sleep,
        .operate = world_operate,
        .recall = world_recall,
        .reserve = world_reserve,
        .sent = world_sent,
        .release = world_release,
        .settle = world_settle,
        .presumed = world_presumed,
        .model = world_model,
        .tool_is_idempotent = world_tool_is_idempotent,
        .tool = world_tool,
        .step = world_step,
        .stream = world_stream,
        .stopped = world_stopped,
};

static void turn_body(void *argument) {
        SimulatedTurn *turn = argument;
        Simulation *simulation = turn->process->simulation;

        turn_run(turn->input, &turn->world, turn->arena, turn->result);
        if (turn->ghost)
                return;
        check_turn_left(turn);
        Event event = { EVENT_TURN_ENDED, .ended = { .turn = turn->number,
                                                     .arena = turn->arena,
                                                     .result = turn->result,
                                                     .worker = TEXT("simulated") } };
        turn->arena = NULL;
        process_post(turn->process, random_delay(&simulation->turns, MILLISECONDS / 20), &event, NULL);
}

static const Version *version_of(const Simulation *simulation, Uuid agent_id) {
        for (int i = 0; i < AGENTS; i++)
                if (uuid_equal(simulation->cast.agents[i].version.agent_id, agent_id))
                        return &simulation->cast.agents[i].version;
        return NULL;
}

void turn_begin(Process *process, uint64_t number, const TurnInput *input) {
        Simulation *simulation = process->simulation;
        SimulatedTurn *turn = memory_new(sizeof(*turn));

        turn->world = world_calls;
        turn->process = process;
        turn->life = life_of(simulation, input->message_id);
        if (turn->life && input->attempt == 0)
                life_counted(turn->life, process);
        turn->version = version_of(simulation, input->agent_id);
        turn->number = number;
        turn->input = input;
        turn->arena = arena_new(TURN_ARENA);
        turn->result = arena_take(turn->arena, sizeof(*turn->result));
        turn->coroutine = coroutine_new(turn_body, turn);
        turn->waiting = true;
        turn->next = process->turns;
        process->turns = turn;
        assert(turn->life && turn->version && turn->result);
        process_wake_turn(process, random_delay(&simulation->turns, MILLISECONDS / 20), turn);
}

static void turn_free(SimulatedTurn *turn) {
        for (SimulatedTurn **each = &turn->process->turns; *each; each = &(*each)->next)
                if (*each == turn) {
                        *each = turn->next;
                        break;
                }
        if (turn->arena)
                arena_free(turn->arena);
        coroutine_free(turn->coroutine);
        free(turn);
}

static SimulatedTurn *turn_find(const Process *process, uint64_t number) {
        for (SimulatedTurn *turn = process->turns; turn; turn = turn->next)
                if (turn->number == number)
                        return turn;
        return NULL;
}

/* Found by its number: when an old wake comes, the turn may have ended long ago. */
void turn_resume(Process *process, uint64_t number, uint64_t wake) {
        SimulatedTurn *turn = turn_find(process, number);

        if (!turn || !turn->waiting || turn->wake != wake)
                return;
        trace(process->simulation, "turn goes on", process->number, number);
        if (!coroutine_resume(turn->coroutine))
                turn_free(turn);
}

void turn_step_done(Process *process, uint64_t number, const Failure *failure) {
        SimulatedTurn *turn = turn_find(process, number);

        if (!turn || !turn->awaits_step) {
                check_violated(process->simulation, "a step was reported that no turn waits for");
                return;
        }
        turn->awaits_step = false;
        turn->step_failure = *failure;
        process_wake_turn(process, random_delay(&process->simulation->turns, MILLISECONDS / 20), turn);
}

void turn_stop(Process *process, uint64_t number) {
        SimulatedTurn *turn = turn_find(process, number);

        if (!turn || turn->stopped)
                return;
        turn->stopped = true;
        if (turn->interruptible && turn->waiting)
                process_wake_turn(process, random_delay(&process->simulation->turns, MILLISECONDS / 10), turn);
}

void turns_kill(Process *process) {
        while (process->turns) {
                SimulatedTurn *turn = process->turns;
                turn->ghost = true;
                bool goes_on = coroutine_resume(turn->coroutine);
                assert(!goes_on);
                turn_free(turn);
        }
}
