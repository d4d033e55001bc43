#include "tests/unit/orchestrator/rig.h"

#include <stdio.h>

static void setup(Rig *rig) {
        rig_prepare(rig);
        rig->settings.workers = 2;
        rig_start(rig);
}

static Failure exit_failure(const Rig *rig) {
        const Command *command = rig_command(rig, COMMAND_EXIT, 0);

        ck_assert_ptr_nonnull(command);
        return command->note.failure;
}

static void drain(Rig *rig) {
        rig_step(rig, (Event){ .kind = EVENT_DRAIN });
}

/* The store is asked for this next, heartbeats aside. */
static void expect_request(Rig *rig, StoreRequestKind kind) {
        while (rig->request && rig->request->kind == STORE_BEAT)
                rig_store(rig, STORE_DONE);
        ck_assert_ptr_nonnull(rig->request);
        ck_assert_int_eq(rig->request->kind, kind);
}

START_TEST(hub_that_starts_takes_nothing_before_it_leads) {
        _cleanup_(rig_release) Rig rig;

        rig_prepare(&rig);
        rig_create(&rig);
        rig_say(&rig, (Said){ .body = "early" });
        ck_assert_int_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.failure.kind, FAILURE_LIMIT);
        ck_assert_ptr_null(rig.request);
        rig_step(&rig, (Event){ .kind = EVENT_START });
        ck_assert_int_eq(rig.request->kind, STORE_START);
        ck_assert(!rig.request->again);
        ck_assert_text(rig.request->domains, TEXT(RIG_DOMAIN));
        rig_say(&rig, (Said){ .body = "early" });
        ck_assert_uint_eq(rig_count(&rig, COMMAND_REFUSE), 1);
        StoreReport *report = rig_report(&rig);
        report->epoch = 12;
        rig_give(&rig, report);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_OPEN_LINKS), 1);
        ck_assert_int_eq(core_counts(rig.core).epoch, 12);
}
END_TEST

START_TEST(start_waits_for_the_store) {
        _cleanup_(rig_release) Rig rig;
        const StoreResult results[] = { STORE_UNAVAILABLE, STORE_FULL, STORE_UNAVAILABLE };

        rig_prepare(&rig);
        rig_create(&rig);
        rig_step(&rig, (Event){ .kind = EVENT_START });
        for (size_t i = 0; i < COUNT_OF(results); i++) {
                rig_store(&rig, results[i]);
                ck_assert_uint_eq(rig_count(&rig, COMMAND_EXIT), 0);
                while (!rig.request)
                        rig_wake(&rig);
                ck_assert_int_eq(rig.request->kind, STORE_START);
        }
        rig_store(&rig, STORE_DONE);
        ck_assert(core_counts(rig.core).leading);
}
END_TEST

START_TEST(older_of_two_processes_of_one_name_exits) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_pass(&rig, SECONDS);
        rig_store(&rig, STORE_FENCED);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_CLOSE_LINKS), 1);
        ck_assert_int_eq(rig.request->kind, STORE_START);
        ck_assert(rig.request->again);
        rig_store(&rig, STORE_FENCED);
        ck_assert_int_eq(exit_failure(&rig).kind, FAILURE_CONFLICT);
        rig_pass(&rig, 10 * SECONDS);
        ck_assert_ptr_null(rig.request);
}
END_TEST

/* One message in every state there is, over two workers. */
typedef struct Cast {
        Uuid running, stepping, waiting, concluding, committing;
} Cast;

static Uuid accept_id(Rig *rig, Said said) {
        rig_say(rig, said);
        Uuid id = rig->request->batch.accepted[0].id;
        rig_settle(rig);
        return id;
}

