#include "orchestrator/pipeline.h"
#include "tests/unit/unit.h"

#define NOW (1000 * SECONDS)

static const Uuid installation = { { 1 } }, agent_id = { { 4, 1 } }, ann = { { 5, 1 } };

/* One admission, from a stranger to a public agent, with everything that the stages look at. */
typedef struct Bench {
        CoreSettings settings;
        Arrival arrival;
        Admission admission;
        LaneDepth depth;
} Bench;

static LaneDepth depth_of(const Admission *admission, void *bench) {
        (void) admission;
        return ((Bench *) bench)->depth;
}

static void change_agent(Directory *directory, AgentState state, const char *reason, bool priced, double priority) {
        DirectoryChange change = { .kind = DIRECTORY_AGENT,
                                   .id = agent_id,
                                   .tenant_id = installation,
                                   .name = TEXT("guide"),
                                   .owner_id = ann,
                                   .owner = TEXT("ann@example.org"),
                                   .visibility = VISIBILITY_PUBLIC,
                                   .state = state,
                                   .pause_reason = text_of(reason),
                                   .priced = priced,
                                   .priority = priority };
        directory_apply(directory, &change);
}

static void bench_open(Bench *bench) {
        Directory *directory = directory_new("agents.example", installation);

        *bench = (Bench){ .settings = core_defaults() };
        change_agent(directory, AGENT_ACTIVE, NULL, false, 0);
        bench->arrival = (Arrival){
                .from = { .full = TEXT("eve@example.net/phone"),
                          .bare = TEXT("eve@example.net"),
                          .local = TEXT("eve"),
                          .domain = TEXT("example.net"),
                          .resource = TEXT("phone") },
                .agent = TEXT("guide"),
                .agent_domain = TEXT("agents.example"),
                .body = TEXT("hello"),
        };
        bench->admission = (Admission){
                .settings = &bench->settings,
                .directory = directory,
                .meter = meter_new((Rate){ 3, 3 }, (Rate){ 0 }, "agents.example"),
                .now = { .monotonic_us = NOW, .wall_us = NOW },
                .arrival = &bench->arrival,
                .lane_depth = depth_of,
                .core = bench,
                .capacity = 1,
        };
}

static void bench_release(Bench *bench) {
        directory_free(bench->admission.directory);
        meter_free(bench->admission.meter);
}

static void set_limit(Bench *bench, LimitWhat what, int64_t window_us, int64_t amount) {
        DirectoryChange change = { .kind = DIRECTORY_LIMIT,
                                   .id = { { 7 } },
                                   .subject = LIMIT_OF_AGENT,
                                   .subject_id = agent_id,
                                   .what = what,
                                   .window_us = window_us,
                                   .amount = amount };
        directory_apply(bench->admission.directory, &change);
}

START_TEST(message_that_nothing_speaks_against_is_admitted) {
        _cleanup_(bench_release) Bench bench;
        Failure refusal;

        bench_open(&bench);
        ck_assert_done(admit(&bench.admission, &refusal), refusal);
        ck_assert(uuid_equal(bench.admission.agent->id, agent_id));
        ck_assert_int_eq(bench.admission.sender.kind, SENDER_STRANGER);
        ck_assert_int_ge(bench.admission.weight, 1);
        ck_assert_int_le(bench.admission.weight, 4);
}
END_TEST

static void write_fast(Bench *bench) {
        int64_t opens_us;

        for (int i = 0; i < 3; i++)
                ck_assert(meter_take(bench->admission.meter, &bench->arrival.from, NOW, &opens_us));
}

static void name_nobody(Bench *bench) {
        bench->arrival.agent = TEXT("nobody");
}

static void say_nothing(Bench *bench) {
        bench->arrival.body = TEXT_NONE;
}

static void say_too_much(Bench *bench) {
        bench->settings.body_bytes = 4;
}

static void limit_size(Bench *bench) {
        set_limit(bench, LIMIT_BODY_BYTES, 0, 3);
}

static void pause_it(Bench *bench) {
        change_agent(bench->admission.directory, AGENT_PAUSED, "on holiday", false, 0);
}

static void pause_without_a_word(Bench *bench) {
        change_agent(bench->admission.directory, AGENT_PAUSED, NULL, false, 0);
}

static void lose_the_cache(Bench *bench) {
        change_agent(bench->admission.directory, AGENT_ACTIVE, NULL, true, 0);
        bench->admission.cache_away = true;
}

static void fill_the_lane(Bench *bench) {
        bench->depth.lane = bench->settings.lane_depth;
}

static void fill_other_lanes(Bench *bench) {
        bench->depth.sender = bench->settings.sender_depth;
}

static void use_up_the_limit(Bench *bench) {
        Failure refusal;

        set_limit(bench, LIMIT_MESSAGES, 3600 * SECONDS, 2);
        for (int i = 0; i < 2; i++) {
                ck_assert(stage_authenticate(&bench->admission, &refusal));
                ck_assert(stage_own(&bench->admission, &refusal));
                ck_assert(stage_govern(&bench->admission, &refusal));
        }
}

