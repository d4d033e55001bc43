/* What subscribers are told, and how somebody becomes one. */
#include "component/loop.h"

#include <poll.h>

#define ARENA_LIMIT     ((size_t) 4 * 1024 * 1024)
#define QUEUE_BYTES     (64 * 1024) /* a stream that holds more is left to messages */
#define END_AT_ONCE     100
#define GOODBYE_US      (5 * SECONDS)
#define GOODBYE_STEP_MS 5

static const char too_many[] = "Too many subscriptions change at the moment. Try again in a minute.";

static void add_unsubscribed(OutgoingList *list, Arena *arena, Text id, Text agent, Text who) {
        outgoing_add(list, arena, STANZA_PRESENCE, TYPE_UNSUBSCRIBED, id, agent, who);
}

/* Agents keep no list of contacts: one that asks another is told what strangers are told. A server that probes for
 * somebody holds him subscribed: so he is, also when it was before anybody remembered. */
bool loop_take_wish(Loop *loop, const Stanza *stanza, const Sender *asker, const Agent *agent, Arena *arena,
                    OutgoingList *list) {
        Text who = stanza->from.bare, address = stanza->to.bare;
        const Subscription *held = directory_subscription(core_directory(loop->core), agent, stanza->to.domain, who);
        bool changing = subscription_door_has(loop->subscriptions, who, address);
        bool ended = held && roster_has_ended(held);

        if (stanza->type == TYPE_SUBSCRIBE && asker->kind == SENDER_AGENT) {
                add_unsubscribed(list, arena, stanza->id, address, who);
                return true;
        }
        if (stanza->type == TYPE_SUBSCRIBE && (!held || changing || ended)) {
                if (ended ||
                    !subscription_door_wish(loop->subscriptions, loop->now, &stanza->from, address, WISH_BEGIN))
                        outgoing_add_error(list, arena, stanza, FAILURE_LIMIT, text_of(too_many));
                return true;
        }
        if (stanza->type == TYPE_UNSUBSCRIBE && (held || changing)) {
                if (!subscription_door_wish(loop->subscriptions, loop->now, &stanza->from, address, WISH_END))
                        log_warning("a subscription did not end as its person wished: too many end at the moment");
                return true;
        }
        if (stanza->type == TYPE_PROBE && !held && !changing && asker->kind != SENDER_AGENT)
                subscription_door_wish(loop->subscriptions, loop->now, &stanza->from, address, WISH_KEEP);
        return false;
}

/* What was not granted is said as it would have been at once. */
void loop_take_call(Loop *loop, DeskCall *call) {
        Disappointment told;

        if (!subscription_door_done(loop->subscriptions, loop->now, call, &told))
                return;
        _cleanup_(arena_freep) Arena *arena = arena_new(ARENA_LIMIT);
        OutgoingList list = { 0 };
        if (told.reason == FAILURE_NOT_FOUND || told.reason == FAILURE_INVALID) {
                add_unsubscribed(&list, arena, TEXT_NONE, told.agent, told.who);
        } else {
                Element *error = outgoing_add(&list, arena, STANZA_PRESENCE, TYPE_ERROR, TEXT_NONE, told.agent,
                                              told.who);
                stanza_add_error(error, TEXT_NONE, FAILURE_LIMIT, text_of(too_many));
        }
        loop_send(loop, loop_link(loop, jid_domain(told.agent)), &list);
}

static bool has_room(const Loop *loop, size_t index) {
        const Link *link = loop->links[index];

        return link && link_is_up(link) && link_figures(link).queued_bytes < QUEUE_BYTES;
}

static void end_subscriptions(Loop *loop) {
        _cleanup_(arena_freep) Arena *arena = arena_new(ARENA_LIMIT);
        Text agent, people[END_AT_ONCE];
        size_t count = roster_take_ended(loop->roster, arena, &agent, people, END_AT_ONCE);

        if (count > 0)
                subscription_door_end(loop->subscriptions, agent, people, count);
}

static void tell(Loop *loop, size_t index) {
        _cleanup_(arena_freep) Arena *arena = arena_new(ARENA_LIMIT);
        OutgoingList list = { 0 };

        roster_take(loop->roster, index, loop->now, arena, &list);
        loop_send(loop, loop->links[index], &list);
}

void loop_tell(Loop *loop) {
        for (size_t i = 0; i < loop->link_count; i++)
                if (has_room(loop, i) && roster_due(loop->roster, i, loop->now) <= loop->now.monotonic_us)
                        tell(loop, i);
        if (subscription_door_may_end(loop->subscriptions))
                end_subscriptions(loop);
        subscription_door_run(loop->subscriptions, loop->now);
}

int64_t loop_tell_wake(Loop *loop) {
        int64_t wake_us = subscription_door_wake(loop->subscriptions);

        for (size_t i = 0; i < loop->link_count; i++) {
                int64_t due_us = has_room(loop, i) ? roster_due(loop->roster, i, loop->now) : INT64_MAX;
                if (due_us < wake_us)
                        wake_us = due_us;
        }
        return wake_us;
}

/* What comes meanwhile is dropped: this hub is gone already. */
static void hear_nothing(Link *link) {
        LinkEvent event;

        link_handle(link, clock_now().monotonic_us);
        while (link_next(link, &event))
                if (event.arena)
                        arena_free(event.arena);
}

static void say_goodbye(Loop *loop, size_t index, int64_t deadline_us) {
        Link *link = loop->links[index];

        roster_leave(loop->roster, index);
        while (link_is_up(link)) {
                loop->now = clock_now();
                int64_t due_us = roster_due(loop->roster, index, loop->now);
                if (due_us == INT64_MAX || loop->now.monotonic_us >= deadline_us)
                        break;
                if (has_room(loop, index) && due_us <= loop->now.monotonic_us)
                        tell(loop, index);
                hear_nothing(link);
                struct pollfd ready = { .fd = link_descriptor(link), .events = POLLIN };
                poll(&ready, 1, GOODBYE_STEP_MS);
        }
}

void loop_say_goodbye(Loop *loop) {
        int64_t deadline_us = clock_now().monotonic_us + GOODBYE_US;

        if (loop->exit_failure.kind == FAILURE_CONFLICT)
                return; /* another process speaks for these agents */
        for (size_t i = 0; i < loop->link_count; i++)
                if (loop->links[i] && !core_domain_is_shared(loop->core, link_domain(loop->links[i])))
                        say_goodbye(loop, i, deadline_us);
}
