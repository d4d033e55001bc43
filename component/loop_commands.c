#include "component/doors/message.h"
#include "component/loop.h"
#include "xmpp/styling.h"

#define SEND_ARENA_SIZE ((size_t) 4 * 1024 * 1024)

Link *loop_link(Loop *loop, Text domain) {
        for (size_t i = 0; i < loop->link_count; i++)
                if (loop->links[i] && text_equal(link_domain(loop->links[i]), domain))
                        return loop->links[i];
        return NULL;
}

static Link *link_of_agent(Loop *loop, Text agent) {
        return loop_link(loop, jid_domain(agent));
}

/* What does not go out now is found again: answers from the journal, receipts when the sender repeats. A server that
 * takes nothing for so long that the link is full is left for a new stream, so that no ping behind a lost answer is
 * answered. */
void loop_send(Loop *loop, Link *link, const OutgoingList *list) {
        Failure failure;

        (void) loop;
        for (const Outgoing *outgoing = list->first; link && outgoing; outgoing = outgoing->next) {
                if (link_send(link, outgoing, &failure) || failure.kind == FAILURE_UNAVAILABLE)
                        continue;
                log_error("stanza was not sent", "cause", LOG_STRING, failure.text);
                if (failure.kind != FAILURE_LIMIT)
                        continue;
                link_drop(link);
                link_open(link);
        }
}

static void open_links(Loop *loop) {
        Failure failure;

        loop->links_open = true;
        for (size_t i = 0; i < loop->link_count; i++) {
                LinkSettings settings = { .endpoint = text_of(loop->settings->server),
                                          .domain = text_of(loop->settings->domains[i]),
                                          .secret = loop->component_secret };
                loop->link_since_us[i] = loop->now.wall_us;
                if (!link_new(&settings, &loop->links[i], &failure)) {
                        log_error("cannot connect to the server", "domain", LOG_STRING, loop->settings->domains[i],
                                  "cause", LOG_STRING, failure.text);
                        loop->link_trouble[i] = failure;
                        continue;
                }
                struct epoll_event interest = { .events = EPOLLIN, .data.u64 = LOOP_FIRST_LINK + i };
                epoll_ctl(loop->epoll, EPOLL_CTL_ADD, link_descriptor(loop->links[i]), &interest);
                link_open(loop->links[i]);
        }
}

/* At once, unsent bytes with them: what is not this hub's any more must not go out. */
void loop_close_links(Loop *loop) {
        loop->links_open = false;
        for (size_t i = 0; i < loop->link_count; i++) {
                if (!loop->links[i])
                        continue;
                roster_down(loop->roster, i);
                epoll_ctl(loop->epoll, EPOLL_CTL_DEL, link_descriptor(loop->links[i]), NULL);
                link_free(loop->links[i]);
                loop->links[i] = NULL;
        }
}

static void send_receipt(Loop *loop, const Command *command) {
        const ReplyTo *to = &command->arrival.reply_to;
        _cleanup_(arena_freep) Arena *arena = NULL;
        OutgoingList list = { 0 };

        if (to->door != DOOR_CHAT || !command->arrival.receipt_wanted || !to->stanza_id.length)
                return;
        arena = arena_new(0);
        message_add_receipt(&list, arena, to);
        loop_send(loop, link_of_agent(loop, to->agent), &list);
}

/* Clients show the error of an encrypted message as one of encryption, or not at all: so a message says it, once. */
static void explain_unreadable(Loop *loop, const ReplyTo *to, OutgoingList *list, Arena *arena) {
        Text sender = jid_bare(to->address);

        if (seldom_now(loop->unreadable, sender, to->agent, loop->now.monotonic_us))
                message_add_unreadable(list, arena, to, uuid_make(&loop->uuids, loop->now.wall_us));
}

static void send_refusal(Loop *loop, const Command *command) {
        const ReplyTo *to = &command->arrival.reply_to;
        const Failure *failure = &command->arrival.failure;
        _cleanup_(arena_freep) Arena *arena = NULL;
        OutgoingList list = { 0 };

        if (to->door != DOOR_CHAT)
                return;
        arena = arena_new(0);
        if (failure->kind == FAILURE_UNSUPPORTED)
                explain_unreadable(loop, to, &list, arena);
        else
                message_add_refusal(&list, arena, to, failure->kind, text_of(failure->text));
        loop_send(loop, link_of_agent(loop, to->agent), &list);
}

/* What a person reads: the answer; or what there was of it and why there is no more. */
static Text answer_body(Arena *arena, const Command *command) {
        Text text = styling_of(arena, command->answer.text), explanation = command->answer.explanation;

        if (command->answer.outcome == OUTCOME_SUCCESS || command->answer.outcome == OUTCOME_PARKED)
                return text;
        if (!explanation.length)
                explanation = command->answer.outcome == OUTCOME_CANCELLED ? TEXT("Stopped.")
                                                                           : TEXT("This could not be answered.");
        if (!text.length)
                return explanation;
        TextBuilder body = text_builder(0);
        text_add(&body, text);
        text_add_string(&body, "\n\n");
        text_add(&body, explanation);
        Text copied = text_copy(arena, text_built(&body));
        text_builder_release(&body);
        return copied;
}

/* What a person sees while his message is answered; the device alone that he wrote from. */
static void show_work(Loop *loop, const ReplyTo *to) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        OutgoingList list = { 0 };

        if (to->door != DOOR_CHAT || !(to->markable || to->states))
                return;
        arena = arena_new(0);
        if (to->markable)
                message_add_displayed(&list, arena, to);
        if (to->states)
                message_add_state(&list, arena, to, STATE_COMPOSING);
        loop_send(loop, link_of_agent(loop, to->agent), &list);
}

