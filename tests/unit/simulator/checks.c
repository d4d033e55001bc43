/* What must hold while a run goes on: each check stands where the thing happens, and compares it with what the store,
 * the provider and the people know. */
#include "tests/unit/simulator/simulation.h"

#include <assert.h>
#include <stdio.h>

/* One conversation as one process serves it. */
typedef struct LaneWatch {
        uint64_t running; /* its turn; 0 = none */
        int64_t begun_us;
        Uuid tenant_id;
        bool operates;                     /* the turn runs an operation, which no limit of turns counts */
        int64_t own;                       /* sequence served last, of what its hub accepted and nobody took over */
        int64_t inherited[SIMULATED_HUBS]; /* and of what others accepted */
        char key[];
} LaneWatch;

void check_violated(Simulation *simulation, const char *format, ...) {
        SimulatorResult *result = simulation->result;

        if (result->violations++ > 0)
                return;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(result->violation, sizeof(result->violation), format, arguments);
        va_end(arguments);
        result->violated_us = now_us(simulation);
        result->violated_lines = simulation->line_count;
        trace(simulation, "VIOLATION", 0, 0);
}

Life *life_of(const Simulation *simulation, Uuid id) {
        const StoredMessage *message = simulated_store_find(simulation->store, id);

        return message ? message->life : NULL;
}

/* Whether the process still holds what it works on; a frozen one that woke up may not, and not know it yet. */
static bool holds(const Process *process, const Life *life) {
        const SimulatedStore *store = process->simulation->store;
        int hub = simulated_store_hub(store, text_of(process->hub->name));

        return hub >= 0 && simulated_store_epoch(store, hub) == core_counts(process->core).epoch &&
               simulated_store_owner(store, life->stored->hub, life->stored->accepted.sequence) == hub;
}

/* Stanzas of messages with an origin id are named after their ticket. */
static Writing *writing_named(Simulation *simulation, Text stanza_id) {
        int64_t ticket;

        if (stanza_id.length < 2 || !text_to_int64((Text){ stanza_id.bytes + 1, stanza_id.length - 1 }, &ticket))
                return NULL;
        return writing_of(simulation, (uint64_t) ticket);
}

static void row_accepted(void *self, StoredMessage *message) {
        Simulation *simulation = self;
        Note *note = note_of(simulation, message->accepted.body);
        Life *life = run_take(simulation, sizeof(*life));

        message->life = life;
        life->stored = message;
        life->note = note;
        simulation->result->lives++;
        if (!note) {
                check_violated(simulation, "a row was written that nobody wrote");
                return;
        }
        trace(simulation, "row accepted", message->hub, (uint64_t) note->number);
        life->rounds = random_chance(&simulation->provider, 0.5)
                               ? 0
                               : (int) random_between(&simulation->provider, 1, ROUNDS - 1);
        if (!note->entitled)
                check_violated(simulation, "a message was accepted from somebody who may not talk to the agent");
        if (note->lives++ > 0 && note->origin_id.length)
                check_violated(simulation, "a repeat was accepted as another message");
        Writing *writing = note->origin_id.length ? writing_named(simulation, message->accepted.reply_to.stanza_id)
                                                  : NULL;
        if (!writing)
                return;
        writing->wrote_row = true;
        if (writing->refused && !writing->let_go)
                check_violated(simulation, "a message was refused before acceptance, and left a row");
}

/* By who wrote it: corrected, taken back, or stopped in its lane. */
static bool was_stopped(const Simulation *simulation, const Note *note) {
        for (size_t i = simulation->note_count; !note->corrected && i > 0; i--) {
                const Note *later = simulation->notes[i - 1];
                if (later->stops && later->account == note->account && later->agent == note->agent &&
                    text_equal(later->thread, note->thread))
                        return true;
        }
        return note->corrected;
}

