/* Batches: what arrived while the last commit ran becomes the next one, and nobody hears of it before it is durable. */
#include "orchestrator/core_state.h"
#include "orchestrator/turn_bounds.h"

void commit_accept(Core *core, Message *message) {
        list_add(&core->accepting, message);
        core->accepting_bytes += message->accepted.body.length;
}

void commit_conclude(Core *core, Message *message) {
        list_add(&core->concluding, message);
        core->concluding_bytes += message->concluded.answer.length;
}

void commit_step(Core *core, Message *message) {
        message->step_in_flight = true;
        list_add(&core->stepping, message);
}

size_t commit_waiting(const Core *core) {
        return core->accepting.count + core->flight.accepted.count;
}

bool commit_pending(const Core *core) {
        return core->accepting.count || core->concluding.count || core->stepping.count || core->cancelling.count ||
               core->auditing.count;
}

bool commit_wanted(const Core *core) {
        return core->now.monotonic_us >= core->commit_not_before_us && commit_pending(core);
}

/* Moves items from the front of `from` while they fit; `size` says how much one weighs. */
static void flight_take(const Core *core, List *from, List *to, size_t (*size)(const void *item), size_t *count,
                        size_t *bytes) {
        size_t taken = 0;

        while (taken < from->count && *count < (size_t) core->settings.batch_messages) {
                size_t weight = size ? size(from->items[taken]) : 200;
                if (*count > 0 && *bytes + weight > core->settings.batch_bytes)
                        break;
                list_add(to, from->items[taken++]);
                *bytes += weight;
                ++*count;
        }
        list_drop_first(from, taken);
}

static size_t accepted_size(const void *item) {
        return ((const Message *) item)->accepted.body.length + 300;
}

static size_t concluded_size(const void *item) {
        const Message *message = item;
        return message->concluded.answer.length + 300 + message->event_count * 200;
}

static size_t step_size(const void *item) {
        return ((const Message *) item)->step.payload.length + 100;
}

static void *records(size_t count, size_t size) {
        return memory_new((count ? count : 1) * size);
}

static AuditRecord event_record(const Message *message, const TurnEvent *event) {
        return (AuditRecord){
                .tenant_id = message->concluded.tenant_id,
                .type = text_of(event->type),
                .severity = text_of(event->severity),
                .message_id = message->concluded.id,
                .agent_id = message->concluded.agent_id,
                .person = message->concluded.sender,
                .facts = event->facts,
                .at_us = message->concluded.concluded_us,
        };
}

/* What turns tell the audit goes with their conclusions, in one transaction, before what tells of nothing else. */
static void audit_build(Flight *flight, JournalBatch *batch) {
        size_t events = 0;

        for (size_t i = 0; i < flight->concluded.count; i++)
                events += ((Message *) flight->concluded.items[i])->event_count;
        batch->audit = flight->audit_records = records(events + flight->audit.count, sizeof(AuditRecord));
        for (size_t i = 0; i < flight->concluded.count; i++) {
                const Message *message = flight->concluded.items[i];
                for (size_t k = 0; k < message->event_count; k++)
                        batch->audit[batch->audit_count++] = event_record(message, &message->events[k]);
        }
        for (size_t i = 0; i < flight->audit.count; i++)
                batch->audit[batch->audit_count++] = ((Audit *) flight->audit.items[i])->record;
}

