#include "tests/unit/orchestrator/rig.h"

#include <stdio.h>

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig_start(rig);
}

static void link_event(Rig *rig, EventKind kind, bool closed_by_us) {
        rig_step(rig, (Event){ .kind = kind, .link = { .domain = TEXT(RIG_DOMAIN), .closed_by_us = closed_by_us } });
}

static void pong(Rig *rig, uint64_t ticket) {
        rig_step(rig, (Event){ .kind = EVENT_PONG, .link = { .domain = TEXT(RIG_DOMAIN), .ticket = ticket } });
}

/* The ping of the last step: its ticket. */
static uint64_t ping(const Rig *rig) {
        const Command *command = rig_command(rig, COMMAND_PING, 0);

        ck_assert_ptr_nonnull(command);
        ck_assert_text(command->ping.domain, TEXT(RIG_DOMAIN));
        return command->ping.ticket;
}

typedef struct Concluded {
        Uuid id;
        int64_t sequence;
} Concluded;

/* A message, and its answer, committed. The step of that commit is the last. */
static Concluded exchange(Rig *rig, const char *body) {
        rig_accept(rig, (Said){ .body = body, .thread = body });
        rig_answer(rig, rig_turn(rig, body), body);
        while (!rig->request->batch.concluded_count)
                rig_store(rig, STORE_DONE);
        Concluded concluded = { rig->request->batch.concluded[0].id, rig->request->batch.concluded[0].sequence };
        rig_store(rig, STORE_DONE);
        return concluded;
}

/* Lets a heartbeat out and gives the mark that it writes. */
static int64_t beat_mark(Rig *rig) {
        for (rig_pass(rig, SECONDS); !rig->request || rig->request->kind != STORE_BEAT;)
                rig_store(rig, STORE_DONE);
        ck_assert_uint_eq(rig->request->mark_count, 1);
        ck_assert_text(rig->request->marks[0].hub, TEXT(RIG_HUB));
        ck_assert_text(rig->request->marks[0].domain, TEXT(RIG_DOMAIN));
        return rig->request->marks[0].sequence;
}

/* As many heartbeats as it takes until a confirmation counts as old, with its pings answered. */
static void minute(Rig *rig) {
        for (int i = 0; i < 70; i++) {
                rig_pass(rig, SECONDS);
                const Command *command = rig_command(rig, COMMAND_PING, 0);
                uint64_t ticket = command ? command->ping.ticket : 0;
                rig_settle(rig);
                if (ticket)
                        pong(rig, ticket);
        }
}

START_TEST(pong_confirms_what_went_out_before_its_ping) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        exchange(&rig, "one");
        uint64_t ticket = ping(&rig);
        Concluded two = exchange(&rig, "two");
        ck_assert_uint_eq(rig_count(&rig, COMMAND_PING), 0); /* one at a time */
        pong(&rig, ticket);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_PING), 0); /* and not at once */
        link_event(&rig, EVENT_LINK_DOWN, true);
        link_event(&rig, EVENT_LINK_UP, false);
        ck_assert_int_eq(rig.request->kind, STORE_READ_UNSENT);
        ck_assert_text(rig.request->other, TEXT(RIG_HUB));
        ck_assert_text(rig.request->domain, TEXT(RIG_DOMAIN));
        ck_assert_int_lt(rig.request->after, two.sequence);
        ck_assert_int_gt(rig.request->after, two.sequence - 3);
        rig_settle(&rig);
}
END_TEST

START_TEST(pong_of_another_ping_confirms_nothing) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded one = exchange(&rig, "one");
        uint64_t ticket = ping(&rig);
        pong(&rig, ticket + 1);
        link_event(&rig, EVENT_LINK_DOWN, true);
        link_event(&rig, EVENT_LINK_UP, false);
        ck_assert_int_lt(rig.request->after, one.sequence);
        rig_settle(&rig);
        pong(&rig, ticket); /* of the stream before */
        rig_step(&rig, (Event){ .kind = EVENT_PONG, .link = { .domain = TEXT("elsewhere.example"), .ticket = 1 } });
        link_event(&rig, EVENT_LINK_DOWN, true);
        link_event(&rig, EVENT_LINK_UP, false);
        ck_assert_int_lt(rig.request->after, one.sequence);
}
END_TEST

