#include "component/clerk.h"

#include "base/log.h"
#include "base/ticker.h"
#include "base/zone.h"
#include "component/inbox.h"

#include <stdio.h>

#define READ_EVERY_US SECONDS
#define NOTE_ROWS     256
#define XID_SIZE      24 /* of an xid8 in decimal digits */

/* Kinds of rows after those of DirectoryKind. */
enum { KIND_CANCELLED = DIRECTORY_PERSON + 1, KIND_SNAPSHOT };

struct Clerk {
        Database *database;
        Keyring *keyring;
        Queue *inbox;
        /* xmin of the two snapshots before. Each round reads from the older: what an operation of this hub announced
         * may have overtaken what another did to the same row after it, and the newest row has to win in the end. */
        char since[XID_SIZE], last[XID_SIZE]; /* last: empty before the first */
        int64_t began_us;                     /* the reading; before its snapshot */
        bool away;
        Ticker *ticker; /* NULL until it is started */
};

Clerk *clerk_new(Database *database, Keyring *keyring) {
        Clerk *clerk = memory_new(sizeof(*clerk));

        clerk->database = database;
        clerk->keyring = keyring;
        snprintf(clerk->since, sizeof(clerk->since), "0");
        return clerk;
}

static AgentState agent_state(Text name) {
        return text_equal(name, TEXT("active"))   ? AGENT_ACTIVE
               : text_equal(name, TEXT("paused")) ? AGENT_PAUSED
                                                  : AGENT_DELETED;
}

/* A word that this version does not know is one that forbids: a newer hub may have written it. */
static void change_read(const Rows *row, DirectoryChange *ret_change) {
        Text hash = rows_text(row, 0, 14);

        *ret_change = (DirectoryChange){
                .kind = (DirectoryKind) rows_integer(row, 0, 0),
                .gone = rows_boolean(row, 0, 1),
                .id = rows_uuid(row, 0, 2),
                .tenant_id = rows_uuid(row, 0, 3),
                .name = rows_text(row, 0, 4),
                .suspended = rows_boolean(row, 0, 5),
                .version_id = rows_uuid(row, 0, 7),
                .owner_id = rows_uuid(row, 0, 8),
                .owner = rows_text(row, 0, 9),
                .domain = rows_text(row, 0, 9),
                .plan = rows_text(row, 0, 10),
                .zone = rows_text(row, 0, 12),
                .billing_day = (int32_t) rows_integer(row, 0, 22),
                .state = agent_state(rows_text(row, 0, 11)),
                .pause_reason = rows_text(row, 0, 12),
                .description = rows_text(row, 0, 21),
                .display_name = rows_text(row, 0, 19),
                .priced = rows_boolean(row, 0, 13),
                .priority = rows_real(row, 0, 15),
                .agent_id = rows_uuid(row, 0, 16),
                .not_before_us = rows_time(row, 0, 17),
                .expires_us = rows_time(row, 0, 18),
                .subject_id = rows_uuid(row, 0, 20),
                .window_us = rows_integer(row, 0, 22),
                .amount = rows_integer(row, 0, 23),
                .policy = rows_text(row, 0, 24),
                .model = rows_text(row, 0, 25),
        };
        if (ret_change->kind == DIRECTORY_TENANT)
                zone_prepare(ret_change->zone); /* reads its file here, not in the hub thread */
        if (!role_from_name(rows_text(row, 0, 6), &ret_change->role))
                ret_change->role = ROLE_NONE;
        if (!visibility_from_name(rows_text(row, 0, 10), &ret_change->visibility))
                ret_change->visibility = VISIBILITY_PRIVATE;
        if (ret_change->kind == DIRECTORY_LIMIT &&
            (!limit_subject_from_name(rows_text(row, 0, 19), &ret_change->subject) ||
             !limit_what_from_name(rows_text(row, 0, 21), &ret_change->what)))
                ret_change->gone = true; /* of a kind that is not counted here */
        if (hash.length == sizeof(ret_change->policy_hash))
                memcpy(ret_change->policy_hash, hash.bytes, hash.length);
}

/* One reading: where its rows go, and what its snapshot was. */
typedef struct Reading {
        RowTaker take;
        void *taker;
        char snapshot[XID_SIZE];
} Reading;

static bool reading_take(void *reading_, const Rows *row, Failure *reterr_failure) {
        Reading *reading = reading_;

        if (rows_integer(row, 0, 0) != KIND_SNAPSHOT)
                return reading->take(reading->taker, row, reterr_failure);
        snprintf(reading->snapshot, sizeof(reading->snapshot), "%.*s", TEXT_ARGUMENTS(rows_text(row, 0, 4)));
        return true;
}

