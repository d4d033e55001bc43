/* All requests but a batch: leases are raised, beaten, taken and released, and what is open or unsent is read back. */
#include "store/journal_parts.h"

#include "base/log.h"

static bool answered(Journal *journal) {
        if (!wire_error(journal->wire)->failed)
                return true;
        journal_fail(journal);
        return false;
}

static void hold(Journal *journal) {
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_JOURNAL_HOLD,
                 VALUES(value_integer(journal->number), value_integer(journal->epoch)));
}

/* Marks of the request, upserted. */
static void add_marks(Journal *journal) {
        const StoreRequest *request = journal->request;
        Column hubs = { 0 }, domains = { 0 }, sequences = { 0 };
        column_start(&hubs, OID_TEXT);
        column_start(&domains, OID_TEXT);
        column_start(&sequences, OID_BIGINT);
        for (size_t i = 0; i < request->mark_count; i++) {
                column_bytes(&hubs, request->marks[i].hub);
                column_bytes(&domains, request->marks[i].domain);
                column_bigint(&sequences, request->marks[i].sequence);
        }
        if (request->mark_count > 0)
                wire_add(journal->wire, QUERY_LEASE_MARK,
                         VALUES(value_integer(journal->number), column_value(&hubs), column_value(&domains),
                                column_value(&sequences)));
        column_release(&hubs);
        column_release(&domains);
        column_release(&sequences);
}

static void copy_marks(Journal *journal, const Rows *rows) {
        StoreReport *report = journal->report;
        report->marks = arena_take_array(report->arena, DeliveredMark, rows_count(rows) + 1);
        for (size_t i = 0; report->marks && i < rows_count(rows); i++)
                report->marks[report->mark_count++] = (DeliveredMark){ journal_copy(journal, rows_text(rows, i, 0)),
                                                                       journal_copy(journal, rows_text(rows, i, 1)),
                                                                       rows_integer(rows, i, 2) };
}

/* A row that does not open (altered, or of a tenant whose key was destroyed) is left where it is: it must not keep the
 * hub from all others. */
static void leave_out(const char *sentence, Uuid message_id, const Failure *cause) {
        log_error(sentence, "message", LOG_UUID, &message_id, "cause", LOG_STRING, cause->text);
}

static bool read_step(Journal *journal, const Rows *rows, size_t row, StepRecord *step, Failure *reterr_failure) {
        StepPlace room;
        *step = (StepRecord){ .message_id = rows_uuid(rows, row, 0),
                              .ordinal = (int32_t) rows_integer(rows, row, 1),
                              .sequence = rows_integer(rows, row, 3),
                              .tenant_id = rows_uuid(rows, row, 4),
                              .kind = (StepKind) rows_integer(rows, row, 6),
                              .spent = { { rows_integer(rows, row, 8), rows_integer(rows, row, 9) } } };
        return rows_open(journal, step->tenant_id, rows, row, 7, 5, "steps", "payload",
                         step_place(step->message_id, step->ordinal, &room), &step->payload, reterr_failure);
}

static void steps_read(Journal *journal, Moment now) {
        StoreReport *report = journal->report;
        _cleanup_(map_freep) Map *open = map_new(report->open_count);
        Failure failure;
        (void) now;
        if (!answered(journal))
                return;
        const Rows *rows = wire_rows(journal->wire, 0);
        StepRecord *steps = arena_take_array(report->arena, StepRecord, rows_count(rows) + 1);
        for (size_t i = 0; i < report->open_count; i++)
                map_put(open, MAP_KEY(report->open[i].accepted.id), &report->open[i]);
        for (size_t i = 0; steps && i < rows_count(rows); i++) {
                if (!read_step(journal, rows, i, &steps[i], &failure))
                        leave_out("a step cannot be read", steps[i].message_id, &failure);
                OpenMessage *message = map_get(open, MAP_KEY(steps[i].message_id));
                if (message->step_count++ == 0)
                        message->steps = &steps[i]; /* a message's steps come together, in order */
                message->attempts += steps[i].kind == STEP_TAKEN_UP;
        }
        journal_finish(journal, STORE_DONE, NULL);
}