/* Nobody goes on writing what will not come. */
static void show_end(Loop *loop, const ReplyTo *to) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        OutgoingList list = { 0 };

        if (to->door != DOOR_CHAT || !to->states)
                return;
        arena = arena_new(0);
        message_add_state(&list, arena, to, STATE_ACTIVE);
        loop_send(loop, link_of_agent(loop, to->agent), &list);
}

static void send_answer(Loop *loop, const Command *command) {
        const ReplyTo *to = &command->answer.reply_to;
        _cleanup_(arena_freep) Arena *arena = arena_new(SEND_ARENA_SIZE);
        OutgoingList list = { 0 };

        message_add_answer(&list, arena, to, command->answer.message_id, answer_body(arena, command),
                           command->answer.reason, command->answer.streamed);
        loop_send(loop, link_of_agent(loop, to->agent), &list);
}

/* To a client that shows corrections; of one not asked yet it is asked, and sees the next. */
static void send_draft(Loop *loop, const Command *command) {
        const ReplyTo *to = &command->draft.reply_to;
        Draft *draft = &loop->drafts[command->draft.turn & WORKERS_SLOT_MASK];
        _cleanup_(arena_freep) Arena *arena = arena_new(SEND_ARENA_SIZE);
        OutgoingList list = { 0 };
        bool ask;

        if (draft->turn != command->draft.turn)
                *draft = (Draft){ .turn = command->draft.turn };
        if (clients_show_corrections(loop->clients, to->address, loop->now.monotonic_us, &ask))
                message_add_draft(&list, arena, to, command->draft.message_id, command->draft.text,
                                  draft->count++ == 0);
        else if (ask)
                clients_ask(&list, arena, agent_full(arena, to->agent), to->address);
        loop_send(loop, link_of_agent(loop, to->agent), &list);
}

/* In chat, in the name of the first domain. */
void loop_tell_person(Loop *loop, Text who, Text kind, Text text) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        OutgoingList list = { 0 };
        ReplyTo to = { .agent = text_of(loop->settings->domains[0]), .address = who };

        if (directory_serves(core_directory(loop->core), jid_domain(who)))
                return; /* nobody reads there */
        if (kind.length && !seldom_now(loop->told, who, kind, loop->now.monotonic_us))
                return;
        arena = arena_new(0);
        message_add_answer(&list, arena, &to, uuid_make(&loop->uuids, loop->now.wall_us), text, FAILURE_NONE, false);
        loop_send(loop, loop->links[0], &list);
}

static void log_for_tenant(Loop *loop, const Command *command) {
        TenantLogLine line = { .tenant_id = command->log.tenant_id,
                               .agent_id = command->log.agent_id,
                               .at_us = loop->now.wall_us,
                               .level = command->log.level,
                               .sentence = text_of(command->log.sentence),
                               .fields = command->log.fields };

        scribe_log(loop->scribe, &line);
}

static void cancel_done(Loop *loop, const Command *command) {
        uint64_t ticket = command->note.ticket;
        Note *note = map_remove(loop->cancels, MAP_KEY(ticket));

        if (note)
                inbox_answer(note, &command->note.failure);
}

static void exit_loop(Loop *loop, const Failure *failure) {
        loop->exiting = true;
        loop->exit_failure = *failure;
}

void loop_execute(Loop *loop, const Command *command) {
        Link *link;

        switch (command->kind) {
        case COMMAND_STORE:
                journal_send(loop->journal, command->request, loop->now);
                break;
        case COMMAND_TURN:
                workers_turn(loop->workers, command->turn.turn, command->turn.input);
                show_work(loop, &command->turn.reply_to);
                break;
        case COMMAND_STEP_DONE:
                workers_step_done(loop->workers, command->turn.turn, &command->turn.failure);
                break;
        case COMMAND_SETTLE:
                settler_put(loop->settler, command->settle.message_id, command->settle.total);
                break;
        case COMMAND_STOP_TURN:
                workers_stop_turn(loop->workers, command->turn.turn);
                break;
        case COMMAND_ACCEPTED:
                send_receipt(loop, command);
                break;
        case COMMAND_REFUSE:
                send_refusal(loop, command);
                break;
        case COMMAND_ANSWER:
                send_answer(loop, command);
                break;
        case COMMAND_DRAFT:
                send_draft(loop, command);
                break;
        case COMMAND_SILENCE:
                show_end(loop, &command->arrival.reply_to);
                break;
        case COMMAND_PING:
                link = loop_link(loop, command->ping.domain);
                if (link)
                        link_ping(link, command->ping.ticket);
                break;
        case COMMAND_CANCEL_DONE:
                cancel_done(loop, command);
                break;
        case COMMAND_CLOSE_LINKS:
                log_error("the lease is lost: stopping what runs, and starting anew");
                loop_close_links(loop);
                break;
        case COMMAND_OPEN_LINKS:
                budgets_hold_lease(loop->budgets, text_of(loop->settings->hub_name), core_counts(loop->core).epoch);
                open_links(loop);
                break;
        case COMMAND_TELL:
                loop_tell_person(loop, command->tell.who, command->tell.kind, command->tell.text);
                break;
        case COMMAND_LOG:
                log_for_tenant(loop, command);
                break;
        case COMMAND_ALARM:
                scribe_alarm(loop->scribe, &command->alarm, loop->now.wall_us);
                break;
        case COMMAND_NOTE:
                log_warning(command->note.sentence, "message", LOG_UUID, &command->note.message_id, "who", LOG_TEXT,
                            &command->note.who);
                break;
        case COMMAND_EXIT:
                exit_loop(loop, &command->note.failure);
                break;
        }
}