static void row_concluded(void *self, StoredMessage *message) {
        Simulation *simulation = self;
        const Life *life = message->life;
        SimulatorResult *result = simulation->result;

        trace(simulation, "row concluded", message->concluded_hub, (uint64_t) message->concluded->outcome);
        switch (message->concluded->outcome) {
        case OUTCOME_SUCCESS:
                result->answered++;
                break;
        case OUTCOME_REFUSED:
                result->refused++;
                break;
        case OUTCOME_CANCELLED:
                result->cancelled++;
                if (!life->cancel_asked && !was_stopped(simulation, life->note))
                        check_violated(simulation, "a message was cancelled that nobody asked to cancel");
                break;
        default:
                result->failed++;
        }
        if (life->note->command && !life->note->stops && message->concluded->outcome == OUTCOME_SUCCESS &&
            !life->operated)
                check_violated(simulation, "a command was concluded with success and its operation was not run");
        if (message->concluded->outcome == OUTCOME_SUCCESS && message->concluded->answer.length == 0)
                check_violated(simulation, "a message was concluded with success and without an answer");
        if (life->asked_for_tools)
                return;
        for (size_t i = 0; i < message->step_count; i++)
                if (message->steps[i].kind != STEP_TAKEN_UP && message->steps[i].kind != STEP_PRESUMED)
                        check_violated(simulation, "a turn without tools wrote a step");
}

static void row_violated(void *self, const char *sentence) {
        check_violated(self, "%s", sentence);
}

void check_watch(Simulation *simulation) {
        simulated_store_watch(simulation->store,
                              &(StoreWatcher){ simulation, row_accepted, row_concluded, row_violated });
}

void check_report(Process *process, const StoreReport *report) {
        if (report->kind == STORE_START)
                process->leading = report->result == STORE_DONE;
        else if (report->result == STORE_FENCED && report->kind != STORE_TAKE_OVER)
                process->leading = false;
        if (!process->leading) {
                process->losses++;
                LaneWatch *lane;
                for (size_t i = 0; (lane = map_each(process->lanes, &i));)
                        lane->running = 0;
        }
}

static void check_refused(Process *process, Writing *writing, const Failure *failure) {
        Simulation *simulation = process->simulation;
        const Note *note = writing->note;

        writing->refused = true;
        /* A caller on a socket, let go with the lease: it may ask again with its key. */
        writing->let_go = failure->kind == FAILURE_UNAVAILABLE && note->rest && process->losses > writing->losses;
        if (writing->let_go)
                return;
        if (writing->wrote_row)
                check_violated(simulation, "a message was refused before acceptance, and left a row");
        if (failure->kind == FAILURE_LIMIT) {
                if (simulation->plan.calm)
                        check_violated(simulation, "on a calm day a message was refused: %s", failure->text);
                return;
        }
        if (!note->entitled) {
                if (!simulation->absent.kind)
                        simulation->absent = *failure;
                if (memcmp(&simulation->absent.kind, &failure->kind, sizeof(failure->kind)) != 0 ||
                    strcmp(simulation->absent.text, failure->text) != 0)
                        check_violated(simulation, "two strangers were given different reasons: %s", failure->text);
                return;
        }
        bool away = simulation->plan.cache_lost > 0 || simulation->plan.cache_away > 0;
        bool expected = (failure->kind == FAILURE_UNAVAILABLE && (away || simulation->plan.pauses > 0)) ||
                        (failure->kind == FAILURE_CONFLICT && simulation->plan.conflicts > 0 &&
                         note->origin_id.length) ||
                        (failure->kind == FAILURE_INVALID && note->unstorable);
        if (!expected)
                check_violated(simulation, "a message of somebody entitled was refused: %s", failure->text);
}

static void check_accepted(Process *process, Writing *writing, Uuid id) {
        Simulation *simulation = process->simulation;
        Life *life = life_of(simulation, id);

        writing->accepted = true;
        if (!life)
                check_violated(simulation, "a receipt was promised before the commit");
        else if (life->note != writing->note)
                check_violated(simulation, "a receipt was promised for another message");
        else if (!uuid_equal(life->stored->accepted.id, id))
                check_violated(simulation, "a receipt names another message");
        else
                simulation->result->repeats += life->promised++ > 0;
        if (!process->leading)
                check_violated(simulation, "a hub that lost its lease sent a receipt");
}

void check_arrival(Process *process, const Command *command) {
        Simulation *simulation = process->simulation;
        Writing *writing = writing_of(simulation, command->arrival.ticket);

        if (!writing || writing->process != process || !writing->arrived || writing->accepted || writing->refused) {
                check_violated(simulation, "a ticket was answered that was not open");
                return;
        }
        if (!text_equal(command->arrival.reply_to.stanza_id, writing->stanza_id) ||
            !text_equal(command->arrival.reply_to.address, writing->note->address))
                check_violated(simulation, "a receipt or refusal goes to somebody else");
        if (command->kind == COMMAND_ACCEPTED)
                check_accepted(process, writing, command->arrival.message_id);
        else
                check_refused(process, writing, &command->arrival.failure);
}

