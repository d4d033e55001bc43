/* Records: what the core asks the store to write or read, and what the store reports back, as plain data. Both the
 * core, which decides, and the store, which writes, include this and neither includes the other; the simulator's store
 * speaks the same requests. Here are shapes only, no functions.
 *
 * Strings in a request live until its report was handled; strings in a report live in the report's arena.
 */
#pragma once

#include "base/budget.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/failure.h"
#include "base/uuid.h"

/* How a message came in and how its answer goes out. */
typedef enum Door { DOOR_CHAT, DOOR_REST, DOOR_COMMAND, DOOR_COUNT } Door;

/* Where an answer goes. Sealed in the row as one value. */
typedef struct ReplyTo {
        Door door;
        Text agent;     /* bare JID the answer comes from */
        Text address;   /* full JID that wrote; the answer goes to its bare form */
        Text thread;    /* XEP-0201; empty = none */
        Text stanza_id; /* the id the sender gave its stanza: receipts name it */
        /* Manners, known while the message is in memory and not sealed in the row: without them a sender sees less. */
        Text quoted_id; /* XEP-0461: the message's id in an answer that names it; empty = it need not be named */
        bool quotes;    /* the sender's client knows replies */
        bool states;    /* XEP-0085: the sender's client shows what the agent is doing */
        bool markable;  /* XEP-0333: the sender wants to know when the agent reads */
} ReplyTo;

/* Every message ends in exactly one of these. */
typedef enum Outcome {
        OUTCOME_PENDING, /* not yet: never written */
        OUTCOME_SUCCESS,
        OUTCOME_ERROR,
        OUTCOME_REFUSED,
        OUTCOME_CANCELLED,
        OUTCOME_PARKED,
        OUTCOME_COUNT,
} Outcome;

typedef struct Usage {
        int64_t prompt_tokens, completion_tokens, cached_tokens;
        int64_t cost_nano;       /* nano-units of the installation's currency */
        int64_t presumed_tokens; /* which calls with an unknown outcome may have used, at most */
        int32_t model_calls, tool_calls;
} Usage;

/* Microseconds of the monotonic clock. */
typedef struct Timings {
        int64_t admission_us, queue_us, model_us, total_us;
} Timings;

/* Sequence: (epoch << 40) + a counter, one series per hub over all its rows, so that readers keep one cursor a hub. */
typedef struct AcceptedRecord {
        Uuid id, tenant_id, agent_id;
        int64_t sequence;
        Text sender; /* bare JID; stands in the row as the person's id */
        ReplyTo reply_to;
        Text body;
        bool command;         /* runs an operation and calls no model */
        int32_t conversation; /* one of those between sender and agent; memory is keyed by it */
        Hash keys[2];         /* of a repeat: keys[0] is written; both are looked up */
        int key_count;        /* 0: no way to recognise a repeat */
        Hash content;         /* the same key with other content is a conflict */
        Uuid continues;       /* zero, or the message whose continuation this is */
        Uuid account_id;      /* as BudgetParties has them, whatever changes later */
        Uuid grant_id;
        Text sender_domain;
        int64_t accepted_us; /* wall clock */
} AcceptedRecord;

typedef struct ConcludedRecord {
        Uuid id, tenant_id, agent_id, version_id;
        int64_t sequence;
        Outcome outcome;
        FailureKind reason; /* FAILURE_NONE on success */
        Text answer;        /* what is sent; the partial text of an error or a cancellation */
        Text explanation;   /* a sentence for people: why it was refused or failed; may be empty */
        Usage usage;
        Timings timings;
        Text worker; /* which took the last turn; empty when none did */
        Text tools;  /* JSON array of the tools called; empty = none */
        Hash policy_hash;
        int32_t attempt; /* how often it was taken up again */
        bool streamed;   /* replaces drafts of it, which may have been sent */
        Text sender;     /* bare JID, for the audit record */
        Uuid account_id; /* as of the AcceptedRecord */
        Uuid grant_id;
        Text sender_domain;
        ReplyTo reply_to;     /* not written: used when the answer is read back for sending */
        int64_t concluded_us; /* wall clock */
} ConcludedRecord;

/* PRESUMED: what calls may have cost that left no reply: one that failed before it was tried again, and, right after
 * TAKEN_UP, those of earlier attempts. So at most one call of a message was sent and stands in no row yet. */
typedef enum StepKind {
        STEP_TAKEN_UP,
        STEP_MODEL_REPLY,
        STEP_TOOL_STARTED,
        STEP_TOOL_RESULT,
        STEP_PRESUMED,
} StepKind;

/* Ordinals: attempt * STEP_ATTEMPT + n, so that (message, ordinal) also fences two hubs that take up one message. */
#define STEP_ATTEMPT 10000
typedef struct StepRecord {
        Uuid message_id, tenant_id;
        int32_t ordinal;
        StepKind kind;
        int64_t sequence;
        BudgetAmounts spent; /* MODEL_REPLY, PRESUMED: by the whole message up to here; else zero */
        Text payload;        /* sealed in the row */
} StepRecord;

typedef struct CancelledRecord {
        Uuid message_id, tenant_id;
        int64_t sequence;
        Text by; /* bare JID or key of who asked */
} CancelledRecord;

/* Facts of the audit chain beside those that conclusions carry themselves. */
typedef struct AuditRecord {
        Uuid tenant_id;
        Text type;                 /* "message.refused", "operation.agent-pause", … */
        Text severity;             /* "info", "warning", "critical" */
        Uuid message_id, agent_id; /* zero = none */
        Text person;               /* bare JID; becomes the person's id */
        Text facts;                /* canonical JSON; ids and counts, never bodies */
        int64_t at_us;
} AuditRecord;

