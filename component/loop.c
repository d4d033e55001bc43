#include "component/loop.h"

#include <signal.h>
#include <sys/signalfd.h>

#define READY_AT_ONCE 64
#define HOLD_EVERY_US (250 * MILLISECONDS) /* while something changes; else with the rates */

void loop_step(Loop *loop, const Event *event) {
        core_set_cache_away(loop->core, budgets_state(loop->budgets) != BUDGETS_OPEN);
        core_step(loop->core, loop->now, event, &loop->commands);
        for (size_t i = 0; i < loop->commands.count; i++)
                loop_execute(loop, &loop->commands.items[i]);
}

static void take_cancel(Loop *loop, Note *note) {
        if (note->ask) {
                note->event.cancel.ticket = ++loop->tickets;
                map_put(loop->cancels, MAP_KEY(note->event.cancel.ticket), note);
        }
        loop_step(loop, &note->event);
        if (!note->ask)
                inbox_answer(note, NULL);
}

static void take_snapshot(Loop *loop, Note *note) {
        Failure failure = { 0 };

        if (!loop_snapshot(loop, note->arena, note->snapshot))
                failure_set(&failure, FAILURE_TOO_LARGE, "The snapshot does not fit its arena.");
        inbox_answer(note, &failure);
}

static void take_settings(Loop *loop, const Settings *settings, const Plans *plans) {
        loop->settings = settings;
        log_set_level(log_level_of(settings->log_level));
        core_set_patience(loop->core, settings->lease_seconds * SECONDS, settings->drain_seconds * SECONDS,
                          settings->turn_seconds * SECONDS);
        directory_set_plans(core_directory(loop->core), plans);
        core_limits_changed(loop->core);
}

static void take_rates(Loop *loop, const Note *note) {
        Event event = { EVENT_LEVELS, .levels = { note->rates.elsewhere, note->rates.elsewhere_count, 1 } };

        loop->rates_away = note->rates.away;
        if (loop->rates_away)
                event.levels.hubs = loop->parts = core_live_hubs(loop->core);
        for (size_t i = 0; i < note->rates.count; i++)
                directory_subtract(core_directory(loop->core), note->rates.deltas[i].limit,
                                   note->rates.deltas[i].amount, loop->now.monotonic_us);
        loop_step(loop, &event);
}

/* Once a second, when the heartbeat wakes us anyway. */
static void share_rates(Loop *loop) {
        Directory *directory = core_directory(loop->core);
        int32_t hubs = core_live_hubs(loop->core);
        RateDelta deltas[256];
        size_t count;

        if (!loop->sharer || loop->now.monotonic_us < loop->share_us)
                return;
        loop->share_us = loop->now.monotonic_us + SECONDS;
        if (loop->rates_away && loop->parts != hubs) {
                loop->parts = hubs;
                loop_step(loop, &(Event){ EVENT_LEVELS, .levels = { .hubs = hubs } });
        }
        do { /* while it is alone, what a hub let through is kept for one that comes */
                for (count = 0; hubs > 1 && count < COUNT_OF(deltas); count++)
                        if (!directory_untold(directory, loop->now.monotonic_us, &deltas[count].limit,
                                              &deltas[count].amount))
                                break;
                sharer_give(loop->sharer, deltas, count, hubs);
        } while (count == COUNT_OF(deltas));
}

/* When it changed, and every second: who says nothing any more is forgotten. */
static int64_t hold_wake(const Loop *loop) {
        if (!loop->sharer || core_live_hubs(loop->core) <= 1)
                return INT64_MAX;
        return core_levels_moved(loop->core) ? loop->hold_us
               : loop->holds                 ? loop->hold_us + SECONDS - HOLD_EVERY_US
                                             : INT64_MAX;
}

static void share_levels(Loop *loop) {
        if (loop->now.monotonic_us < loop->hold_us || loop->now.monotonic_us < hold_wake(loop))
                return;
        loop->hold_us = loop->now.monotonic_us + HOLD_EVERY_US;
        core_levels(loop->core, &loop->levels);
        if (loop->levels.count > 0 || loop->holds)
                sharer_hold(loop->sharer, loop->levels.items, loop->levels.count);
        loop->holds = loop->levels.count > 0;
}

/* Whose name was erased is named again when he writes again. */
static void forget_persons(Loop *loop, const Event *event) {
        for (size_t i = 0; i < event->directory.count; i++)
                if (event->directory.changes[i].kind == DIRECTORY_PERSON)
                        journal_forget_person(loop->journal, event->directory.changes[i].id);
}