/* Conclusions first, then steps, so that what is nearest to an answer waits least. */
void commit_build(Core *core, StoreRequest *request) {
        Flight *flight = &core->flight;
        JournalBatch *batch = &request->batch;
        size_t count = 0, bytes = 0;

        flight_take(core, &core->concluding, &flight->concluded, concluded_size, &count, &bytes);
        flight_take(core, &core->stepping, &flight->stepped, step_size, &count, &bytes);
        flight_take(core, &core->cancelling, &flight->cancelled, NULL, &count, &bytes);
        flight_take(core, &core->accepting, &flight->accepted, accepted_size, &count, &bytes);
        flight_take(core, &core->auditing, &flight->audit, NULL, &count, &bytes);

        request->kind = STORE_COMMIT;
        batch->concluded_count = flight->concluded.count;
        batch->concluded = flight->concluded_records = records(flight->concluded.count, sizeof(ConcludedRecord));
        for (size_t i = 0; i < flight->concluded.count; i++) {
                Message *message = flight->concluded.items[i];
                message->concluded.sequence = core_sequence(core);
                batch->concluded[i] = message->concluded;
                core->concluding_bytes -= message->concluded.answer.length;
        }
        batch->step_count = flight->stepped.count;
        batch->steps = flight->step_records = records(flight->stepped.count, sizeof(StepRecord));
        for (size_t i = 0; i < flight->stepped.count; i++) {
                Message *message = flight->stepped.items[i];
                message->step.sequence = core_sequence(core);
                batch->steps[i] = message->step;
        }
        batch->cancelled_count = flight->cancelled.count;
        batch->cancelled = flight->cancelled_records = records(flight->cancelled.count, sizeof(CancelledRecord));
        for (size_t i = 0; i < flight->cancelled.count; i++) {
                Cancel *cancel = flight->cancelled.items[i];
                cancel->record.sequence = core_sequence(core);
                batch->cancelled[i] = cancel->record;
        }
        batch->accepted_count = flight->accepted.count;
        batch->accepted = flight->accepted_records = records(flight->accepted.count, sizeof(AcceptedRecord));
        for (size_t i = 0; i < flight->accepted.count; i++) {
                Message *message = flight->accepted.items[i];
                message->accepted.sequence = core_sequence(core);
                batch->accepted[i] = message->accepted;
                core->accepting_bytes -= message->accepted.body.length;
        }
        audit_build(flight, batch);
}

static void flight_clear(Flight *flight) {
        free(flight->accepted_records);
        free(flight->concluded_records);
        free(flight->step_records);
        free(flight->cancelled_records);
        free(flight->audit_records);
        flight->accepted_records = NULL;
        flight->concluded_records = NULL;
        flight->step_records = NULL;
        flight->cancelled_records = NULL;
        flight->audit_records = NULL;
        flight->accepted.count = flight->concluded.count = flight->stepped.count = 0;
        flight->cancelled.count = flight->audit.count = 0;
}

static void command_accepted(Core *core, const Message *message, Uuid id) {
        Command *command = core_command(core, COMMAND_ACCEPTED);

        command->arrival.reply_to = message->accepted.reply_to;
        command->arrival.message_id = id;
        command->arrival.receipt_wanted = message->receipt_wanted;
        command->arrival.ticket = message->ticket;
}

static void accepted_reported(Core *core, Message *message, const AcceptedFate *fate) {
        Failure refusal;

        switch (fate->fate) {
        case ROW_WRITTEN:
                core->counts.accepted++;
                command_accepted(core, message, message->accepted.id);
                message->committed_us = core->now.monotonic_us;
                core_message_keep(core, message);
                names_correct(core, message);
                if (message->stops)
                        lanes_stop(core, message);
                else
                        lanes_queue(core, message);
                return;
        case ROW_REPEAT:
                core->counts.repeated++;
                command_accepted(core, message, fate->first);
                if (fate->concluded)
                        delivery_repeat(core, message, fate);
                break;
        case ROW_CONFLICT:
                failure_set(&refusal, FAILURE_CONFLICT, "A different message with this id was accepted before.");
                core_refuse(core, message, &refusal);
                break;
        case ROW_REFUSED:
                failure_set(&refusal, FAILURE_INVALID, "The message holds something that cannot be stored.");
                core_refuse(core, message, &refusal);
                break;
        }
        core_message_free(core, message);
}

static void agent_note(Core *core, const ConcludedRecord *concluded) {
        Agent *agent = directory_agent_by_id(core->directory, concluded->agent_id);

        if (agent)
                agent->concluded_us = core->now.monotonic_us;
        if (agent && (concluded->outcome == OUTCOME_SUCCESS || concluded->outcome == OUTCOME_ERROR))
                agent->reputation += ((concluded->outcome == OUTCOME_SUCCESS) - agent->reputation) / 64;
}

/* Not before: what dies unsettled is settled from its row. */
static void command_settle(Core *core, const Message *message) {
        Command *command;

        if (!message->owes)
                return;
        command = core_command(core, COMMAND_SETTLE);
        command->settle.message_id = message->accepted.id;
        command->settle.total = usage_spent(&message->concluded.usage);
}

