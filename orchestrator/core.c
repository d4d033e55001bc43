#include "orchestrator/conversation.h"
#include "orchestrator/core_state.h"
#include "orchestrator/directory/budgets.h"

CoreSettings core_defaults(void) {
        return (CoreSettings){
                .workers = 16,
                .batch_messages = 512,
                .batch_bytes = 1024 * 1024,
                .waiting_messages = 20000,
                .waiting_bytes = 64 * 1024 * 1024,
                .waiting_us = 5 * SECONDS,
                .lane_depth = 20,
                .sender_depth = 100,
                .body_bytes = 64 * 1024,
                .attempts = 3,
                .lease_us = 10 * SECONDS,
                .drain_us = 20 * SECONDS,
                .turn_us = 300 * SECONDS,
                .score_reputation = 0.25,
                .score_tools = 0.25,
                .score_priority = 0.25,
                .score_capacity = 0.25,
        };
}

void list_add(List *list, void *item) {
        if (list->count == list->capacity) {
                list->capacity = list->capacity ? list->capacity * 2 : 16;
                list->items = memory_resize(list->items, list->capacity * sizeof(*list->items));
        }
        list->items[list->count++] = item;
}

void list_drop_first(List *list, size_t count) {
        list->count -= count;
        if (list->count > 0)
                memmove(list->items, list->items + count, list->count * sizeof(*list->items));
}

void list_release(List *list) {
        free(list->items);
        *list = (List){ 0 };
}

void commands_release(Commands *commands) {
        free(commands->items);
        *commands = (Commands){ 0 };
}

Command *core_command(Core *core, CommandKind kind) {
        Commands *commands = core->commands;

        if (commands->count == commands->capacity) {
                commands->capacity = commands->capacity ? commands->capacity * 2 : 64;
                commands->items = memory_resize(commands->items, commands->capacity * sizeof(*commands->items));
        }
        Command *command = &commands->items[commands->count++];
        *command = (Command){ .kind = kind };
        return command;
}

void core_bury(Core *core, Arena *arena) {
        if (arena)
                list_add(&core->graveyard, arena);
}

int64_t core_last_sequence(const Core *core) {
        return (core->counts.epoch << 40) + core->counter;
}

int64_t core_sequence(Core *core) {
        core->counter++;
        return core_last_sequence(core);
}

static char *core_string(Text text) {
        char *string = memory_new(text.length + 1);
        if (text.length)
                memcpy(string, text.bytes, text.length);
        return string;
}

Core *core_new(const CoreSettings *settings, Directory *directory) {
        Core *core = memory_new(sizeof(*core));

        core->settings = *settings;
        core->hub = core_string(settings->hub);
        core->domains = core_string(settings->domains);
        core->settings.hub = text_of(core->hub);
        core->settings.domains = text_of(core->domains);
        core->directory = directory;
        core->meter = meter_new(settings->sender_rate, settings->domain_rate, core->domains);
        core->uuids = (UuidGenerator){ .random = settings->random, .source = settings->random_source };
        core->messages = map_new(1024);
        core->named = map_new(1024);
        core->refusals = refusals_new();
        core->watch = watch_new();
        lanes_open(core);
        delivery_open(core);
        return core;
}

Directory *core_directory(Core *core) {
        return core->directory;
}

Message *core_message_new(Core *core, Arena *arena) {
        Message *message = arena_take(arena, sizeof(*message));

        if (!message)
                return NULL;
        message->arena = arena;
        message->weight = 1;
        message->deadline_us = core->now.monotonic_us + core->settings.turn_us;
        return message;
}

void core_message_keep(Core *core, Message *message) {
        map_put(core->messages, MAP_KEY(message->accepted.id), message);
        core->recovered_count += message->recovered;
}

void core_message_forget(Core *core, const Message *message) {
        if (map_get(core->messages, MAP_KEY(message->accepted.id)) != message)
                return;
        map_remove(core->messages, MAP_KEY(message->accepted.id));
        core->recovered_count -= message->recovered;
}

void core_message_free(Core *core, Message *message) {
        lanes_leave(core, message);
        turns_abandon(core, message);
        core_message_forget(core, message);
        names_leave(core, message);
        core_bury(core, message->turn_arena);
        core_bury(core, message->arena);
}

