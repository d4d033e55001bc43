/* Turns: from the moment a lane is served to the conclusion. A turn has a slot while a worker holds it; what is no
 * longer this hub's is let go, and its end thrown away. */
#include "orchestrator/core_state.h"
#include "orchestrator/directory/budgets.h"
#include "orchestrator/turn_bounds.h"

#define SLOT_BITS 16

/* Turns are numbered by slot and generation, so that a late word from a worker never meets another message. */
static void slot_take(Core *core, Message *message) {
        int32_t slot = core->free_slots[--core->free_count];

        message->turn = ++core->turn_generation << SLOT_BITS | (uint64_t) slot;
        core->running[slot] = message;
        gauges_end_waiting(core, message);
        gauges_begin_turn(core, message);
        core->running_count++;
}

static void slot_release(Core *core, Message *message) {
        int32_t slot = (int32_t) (message->turn & ((1 << SLOT_BITS) - 1));

        core->running[slot] = NULL;
        core->free_slots[core->free_count++] = slot;
        core->running_count--;
        message->turn = 0;
        gauges_end_turn(core, message);
}

static Message *turns_find(Core *core, uint64_t turn) {
        int32_t slot = (int32_t) (turn & ((1 << SLOT_BITS) - 1));
        Message *message = slot < core->settings.workers ? core->running[slot] : NULL;

        return message && message->turn == turn ? message : NULL;
}

static void conclude_refused(Core *core, Message *message, const Failure *refusal) {
        turns_conclude(core, message, OUTCOME_REFUSED, refusal->kind, TEXT_NONE,
                       text_copy(message->arena, text_of(refusal->text)));
}

/* Before its turn a message is asked again: much may have changed since it was accepted. */
static void lane_serve(Core *core, Lane *lane) {
        Message *message = lane->first;
        const Agent *agent = directory_agent_by_id(core->directory, message->accepted.agent_id);
        Failure refusal;

        lane->first = message->next;
        if (!lane->first)
                lane->last = NULL;
        core->waiting_count--;
        lane->active = message;
        message->next = NULL;
        if (!message->decided && !still_admitted(core->directory, core->now, message->accepted.sender, agent,
                                                 message->accepted.command, &refusal)) {
                conclude_refused(core, message, &refusal);
                if (!message->decided)
                        return;
        }
        slot_take(core, message);
        if (!message->recovered || message->left) {
                turns_start(core, message);
                return;
        }
        message->state = MESSAGE_TAKING_UP;
        message->step = (StepRecord){ .message_id = message->accepted.id,
                                      .tenant_id = message->accepted.tenant_id,
                                      .ordinal = (message->attempts + 1) * STEP_ATTEMPT,
                                      .kind = STEP_TAKEN_UP };
        commit_step(core, message);
}

void turns_run(Core *core) {
        Lane *lane;

        while (!core->draining && core->free_count > 0 && (lane = lane_next(core)))
                lane_serve(core, lane);
}

BudgetParties message_parties(const AcceptedRecord *accepted) {
        return (BudgetParties){ accepted->tenant_id, accepted->agent_id, accepted->account_id, accepted->grant_id,
                                accepted->sender_domain };
}

static TurnBefore turn_before(const TurnResult *left) {
        return left ? (TurnBefore){ true, left->ordinal, left->usage.model_calls, left->usage.tool_calls, left->answer }
                    : (TurnBefore){ 0 };
}

/* The version is pinned by the first part of a turn. */
static Uuid turn_version(const Message *message, const Agent *agent) {
        return message->left ? message->left->version_id : agent ? agent->version_id : (Uuid){ { 0 } };
}

/* agent NULL: it is gone, and the turn says only what the message has cost. False: there is no room in the message's
 * arena. */