static Cast every_state(Rig *rig) {
        Cast cast;

        cast.concluding = accept_id(rig, (Said){ .body = "concluding", .thread = "a" });
        cast.stepping = accept_id(rig, (Said){ .body = "stepping", .thread = "b" });
        cast.waiting = accept_id(rig, (Said){ .body = "waiting", .thread = "b" });
        cast.running = accept_id(rig, (Said){ .body = "running", .thread = "c" });
        rig_say(rig, (Said){ .body = "committing", .thread = "d" });
        cast.committing = rig->request->batch.accepted[0].id;
        rig_say(rig, (Said){ .body = "arriving", .thread = "e", .door = DOOR_REST, .ticket = 5 });
        rig_answer(rig, rig_turn(rig, "concluding"), "late");
        ck_assert_uint_eq(rig->turn_count, 2);
        rig_step(rig, (Event){ .kind = EVENT_STEP,
                               .step = { .turn = rig_turn(rig, "stepping")->turn,
                                         .ordinal = 2,
                                         .kind = STEP_MODEL_REPLY,
                                         .payload = TEXT("{}") } });
        return cast;
}

START_TEST(hub_that_lost_its_lease_drops_everything_and_says_nothing) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        every_state(&rig);
        rig_step(&rig, (Event){ .kind = EVENT_CANCEL,
                                .cancel = { .message_id = { { 1 } }, .tenant_id = rig_acme, .ticket = 6 } });
        rig_store(&rig, STORE_FENCED);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ACCEPTED) + rig_count(&rig, COMMAND_ANSWER), 0);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_CLOSE_LINKS), 1);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_STOP_TURN), 2);
        ck_assert_int_eq(rig_command(&rig, COMMAND_STEP_DONE, 0)->turn.failure.kind, FAILURE_CANCELLED);
        ck_assert_int_eq(rig_command(&rig, COMMAND_CANCEL_DONE, 0)->note.failure.kind, FAILURE_UNAVAILABLE);
        /* Who waits on a socket of ours hears of it. */
        ck_assert_uint_eq(rig_count(&rig, COMMAND_REFUSE), 1);
        ck_assert_uint_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.ticket, 5);
        rig_settle(&rig);
        while (rig.turn_count) {
                rig_answer(&rig, &rig.turns[0], "from before");
                ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 0);
                ck_assert_ptr_null(rig.request);
        }
        CoreCounts counts = core_counts(rig.core);
        ck_assert(counts.leading);
        ck_assert_int_eq(counts.lanes + counts.running + counts.waiting_for_commit + counts.waiting_in_lanes, 0);
}
END_TEST

static OpenMessage open_message(uint8_t number, int32_t attempts) {
        OpenMessage open = { .accepted = { .id = { { 0, number } },
                                           .tenant_id = rig_installation,
                                           .agent_id = rig_guide,
                                           .sender = TEXT("eve@example.org"),
                                           .reply_to = { .agent = TEXT("guide@" RIG_DOMAIN),
                                                         .address = TEXT("eve@example.org/phone"),
                                                         .thread = number % 2 ? TEXT("odd") : TEXT("even") } },
                             .attempts = attempts };
        return open;
}

static void give_open(Rig *rig, const OpenMessage *open, size_t count) {
        StoreReport *report = rig_report(rig);

        report->open = arena_take_array(report->arena, OpenMessage, count);
        memcpy(report->open, open, count * sizeof(*open));
        report->open_count = count;
        rig_give(rig, report);
}

static void start_with(Rig *rig, const OpenMessage *open, size_t count) {
        rig_prepare(rig);
        rig_create(rig);
        rig_step(rig, (Event){ .kind = EVENT_START });
        give_open(rig, open, count);
        rig_step(rig, (Event){ .kind = EVENT_LINK_UP, .link = { .domain = TEXT(RIG_DOMAIN) } });
}

/* Gives the requests DONE until one of the batches holds a step. */
static const StepRecord *next_step(Rig *rig) {
        while (rig->request && !rig->request->batch.step_count)
                rig_store(rig, STORE_DONE);
        ck_assert_ptr_nonnull(rig->request);
        return &rig->request->batch.steps[0];
}

static const ConcludedRecord *next_concluded(Rig *rig) {
        while (rig->request && !rig->request->batch.concluded_count)
                rig_store(rig, STORE_DONE);
        ck_assert_ptr_nonnull(rig->request);
        return &rig->request->batch.concluded[0];
}

