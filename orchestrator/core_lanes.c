/* Lanes: one conversation runs one turn at a time, in commit order; whose turn comes next is decided by deficit round
 * robin over tenants, then their senders, a lane's weight being its quantum, so that nobody starves. */
#include "orchestrator/core_state.h"

/* A turn costs as much as the heaviest lane earns in one visit. */
#define TURN_COST 4

#define SLOT_BITS 16

static Text lane_key(char *buffer, size_t size, Uuid agent_id, Text sender, Text thread) {
        size_t length = sizeof(agent_id.bytes) + sender.length + 1 + thread.length;

        if (length > size)
                return TEXT_NONE;
        memcpy(buffer, agent_id.bytes, sizeof(agent_id.bytes));
        memcpy(buffer + sizeof(agent_id.bytes), sender.bytes, sender.length);
        buffer[sizeof(agent_id.bytes) + sender.length] = '\0';
        if (thread.length)
                memcpy(buffer + sizeof(agent_id.bytes) + sender.length + 1, thread.bytes, thread.length);
        return (Text){ buffer, length };
}

#define LANE_KEY_LIMIT 8192

int32_t lanes_depth(const Admission *admission, void *core_) {
        Core *core = core_;
        char buffer[LANE_KEY_LIMIT];
        Text key = lane_key(buffer, sizeof(buffer), admission->agent->id, admission->sender.bare,
                            admission->arrival->thread);
        const Lane *lane = key.length ? map_get(core->lanes, key) : NULL;

        return lane ? lane->held : 0;
}

static LaneTenant *lane_tenant(Core *core, Uuid id) {
        LaneTenant *tenant = map_get(core->lane_tenants, MAP_KEY(id));

        if (!tenant) {
                tenant = memory_new(sizeof(*tenant));
                tenant->id = id;
                map_put(core->lane_tenants, MAP_KEY(tenant->id), tenant);
        }
        return tenant;
}

/* Senders are told apart within a tenant. */
static LaneSender *lane_sender(Core *core, Uuid tenant_id, Text bare) {
        char buffer[LANE_KEY_LIMIT];
        Text key = lane_key(buffer, sizeof(buffer), tenant_id, bare, TEXT_NONE);
        LaneSender *sender = map_get(core->lane_senders, key);

        if (!sender) {
                sender = memory_new(sizeof(*sender) + key.length);
                memcpy(sender->key, key.bytes, key.length);
                sender->tenant = lane_tenant(core, tenant_id);
                sender->tenant->senders++;
                map_put(core->lane_senders, (Text){ sender->key, key.length }, sender);
        }
        return sender;
}

static Text sender_key(const LaneSender *sender, size_t bare_length) {
        return (Text){ sender->key, sizeof(Uuid) + bare_length + 1 };
}

bool lanes_enter(Core *core, Message *message) {
        const AcceptedRecord *accepted = &message->accepted;
        char buffer[LANE_KEY_LIMIT];
        Text key = lane_key(buffer, sizeof(buffer), accepted->agent_id, accepted->sender, accepted->reply_to.thread);

        if (!key.length)
                return false;
        Lane *lane = map_get(core->lanes, key);
        if (!lane) {
                lane = memory_new(sizeof(*lane) + key.length);
                memcpy(lane->key, key.bytes, key.length);
                lane->key_length = key.length;
                lane->sender = lane_sender(core, accepted->tenant_id, accepted->sender);
                lane->sender->lanes++;
                map_put(core->lanes, (Text){ lane->key, lane->key_length }, lane);
        }
        lane->held++;
        lane->weight = message->weight;
        message->lane = lane;
        return true;
}