static bool read_open(Journal *journal, const Rows *rows, size_t row, OpenMessage *open, Failure *reterr_failure) {
        AcceptedRecord *accepted = &open->accepted;
        *accepted = (AcceptedRecord){ .id = rows_uuid(rows, row, 0),
                                      .tenant_id = rows_uuid(rows, row, 1),
                                      .agent_id = rows_uuid(rows, row, 2),
                                      .sequence = rows_integer(rows, row, 3),
                                      .accepted_us = rows_time(rows, row, 4),
                                      .continues = rows_uuid(rows, row, 5),
                                      .conversation = (int32_t) rows_integer(rows, row, 6),
                                      .command = rows_integer(rows, row, 10) == 1,
                                      .account_id = rows_uuid(rows, row, 11),
                                      .grant_id = rows_uuid(rows, row, 12),
                                      .sender_domain = journal_copy(journal, rows_text(rows, row, 13)) };
        open->cancelled = rows_boolean(rows, row, 9);
        return rows_open_reply(journal, accepted->tenant_id, accepted->id, rows, row, 8, 7, &accepted->reply_to,
                               &accepted->sender, reterr_failure);
}

static void open_read(Journal *journal, Moment now) {
        StoreReport *report = journal->report;
        Failure failure;
        Column ids = { 0 };
        if (!answered(journal))
                return;
        const Rows *rows = wire_rows(journal->wire, 1);
        copy_marks(journal, wire_rows(journal->wire, 0));
        report->open = arena_take_array(report->arena, OpenMessage, rows_count(rows) + 1);
        for (size_t i = 0; report->open && i < rows_count(rows); i++)
                if (read_open(journal, rows, i, &report->open[report->open_count], &failure))
                        report->open_count++;
                else
                        leave_out("an open message cannot be read", rows_uuid(rows, i, 0), &failure);
        if (report->open_count == 0) {
                journal_finish(journal, STORE_DONE, NULL);
                return;
        }
        column_start(&ids, OID_UUID);
        for (size_t i = 0; i < report->open_count; i++)
                column_uuid(&ids, report->open[i].accepted.id);
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_JOURNAL_STEPS, VALUES(column_value(&ids)));
        wire_end(journal->wire, now);
        column_release(&ids);
        journal->stage = steps_read;
}

/* Marks and open messages: all that is ours, or what was taken from another hub's epoch just now. */
static void read_estate(Journal *journal, Value other, Value other_epoch, Moment now) {
        Value values[] = { value_integer(journal->number), other, other_epoch };
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_LEASE_MARKS, values, COUNT_OF(values));
        wire_add(journal->wire, QUERY_JOURNAL_OPEN, values, COUNT_OF(values));
        wire_end(journal->wire, now);
        journal->stage = open_read;
}

static void raised(Journal *journal, Moment now) {
        Failure failure;
        if (!answered(journal))
                return;
        const Rows *rows = wire_rows(journal->wire, 1);
        if (rows_count(rows) == 0) {
                failure_set(&failure, FAILURE_CONFLICT, "another process has started as this hub");
                journal_finish(journal, STORE_FENCED, &failure);
                return;
        }
        journal->number = rows_integer(rows, 0, 0);
        journal->epoch = journal->report->epoch = rows_integer(rows, 0, 1);
        free(journal->hub);
        journal->hub = memory_new(journal->request->hub.length + 1);
        memcpy(journal->hub, journal->request->hub.bytes, journal->request->hub.length);
        read_estate(journal, value_null(), value_null(), now);
}

static void raise(Journal *journal, Moment now) {
        const StoreRequest *request = journal->request;
        Value hub = value_text(request->hub), process = value_uuid(request->process);
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_LEASE_END_SESSIONS,
                 VALUES(hub, value_null(), request->again ? process : value_null()));
        wire_add(journal->wire, QUERY_LEASE_RAISE,
                 VALUES(hub, process, value_text(request->domains), value_boolean(request->again)));
        wire_add(journal->wire, QUERY_LEASE_LOWER_WATER, VALUES(hub, process, value_uuid(uuid_lowest(now.wall_us))));
        wire_end(journal->wire, now);
        journal->stage = raised;
}

