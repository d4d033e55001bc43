#include "component/inbox.h"
#include "tests/unit/unit.h"

#include <pthread.h>

#define PATIENCE_US (20 * SECONDS)

static Note *note_new(void) {
        Note *note = memory_new(sizeof(*note));

        note->kind = NOTE_CANCEL;
        note->arena = arena_new(0);
        return note;
}

static void *answer_one(void *inbox) {
        Failure failure;
        Note *note = (Note *) queue_take(inbox, PATIENCE_US);

        failure_set(&failure, FAILURE_NOT_FOUND, "No such message.");
        if (note)
                inbox_answer(note, note->kind == NOTE_CANCEL ? &failure : NULL);
        return NULL;
}

START_TEST(who_asks_gets_the_hub_threads_answer) {
        _cleanup_(queue_freep) Queue *inbox = queue_new(true);
        _cleanup_(arena_freep) Arena *arena = NULL;
        Failure failure;
        pthread_t thread;

        ck_assert_int_eq(pthread_create(&thread, NULL, answer_one, inbox), 0);
        ck_assert(!inbox_ask(inbox, note_new(), PATIENCE_US, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_NOT_FOUND);
        pthread_join(thread, NULL);

        Note *note = note_new();
        note->kind = NOTE_SNAPSHOT;
        ck_assert_int_eq(pthread_create(&thread, NULL, answer_one, inbox), 0);
        ck_assert_done(inbox_ask_for(inbox, note, PATIENCE_US, &arena, &failure), failure);
        ck_assert_ptr_nonnull(arena);
        pthread_join(thread, NULL);
}
END_TEST

START_TEST(who_asks_in_vain_hears_of_it_and_the_late_answer_goes_nowhere) {
        _cleanup_(queue_freep) Queue *inbox = queue_new(true);
        Failure failure;

        ck_assert(!inbox_ask(inbox, note_new(), 1, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TIMED_OUT);
        answer_one(inbox);
}
END_TEST

START_TEST(who_asks_a_closed_inbox_is_told_at_once) {
        _cleanup_(queue_freep) Queue *inbox = queue_new(true);
        Failure failure;

        queue_close(inbox);
        ck_assert(!inbox_ask(inbox, note_new(), INT64_MAX / 2, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        ck_assert_uint_eq(queue_length(inbox), 0);
}
END_TEST

UNIT_TESTS("component/inbox", who_asks_gets_the_hub_threads_answer,
           who_asks_in_vain_hears_of_it_and_the_late_answer_goes_nowhere, who_asks_a_closed_inbox_is_told_at_once)