static void limit_to_nothing(Bench *bench) {
        set_limit(bench, LIMIT_MESSAGES, 60 * SECONDS, 0);
}

static void limit_by_odd_window(Bench *bench) {
        set_limit(bench, LIMIT_MESSAGES, 90 * SECONDS, 0);
}

START_TEST(each_stage_refuses_with_its_reason) {
        const struct {
                void (*spoil)(Bench *bench);
                FailureKind expected;
                const char *says;
        } cases[] = {
                { write_fast, FAILURE_LIMIT, "You are writing too fast. Try again in 21 seconds." },
                { name_nobody, FAILURE_NOT_FOUND, "There is no such agent here." },
                { say_nothing, FAILURE_INVALID, "The message has no text." },
                { say_too_much, FAILURE_TOO_LARGE, "The message has 5 bytes; the limit is 4." },
                { limit_size, FAILURE_TOO_LARGE, "The message has 5 bytes; the agent's limit is 3." },
                { pause_it, FAILURE_UNAVAILABLE, "guide is paused: on holiday" },
                { pause_without_a_word, FAILURE_UNAVAILABLE, "guide is paused." },
                { lose_the_cache, FAILURE_UNAVAILABLE,
                  "What this may cost cannot be checked at the moment. Try again later." },
                { fill_other_lanes, FAILURE_LIMIT,
                  "100 of your messages are still waiting for an answer. Wait for one of them." },
                { fill_the_lane, FAILURE_LIMIT,
                  "20 of your messages are still waiting for an answer. Wait for one of them." },
                { use_up_the_limit, FAILURE_LIMIT,
                  "The agent's limit of 2 messages per hour is reached. Try again in 1801 seconds." },
                { limit_to_nothing, FAILURE_LIMIT, "The agent's limit of 0 messages per minute is reached." },
                { limit_by_odd_window, FAILURE_LIMIT, "The agent's limit of 0 messages per 90 seconds is reached." },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(bench_release) Bench bench;
                Failure refusal;
                bench_open(&bench);
                cases[i].spoil(&bench);
                ck_assert(!admit(&bench.admission, &refusal));
                ck_assert_int_eq(refusal.kind, cases[i].expected);
                ck_assert_str_eq(refusal.text, cases[i].says);
        }
}
END_TEST

/* Who may not talk to an agent learns nothing from its state: all of that comes after. */
START_TEST(forbidden_agent_answers_as_an_absent_one_whatever_else_is_wrong) {
        void (*const spoilers[])(Bench * bench) = { say_nothing,    say_too_much,  limit_size,       pause_it,
                                                    lose_the_cache, fill_the_lane, fill_other_lanes, limit_to_nothing };

        for (size_t i = 0; i < COUNT_OF(spoilers); i++) {
                _cleanup_(bench_release) Bench bench;
                Failure absent, forbidden;
                bench_open(&bench);
                spoilers[i](&bench);
                DirectoryChange hidden = { .kind = DIRECTORY_AGENT,
                                           .id = agent_id,
                                           .tenant_id = installation,
                                           .name = TEXT("guide"),
                                           .owner = TEXT("ann@example.org"),
                                           .visibility = VISIBILITY_PRIVATE,
                                           .state = AGENT_PAUSED };
                directory_apply(bench.admission.directory, &hidden);
                ck_assert(!admit(&bench.admission, &forbidden));
                name_nobody(&bench);
                ck_assert(!admit(&bench.admission, &absent));
                ck_assert_int_eq(forbidden.kind, absent.kind);
                ck_assert_str_eq(forbidden.text, absent.text);
        }
}
END_TEST

START_TEST(refused_message_uses_up_no_limit) {
        _cleanup_(bench_release) Bench bench;
        Failure refusal;
        int let_in = 0;

        bench_open(&bench);
        meter_free(bench.admission.meter);
        bench.admission.meter = meter_new((Rate){ 0 }, (Rate){ 0 }, "");
        set_limit(&bench, LIMIT_MESSAGES, 3600 * SECONDS, 2);
        fill_the_lane(&bench);
        for (int i = 0; i < 10; i++)
                ck_assert(!admit(&bench.admission, &refusal));
        bench.depth = (LaneDepth){ 0 };
        while (admit(&bench.admission, &refusal))
                let_in++;
        ck_assert_int_eq(let_in, 2);
}
END_TEST

START_TEST(cache_that_is_away_concerns_only_agents_with_a_price) {
        _cleanup_(bench_release) Bench bench;
        Failure refusal;

        bench_open(&bench);
        bench.admission.cache_away = true;
        ck_assert(admit(&bench.admission, &refusal));
}
END_TEST

