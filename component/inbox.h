/* The inbox of the hub thread: what worker threads, the HTTP thread and the clerk tell it or ask of it. A note is owned
 * by its queue until the hub thread has handled it; an ask is a note whose sender waits for the answer.
 *
 * inbox_put() and inbox_ask() from any thread but the hub's; inbox_answer() from the hub thread.
 */
#pragma once

#include "base/queue.h"
#include "orchestrator/core.h"
#include "orchestrator/operations/snapshot.h"
#include "store/cache/rates.h"

typedef enum NoteKind {
        NOTE_STEP,   /* a running turn waits until a step is durable */
        NOTE_STREAM, /* what there is of an answer */
        NOTE_TURN_ENDED,
        NOTE_WAIT_OVER, /* a turn that waits for a budget may go on */
        NOTE_DIRECTORY, /* changes, to be applied; may be asked */
        NOTE_CANCEL,    /* may be asked */
        NOTE_SNAPSHOT,  /* asked */
        NOTE_COMMAND,   /* a job of the command door is done */
        NOTE_CALL,      /* an operation that a door of the hub thread asked for is done */
        NOTE_REGISTER,  /* the same, of the door of registration */
        NOTE_LIMITS,    /* asked: how much of them is used */
        NOTE_RATES,     /* rates: what other hubs let through, and hold */
        NOTE_SETTINGS,  /* others are in force */
        NOTE_AUDIT,     /* an event to be put into the audit: inbox_audit() */
        NOTE_TELL,      /* a sentence for a person: inbox_tell() */
} NoteKind;

typedef struct Note {
        QueueItem item; /* first */
        NoteKind kind;
        Event event;            /* STEP, TURN_ENDED, WAIT_OVER, DIRECTORY, CANCEL, AUDIT: as the core takes it */
        TurnResult result;      /* TURN_ENDED */
        Arena *arena;           /* what the event points to, when nobody waits; freed with the note */
        Snapshot *snapshot;     /* SNAPSHOT: to be filled in, with the note's arena */
        struct CommandJob *job; /* COMMAND: not freed with the note */
        struct DeskCall *call;  /* CALL, REGISTER: the door's */
        LimitUse *uses;         /* LIMITS: to be filled in, in the note's arena */
        size_t use_count;       /* LIMITS */
        struct {
                RateDelta *deltas; /* in the note's arena */
                size_t count;
                LevelElsewhere *elsewhere; /* all of them, in the note's arena */
                size_t elsewhere_count;
                bool away; /* the hubs cannot tell each other */
        } rates;
        const struct Settings *settings; /* SETTINGS */
        const Plans *plans;              /* SETTINGS */
        struct {
                Text who, kind, text;
        } tell;          /* TELL */
        struct Ask *ask; /* NULL: nobody waits */
} Note;

/* Waits for the hub thread's answer, at most patience_us. FAILURE_TIMED_OUT, FAILURE_UNAVAILABLE when the hub stops (at
 * once, when the inbox was closed), or what the hub answered. The note is given up with the call and what it points to
 * must then live on: it is the note's arena that holds it. */
bool inbox_ask(Queue *inbox, Note *note, int64_t patience_us, Failure *reterr_failure) _must_check_;
/* The same; what the hub thread put into the note's arena comes back with it. */
bool inbox_ask_for(Queue *inbox, Note *note, int64_t patience_us, Arena **ret_arena,
                   Failure *reterr_failure) _must_check_;
void inbox_put(Queue *inbox, Note *note);
/* An event of governance/events.h for the chain of its tenant, with the hub's next commit. The record is copied;
 * severity empty = its type's, at_us 0 = now. Never waits: what the hub cannot take any more it counts. */
void inbox_audit(Queue *inbox, const AuditRecord *record);
/* A sentence for a person (bare JID) in chat, from the hub's own address: once a minute of each kind to each person,
 * with an empty kind every time. Lost when it cannot be sent now. */
void inbox_tell(Queue *inbox, Text who, Text kind, Text text);
/* Frees the note. failure NULL or of kind NONE: done. */
void inbox_answer(Note *note, const Failure *failure);