static void lane_ready(Core *core, Lane *lane) {
        LaneSender *sender = lane->sender;
        LaneTenant *tenant = sender->tenant;

        if (lane->ready || lane->active || !lane->first)
                return;
        lane->ready = true;
        lane->next_ready = NULL;
        *(sender->last ? &sender->last->next_ready : &sender->first) = lane;
        sender->last = lane;
        if (!sender->ready) {
                sender->ready = true;
                sender->next = NULL;
                *(tenant->last ? &tenant->last->next : &tenant->first) = sender;
                tenant->last = sender;
        }
        if (!tenant->ready) {
                tenant->ready = true;
                tenant->next = NULL;
                *(core->tenant_last ? &core->tenant_last->next : &core->tenant_first) = tenant;
                core->tenant_last = tenant;
        }
}

static void lane_unready(Lane *lane) {
        Lane *before = NULL;

        if (!lane->ready)
                return;
        for (Lane *each = lane->sender->first; each != lane; each = each->next_ready)
                before = each;
        *(before ? &before->next_ready : &lane->sender->first) = lane->next_ready;
        if (lane->sender->last == lane)
                lane->sender->last = before;
        lane->ready = false;
}

static void lane_remove(Core *core, Lane *lane, size_t bare_length) {
        LaneSender *sender = lane->sender;

        lane_unready(lane);
        map_remove(core->lanes, (Text){ lane->key, lane->key_length });
        free(lane);
        if (--sender->lanes || sender->ready)
                return;
        map_remove(core->lane_senders, sender_key(sender, bare_length));
        if (--sender->tenant->senders == 0 && !sender->tenant->ready) {
                map_remove(core->lane_tenants, MAP_KEY(sender->tenant->id));
                free(sender->tenant);
        }
        free(sender);
}

/* Takes a message that waits out of its lane; a lane where nothing waits is not to be served. */
static void lane_unlink(Core *core, Lane *lane, const Message *message) {
        Message *before = NULL, *each = lane->first;

        for (; each && each != message; each = each->next)
                before = each;
        if (!each)
                return;
        *(before ? &before->next : &lane->first) = message->next;
        if (lane->last == message)
                lane->last = before;
        if (!lane->first)
                lane_unready(lane);
        core->waiting_count--;
}

void lanes_leave(Core *core, Message *message) {
        Lane *lane = message->lane;

        if (!lane)
                return;
        message->lane = NULL;
        if (lane->active == message)
                lane->active = NULL;
        else
                lane_unlink(core, lane, message);
        if (--lane->held == 0)
                lane_remove(core, lane, message->accepted.sender.length);
        else
                lane_ready(core, lane);
}

void lanes_queue(Core *core, Message *message) {
        Lane *lane = message->lane;

        if (message->cancelled) {
                lanes_conclude(core, message, OUTCOME_CANCELLED, FAILURE_CANCELLED, TEXT_NONE, TEXT_NONE);
                return;
        }
        message->state = MESSAGE_WAITING;
        message->next = NULL;
        *(lane->last ? &lane->last->next : &lane->first) = message;
        lane->last = message;
        core->waiting_count++;
        lane_ready(core, lane);
}

static void tenant_rotate(Core *core) {
        LaneTenant *tenant = core->tenant_first;

        if (tenant->next == NULL)
                return;
        core->tenant_first = tenant->next;
        tenant->next = NULL;
        core->tenant_last->next = tenant;
        core->tenant_last = tenant;
}

static void sender_rotate(LaneTenant *tenant) {
        LaneSender *sender = tenant->first;

        if (sender->next == NULL)
                return;
        tenant->first = sender->next;
        sender->next = NULL;
        tenant->last->next = sender;
        tenant->last = sender;
}

static void tenant_unready(Core *core) {
        LaneTenant *tenant = core->tenant_first;

        core->tenant_first = tenant->next;
        if (!core->tenant_first)
                core->tenant_last = NULL;
        tenant->ready = false;
        if (tenant->senders == 0) {
                map_remove(core->lane_tenants, MAP_KEY(tenant->id));
                free(tenant);
        }
}

static void sender_unready(Core *core, LaneTenant *tenant) {
        LaneSender *sender = tenant->first;

        tenant->first = sender->next;
        if (!tenant->first)
                tenant->last = NULL;
        sender->ready = false;
        sender->deficit = 0;
        if (sender->lanes == 0) {
                size_t bare_length = strlen(sender->key + sizeof(Uuid));
                map_remove(core->lane_senders, sender_key(sender, bare_length));
                tenant->senders--;
                free(sender);
        }
}