static void take_note(Loop *loop, Note *note) {
        switch (note->kind) {
        case NOTE_STEP:
        case NOTE_STREAM:
        case NOTE_TURN_ENDED:
        case NOTE_WAIT_OVER:
        case NOTE_DIRECTORY:
        case NOTE_AUDIT:
                if (note->kind == NOTE_DIRECTORY)
                        forget_persons(loop, &note->event);
                loop_step(loop, &note->event);
                inbox_answer(note, NULL);
                break;
        case NOTE_TELL:
                loop_tell_person(loop, note->tell.who, note->tell.kind, note->tell.text);
                inbox_answer(note, NULL);
                break;
        case NOTE_CANCEL:
                take_cancel(loop, note);
                break;
        case NOTE_SNAPSHOT:
                take_snapshot(loop, note);
                break;
        case NOTE_COMMAND:
                loop_finish_command(loop, note->job);
                inbox_answer(note, NULL);
                break;
        case NOTE_CALL:
                loop_take_call(loop, note->call);
                inbox_answer(note, NULL);
                break;
        case NOTE_REGISTER:
                loop_finish_registration(loop, note->call);
                inbox_answer(note, NULL);
                break;
        case NOTE_LIMITS:
                for (size_t i = 0; i < note->use_count; i++)
                        directory_use(core_directory(loop->core), &note->uses[i], loop->now.monotonic_us);
                inbox_answer(note, NULL);
                break;
        case NOTE_RATES:
                take_rates(loop, note);
                inbox_answer(note, NULL);
                break;
        case NOTE_SETTINGS:
                take_settings(loop, note->settings, note->plans);
                inbox_answer(note, NULL);
                break;
        }
}

static void take_inbox(Loop *loop) {
        QueueItem *item = queue_take_all(loop->inbox);

        while (item) {
                QueueItem *next = item->next;
                take_note(loop, (Note *) item);
                item = next;
        }
}

static void take_journal(Loop *loop) {
        StoreReport *report;

        while ((report = journal_ready(loop->journal, loop->now)))
                loop_step(loop, &(Event){ .kind = EVENT_STORE, .report = report });
}

static void take_link(Loop *loop, size_t index) {
        LinkEvent event;

        if (!loop->links[index])
                return;
        link_handle(loop->links[index], loop->now.monotonic_us);
        while (loop->links[index] && link_next(loop->links[index], &event))
                loop_link_event(loop, index, &event);
}

/* Those whose time has come, whatever else woke us: with something to tell, or to do. */
static void take_due_links(Loop *loop) {
        for (size_t i = 0; i < loop->link_count; i++)
                if (loop->links[i] && link_deadline(loop->links[i]) <= loop->now.monotonic_us)
                        take_link(loop, i);
}

static void take_signals(Loop *loop) {
        struct signalfd_siginfo signal;

        while (read(loop->signals, &signal, sizeof(signal)) == (ssize_t) sizeof(signal)) {
                if (signal.ssi_signo == SIGHUP) {
                        reload_begin(loop->reload);
                        continue;
                }
                log_info("stopping", "signal", LOG_INTEGER, (int64_t) signal.ssi_signo);
                loop_step(loop, &(Event){ .kind = EVENT_DRAIN });
        }
}

/* What the journal waits for changes with every request. While it connects, each attempt may have another socket under
 * the same number, which epoll has then forgotten: so until it is connected, it is told anew every time. */
static void watch_journal(Loop *loop) {
        int descriptor = journal_descriptor(loop->journal);
        bool connected = journal_is_connected(loop->journal);
        uint32_t events = EPOLLIN | (journal_wants_write(loop->journal) ? EPOLLOUT : 0);
        struct epoll_event interest = { .events = events, .data.u64 = LOOP_JOURNAL };

        if (connected && loop->journal_connected && descriptor == loop->journal_descriptor &&
            events == loop->journal_events)
                return;
        if (loop->journal_descriptor >= 0 && descriptor != loop->journal_descriptor)
                epoll_ctl(loop->epoll, EPOLL_CTL_DEL, loop->journal_descriptor, NULL); /* fails when it is closed */
        if (descriptor >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_MOD, descriptor, &interest) < 0)
                epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &interest);
        loop->journal_descriptor = descriptor;
        loop->journal_events = events;
        loop->journal_connected = connected;
}

void loop_sign_heads(Loop *loop, bool now) {
        AuditHead *heads;

        if (!now && loop->now.monotonic_us < loop->heads_us)
                return;
        loop->heads_us = loop->now.monotonic_us + loop->settings->audit_heads_seconds * SECONDS;
        size_t count = journal_take_heads(loop->journal, &heads);
        scribe_heads(loop->scribe, heads, count, loop->now.wall_us);
}

static int wait_ms(Loop *loop) {
        int64_t wake_us = core_wake(loop->core), journal_us = journal_wake(loop->journal);
        int64_t tell_us = loop_tell_wake(loop), hold_us = hold_wake(loop);

        if (loop->exiting)
                return 0;
        if (journal_us < wake_us)
                wake_us = journal_us;
        if (tell_us < wake_us)
                wake_us = tell_us;
        if (hold_us < wake_us)
                wake_us = hold_us;
        if (loop->heads_us < wake_us)
                wake_us = loop->heads_us;
        for (size_t i = 0; i < loop->link_count; i++)
                if (loop->links[i] && link_deadline(loop->links[i]) < wake_us)
                        wake_us = link_deadline(loop->links[i]);
        int64_t wait_us = wake_us - clock_now().monotonic_us;
        return wait_us <= 0 ? 0 : wait_us > 60 * SECONDS ? 60000 : (int) (wait_us / MILLISECONDS) + 1;
}