START_TEST(broken_stream_is_read_again_from_what_was_confirmed_a_minute_ago) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded old = exchange(&rig, "old");
        pong(&rig, ping(&rig));
        minute(&rig);
        Concluded young = exchange(&rig, "young");
        pong(&rig, ping(&rig));
        link_event(&rig, EVENT_LINK_DOWN, false);
        link_event(&rig, EVENT_LINK_UP, false);
        ck_assert_int_ge(rig.request->after, old.sequence);
        ck_assert_int_lt(rig.request->after, young.sequence);
}
END_TEST

/* A report of one answer of ours, that is perhaps not the last. */
static void give_unsent(Rig *rig, const Concluded *concluded, size_t count, bool more) {
        StoreReport *report = rig_report(rig);

        ck_assert_int_eq(rig->request->kind, STORE_READ_UNSENT);
        report->unsent = arena_take_array(report->arena, ConcludedRecord, count);
        report->unsent_count = count;
        for (size_t i = 0; i < count; i++) {
                report->unsent[i] = (ConcludedRecord){ .id = concluded[i].id,
                                                       .sequence = concluded[i].sequence,
                                                       .tenant_id = rig_installation,
                                                       .agent_id = rig_guide,
                                                       .outcome = OUTCOME_SUCCESS,
                                                       .answer = TEXT("again"),
                                                       .sender = TEXT("eve@example.org"),
                                                       .reply_to = { .agent = TEXT("guide@" RIG_DOMAIN),
                                                                     .address = TEXT("eve@example.org/phone") } };
                report->read_to = concluded[i].sequence;
        }
        report->more = more;
        rig_give(rig, report);
}

START_TEST(what_is_read_again_goes_out_under_its_id_a_page_at_a_time) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded sent[3] = { exchange(&rig, "one"), exchange(&rig, "two"), exchange(&rig, "three") };
        link_event(&rig, EVENT_LINK_DOWN, false);
        link_event(&rig, EVENT_LINK_UP, false);
        ck_assert_int_eq(rig.request->limit, 200);
        ck_assert_int_eq(rig.request->limit_bytes, 4 << 20);
        give_unsent(&rig, sent, 2, true);
        for (size_t i = 0; i < 2; i++) {
                ck_assert(uuid_equal(rig_command(&rig, COMMAND_ANSWER, i)->answer.message_id, sent[i].id));
                ck_assert(rig_command(&rig, COMMAND_ANSWER, i)->answer.again);
        }
        ck_assert_ptr_null(rig.request); /* the page is confirmed first */
        pong(&rig, ping(&rig));
        ck_assert_int_eq(rig.request->after, sent[1].sequence);
        give_unsent(&rig, &sent[2], 1, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
        pong(&rig, ping(&rig));
        ck_assert_ptr_null(rig.request);
}
END_TEST