static void concluded_reported(Core *core, Message *message, RowFate fate) {
        ConcludedRecord *concluded = &message->concluded;
        Command *note;

        switch (fate) {
        case ROW_WRITTEN:
                core->counts.concluded++;
                agent_note(core, concluded);
                core_log_conclusion(core, message);
                command_settle(core, message);
                delivery_answer(core, message);
                break;
        case ROW_REFUSED:
                if (!message->plain) {
                        message->plain = true;
                        message->event_count = 0; /* they were written, each by itself */
                        concluded->outcome = OUTCOME_ERROR;
                        concluded->reason = FAILURE_INTERNAL;
                        concluded->answer = concluded->tools = TEXT_NONE;
                        concluded->explanation = TEXT("The answer holds something that cannot be stored.");
                        commit_conclude(core, message);
                        return;
                }
                note = core_command(core, COMMAND_NOTE);
                note->note.sentence = "conclusion was refused by the store";
                note->note.message_id = message->accepted.id;
                break;
        case ROW_REPEAT:
        case ROW_CONFLICT:
                break;
        }
        core_message_free(core, message);
}

static void step_reported(Core *core, Message *message, RowFate fate) {
        message->step_in_flight = false;
        if (message->step.kind == STEP_TAKEN_UP) {
                if (fate == ROW_WRITTEN && !message->dropped) {
                        message->attempts++;
                        turns_start(core, message);
                } else {
                        core_message_free(core, message); /* another hub has it */
                }
                return;
        }
        Command *command = core_command(core, COMMAND_STEP_DONE);
        command->turn.turn = message->turn;
        if (fate == ROW_REPEAT)
                message->dropped = true; /* taken up elsewhere: what this turn still does must not count */
        if (message->dropped || (message->cancelled && message->step.kind != STEP_PRESUMED))
                failure_set(&command->turn.failure, FAILURE_CANCELLED, "The message is no longer this hub's.");
        else if (fate != ROW_WRITTEN)
                failure_set(&command->turn.failure, FAILURE_INTERNAL, "The step cannot be stored.");
}

static void cancel_done(Core *core, Cancel *cancel, const Failure *failure) {
        if (cancel->ticket) {
                Command *command = core_command(core, COMMAND_CANCEL_DONE);
                command->note.ticket = cancel->ticket;
                command->note.message_id = cancel->record.message_id;
                if (failure)
                        command->note.failure = *failure;
        }
        free(cancel);
}

/* Back to the front, in order: they go with the next batch. */
static void list_return(List *to, List *from) {
        List joined = { 0 };

        for (size_t i = 0; i < from->count; i++)
                list_add(&joined, from->items[i]);
        for (size_t i = 0; i < to->count; i++)
                list_add(&joined, to->items[i]);
        from->count = 0;
        list_release(to);
        *to = joined;
}

/* The store is full: what was not promised yet is refused, what was is tried again. */
static void commit_full(Core *core) {
        Flight *flight = &core->flight;
        Failure refusal;

        failure_set(&refusal, FAILURE_LIMIT, "The hub's storage is full. Try again later.");
        for (size_t i = 0; i < flight->accepted.count; i++) {
                core_refuse(core, flight->accepted.items[i], &refusal);
                core_message_free(core, flight->accepted.items[i]);
        }
        for (size_t i = 0; i < flight->concluded.count; i++)
                core->concluding_bytes += ((Message *) flight->concluded.items[i])->concluded.answer.length;
        list_return(&core->concluding, &flight->concluded);
        list_return(&core->stepping, &flight->stepped);
        list_return(&core->cancelling, &flight->cancelled);
        list_return(&core->auditing, &flight->audit);
        flight_clear(flight);
        core->commit_not_before_us = core->now.monotonic_us + SECONDS;
}

void commit_reported(Core *core, const StoreReport *report) {
        Flight *flight = &core->flight;

        if (report->result == STORE_FULL) {
                commit_full(core);
                return;
        }
        core->counts.commits++;
        for (size_t i = 0; i < flight->accepted.count; i++)
                accepted_reported(core, flight->accepted.items[i], &report->accepted[i]);
        for (size_t i = 0; i < flight->stepped.count; i++)
                step_reported(core, flight->stepped.items[i], report->steps[i]);
        for (size_t i = 0; i < flight->concluded.count; i++)
                concluded_reported(core, flight->concluded.items[i], report->concluded[i]);
        for (size_t i = 0; i < flight->cancelled.count; i++)
                cancel_done(core, flight->cancelled.items[i], NULL);
        for (size_t i = 0; i < flight->audit.count; i++)
                core_bury(core, ((Audit *) flight->audit.items[i])->arena);
        flight_clear(flight);
}