static bool is_person(Text address, Text bare) {
        return text_starts_with(address, bare) && (address.length == bare.length || address.bytes[bare.length] == '/');
}

void check_answer(Process *process, const Command *command) {
        Simulation *simulation = process->simulation;
        const Life *life = life_of(simulation, command->answer.message_id);
        const ConcludedRecord *concluded = life ? life->stored->concluded : NULL;

        if (!process->leading)
                check_violated(simulation, "a hub that lost its lease sent an answer");
        if (!concluded) {
                check_violated(simulation, "an answer was sent that is not durable");
                return;
        }
        if (!text_equal(concluded->answer, command->answer.text) ||
            !text_equal(concluded->explanation, command->answer.explanation) ||
            concluded->outcome != command->answer.outcome || concluded->reason != command->answer.reason)
                check_violated(simulation, "two answers of one message differ");
        if (!is_person(command->answer.reply_to.address, life->stored->accepted.sender) ||
            !text_equal(command->answer.reply_to.agent, life->stored->accepted.reply_to.agent))
                check_violated(simulation, "an answer goes to somebody else");
        trace(simulation, "answer", process->number, (uint64_t) life->note->number);
}

void check_draft(Process *process, const Command *command) {
        Simulation *simulation = process->simulation;
        const Life *life = life_of(simulation, command->draft.message_id);

        if (!process->leading)
                check_violated(simulation, "a hub that lost its lease showed a draft");
        if (!life || !is_person(command->draft.reply_to.address, life->stored->accepted.sender))
                check_violated(simulation, "a draft goes to somebody else");
        else if (life->stored->concluded && holds(process, life))
                check_violated(simulation, "a draft was shown after the answer");
}

static LaneWatch *lane_watch(Process *process, const TurnInput *input) {
        char buffer[256];
        int length = snprintf(buffer, sizeof(buffer), "%02x%02x%.*s %.*s", input->agent_id.bytes[0],
                              input->agent_id.bytes[15], TEXT_ARGUMENTS(input->sender), TEXT_ARGUMENTS(input->thread));
        LaneWatch *lane = map_get(process->lanes, (Text){ buffer, (size_t) length });

        if (!lane) {
                lane = memory_new(sizeof(*lane) + (size_t) length + 1);
                memcpy(lane->key, buffer, (size_t) length);
                map_put(process->lanes, (Text){ lane->key, (size_t) length }, lane);
        }
        return lane;
}

/* Of the narrow tenant's, those that began no later than that. */
static int turns_of_narrow(const Process *process, int64_t begun_us) {
        Uuid narrow = process->simulation->cast.tenants[CAST_NARROW_TENANT];
        const LaneWatch *lane;
        int turns = 0;

        for (size_t i = 0; (lane = map_each(process->lanes, &i));)
                turns += lane->running && !lane->operates && lane->begun_us <= begun_us &&
                         uuid_equal(lane->tenant_id, narrow);
        return turns;
}

/* When nothing breaks, every hub has heard of what runs elsewhere for so long. */
static void check_gauge(const Process *process, const LaneWatch *lane) {
        const Simulation *simulation = process->simulation;
        int64_t now = now_us(simulation);
        int turns = turns_of_narrow(process, now), elsewhere = 0;

        if (turns > CAST_NARROW_TURNS)
                check_violated(process->simulation, "more turns of a tenant run than it may have at once");
        if (!simulation->plan.calm || lane->operates ||
            !uuid_equal(lane->tenant_id, simulation->cast.tenants[CAST_NARROW_TENANT]))
                return;
        for (const Process *each = simulation->processes; each; each = each->next)
                if (each->alive && each != process)
                        elsewhere += turns_of_narrow(each, now - HEARD_US);
        if (turns + elsewhere > CAST_NARROW_TURNS)
                check_violated(process->simulation,
                               "a turn began of a tenant that has as many as it may on other hubs");
}