START_TEST(domain_that_no_mark_names_is_new_and_has_no_past) {
        const int64_t epoch = 12;
        const struct {
                DeliveredMark mark;
                int64_t after;
        } cases[] = {
                { { TEXT(RIG_HUB), TEXT("other.example"), 77 }, epoch << 40 },
                { { TEXT(RIG_HUB), TEXT(RIG_DOMAIN), 77 }, 77 },
                /* What this hub concluded of another's estate there is still to be read. */
                { { TEXT("two"), TEXT(RIG_DOMAIN), 77 }, 0 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                rig_prepare(&rig);
                rig_create(&rig);
                rig_step(&rig, (Event){ .kind = EVENT_START });
                StoreReport *report = rig_report(&rig);
                report->epoch = epoch;
                report->marks = arena_take(report->arena, sizeof(*report->marks));
                *report->marks = cases[i].mark;
                report->mark_count = 1;
                rig_give(&rig, report);
                rig_settle(&rig);
                link_event(&rig, EVENT_LINK_UP, false);
                while (!text_equal(rig.request->other, TEXT(RIG_HUB)))
                        rig_store(&rig, STORE_DONE);
                ck_assert_int_eq(rig.request->kind, STORE_READ_UNSENT);
                ck_assert_int_eq(rig.request->after, cases[i].after);
        }
}
END_TEST

START_TEST(what_the_client_receipted_is_left_out) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded sent[2] = { exchange(&rig, "one"), exchange(&rig, "two") };
        for (int i = 0; i < 2; i++) /* twice does no harm */
                rig_step(&rig, (Event){ .kind = EVENT_RECEIVED, .answer = { .message_id = sent[0].id } });
        link_event(&rig, EVENT_LINK_DOWN, false);
        link_event(&rig, EVENT_LINK_UP, false);
        give_unsent(&rig, sent, 2, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
        ck_assert(uuid_equal(rig_command(&rig, COMMAND_ANSWER, 0)->answer.message_id, sent[1].id));
}
END_TEST

START_TEST(receipts_are_remembered_up_to_a_bound) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded sent[2] = { exchange(&rig, "one"), exchange(&rig, "two") };
        rig_step(&rig, (Event){ .kind = EVENT_RECEIVED, .answer = { .message_id = sent[0].id } });
        for (uint32_t i = 1; i < 65536 + 10; i++) {
                Uuid id = { { 0 } };
                memcpy(id.bytes, &i, sizeof(i));
                rig_step(&rig, (Event){ .kind = EVENT_RECEIVED, .answer = { .message_id = id } });
        }
        rig_step(&rig, (Event){ .kind = EVENT_RECEIVED, .answer = { .message_id = sent[1].id } });
        link_event(&rig, EVENT_LINK_DOWN, false);
        link_event(&rig, EVENT_LINK_UP, false);
        give_unsent(&rig, sent, 2, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
        ck_assert(uuid_equal(rig_command(&rig, COMMAND_ANSWER, 0)->answer.message_id, sent[0].id));
}
END_TEST

START_TEST(while_the_link_is_down_answers_are_left_to_the_store) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        link_event(&rig, EVENT_LINK_DOWN, false);
        exchange(&rig, "one");
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
        ck_assert_ptr_null(rig.request);
        link_event(&rig, EVENT_LINK_UP, false);
        ck_assert_int_eq(rig.request->kind, STORE_READ_UNSENT);
        /* What is concluded before that was read comes with a later page, not now. */
        rig_settle(&rig);
        Concluded two = exchange(&rig, "two");
        ck_assert(uuid_equal(rig_command(&rig, COMMAND_ANSWER, 0)->answer.message_id, two.id));
}
END_TEST

START_TEST(reading_and_committing_take_turns) {
        _cleanup_(rig_release) Rig rig;
        const StoreRequestKind expected[] = { STORE_COMMIT, STORE_READ_UNSENT, STORE_COMMIT };

        setup(&rig);
        link_event(&rig, EVENT_LINK_DOWN, false);
        link_event(&rig, EVENT_LINK_UP, false);
        for (size_t i = 0; i < COUNT_OF(expected); i++) {
                rig_say(&rig, (Said){ .body = "x" });
                give_unsent(&rig, NULL, 0, true);
                ck_assert_int_eq(rig.request->kind, expected[0]);
                rig_store(&rig, STORE_DONE);
                ck_assert_int_eq(rig.request->kind, expected[1]);
        }
}
END_TEST

/* A read that fails is no reason not to commit. */
START_TEST(reading_that_fails_does_not_hold_up_commits) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        link_event(&rig, EVENT_LINK_DOWN, false);
        link_event(&rig, EVENT_LINK_UP, false);
        ck_assert_int_eq(rig.request->kind, STORE_READ_UNSENT);
        rig_say(&rig, (Said){ .body = "x" });
        rig_store(&rig, STORE_UNAVAILABLE);
        ck_assert_ptr_null(rig.request);
        while (!rig.request)
                rig_wake(&rig);
        ck_assert_int_eq(rig.request->kind, STORE_COMMIT);
        /* Whether this one was written is known, whatever became of the read. */
        rig_store(&rig, STORE_FULL);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_REFUSE), 1);
        while (rig.request->kind != STORE_READ_UNSENT)
                rig_store(&rig, STORE_DONE);
        rig_settle(&rig);
}
END_TEST