/* Reads what changed since the last snapshot but one, and remembers this one. */
static bool clerk_read(Clerk *clerk, RowTaker take, void *taker, Failure *reterr_failure) {
        Reading reading = { .take = take, .taker = taker };

        clerk->began_us = clock_now().monotonic_us;
        if (!database_stream(clerk->database, DATABASE_DIRECTORY, QUERY_DIRECTORY_ROWS,
                             VALUES(value_string(clerk->since)), reading_take, &reading, reterr_failure))
                return false;
        memcpy(clerk->since, clerk->last[0] ? clerk->last : reading.snapshot, sizeof(clerk->since));
        memcpy(clerk->last, reading.snapshot, sizeof(clerk->last));
        return true;
}

static bool load_row(void *directory, const Rows *row, Failure *reterr_failure) {
        DirectoryChange change;

        (void) reterr_failure;
        change_read(row, &change);
        directory_apply(directory, &change);
        return true;
}

bool clerk_load(Clerk *clerk, Directory *directory, Failure *reterr_failure) {
        return clerk_read(clerk, load_row, directory, reterr_failure) || failure_prefix(reterr_failure, "directory");
}

/* Changes on their way to the hub thread, some at a time. */
typedef struct Batch {
        Clerk *clerk;
        Note *note;
        DirectoryChange *changes;
} Batch;

static void batch_send(Batch *batch) {
        if (batch->note)
                inbox_put(batch->clerk->inbox, batch->note);
        batch->note = NULL;
}

static void batch_begin(Batch *batch) {
        batch->note = memory_new(sizeof(*batch->note));
        batch->note->kind = NOTE_DIRECTORY;
        batch->note->event.kind = EVENT_DIRECTORY;
        batch->note->arena = arena_new((size_t) 32 * 1024 * 1024); /* more than NOTE_ROWS of the largest rows */
        batch->changes = arena_take_array(batch->note->arena, DirectoryChange, NOTE_ROWS);
        batch->note->event.directory.changes = batch->changes;
}

static void cancel_send(Batch *batch, const Rows *row) {
        Note *note = memory_new(sizeof(*note));

        note->kind = NOTE_CANCEL;
        note->event.kind = EVENT_CANCEL;
        note->event.cancel.message_id = rows_uuid(row, 0, 2);
        note->event.cancel.tenant_id = rows_uuid(row, 0, 3);
        note->event.cancel.durable = true;
        inbox_put(batch->clerk->inbox, note);
}

static bool send_row(void *batch_, const Rows *row, Failure *reterr_failure) {
        Batch *batch = batch_;
        DirectoryChange change;

        if (rows_integer(row, 0, 0) == KIND_CANCELLED) {
                cancel_send(batch, row);
                return true;
        }
        change_read(row, &change);
        change.as_of_us = batch->clerk->began_us;
        if (change.kind == DIRECTORY_TENANT && !change.gone && !keyring_has(batch->clerk->keyring, change.id) &&
            !keyring_refresh(batch->clerk->keyring, batch->clerk->database, reterr_failure))
                return false;
        /* A key that was destroyed is nobody's any more, in no hub's memory either. */
        if (change.kind == DIRECTORY_TENANT && text_equal(rows_text(row, 0, 11), TEXT("destroyed")))
                keyring_forget(batch->clerk->keyring, change.id);
        if (!batch->note)
                batch_begin(batch);
        size_t *count = &batch->note->event.directory.count;
        batch->changes[(*count)++] = directory_change_copy(batch->note->arena, &change);
        if (*count == NOTE_ROWS)
                batch_send(batch);
        return true;
}

static void clerk_round(void *clerk_) {
        Clerk *clerk = clerk_;
        Batch batch = { .clerk = clerk };
        Failure failure;
        bool read = clerk_read(clerk, send_row, &batch, &failure);

        batch_send(&batch);
        if (!read && !clerk->away)
                log_warning("cannot read what other hubs changed", "cause", LOG_STRING, failure.text);
        if (read && clerk->away)
                log_info("reading what other hubs change again");
        clerk->away = !read;
}

void clerk_start(Clerk *clerk, Queue *inbox) {
        clerk->inbox = inbox;
        clerk->ticker = ticker_start(READ_EVERY_US, clerk_round, clerk);
}

void clerk_free(Clerk *clerk) {
        ticker_stop(clerk->ticker);
        free(clerk);
}
