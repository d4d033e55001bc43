/* Leases: which hub may. A hub beats once a second; one whose beats stand still for lease_us of a peer's own clock,
 * over a store that answered, is taken over by a peer that serves one of its domains. Who finds its epoch gone stops at
 * once. */
#include "orchestrator/core_state.h"

#define BEAT_US        SECONDS
#define LIVELY_US      (3 * BEAT_US) /* a peer that stood still for longer speaks for nobody at the moment */
#define DRAIN_GRACE_US (2 * SECONDS) /* for the store to take what the end of a drain leaves */

static bool domains_meet(Text ours, Text theirs) {
        Text domain, other, rest;

        while (text_split(&ours, ' ', &domain)) {
                rest = theirs;
                while (text_split(&rest, ' ', &other))
                        if (domain.length && text_equal(domain, other))
                                return true;
        }
        return false;
}

static Peer *peer_of(Core *core, Text hub) {
        for (Peer *peer = core->peers; peer; peer = peer->next)
                if (text_equal(text_of(peer->hub), hub))
                        return peer;
        Peer *peer = memory_new(sizeof(*peer));
        peer->hub = memory_new(hub.length + 1);
        memcpy(peer->hub, hub.bytes, hub.length);
        peer->next = core->peers;
        core->peers = peer;
        return peer;
}

/* Time counts only while the store answered: a long silence of its own says nothing about the peer. */
static void peer_observe(Core *core, const Lease *lease, int64_t elapsed_us) {
        Peer *peer = peer_of(core, lease->hub);

        if (!peer->domains || !text_equal(text_of(peer->domains), lease->domains)) {
                free(peer->domains);
                peer->domains = text_keep(lease->domains);
        }
        peer->released = lease->released;
        peer->shares_domain = domains_meet(core->settings.domains, lease->domains);
        peer->abandoned = lease->released && lease->has_open;
        if (lease->released || lease->epoch != peer->epoch || lease->beats != peer->beats || !peer->seen)
                peer->unchanged_us = 0;
        else
                peer->unchanged_us += elapsed_us > 2 * BEAT_US ? 0 : elapsed_us;
        peer->seen = true;
        peer->epoch = lease->epoch;
        peer->beats = lease->beats;
}

bool core_domain_is_shared(const Core *core, Text domain) {
        for (const Peer *peer = core->peers; peer; peer = peer->next)
                if (!peer->released && peer->unchanged_us <= LIVELY_US && domains_meet(domain, text_of(peer->domains)))
                        return true;
        return false;
}

int32_t core_live_hubs(const Core *core) {
        int32_t count = 1;

        for (const Peer *peer = core->peers; peer; peer = peer->next)
                count += !peer->released && peer->unchanged_us <= LIVELY_US;
        return count;
}

static Peer *peer_dead(Core *core) {
        for (Peer *peer = core->peers; peer; peer = peer->next)
                if (peer->shares_domain && (peer->abandoned || peer->unchanged_us >= core->settings.lease_us))
                        return peer;
        return NULL;
}

static void lower(Uuid *lowest, Uuid id) {
        if (uuid_compare(id, *lowest) < 0)
                *lowest = id;
}

/* The oldest message that is open here, or on its way to the store (the wall clock may have jumped since it was given
 * its id), or left open for whoever comes after a drain. Ids rise in the order in which messages come, save those of
 * earlier holders: so the first of ours is the oldest, however many wait. */
static Uuid low_water(const Core *core) {
        const List *committing[] = { &core->accepting, &core->flight.accepted };
        Uuid lowest = uuid_lowest(core->now.wall_us - 60 * SECONDS);
        size_t recovered = core->recovered_count;
        bool ours = false;
        const Message *message;

        for (size_t i = 0; (recovered || !ours) && (message = map_each(core->messages, &i));) {
                recovered -= message->recovered;
                if (message->recovered || !ours)
                        lower(&lowest, message->accepted.id);
                ours |= !message->recovered;
        }
        for (size_t i = 0; i < COUNT_OF(committing); i++)
                if (committing[i]->count)
                        lower(&lowest, ((const Message *) committing[i]->items[0])->accepted.id);
        if (core->draining && !uuid_is_zero(core->left_open))
                lower(&lowest, core->left_open);
        return lowest;
}

/* Past the deadline nobody waits for a worker or for our server, but what was decided still wants to be written. */
static bool drain_finished(const Core *core) {
        bool late = core->now.monotonic_us >= core->drain_deadline_us;

        return !commit_pending(core) && commit_waiting(core) == 0 &&
               (late || (core->running_count == 0 && delivery_settled(core)));
}

