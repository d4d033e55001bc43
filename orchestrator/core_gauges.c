/* Gauges: how many turns run and messages wait of a tenant, a person, an agent and the whole, and what follows from it.
 * A lane whose next turn would be one too many of its subject is parked there, out of the round, and taken back when a
 * turn of that subject ends: one lane for one turn, and what a lane cannot use the next one gets, so that nobody
 * starves and nothing is looked at again before something has changed. */
#include "orchestrator/core_state.h"

void gauges_enter(Core *core, Message *message) {
        Agent *agent = directory_agent_by_id(core->directory, message->accepted.agent_id);
        Jid jid = jid_of_bare(message->accepted.sender);
        Sender sender = directory_sender(core->directory, &jid);

        if (message->accepted.command || !agent)
                return;
        message->gauges = directory_gauges(core->directory, &sender, agent);
        message->counted_waiting = true;
        for (size_t i = 0; i < GAUGES; i++)
                if (message->gauges.of[i])
                        message->gauges.of[i]->waiting++;
}

void gauges_end_waiting(Message *message) {
        if (!message->counted_waiting)
                return;
        message->counted_waiting = false;
        for (size_t i = 0; i < GAUGES; i++)
                if (message->gauges.of[i])
                        message->gauges.of[i]->waiting--;
}

void gauges_begin_turn(Message *message) {
        for (size_t i = 0; i < GAUGES; i++)
                if (message->gauges.of[i])
                        message->gauges.of[i]->turns++;
}

static void lane_unpark(Core *core, Lane *lane) {
        Gauge *gauge = lane->parked;

        *(lane->previous_parked ? &lane->previous_parked->next_parked : &gauge->first) = lane->next_parked;
        *(lane->next_parked ? &lane->next_parked->previous_parked : &gauge->last) = lane->previous_parked;
        lane->previous_parked = lane->next_parked = NULL;
        lane->parked = NULL;
        core->parked_count--;
}

/* The one that waits longest is looked at again. */
static void gauge_wake(Core *core, Gauge *gauge) {
        Lane *lane = gauge->first;

        if (!lane)
                return;
        lane_unpark(core, lane);
        lane->woken_by = gauge;
        lane_ready(core, lane);
}

void gauges_end_turn(Core *core, Message *message) {
        for (size_t i = 0; i < GAUGES; i++)
                if (message->gauges.of[i]) {
                        message->gauges.of[i]->turns--;
                        gauge_wake(core, message->gauges.of[i]);
                }
}

/* Back to where it was woken goes to the front; elsewhere to the end, and the next one is woken in its stead. */
static void lane_park(Core *core, Lane *lane, Gauge *gauge) {
        Gauge *woken_by = lane->woken_by;
        Lane *first = gauge->first, *last = gauge->last;

        lane->woken_by = NULL;
        lane->parked = gauge;
        core->parked_count++;
        if (woken_by == gauge) {
                lane->next_parked = first;
                gauge->first = lane;
                *(first ? &first->previous_parked : &gauge->last) = lane;
        } else {
                lane->previous_parked = last;
                gauge->last = lane;
                *(last ? &last->next_parked : &gauge->first) = lane;
        }
        if (woken_by && woken_by != gauge)
                gauge_wake(core, woken_by);
}

bool lane_must_wait(Core *core, Lane *lane) {
        const Message *message = lane->first;

        for (size_t i = 0; i < GAUGES && !message->accepted.command; i++) {
                Gauge *gauge = message->gauges.of[i];
                if (!gauge || !gauge_ask(gauge, LIMIT_TURNS).refused)
                        continue;
                lane_unready(lane);
                lane_park(core, lane, gauge);
                return true;
        }
        return false;
}

void lane_pass_on(Core *core, Lane *lane) {
        Gauge *gauge = lane->woken_by;

        lane->woken_by = NULL;
        if (gauge)
                gauge_wake(core, gauge);
}

void lane_let_go(Core *core, Lane *lane) {
        if (lane->parked)
                lane_unpark(core, lane);
        lane_pass_on(core, lane);
}

void gauges_look_again(Core *core) {
        Lane *lane;

        for (size_t i = 0; core->parked_count && (lane = map_each(core->lanes, &i));)
                if (lane->parked) {
                        lane_unpark(core, lane);
                        lane_ready(core, lane);
                }
}

/* The tick that follows serves what may go on. */
void core_limits_changed(Core *core) {
        gauges_look_again(core);
}

/* Whom a message concerns, as it is now. */
static Sender message_sender(Core *core, const Message *message, const Agent *agent, const Grant **ret_grant) {
        Jid jid = jid_of_bare(message->accepted.sender);
        Sender sender = directory_sender(core->directory, &jid);

        *ret_grant = NULL;
        if (agent->local)
                directory_agent(core->directory, &sender, text_of(agent->local), core->now.wall_us, ret_grant);
        return sender;
}

int64_t gauges_turn_deadline(Core *core, const Message *message, const Agent *agent) {
        const Grant *grant;
        Sender sender = message_sender(core, message, agent, &grant);
        int64_t seconds = directory_least(core->directory, &sender, agent, grant, LIMIT_TURN_SECONDS);
        int64_t left_us = message->deadline_us - core->now.monotonic_us;
        return seconds < left_us / SECONDS ? core->now.monotonic_us + seconds * SECONDS : message->deadline_us;
}

void gauges_charge_turn(Core *core, const Message *message) {
        const Agent *agent = directory_agent_by_id(core->directory, message->accepted.agent_id);
        int64_t took_us = core->now.monotonic_us - message->started_us;
        const Grant *grant;

        if (!agent || message->accepted.command || took_us <= 0)
                return;
        Sender sender = message_sender(core, message, agent, &grant);
        directory_charge(core->directory, &sender, agent, grant, LIMIT_WORKER_MS,
                         (took_us + MILLISECONDS - 1) / MILLISECONDS, core->now.monotonic_us);
}

/* Who may do something about it: the agent's owner, or the tenant's owners; of a person, a domain and the whole, nobody
 * is told. */
void core_tell_near(Core *core, const Limit *limit, const Agent *agent) {
        bool of_agent = limit->subject == LIMIT_OF_AGENT || limit->subject == LIMIT_OF_GRANT;
        bool of_tenant = limit->subject == LIMIT_OF_TENANT || limit->subject == LIMIT_OF_PLAN;
        char what[LIMIT_TEXT_SIZE], kind[UUID_STRING_SIZE];
        TextBuilder builder = text_builder(1024);
        Arena *arena = arena_new(4096);
        Text owner;

        uuid_format(limit->id, kind);
        limit_format(limit->what, limit->window_us, limit->amount, what);
        text_add_format(&builder, "%s %s has used four fifths of its limit of %s.",
                        of_agent ? "The agent" : "The tenant", of_agent ? agent->name : directory_slug(agent->tenant),
                        what);
        Text text = text_copy(arena, text_built(&builder));
        text_builder_release(&builder);
        const char *name = text_string(arena, text_of(kind));
        core_bury(core, arena);
        if (of_agent)
                core_tell(core, text_of(agent->owner), name, text);
        for (size_t i = 0; of_tenant && (owner = directory_each_owner(core->directory, agent->tenant, &i)).length;)
                core_tell(core, owner, name, text);
}
