/* People: who writes what to whom and when, writes it again, changes their mind, and asks for too much. */
#include "tests/unit/simulator/simulation.h"

#include <assert.h>
#include <stdio.h>

Note *note_of(Simulation *simulation, Text body) {
        Text unstorable = text_of(UNSTORABLE), number;
        int64_t value;

        if (text_starts_with(body, unstorable))
                body = (Text){ body.bytes + unstorable.length, body.length - unstorable.length };
        if (!text_split(&body, ' ', &number) || !text_to_int64(number, &value) || value < 1 ||
            value > (int64_t) simulation->note_count)
                return NULL;
        return simulation->notes[value - 1];
}

Writing *writing_of(Simulation *simulation, uint64_t ticket) {
        return ticket >= 1 && ticket <= simulation->writing_count ? simulation->writings[ticket - 1] : NULL;
}

static void *list_room(void *items, size_t count, size_t *capacity) {
        if (count < *capacity)
                return items;
        *capacity = *capacity ? *capacity * 2 : 256;
        return memory_resize(items, *capacity * sizeof(void *));
}

static Writing *writing_new(Simulation *simulation, Note *note) {
        Writing *writing = run_take(simulation, sizeof(*writing));

        simulation->writings = list_room(simulation->writings, simulation->writing_count,
                                         &simulation->writing_capacity);
        simulation->writings[simulation->writing_count++] = writing;
        writing->note = note;
        writing->ticket = simulation->writing_count;
        /* With an origin id each transmission is a stanza of its own; else its id is all there is to know it by. */
        writing->stanza_id = note->origin_id.length
                                     ? run_format(simulation, "s%llu", (unsigned long long) writing->ticket)
                                     : note->stanza_id;
        return writing;
}

Arrival *writing_arrival(Simulation *simulation, const Writing *writing) {
        const Note *note = writing->note;
        const CastAccount *account = &simulation->cast.accounts[note->account];
        Arena *arena = arena_new(0);
        Arrival *arrival = arena_take(arena, sizeof(*arrival));
        Text full = text_copy(arena, note->address), bare = { full.bytes, strlen(account->bare) };

        assert(arrival);
        size_t local = (size_t) ((const char *) memchr(bare.bytes, '@', bare.length) - bare.bytes);
        *arrival = (Arrival){
                .arena = arena,
                .door = note->rest ? DOOR_REST : DOOR_CHAT,
                .from = { .full = full,
                          .bare = bare,
                          .local = { bare.bytes, local },
                          .domain = { bare.bytes + local + 1, bare.length - local - 1 },
                          .resource = { full.bytes + bare.length + 1, full.length - bare.length - 1 } },
                .agent = text_copy(arena, note->local),
                .agent_domain = text_of(domain_names[note->domain]),
                .stanza_id = text_copy(arena, writing->stanza_id),
                .origin_id = text_copy(arena, note->origin_id),
                .thread = text_copy(arena, note->thread),
                .body = text_copy(arena, note->body),
                .replaces = note->replaces.length ? text_copy(arena, note->replaces) : TEXT_NONE,
                .command = note->command,
                .stops = note->stops,
                .receipt_wanted = note->receipt_wanted,
                .ticket = writing->ticket,
        };
        return arrival;
}

/* A REST client speaks to one hub's socket. */
static bool call_hub(Simulation *simulation, Writing *writing) {
        Process *process = simulation->hub[random_below(&simulation->people, (uint64_t) simulation->plan.hubs)].process;

        if (!process || process->frozen || !process->hub->serves[writing->note->domain])
                return false;
        writing->process = process;
        Event event = { EVENT_MESSAGE, .arrival = writing_arrival(simulation, writing) };
        process_post(process, random_delay(&simulation->people, MILLISECONDS), &event, NULL);
        return true;
}

static void write_again(void *about, uint64_t number) {
        Note *note = about;

        (void) number;
        if (!note->simulation->chaos)
                return;
        /* Nothing tells a correction without an origin id from a later one of the same message when it is written
         * again: it takes the place of itself. */
        note->corrected |= note->replaces.length > 0 && note->origin_id.length == 0;
        people_write(note->simulation, note);
}