START_TEST(message_left_open_runs_again_after_its_taken_up_step_is_durable) {
        _cleanup_(rig_release) Rig rig;
        StepRecord steps[] = { { .ordinal = 2, .kind = STEP_MODEL_REPLY, .payload = TEXT("{\"content\":\"x\"}") } };
        OpenMessage open = open_message(1, 1);

        open.steps = steps;
        open.step_count = 1;
        start_with(&rig, &open, 1);
        ck_assert_uint_eq(rig.turn_count, 0);
        const StepRecord *step = next_step(&rig);
        ck_assert_int_eq(step->kind, STEP_TAKEN_UP);
        ck_assert_int_eq(step->ordinal, 2 * STEP_ATTEMPT);
        ck_assert_uint_eq(rig.turn_count, 0);
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig.turn_count, 1);
        const TurnInput *input = rig.turns[0].input;
        ck_assert_int_eq(input->attempt, 2);
        ck_assert_uint_eq(input->step_count, 1);
        ck_assert_text(input->steps[0].payload, TEXT("{\"content\":\"x\"}"));
        ck_assert_uint_eq(input->body.length, 0);
        rig_answer(&rig, &rig.turns[0], "at last");
        ck_assert_int_eq(next_concluded(&rig)->attempt, 2);
        rig_settle(&rig);
}
END_TEST

START_TEST(message_that_another_hub_took_up_is_let_go) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage open[] = { open_message(1, 0), open_message(3, 0) };

        start_with(&rig, open, 2);
        next_step(&rig);
        StoreReport *report = rig_report(&rig);
        report->steps[0] = ROW_REPEAT;
        rig_give(&rig, report);
        ck_assert_uint_eq(rig.turn_count, 0);
        next_step(&rig); /* the lane goes on with the next */
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 1);
        ck_assert_uint_eq(rig.turns[0].input->message_id.bytes[1], 3);
}
END_TEST

START_TEST(message_taken_up_three_times_is_given_up) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage open[] = { open_message(1, 3), open_message(2, 2) };

        start_with(&rig, open, 2);
        ck_assert_int_eq(next_concluded(&rig)->outcome, OUTCOME_ERROR);
        ck_assert_int_eq(rig.request->batch.concluded[0].reason, FAILURE_INTERNAL);
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 1);
        ck_assert_uint_eq(rig.turns[0].input->message_id.bytes[1], 2);
}
END_TEST

START_TEST(message_cancelled_before_the_restart_is_not_run) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage open = open_message(1, 3);

        open.cancelled = true;
        start_with(&rig, &open, 1);
        ck_assert_int_eq(next_concluded(&rig)->outcome, OUTCOME_CANCELLED);
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 0);
}
END_TEST

START_TEST(message_cancelled_while_it_is_taken_up_is_not_run) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage open = open_message(1, 0);

        start_with(&rig, &open, 1);
        next_step(&rig);
        rig_step(&rig,
                 (Event){ .kind = EVENT_CANCEL,
                          .cancel = {
                                  .message_id = open.accepted.id, .tenant_id = rig_installation, .durable = true } });
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig.turn_count, 0);
        ck_assert_int_eq(next_concluded(&rig)->outcome, OUTCOME_CANCELLED);
        rig_settle(&rig);
}
END_TEST

START_TEST(message_that_its_sender_may_not_send_any_more_is_refused_after_a_restart) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage open = open_message(1, 0);

        open.accepted.agent_id = rig_secret;
        start_with(&rig, &open, 1);
        ck_assert_int_eq(next_concluded(&rig)->outcome, OUTCOME_REFUSED);
        ck_assert_int_eq(rig.request->batch.concluded[0].reason, FAILURE_FORBIDDEN);
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 0);
}
END_TEST