/* The next lane to be served; NULL when none is ready. */
static Lane *lane_next(Core *core) {
        while (core->tenant_first) {
                LaneTenant *tenant = core->tenant_first;
                LaneSender *sender = tenant->first;
                if (!sender) {
                        tenant_unready(core);
                        continue;
                }
                Lane *lane = sender->first;
                if (!lane) {
                        sender_unready(core, tenant);
                        continue;
                }
                sender->deficit += lane->weight;
                sender_rotate(tenant);
                tenant_rotate(core);
                if (sender->deficit < TURN_COST)
                        continue;
                sender->deficit -= TURN_COST;
                lane_unready(lane);
                return lane;
        }
        return NULL;
}

/* Turns are numbered by slot and generation, so that a late word from a worker never meets another message. */
static void slot_take(Core *core, Message *message) {
        int32_t slot = core->free_slots[--core->free_count];

        message->turn = ++core->turn_generation << SLOT_BITS | (uint64_t) slot;
        core->running[slot] = message;
        core->running_count++;
}

static void slot_release(Core *core, Message *message) {
        int32_t slot = (int32_t) (message->turn & ((1 << SLOT_BITS) - 1));

        core->running[slot] = NULL;
        core->free_slots[core->free_count++] = slot;
        core->running_count--;
        message->turn = 0;
}

Message *lanes_turn(Core *core, uint64_t turn) {
        int32_t slot = (int32_t) (turn & ((1 << SLOT_BITS) - 1));
        Message *message = slot < core->settings.workers ? core->running[slot] : NULL;

        return message && message->turn == turn ? message : NULL;
}

void lanes_open(Core *core) {
        int32_t workers = core->settings.workers;

        core->lanes = map_new(256);
        core->lane_senders = map_new(256);
        core->lane_tenants = map_new(16);
        core->running = memory_new(sizeof(*core->running) * (size_t) workers);
        core->free_slots = memory_new(sizeof(*core->free_slots) * (size_t) workers);
        while (core->free_count < workers) {
                core->free_slots[core->free_count] = workers - 1 - core->free_count;
                core->free_count++;
        }
}