static bool turn_input(Core *core, Message *message, const Agent *agent) {
        const AcceptedRecord *accepted = &message->accepted;

        message->input = (TurnInput){
                .message_id = accepted->id,
                .tenant_id = accepted->tenant_id,
                .agent_id = accepted->agent_id,
                .version_id = turn_version(message, agent),
                .owner = agent ? text_copy(message->arena, text_of(agent->owner)) : TEXT_NONE,
                .sender = accepted->sender,
                .agent = accepted->reply_to.agent,
                .thread = accepted->reply_to.thread,
                .body = accepted->body,
                .command = accepted->command,
                .conversation = accepted->conversation,
                .attempt = message->attempts,
                .steps = message->steps,
                .step_count = message->step_count,
                .before = turn_before(message->left),
                .parties = message_parties(accepted),
        };
        if (!agent)
                return true;
        TurnInput *input = &message->input;
        Budget *budgets;
        bool room = directory_budgets(core->directory, &input->parties, message->arena, &budgets, &input->budget_count);
        input->budgets = budgets;
        input->zone = text_copy(message->arena, text_of(directory_zone(agent->tenant)));
        input->billing_day = directory_billing_day(agent->tenant);
        memcpy(input->policy_hash.bytes, agent->policy_hash, HASH_SIZE);
        return room && input->owner.bytes && input->zone.bytes;
}

void turns_start(Core *core, Message *message) {
        const Agent *agent = directory_agent_by_id(core->directory, message->accepted.agent_id);
        bool room = turn_input(core, message, agent);

        if (!message->decided && (message->cancelled || !agent))
                turns_conclude(core, message, OUTCOME_CANCELLED, FAILURE_CANCELLED, TEXT_NONE, message->cancelled_why);
        else if (!message->decided && !room)
                turns_conclude(core, message, OUTCOME_ERROR, FAILURE_TOO_LARGE, TEXT_NONE,
                               TEXT("The message takes more memory than one may."));
        if (message->state == MESSAGE_CONCLUDING) {
                slot_release(core, message);
                return;
        }
        message->state = MESSAGE_RUNNING;
        message->begun_us = core->now.monotonic_us;
        message->may_go_on = false;
        message->input.closing = message->decided;
        if (!message->left) {
                message->started_us = core->now.monotonic_us;
                message->turn_deadline_us = agent ? gauges_turn_deadline(core, message, agent) : message->deadline_us;
        }
        message->input.deadline_us = message->turn_deadline_us;
        message->input.last = waits_last(core, message);
        message->input.tenant_policy = policies_hash(directory_policies(core->directory), message->accepted.tenant_id);
        Command *command = core_command(core, COMMAND_TURN);
        command->turn.turn = message->turn;
        command->turn.input = &message->input;
        command->turn.reply_to = message->accepted.reply_to;
}

/* Before a tool starts the question is asked once more whether this sender may still use this agent. */
static bool step_admitted(Core *core, const Message *message, StepKind kind, Failure *ret_refusal) {
        if (message->dropped || (kind != STEP_PRESUMED && (message->cancelled || message->late)))
                return failure_set(ret_refusal, FAILURE_CANCELLED, "The message was cancelled.");
        if (kind != STEP_TOOL_STARTED)
                return true;
        if (still_admitted(core->directory, core->now, message->accepted.sender,
                           directory_agent_by_id(core->directory, message->accepted.agent_id),
                           message->accepted.command, ret_refusal))
                return true;
        ret_refusal->kind = FAILURE_POLICY;
        return false;
}

void turns_step(Core *core, const Event *event) {
        Message *message = turns_find(core, event->step.turn);
        Failure failure;

        if (!message)
                return;
        if (!step_admitted(core, message, event->step.kind, &failure)) {
                Command *command = core_command(core, COMMAND_STEP_DONE);
                command->turn.turn = message->turn;
                command->turn.failure = failure;
                return;
        }
        message->step = (StepRecord){ .message_id = message->accepted.id,
                                      .tenant_id = message->accepted.tenant_id,
                                      .ordinal = event->step.ordinal,
                                      .kind = event->step.kind,
                                      .spent = event->step.spent,
                                      .payload = event->step.payload };
        commit_step(core, message);
}