/* Whatever it ends with: nobody who could be asked later knows what its calls may have cost. */
START_TEST(message_that_may_have_cost_something_says_so_before_it_is_concluded) {
        StepRecord steps[] = { { .ordinal = 2, .kind = STEP_PRESUMED, .spent = { { 5, 6 } } } };
        const struct {
                Uuid agent;
                int32_t attempts;
                size_t steps;
                bool cancelled;
                Outcome outcome;
                FailureKind reason;
        } cases[] = {
                { { { 99 } }, 0, 0, false, OUTCOME_REFUSED, FAILURE_FORBIDDEN },
                { rig_secret, 0, 1, false, OUTCOME_REFUSED, FAILURE_FORBIDDEN },
                { rig_guide, 3, 1, false, OUTCOME_ERROR, FAILURE_INTERNAL },
                { rig_guide, 0, 1, true, OUTCOME_CANCELLED, FAILURE_CANCELLED },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                OpenMessage open = open_message(1, cases[i].attempts);
                open.accepted.agent_id = cases[i].agent;
                open.steps = steps;
                open.step_count = cases[i].steps;
                open.cancelled = cases[i].cancelled;
                start_with(&rig, &open, 1);
                ck_assert_int_eq(next_step(&rig)->kind, STEP_TAKEN_UP);
                rig_settle(&rig);
                ck_assert_uint_eq(rig.turn_count, 1);
                ck_assert(rig.turns[0].input->closing);
                rig_end_with(&rig, &rig.turns[0], (TurnResult){ .usage = { .cost_nano = 12 }, .owes = true });
                const ConcludedRecord *concluded = next_concluded(&rig);
                ck_assert_int_eq(concluded->outcome, cases[i].outcome);
                ck_assert_int_eq(concluded->reason, cases[i].reason);
                ck_assert_int_eq(concluded->usage.cost_nano, 12);
                ck_assert_uint_eq(rig_count(&rig, COMMAND_SETTLE), 0);
                rig_store(&rig, STORE_DONE);
                ck_assert_uint_eq(rig_count(&rig, COMMAND_SETTLE), 1);
                ck_assert_int_eq(rig_command(&rig, COMMAND_SETTLE, 0)->settle.total.units[BUDGET_MONEY], 12);
                rig_settle(&rig);
        }
}
END_TEST

START_TEST(lease_lost_while_a_message_is_taken_up_gives_its_worker_back) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage open = open_message(1, 0);

        start_with(&rig, &open, 1);
        next_step(&rig);
        rig_store(&rig, STORE_FENCED);
        ck_assert_int_eq(core_counts(rig.core).running, 0);
        give_open(&rig, &open, 1);
        next_step(&rig);
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 1);
}
END_TEST

/* A heartbeat's report with one peer. */
static void give_lease(Rig *rig, Lease lease) {
        StoreReport *report = rig_report(rig);

        ck_assert_int_eq(rig->request->kind, STORE_BEAT);
        report->leases = arena_take_array(report->arena, Lease, 2);
        report->lease_count = 2;
        report->leases[0] = (Lease){ TEXT(RIG_HUB), 1, 1, TEXT(RIG_DOMAIN), false, false };
        report->leases[1] = lease;
        rig_give(rig, report);
}