START_TEST(weight_follows_from_the_score) {
        const struct {
                double alpha, beta, gamma, delta, reputation, priority, capacity;
                int32_t expected;
        } cases[] = {
                { 1, 1, 1, 1, 1, 1, 1, 4 },         { 1, 0, 1, 1, 0, 0, 0, 1 },
                { 1, 1, 1, 1, 0, 0, 0, 2 }, /* tools are there */
                { 0, 0, 0, 0, 1, 1, 1, 1 }, /* nothing counts */
                { 0, 0, 1, 0, 0, 0.5, 0, 3 },       { 0, 0, 1, 0, 0, 0.16, 0, 1 },
                { 0, 0, 1, 0, 0, 0.17, 0, 2 },      { 2, 0, 2, 0, 1, 0, 1, 3 },
                { 0, 0, 1, 1, 0, 1000, -1000, 3 }, /* each term counts from 0 to 1 */
                { 0, 0, 1, 0, 0, 0.0 / 0.0, 0, 1 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(bench_release) Bench bench;
                Failure refusal;
                bench_open(&bench);
                bench.settings.score_reputation = cases[i].alpha;
                bench.settings.score_tools = cases[i].beta;
                bench.settings.score_priority = cases[i].gamma;
                bench.settings.score_capacity = cases[i].delta;
                bench.admission.capacity = cases[i].capacity;
                change_agent(bench.admission.directory, AGENT_ACTIVE, NULL, false, cases[i].priority);
                for (int k = 0; k < 3; k++) { /* the same every time */
                        ck_assert(stage_authenticate(&bench.admission, &refusal));
                        ck_assert(stage_own(&bench.admission, &refusal));
                        bench.admission.agent->reputation = cases[i].reputation;
                        ck_assert(stage_prioritise(&bench.admission, &refusal));
                        ck_assert_msg(bench.admission.weight == cases[i].expected, "case %zu: %d", i,
                                      bench.admission.weight);
                }
        }
}
END_TEST

START_TEST(what_was_admitted_is_asked_again_for_those_of_every_form) {
        const struct {
                const char *sender;
                bool public, private;
        } cases[] = {
                { "ann@example.org", true, true },
                { "eve@example.net", true, false },
                { "example.net", true, false },
                { "agents.example", false, false },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(bench_release) Bench bench;
                Failure refusal;
                bench_open(&bench);
                Directory *directory = bench.admission.directory;
                DirectoryChange account = { .kind = DIRECTORY_ACCOUNT, .id = ann, .name = TEXT("ann@example.org") };
                directory_apply(directory, &account);
                const Agent *agent = directory_agent_by_id(directory, agent_id);
                ck_assert_msg(still_admitted(directory, bench.admission.now, text_of(cases[i].sender), agent, false,
                                             &refusal) == cases[i].public,
                              "%s", cases[i].sender);
                DirectoryChange hidden = { .kind = DIRECTORY_AGENT,
                                           .id = agent_id,
                                           .tenant_id = installation,
                                           .name = TEXT("guide"),
                                           .owner = TEXT("ann@example.org"),
                                           .visibility = VISIBILITY_PRIVATE };
                directory_apply(directory, &hidden);
                ck_assert_msg(still_admitted(directory, bench.admission.now, text_of(cases[i].sender), agent, false,
                                             &refusal) == cases[i].private,
                              "%s", cases[i].sender);
                if (!cases[i].private)
                        ck_assert_int_eq(refusal.kind, FAILURE_FORBIDDEN);
        }
}
END_TEST

START_TEST(agent_that_is_gone_or_paused_admits_nobody_any_more) {
        _cleanup_(bench_release) Bench bench;
        Failure refusal;

        bench_open(&bench);
        Directory *directory = bench.admission.directory;
        const Agent *agent = directory_agent_by_id(directory, agent_id);
        ck_assert(!still_admitted(directory, bench.admission.now, TEXT("eve@example.net"), NULL, false, &refusal));
        ck_assert_int_eq(refusal.kind, FAILURE_FORBIDDEN);
        change_agent(directory, AGENT_PAUSED, "tea", false, 0);
        ck_assert(!still_admitted(directory, bench.admission.now, TEXT("eve@example.net"), agent, false, &refusal));
        ck_assert_int_eq(refusal.kind, FAILURE_POLICY);
        ck_assert_str_eq(refusal.text, "guide is paused: tea");
        /* A command calls no model. */
        ck_assert(still_admitted(directory, bench.admission.now, TEXT("eve@example.net"), agent, true, &refusal));
        change_agent(directory, AGENT_DELETED, NULL, false, 0);
        ck_assert(!still_admitted(directory, bench.admission.now, TEXT("eve@example.net"), agent, false, &refusal));
        ck_assert_int_eq(refusal.kind, FAILURE_FORBIDDEN);
}
END_TEST

UNIT_TESTS("orchestrator/pipeline", message_that_nothing_speaks_against_is_admitted, each_stage_refuses_with_its_reason,
           forbidden_agent_answers_as_an_absent_one_whatever_else_is_wrong, refused_message_uses_up_no_limit,
           cache_that_is_away_concerns_only_agents_with_a_price, weight_follows_from_the_score,
           what_was_admitted_is_asked_again_for_those_of_every_form,
           agent_that_is_gone_or_paused_admits_nobody_any_more)