static void command_refuse(Core *core, ReplyTo reply_to, uint64_t ticket, const Failure *failure) {
        Command *command = core_command(core, COMMAND_REFUSE);

        command->arrival.reply_to = reply_to;
        command->arrival.ticket = ticket;
        command->arrival.failure = *failure;
        core->counts.refused++;
}

void core_refuse(Core *core, const Message *message, const Failure *failure) {
        const AcceptedRecord *accepted = &message->accepted;
        Refusal refusal = { .sender = accepted->sender,
                            .tenant_id = accepted->tenant_id,
                            .agent_id = accepted->agent_id,
                            .reason = failure->kind };
        Text rest = accepted->reply_to.agent;

        text_split(&rest, '@', &refusal.agent);
        refusals_count(core, &refusal);
        command_refuse(core, accepted->reply_to, message->ticket, failure);
}

/* How a repeat is recognised. REST's keys live apart from those of chat. */
static void message_keys(Message *message, const Arrival *arrival, Moment now) {
        AcceptedRecord *accepted = &message->accepted;
        Text agent = MAP_KEY(accepted->agent_id);
        Text content[] = { arrival->body, arrival->thread };

        accepted->content = crypto_sha256_parts(content, COUNT_OF(content));
        if (arrival->origin_id.length) {
                Text door = arrival->door == DOOR_REST ? TEXT("rest") : TEXT("origin");
                Text parts[] = { door, arrival->from.bare, agent, arrival->origin_id };
                accepted->keys[0] = crypto_sha256_parts(parts, COUNT_OF(parts));
                accepted->key_count = 1;
        } else if (arrival->stanza_id.length) {
                int64_t slot = now.wall_us / (600 * SECONDS);
                for (int i = 0; i < 2; i++, slot--) {
                        Text parts[] = { TEXT("stanza"),     arrival->from.full,         agent,
                                         arrival->stanza_id, MAP_KEY(accepted->content), MAP_KEY(slot) };
                        accepted->keys[i] = crypto_sha256_parts(parts, COUNT_OF(parts));
                }
                accepted->key_count = 2;
        }
}

/* agent: the one the sender may know of, or NULL. */
static void refuse_arrival(Core *core, const Arrival *arrival, ReplyTo reply_to, const Agent *agent,
                           const Failure *failure) {
        Refusal refusal = { .sender = arrival->from.bare, .agent = arrival->agent, .reason = failure->kind };

        if (agent) {
                refusal.tenant_id = agent->tenant_id;
                refusal.agent_id = agent->id;
        }
        refusals_count(core, &refusal);
        command_refuse(core, reply_to, arrival->ticket, failure);
        core_bury(core, arrival->arena);
}

/* Limits of patience: from memory, before anything is looked up. */
static bool core_has_room(Core *core, const Arrival *arrival, Failure *ret_refusal) {
        bool full = commit_waiting(core) >= (size_t) core->settings.waiting_messages ||
                    core->accepting_bytes + arrival->body.length > core->settings.waiting_bytes;

        if (core->accepting.count) {
                const Message *oldest = core->accepting.items[0];
                full |= core->now.monotonic_us - oldest->arrived_us > core->settings.waiting_us;
        }
        if (core->leading && !core->draining && !full)
                return true;
        return failure_set(ret_refusal, FAILURE_LIMIT, "The hub is busy. Try again in a moment.");
}

static Message *message_from(Core *core, const Arrival *arrival, const Admission *admission, ReplyTo reply_to) {
        Message *message = core_message_new(core, arrival->arena);

        if (!message)
                return NULL;
        message->state = MESSAGE_COMMITTING;
        message->receipt_wanted = arrival->receipt_wanted;
        message->stops = arrival->stops;
        message->ticket = arrival->ticket;
        message->weight = admission->weight;
        message->arrived_us = arrival->arrived_us;
        message->admission_us = core->now.monotonic_us - arrival->arrived_us;
        BudgetParties parties = directory_parties(&admission->sender, admission->agent, admission->grant);
        message->accepted = (AcceptedRecord){
                .id = uuid_make(&core->uuids, core->now.wall_us),
                .tenant_id = admission->agent->tenant_id,
                .agent_id = admission->agent->id,
                .sender = arrival->from.bare,
                .reply_to = reply_to,
                .body = arrival->body,
                .command = arrival->command,
                .conversation = conversation_of(arrival->thread),
                .account_id = parties.account_id,
                .grant_id = parties.grant_id,
                .sender_domain = parties.domain,
                .accepted_us = core->now.wall_us,
        };
        message_keys(message, arrival, core->now);
        return message;
}

