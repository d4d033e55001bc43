/* Turns that must wait for a budget. Such a turn ends; its message goes back to the front of its lane with what the
 * turn has done so far, holds no worker, and counts as one that waits. Its lane is out of the round until the budgets
 * say that it may go on, or what it is asked about has changed; then it is served like any other, so that nobody's
 * budget costs anybody else a turn. While the budgets' cache is away, what it must be asked about does not begin at
 * all.
 */
#include "orchestrator/core_state.h"
#include "orchestrator/directory/budgets.h"

/* Asked for the last time so long before its time is over, so that it can still be told why. */
#define LAST_US (2 * SECONDS)

static Text copy(Arena *arena, Text text) {
        return text.length ? text_copy(arena, text) : TEXT_NONE;
}

static size_t left_size(const TurnResult *result) {
        size_t size = 4096 + result->answer.length + result->explanation.length + result->tools.length +
                      result->step_count * sizeof(*result->steps) + result->event_count * sizeof(*result->events);

        for (size_t i = 0; i < result->step_count; i++)
                size += result->steps[i].payload.length + 16;
        for (size_t i = 0; i < result->event_count; i++)
                size += result->events[i].facts.length + 16;
        return size;
}

/* What must outlive the part of the turn that has ended, and nothing else of it. */
static TurnResult *result_copy(Arena *arena, const TurnResult *result) {
        TurnResult *left = arena_take(arena, sizeof(*left));
        StepRecord *steps = arena_take_array(arena, StepRecord, result->step_count);
        TurnEvent *events = arena_take_array(arena, TurnEvent, result->event_count);

        *left = *result;
        left->answer = copy(arena, result->answer);
        left->explanation = copy(arena, result->explanation);
        left->tools = copy(arena, result->tools);
        left->warning = TEXT_NONE; /* it was given */
        left->steps = steps;
        for (size_t i = 0; i < result->step_count; i++) {
                steps[i] = result->steps[i];
                steps[i].payload = copy(arena, result->steps[i].payload);
        }
        left->events = events;
        for (size_t i = 0; i < result->event_count; i++) {
                events[i] = result->events[i];
                events[i].facts = copy(arena, result->events[i].facts);
        }
        return left;
}

static void lane_wait(Core *core, Lane *lane) {
        lane->waits = true;
        lane->next_waiting = NULL;
        lane->previous_waiting = core->waits_newest;
        *(core->waits_newest ? &core->waits_newest->next_waiting : &core->waits_first) = lane;
        core->waits_newest = lane;
        core->waits_count++;
}

void waits_end(Core *core, Lane *lane) {
        if (!lane->waits)
                return;
        lane->waits = false;
        *(lane->previous_waiting ? &lane->previous_waiting->next_waiting : &core->waits_first) = lane->next_waiting;
        *(lane->next_waiting ? &lane->next_waiting->previous_waiting : &core->waits_newest) = lane->previous_waiting;
        lane->next_waiting = lane->previous_waiting = NULL;
        core->waits_count--;
        lane_ready(core, lane);
}

void waits_begin(Core *core, Message *message, const TurnResult *result) {
        Arena *arena = arena_new(left_size(result));
        ConcludedRecord *concluded = &message->concluded;
        Lane *lane = message->lane;

        message->left = result_copy(arena, result);
        message->steps = message->left->steps;
        message->step_count = message->left->step_count;
        message->events = message->left->events;
        concluded->tools = message->left->tools;
        concluded->worker = TEXT_NONE;
        core_bury(core, message->turn_arena);
        message->turn_arena = arena;
        message->state = MESSAGE_WAITING;
        gauges_wait_again(core, message);
        lane->active = NULL;
        message->next = lane->first;
        lane->first = message;
        if (!lane->last)
                lane->last = message;
        core->waiting_count++;
        if (message->may_go_on)
                lane_ready(core, lane);
        else
                lane_wait(core, lane);
}