bool lease_request(Core *core, StoreRequest *request) {
        DeliveredMark *marks;

        if (!core->leading) {
                request->kind = STORE_START;
                request->again = core->starting_again;
                request->domains = core->settings.domains;
                return true;
        }
        if (core->draining && drain_finished(core)) {
                request->kind = STORE_RELEASE;
                request->mark_count = delivery_marks(core, true, &marks);
                request->marks = marks;
                request->unsent = delivery_left(core);
                return true;
        }
        if (core->now.monotonic_us >= core->beat_us) {
                core->beat_us = core->now.monotonic_us + BEAT_US;
                delivery_sample(core);
                request->kind = STORE_BEAT;
                request->low_water = low_water(core);
                /* What is accepted from now on lies above that, also when the clock goes back: not in the same
                 * millisecond, whose ids another holder has made. */
                if (core->uuids.last_ms <= (uint64_t) uuid_wall_ms(request->low_water))
                        core->uuids.last_ms = (uint64_t) uuid_wall_ms(request->low_water) + 1;
                request->mark_count = delivery_marks(core, false, &marks);
                request->marks = marks;
                return true;
        }
        Peer *peer = core->draining ? NULL : peer_dead(core);
        if (!peer)
                return false;
        peer->unchanged_us = 0;
        peer->abandoned = false;
        request->kind = STORE_TAKE_OVER;
        request->other = text_of(peer->hub);
        request->other_epoch = peer->epoch;
        return true;
}

static void exit_with(Core *core, const Failure *failure) {
        Command *command = core_command(core, COMMAND_EXIT);

        core->exiting = true;
        core->leading = false;
        if (failure)
                command->note.failure = *failure;
}

static void leave_open(Core *core, Uuid id) {
        if (uuid_is_zero(core->left_open) || uuid_compare(id, core->left_open) < 0)
                core->left_open = id;
}

static void start_reported(Core *core, const StoreReport *report) {
        Failure failure;

        if (report->result == STORE_FENCED) {
                failure_set(&failure, FAILURE_CONFLICT,
                            "Another process has started as hub \"%.*s\"; this one, the older, stops. "
                            "Give each process its own hub_name.",
                            TEXT_ARGUMENTS(core->settings.hub));
                exit_with(core, &failure);
                return;
        }
        core->leading = true;
        core->counts.epoch = report->epoch;
        core->counter = 0;
        core->beat_us = core->now.monotonic_us; /* before anything is concluded: an heir reads from marks that exist */
        core->last_beat_report_us = core->now.monotonic_us;
        delivery_start(core, report->marks, report->mark_count);
        if (core->draining) { /* only to release it again: what is open stays so, and in sight of whoever comes next */
                for (size_t i = 0; i < report->open_count; i++)
                        leave_open(core, report->open[i].accepted.id);
                return;
        }
        turns_recover(core, report->open, report->open_count);
        core_command(core, COMMAND_OPEN_LINKS);
}

static void beat_reported(Core *core, const StoreReport *report) {
        int64_t elapsed_us = core->now.monotonic_us - core->last_beat_report_us;

        core->last_beat_report_us = core->now.monotonic_us;
        for (size_t i = 0; i < report->lease_count; i++)
                if (!text_equal(report->leases[i].hub, core->settings.hub))
                        peer_observe(core, &report->leases[i], elapsed_us);
}

void lease_reported(Core *core, const StoreReport *report) {
        if (report->kind == STORE_START) {
                start_reported(core, report);
                return;
        }
        if (report->kind == STORE_TAKE_OVER) {
                if (!report->taken)
                        return; /* somebody was faster */
                delivery_adopt(core, report->marks, report->mark_count);
                turns_recover(core, report->open, report->open_count);
                Command *command = core_command(core, COMMAND_NOTE);
                command->note.sentence = "took over a hub that stood still";
                command->note.who = core->request.other;
                return;
        }
        if (report->result == STORE_FENCED) {
                lease_lost(core);
                return;
        }
        if (report->kind == STORE_RELEASE) {
                beat_reported(core, report);
                exit_with(core, NULL);
                return;
        }
        beat_reported(core, report);
}

/* The epoch is gone: what this hub held belongs to its heir, and nothing more may go out. */
void lease_lost(Core *core) {
        core->leading = false;
        core->starting_again = true;
        turns_drop_all(core);
        commit_drop_all(core);
        outlets_reset(core);
        core_command(core, COMMAND_CLOSE_LINKS);
}

void lease_drain(Core *core) {
        if (core->draining)
                return;
        core->draining = true;
        core->drain_deadline_us = core->now.monotonic_us + core->settings.drain_us;
}

/* A store that does not answer holds nobody up for ever: what it did not take stays open too. */
static bool drain_gives_up(Core *core) {
        Failure failure;

        if (!core->leading && !core->request_out) {
                exit_with(core, NULL);
                return true;
        }
        if (core->now.monotonic_us < core->drain_deadline_us + DRAIN_GRACE_US)
                return false;
        failure_set(&failure, FAILURE_UNAVAILABLE,
                    "The database did not answer while the hub stopped; what is open is taken up at the next start.");
        exit_with(core, &failure);
        return true;
}

/* What still runs at the deadline is let go: it stays open, for the next hub of this name or a peer. */
void lease_drain_run(Core *core) {
        if (!core->draining || core->exiting || drain_gives_up(core) ||
            core->now.monotonic_us < core->drain_deadline_us)
                return;
        for (int32_t i = 0; i < core->settings.workers; i++)
                if (core->running[i] && core->running[i]->state == MESSAGE_RUNNING && !core->running[i]->dropped) {
                        leave_open(core, core->running[i]->accepted.id);
                        turns_release(core, core->running[i]);
                }
}

void lease_free(Core *core) {
        for (Peer *peer = core->peers, *next; peer; peer = next) {
                next = peer->next;
                free(peer->hub);
                free(peer->domains);
                free(peer);
        }
}
