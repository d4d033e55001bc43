#include "component/doors/chat_text.h"
#include "component/doors/message.h"
#include "component/loop.h"

#include <stdio.h>

static void take_speech(Loop *loop, const Message *message, Arena *arena) {
        Arrival *arrival = arena_take(arena, sizeof(*arrival));

        if (!arrival) {
                arena_free(arena);
                return;
        }
        bool encrypted = message->meaning == MESSAGE_ENCRYPTED; /* its body is not what was said */
        ChatText text = chat_text_read(encrypted ? TEXT_NONE : message->body, message->agent.local.length == 0);
        *arrival = (Arrival){
                .arena = arena,
                .door = DOOR_CHAT,
                .from = message->sender,
                .agent = message->agent.local,
                .agent_domain = message->agent.domain,
                .stanza_id = message->id,
                .origin_id = message->origin_id,
                .thread = message->thread,
                .body = text.body,
                .encrypted = encrypted,
                .replaces = message->replaces,
                .command = text.command,
                .stops = text.stops,
                .receipt_wanted = message->receipt_wanted,
                .states = message->wants_states,
                .markable = message->markable,
                .quotes = message->is_reply,
                .arrived_us = loop->woken_us,
        };
        loop->now = clock_now(); /* of the verdict: others that came at the same time were before */
        loop_step(loop, &(Event){ .kind = EVENT_MESSAGE, .arrival = arrival });
}

/* An agent's answer to an agent: were it answered, they would never come to an end. */
static bool is_own_answer(Loop *loop, const Message *message) {
        Uuid id;

        return directory_serves(core_directory(loop->core), message->sender.domain) &&
               message_answer_id(message->id, &id);
}

static void take_message(Loop *loop, const Stanza *stanza, Arena *arena) {
        Message message = message_read(stanza);
        Event event = { 0 };
        bool speech = message.meaning == MESSAGE_SPEECH || message.meaning == MESSAGE_ENCRYPTED;

        if (speech && is_own_answer(loop, &message))
                message.meaning = MESSAGE_SIGNAL;
        else if (speech) {
                take_speech(loop, &message, arena);
                return;
        }
        if (core_meter(loop->core, loop->now, &stanza->from)) {
                if (message.meaning == MESSAGE_REACTION) {
                        loop_take_reaction(loop, &message, arena);
                        return;
                }
                if (message.meaning == MESSAGE_RECEIPT &&
                    message_answer_id(message.receipt_for, &event.answer.message_id)) {
                        event.kind = EVENT_RECEIVED;
                        loop_step(loop, &event);
                } else if (message.meaning == MESSAGE_BOUNCE &&
                           message_answer_id(message.id, &event.answer.message_id)) {
                        event.kind = EVENT_BOUNCED;
                        event.answer.retry = text_equal(message.bounce.type, TEXT("wait"));
                        loop_step(loop, &event);
                } else if (message.meaning == MESSAGE_RETRACTED) {
                        event.kind = EVENT_RETRACTED;
                        event.retraction.from = message.sender;
                        event.retraction.agent = message.agent.local;
                        event.retraction.id = message.retracts;
                        loop_step(loop, &event);
                }
        }
        arena_free(arena);
}

/* Skipped by the parser: whoever sent it is told, and nothing of it was kept. */
static void take_over_limit(Loop *loop, Link *link, const LinkEvent *event) {
        OutgoingList list = { 0 };

        if (core_meter(loop->core, loop->now, &event->stanza->from)) {
                outgoing_add_error(&list, event->arena, event->stanza, FAILURE_TOO_LARGE, text_of(event->limit));
                loop_send(loop, link, &list);
        }
        arena_free(event->arena);
}

static void link_went_up(Loop *loop, size_t index) {
        Link *link = loop->links[index];
        char domain[256];

        snprintf(domain, sizeof(domain), "%.*s", TEXT_ARGUMENTS(link_domain(link)));
        loop->link_since_us[index] = loop->now.wall_us;
        loop->link_trouble[index] = (Failure){ 0 };
        log_info("connected to the server", "domain", LOG_STRING, domain);
        roster_up(loop->roster, index);
        loop_step(loop, &(Event){ .kind = EVENT_LINK_UP, .link = { .domain = link_domain(link) } });
}

static void link_went_down(Loop *loop, size_t index, const LinkEvent *event) {
        Link *link = loop->links[index];
        char domain[256];

        snprintf(domain, sizeof(domain), "%.*s", TEXT_ARGUMENTS(link_domain(link)));
        if (event->was_up)
                loop->link_since_us[index] = loop->now.wall_us;
        loop->link_trouble[index] = event->failure;
        roster_down(loop->roster, index);
        if (!event->by_us)
                log_warning("not connected to the server", "domain", LOG_STRING, domain, "cause", LOG_STRING,
                            event->failure.text, "retry_ms", LOG_INTEGER, event->retry_in_us / MILLISECONDS);
        if (event->was_up)
                loop_step(loop, &(Event){ .kind = EVENT_LINK_DOWN,
                                          .link = { .domain = link_domain(link), .closed_by_us = event->by_us } });
}

void loop_link_event(Loop *loop, size_t index, LinkEvent *event) {
        Link *link = loop->links[index];

        switch (event->kind) {
        case LINK_UP:
                link_went_up(loop, index);
                break;
        case LINK_DOWN:
                link_went_down(loop, index, event);
                break;
        case LINK_STANZA:
                if (event->stanza->kind == STANZA_MESSAGE)
                        take_message(loop, event->stanza, event->arena);
                else
                        loop_take_contact(loop, link, event->stanza, event->arena);
                break;
        case LINK_OVER_LIMIT:
                take_over_limit(loop, link, event);
                break;
        case LINK_PONG:
                loop_step(loop, &(Event){ .kind = EVENT_PONG,
                                          .link = { .domain = link_domain(link), .ticket = event->token } });
                break;
        case LINK_RELIEVED:
                break;
        }
}
