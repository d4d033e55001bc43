/* What a sender's client wants to see, and what it is told of. */
#include "tests/unit/orchestrator/rig.h"

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig->settings.workers = 4;
        rig_start(rig);
}

START_TEST(a_turn_that_starts_says_who_wants_to_see_it) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "seen", .id = "m1", .states = true, .markable = true });
        rig_say(&rig, (Said){ .body = "unseen", .thread = "t" });
        const Command *started = NULL;
        while (rig.request && !started) {
                rig_store(&rig, STORE_DONE);
                started = rig_command(&rig, COMMAND_TURN, 0);
        }
        ck_assert_ptr_nonnull(started);
        ck_assert(!started->turn.reply_to.states && !started->turn.reply_to.markable);
        rig_settle(&rig);
        rig_say(&rig, (Said){ .body = "again", .id = "m2", .thread = "u", .states = true, .markable = true });
        for (started = NULL; rig.request && !started;) {
                rig_store(&rig, STORE_DONE);
                started = rig_command(&rig, COMMAND_TURN, 0);
        }
        ck_assert_ptr_nonnull(started);
        ck_assert(started->turn.reply_to.states && started->turn.reply_to.markable);
        ck_assert_text(started->turn.reply_to.stanza_id, TEXT("m2"));
        ck_assert_text(started->turn.reply_to.address, TEXT("eve@example.org/phone"));
}
END_TEST

/* The next answer to be sent. */
static const Command *answer_of(Rig *rig, const char *body) {
        const Command *answer = NULL;

        rig_answer(rig, rig_turn(rig, body), "done");
        while (rig->request && !answer) {
                rig_store(rig, STORE_DONE);
                answer = rig_command(rig, COMMAND_ANSWER, 0);
        }
        ck_assert_ptr_nonnull(answer);
        return answer;
}

START_TEST(an_answer_names_its_message_while_others_wait) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "one", .id = "m1" });
        rig_accept(&rig, (Said){ .body = "two", .id = "m2", .origin = "o2" });
        rig_accept(&rig, (Said){ .body = "three", .id = "m3" });
        ck_assert_text(answer_of(&rig, "one")->answer.reply_to.quoted_id, TEXT("m1"));
        rig_settle(&rig);
        ck_assert_text(answer_of(&rig, "two")->answer.reply_to.quoted_id, TEXT("o2"));
        rig_settle(&rig);
        ck_assert_text(answer_of(&rig, "three")->answer.reply_to.quoted_id, TEXT_NONE);
}
END_TEST

START_TEST(an_answer_to_a_reply_is_a_reply) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "one", .id = "m1", .quotes = true });
        ck_assert_text(answer_of(&rig, "one")->answer.reply_to.quoted_id, TEXT("m1"));
        rig_settle(&rig);
        rig_accept(&rig, (Said){ .body = "two", .anonymous = true, .quotes = true });
        ck_assert_text(answer_of(&rig, "two")->answer.reply_to.quoted_id, TEXT_NONE);
}
END_TEST

static FailureKind refusal_of(Rig *rig, Said said) {
        rig_say(rig, said);
        const Command *refused = rig_command(rig, COMMAND_REFUSE, 0);
        FailureKind kind = refused ? refused->arrival.failure.kind : FAILURE_NONE;
        rig_settle(rig);
        return kind;
}

/* Whom nobody would tell that there is an agent is not told that it reads no encrypted messages. */
START_TEST(what_is_encrypted_is_refused_like_that_to_those_alone_who_may_talk) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        ck_assert_int_eq(refusal_of(&rig, (Said){ .body = "", .encrypted = true }), FAILURE_UNSUPPORTED);
        ck_assert_int_eq(refusal_of(&rig, (Said){ .body = "", .encrypted = true, .agent = "secret.acme" }),
                         FAILURE_NOT_FOUND);
        ck_assert_int_eq(refusal_of(&rig, (Said){ .body = "", .encrypted = true, .agent = "nobody.acme" }),
                         FAILURE_NOT_FOUND);
        ck_assert_int_eq(core_counts(rig.core).accepted, 0);
}
END_TEST

static void retract(Rig *rig, const char *id) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Event event = { .kind = EVENT_RETRACTED, .retraction = { .agent = TEXT("guide"), .id = text_of(id) } };
        Failure failure;

        ck_assert_done(jid_parse(arena, TEXT("eve@example.org/phone"), &event.retraction.from, &failure), failure);
        rig_step(rig, event);
}

/* Steps until a command of that kind comes, or nothing is asked of the store any more. */
static const Command *awaited(Rig *rig, CommandKind kind) {
        const Command *command = rig_command(rig, kind, 0);

        while (rig->request && !command) {
                rig_store(rig, STORE_DONE);
                command = rig_command(rig, kind, 0);
        }
        return command;
}

START_TEST(who_takes_back_what_is_being_answered_sees_nobody_writing_any_more) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "runs", .id = "m1", .states = true });
        rig_accept(&rig, (Said){ .body = "waits", .id = "m2", .states = true });
        retract(&rig, "m2");
        ck_assert_ptr_null(awaited(&rig, COMMAND_SILENCE)); /* nothing was shown of it */
        retract(&rig, "m1");
        rig_settle(&rig);
        rig_end_with(&rig, rig_turn(&rig, "runs"), (TurnResult){ .outcome = OUTCOME_CANCELLED });
        const Command *silence = awaited(&rig, COMMAND_SILENCE);
        ck_assert_ptr_nonnull(silence);
        ck_assert(silence->arrival.reply_to.states);
        ck_assert_text(silence->arrival.reply_to.stanza_id, TEXT("m1"));
        ck_assert_ptr_null(rig_command(&rig, COMMAND_ANSWER, 0));
}
END_TEST

UNIT_TESTS("orchestrator/core_manners", a_turn_that_starts_says_who_wants_to_see_it,
           an_answer_names_its_message_while_others_wait, an_answer_to_a_reply_is_a_reply,
           what_is_encrypted_is_refused_like_that_to_those_alone_who_may_talk,
           who_takes_back_what_is_being_answered_sees_nobody_writing_any_more)
