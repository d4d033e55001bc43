#include "tests/unit/orchestrator/rig.h"

#include <stdio.h>

const Uuid rig_installation = { { 1 } }, rig_acme = { { 2 } }, rig_zeta = { { 3 } };
const Uuid rig_guide = { { 4, 1 } }, rig_desk = { { 4, 2 } }, rig_secret = { { 4, 3 } }, rig_open = { { 4, 4 } };
const Uuid rig_ann = { { 5, 1 } }, rig_bob = { { 5, 2 } };

static uint64_t rig_random(void *source) {
        uint64_t *state = source;

        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *state >> 11;
}

static Directory *rig_directory(void) {
        const DirectoryChange changes[] = {
                { .kind = DIRECTORY_TENANT, .id = rig_installation, .name = TEXT("hub") },
                { .kind = DIRECTORY_TENANT, .id = rig_acme, .name = TEXT("acme") },
                { .kind = DIRECTORY_TENANT, .id = rig_zeta, .name = TEXT("zeta") },
                { .kind = DIRECTORY_ACCOUNT, .id = rig_ann, .name = TEXT("ann@example.org") },
                { .kind = DIRECTORY_ACCOUNT, .id = rig_bob, .name = TEXT("bob@example.org") },
                { .kind = DIRECTORY_MEMBER, .id = rig_ann, .tenant_id = rig_acme, .role = ROLE_OWNER },
                { .kind = DIRECTORY_MEMBER, .id = rig_bob, .tenant_id = rig_acme, .role = ROLE_VIEWER },
        };
        const struct {
                Uuid id, tenant_id;
                const char *name;
                Visibility visibility;
        } agents[] = {
                { rig_guide, rig_installation, "guide", VISIBILITY_PUBLIC },
                { rig_desk, rig_acme, "desk", VISIBILITY_TENANT },
                { rig_secret, rig_acme, "secret", VISIBILITY_PRIVATE },
                { rig_open, rig_zeta, "open", VISIBILITY_PUBLIC },
        };
        Directory *directory = directory_new(RIG_DOMAIN, rig_installation);

        for (size_t i = 0; i < COUNT_OF(changes); i++)
                directory_apply(directory, &changes[i]);
        for (size_t i = 0; i < COUNT_OF(agents); i++) {
                DirectoryChange change = { .kind = DIRECTORY_AGENT,
                                           .id = agents[i].id,
                                           .tenant_id = agents[i].tenant_id,
                                           .name = text_of(agents[i].name),
                                           .owner_id = rig_ann,
                                           .owner = TEXT("ann@example.org"),
                                           .visibility = agents[i].visibility };
                directory_apply(directory, &change);
        }
        return directory;
}

void rig_prepare(Rig *rig) {
        *rig = (Rig){ .settings = core_defaults(), .state = 42 };
        rig->now = (Moment){ .monotonic_us = 1000 * SECONDS, .wall_us = INT64_C(1800000000) * SECONDS };
        rig->settings.hub = TEXT(RIG_HUB);
        rig->settings.domains = TEXT(RIG_DOMAIN);
        rig->settings.process = (Uuid){ { 9 } };
        rig->settings.workers = 4;
        rig->settings.sender_depth = 10000; /* one person writes in many threads */
        rig->settings.random = rig_random;
}

void rig_create(Rig *rig) {
        rig->settings.random_source = &rig->state;
        rig->core = core_new(&rig->settings, rig_directory());
}

void rig_start(Rig *rig) {
        rig_create(rig);
        rig_step(rig, (Event){ .kind = EVENT_START });
        ck_assert_ptr_nonnull(rig->request);
        ck_assert_int_eq(rig->request->kind, STORE_START);
        rig_settle(rig);
        rig_step(rig, (Event){ .kind = EVENT_LINK_UP, .link = { .domain = TEXT(RIG_DOMAIN) } });
        rig_settle(rig);
        ck_assert(core_counts(rig->core).leading);
}

void rig_release(Rig *rig) {
        if (rig->core)
                core_free(rig->core);
        commands_release(&rig->commands);
}

static void rig_note_turn(Rig *rig, const Command *command) {
        if (command->kind == COMMAND_TURN) {
                ck_assert_uint_lt(rig->turn_count, RIG_TURNS);
                rig->turns[rig->turn_count++] = (RigTurn){ command->turn.turn, command->turn.input, false };
        }
        for (size_t i = 0; command->kind == COMMAND_STOP_TURN && i < rig->turn_count; i++)
                if (rig->turns[i].turn == command->turn.turn)
                        rig->turns[i].stopped = true;
}

void rig_step(Rig *rig, Event event) {
        core_step(rig->core, rig->now, &event, &rig->commands);
        for (size_t i = 0; i < rig->commands.count; i++) {
                const Command *command = &rig->commands.items[i];
                rig_note_turn(rig, command);
                if (command->kind != COMMAND_STORE)
                        continue;
                ck_assert_ptr_null(rig->request); /* one at a time */
                rig->request = command->request;
        }
}

void rig_pass(Rig *rig, int64_t microseconds) {
        rig->now.monotonic_us += microseconds;
        rig->now.wall_us += microseconds;
        rig_step(rig, (Event){ .kind = EVENT_TICK });
}