static ReplyTo arrival_reply_to(const Arrival *arrival) {
        ReplyTo reply_to = {
                .door = arrival->door,
                .address = arrival->from.full,
                .thread = arrival->thread,
                .stanza_id = arrival->stanza_id,
                .quoted_id = arrival->origin_id.length ? arrival->origin_id : arrival->stanza_id,
                .quotes = arrival->quotes,
                .states = arrival->states,
                .markable = arrival->markable,
        };
        size_t length = arrival->agent.length + 1 + arrival->agent_domain.length;
        char *agent = arrival->agent.length ? arena_take(arrival->arena, length + 1) : NULL;

        if (!arrival->agent.length)
                reply_to.agent = arrival->agent_domain; /* the hub itself */
        if (agent) {
                memcpy(agent, arrival->agent.bytes, arrival->agent.length);
                agent[arrival->agent.length] = '@';
                memcpy(agent + arrival->agent.length + 1, arrival->agent_domain.bytes, arrival->agent_domain.length);
                reply_to.agent = (Text){ agent, length };
        }
        return reply_to;
}

static void on_message(Core *core, Arrival *arrival) {
        Failure refusal;
        ReplyTo reply_to = arrival_reply_to(arrival);
        Admission admission = {
                .settings = &core->settings,
                .directory = core->directory,
                .meter = core->meter,
                .now = core->now,
                .arrival = arrival,
                .lane_depth = lanes_depth,
                .core = core,
                .cache_away = core->cache_away,
                .capacity = 1.0 - (double) core->running_count / core->settings.workers,
        };

        if (!core_has_room(core, arrival, &refusal) || !admit(&admission, &refusal)) {
                refuse_arrival(core, arrival, reply_to, admission.agent, &refusal);
                return;
        }
        Message *message = message_from(core, arrival, &admission, reply_to);
        if (!reply_to.agent.length || !message || !lanes_enter(core, message)) {
                failure_set(&refusal, FAILURE_TOO_LARGE, "The message takes more memory than one may.");
                refuse_arrival(core, arrival, reply_to, admission.agent, &refusal);
                return;
        }
        names_enter(core, message, arrival->replaces);
        if (admission.near)
                core_tell_near(core, admission.near, admission.agent);
        core->counts.admission_us_total += message->admission_us;
        commit_accept(core, message);
        core_watch_message(core, admission.agent, &admission.sender);
}

void core_cancel(Core *core, Uuid tenant_id, Uuid message_id, Text by, uint64_t ticket) {
        Cancel *cancel = memory_new(sizeof(*cancel) + by.length + 1);

        if (by.length)
                memcpy(cancel->by, by.bytes, by.length);
        cancel->ticket = ticket;
        cancel->record = (CancelledRecord){ .message_id = message_id,
                                            .tenant_id = tenant_id,
                                            .by = { cancel->by, by.length } };
        list_add(&core->cancelling, cancel);
}

/* Another tenant's message is not there for who asks. */
static void cancel_refuse(Core *core, const Event *event) {
        Command *command;

        if (!event->cancel.ticket)
                return;
        command = core_command(core, COMMAND_CANCEL_DONE);
        command->note.ticket = event->cancel.ticket;
        command->note.message_id = event->cancel.message_id;
        failure_set(&command->note.failure, FAILURE_NOT_FOUND, "There is no such message.");
}

static void on_cancel(Core *core, const Event *event) {
        Message *message = map_get(core->messages, MAP_KEY(event->cancel.message_id));

        if (message && !uuid_equal(message->accepted.tenant_id, event->cancel.tenant_id)) {
                cancel_refuse(core, event);
                return;
        }
        if (!event->cancel.durable)
                core_cancel(core, event->cancel.tenant_id, event->cancel.message_id, event->cancel.by,
                            event->cancel.ticket);
        if (message)
                turns_cancel(core, message, STOPPED);
}