static void conclude_refused(Core *core, Message *message, const Failure *refusal) {
        lanes_conclude(core, message, OUTCOME_REFUSED, refusal->kind, TEXT_NONE,
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
        if (!still_admitted(core->directory, core->now, message->accepted.sender, agent, &refusal)) {
                conclude_refused(core, message, &refusal);
                return;
        }
        slot_take(core, message);
        if (!message->recovered) {
                lanes_start(core, message);
                return;
        }
        message->state = MESSAGE_TAKING_UP;
        message->step = (StepRecord){ .message_id = message->accepted.id,
                                      .tenant_id = message->accepted.tenant_id,
                                      .ordinal = (message->attempts + 1) * STEP_ATTEMPT,
                                      .kind = STEP_TAKEN_UP };
        commit_step(core, message);
}

void lanes_run(Core *core) {
        Lane *lane;

        while (!core->draining && core->free_count > 0 && (lane = lane_next(core)))
                lane_serve(core, lane);
}

void lanes_start(Core *core, Message *message) {
        const AcceptedRecord *accepted = &message->accepted;
        const Agent *agent = directory_agent_by_id(core->directory, accepted->agent_id);

        if (message->cancelled || !agent) {
                slot_release(core, message);
                lanes_conclude(core, message, OUTCOME_CANCELLED, FAILURE_CANCELLED, TEXT_NONE, TEXT_NONE);
                return;
        }
        Text owner = text_copy(message->arena, text_of(agent->owner));
        if (!owner.bytes) {
                slot_release(core, message);
                lanes_conclude(core, message, OUTCOME_ERROR, FAILURE_TOO_LARGE, TEXT_NONE,
                               TEXT("The message takes more memory than one may."));
                return;
        }
        message->state = MESSAGE_RUNNING;
        message->started_us = core->now.monotonic_us;
        message->input = (TurnInput){
                .message_id = accepted->id,
                .tenant_id = accepted->tenant_id,
                .agent_id = accepted->agent_id,
                .version_id = agent->version_id,
                .owner = owner,
                .sender = accepted->sender,
                .thread = accepted->reply_to.thread,
                .body = accepted->body,
                .conversation = accepted->conversation,
                .attempt = message->attempts,
                .deadline_us = message->deadline_us,
                .steps = message->steps,
                .step_count = message->step_count,
        };
        memcpy(message->input.policy_hash.bytes, agent->policy_hash, HASH_SIZE);
        Command *command = core_command(core, COMMAND_TURN);
        command->turn.turn = message->turn;
        command->turn.input = &message->input;
}

/* Before a tool starts the question is asked once more whether this sender may still use this agent. */
static bool step_admitted(Core *core, const Message *message, StepKind kind, Failure *ret_refusal) {
        if (message->dropped || message->cancelled || message->late)
                return failure_set(ret_refusal, FAILURE_CANCELLED, "The message was cancelled.");
        if (kind != STEP_TOOL_STARTED)
                return true;
        if (still_admitted(core->directory, core->now, message->accepted.sender,
                           directory_agent_by_id(core->directory, message->accepted.agent_id), ret_refusal))
                return true;
        ret_refusal->kind = FAILURE_POLICY;
        return false;
}

void lanes_step(Core *core, const Event *event) {
        Message *message = lanes_turn(core, event->step.turn);
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
                                      .payload = event->step.payload };
        commit_step(core, message);
}

void lanes_conclude(Core *core, Message *message, Outcome outcome, FailureKind reason, Text answer, Text explanation) {
        ConcludedRecord *concluded = &message->concluded;
        const AcceptedRecord *accepted = &message->accepted;

        if (message->state == MESSAGE_WAITING && message->lane && message->lane->active != message)
                lane_unlink(core, message->lane, message);
        message->state = MESSAGE_CONCLUDING;
        concluded->id = accepted->id;
        concluded->tenant_id = accepted->tenant_id;
        concluded->agent_id = accepted->agent_id;
        concluded->outcome = outcome;
        concluded->reason = reason;
        concluded->answer = answer;
        concluded->explanation = explanation;
        concluded->attempt = message->attempts;
        concluded->sender = accepted->sender;
        concluded->reply_to = accepted->reply_to;
        concluded->concluded_us = core->now.wall_us;
        concluded->timings.admission_us = message->admission_us;
        concluded->timings.total_us = core->now.monotonic_us - message->arrived_us;
        concluded->timings.queue_us = (message->started_us ? message->started_us : core->now.monotonic_us) -
                                      message->committed_us;
        commit_conclude(core, message);
}

static Text copy(Arena *arena, Text text) {
        return text.length ? text_copy(arena, text) : TEXT_NONE;
}

void lanes_ended(Core *core, const Event *event) {
        Message *message = lanes_turn(core, event->ended.turn);
        const TurnResult *result = event->ended.result;

        if (!message) {
                core_bury(core, event->ended.arena);
                return;
        }
        slot_release(core, message);
        message->turn_arena = event->ended.arena;
        if (message->dropped) {
                core_message_free(core, message);
                return;
        }
        message->concluded.usage = result->usage;
        message->concluded.version_id = result->version_id;
        message->concluded.policy_hash = result->policy_hash;
        message->concluded.tools = result->tools;
        message->concluded.timings.model_us = result->model_us;
        message->concluded.worker = copy(event->ended.arena, event->ended.worker);
        if (result->warning.length) {
                Command *command = core_command(core, COMMAND_WARN_OWNER);
                command->note.message_id = message->accepted.id;
                command->note.who = message->input.owner;
                command->note.text = result->warning;
        }
        if (message->cancelled)
                lanes_conclude(core, message, OUTCOME_CANCELLED, FAILURE_CANCELLED, result->answer, TEXT_NONE);
        else if (message->late && result->outcome == OUTCOME_CANCELLED)
                lanes_conclude(core, message, OUTCOME_ERROR, FAILURE_TIMED_OUT, result->answer,
                               TEXT("The answer took too long."));
        else
                lanes_conclude(core, message, result->outcome, result->reason, result->answer, result->explanation);
}