/* One transaction: all of it or nothing, and only while the hub holds its epoch. */
typedef struct JournalBatch {
        AcceptedRecord *accepted;
        ConcludedRecord *concluded;
        StepRecord *steps;
        CancelledRecord *cancelled;
        AuditRecord *audit;
        size_t accepted_count, concluded_count, step_count, cancelled_count, audit_count;
} JournalBatch;

typedef enum RowFate {
        ROW_WRITTEN,  /* by this request, or by an earlier try of the same one */
        ROW_REPEAT,   /* accepted: the same message is there; concluded and steps: another hub's row stands */
        ROW_CONFLICT, /* accepted: the same key with other content */
        ROW_REFUSED,  /* the database refuses its bytes, alone among the batch */
} RowFate;

typedef struct AcceptedFate {
        RowFate fate;
        Uuid first;     /* REPEAT: the message it repeats */
        bool concluded; /* REPEAT: and this is its conclusion */
        Outcome outcome;
        Text answer, explanation;
        FailureKind reason;
        ReplyTo reply_to; /* of the first */
} AcceptedFate;

/* A message accepted and not concluded, read back. */
typedef struct OpenMessage {
        AcceptedRecord accepted;
        StepRecord *steps;
        size_t step_count;
        bool cancelled;
        int32_t attempts; /* taken_up steps */
} OpenMessage;

/* One row of the leases. */
typedef struct Lease {
        Text hub;
        int64_t epoch, beats;
        Text domains;  /* separated by spaces */
        bool released; /* stopped in good order, or was taken over since: nobody beats it */
        bool has_open; /* released, but left messages open, or answers unsent, that nobody inherited */
} Lease;

typedef enum StoreRequestKind {
        /* Raise the own epoch, end the database sessions of an older holder, read open messages and marks. With
         * `again` (after a fence) only if the row still names this process: otherwise FENCED, another one of this name
         * has started. */
        STORE_START,
        STORE_COMMIT, /* a JournalBatch */
        STORE_BEAT,   /* count the own lease up, write marks and low water, read all leases */
        /* Raise `other`'s epoch if it still is `other_epoch`, end its database sessions, become heir of what it left
         * open and of what it was heir of itself, and read that. FENCED with `taken` false: somebody was faster. */
        STORE_TAKE_OVER,
        /* Conclusions written by hub `other` for `domain` with sequence > after, oldest first, at most `limit`, and no
         * more after those whose texts have `limit_bytes` as they are kept: one at least; or, with `message_id` not
         * zero, that one conclusion. */
        STORE_READ_UNSENT,
        /* The last request of a hub that stops in good order: write marks, set released; then, later than that, read
         * all leases if it can. */
        STORE_RELEASE,
} StoreRequestKind;

/* Every answer that `hub` concluded for `domain` up to `sequence`, as far as it is the keeper's to send, was taken by
 * our server. An heir keeps the marks of those it inherited from: of each hub one, which lies before the first answer
 * that is left to send of any of its estates. */
typedef struct DeliveredMark {
        Text hub, domain;
        int64_t sequence;
} DeliveredMark;

typedef struct StoreRequest {
        StoreRequestKind kind;
        uint64_t number; /* the core's; comes back in the report */
        int64_t epoch;   /* the own one, checked by the transaction; TAKE_OVER: also `other_epoch` */
        Text hub;        /* the own name; READ_UNSENT and TAKE_OVER: the hub meant is `other` */
        Uuid process;    /* random, made when the process starts */
        bool again;      /* START */
        Text other;
        int64_t other_epoch;
        Text domains;               /* START */
        Uuid low_water;             /* BEAT: no message of ours older than this is open */
        JournalBatch batch;         /* COMMIT */
        const DeliveredMark *marks; /* BEAT, RELEASE */
        size_t mark_count;
        Text domain;         /* READ_UNSENT */
        int64_t after;       /* READ_UNSENT */
        int32_t limit;       /* READ_UNSENT */
        int64_t limit_bytes; /* READ_UNSENT */
        Uuid message_id;     /* READ_UNSENT */
        bool unsent;         /* RELEASE: answers are left that our server may not have taken */
} StoreRequest;

typedef enum StoreResult {
        STORE_DONE,
        STORE_FENCED,      /* the epoch is no longer ours: nothing was written */
        STORE_UNAVAILABLE, /* not known whether it was written: send the same again when the store is back */
        STORE_FULL,        /* disk full or read-only: nothing was written, later perhaps */
} StoreResult;

typedef struct StoreReport {
        Arena *arena; /* owns everything below; whoever handles the report frees it */
        StoreRequestKind kind;
        uint64_t number;
        StoreResult result;
        Failure failure; /* for the log; result says what to do */
        /* COMMIT: one fate per record of the batch, in order */
        AcceptedFate *accepted;
        RowFate *concluded, *steps;
        /* START */
        int64_t epoch;
        /* TAKE_OVER */
        bool taken;
        /* START, TAKE_OVER: ours to send from and to finish now */
        DeliveredMark *marks;
        size_t mark_count;
        OpenMessage *open; /* in order of acceptance (hub, sequence) */
        size_t open_count;
        /* BEAT */
        Lease *leases;
        size_t lease_count;
        /* READ_UNSENT: with reply_to and sender filled in */
        ConcludedRecord *unsent;
        size_t unsent_count;
        int64_t read_to; /* sequence of the last row looked at, also one of another domain */
        bool more;
} StoreReport;