/* What came by inheritance may be older than what was served already: there the order holds within one epoch. */
static void check_order(Process *process, LaneWatch *lane, const StoredMessage *message) {
        int64_t sequence = message->accepted.sequence;
        bool own = simulated_store_heir(process->simulation->store, message->hub, sequence) < 0;
        int64_t *last = own ? &lane->own : &lane->inherited[message->hub];

        if (sequence < *last && (own || sequence >> 40 == *last >> 40))
                check_violated(process->simulation, "a lane was not served in the order of acceptance");
        *last = sequence;
}

void check_turn(Process *process, uint64_t number, const TurnInput *input) {
        Simulation *simulation = process->simulation;
        Life *life = life_of(simulation, input->message_id);

        if (!life) {
                check_violated(simulation, "a turn began for a message that is not durable");
                return;
        }
        LaneWatch *lane = lane_watch(process, input);
        trace(simulation, "turn begins", process->number, (uint64_t) life->note->number);
        if (lane->running)
                check_violated(simulation, "two turns of one lane run at once");
        lane->running = number;
        lane->tenant_id = input->tenant_id;
        lane->operates = input->command;
        lane->begun_us = now_us(simulation);
        check_gauge(process, lane);
        check_order(process, lane, life->stored);
        if (!holds(process, life))
                return;
        if (life->stored->concluded)
                check_violated(simulation, "a turn began for a message that is concluded");
        if (input->before.resumed ? input->attempt != life->attempt
                                  : life->turns++ > 0 && input->attempt <= life->attempt)
                check_violated(simulation, "a message was taken up again without saying so first");
        if (input->attempt != life->stored->attempts ||
            (input->attempt > process->settings.attempts && !input->closing))
                check_violated(simulation, "a turn began with a wrong count of attempts");
        life->attempt = input->attempt;
}

void check_turn_left(SimulatedTurn *turn) {
        LaneWatch *lane = lane_watch(turn->process, turn->input);

        if (lane->running == turn->number)
                lane->running = 0;
}

static size_t durable_replies(const StoredMessage *message) {
        size_t count = 0;

        for (size_t i = 0; i < message->step_count; i++)
                count += message->steps[i].kind == STEP_MODEL_REPLY;
        return count;
}

/* The store keeps an operation from being run twice; the core, from being run for what is no command or is ended. */
void check_operate(SimulatedTurn *turn) {
        Simulation *simulation = turn->process->simulation;
        Life *life = turn->life;

        if (!life->note->command)
                check_violated(simulation, "an operation was run for what is no command");
        if (life->stored->concluded && holds(turn->process, life))
                check_violated(simulation, "an operation was run for a message that is concluded");
        life->operated = true;
}

void check_model(SimulatedTurn *turn, int round) {
        Simulation *simulation = turn->process->simulation;
        const Life *life = turn->life;

        if (!holds(turn->process, life) || !turn->process->leading)
                return;
        if (life->note->command)
                check_violated(simulation, "a model was called for a command");
        if (life->stored->concluded)
                check_violated(simulation, "a model was called for a message that is concluded");
        if (durable_replies(life->stored) != (size_t) round)
                check_violated(simulation, "a model was called although its reply is durable");
        if (round <= ROUNDS && life->replies[round] > life->stored->attempts)
                check_violated(simulation, "a model was called more often than there were attempts");
}

/* A hub that stood still while others took over may finish what it began, once: its next request tells it, and the heir
 * takes the message up. */
void check_model_replied(SimulatedTurn *turn, int round, bool asks_for_tools) {
        Life *life = turn->life;

        life->asked_for_tools |= asks_for_tools;
        if (round > ROUNDS)
                return;
        if (holds(turn->process, life))
                life->replies[round]++;
        else if (++life->needless > life->stored->attempts + 1)
                check_violated(turn->process->simulation, "a model was called more than once more than needed");
}

static int compare_ordinal(const StepRecord *a, const StepRecord *b) {
        return a->ordinal < b->ordinal ? -1 : a->ordinal > b->ordinal;
}