static void watch(Loop *loop, int descriptor, uint64_t what) {
        struct epoll_event interest = { .events = EPOLLIN, .data.u64 = what };

        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &interest);
}

/* A socket that an older process of this hub still holds becomes free when that has noticed. */
static void open_door(Loop *loop) {
        Failure failure;

        if (loop->door_open || !loop->links_open || loop->now.monotonic_us < loop->door_retry_us)
                return;
        loop->door_open = loop->open_door(loop->owner, &failure);
        if (!loop->door_open && loop->door_retry_us == 0)
                log_error("cannot be administered yet", "cause", LOG_STRING, failure.text);
        loop->door_retry_us = loop->now.monotonic_us + SECONDS;
}

bool loop_run(Loop *loop) {
        struct epoll_event ready[READY_AT_ONCE];

        loop->journal_descriptor = -1;
        loop->now = clock_now();
        loop->heads_us = loop->now.monotonic_us + loop->settings->audit_heads_seconds * SECONDS;
        watch(loop, loop->signals, LOOP_SIGNALS);
        watch(loop, queue_descriptor(loop->inbox), LOOP_INBOX);
        loop_step(loop, &(Event){ .kind = EVENT_START });
        while (!loop->exiting) {
                take_journal(loop); /* begins what was asked of it */
                watch_journal(loop);
                open_door(loop);
                loop_tell(loop);
                loop_sign_heads(loop, false);
                for (size_t i = 0; i < loop->link_count; i++)
                        if (loop->links[i])
                                link_flush(loop->links[i]);
                workers_flush(loop->workers);
                int count = epoll_wait(loop->epoll, ready, READY_AT_ONCE, wait_ms(loop));
                loop->now = clock_now();
                loop->woken_us = loop->now.monotonic_us;
                bool signalled = false, told = false;
                for (int i = 0; i < count; i++) {
                        signalled |= ready[i].data.u64 == LOOP_SIGNALS;
                        told |= ready[i].data.u64 == LOOP_INBOX;
                }
                if (told)
                        take_inbox(loop);
                for (int i = 0; i < count; i++)
                        if (ready[i].data.u64 >= LOOP_FIRST_LINK)
                                take_link(loop, ready[i].data.u64 - LOOP_FIRST_LINK);
                take_due_links(loop);
                if (signalled)
                        take_signals(loop);
                share_rates(loop);
                share_levels(loop);
                if (loop->now.monotonic_us >= core_wake(loop->core))
                        loop_step(loop, &(Event){ .kind = EVENT_TICK });
        }
        return loop->exit_failure.kind == FAILURE_NONE;
}

static bool snapshot_links(const Loop *loop, Arena *arena, Snapshot *snapshot) {
        LinkSnapshot *rows = arena_take_array(arena, LinkSnapshot, loop->link_count);

        if (!rows)
                return false;
        for (size_t i = 0; i < loop->link_count; i++) {
                bool up = loop->links[i] && link_is_up(loop->links[i]);
                rows[i] = (LinkSnapshot){ .domain = text_string(arena, text_of(loop->settings->domains[i])),
                                          .state = up               ? LINK_IS_UP
                                                   : loop->links[i] ? LINK_IS_CONNECTING
                                                                    : LINK_IS_DOWN,
                                          .since_us = loop->link_since_us[i] };
                if (!up && loop->link_trouble[i].kind != FAILURE_NONE)
                        rows[i].trouble = text_string(arena, text_of(loop->link_trouble[i].text));
        }
        snapshot->links = rows;
        snapshot->link_count = loop->link_count;
        return true;
}

static const char *const budgets_states[] = {
        [BUDGETS_AWAY] = "away", [BUDGETS_REBUILDING] = "rebuilding", [BUDGETS_OPEN] = "open"
};

bool loop_snapshot(Loop *loop, Arena *arena, Snapshot *ret_snapshot) {
        CoreCounts counts = core_counts(loop->core);

        *ret_snapshot = (Snapshot){
                .hub = text_string(arena, text_of(loop->settings->hub_name)),
                .version = AIOX_VERSION,
                .started_us = loop->started_us,
                .now_us = loop->now.wall_us,
                .epoch = counts.epoch,
                .journal = !counts.leading                       ? JOURNAL_IS_FENCED
                           : journal_is_connected(loop->journal) ? JOURNAL_IS_READY
                                                                 : JOURNAL_IS_AWAY,
                .waiting_for_commit = counts.waiting_for_commit,
                .running = counts.running,
                .waiting_in_lanes = counts.waiting_in_lanes,
                .waiting_for_budget = counts.waiting_for_budget,
                .draining = counts.draining,
                .budgets = budgets_states[budgets_state(loop->budgets)],
        };
        return snapshot_links(loop, arena, ret_snapshot) && workers_snapshot(loop->workers, arena, ret_snapshot);
}