START_TEST(peer_is_taken_over_when_it_stood_still_over_a_store_that_answered) {
        const struct {
                const char *name;
                Lease lease;
                bool beats;
                int64_t pause_us;
                int expected; /* heartbeats until it is taken over; 0 = never */
        } cases[] = {
                { "stands still", { TEXT("two"), 3, 5, TEXT("x.example " RIG_DOMAIN), false, false }, false, 0, 11 },
                { "beats", { TEXT("two"), 3, 5, TEXT(RIG_DOMAIN), false, false }, true, 0, 0 },
                { "other domains", { TEXT("two"), 3, 5, TEXT("other.example"), false, false }, false, 0, 0 },
                { "released", { TEXT("two"), 3, 5, TEXT(RIG_DOMAIN), true, false }, false, 0, 0 },
                { "released with open messages", { TEXT("two"), 3, 5, TEXT(RIG_DOMAIN), true, true }, false, 0, 1 },
                { "store slow", { TEXT("two"), 3, 5, TEXT(RIG_DOMAIN), false, false }, false, 3 * SECONDS, 0 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                Lease lease = cases[i].lease;
                int taken = 0;
                setup(&rig);
                for (int beat = 1; beat < 40 && !taken; beat++) {
                        if (!rig.request)
                                rig_pass(&rig, SECONDS);
                        rig_pass(&rig, cases[i].pause_us);
                        lease.beats += cases[i].beats;
                        give_lease(&rig, lease);
                        if (!rig.request || rig.request->kind == STORE_BEAT)
                                continue;
                        ck_assert_int_eq(rig.request->kind, STORE_TAKE_OVER);
                        ck_assert_text(rig.request->other, TEXT("two"));
                        ck_assert_int_eq(rig.request->other_epoch, 3);
                        taken = beat;
                }
                ck_assert_msg(taken == cases[i].expected, "%s: %d", cases[i].name, taken);
        }
}
END_TEST

START_TEST(hub_knows_whether_another_one_goes_on_with_its_domain) {
        const struct {
                const char *name;
                Lease lease;
                bool beats, shared;
        } cases[] = {
                { "beats", { TEXT("two"), 3, 5, TEXT("x.example " RIG_DOMAIN), false, false }, true, true },
                { "stands still", { TEXT("two"), 3, 5, TEXT(RIG_DOMAIN), false, false }, false, false },
                { "other domains", { TEXT("two"), 3, 5, TEXT("x.example"), false, false }, true, false },
                { "has stopped", { TEXT("two"), 3, 5, TEXT(RIG_DOMAIN), true, false }, false, false },
                { "is this one", { TEXT(RIG_HUB), 1, 1, TEXT(RIG_DOMAIN), false, false }, true, false },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(rig_release) Rig rig;
                Lease lease = cases[i].lease;
                setup(&rig);
                for (int beat = 0; beat < 6; beat++) {
                        if (!rig.request)
                                rig_pass(&rig, SECONDS);
                        lease.beats += cases[i].beats;
                        give_lease(&rig, lease);
                }
                ck_assert_msg(core_domain_is_shared(rig.core, TEXT(RIG_DOMAIN)) == cases[i].shared, "%s",
                              cases[i].name);
        }
}
END_TEST

START_TEST(last_of_several_hubs_that_stop_at_once_knows_that_it_is) {
        for (int other_stops = 0; other_stops < 2; other_stops++) {
                _cleanup_(rig_release) Rig rig;
                setup(&rig);
                rig_pass(&rig, SECONDS);
                give_lease(&rig, (Lease){ TEXT("two"), 3, 5, TEXT(RIG_DOMAIN), false, false });
                ck_assert(core_domain_is_shared(rig.core, TEXT(RIG_DOMAIN)));
                rig_step(&rig, (Event){ .kind = EVENT_DRAIN });
                ck_assert_int_eq(rig.request->kind, STORE_RELEASE);
                StoreReport *report = rig_report(&rig);
                report->leases = arena_take_array(report->arena, Lease, 1);
                report->lease_count = 1;
                report->leases[0] = (Lease){ TEXT("two"), 3, 6, TEXT(RIG_DOMAIN), other_stops, false };
                rig_give(&rig, report);
                ck_assert_uint_eq(rig_count(&rig, COMMAND_EXIT), 1);
                ck_assert(core_domain_is_shared(rig.core, TEXT(RIG_DOMAIN)) == !other_stops);
        }
}
END_TEST

static void take_over(Rig *rig) {
        for (int i = 0; i < 20; i++) {
                rig_pass(rig, SECONDS);
                give_lease(rig, (Lease){ TEXT("two"), 3, 5, TEXT(RIG_DOMAIN), false, false });
                if (rig->request)
                        return;
        }
        ck_abort_msg("nobody was taken over");
}

START_TEST(hub_that_took_over_finishes_what_the_other_left) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage open[] = { open_message(1, 0), open_message(2, 1) };

        setup(&rig);
        take_over(&rig);
        give_open(&rig, open, 2);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_NOTE), 1);
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 2);
        take_over(&rig); /* and again, should it stand still again: what is here already is not here twice */
        give_open(&rig, open, 2);
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 2);
        ck_assert_int_eq(core_counts(rig.core).lanes, 2);
}
END_TEST

