/* Lanes: one conversation runs one turn at a time, in commit order; whose turn comes next is decided by deficit round
 * robin over tenants, then their senders, a lane's weight being its quantum, so that nobody starves. */
#include "orchestrator/core_state.h"

#include <assert.h>

/* A turn costs as much as the heaviest lane earns in one visit. */
#define TURN_COST 4

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

LaneDepth lanes_depth(const Admission *admission, void *core_) {
        Core *core = core_;
        char buffer[LANE_KEY_LIMIT];
        Uuid agent_id = admission->agent->id;
        Text sender = admission->sender.bare;
        Text key = lane_key(buffer, sizeof(buffer), agent_id, sender, admission->arrival->thread);
        const Lane *lane = key.length ? map_get(core->lanes, key) : NULL;
        key = lane_key(buffer, sizeof(buffer), agent_id, sender, TEXT_NONE);
        const Pair *pair = key.length ? map_get(core->pairs, key) : NULL;

        return (LaneDepth){ lane ? lane->held : 0, pair ? pair->held : 0 };
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

        assert(key.bytes); /* a JID is shorter than the room for a lane's key, which also has a thread */
        if (!sender) {
                sender = memory_new(sizeof(*sender) + key.length);
                memcpy(sender->key, key.bytes, key.length);
                sender->tenant = lane_tenant(core, tenant_id);
                sender->tenant->senders++;
                map_put(core->lane_senders, (Text){ sender->key, key.length }, sender);
        }
        return sender;
}

static Pair *lane_pair(Core *core, Uuid agent_id, Text bare) {
        char buffer[LANE_KEY_LIMIT];
        Text key = lane_key(buffer, sizeof(buffer), agent_id, bare, TEXT_NONE);
        Pair *pair = map_get(core->pairs, key);

        if (!pair) {
                pair = memory_new(sizeof(*pair) + key.length);
                memcpy(pair->key, key.bytes, key.length);
                pair->key_length = key.length;
                map_put(core->pairs, (Text){ pair->key, pair->key_length }, pair);
        }
        return pair;
}

static void pair_leave(Core *core, Pair *pair) {
        if (--pair->held)
                return;
        map_remove(core->pairs, (Text){ pair->key, pair->key_length });
        free(pair);
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
                lane->pair = lane_pair(core, accepted->agent_id, accepted->sender);
                map_put(core->lanes, (Text){ lane->key, lane->key_length }, lane);
        }
        lane->held++;
        lane->pair->held++;
        gauges_enter(core, message);
        lane->weight = message->weight;
        message->lane = lane;
        return true;
}

void lane_ready(Core *core, Lane *lane) {
        LaneSender *sender = lane->sender;
        LaneTenant *tenant = sender->tenant;

        if (lane->ready || lane->parked || lane->waits || lane->active || !lane->first)
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

void lane_unready(Lane *lane) {
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
        lane_let_go(core, lane);
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
void lane_unlink(Core *core, Lane *lane, const Message *message) {
        Message *before = NULL, *each = lane->first;

        for (; each && each != message; each = each->next)
                before = each;
        if (!each)
                return;
        *(before ? &before->next : &lane->first) = message->next;
        if (lane->last == message)
                lane->last = before;
        if (!before)
                waits_end(core, lane); /* it was the one that waited */
        if (!lane->first) {
                lane_unready(lane);
                lane_let_go(core, lane);
        } else if (lane->parked && !before) { /* what is first now may be free to go */
                lane_let_go(core, lane);
                lane_ready(core, lane);
        }
        core->waiting_count--;
}

void lanes_leave(Core *core, Message *message) {
        Lane *lane = message->lane;

        if (!lane)
                return;
        message->lane = NULL;
        gauges_end_waiting(core, message);
        if (lane->active == message)
                lane->active = NULL;
        else
                lane_unlink(core, lane, message);
        pair_leave(core, lane->pair);
        if (--lane->held == 0)
                lane_remove(core, lane, message->accepted.sender.length);
        else
                lane_ready(core, lane);
}

void lanes_queue(Core *core, Message *message) {
        Lane *lane = message->lane;

        if (message->cancelled)
                turns_conclude(core, message, OUTCOME_CANCELLED, FAILURE_CANCELLED, TEXT_NONE, message->cancelled_why);
        if (message->state == MESSAGE_CONCLUDING)
                return;
        message->state = MESSAGE_WAITING;
        message->next = NULL;
        *(lane->last ? &lane->last->next : &lane->first) = message;
        lane->last = message;
        core->waiting_count++;
        lane_ready(core, lane);
}

void lanes_stop(Core *core, Message *message) {
        const Lane *lane = message->lane;
        List ended = { 0 };

        if (lane->active)
                list_add(&ended, lane->active);
        for (Message *each = lane->first; each; each = each->next)
                list_add(&ended, each);
        for (size_t i = 0; i < ended.count; i++)
                message_cancel_own(core, ended.items[i]);
        turns_conclude(core, message, OUTCOME_SUCCESS, FAILURE_NONE,
                       ended.count ? STOPPED : TEXT("Nothing was running."), TEXT_NONE);
        list_release(&ended);
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
Lane *lane_next(Core *core) {
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
                if (lane_must_wait(core, lane))
                        continue;
                if (waits_for_cache(core, lane))
                        continue;
                sender->deficit += lane->weight;
                sender_rotate(tenant);
                tenant_rotate(core);
                if (sender->deficit < TURN_COST)
                        continue;
                sender->deficit -= TURN_COST;
                lane_unready(lane);
                lane_pass_on(core, lane);
                return lane;
        }
        return NULL;
}
void lanes_open(Core *core) {
        int32_t workers = core->settings.workers;

        core->lanes = map_new(256);
        core->lane_senders = map_new(256);
        core->lane_tenants = map_new(16);
        core->pairs = map_new(256);
        core->running = memory_new(sizeof(*core->running) * (size_t) workers);
        core->free_slots = memory_new(sizeof(*core->free_slots) * (size_t) workers);
        while (core->free_count < workers) {
                core->free_slots[core->free_count] = workers - 1 - core->free_count;
                core->free_count++;
        }
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
        map_free(core->pairs);
        free(core->running);
        free(core->free_slots);
}