/* Shown and never kept: who does not see a draft sees the answer. */
void turns_stream(Core *core, const Event *event) {
        const Message *message = turns_find(core, event->stream.turn);
        Command *command;

        if (!message || message->dropped || message->cancelled || message->late ||
            message->accepted.reply_to.door != DOOR_CHAT)
                return;
        command = core_command(core, COMMAND_DRAFT);
        command->draft.reply_to = message->accepted.reply_to;
        command->draft.message_id = message->accepted.id;
        command->draft.turn = message->turn;
        command->draft.text = event->stream.text;
}

/* Before a message that may have cost something in earlier attempts is concluded, a turn says how much. */
static bool must_be_counted(Core *core, const Message *message) {
        if (!message->recovered || message->counted || message->accepted.command)
                return false;
        const Agent *agent = directory_agent_by_id(core->directory, message->accepted.agent_id);
        BudgetParties parties = message_parties(&message->accepted);
        bool may_cost = !agent || agent->priced || directory_counts_tokens(core->directory, &parties);
        for (size_t i = 0; i < message->step_count; i++)
                may_cost |= !amounts_none(&message->steps[i].spent);
        return may_cost;
}

static void conclude(Core *core, Message *message) {
        ConcludedRecord *concluded = &message->concluded;
        ReplyTo *reply_to = &concluded->reply_to;

        if (message->state == MESSAGE_WAITING && message->lane && message->lane->active != message)
                lane_unlink(core, message->lane, message);
        gauges_end_waiting(core, message);
        message->state = MESSAGE_CONCLUDING;
        concluded->attempt = message->attempts;
        if (!reply_to->quotes && (!message->lane || message->lane->held <= 1))
                reply_to->quoted_id = TEXT_NONE; /* there is no other that it could be the answer to */
        concluded->concluded_us = core->now.wall_us;
        concluded->timings.admission_us = message->admission_us;
        concluded->timings.total_us = core->now.monotonic_us - message->arrived_us;
        concluded->timings.queue_us = (message->started_us ? message->started_us : core->now.monotonic_us) -
                                      message->committed_us;
        commit_conclude(core, message);
}

void turns_conclude(Core *core, Message *message, Outcome outcome, FailureKind reason, Text answer, Text explanation) {
        ConcludedRecord *concluded = &message->concluded;
        const AcceptedRecord *accepted = &message->accepted;

        concluded->id = accepted->id;
        concluded->tenant_id = accepted->tenant_id;
        concluded->agent_id = accepted->agent_id;
        concluded->outcome = outcome;
        concluded->reason = reason;
        concluded->answer = answer;
        concluded->explanation = explanation;
        concluded->sender = accepted->sender;
        concluded->account_id = accepted->account_id;
        concluded->grant_id = accepted->grant_id;
        concluded->sender_domain = accepted->sender_domain;
        concluded->reply_to = accepted->reply_to;
        message->decided = must_be_counted(core, message);
        if (!message->decided)
                conclude(core, message);
}

static Text copy(Arena *arena, Text text) {
        return text.length ? text_copy(arena, text) : TEXT_NONE;
}

/* A window that ends in the turn's time ends for all; what others may still leave is no news. */
static void tell_near(Core *core, const Message *message, const SpentBudget *near) {
        const Agent *agent = directory_agent_by_id(core->directory, message->accepted.agent_id);
        const Limit *limit = near->opens_us > core->now.wall_us
                                     ? directory_near(core->directory, &message->input.parties, &near->budget,
                                                      near->opens_us)
                                     : NULL;

        if (agent && limit)
                core_tell_near(core, limit, agent);
}

static void conclude_cancelled(Core *core, Message *message, Text partial) {
        turns_conclude(core, message, OUTCOME_CANCELLED, FAILURE_CANCELLED, partial,
                       partial.length ? STOPPED : message->cancelled_why);
}

