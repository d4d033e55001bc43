/* A batch: one transaction, or as many as it takes when a row in it cannot be written. Rows of the batch are counted
 * through as units, so that a batch can be halved whatever it consists of.
 *
 *      commit_start → commit_next → commit_try → commit_tried ─┬→ commit_next … → commit_look_up → report
 *                          ↑            (heads read first      ├→ halved → commit_next
 *                          │             when not known)       └→ rows stand already → commit_stand → commit_try
 */
#include "store/journal_parts.h"

#include "base/log.h"

#include <assert.h>

#define TRIES 4 /* of one range, when others are in the way */

static void commit_next(Journal *journal, Moment now);
static void commit_try(Journal *journal, Moment now);

typedef enum UnitKind {
        UNIT_ACCEPTED,
        UNIT_CONCLUDED,
        UNIT_STEP,
        UNIT_CANCELLED,
        UNIT_AUDIT,
        UNIT_KIND_COUNT
} UnitKind;

typedef struct Unit {
        UnitKind kind;
        size_t index; /* among its kind */
} Unit;

static Unit unit_at(const JournalBatch *batch, size_t place) {
        const size_t counts[UNIT_KIND_COUNT] = { batch->accepted_count, batch->concluded_count, batch->step_count,
                                                 batch->cancelled_count, batch->audit_count };
        UnitKind kind = UNIT_ACCEPTED;
        while (place >= counts[kind])
                place -= counts[kind++];
        return (Unit){ kind, place };
}

/* Says what became of a unit and ends it. */
static void settle(Journal *journal, size_t place, RowFate fate) {
        Unit unit = unit_at(journal->commit.batch, place);
        journal->commit.units[place] = UNIT_SETTLED;
        if (unit.kind == UNIT_ACCEPTED)
                journal->report->accepted[unit.index].fate = fate;
        else if (unit.kind == UNIT_CONCLUDED)
                journal->report->concluded[unit.index] = fate;
        else if (unit.kind == UNIT_STEP)
                journal->report->steps[unit.index] = fate;
}

static void refuse(Journal *journal, size_t place, const Failure *failure) {
        settle(journal, place, ROW_REFUSED);
        journal->report->failure = *failure;
}

/* The next unit of the range that waits, from *place on. */
static bool next_waiting(const Commit *commit, size_t *place) {
        while (*place < commit->range.to && commit->units[*place] != UNIT_WAITING)
                ++*place;
        return *place < commit->range.to;
}

#define each_waiting(commit, place) for (size_t place = (commit)->range.from; next_waiting((commit), &place); place++)

static void push_range(Commit *commit, size_t from, size_t to) {
        if (from == to)
                return;
        assert(commit->range_count < RANGE_LIMIT);
        commit->ranges[commit->range_count++] = (Range){ from, to };
}

/* By which a batch that comes again is known. */
static Hash fingerprint(const JournalBatch *batch) {
        const size_t counts[] = { batch->accepted_count, batch->concluded_count, batch->step_count,
                                  batch->cancelled_count, batch->audit_count };
        const Text parts[] = { MAP_KEY(counts),
                               batch->concluded_count > 0 ? MAP_KEY(batch->concluded[0].sequence) : TEXT_NONE,
                               batch->audit_count > 0 ? MAP_KEY(batch->audit[0].at_us) : TEXT_NONE,
                               batch->audit_count > 0 ? batch->audit[0].facts : TEXT_NONE };
        return crypto_sha256_parts(parts, COUNT_OF(parts));
}

void commit_release(Journal *journal) {
        Commit *commit = &journal->commit;
        if (commit->seals)
                arena_free(commit->seals);
        free(commit->units);
        *commit = (Commit){ 0 };
}

/* The transaction under way may have been committed: the end of any chain it moved will tell. */
void commit_lost(Journal *journal) {
        if (!journal->commit.seals || journal->touched_count == 0)
                return; /* nothing was under way, or nothing that would do harm twice */
        const Head *head = journal->touched[0];
        journal->unknown = (Unknown){ .there = true,
                                      .tenant_id = head->tenant_id,
                                      .hash = head->tried_hash,
                                      .range = journal->commit.range,
                                      .fingerprint = fingerprint(journal->commit.batch) };
}