void lanes_cancel(Core *core, Message *message) {
        if (message->cancelled || message->state == MESSAGE_CONCLUDING)
                return;
        message->cancelled = true;
        if (message->state == MESSAGE_WAITING)
                lanes_conclude(core, message, OUTCOME_CANCELLED, FAILURE_CANCELLED, TEXT_NONE, TEXT_NONE);
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
        message->arrived_us = message->committed_us = core->now.monotonic_us;
        return message;
}

void lanes_recover(Core *core, const OpenMessage *open, size_t count) {
        for (size_t i = 0; i < count; i++) {
                if (map_get(core->messages, MAP_KEY(open[i].accepted.id)))
                        continue;
                Message *message = message_recover(core, &open[i]);
                if (!lanes_enter(core, message)) {
                        core_bury(core, message->arena);
                        continue;
                }
                core_message_keep(core, message);
                if (message->attempts < core->settings.attempts || message->cancelled) {
                        lanes_queue(core, message);
                        continue;
                }
                message->state = MESSAGE_WAITING;
                lanes_conclude(core, message, OUTCOME_ERROR, FAILURE_INTERNAL, TEXT_NONE,
                               TEXT("The answer failed several times and was given up."));
        }
}

/* Those that wait are left to whoever holds them now; those that run are stopped, and their end is thrown away. */
void lanes_drop_all(Core *core) {
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
                lanes_release(core, message);
        }
        list_release(&all);
}

/* The turn's message is no longer ours; whatever the worker still does about it counts for nothing. */
void lanes_release(Core *core, Message *message) {
        message->dropped = true;
        lanes_leave(core, message);
        core_message_forget(core, message);
        if (core->commands)
                core_command(core, COMMAND_STOP_TURN)->turn.turn = message->turn;
}

void lanes_abandon(Core *core, Message *message) {
        if (message->turn)
                slot_release(core, message);
}

/* Past its deadline a running turn is stopped; one that still waits is concluded without having run. */
void lanes_expire(Core *core) {
        List late = { 0 };
        Message *message;

        if (core->now.monotonic_us - core->expired_us < SECONDS)
                return;
        core->expired_us = core->now.monotonic_us;
        /* Deadlines rise in the order in which messages came. */
        for (size_t i = 0; (message = map_each(core->messages, &i));) {
                if (core->now.monotonic_us < message->deadline_us)
                        break;
                list_add(&late, message);
        }
        for (size_t i = 0; i < late.count; i++) {
                message = late.items[i];
                if (message->state == MESSAGE_WAITING)
                        lanes_conclude(core, message, OUTCOME_ERROR, FAILURE_TIMED_OUT, TEXT_NONE,
                                       TEXT("No worker was free in time."));
                else if (message->state == MESSAGE_RUNNING && !message->late) {
                        message->late = true;
                        core_command(core, COMMAND_STOP_TURN)->turn.turn = message->turn;
                }
        }
        list_release(&late);
}

void lanes_free(Core *core) {
        for (int32_t i = 0; i < core->settings.workers; i++)
                if (core->running[i]) {
                        core_bury(core, core->running[i]->turn_arena);
                        core_bury(core, core->running[i]->arena);
                }
        while (core->tenant_first) {
                while (core->tenant_first->first)
                        sender_unready(core, core->tenant_first);
                tenant_unready(core);
        }
        map_free(core->lanes);
        map_free(core->lane_senders);
        map_free(core->lane_tenants);
        free(core->running);
        free(core->free_slots);
}