void waits_over(Core *core, Uuid message_id) {
        Message *message = map_get(core->messages, MAP_KEY(message_id));

        if (!message)
                return;
        message->may_go_on = true; /* also of a part that has not ended yet */
        if (message->lane && message->lane->first == message)
                waits_end(core, message->lane);
}

void waits_ask_again(Core *core) {
        while (core->waits_first)
                waits_end(core, core->waits_first);
}

/* A change of one tenant is of no concern to those of another who wait. */
static bool change_concerns(const Core *core, const DirectoryChange *change, const Message *message) {
        Uuid tenant_id = message->accepted.tenant_id, installation = directory_installation(core->directory);

        return uuid_equal(change->tenant_id, tenant_id) || uuid_equal(change->tenant_id, installation) ||
               (change->kind == DIRECTORY_TENANT && uuid_equal(change->id, tenant_id)) ||
               change->kind == DIRECTORY_ACCOUNT;
}

/* A limit of who writes is none of a budget; of another that is gone it is not always said what it was. */
static bool changes_budgets(const DirectoryChange *change) {
        return change->gone ? change->subject != LIMIT_OF_SENDER : limit_facts[change->what].kind == LIMIT_IS_BUDGET;
}

/* Other budgets ask for other amounts; anything else may forbid it now, which is not for the budgets to know. */
static bool must_ask_again(Core *core, const DirectoryChange *changes, size_t count, const Message *message) {
        Failure refusal;
        bool concerned = false;

        for (size_t i = 0; i < count; i++) {
                if (!change_concerns(core, &changes[i], message))
                        continue;
                bool limit = changes[i].kind == DIRECTORY_LIMIT;
                if (changes[i].kind == DIRECTORY_TENANT || (limit && changes_budgets(&changes[i])))
                        return true;
                concerned |= !limit;
        }
        return concerned && !still_admitted(core->directory, core->now, message->accepted.sender,
                                            directory_agent_by_id(core->directory, message->accepted.agent_id),
                                            message->accepted.command, &refusal);
}

void waits_look(Core *core, const DirectoryChange *changes, size_t count) {
        for (Lane *lane = core->waits_first, *next; lane; lane = next) {
                next = lane->next_waiting;
                if (must_ask_again(core, changes, count, lane->first))
                        waits_end(core, lane);
        }
}

bool waits_last(const Core *core, const Message *message) {
        bool begun = message->started_us != 0;
        int64_t ends_us = begun ? message->turn_deadline_us : message->deadline_us;
        int64_t whole_us = ends_us - (begun ? message->started_us : message->committed_us);
        int64_t margin_us = whole_us / 4 < LAST_US ? whole_us / 4 : LAST_US;

        return core->now.monotonic_us >= ends_us - margin_us;
}

bool waits_for_cache(Core *core, Lane *lane) {
        const Message *message = lane->first;
        const Agent *agent = core->cache_away ? directory_agent_by_id(core->directory, message->accepted.agent_id)
                                              : NULL;
        BudgetParties parties = message_parties(&message->accepted);
        BudgetUnit unit;

        if (!agent || message->accepted.command || message->cancelled || waits_last(core, message) ||
            !directory_needs_cache(core->directory, agent, &parties, &unit))
                return false;
        lane_unready(lane);
        lane_wait(core, lane);
        lane_pass_on(core, lane);
        return true;
}

/* Those who stand in the budgets' own lines are asked for there. */
void waits_cache_back(Core *core) {
        for (Lane *lane = core->waits_first, *next; lane; lane = next) {
                next = lane->next_waiting;
                if (!lane->first->left || lane->first->may_go_on)
                        waits_end(core, lane);
        }
}

void waits_expire(Core *core) {
        for (Lane *lane = core->waits_first, *next; lane; lane = next) {
                next = lane->next_waiting;
                if (waits_last(core, lane->first))
                        waits_end(core, lane);
        }
}