/* Steps of the same call: those started with the same payload after the reply that asked for it and before the next. */
static int times_started(const StoredMessage *message, const StepRecord *own, Text call_id, bool *ret_reply_durable) {
        const StepRecord *reply = NULL, *next = NULL;
        int times = 0;

        for (size_t i = 0; i < message->step_count; i++) {
                const StepRecord *step = &message->steps[i];
                if (step->kind != STEP_MODEL_REPLY)
                        continue;
                if (memmem(step->payload.bytes, step->payload.length, call_id.bytes, call_id.length))
                        reply = step;
        }
        for (size_t i = 0; i < message->step_count && reply; i++) {
                const StepRecord *step = &message->steps[i];
                if (step->kind == STEP_MODEL_REPLY && compare_ordinal(step, reply) > 0 &&
                    (!next || compare_ordinal(step, next) < 0))
                        next = step;
        }
        *ret_reply_durable = reply != NULL;
        for (size_t i = 0; i < message->step_count && reply; i++) {
                const StepRecord *step = &message->steps[i];
                times += step->kind == STEP_TOOL_STARTED && compare_ordinal(step, reply) > 0 &&
                         (!next || compare_ordinal(step, next) < 0) && text_equal(step->payload, own->payload);
        }
        return times;
}

void check_tool(SimulatedTurn *turn, CallKey key, const ModelToolCall *call, int runs, bool same_key) {
        Simulation *simulation = turn->process->simulation;
        const StoredMessage *message = turn->life->stored;
        const StepRecord *own = NULL;
        bool reply_durable;

        trace(simulation, "tool", turn->process->number, (uint64_t) runs);
        for (size_t i = 0; i < message->step_count; i++)
                if (message->steps[i].ordinal == key.ordinal && message->steps[i].kind == STEP_TOOL_STARTED)
                        own = &message->steps[i];
        if (!own) {
                check_violated(simulation, "a tool ran before its start was durable");
                return;
        }
        int started = times_started(message, own, call->id, &reply_durable);
        if (!reply_durable)
                check_violated(simulation, "a tool ran before the reply that asks for it was durable");
        if (!same_key)
                check_violated(simulation, "one call of a tool was made under two keys");
        if (provider_tool_is_idempotent(call->name))
                return;
        if (runs > 1)
                check_violated(simulation, "a tool with side effects ran twice for one call");
        if (started != 1)
                check_violated(simulation, "a tool with side effects ran although its outcome was unknown");
}

/* Of two processes of one name that one stays which asked the store last. A store that is away keeps nobody from
 * stopping. */
void check_exit(Process *process, const Failure *failure) {
        const SimulatedStore *store = process->simulation->store;
        int hub = simulated_store_hub(store, text_of(process->hub->name));
        bool replaced = hub >= 0 && !uuid_equal(simulated_store_process(store, hub), process->id);

        if (failure->kind == FAILURE_NONE && !process->draining)
                check_violated(process->simulation, "a hub stopped that was not asked to");
        if (failure->kind != FAILURE_NONE && !replaced && !(failure->kind == FAILURE_UNAVAILABLE && process->draining))
                check_violated(process->simulation, "a hub gave up: %s", failure->text);
}

uint64_t check_cancel_asked(Process *process) {
        Simulation *simulation = process->simulation;
        CancelWatch *watch = run_take(simulation, sizeof(*watch));

        *watch = (CancelWatch){ simulation->cancels, process, simulation->cancels ? simulation->cancels->ticket + 1 : 1,
                                false };
        simulation->cancels = watch;
        return watch->ticket;
}

void check_cancel_done(Process *process, const Command *command) {
        for (CancelWatch *watch = process->simulation->cancels; watch; watch = watch->next)
                if (watch->ticket == command->note.ticket && watch->process == process && !watch->done) {
                        watch->done = true;
                        return;
                }
        check_violated(process->simulation, "a request to cancel was answered that was not open");
}

void check_taken(Simulation *simulation, Life *life) {
        trace(simulation, "answer taken", 0, (uint64_t) life->note->number);
        life->taken++;
}

/* A hub that stops in good order closes its streams itself, when it has said how far its answers went: of what its
 * server loses about then it may hear too late. */
void check_lost(Simulation *simulation, Life *life, const Process *from) {
        trace(simulation, "answer lost", 0, (uint64_t) life->note->number);
        life->taken--;
        life->excused |= from->draining;
}

void check_bounced(Simulation *simulation, Life *life, bool retry) {
        trace(simulation, "answer bounced", retry, (uint64_t) life->note->number);
        life->bounced = true;
}

void check_process_gone(Process *process) {
        LaneWatch *lane;

        for (size_t i = 0; (lane = map_each(process->lanes, &i));)
                free(lane);
        map_free(process->lanes);
        process->lanes = NULL;
}