START_TEST(page_that_comes_when_the_stream_broke_again_is_thrown_away) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded one = exchange(&rig, "one");
        link_event(&rig, EVENT_LINK_DOWN, false);
        link_event(&rig, EVENT_LINK_UP, false);
        link_event(&rig, EVENT_LINK_DOWN, false);
        give_unsent(&rig, &one, 1, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
        link_event(&rig, EVENT_LINK_UP, false);
        give_unsent(&rig, &one, 1, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
}
END_TEST

START_TEST(link_that_takes_nothing_more_is_fed_from_the_store) {
        _cleanup_(rig_release) Rig rig;

        rig_prepare(&rig);
        rig.settings.waiting_bytes = 2000;
        rig_start(&rig);
        uint64_t ticket = 0;
        for (int i = 0; i < 12; i++) {
                exchange(&rig, "x");
                if (rig_count(&rig, COMMAND_PING))
                        ticket = ping(&rig);
        }
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
        ck_assert_ptr_null(rig.request);
        for (int i = 0; i < 3 && !rig.request; i++) {
                pong(&rig, ticket);
                if (rig_count(&rig, COMMAND_PING))
                        ticket = ping(&rig);
        }
        ck_assert_int_eq(rig.request->kind, STORE_READ_UNSENT);
}
END_TEST

START_TEST(link_in_arrears_is_pinged_without_a_pause) {
        _cleanup_(rig_release) Rig rig;

        rig_prepare(&rig);
        rig.settings.waiting_bytes = 2000;
        rig_start(&rig);
        exchange(&rig, "one");
        uint64_t ticket = ping(&rig);
        exchange(&rig, "two");
        exchange(&rig, "three");
        pong(&rig, ticket);
        ping(&rig);
}
END_TEST

/* Takes the dead hub over: its mark, and nothing open. */
static void take_over(Rig *rig, const char *hub, int64_t mark) {
        for (int i = 0; i < 30; i++) {
                rig_pass(rig, SECONDS);
                while (rig->request && rig->request->kind != STORE_TAKE_OVER) {
                        StoreReport *report = rig_report(rig);
                        if (report->kind == STORE_BEAT) {
                                report->leases = arena_take_array(report->arena, Lease, 1);
                                report->lease_count = 1;
                                report->leases[0] = (Lease){ text_of(hub), 4, 17, TEXT(RIG_DOMAIN), false, false };
                        }
                        rig_give(rig, report);
                }
                if (!rig->request)
                        continue;
                StoreReport *report = rig_report(rig);
                report->marks = arena_take_array(report->arena, DeliveredMark, 1);
                report->marks[0] = (DeliveredMark){ text_of(hub), TEXT(RIG_DOMAIN), mark };
                report->mark_count = 1;
                rig_give(rig, report);
                return;
        }
        ck_abort_msg("nobody was taken over");
}

START_TEST(answers_of_a_hub_taken_over_are_read_while_own_ones_flow) {
        _cleanup_(rig_release) Rig rig;
        Concluded theirs = { { { 8 } }, (INT64_C(4) << 40) + 7 };
        bool read = false;

        setup(&rig);
        take_over(&rig, "two", theirs.sequence - 1);
        /* An answer of our own is always on its way. */
        uint64_t ticket = 0;
        for (int i = 0; i < 20; i++) {
                bool theirs_now = rig.request && rig.request->kind == STORE_READ_UNSENT &&
                                  text_equal(rig.request->other, TEXT("two"));
                if (theirs_now) {
                        ck_assert_int_eq(rig.request->after, theirs.sequence - 1);
                        give_unsent(&rig, &theirs, 1, false);
                        ck_assert(uuid_equal(rig_command(&rig, COMMAND_ANSWER, 0)->answer.message_id, theirs.id));
                        read = true;
                        break;
                }
                if (rig.request) {
                        rig_store(&rig, STORE_DONE);
                } else {
                        rig_say(&rig, (Said){ .body = "x", .thread = "t" });
                }
                while (rig.turn_count)
                        rig_answer(&rig, &rig.turns[0], "y");
                if (rig_count(&rig, COMMAND_PING))
                        ticket = ping(&rig);
                if (i % 4 == 3 && ticket)
                        pong(&rig, ticket);
        }
        ck_assert(read);
}
END_TEST

/* The request for what `hub` concluded, once whatever is asked before it has an answer. */
static int64_t read_after(Rig *rig, const char *hub) {
        for (int i = 0; i < 20; i++) {
                ck_assert_ptr_nonnull(rig->request);
                if (rig->request->kind == STORE_READ_UNSENT && text_equal(rig->request->other, text_of(hub)))
                        return rig->request->after;
                rig_store(rig, STORE_DONE);
        }
        ck_abort_msg("nothing is read");
}

START_TEST(mark_that_comes_with_another_estate_of_the_same_hub_is_where_sending_starts_again) {
        _cleanup_(rig_release) Rig rig;
        Concluded theirs = { { { 8 } }, (INT64_C(4) << 40) + 7 };

        setup(&rig);
        take_over(&rig, "two", theirs.sequence - 1);
        ck_assert_int_eq(read_after(&rig, "two"), theirs.sequence - 1);
        give_unsent(&rig, &theirs, 1, false);
        uint64_t ticket = ping(&rig);
        take_over(&rig, "two", theirs.sequence - 3);
        ck_assert_int_eq(read_after(&rig, "two"), theirs.sequence - 3); /* without waiting for that pong */
        pong(&rig, ticket);
        link_event(&rig, EVENT_LINK_DOWN, true);
        link_event(&rig, EVENT_LINK_UP, false);
        rig_store(&rig, STORE_DONE);                                    /* what was asked for the stream before */
        ck_assert_int_eq(read_after(&rig, "two"), theirs.sequence - 3); /* and it says nothing about them */
}
END_TEST

START_TEST(mark_lags_a_minute_behind_what_is_confirmed) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded one = exchange(&rig, "one");
        pong(&rig, ping(&rig));
        ck_assert_int_lt(beat_mark(&rig), one.sequence);
        rig_settle(&rig);
        minute(&rig);
        ck_assert_int_ge(beat_mark(&rig), one.sequence);
}
END_TEST