void commit_start(Journal *journal, Moment now) {
        const JournalBatch *batch = &journal->request->batch;
        StoreReport *report = journal->report;
        Commit *commit = &journal->commit;
        commit->batch = batch;
        commit->total = batch->accepted_count + batch->concluded_count + batch->step_count + batch->cancelled_count +
                        batch->audit_count;
        commit->units = memory_new(sizeof(UnitState) * (commit->total + 1));
        report->accepted = arena_take_array(report->arena, AcceptedFate, batch->accepted_count + 1);
        report->concluded = arena_take_array(report->arena, RowFate, batch->concluded_count + 1);
        report->steps = arena_take_array(report->arena, RowFate, batch->step_count + 1);
        if (!report->accepted || !report->concluded || !report->steps)
                abort(); /* the report's arena is larger than any batch */
        push_range(commit, 0, commit->total);
        commit_next(journal, now);
}

/* Adds the unit's row to the columns; a row that cannot be made is refused by itself. */
static void add_unit(Journal *journal, size_t place) {
        const JournalBatch *batch = journal->commit.batch;
        Unit unit = unit_at(batch, place);
        Failure failure;
        bool good = true;
        switch (unit.kind) {
        case UNIT_ACCEPTED:
                good = rows_accept(journal, &batch->accepted[unit.index], &failure);
                break;
        case UNIT_CONCLUDED:
                good = rows_conclude(journal, &batch->concluded[unit.index], &failure);
                break;
        case UNIT_STEP:
                good = rows_step(journal, &batch->steps[unit.index], &failure);
                break;
        case UNIT_CANCELLED:
                good = rows_cancel(journal, &batch->cancelled[unit.index], &failure);
                break;
        case UNIT_AUDIT:
                good = rows_audit(journal, &batch->audit[unit.index], &failure);
                break;
        case UNIT_KIND_COUNT:
                break;
        }
        if (!good)
                refuse(journal, place, &failure);
}

/* Tenants whose chains this range moves and whose ends are not known. */
static size_t missing_heads(Journal *journal, Uuid *ret_tenants, size_t limit) {
        const JournalBatch *batch = journal->commit.batch;
        _cleanup_(map_freep) Map *seen = map_new(16);
        size_t count = 0;
        each_waiting(&journal->commit, place) {
                Unit unit = unit_at(batch, place);
                const Uuid *tenant_id = unit.kind == UNIT_CONCLUDED ? &batch->concluded[unit.index].tenant_id
                                        : unit.kind == UNIT_AUDIT   ? &batch->audit[unit.index].tenant_id
                                                                    : NULL;
                if (!tenant_id || chain_head(journal, *tenant_id) || map_get(seen, MAP_KEY(*tenant_id)) ||
                    count == limit)
                        continue;
                map_put(seen, MAP_KEY(*tenant_id), (void *) tenant_id);
                ret_tenants[count++] = *tenant_id;
        }
        return count;
}

static void look_for_standing(Journal *journal, Moment now);

/* After heads were read: whether an earlier try of this very batch was committed is known now. */
static void commit_heads_read(Journal *journal, Moment now) {
        Commit *commit = &journal->commit;
        Unknown *unknown = &journal->unknown;
        Hash hash = fingerprint(commit->batch);
        if (wire_error(journal->wire)->failed) {
                chain_clear(journal);
                journal_fail(journal);
                return;
        }
        chain_took(journal);
        if (!unknown->committed) {
                commit_try(journal, now);
                return;
        }
        unknown->committed = false;
        if (memcmp(&hash, &unknown->fingerprint, sizeof(hash)) != 0 || unknown->range.to > commit->total) {
                commit_try(journal, now);
                return;
        }
        for (size_t place = unknown->range.from; place < unknown->range.to; place++) {
                UnitKind kind = unit_at(commit->batch, place).kind;
                if (commit->units[place] == UNIT_WAITING && (kind == UNIT_AUDIT || kind == UNIT_CANCELLED))
                        settle(journal, place, ROW_WRITTEN);
                else if (commit->units[place] == UNIT_WAITING && kind == UNIT_ACCEPTED)
                        commit->units[place] = UNIT_LOST;
        }
        look_for_standing(journal, now);
}