void turns_ended(Core *core, const Event *event) {
        Message *message = turns_find(core, event->ended.turn);
        const TurnResult *result = event->ended.result;

        if (!message) {
                core_bury(core, event->ended.arena);
                return;
        }
        gauges_charge_turn(core, message);
        slot_release(core, message);
        if (message->turn_arena)
                core_bury(core, message->turn_arena); /* what an earlier part has left */
        message->turn_arena = event->ended.arena;
        if (message->dropped) {
                core_message_free(core, message);
                return;
        }
        message->counted = true;
        message->owes = result->owes || result->waits || message->left; /* what was held for it while it waited, too */
        if (result->spent.opens_us > core->now.wall_us)
                directory_spend(core->directory, &message->input.parties, &result->spent.budget, result->spent.opens_us,
                                result->explanation);
        if (result->near.known)
                tell_near(core, message, &result->near);
        message->concluded.usage = result->usage;
        message->concluded.version_id = result->version_id;
        message->concluded.policy_hash = result->policy_hash;
        message->concluded.tools = result->tools;
        message->concluded.streamed = result->streamed;
        message->concluded.timings.model_us += result->model_us;
        message->concluded.worker = copy(event->ended.arena, event->ended.worker);
        message->events = result->events;
        message->event_count = result->event_count;
        if (result->warning.length) {
                Command *note = core_command(core, COMMAND_NOTE);
                note->note.sentence = "outcome of a tool is unknown";
                note->note.message_id = message->accepted.id;
                core_tell(core, message->input.owner, "", result->warning);
        }
        if (message->decided)
                conclude(core, message);
        else if (result->waits && !message->cancelled && !message->late)
                waits_begin(core, message, result);
        else if (message->cancelled)
                conclude_cancelled(core, message, result->answer);
        else if (message->late && result->outcome == OUTCOME_CANCELLED)
                turns_conclude(core, message, OUTCOME_ERROR, FAILURE_TIMED_OUT, result->answer,
                               message->turn_deadline_us < message->deadline_us
                                       ? TEXT("The answer took longer than the limit of turn-seconds allows.")
                                       : TEXT("The answer took too long."));
        else
                turns_conclude(core, message, result->outcome, result->reason, result->answer, result->explanation);
}

void turns_cancel(Core *core, Message *message, Text explanation) {
        if (message->cancelled || message->state == MESSAGE_CONCLUDING)
                return;
        message->cancelled = true;
        message->cancelled_why = explanation;
        if (message->state == MESSAGE_WAITING)
                conclude_cancelled(core, message, message->left ? message->left->answer : TEXT_NONE);
        else if (message->state == MESSAGE_RUNNING)
                core_command(core, COMMAND_STOP_TURN)->turn.turn = message->turn;
}

static Message *message_recover(Core *core, const OpenMessage *open) {
        size_t size = open->accepted.body.length + 64 * 1024;
        for (size_t i = 0; i < open->step_count; i++)
                size += open->steps[i].payload.length + sizeof(StepRecord) + 64;
        Arena *arena = arena_new(size);
        Message *message = core_message_new(core, arena);
        StepRecord *steps = arena_take_array(arena, StepRecord, open->step_count);

        for (size_t i = 0; i < open->step_count; i++) {
                steps[i] = open->steps[i];
                steps[i].payload = copy(arena, steps[i].payload);
        }
        message->accepted = open->accepted;
        message->accepted.sender = copy(arena, open->accepted.sender);
        message->accepted.sender_domain = copy(arena, open->accepted.sender_domain);
        message->accepted.body = copy(arena, open->accepted.body);
        message->accepted.reply_to.agent = copy(arena, open->accepted.reply_to.agent);
        message->accepted.reply_to.address = copy(arena, open->accepted.reply_to.address);
        message->accepted.reply_to.thread = copy(arena, open->accepted.reply_to.thread);
        message->accepted.reply_to.stanza_id = copy(arena, open->accepted.reply_to.stanza_id);
        message->steps = steps;
        message->step_count = open->step_count;
        message->attempts = open->attempts;
        message->recovered = true;
        message->cancelled = open->cancelled;
        message->cancelled_why = STOPPED;
        message->arrived_us = message->committed_us = core->now.monotonic_us;
        return message;
}