/* Not on its way yet and too old: the sender is told to come again. What is on its way may be durable already. */
void commit_expire(Core *core) {
        Failure refusal;
        size_t expired = 0;

        while (expired < core->accepting.count) {
                Message *message = core->accepting.items[expired];
                if (core->now.monotonic_us - message->arrived_us <= core->settings.waiting_us)
                        break;
                failure_set(&refusal, FAILURE_LIMIT, "The hub's storage does not answer. Try again in a moment.");
                core_refuse(core, message, &refusal);
                core->accepting_bytes -= message->accepted.body.length;
                core_message_free(core, message);
                expired++;
        }
        list_drop_first(&core->accepting, expired);
}

static void messages_drop(Core *core, List *messages) {
        for (size_t i = 0; i < messages->count; i++)
                core_message_free(core, messages->items[i]);
        messages->count = 0;
}

/* Who waits on a socket of ours is told; on a stream, which is closed now, nobody would hear it. The message may be
 * durable all the same: asking again with the same key tells. */
static void callers_release(Core *core, const List *accepting) {
        Failure failure;

        failure_set(&failure, FAILURE_UNAVAILABLE,
                    "The hub lost its lease. Try again in a moment, with the same Idempotency-Key.");
        for (size_t i = 0; i < accepting->count && core->commands; i++) {
                const Message *message = accepting->items[i];
                if (message->accepted.reply_to.door != DOOR_CHAT)
                        core_refuse(core, message, &failure);
        }
}

/* A message whose turn runs is freed when that ends; its worker waits for the step. */
static void steps_drop(Core *core, List *stepped) {
        for (size_t i = 0; i < stepped->count; i++) {
                Message *message = stepped->items[i];
                message->step_in_flight = false;
                if (message->state == MESSAGE_TAKING_UP) {
                        core_message_free(core, message);
                        continue;
                }
                message->dropped = true;
                if (!core->commands)
                        continue;
                Command *command = core_command(core, COMMAND_STEP_DONE);
                command->turn.turn = message->turn;
                failure_set(&command->turn.failure, FAILURE_CANCELLED, "The message is no longer this hub's.");
        }
        stepped->count = 0;
}

static void cancels_drop(Core *core, List *cancelled) {
        Failure failure;

        failure_set(&failure, FAILURE_UNAVAILABLE, "The hub lost its lease. Try again in a moment.");
        for (size_t i = 0; i < cancelled->count; i++) {
                Cancel *cancel = cancelled->items[i];
                if (!core->commands)
                        cancel->ticket = 0;
                cancel_done(core, cancel, &failure);
        }
        cancelled->count = 0;
}

static void audits_drop(Core *core, List *audit) {
        for (size_t i = 0; i < audit->count; i++)
                core_bury(core, ((Audit *) audit->items[i])->arena);
        audit->count = 0;
}

void commit_drop_all(Core *core) {
        List *both[][2] = {
                { &core->accepting, &core->flight.accepted },
                { &core->concluding, &core->flight.concluded },
        };
        callers_release(core, &core->accepting);
        callers_release(core, &core->flight.accepted);
        for (size_t i = 0; i < COUNT_OF(both); i++) {
                messages_drop(core, both[i][0]);
                messages_drop(core, both[i][1]);
        }
        steps_drop(core, &core->stepping);
        steps_drop(core, &core->flight.stepped);
        cancels_drop(core, &core->cancelling);
        cancels_drop(core, &core->flight.cancelled);
        list_return(&core->auditing, &core->flight.audit); /* twice in the chain is better than not at all */
        flight_clear(&core->flight);
        core->accepting_bytes = core->concluding_bytes = 0;
        core->commit_not_before_us = 0;
}

void commit_free(Core *core) {
        audits_drop(core, &core->auditing);
        List *lists[] = { &core->accepting,        &core->concluding,     &core->stepping,
                          &core->cancelling,       &core->auditing,       &core->flight.accepted,
                          &core->flight.concluded, &core->flight.stepped, &core->flight.cancelled,
                          &core->flight.audit };
        for (size_t i = 0; i < COUNT_OF(lists); i++)
                list_release(lists[i]);
}