static const struct {
        Query query;
        size_t table, columns;
        bool with_hub;
} inserts[] = {
        { QUERY_JOURNAL_PERSONS, offsetof(Journal, persons), 5, false },
        { QUERY_JOURNAL_ACCEPT, offsetof(Journal, accepted), 19, true },
        { QUERY_JOURNAL_CONCLUDE, offsetof(Journal, concluded), 30, true },
        { QUERY_JOURNAL_STEP, offsetof(Journal, steps), 9, true },
        { QUERY_JOURNAL_CANCEL, offsetof(Journal, cancelled), 4, true },
        { QUERY_JOURNAL_AUDIT, offsetof(Journal, audit), 10, true },
};

/* Two messages of one range may be the same under the keys of two slots, which the statement, looking at what was there
 * before it, cannot see: the later one is looked up afterwards. */
static void find_twins(Journal *journal) {
        Commit *commit = &journal->commit;
        _cleanup_(map_freep) Map *keys = NULL;
        each_waiting(commit, place) {
                if (unit_at(commit->batch, place).kind != UNIT_ACCEPTED)
                        return;
                AcceptedRecord *record = &commit->batch->accepted[place];
                if (record->key_count == 0)
                        continue;
                if (!keys)
                        keys = map_new(commit->batch->accepted_count);
                if (record->key_count == 2 && map_get(keys, MAP_KEY(record->keys[1])))
                        commit->units[place] = UNIT_LOST;
                else
                        map_put(keys, MAP_KEY(record->keys[0]), record);
        }
}

static bool has_slots(const JournalBatch *batch) {
        for (size_t i = 0; i < batch->accepted_count; i++)
                if (batch->accepted[i].key_count == 2)
                        return true;
        return false;
}

static void commit_tried(Journal *journal, Moment now);

static void commit_try(Journal *journal, Moment now) {
        Commit *commit = &journal->commit;
        Uuid tenants[64];
        size_t missing = missing_heads(journal, tenants, COUNT_OF(tenants)), place = commit->range.from;
        if (missing > 0) {
                chain_read(journal, tenants, missing, commit_heads_read, now);
                return;
        }
        if (has_slots(commit->batch))
                find_twins(journal);
        chain_forget(journal);
        rows_start(journal);
        commit->seals = arena_new((size_t) 64 << 20);
        each_waiting(commit, unit) add_unit(journal, unit);
        if (!next_waiting(commit, &place)) {
                commit_next(journal, now);
                return;
        }
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_JOURNAL_HOLD,
                 VALUES(value_integer(journal->number), value_integer(journal->epoch)));
        for (size_t i = 0; i < COUNT_OF(inserts); i++)
                rows_add(journal, inserts[i].query, (Table *) ((char *) journal + inserts[i].table), inserts[i].columns,
                         inserts[i].with_hub);
        wire_end(journal->wire, now);
        journal->stage = commit_tried;
}

/* The ids that came back were written; an accepted row that did not come back stands already, or its key does. */
static void settle_written(Journal *journal) {
        Commit *commit = &journal->commit;
        const Rows *rows = journal->accepted.rows > 0 ? wire_rows(journal->wire, 1 + (journal->persons.rows > 0))
                                                      : NULL;
        size_t next = 0;
        each_waiting(commit, place) {
                Unit unit = unit_at(commit->batch, place);
                if (unit.kind != UNIT_ACCEPTED) {
                        settle(journal, place, ROW_WRITTEN);
                        continue;
                }
                /* They come in the order they were given, as nothing between sorts them. */
                if (next < rows_count(rows) &&
                    uuid_equal(rows_uuid(rows, next, 0), commit->batch->accepted[unit.index].id)) {
                        settle(journal, place, ROW_WRITTEN);
                        next++;
                } else {
                        commit->units[place] = UNIT_LOST;
                }
        }
        chain_committed(journal);
}

/* Both halves are tried again; alone it is refused. */
static void halve(Journal *journal) {
        Commit *commit = &journal->commit;
        Range range = commit->range;
        if (range.to - range.from == 1) {
                refuse(journal, range.from, &wire_error(journal->wire)->failure);
                return;
        }
        size_t middle = range.from + (range.to - range.from) / 2;
        push_range(commit, middle, range.to);
        push_range(commit, range.from, middle);
}