void turns_recover(Core *core, const OpenMessage *open, size_t count) {
        for (size_t i = 0; i < count; i++) {
                if (map_get(core->messages, MAP_KEY(open[i].accepted.id)))
                        continue;
                Message *message = message_recover(core, &open[i]);
                if (!lanes_enter(core, message)) {
                        core_bury(core, message->arena);
                        continue;
                }
                names_enter(core, message, TEXT_NONE);
                core_message_keep(core, message);
                if (message->attempts < core->settings.attempts || message->cancelled) {
                        lanes_queue(core, message);
                        continue;
                }
                message->state = MESSAGE_WAITING;
                turns_conclude(core, message, OUTCOME_ERROR, FAILURE_INTERNAL, TEXT_NONE,
                               TEXT("The answer failed several times and was given up."));
                if (message->decided)
                        lanes_queue(core, message);
        }
}

/* Those that wait are left to whoever holds them now; those that run are stopped, and their end is thrown away. */
void turns_drop_all(Core *core) {
        List all = { 0 };
        Message *message;

        for (size_t i = 0; (message = map_each(core->messages, &i));)
                list_add(&all, message);
        for (size_t i = 0; i < all.count; i++) {
                message = all.items[i];
                if (message->state == MESSAGE_WAITING)
                        core_message_free(core, message);
                if (message->state != MESSAGE_RUNNING)
                        continue;
                turns_release(core, message);
        }
        list_release(&all);
}

/* The turn's message is no longer ours; whatever the worker still does about it counts for nothing. */
void turns_release(Core *core, Message *message) {
        message->dropped = true;
        lanes_leave(core, message);
        core_message_forget(core, message);
        if (core->commands)
                core_command(core, COMMAND_STOP_TURN)->turn.turn = message->turn;
}

void turns_abandon(Core *core, Message *message) {
        if (message->turn)
                slot_release(core, message);
}

/* What never got on for want of a budget hears of that; what has said something keeps it. */
static void conclude_late(Core *core, Message *message) {
        const TurnResult *left = message->left;

        if (left)
                turns_conclude(core, message, left->outcome, left->reason, left->answer, left->explanation);
        else
                turns_conclude(core, message, OUTCOME_ERROR, FAILURE_TIMED_OUT, TEXT_NONE,
                               TEXT("No worker was free in time."));
}

/* Past its deadline a running turn is stopped; one that still waits is concluded without having run. */
void turns_expire(Core *core) {
        List late = { 0 };
        Message *message;

        if (core->now.monotonic_us - core->expired_us < SECONDS)
                return;
        core->expired_us = core->now.monotonic_us;
        waits_expire(core);
        /* Deadlines rise in the order in which messages came. */
        for (size_t i = 0; (message = map_each(core->messages, &i));) {
                if (core->now.monotonic_us < message->deadline_us)
                        break;
                list_add(&late, message);
        }
        for (int32_t i = 0; i < core->settings.workers; i++) { /* those whose limit is shorter */
                message = core->running[i];
                if (message && message->state == MESSAGE_RUNNING && core->now.monotonic_us < message->deadline_us &&
                    core->now.monotonic_us >= message->turn_deadline_us)
                        list_add(&late, message);
        }
        for (size_t i = 0; i < late.count; i++) {
                message = late.items[i];
                if (message->state == MESSAGE_WAITING && message->decided)
                        continue;
                if (message->state == MESSAGE_WAITING)
                        conclude_late(core, message);
                else if (message->state == MESSAGE_RUNNING && !message->late) {
                        message->late = true;
                        core_command(core, COMMAND_STOP_TURN)->turn.turn = message->turn;
                }
        }
        list_release(&late);
}
