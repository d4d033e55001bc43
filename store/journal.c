#include "store/journal.h"

#include "store/journal_parts.h"

#include <assert.h>

#define PATIENCE_US  (10 * SECONDS)
#define REPORT_LIMIT ((size_t) 1 << 30) /* an estate of many messages with long steps */

Journal *journal_new(const JournalSettings *settings, Keyring *keyring) {
        Journal *journal = memory_new(sizeof(Journal));
        journal->settings = *settings;
        journal->settings.conninfo = NULL;
        journal->keyring = keyring;
        journal->wire = wire_new(settings->conninfo, DATABASE_JOURNAL,
                                 settings->patience_us > 0 ? settings->patience_us : PATIENCE_US);
        journal->heads = map_new(64);
        journal->moved = map_new(64);
        journal->known_persons = memory_new(sizeof(Uuid) * PERSON_CACHE);
        return journal;
}

static void release_table(Table *table) {
        for (size_t i = 0; i < COLUMN_LIMIT; i++)
                column_release(&table->columns[i]);
}

void journal_free(Journal *journal) {
        commit_release(journal);
        chain_clear(journal);
        map_free(journal->heads);
        AuditHead *moved;
        for (size_t i = 0; (moved = map_each(journal->moved, &i));)
                free(moved);
        map_free(journal->moved);
        release_table(&journal->accepted);
        release_table(&journal->concluded);
        release_table(&journal->steps);
        release_table(&journal->cancelled);
        release_table(&journal->audit);
        release_table(&journal->persons);
        if (journal->report)
                arena_free(journal->report->arena);
        wire_free(journal->wire);
        free(journal->touched);
        free(journal->known_persons);
        free(journal->hub);
        free(journal);
}

int journal_descriptor(const Journal *journal) {
        return wire_descriptor(journal->wire);
}

bool journal_wants_write(const Journal *journal) {
        return wire_wants_write(journal->wire);
}

int64_t journal_wake(const Journal *journal) {
        if (journal->done)
                return 0;
        return journal->request || wire_descriptor(journal->wire) >= 0 ? wire_wake(journal->wire) : INT64_MAX;
}

bool journal_is_connected(const Journal *journal) {
        return wire_is_up(journal->wire);
}

bool journal_is_idle(const Journal *journal) {
        return !journal->request;
}

void journal_finish(Journal *journal, StoreResult result, const Failure *failure) {
        StoreReport *report = journal->report;
        report->result = result;
        if (failure)
                report->failure = *failure;
        commit_release(journal);
        journal->stage = NULL;
        journal->done = true;
}

bool error_is(const Journal *journal, const char *prefix) {
        return strncmp(wire_error(journal->wire)->state, prefix, strlen(prefix)) == 0;
}

/* 23514 without a constraint: there is no part for this day's rows, which `aiox keep` should have made. Full means that
 * nothing was written: a batch of which a part was is to be sent again. */
void journal_fail(Journal *journal) {
        const WireError *error = wire_error(journal->wire);
        bool full = error_is(journal, "53100") || error_is(journal, "25006") ||
                    (error_is(journal, "23514") && !error->constraint);
        StoreResult result = error_is(journal, "AX001")         ? STORE_FENCED
                             : full && !journal->commit.written ? STORE_FULL
                                                                : STORE_UNAVAILABLE;
        journal_finish(journal, result, &error->failure);
}

Text journal_copy(Journal *journal, Text text) {
        return text_copy(journal->report->arena, text);
}

void journal_send(Journal *journal, const StoreRequest *request, Moment now) {
        assert(!journal->request);
        Arena *arena = arena_new(REPORT_LIMIT);
        journal->report = arena_take(arena, sizeof(StoreReport));
        if (!journal->report)
                abort();
        journal->report->arena = arena;
        journal->report->kind = request->kind;
        journal->report->number = request->number;
        journal->request = request;
        journal->begun = false;
        journal->sent_at = now;
}

static void (*const starts[])(Journal *journal, Moment now) = {
        [STORE_START] = lease_start,         [STORE_COMMIT] = commit_start,           [STORE_BEAT] = lease_beat,
        [STORE_TAKE_OVER] = lease_take_over, [STORE_READ_UNSENT] = lease_read_unsent, [STORE_RELEASE] = lease_release,
};

static void begin(Journal *journal, Moment now) {
        const StoreRequest *request = journal->request;
        Failure failure;
        journal->begun = true;
        if (request->kind != STORE_START && (journal->number == 0 || request->epoch != journal->epoch)) {
                failure_set(&failure, FAILURE_CONFLICT, "this journal does not hold epoch %lld",
                            (long long) request->epoch);
                journal_finish(journal, STORE_FENCED, &failure);
                return;
        }
        starts[request->kind](journal, now);
}

/* What was under way may have happened or not. Nothing in memory that a committed transaction would have moved is
 * believed any more. */
static void lost(Journal *journal) {
        if (journal->begun)
                commit_lost(journal);
        chain_clear(journal);
        memset(journal->known_persons, 0, sizeof(Uuid) * PERSON_CACHE);
        journal->stage = NULL;
        if (journal->request && !journal->done)
                journal_finish(journal, STORE_UNAVAILABLE, &wire_error(journal->wire)->failure);
}

/* True when it may be called again at once. */
static bool step(Journal *journal, Moment now) {
        Stage stage = journal->stage;
        switch (wire_step(journal->wire, now, journal->request != NULL)) {
        case WIRE_LOST:
                lost(journal);
                return false;
        case WIRE_UP:
                if (journal->number > 0 && journal->request && journal->request->kind != STORE_START)
                        lease_attach(journal, now);
                break;
        case WIRE_ANSWERED:
                journal->stage = NULL;
                if (stage)
                        stage(journal, now);
                break;
        case WIRE_NOTHING:
                break;
        }
        if (journal->request && !journal->done && !journal->begun && !journal->stage && wire_is_up(journal->wire)) {
                begin(journal, now);
                return true;
        }
        return stage != journal->stage && !journal->done;
}

StoreReport *journal_ready(Journal *journal, Moment now) {
        while (!journal->done && step(journal, now))
                ;
        if (!journal->done)
                return NULL;
        StoreReport *report = journal->report;
        journal->report = NULL;
        journal->request = NULL;
        journal->done = false;
        return report;
}