/* The mark of a domain where nothing happens keeps up, so that nobody reads a month of the others' answers. */
START_TEST(mark_of_a_quiet_domain_keeps_up) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        for (int i = 0; i < 5; i++) {
                rig_accept(&rig, (Said){ .body = "x", .door = DOOR_REST });
                rig_answer(&rig, rig_turn(&rig, "x"), "y");
                rig_settle(&rig);
                ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
        }
        int64_t last = (INT64_C(1) << 40) + 10;
        minute(&rig);
        ck_assert_int_eq(beat_mark(&rig), last);
        rig_settle(&rig);
        link_event(&rig, EVENT_LINK_DOWN, false);
        link_event(&rig, EVENT_LINK_UP, false);
        ck_assert_int_eq(rig.request->after, last);
}
END_TEST

static void bounce(Rig *rig, Uuid id, bool retry) {
        rig_step(rig, (Event){ .kind = EVENT_BOUNCED, .answer = { .message_id = id, .retry = retry } });
}

/* Time goes by until the store is asked for this answer; how long it took. */
static int64_t wait_for_read(Rig *rig, Uuid id) {
        int64_t began_us = rig->now.monotonic_us;

        for (int i = 0; i < 200; i++) {
                if (rig->request && rig->request->kind == STORE_READ_UNSENT) {
                        ck_assert(uuid_equal(rig->request->message_id, id));
                        return rig->now.monotonic_us - began_us;
                }
                if (rig->request)
                        rig_store(rig, STORE_DONE);
                else
                        rig_wake(rig);
        }
        ck_abort_msg("nobody asks for the answer");
}

static size_t audits(Rig *rig, const char *type) {
        size_t count = 0;

        for (int i = 0; i < 3; i++) {
                for (size_t k = 0; rig->request && k < rig->request->batch.audit_count; k++)
                        count += text_equal(rig->request->batch.audit[k].type, text_of(type));
                if (rig->request)
                        rig_store(rig, STORE_DONE);
        }
        return count;
}