static void commit_tried(Journal *journal, Moment now) {
        Commit *commit = &journal->commit;
        const WireError *error = wire_error(journal->wire);
        arena_free(commit->seals);
        commit->seals = NULL;
        if (!error->failed) {
                settle_written(journal);
                commit->written = true;
                commit_next(journal, now);
                return;
        }
        /* What this transaction brought is not there, persons with it. */
        memset(journal->known_persons, 0, sizeof(Uuid) * PERSON_CACHE);
        chain_forget(journal);
        bool in_the_way = error_is(journal, "23505"), again = error_is(journal, "40") || error_is(journal, "55P03");
        bool value = error_is(journal, "22") || error_is(journal, "54") ||
                     (error_is(journal, "23") && (error->constraint || !error_is(journal, "23514")));
        if (in_the_way && ++commit->tries < TRIES) {
                chain_clear(journal);
                look_for_standing(journal, now);
        } else if (again && ++commit->tries < TRIES) {
                commit_try(journal, now);
        } else if (value) {
                halve(journal);
                commit_next(journal, now);
        } else {
                journal_fail(journal);
        }
}

static RowFate fate_of(const Journal *journal, int64_t hub, int64_t sequence, int64_t own_sequence) {
        return hub == journal->number && sequence == own_sequence ? ROW_WRITTEN : ROW_REPEAT;
}

static bool find_conclusion(const Rows *rows, Uuid id, size_t *ret_row) {
        for (size_t i = 0; i < rows_count(rows); i++)
                if (uuid_equal(rows_uuid(rows, i, 0), id)) {
                        *ret_row = i;
                        return true;
                }
        return false;
}

static bool find_step(const Rows *rows, Uuid id, int32_t ordinal, size_t *ret_row) {
        for (size_t i = 0; i < rows_count(rows); i++)
                if (uuid_equal(rows_uuid(rows, i, 0), id) && rows_integer(rows, i, 1) == ordinal) {
                        *ret_row = i;
                        return true;
                }
        return false;
}

static void commit_stand(Journal *journal, Moment now) {
        Commit *commit = &journal->commit;
        if (wire_error(journal->wire)->failed) {
                journal_fail(journal);
                return;
        }
        const Rows *conclusions = wire_rows(journal->wire, 0), *steps = wire_rows(journal->wire, 1);
        each_waiting(commit, place) {
                Unit unit = unit_at(commit->batch, place);
                size_t row;
                if (unit.kind == UNIT_CONCLUDED) {
                        const ConcludedRecord *record = &commit->batch->concluded[unit.index];
                        if (find_conclusion(conclusions, record->id, &row))
                                settle(journal, place,
                                       fate_of(journal, rows_integer(conclusions, row, 1),
                                               rows_integer(conclusions, row, 2), record->sequence));
                } else if (unit.kind == UNIT_STEP) {
                        const StepRecord *record = &commit->batch->steps[unit.index];
                        if (find_step(steps, record->message_id, record->ordinal, &row))
                                settle(journal, place,
                                       fate_of(journal, rows_integer(steps, row, 2), rows_integer(steps, row, 3),
                                               record->sequence));
                }
        }
        commit_try(journal, now);
}

/* Which conclusions and steps of the range stand already. */
static void look_for_standing(Journal *journal, Moment now) {
        Commit *commit = &journal->commit;
        Column *ids = journal->concluded.columns, *message_ids = journal->steps.columns;
        column_start(ids, OID_UUID);
        column_start(message_ids, OID_UUID);
        each_waiting(commit, place) {
                Unit unit = unit_at(commit->batch, place);
                if (unit.kind == UNIT_CONCLUDED)
                        column_uuid(ids, commit->batch->concluded[unit.index].id);
                else if (unit.kind == UNIT_STEP)
                        column_uuid(message_ids, commit->batch->steps[unit.index].message_id);
        }
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_JOURNAL_CONCLUSIONS, VALUES(column_value(ids)));
        wire_add(journal->wire, QUERY_JOURNAL_STEPS, VALUES(column_value(message_ids)));
        wire_end(journal->wire, now);
        journal->stage = commit_stand;
}

