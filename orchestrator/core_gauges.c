/* Gauges: how many turns run and messages wait of a tenant, a person, an agent and the whole, and what follows from it.
 * A lane whose next turn would be one too many of its subject is parked there, out of the round, and taken back when a
 * turn of that subject ends: one lane for one turn, and what a lane cannot use the next one gets, so that nobody
 * starves and nothing is looked at again before something has changed. What other hubs hold of the same limits counts,
 * too; when that changes, so does what may go on here. */
#include "orchestrator/core_state.h"

/* Something of it changed, which other hubs are to be told. */
static void gauge_moved(Core *core, Gauge *gauge) {
        bool holds = gauge->turns > 0 || gauge->waiting > 0;

        core->levels_moved = true;
        if (holds == gauge->holds)
                return;
        gauge->holds = holds;
        if (holds) {
                gauge->previous_held = NULL;
                gauge->next_held = core->held_first;
                if (core->held_first)
                        core->held_first->previous_held = gauge;
                core->held_first = gauge;
                return;
        }
        *(gauge->previous_held ? &gauge->previous_held->next_held : &core->held_first) = gauge->next_held;
        if (gauge->next_held)
                gauge->next_held->previous_held = gauge->previous_held;
}

static void gauges_add(Core *core, const Message *message, int32_t waiting, int32_t turns) {
        for (size_t i = 0; i < GAUGES; i++) {
                Gauge *gauge = message->gauges.of[i];
                if (!gauge)
                        continue;
                gauge->waiting += waiting;
                gauge->turns += turns;
                gauge_moved(core, gauge);
        }
}

void gauges_wait_again(Core *core, Message *message) {
        message->counted_waiting = true;
        gauges_add(core, message, 1, 0);
}

void gauges_enter(Core *core, Message *message) {
        Agent *agent = directory_agent_by_id(core->directory, message->accepted.agent_id);
        Jid jid = jid_of_bare(message->accepted.sender);
        Sender sender = directory_sender(core->directory, &jid);

        if (message->accepted.command || !agent)
                return;
        message->gauges = directory_gauges(core->directory, &sender, agent);
        gauges_wait_again(core, message);
}

void gauges_end_waiting(Core *core, Message *message) {
        if (!message->counted_waiting)
                return;
        message->counted_waiting = false;
        gauges_add(core, message, -1, 0);
}

void gauges_begin_turn(Core *core, const Message *message) {
        gauges_add(core, message, 0, 1);
}

static void lane_unpark(Core *core, Lane *lane) {
        Gauge *gauge = lane->parked;

        *(lane->previous_parked ? &lane->previous_parked->next_parked : &gauge->first) = lane->next_parked;
        *(lane->next_parked ? &lane->next_parked->previous_parked : &gauge->last) = lane->previous_parked;
        lane->previous_parked = lane->next_parked = NULL;
        lane->parked = NULL;
        gauge->parked--;
        core->parked_count--;
        core->levels_moved = true;
}

/* The one that waits longest is looked at again. */
static void gauge_wake(Core *core, Gauge *gauge) {
        Lane *lane = gauge->first;

        if (!lane)
                return;
        lane_unpark(core, lane);
        lane->woken_by = gauge;
        gauge->woken++;
        lane_ready(core, lane);
}

/* It is no longer on the way to a place there; NULL: to none. */
static Gauge *lane_woken_by(Lane *lane) {
        Gauge *gauge = lane->woken_by;

        lane->woken_by = NULL;
        if (gauge)
                gauge->woken--;
        return gauge;
}

void gauges_end_turn(Core *core, const Message *message) {
        gauges_add(core, message, 0, -1);
        for (size_t i = 0; i < GAUGES; i++)
                if (message->gauges.of[i])
                        gauge_wake(core, message->gauges.of[i]);
}

/* Back to where it was woken goes to the front; elsewhere to the end, and the next one is woken in its stead. */
static void lane_park(Core *core, Lane *lane, Gauge *gauge) {
        Gauge *woken_by = lane_woken_by(lane);
        Lane *first = gauge->first, *last = gauge->last;

        lane->parked = gauge;
        gauge->parked++;
        core->parked_count++;
        core->levels_moved = true;
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
                if (!gauge || !directory_hold(core->directory, gauge, LIMIT_TURNS).refused)
                        continue;
                lane_unready(lane);
                lane_park(core, lane, gauge);
                return true;
        }
        return false;
}

void lane_pass_on(Core *core, Lane *lane) {
        Gauge *gauge = lane_woken_by(lane);

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

/* One lane of each subject that has a place: it wakes the next when it is served, as when a turn ends. Of a subject
 * that has one on its way, none. */
void gauges_hear(Core *core, const Event *event) {
        directory_divide(core->directory, event->levels.hubs);
        directory_share(core->directory, event->levels.elsewhere, event->levels.count);
        for (Gauge *gauge = core->held_first; gauge && core->parked_count; gauge = gauge->next_held)
                if (gauge->first && !gauge->woken && !directory_hold(core->directory, gauge, LIMIT_TURNS).refused)
                        gauge_wake(core, gauge);
}

/* Lanes that this hub could not serve anyway want nothing that others have to leave to it. */
static Level level_of_turns(const Core *core, const Gauge *gauge) {
        Level level = { .held = gauge->turns };

        if (!gauge->first || !core->leading || core->draining || core->free_count == 0)
                return level;
        int64_t waited_ms = (core->now.monotonic_us - gauge->first->first->committed_us) / MILLISECONDS;
        level.wanted = gauge->parked;
        level.waited_ms = waited_ms < INT32_MAX ? (int32_t) waited_ms : INT32_MAX;
        return level;
}

static void level_add(CoreLevels *levels, Level level) {
        if (levels->count == levels->capacity) {
                levels->capacity = levels->capacity ? levels->capacity * 2 : 64;
                levels->items = memory_resize(levels->items, levels->capacity * sizeof(*levels->items));
        }
        levels->items[levels->count++] = level;
}

void core_levels(Core *core, CoreLevels *ret_levels) {
        core->levels_moved = false;
        ret_levels->count = 0;
        for (const Gauge *gauge = core->held_first; gauge; gauge = gauge->next_held)
                for (size_t i = 0; i < COUNT_OF(gauge->lists); i++)
                        for (const Limit *limit = gauge->lists[i] ? *gauge->lists[i] : NULL; limit;
                             limit = limit->next) {
                                bool turns = limit->what == LIMIT_TURNS;
                                if (!turns && limit->what != LIMIT_WAITING)
                                        continue;
                                Level level = turns ? level_of_turns(core, gauge) : (Level){ .held = gauge->waiting };
                                level.limit = limit->id;
                                if (level.held > 0 || level.wanted > 0)
                                        level_add(ret_levels, level);
                        }
}

bool core_levels_moved(const Core *core) {
        return core->levels_moved;
}

/* The tick that follows serves what may go on. */
void core_limits_changed(Core *core) {
        gauges_look_again(core);
        waits_ask_again(core);
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
        int64_t took_us = core->now.monotonic_us - message->begun_us;
        const Grant *grant;

        if (!agent || message->accepted.command || took_us <= 0)
                return;
        Sender sender = message_sender(core, message, agent, &grant);
        const Limit *near = directory_charge(core->directory, &sender, agent, grant, LIMIT_WORKER_MS,
                                             (took_us + MILLISECONDS - 1) / MILLISECONDS, core->now.monotonic_us);
        if (near)
                core_tell_near(core, near, agent);
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
