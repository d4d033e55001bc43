/* The journal's parts, shared by its own files: journal.c drives requests over the wire, journal_commit.c a batch,
 * journal_rows.c turns records into columns, journal_chain.c keeps the audit, journal_lease.c does all else.
 *
 * One thread, like the journal.
 */
#pragma once

#include "base/map.h"
#include "store/audit.h"
#include "store/columns.h"
#include "store/journal.h"
#include "store/wire.h"

#define PERSON_CACHE 65536 /* persons whose row is known to be there */
#define RANGE_LIMIT  64
#define COLUMN_LIMIT 30

/* What one insert is fed from. */
typedef struct Table {
        Column columns[COLUMN_LIMIT];
        size_t rows;
} Table;

/* The end of one tenant's chain of this hub. */
typedef struct Head {
        Uuid tenant_id;
        int64_t position, tried_position; /* committed; with what the transaction under way adds */
        Hash hash, tried_hash;
        bool touched; /* by the transaction under way */
} Head;

/* A stretch of a batch: accepted, concluded, steps, cancelled and audit counted through. */
typedef struct Range {
        size_t from, to;
} Range;

typedef enum UnitState {
        UNIT_WAITING,
        UNIT_SETTLED,
        UNIT_LOST, /* accepted, and not written because something stands there: to be looked up */
} UnitState;

/* A batch on its way. */
typedef struct Commit {
        const JournalBatch *batch;
        UnitState *units;
        size_t total;
        Range ranges[RANGE_LIMIT]; /* still to be tried, last first */
        size_t range_count;
        Range range; /* being tried */
        int tries, rewrites;
        bool written; /* a part of it is committed */
        Arena *seals; /* what the columns are made from, until they are sent */
} Commit;

/* A transaction whose end is unknown: it is known again from the head of a chain it was to move. */
typedef struct Unknown {
        bool there, committed;
        Uuid tenant_id;
        Hash hash;        /* the chain's end if it was committed */
        Hash fingerprint; /* of the batch */
        Range range;
} Unknown;

/* What an operation did, as the chain will say it. */
typedef struct Operation {
        Uuid id;
        AuditEntry entry;
} Operation;

typedef void (*Stage)(Journal *journal, Moment now);

struct Journal {
        JournalSettings settings;
        Keyring *keyring;
        Wire *wire;
        const StoreRequest *request; /* NULL: idle */
        bool begun;
        Moment sent_at;
        Stage stage; /* takes what the exchange under way brings */
        StoreReport *report;
        bool done; /* the report is finished */

        int64_t number, epoch; /* of the own lease; number 0: none yet */
        char *hub;
        int64_t other_number; /* TAKE_OVER: the hub taken */

        Map *heads;
        Map *moved;     /* AuditHead by tenant: what journal_take_heads() gives next */
        Head **touched; /* heads that the transaction under way moves */
        size_t touched_count, touched_capacity;
        Unknown unknown;
        Commit commit;
        Table accepted, concluded, steps, cancelled, audit, persons;
        Uuid *known_persons;   /* by their last bytes */
        Operation *operations; /* to be chained, in the report's arena */
        size_t operation_count;
};

/* journal.c */
void journal_finish(Journal *journal, StoreResult result, const Failure *failure);
/* Reports what the exchange's error means when nothing better is known: fenced, full, or unavailable. */
void journal_fail(Journal *journal);
bool error_is(const Journal *journal, const char *prefix);
Text journal_copy(Journal *journal, Text text); /* into the report */

/* journal_commit.c */
void commit_start(Journal *journal, Moment now);
void commit_lost(Journal *journal);
void commit_release(Journal *journal);

/* journal_rows.c; false when the record cannot be written by itself, which its failure says */
bool rows_accept(Journal *journal, const AcceptedRecord *record, Failure *reterr_failure);
bool rows_conclude(Journal *journal, const ConcludedRecord *record, Failure *reterr_failure);
bool rows_step(Journal *journal, const StepRecord *record, Failure *reterr_failure);
bool rows_cancel(Journal *journal, const CancelledRecord *record, Failure *reterr_failure);
bool rows_audit(Journal *journal, const AuditRecord *record, Failure *reterr_failure);
void rows_audit_entry(Journal *journal, AuditEntry *entry);
void rows_start(Journal *journal);
void rows_add(Journal *journal, Query query, Table *table, size_t columns, bool with_hub);
Uuid key_of(const Hash *hash);
int64_t content_of(const Hash *hash);
/* Opens a sealed value of a report's row; an empty text when it is null. */
bool rows_open(Journal *journal, Uuid tenant_id, const Rows *rows, size_t row, int column, int key_column,
               const char *table, const char *name, Text id, Text *ret_plain, Failure *reterr_failure);
bool rows_open_reply(Journal *journal, Uuid tenant_id, Uuid id, const Rows *rows, size_t row, int column,
                     int key_column, ReplyTo *ret_reply, Text *ret_sender, Failure *reterr_failure);
typedef struct StepPlace {
        uint8_t id[20];
} StepPlace;
Text step_place(Uuid message_id, int32_t ordinal, StepPlace *room);

/* journal_chain.c */
Head *chain_head(Journal *journal, Uuid tenant_id); /* NULL: not known yet */
void chain_read(Journal *journal, const Uuid *tenants, size_t count, Stage then, Moment now);
void chain_took(Journal *journal); /* what chain_read() brought */
void chain_touch(Journal *journal, Head *head);
void chain_forget(Journal *journal); /* what is not committed */
void chain_clear(Journal *journal);  /* all: it is read again */
void chain_committed(Journal *journal);
/* Puts operations into their chains after a heartbeat; finishes the request. */
void chain_operations(Journal *journal, const Rows *rows, Moment now);

/* journal_lease.c */
void lease_start(Journal *journal, Moment now);
void lease_attach(Journal *journal, Moment now);
void lease_beat(Journal *journal, Moment now);
void lease_take_over(Journal *journal, Moment now);
void lease_read_unsent(Journal *journal, Moment now);
void lease_release(Journal *journal, Moment now);