START_TEST(hub_that_was_slower_to_take_over_takes_nothing) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        take_over(&rig);
        StoreReport *report = rig_report(&rig);
        report->taken = false;
        report->result = STORE_FENCED;
        rig_give(&rig, report);
        ck_assert(core_counts(rig.core).leading);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_NOTE), 0);
}
END_TEST

START_TEST(low_water_is_never_above_an_open_message) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage old = open_message(1, 0);

        setup(&rig);
        Uuid first = accept_id(&rig, (Said){ .body = "first" });
        accept_id(&rig, (Said){ .body = "second", .thread = "t" });
        rig_pass(&rig, 100 * SECONDS);
        ck_assert_int_eq(rig.request->kind, STORE_BEAT);
        ck_assert(uuid_equal(rig.request->low_water, first));
        rig_settle(&rig);
        take_over(&rig);
        give_open(&rig, &old, 1);
        rig_settle(&rig);
        rig_pass(&rig, SECONDS);
        ck_assert_int_eq(rig.request->kind, STORE_BEAT);
        ck_assert(uuid_equal(rig.request->low_water, old.accepted.id));
        rig_settle(&rig);
        while (rig.turn_count) {
                rig_answer(&rig, &rig.turns[0], "");
                rig_settle(&rig);
        }
        rig_pass(&rig, SECONDS);
        ck_assert(uuid_equal(rig.request->low_water, uuid_lowest(rig.now.wall_us - 60 * SECONDS)));
}
END_TEST

START_TEST(what_is_accepted_lies_above_the_low_water_though_the_clock_goes_back) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage old = open_message(1, 0);

        rig_prepare(&rig);
        rig_create(&rig);
        /* The last id of its millisecond. */
        old.accepted.id = uuid_lowest(rig.now.wall_us - 100 * SECONDS);
        memset(old.accepted.id.bytes + 9, 0xff, sizeof(old.accepted.id.bytes) - 9);
        old.accepted.id.bytes[6] |= 0x0f;
        old.accepted.id.bytes[7] = 0xff;
        rig_step(&rig, (Event){ .kind = EVENT_START });
        give_open(&rig, &old, 1);
        ck_assert_int_eq(rig.request->kind, STORE_BEAT);
        Uuid low = rig.request->low_water;
        ck_assert(uuid_equal(low, old.accepted.id));
        rig_settle(&rig);
        rig.now.wall_us -= 3600 * SECONDS;
        Uuid id = accept_id(&rig, (Said){ .body = "later", .thread = "t" });
        ck_assert_int_gt(uuid_compare(id, low), 0);
}
END_TEST

START_TEST(low_water_counts_what_is_not_committed_when_the_clock_jumps) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "in flight" });
        rig_say(&rig, (Said){ .body = "behind", .thread = "t" });
        rig.now.wall_us += 3600 * SECONDS;
        rig_pass(&rig, SECONDS);
        rig_store(&rig, STORE_DONE);
        expect_request(&rig, STORE_COMMIT);
        Uuid behind = rig.request->batch.accepted[0].id;
        rig_store(&rig, STORE_DONE);
        rig_pass(&rig, SECONDS);
        ck_assert_int_le(uuid_compare(rig.request->low_water, behind), 0);
}
END_TEST