void people_write(Simulation *simulation, Note *note) {
        Random *random = &simulation->people;
        Writing *writing = writing_new(simulation, note);
        const Plan *plan = &simulation->plan;
        Server *server = &simulation->servers[plan->cluster ? random_below(random, (uint64_t) plan->hubs) : 0];
        bool sent = note->rest ? call_hub(simulation, writing) : server_carry(server, note->domain, writing);

        trace(simulation, "person writes", note->account, writing->ticket);
        if (!random_chance(random, sent ? plan->repeats : 0.5))
                return;
        int64_t delay = random_chance(random, 0.5) ? random_between(random, 0, 200 * MILLISECONDS)
                                                   : random_between(random, SECONDS, 60 * SECONDS);
        agenda_add(&simulation->agenda, now_us(simulation) + delay, write_again, note, 0);
}

static Note *note_new(Simulation *simulation) {
        Note *note = run_take(simulation, sizeof(*note));

        simulation->notes = list_room(simulation->notes, simulation->note_count, &simulation->note_capacity);
        simulation->notes[simulation->note_count++] = note;
        note->simulation = simulation;
        note->number = (int64_t) simulation->note_count;
        return note;
}

static void note_address(Simulation *simulation, Note *note) {
        Random *random = &simulation->people;
        const Cast *cast = &simulation->cast;
        static const char *const strangers[] = { "nobody", "desk.nowhere", "desk.acme.zeta", "." };

        note->account = (int) random_below(random, ACCOUNTS);
        note->agent = random_chance(random, 0.03) ? -1 : (int) random_below(random, AGENTS);
        /* People mostly write to those they may write to. */
        while (note->agent >= 0 && !cast_may_talk(simulation, note->account, note->agent) &&
               random_chance(random, 0.9)) {
                note->account = (int) random_below(random, ACCOUNTS);
                note->agent = (int) random_below(random, AGENTS);
        }
        note->entitled = note->agent >= 0 && cast_may_talk(simulation, note->account, note->agent);
        note->local = text_of(note->agent >= 0 ? cast->agents[note->agent].local : strangers[random_below(random, 4)]);
        note->domain = (int) random_below(random, (uint64_t) simulation->plan.domains);
        note->thread = random_chance(random, 0.6) ? TEXT_NONE
                                                  : run_format(simulation, "thread-%d", (int) random_below(random, 2));
        note->address = run_format(simulation, "%s/r%d", cast->accounts[note->account].bare,
                                   (int) random_below(random, 2));
}

static void note_body(Simulation *simulation, Note *note) {
        Random *random = &simulation->people;

        note->unstorable = random_chance(random, simulation->plan.unstorable);
        note->body = run_format(simulation, "%s%lld %llx", note->unstorable ? UNSTORABLE : "", (long long) note->number,
                                (unsigned long long) random_next(random));
        note->rest = random_chance(random, 0.1);
        note->receipt_wanted = random_chance(random, 0.9);
        if (random_chance(random, 0.8))
                note->origin_id = run_format(simulation, "o%lld", (long long) note->number);
        else if (random_chance(random, 0.7))
                note->stanza_id = run_format(simulation, "n%lld", (long long) note->number);
}

/* Another message under an id that was used: only one of the two may be let in. */
static void note_conflict(Simulation *simulation, Note *note) {
        const Note *earlier = simulation->notes[random_below(&simulation->people, simulation->note_count)];

        if (earlier == note || earlier->origin_id.length == 0)
                return;
        note->account = earlier->account;
        note->agent = earlier->agent;
        note->entitled = earlier->entitled;
        note->local = earlier->local;
        note->address = earlier->address;
        note->origin_id = earlier->origin_id;
        note->rest = earlier->rest;
        note->conflicting = true;
}

/* What was said under this name, and what corrected it, may now be cancelled. */
static void name_give_up(Simulation *simulation, const Note *of) {
        for (size_t i = 0; i < simulation->note_count; i++) {
                Note *note = simulation->notes[i];
                note->corrected |= note->account == of->account && note->agent == of->agent &&
                                   (note == of || text_equal(note->replaces, of->stanza_id));
        }
}

/* What somebody says of what he said before: stop, or this instead of that, or nothing of that. */
static void note_manage(Simulation *simulation, Note *note) {
        Random *random = &simulation->people;
        const Plan *plan = &simulation->plan;

        note->stops = !note->rest && random_chance(random, plan->stops);
        note->command = note->stops || random_chance(random, plan->commands);
        if (note->rest || note->conflicting || !random_chance(random, plan->corrections))
                return;
        size_t back = 1 + random_below(random, 5);
        Note *earlier = back < simulation->note_count ? simulation->notes[simulation->note_count - 1 - back] : NULL;
        if (!earlier || earlier->rest || earlier->origin_id.length || !earlier->stanza_id.length ||
            earlier->account != note->account || earlier->agent != note->agent)
                return;
        name_give_up(simulation, earlier);
        note->replaces = earlier->stanza_id;
}