static void durability_read(Journal *journal, Moment now) {
        Failure failure;
        if (!answered(journal))
                return;
        const Rows *rows = wire_rows(journal->wire, 0);
        for (int i = 0; i < 3; i++)
                if (text_equal(rows_text(rows, 0, i), TEXT("off"))) {
                        failure_set(
                                &failure, FAILURE_POLICY,
                                "fsync, synchronous_commit or full_page_writes is off: a commit would be no promise");
                        journal_finish(journal, STORE_UNAVAILABLE, &failure);
                        return;
                }
        raise(journal, now);
}

void lease_start(Journal *journal, Moment now) {
        chain_clear(journal);
        if (journal->settings.unsafe) {
                raise(journal, now);
                return;
        }
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_DATABASE_DURABILITY, NO_VALUES);
        wire_end(journal->wire, now);
        journal->stage = durability_read;
}

/* Whether the epoch is still ours is for the request to find out. */
static void attached(Journal *journal, Moment now) {
        (void) now;
        if (wire_error(journal->wire)->failed)
                journal_fail(journal);
}

/* Our session before this one may still be at work on what its client will never hear of: it ends first. */
void lease_attach(Journal *journal, Moment now) {
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_LEASE_END_SESSIONS,
                 VALUES(value_string(journal->hub), value_integer(journal->epoch), value_null()));
        wire_add(journal->wire, QUERY_LEASE_ATTACH,
                 VALUES(value_integer(journal->number), value_integer(journal->epoch)));
        wire_end(journal->wire, now);
        journal->stage = attached;
}

static void read_leases(Journal *journal, const Rows *rows) {
        StoreReport *report = journal->report;
        report->leases = arena_take_array(report->arena, Lease, rows_count(rows) + 1);
        for (size_t i = 0; report->leases && i < rows_count(rows); i++)
                report->leases[report->lease_count++] = (Lease){
                        .hub = journal_copy(journal, rows_text(rows, i, 0)),
                        .epoch = rows_integer(rows, i, 1),
                        .beats = rows_integer(rows, i, 2),
                        .domains = journal_copy(journal, rows_text(rows, i, 3)),
                        .released = rows_boolean(rows, i, 4),
                        .has_open = rows_boolean(rows, i, 5),
                };
}

static void beaten(Journal *journal, Moment now) {
        if (!answered(journal))
                return;
        size_t marks = journal->request->mark_count > 0;
        read_leases(journal, wire_rows(journal->wire, 2 + marks));
        chain_operations(journal, wire_rows(journal->wire, 3 + marks), now);
}

void lease_beat(Journal *journal, Moment now) {
        Value number = value_integer(journal->number);
        hold(journal);
        wire_add(journal->wire, QUERY_LEASE_BEAT, VALUES(number, value_uuid_or_null(journal->request->low_water)));
        add_marks(journal);
        wire_add(journal->wire, QUERY_LEASE_LIST, NO_VALUES);
        wire_add(journal->wire, QUERY_JOURNAL_UNCHAINED, VALUES(number));
        wire_end(journal->wire, now);
        journal->stage = beaten;
}

static void taken(Journal *journal, Moment now) {
        Failure failure;
        if (!answered(journal))
                return;
        const Rows *now_taken = wire_rows(journal->wire, 2), *before = wire_rows(journal->wire, 3);
        if (rows_count(now_taken) + rows_count(before) == 0) {
                failure_set(&failure, FAILURE_CONFLICT, "somebody else was faster");
                journal_finish(journal, STORE_FENCED, &failure);
                return;
        }
        journal->report->taken = true;
        int64_t other = rows_count(now_taken) > 0 ? rows_integer(now_taken, 0, 0) : rows_integer(before, 0, 0);
        read_estate(journal, value_integer(other), value_integer(journal->request->other_epoch), now);
}

/* lease_taken reads what stood before this statement as well as what lease_take wrote. */
void lease_take_over(Journal *journal, Moment now) {
        const StoreRequest *request = journal->request;
        Value number = value_integer(journal->number), other = value_text(request->other);
        Value epoch = value_integer(request->other_epoch);
        hold(journal);
        wire_add(journal->wire, QUERY_LEASE_END_SESSIONS, VALUES(other, epoch, value_null()));
        wire_add(journal->wire, QUERY_LEASE_TAKE, VALUES(number, other, epoch));
        wire_add(journal->wire, QUERY_LEASE_TAKEN, VALUES(number, other, epoch));
        wire_end(journal->wire, now);
        journal->stage = taken;
}