/* What may have been written is asked again, the same, before anything newer; a read may come later. */
static void store_retry(Core *core, const StoreReport *report) {
        bool read = report->kind == STORE_READ_UNSENT;

        core->request_again = !read;
        core->request_unsure |= !read && report->result == STORE_UNAVAILABLE;
        core->retry_pause_us = core->retry_pause_us ? core->retry_pause_us * 2 : 50 * MILLISECONDS;
        if (core->retry_pause_us > 2 * SECONDS)
                core->retry_pause_us = 2 * SECONDS;
        core->retry_us = core->now.monotonic_us + core->retry_pause_us;
        if (read)
                delivery_reported(core, report);
}

static void on_store(Core *core, StoreReport *report) {
        core_bury(core, report->arena);
        if (!core->request_out || report->number != core->request.number)
                return;
        core->request_out = false;
        /* Full says that nothing of this try was written; of a try before it, whose reply was lost, all may have been.
         * And without a lease there is nothing else to do than to try again. */
        bool again = report->result == STORE_FULL && (core->request_unsure || report->kind == STORE_START);
        if (report->result == STORE_UNAVAILABLE || again) {
                store_retry(core, report);
                return;
        }
        core->request_unsure = false;
        core->retry_us = core->retry_pause_us = 0;
        switch (report->kind) {
        case STORE_COMMIT:
                if (report->result == STORE_FENCED)
                        lease_lost(core);
                else
                        commit_reported(core, report);
                break;
        case STORE_READ_UNSENT:
                if (report->result == STORE_FENCED)
                        lease_lost(core);
                else
                        delivery_reported(core, report);
                break;
        case STORE_START:
        case STORE_BEAT:
        case STORE_TAKE_OVER:
        case STORE_RELEASE:
                lease_reported(core, report);
                break;
        }
}

/* One request at a time. Lease first: what the epoch does not cover must not be written. Reads and commits in turn. */
static void store_run(Core *core) {
        StoreRequest *request = &core->request;

        if (core->request_out || core->exiting || !core->started || core->now.monotonic_us < core->retry_us)
                return;
        if (core->request_again) {
                core->request_again = false;
                core->request_out = true;
                core_command(core, COMMAND_STORE)->request = request;
                return;
        }
        *request = (StoreRequest){ .hub = core->settings.hub,
                                   .process = core->settings.process,
                                   .epoch = core->counts.epoch,
                                   .number = ++core->request_number };
        bool commit = core->leading && commit_wanted(core);
        bool wanted = lease_request(core, request);
        if (!wanted && core->leading && !(commit && core->read_last))
                wanted = delivery_request(core, request);
        core->read_last = wanted && request->kind == STORE_READ_UNSENT;
        if (!wanted && commit) {
                commit_build(core, request);
                wanted = true;
        }
        if (!wanted)
                return;
        core->request_out = true;
        core_command(core, COMMAND_STORE)->request = request;
}

/* Whether what was spent is open again, by the calendar or because its limit is another. */
static void budgets_look(Core *core) {
        core->budgets_looked_us = core->now.monotonic_us;
        directory_renew_spent(core->directory, core->now);
}

static void core_settle(Core *core) {
        if (core->now.monotonic_us - core->budgets_looked_us >= SECONDS)
                budgets_look(core);
        if (core->leading) {
                commit_expire(core);
                turns_expire(core);
                turns_run(core);
                delivery_run(core);
        }
        lease_drain_run(core);
        refusals_sweep(core);
        core_audit_lost(core);
        store_run(core);
}