/* The first message's conclusion; one that does not open is as good as none yet. */
static void read_first(Journal *journal, const Rows *rows, size_t row, AcceptedFate *fate) {
        Uuid tenant_id = rows_uuid(rows, row, 4);
        Text id = MAP_KEY(fate->first), sender;
        Failure failure;
        if (!rows_open_reply(journal, tenant_id, fate->first, rows, row, 8, 7, &fate->reply_to, &sender, &failure) ||
            !rows_open(journal, tenant_id, rows, row, 12, 11, "concluded", "answer", id, &fate->answer, &failure) ||
            !rows_open(journal, tenant_id, rows, row, 13, 11, "concluded", "explanation", id, &fate->explanation,
                       &failure)) {
                log_error("a message that is repeated cannot be read", "message", LOG_UUID, &fate->first, "cause",
                          LOG_STRING, failure.text);
                return;
        }
        fate->concluded = !rows_is_null(rows, row, 9);
        fate->outcome = (Outcome) rows_integer(rows, row, 9);
        fate->reason = (FailureKind) rows_integer(rows, row, 10);
}

/* False when nothing stands there after all. */
static bool read_repeat(Journal *journal, const Rows *rows, size_t row, const AcceptedRecord *record,
                        AcceptedFate *fate) {
        fate->first = rows_is_null(rows, row, 1) ? rows_uuid(rows, row, 3) : rows_uuid(rows, row, 1);
        if (uuid_is_zero(fate->first))
                return false;
        if (uuid_equal(fate->first, record->id)) {
                bool own = rows_integer(rows, row, 5) == journal->number &&
                           rows_integer(rows, row, 6) == record->sequence;
                *fate = (AcceptedFate){ .fate = own ? ROW_WRITTEN : ROW_REFUSED };
                return true;
        }
        fate->fate = rows_integer(rows, row, 2) == content_of(&record->content) ? ROW_REPEAT : ROW_CONFLICT;
        if (fate->fate == ROW_REPEAT && !rows_is_null(rows, row, 3))
                read_first(journal, rows, row, fate);
        return true;
}

static void commit_looked_up(Journal *journal, Moment now) {
        Commit *commit = &journal->commit;
        size_t row = 0;
        if (wire_error(journal->wire)->failed) {
                journal_fail(journal);
                return;
        }
        const Rows *rows = wire_rows(journal->wire, 0);
        for (size_t i = 0; i < commit->batch->accepted_count; i++) {
                if (commit->units[i] != UNIT_LOST)
                        continue;
                commit->units[i] = UNIT_SETTLED;
                if (read_repeat(journal, rows, row++, &commit->batch->accepted[i], &journal->report->accepted[i]))
                        continue;
                /* Its twin was refused, or what stood in its way went away: now it may be written. */
                if (commit->range_count == RANGE_LIMIT || ++commit->rewrites > RANGE_LIMIT) {
                        journal_fail(journal);
                        return;
                }
                commit->units[i] = UNIT_WAITING;
                push_range(commit, i, i + 1);
        }
        commit_next(journal, now);
}

static void commit_look_up(Journal *journal, Moment now) {
        const Commit *commit = &journal->commit;
        Column *columns = journal->accepted.columns;
        size_t count = 0;
        for (size_t i = 0; i < 3; i++)
                column_start(&columns[i], OID_UUID);
        for (size_t i = 0; i < commit->batch->accepted_count; i++) {
                const AcceptedRecord *record = &commit->batch->accepted[i];
                if (commit->units[i] != UNIT_LOST)
                        continue;
                count++;
                column_uuid(&columns[0], record->id);
                for (int key = 0; key < 2; key++)
                        if (key < record->key_count)
                                column_uuid(&columns[1 + key], key_of(&record->keys[key]));
                        else
                                column_null(&columns[1 + key]);
        }
        if (count == 0) {
                journal_finish(journal, STORE_DONE, NULL);
                return;
        }
        wire_begin(journal->wire);
        wire_add(journal->wire, QUERY_JOURNAL_REPEATS,
                 VALUES(column_value(&columns[0]), column_value(&columns[1]), column_value(&columns[2])));
        wire_end(journal->wire, now);
        journal->stage = commit_looked_up;
}

static void commit_next(Journal *journal, Moment now) {
        Commit *commit = &journal->commit;
        while (commit->range_count > 0) {
                commit->range = commit->ranges[--commit->range_count];
                commit->tries = 0;
                size_t place = commit->range.from;
                if (next_waiting(commit, &place)) {
                        commit_try(journal, now);
                        return;
                }
        }
        commit_look_up(journal, now);
}