static bool read_unsent(Journal *journal, const Rows *rows, size_t row, ConcludedRecord *record,
                        Failure *reterr_failure) {
        *record = (ConcludedRecord){
                .sequence = rows_integer(rows, row, 0),
                .id = rows_uuid(rows, row, 1),
                .tenant_id = rows_uuid(rows, row, 2),
                .agent_id = rows_uuid(rows, row, 3),
                .version_id = rows_uuid(rows, row, 4),
                .outcome = (Outcome) rows_integer(rows, row, 5),
                .reason = (FailureKind) rows_integer(rows, row, 6),
                .concluded_us = rows_time(rows, row, 7),
                .attempt = (int32_t) rows_integer(rows, row, 8),
                .streamed = rows_integer(rows, row, 21) != 0,
                .usage = { .prompt_tokens = rows_integer(rows, row, 9),
                           .completion_tokens = rows_integer(rows, row, 10),
                           .cached_tokens = rows_integer(rows, row, 11),
                           .cost_nano = rows_integer(rows, row, 12),
                           .model_calls = (int32_t) rows_integer(rows, row, 13),
                           .tool_calls = (int32_t) rows_integer(rows, row, 14) },
        };
        Text id = MAP_KEY(record->id);
        return rows_open(journal, record->tenant_id, rows, row, 16, 15, "concluded", "answer", id, &record->answer,
                         reterr_failure) &&
               rows_open(journal, record->tenant_id, rows, row, 17, 15, "concluded", "explanation", id,
                         &record->explanation, reterr_failure) &&
               rows_open_reply(journal, record->tenant_id, record->id, rows, row, 19, 18, &record->reply_to,
                               &record->sender, reterr_failure);
}

static void unsent_read(Journal *journal, Moment now) {
        StoreReport *report = journal->report;
        const StoreRequest *request = journal->request;
        Failure failure;
        (void) now;
        if (!answered(journal))
                return;
        const Rows *rows = wire_rows(journal->wire, 1);
        size_t count = rows_count(rows);
        report->unsent = arena_take_array(report->arena, ConcludedRecord, count + 1);
        report->more = count > 0 && uuid_is_zero(request->message_id) && rows_integer(rows, 0, 20) > (int64_t) count;
        report->read_to = request->after;
        for (size_t i = 0; report->unsent && i < count; i++) {
                report->read_to = rows_integer(rows, i, 0);
                if (rows_is_null(rows, i, 1))
                        continue; /* of another domain */
                if (read_unsent(journal, rows, i, &report->unsent[report->unsent_count], &failure))
                        report->unsent_count++;
                else
                        leave_out("an answer cannot be read", rows_uuid(rows, i, 1), &failure);
        }
        journal_finish(journal, STORE_DONE, NULL);
}

void lease_read_unsent(Journal *journal, Moment now) {
        const StoreRequest *request = journal->request;
        hold(journal);
        if (uuid_is_zero(request->message_id))
                wire_add(journal->wire, QUERY_JOURNAL_UNSENT,
                         VALUES(value_integer(journal->number), value_text(request->other),
                                value_integer(request->after), value_text(request->domain),
                                value_integer(request->limit), value_integer(request->limit_bytes)));
        else
                wire_add(journal->wire, QUERY_JOURNAL_CONCLUSION, VALUES(value_uuid(request->message_id)));
        wire_end(journal->wire, now);
        journal->stage = unsent_read;
}

/* It is released, whatever comes of this. */
static void left(Journal *journal, Moment now) {
        (void) now;
        if (!wire_error(journal->wire)->failed)
                read_leases(journal, wire_rows(journal->wire, 0));
        journal_finish(journal, STORE_DONE, NULL);
}

static void released(Journal *journal, Moment now) {
        if (!answered(journal))
                return;
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_LEASE_LIST, NO_VALUES);
        wire_end(journal->wire, now);
        journal->stage = left;
}

void lease_release(Journal *journal, Moment now) {
        hold(journal);
        add_marks(journal);
        wire_add(journal->wire, QUERY_LEASE_RELEASE,
                 VALUES(value_integer(journal->number), value_boolean(journal->request->unsent)));
        wire_end(journal->wire, now);
        journal->stage = released;
}