void rig_wake(Rig *rig) {
        int64_t pause = core_wake(rig->core) - rig->now.monotonic_us;

        ck_assert_int_gt(pause, 0);
        rig_pass(rig, pause);
}

void rig_change(Rig *rig, DirectoryChange change) {
        rig_step(rig, (Event){ .kind = EVENT_DIRECTORY, .directory = { .changes = &change, .count = 1 } });
}

static Text rig_text(Arena *arena, const char *string) {
        return string ? text_copy(arena, text_of(string)) : TEXT_NONE;
}

void rig_say(Rig *rig, Said said) {
        Arena *arena = arena_new(said.arena);
        Arrival *arrival = arena_take(arena, sizeof(*arrival));
        char id[32];
        Failure failure;

        ck_assert_ptr_nonnull(arrival);
        snprintf(id, sizeof(id), "stanza-%lld", (long long) ++rig->said);
        *arrival = (Arrival){
                .arena = arena,
                .door = said.door,
                .agent = rig_text(arena, said.agent ? said.agent : "guide"),
                .agent_domain = TEXT(RIG_DOMAIN),
                .stanza_id = said.anonymous ? TEXT_NONE : rig_text(arena, said.id ? said.id : id),
                .origin_id = rig_text(arena, said.origin),
                .thread = rig_text(arena, said.thread),
                .body = rig_text(arena, said.body ? said.body : "hello"),
                .replaces = rig_text(arena, said.replaces),
                .command = said.command,
                .stops = said.stops,
                .receipt_wanted = true,
                .encrypted = said.encrypted,
                .states = said.states,
                .markable = said.markable,
                .quotes = said.quotes,
                .ticket = said.ticket,
                .arrived_us = rig->now.monotonic_us,
        };
        Text from = text_of(said.from ? said.from : "eve@example.org/phone");
        ck_assert_done(jid_parse(arena, from, &arrival->from, &failure), failure);
        rig_step(rig, (Event){ .kind = EVENT_MESSAGE, .arrival = arrival });
}

StoreReport *rig_report(Rig *rig) {
        Arena *arena = arena_new(0);
        StoreReport *report = arena_take(arena, sizeof(*report));
        const StoreRequest *request = rig->request;

        ck_assert_ptr_nonnull(request);
        report->arena = arena;
        report->kind = request->kind;
        report->number = request->number;
        report->taken = true;
        report->epoch = request->epoch + 1;
        report->read_to = request->after;
        report->accepted = arena_take_array(arena, AcceptedFate, request->batch.accepted_count);
        report->concluded = arena_take_array(arena, RowFate, request->batch.concluded_count);
        report->steps = arena_take_array(arena, RowFate, request->batch.step_count);
        return report;
}

void rig_give(Rig *rig, StoreReport *report) {
        rig->request = NULL;
        rig_step(rig, (Event){ .kind = EVENT_STORE, .report = report });
}

void rig_store(Rig *rig, StoreResult result) {
        StoreReport *report = rig_report(rig);

        report->result = result;
        rig_give(rig, report);
}

void rig_settle(Rig *rig) {
        for (int i = 0; rig->request; i++) {
                ck_assert_int_lt(i, 1000);
                rig_store(rig, STORE_DONE);
        }
}

const Command *rig_command(const Rig *rig, CommandKind kind, size_t nth) {
        for (size_t i = 0; i < rig->commands.count; i++)
                if (rig->commands.items[i].kind == kind && nth-- == 0)
                        return &rig->commands.items[i];
        return NULL;
}

size_t rig_count(const Rig *rig, CommandKind kind) {
        size_t count = 0;

        while (rig_command(rig, kind, count))
                count++;
        return count;
}

RigTurn *rig_turn(Rig *rig, const char *body) {
        for (size_t i = 0; i < rig->turn_count; i++)
                if (text_equal(rig->turns[i].input->body, text_of(body)))
                        return &rig->turns[i];
        ck_abort_msg("no turn runs for \"%s\"", body);
}

void rig_end_with(Rig *rig, RigTurn *turn, TurnResult result) {
        Arena *arena = arena_new(0);
        TurnResult *copy = arena_take(arena, sizeof(*copy));
        uint64_t number = turn->turn;

        *copy = result;
        copy->answer = text_copy(arena, result.answer);
        copy->explanation = text_copy(arena, result.explanation);
        copy->tools = text_copy(arena, result.tools);
        copy->warning = text_copy(arena, result.warning);
        size_t behind = (size_t) (&rig->turns[--rig->turn_count] - turn);
        memmove(turn, turn + 1, behind * sizeof(*turn));
        rig_step(rig, (Event){ .kind = EVENT_TURN_ENDED,
                               .ended = { .turn = number, .arena = arena, .result = copy, .worker = TEXT("w-1") } });
}

void rig_answer(Rig *rig, RigTurn *turn, const char *answer) {
        rig_end_with(rig, turn, (TurnResult){ .outcome = OUTCOME_SUCCESS, .answer = text_of(answer) });
}

void rig_accept(Rig *rig, Said said) {
        rig_say(rig, said);
        ck_assert_ptr_null(rig_command(rig, COMMAND_REFUSE, 0));
        rig_settle(rig);
}
