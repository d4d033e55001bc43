#include "component/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

/* Shared by who asks and who answers; the later of the two frees it. */
typedef struct Ask {
        pthread_mutex_t lock;
        pthread_cond_t answered;
        bool done, abandoned;
        bool wants_arena;
        Arena *arena; /* the note's, when it is wanted */
        Failure failure;
} Ask;

static Ask *ask_new(void) {
        Ask *ask = memory_new(sizeof(*ask));

        pthread_mutex_init(&ask->lock, NULL);
        clock_condition_init(&ask->answered);
        return ask;
}

static void ask_free(Ask *ask) {
        pthread_cond_destroy(&ask->answered);
        pthread_mutex_destroy(&ask->lock);
        free(ask);
}

static void note_free(Note *note) {
        if (note->arena)
                arena_free(note->arena);
        free(note);
}

bool inbox_ask(Queue *inbox, Note *note, int64_t patience_us, Failure *reterr_failure) {
        return inbox_ask_for(inbox, note, patience_us, NULL, reterr_failure);
}

bool inbox_ask_for(Queue *inbox, Note *note, int64_t patience_us, Arena **ret_arena, Failure *reterr_failure) {
        Ask *ask = ask_new();
        int64_t until = clock_now().monotonic_us + patience_us;
        struct timespec deadline = clock_timespec(until);

        ask->wants_arena = ret_arena != NULL;
        note->ask = ask;
        if (!queue_offer(inbox, &note->item)) { /* nobody will ever take it */
                ask_free(ask);
                note_free(note);
                return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "The hub stops.");
        }
        pthread_mutex_lock(&ask->lock);
        while (!ask->done && pthread_cond_timedwait(&ask->answered, &ask->lock, &deadline) != ETIMEDOUT) {
        }
        bool done = ask->done;
        Failure failure = ask->failure;
        ask->abandoned = !done;
        pthread_mutex_unlock(&ask->lock);
        if (!done)
                return failure_set(reterr_failure, FAILURE_TIMED_OUT, "The hub did not answer in time.");
        Arena *arena = ask->arena;
        ask_free(ask);
        if (failure.kind == FAILURE_NONE) {
                if (ret_arena)
                        *ret_arena = arena;
                return true;
        }
        if (arena)
                arena_free(arena);
        if (reterr_failure)
                *reterr_failure = failure;
        return false;
}

void inbox_put(Queue *inbox, Note *note) {
        queue_put(inbox, &note->item);
}

void inbox_audit(Queue *inbox, const AuditRecord *record) {
        Note *note = memory_new(sizeof(*note));
        Arena *arena = note->arena = arena_new((size_t) 64 * 1024);

        note->kind = NOTE_AUDIT;
        note->event.kind = EVENT_AUDIT;
        note->event.audit = *record;
        note->event.audit.type = text_copy(arena, record->type);
        note->event.audit.severity = text_copy(arena, record->severity);
        note->event.audit.person = text_copy(arena, record->person);
        note->event.audit.facts = text_copy(arena, record->facts);
        inbox_put(inbox, note);
}

void inbox_tell(Queue *inbox, Text who, Text kind, Text text) {
        Note *note = memory_new(sizeof(*note));

        note->kind = NOTE_TELL;
        note->arena = arena_new((size_t) 64 * 1024);
        note->tell.who = text_copy(note->arena, who);
        note->tell.kind = text_copy(note->arena, kind);
        note->tell.text = text_copy(note->arena, text);
        inbox_put(inbox, note);
}

void inbox_answer(Note *note, const Failure *failure) {
        Ask *ask = note->ask;

        if (ask) {
                pthread_mutex_lock(&ask->lock);
                bool abandoned = ask->abandoned;
                ask->done = true;
                if (ask->wants_arena && !abandoned) {
                        ask->arena = note->arena;
                        note->arena = NULL;
                }
                if (failure)
                        ask->failure = *failure;
                pthread_cond_signal(&ask->answered);
                pthread_mutex_unlock(&ask->lock);
                if (abandoned)
                        ask_free(ask);
        }
        note_free(note);
}