START_TEST(hub_that_stops_finishes_what_runs_and_takes_nothing_new) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "runs", .thread = "a" });
        rig_accept(&rig, (Said){ .body = "waits", .thread = "a" });
        drain(&rig);
        drain(&rig); /* twice does no harm */
        ck_assert(core_counts(rig.core).draining);
        rig_say(&rig, (Said){ .body = "new", .thread = "b" });
        ck_assert_int_eq(rig_command(&rig, COMMAND_REFUSE, 0)->arrival.failure.kind, FAILURE_LIMIT);
        rig_settle(&rig);
        ck_assert_uint_eq(rig.turn_count, 1);
        rig_answer(&rig, rig_turn(&rig, "runs"), "done");
        expect_request(&rig, STORE_COMMIT);
        rig_store(&rig, STORE_DONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_ANSWER), 1);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_TURN), 0);
        uint64_t ticket = rig_command(&rig, COMMAND_PING, 0)->ping.ticket;
        ck_assert_ptr_null(rig.request); /* our server has not taken it yet */
        rig_step(&rig, (Event){ .kind = EVENT_PONG, .link = { .domain = TEXT(RIG_DOMAIN), .ticket = ticket } });
        ck_assert_int_eq(rig.request->kind, STORE_RELEASE);
        ck_assert_uint_eq(rig.request->mark_count, 1);
        rig_store(&rig, STORE_DONE);
        ck_assert_int_eq(exit_failure(&rig).kind, FAILURE_NONE);
}
END_TEST

START_TEST(turn_that_outlasts_the_drain_is_let_go_and_stays_open) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        Uuid id = accept_id(&rig, (Said){ .body = "long" });
        drain(&rig);
        rig_pass(&rig, rig.settings.drain_us - SECONDS);
        rig_settle(&rig);
        ck_assert(!rig_turn(&rig, "long")->stopped);
        rig_pass(&rig, SECONDS);
        ck_assert(rig_turn(&rig, "long")->stopped);
        /* A worker that does not let go holds nobody up. */
        expect_request(&rig, STORE_RELEASE);
        rig_store(&rig, STORE_DONE);
        ck_assert_int_eq(exit_failure(&rig).kind, FAILURE_NONE);
        rig_answer(&rig, rig_turn(&rig, "long"), "too late");
        ck_assert_uint_eq(rig.commands.count, 0);
        (void) id;
}
END_TEST

START_TEST(store_that_is_away_does_not_keep_a_hub_from_stopping) {
        const StoreResult results[] = { STORE_UNAVAILABLE, STORE_FULL };

        for (size_t i = 0; i < COUNT_OF(results); i++) {
                _cleanup_(rig_release) Rig rig;
                int64_t began_us;
                setup(&rig);
                every_state(&rig);
                began_us = rig.now.monotonic_us;
                drain(&rig);
                while (!rig_count(&rig, COMMAND_EXIT)) {
                        if (rig.request)
                                rig_store(&rig, rig.request->kind == STORE_BEAT ? STORE_DONE : results[i]);
                        else
                                rig_wake(&rig);
                        ck_assert_int_le(rig.now.monotonic_us - began_us, rig.settings.drain_us + 5 * SECONDS);
                }
                ck_assert_int_eq(exit_failure(&rig).kind, FAILURE_UNAVAILABLE);
                ck_assert_int_ge(rig.now.monotonic_us - began_us, rig.settings.drain_us);
        }
}
END_TEST

START_TEST(request_without_a_report_does_not_keep_a_hub_from_stopping) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "hello" });
        drain(&rig);
        rig_pass(&rig, rig.settings.drain_us + 5 * SECONDS);
        ck_assert_int_eq(exit_failure(&rig).kind, FAILURE_UNAVAILABLE);
}
END_TEST

START_TEST(full_disk_keeps_a_stopping_hub_until_its_answers_are_written) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_accept(&rig, (Said){ .body = "long" });
        drain(&rig);
        rig_answer(&rig, rig_turn(&rig, "long"), "done");
        expect_request(&rig, STORE_COMMIT);
        rig_store(&rig, STORE_FULL);
        ck_assert_ptr_null(rig.request);
        rig_pass(&rig, SECONDS);
        expect_request(&rig, STORE_COMMIT);
        ck_assert_uint_eq(rig.request->batch.concluded_count, 1);
}
END_TEST