static void retract_one(Simulation *simulation) {
        Random *random = &simulation->people;
        size_t back = 1 + random_below(random, 10);
        Process *process = simulation->hub[random_below(random, (uint64_t) simulation->plan.hubs)].process;
        Note *note = back < simulation->note_count ? simulation->notes[simulation->note_count - back] : NULL;

        if (!process || !note || note->rest || note->origin_id.length || !note->stanza_id.length)
                return;
        const char *bare = simulation->cast.accounts[note->account].bare, *at = strchr(bare, '@');
        Jid from = { .full = note->address,
                     .bare = text_of(bare),
                     .local = { bare, (size_t) (at - bare) },
                     .domain = text_of(at + 1) };
        name_give_up(simulation, note);
        Event event = { EVENT_RETRACTED, .retraction = { from, note->local, note->stanza_id } };
        trace(simulation, "person takes back", process->number, (uint64_t) note->number);
        process_post(process, random_delay(random, MILLISECONDS), &event, NULL);
}

static Note *note_write(Simulation *simulation, const Note *like) {
        Note *note = note_new(simulation);

        note_address(simulation, note);
        note_body(simulation, note);
        if (like) {
                note->account = like->account;
                note->agent = like->agent;
                note->entitled = like->entitled;
                note->local = like->local;
                note->domain = like->domain;
                note->thread = like->thread;
                note->address = like->address;
        } else if (random_chance(&simulation->people, simulation->plan.conflicts))
                note_conflict(simulation, note);
        note_manage(simulation, note);
        people_write(simulation, note);
        return note;
}

static void cancel_one(Simulation *simulation) {
        Random *random = &simulation->people;
        size_t count = simulated_store_count(simulation->store), back = 1 + random_below(random, 20);
        Process *process = simulation->hub[random_below(random, (uint64_t) simulation->plan.hubs)].process;

        if (back > count || !process)
                return;
        StoredMessage *message = simulated_store_at(simulation->store, count - back);
        Life *life = message->life;
        life->cancel_asked = true;
        Event event = { EVENT_CANCEL, .cancel = { .message_id = message->accepted.id,
                                                  .tenant_id = message->accepted.tenant_id,
                                                  .by = message->accepted.sender,
                                                  .ticket = check_cancel_asked(process) } };
        trace(simulation, "person cancels", process->number, (uint64_t) life->note->number);
        process_post(process, random_delay(random, MILLISECONDS), &event, NULL);
}

static void write_next(void *about, uint64_t number) {
        Simulation *simulation = about;
        Random *random = &simulation->people;
        const Plan *plan = &simulation->plan;
        int64_t left = simulation->options->messages - (int64_t) simulation->note_count;

        (void) number;
        if (left <= 0)
                return;
        const Note *note = note_write(simulation, NULL);
        if (random_chance(random, plan->floods))
                for (int64_t i = random_between(random, 2, 40); i > 0 && --left > 0; i--)
                        note_write(simulation, note);
        if (random_chance(random, plan->cancels))
                cancel_one(simulation);
        if (random_chance(random, plan->corrections))
                retract_one(simulation);
        agenda_add(&simulation->agenda, now_us(simulation) + random_between(random, 0, 2 * plan->gap_us), write_next,
                   simulation, 0);
}

/* Every hub reads what others were asked to cancel, once a second. */
static void cancels_spread(void *about, uint64_t number) {
        Simulation *simulation = about;

        (void) number;
        for (Process *process = simulation->processes; process; process = process->next)
                while (process->alive && !process->frozen &&
                       process->cancels_seen < simulated_store_cancelled_count(simulation->store)) {
                        const CancelledRecord *record = simulated_store_cancelled(simulation->store,
                                                                                  process->cancels_seen++);
                        Event event = { EVENT_CANCEL,
                                        .cancel = { record->message_id, record->tenant_id, record->by, true, 0 } };
                        process_post(process, random_between(&simulation->hubs, 0, SECONDS), &event, NULL);
                }
        agenda_add(&simulation->agenda, now_us(simulation) + SECONDS, cancels_spread, simulation, 0);
}

void people_begin(Simulation *simulation) {
        agenda_add(&simulation->agenda, SECONDS, write_next, simulation, 0);
        agenda_add(&simulation->agenda, SECONDS, cancels_spread, simulation, 0);
}