START_TEST(answer_that_bounces_is_tried_three_times_and_then_recorded) {
        _cleanup_(rig_release) Rig rig;
        const int64_t pauses[] = { 10 * SECONDS, 20 * SECONDS, 40 * SECONDS };

        setup(&rig);
        Concluded one = exchange(&rig, "one");
        pong(&rig, ping(&rig));
        for (size_t i = 0; i < COUNT_OF(pauses); i++) {
                bounce(&rig, one.id, true);
                bounce(&rig, one.id, true); /* its second part */
                int64_t waited = wait_for_read(&rig, one.id);
                ck_assert_int_ge(waited, pauses[i] - SECONDS);
                ck_assert_int_le(waited, pauses[i] + SECONDS);
                give_unsent(&rig, &one, 1, false);
                ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
                ck_assert(rig_command(&rig, COMMAND_ANSWER, 0)->answer.again);
        }
        bounce(&rig, one.id, true);
        wait_for_read(&rig, one.id);
        give_unsent(&rig, &one, 1, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
        ck_assert(uuid_equal(rig.request->batch.audit[0].tenant_id, rig_installation));
        ck_assert(uuid_equal(rig.request->batch.audit[0].message_id, one.id));
        ck_assert_uint_eq(audits(&rig, "message.undeliverable"), 1);
}
END_TEST

START_TEST(answer_that_bounces_for_good_is_recorded_at_once) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded one = exchange(&rig, "one");
        pong(&rig, ping(&rig));
        bounce(&rig, one.id, false);
        ck_assert_int_lt(wait_for_read(&rig, one.id), SECONDS);
        give_unsent(&rig, &one, 1, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
        ck_assert_uint_eq(audits(&rig, "message.undeliverable"), 1);
}
END_TEST

START_TEST(bounce_of_what_was_never_sent_leaves_nothing) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        for (int i = 0; i < 2; i++) {
                Uuid id = { { 77, (uint8_t) i } };
                bounce(&rig, id, i);
                wait_for_read(&rig, id);
                give_unsent(&rig, NULL, 0, false);
                ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
                ck_assert_uint_eq(audits(&rig, "message.undeliverable"), 0);
        }
}
END_TEST

START_TEST(bounce_waits_for_the_link_and_for_the_store) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Concluded one = exchange(&rig, "one");
        pong(&rig, ping(&rig));
        bounce(&rig, one.id, true);
        wait_for_read(&rig, one.id);
        rig_store(&rig, STORE_UNAVAILABLE);
        wait_for_read(&rig, one.id);
        link_event(&rig, EVENT_LINK_DOWN, true);
        give_unsent(&rig, &one, 1, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
        wait_for_read(&rig, one.id);
        rig_step(&rig, (Event){ .kind = EVENT_RECEIVED, .answer = { .message_id = one.id } });
        give_unsent(&rig, &one, 1, false);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
        rig_pass(&rig, 3600 * SECONDS);
        ck_assert_int_ne(rig.request->kind, STORE_READ_UNSENT);
}
END_TEST

/* Anybody can send errors that name ids: neither memory nor time goes to them without bound, and real ones still count.
 */
START_TEST(flood_of_bounces_is_forgotten) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        for (uint32_t i = 1; i < 100000; i++) {
                Uuid id = { { 0 } };
                memcpy(id.bytes, &i, sizeof(i));
                bounce(&rig, id, true);
        }
        rig_settle(&rig);
        for (int i = 0; i < 20; i++) {
                rig_pass(&rig, SECONDS);
                while (rig.request)
                        rig_store(&rig, STORE_DONE);
        }
        Concluded one = exchange(&rig, "one");
        bounce(&rig, one.id, true);
        wait_for_read(&rig, one.id);
}
END_TEST

UNIT_TESTS("orchestrator/core_delivery", pong_confirms_what_went_out_before_its_ping,
           pong_of_another_ping_confirms_nothing, broken_stream_is_read_again_from_what_was_confirmed_a_minute_ago,
           what_is_read_again_goes_out_under_its_id_a_page_at_a_time, domain_that_no_mark_names_is_new_and_has_no_past,
           what_the_client_receipted_is_left_out, receipts_are_remembered_up_to_a_bound,
           while_the_link_is_down_answers_are_left_to_the_store, reading_and_committing_take_turns,
           reading_that_fails_does_not_hold_up_commits, page_that_comes_when_the_stream_broke_again_is_thrown_away,
           link_that_takes_nothing_more_is_fed_from_the_store, link_in_arrears_is_pinged_without_a_pause,
           answers_of_a_hub_taken_over_are_read_while_own_ones_flow,
           mark_that_comes_with_another_estate_of_the_same_hub_is_where_sending_starts_again,
           mark_lags_a_minute_behind_what_is_confirmed, mark_of_a_quiet_domain_keeps_up,
           answer_that_bounces_is_tried_three_times_and_then_recorded, answer_that_bounces_for_good_is_recorded_at_once,
           bounce_of_what_was_never_sent_leaves_nothing, bounce_waits_for_the_link_and_for_the_store,
           flood_of_bounces_is_forgotten)