START_TEST(hub_that_loses_its_lease_while_it_stops_just_exits) {
        _cleanup_(rig_release) Rig rig;

        setup(&rig);
        rig_say(&rig, (Said){ .body = "hello" });
        drain(&rig);
        rig_store(&rig, STORE_FENCED);
        ck_assert_int_eq(exit_failure(&rig).kind, FAILURE_NONE);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_CLOSE_LINKS), 1);
        ck_assert_ptr_null(rig.request);
}
END_TEST

START_TEST(hub_told_to_stop_before_it_has_started_releases_its_lease) {
        _cleanup_(rig_release) Rig rig;
        OpenMessage open = open_message(1, 0);

        rig_prepare(&rig);
        rig_create(&rig);
        rig_step(&rig, (Event){ .kind = EVENT_START });
        drain(&rig);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_EXIT), 0);
        give_open(&rig, &open, 1);
        ck_assert_uint_eq(rig_count(&rig, COMMAND_OPEN_LINKS), 0);
        ck_assert_int_eq(rig.request->kind, STORE_RELEASE);
        rig_store(&rig, STORE_DONE);
        ck_assert_int_eq(exit_failure(&rig).kind, FAILURE_NONE);
}
END_TEST

START_TEST(hub_told_to_stop_while_the_store_is_away_at_its_start_exits) {
        _cleanup_(rig_release) Rig rig;

        rig_prepare(&rig);
        rig_create(&rig);
        rig_step(&rig, (Event){ .kind = EVENT_START });
        rig_store(&rig, STORE_UNAVAILABLE);
        drain(&rig);
        ck_assert_int_eq(exit_failure(&rig).kind, FAILURE_NONE);
}
END_TEST

START_TEST(idle_hub_wakes_once_a_second) {
        _cleanup_(rig_release) Rig rig;
        int wakes = 0;

        setup(&rig);
        for (int64_t began_us = rig.now.monotonic_us; rig.now.monotonic_us < began_us + 60 * SECONDS; wakes++) {
                rig_wake(&rig);
                rig_settle(&rig);
        }
        ck_assert_int_le(wakes, 70);
}
END_TEST

UNIT_TESTS("orchestrator/core_lease", hub_that_starts_takes_nothing_before_it_leads, start_waits_for_the_store,
           older_of_two_processes_of_one_name_exits, hub_that_lost_its_lease_drops_everything_and_says_nothing,
           message_left_open_runs_again_after_its_taken_up_step_is_durable, message_that_another_hub_took_up_is_let_go,
           message_taken_up_three_times_is_given_up, message_cancelled_before_the_restart_is_not_run,
           message_cancelled_while_it_is_taken_up_is_not_run,
           message_that_its_sender_may_not_send_any_more_is_refused_after_a_restart,
           message_that_may_have_cost_something_says_so_before_it_is_concluded,
           lease_lost_while_a_message_is_taken_up_gives_its_worker_back,
           peer_is_taken_over_when_it_stood_still_over_a_store_that_answered,
           hub_knows_whether_another_one_goes_on_with_its_domain,
           last_of_several_hubs_that_stop_at_once_knows_that_it_is, hub_that_took_over_finishes_what_the_other_left,
           hub_that_was_slower_to_take_over_takes_nothing, low_water_is_never_above_an_open_message,
           low_water_counts_what_is_not_committed_when_the_clock_jumps,
           what_is_accepted_lies_above_the_low_water_though_the_clock_goes_back,
           hub_that_stops_finishes_what_runs_and_takes_nothing_new,
           turn_that_outlasts_the_drain_is_let_go_and_stays_open, store_that_is_away_does_not_keep_a_hub_from_stopping,
           request_without_a_report_does_not_keep_a_hub_from_stopping,
           full_disk_keeps_a_stopping_hub_until_its_answers_are_written,
           hub_that_loses_its_lease_while_it_stops_just_exits,
           hub_told_to_stop_before_it_has_started_releases_its_lease,
           hub_told_to_stop_while_the_store_is_away_at_its_start_exits, idle_hub_wakes_once_a_second)