void core_step(Core *core, Moment now, const Event *event, Commands *ret_commands) {
        for (size_t i = 0; i < core->graveyard.count; i++)
                arena_free(core->graveyard.items[i]);
        core->graveyard.count = 0;
        ret_commands->count = 0;
        core->commands = ret_commands;
        core->now = now;
        switch (event->kind) {
        case EVENT_TICK:
                break;
        case EVENT_START:
                core->started = true;
                break;
        case EVENT_MESSAGE:
                on_message(core, event->arrival);
                break;
        case EVENT_CANCEL:
                on_cancel(core, event);
                break;
        case EVENT_STORE:
                on_store(core, event->report);
                break;
        case EVENT_DIRECTORY:
                for (size_t i = 0; i < event->directory.count; i++)
                        directory_apply(core->directory, &event->directory.changes[i]);
                gauges_look_again(core);
                budgets_look(core);
                waits_look(core, event->directory.changes, event->directory.count);
                break;
        case EVENT_RETRACTED:
                names_retract(core, event);
                break;
        case EVENT_STEP:
                turns_step(core, event);
                break;
        case EVENT_STREAM:
                turns_stream(core, event);
                break;
        case EVENT_TURN_ENDED:
                turns_ended(core, event);
                break;
        case EVENT_WAIT_OVER:
                waits_over(core, event->answer.message_id);
                break;
        case EVENT_LINK_UP:
        case EVENT_LINK_DOWN:
                delivery_link(core, event);
                break;
        case EVENT_PONG:
                delivery_pong(core, event);
                break;
        case EVENT_RECEIVED:
                delivery_received(core, event->answer.message_id);
                break;
        case EVENT_BOUNCED:
                delivery_bounced(core, event->answer.message_id, event->answer.retry);
                break;
        case EVENT_DRAIN:
                lease_drain(core);
                break;
        case EVENT_LEVELS:
                gauges_hear(core, event);
                break;
        case EVENT_AUDIT:
                core_audit_record(core, &event->audit);
                break;
        }
        core_settle(core);
}

static void earliest(int64_t *wake_us, int64_t at_us) {
        if (at_us < *wake_us)
                *wake_us = at_us;
}

int64_t core_wake(const Core *core) {
        int64_t wake_us = core->now.monotonic_us + 60 * SECONDS;

        if (core->retry_us > core->now.monotonic_us)
                earliest(&wake_us, core->retry_us);
        else if (core->leading && !core->request_out)
                earliest(&wake_us, core->beat_us);
        if (core->accepting.count || core->commit_not_before_us > core->now.monotonic_us)
                earliest(&wake_us, core->now.monotonic_us + 500 * MILLISECONDS);
        if (map_count(core->messages))
                earliest(&wake_us, core->now.monotonic_us + SECONDS);
        if (core->draining)
                earliest(&wake_us, core->now.monotonic_us + 100 * MILLISECONDS);
        return wake_us;
}

void core_set_patience(Core *core, int64_t lease_us, int64_t drain_us, int64_t turn_us) {
        core->settings.lease_us = lease_us;
        core->settings.drain_us = drain_us;
        core->settings.turn_us = turn_us;
}

void core_set_cache_away(Core *core, bool away) {
        bool back = core->cache_away && !away;

        core->cache_away = away;
        if (back)
                waits_cache_back(core);
}

bool core_meter(Core *core, Moment now, const Jid *from) {
        int64_t opens_us;
        return meter_take(core->meter, from, now.monotonic_us, &opens_us);
}

CoreCounts core_counts(const Core *core) {
        CoreCounts counts = core->counts;

        counts.waiting_for_commit = (int64_t) commit_waiting(core);
        counts.waiting_in_lanes = core->waiting_count;
        counts.waiting_for_budget = (int64_t) core->waits_count;
        counts.running = core->running_count;
        counts.lanes = (int64_t) map_count(core->lanes);
        counts.leading = core->leading;
        counts.draining = core->draining;
        return counts;
}

void core_free(Core *core) {
        core->commands = NULL;
        turns_drop_all(core);
        commit_drop_all(core);
        lanes_free(core);
        commit_free(core);
        for (size_t i = 0; i < core->graveyard.count; i++)
                arena_free(core->graveyard.items[i]);
        list_release(&core->graveyard);
        delivery_free(core);
        lease_free(core);
        refusals_free(core->refusals);
        watch_free(core->watch);
        meter_free(core->meter);
        directory_free(core->directory);
        map_free(core->messages);
        map_free(core->named);
        free(core->hub);
        free(core->domains);
        free(core);
}
