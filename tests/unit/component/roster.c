#include "component/roster.h"
#include "orchestrator/directory/budgets.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define START  (1000 * SECONDS)
#define BOB    "bob@example.org"
#define ZOE    "zoe@example.net"
#define DESK   "desk.acme@agents.example"
#define AT_ALL 100

/* One tenant, whose owner ann has two agents: `desk`, public, and `safe`, shared; two domains. */
static const Uuid acme = { { 2 } }, desk = { { 4, 1 } }, safe = { { 4, 2 } };
static const Uuid ann = { { 5, 1 } }, bob = { { 5, 2 } }, grant = { { 6, 1 } };
static const char *const domains[] = { "agents.example", "other.example", NULL };

typedef struct Place {
        Directory *directory;
        Roster *roster;
        Moment now;
        TextBuilder said;
} Place;

static void apply(Place *place, DirectoryChange change) {
        directory_apply(place->directory, &change);
}

static void put_agent(Place *place, Uuid id, const char *name, Visibility visibility, AgentState state) {
        apply(place, (DirectoryChange){ .kind = DIRECTORY_AGENT,
                                        .gone = state == AGENT_DELETED,
                                        .id = id,
                                        .tenant_id = acme,
                                        .name = text_of(name),
                                        .owner_id = ann,
                                        .owner = TEXT("ann@example.org"),
                                        .visibility = visibility,
                                        .state = state,
                                        .pause_reason = state == AGENT_PAUSED ? TEXT("Lunch.") : TEXT_NONE });
}

static void subscribe_at(Place *place, Uuid agent_id, const char *who, const char *domain, bool gone) {
        apply(place, (DirectoryChange){ .kind = DIRECTORY_SUBSCRIPTION,
                                        .gone = gone,
                                        .tenant_id = acme,
                                        .agent_id = agent_id,
                                        .name = text_of(who),
                                        .domain = text_of(domain) });
}

static void subscribe(Place *place, Uuid agent_id, const char *who) {
        subscribe_at(place, agent_id, who, domains[0], false);
}

static void put_grant(Place *place, bool gone, int64_t expires_us) {
        apply(place, (DirectoryChange){ .kind = DIRECTORY_GRANT,
                                        .gone = gone,
                                        .id = grant,
                                        .tenant_id = acme,
                                        .agent_id = safe,
                                        .name = TEXT(ZOE),
                                        .expires_us = expires_us });
}

static void put_account(Place *place, bool suspended) {
        apply(place,
              (DirectoryChange){ .kind = DIRECTORY_ACCOUNT, .id = bob, .name = TEXT(BOB), .suspended = suspended });
}

static void fill(Place *place) {
        *place = (Place){ .directory = directory_new("agents.example other.example", (Uuid){ { 1 } }),
                          .now = { .monotonic_us = START, .wall_us = START },
                          .said = text_builder(0) };
        apply(place, (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme") });
        apply(place, (DirectoryChange){ .kind = DIRECTORY_ACCOUNT, .id = ann, .name = TEXT("ann@example.org") });
        put_account(place, false);
        put_agent(place, desk, "desk", VISIBILITY_PUBLIC, AGENT_ACTIVE);
        put_agent(place, safe, "safe", VISIBILITY_SHARED, AGENT_ACTIVE);
}

static void open_up(Place *place) {
        place->roster = roster_new(place->directory, domains);
        roster_up(place->roster, 0);
}

static void place_release(Place *place) {
        roster_free(place->roster);
        directory_free(place->directory);
        text_builder_release(&place->said);
}

static void note(TextBuilder *said, const Outgoing *outgoing) {
        const Element *show = element_child(outgoing->element, TEXT("show"), TEXT_NONE);
        const Element *status = element_child(outgoing->element, TEXT("status"), TEXT_NONE);
        Text type = element_get(outgoing->element, TEXT("type"));

        text_add_format(said, "%s%.*s>%.*s:%.*s%.*s%.*s", said->length ? " " : "", TEXT_ARGUMENTS(outgoing->from),
                        TEXT_ARGUMENTS(outgoing->to), TEXT_ARGUMENTS(type),
                        TEXT_ARGUMENTS(show ? show->text : TEXT_NONE),
                        TEXT_ARGUMENTS(status ? status->text : TEXT_NONE));
}

/* Everything that the roster has to say on a stream until nothing is due, with time passing as it wishes. */
static const char *said_on(Place *place, size_t domain) {
        text_builder_reset(&place->said);
        int64_t due_us;
        while ((due_us = roster_due(place->roster, domain, place->now)) != INT64_MAX) {
                if (due_us > place->now.monotonic_us)
                        place->now.monotonic_us = due_us;
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                OutgoingList list = { 0 };
                roster_take(place->roster, domain, place->now, arena, &list);
                ck_assert(!list.incomplete);
                for (const Outgoing *outgoing = list.first; outgoing; outgoing = outgoing->next)
                        note(&place->said, outgoing);
        }
        return place->said.length ? place->said.bytes : "";
}

static const char *said(Place *place) {
        return said_on(place, 0);
}

static size_t ended(Place *place) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Text agent, people[AT_ALL];

        return roster_take_ended(place->roster, arena, &agent, people, AT_ALL);
}

#define HELLO(who, agent)   agent "/aiox>" who ":"
#define GOODBYE(who, agent) agent "/aiox>" who ":unavailable"
#define OVER(who, agent)    agent ">" who ":unsubscribed " GOODBYE(who, agent)

START_TEST(a_stream_that_stands_begins_with_hello_to_everybody) {
        _cleanup_(place_release) Place place;
        fill(&place);
        subscribe(&place, desk, BOB);
        subscribe(&place, desk, ZOE);
        open_up(&place);
        ck_assert_str_eq(said(&place), HELLO(ZOE, DESK) " " HELLO(BOB, DESK));
        ck_assert_str_eq(said(&place), "");
        roster_down(place.roster, 0);
        ck_assert_str_eq(said(&place), "");
        roster_up(place.roster, 0);
        ck_assert_str_eq(said(&place), HELLO(ZOE, DESK) " " HELLO(BOB, DESK));
}
END_TEST

START_TEST(who_was_let_in_is_told_so_once) {
        _cleanup_(place_release) Place place;
        fill(&place);
        open_up(&place);
        subscribe(&place, desk, BOB);
        subscribe(&place, desk, BOB); /* the clerk reads it too */
        ck_assert_str_eq(said(&place), DESK ">" BOB ":subscribed " HELLO(BOB, DESK));
        subscribe(&place, desk, BOB);
        ck_assert_str_eq(said(&place), "");
        /* Let in while the stream was down, too. */
        roster_down(place.roster, 0);
        subscribe(&place, desk, ZOE);
        ck_assert_int_eq(roster_due(place.roster, 0, place.now), INT64_MAX);
        roster_up(place.roster, 0);
        ck_assert_str_eq(said(&place), DESK ">" ZOE ":subscribed " HELLO(ZOE, DESK) " " HELLO(BOB, DESK));
}
END_TEST

START_TEST(an_agents_look_is_told_when_it_changed_and_only_then) {
        _cleanup_(place_release) Place place;
        fill(&place);
        subscribe(&place, desk, BOB);
        open_up(&place);
        said(&place);
        put_agent(&place, desk, "desk", VISIBILITY_PUBLIC, AGENT_PAUSED);
        put_agent(&place, desk, "desk", VISIBILITY_PUBLIC, AGENT_PAUSED);
        ck_assert_str_eq(said(&place), HELLO(BOB, DESK) "awayLunch.");
        put_agent(&place, desk, "desk", VISIBILITY_PUBLIC, AGENT_PAUSED);
        put_agent(&place, safe, "safe", VISIBILITY_SHARED, AGENT_PAUSED);
        ck_assert_str_eq(said(&place), "");
        /* What changed twice before it could be told is told as it is. */
        put_agent(&place, desk, "desk", VISIBILITY_PUBLIC, AGENT_ACTIVE);
        put_agent(&place, desk, "desk", VISIBILITY_TENANT, AGENT_ACTIVE);
        put_agent(&place, desk, "desk", VISIBILITY_PUBLIC, AGENT_ACTIVE);
        ck_assert_str_eq(said(&place), HELLO(BOB, DESK));
}
END_TEST

START_TEST(an_agent_over_budget_is_not_to_be_disturbed_until_it_has_some_again) {
        _cleanup_(place_release) Place place;
        const Budget budget = { BUDGET_OF_AGENT, BUDGET_TOKENS, BUDGET_DAY, 100 };
        const BudgetParties parties = { .agent_id = desk };
        fill(&place);
        subscribe(&place, desk, BOB);
        open_up(&place);
        said(&place);
        directory_apply(place.directory, &(DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                                             .id = { { 8 } },
                                                             .subject = LIMIT_OF_AGENT,
                                                             .subject_id = desk,
                                                             .what = LIMIT_TOKENS,
                                                             .window_us = LIMIT_DAY_US,
                                                             .amount = 100 });
        place.now.wall_us = INT64_C(1800000000) * SECONDS;
        directory_spend(place.directory, &parties, &budget, INT64_C(1800003600) * SECONDS, TEXT("Spent."));
        directory_spend(place.directory, &parties, &budget, INT64_C(1800003600) * SECONDS, TEXT("Spent."));
        ck_assert_str_eq(said(&place), HELLO(BOB, DESK) "dndOver its limit until 2027-01-15 09:00 UTC.");
        directory_renew_spent(place.directory, place.now);
        ck_assert_str_eq(said(&place), "");
        place.now.wall_us = INT64_C(1800003600) * SECONDS;
        directory_renew_spent(place.directory, place.now);
        ck_assert_str_eq(said(&place), HELLO(BOB, DESK));
}
END_TEST

START_TEST(access_that_ends_ends_the_subscription) {
        static const char *const ends[] = { "grant removed",     "grant expired",    "narrowed",
                                            "account suspended", "tenant suspended", "deleted" };
        for (size_t i = 0; i < COUNT_OF(ends); i++) {
                _cleanup_(place_release) Place place;
                bool safe_one = i < 2, deleted = i == 5;
                const char *told = safe_one ? OVER(ZOE, "safe.acme@agents.example") : OVER(BOB, DESK);
                fill(&place);
                put_grant(&place, false, START + 10 * SECONDS);
                subscribe(&place, safe_one ? safe : desk, safe_one ? ZOE : BOB);
                open_up(&place);
                ck_assert_str_ne(said(&place), "");
                switch (i) {
                case 0:
                        put_grant(&place, true, 0);
                        break;
                case 1:
                        place.now.wall_us += 9 * SECONDS;
                        ck_assert_str_eq(said(&place), "");
                        place.now.wall_us += SECONDS;
                        break;
                case 2:
                        put_agent(&place, desk, "desk", VISIBILITY_TENANT, AGENT_ACTIVE);
                        break;
                case 3:
                        put_account(&place, true);
                        break;
                case 4:
                        apply(&place,
                              (DirectoryChange){
                                      .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme"), .suspended = true });
                        break;
                default:
                        put_agent(&place, desk, "desk", VISIBILITY_PUBLIC, AGENT_DELETED);
                }
                ck_assert_msg(strcmp(said(&place), told) == 0, "%s: %s", ends[i], place.said.bytes);
                /* Its row is to go, and when it has gone there is nothing more to be said. A deleted agent's went with
                 * it. */
                ck_assert_uint_eq(ended(&place), deleted ? 0 : 1);
                ck_assert_uint_eq(ended(&place), 0);
                subscribe_at(&place, safe_one ? safe : desk, safe_one ? ZOE : BOB, domains[0], true);
                ck_assert_str_eq(said(&place), "");
        }
}
END_TEST

START_TEST(a_member_who_leaves_is_subscribed_no_more) {
        _cleanup_(place_release) Place place;
        DirectoryChange member = { .kind = DIRECTORY_MEMBER, .id = bob, .tenant_id = acme, .role = ROLE_VIEWER };
        fill(&place);
        put_agent(&place, desk, "desk", VISIBILITY_TENANT, AGENT_ACTIVE);
        apply(&place, member);
        subscribe(&place, desk, BOB);
        open_up(&place);
        ck_assert_str_eq(said(&place), HELLO(BOB, DESK));
        member.gone = true;
        apply(&place, member);
        ck_assert_str_eq(said(&place), OVER(BOB, DESK));
        ck_assert_uint_eq(ended(&place), 1);
}
END_TEST

START_TEST(who_is_on_it_no_more_is_told_so_and_may_come_back) {
        _cleanup_(place_release) Place place;
        fill(&place);
        subscribe(&place, desk, BOB);
        open_up(&place);
        said(&place);
        subscribe_at(&place, desk, BOB, domains[0], true);
        subscribe(&place, desk, BOB);
        ck_assert_str_eq(said(&place), OVER(BOB, DESK) " " DESK ">" BOB ":subscribed " HELLO(BOB, DESK));
        ck_assert_uint_eq(ended(&place), 0);
}
END_TEST

START_TEST(what_ended_while_nobody_could_be_told_is_told_later) {
        _cleanup_(place_release) Place place;
        fill(&place);
        subscribe(&place, desk, BOB);
        open_up(&place);
        said(&place);
        roster_down(place.roster, 0);
        put_account(&place, true);
        ck_assert_int_eq(roster_due(place.roster, 0, place.now), INT64_MAX);
        ck_assert_uint_eq(ended(&place), 0); /* its row waits until it is told */
        roster_up(place.roster, 0);
        ck_assert_str_eq(said(&place), OVER(BOB, DESK));
        ck_assert_uint_eq(ended(&place), 1);
}
END_TEST

START_TEST(each_domain_has_a_stream_of_its_own) {
        _cleanup_(place_release) Place place;
        fill(&place);
        subscribe(&place, desk, BOB);
        subscribe_at(&place, desk, BOB, domains[1], false);
        subscribe_at(&place, desk, ZOE, "elsewhere.example", false);
        open_up(&place);
        ck_assert_str_eq(said(&place), HELLO(BOB, DESK));
        ck_assert_str_eq(said_on(&place, 1), "");
        roster_up(place.roster, 1);
        ck_assert_str_eq(said_on(&place, 1), HELLO(BOB, "desk.acme@other.example"));
        roster_leave(place.roster, 1);
        ck_assert_str_eq(said_on(&place, 1), GOODBYE(BOB, "desk.acme@other.example"));
        ck_assert_str_eq(said(&place), "");
}
END_TEST

START_TEST(goodbye_is_the_last_word_save_that_access_ended) {
        _cleanup_(place_release) Place place;
        fill(&place);
        subscribe(&place, desk, BOB);
        subscribe(&place, desk, ZOE);
        open_up(&place);
        said(&place);
        roster_leave(place.roster, 0);
        ck_assert_str_eq(said(&place), GOODBYE(ZOE, DESK) " " GOODBYE(BOB, DESK));
        put_agent(&place, desk, "desk", VISIBILITY_PUBLIC, AGENT_PAUSED);
        ck_assert_str_eq(said(&place), "");
        put_account(&place, true);
        ck_assert_str_eq(said(&place), OVER(BOB, DESK));
        /* Of a stream that is not there nobody takes leave. */
        roster_leave(place.roster, 1);
        ck_assert_int_eq(roster_due(place.roster, 1, place.now), INT64_MAX);
}
END_TEST

START_TEST(ten_thousand_are_told_within_seconds_and_a_few_at_a_time) {
        _cleanup_(place_release) Place place;
        size_t told = 0, most = 0;
        fill(&place);
        for (int i = 0; i < 10000; i++) {
                char who[64];
                snprintf(who, sizeof(who), "user%d@example.org", i);
                subscribe(&place, desk, who);
        }
        open_up(&place);
        int64_t due_us;
        while ((due_us = roster_due(place.roster, 0, place.now)) != INT64_MAX) {
                if (due_us > place.now.monotonic_us)
                        place.now.monotonic_us = due_us;
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                OutgoingList list = { 0 };
                size_t count = 0;
                roster_take(place.roster, 0, place.now, arena, &list);
                for (const Outgoing *outgoing = list.first; outgoing; outgoing = outgoing->next)
                        count++;
                told += count;
                most = count > most ? count : most;
        }
        ck_assert_uint_eq(told, 10000);
        ck_assert_uint_le(most, 10);
        ck_assert_int_lt(place.now.monotonic_us - START, 9 * SECONDS);
}
END_TEST

START_TEST(those_that_ended_come_in_parts_of_one_agent) {
        _cleanup_(place_release) Place place;
        Text agent, people[2];
        fill(&place);
        put_grant(&place, false, 0);
        subscribe(&place, desk, BOB);
        subscribe(&place, desk, "b1@example.org");
        subscribe(&place, desk, "b2@example.org");
        subscribe(&place, safe, ZOE);
        open_up(&place);
        said(&place);
        apply(&place,
              (DirectoryChange){ .kind = DIRECTORY_TENANT, .id = acme, .name = TEXT("acme"), .suspended = true });
        said(&place);
        const size_t expected[] = { 2, 1, 1, 0 };
        for (size_t i = 0; i < COUNT_OF(expected); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                ck_assert_uint_eq(roster_take_ended(place.roster, arena, &agent, people, COUNT_OF(people)),
                                  expected[i]);
                if (expected[i])
                        ck_assert_text(agent, i < 2 ? TEXT(DESK) : TEXT("safe.acme@agents.example"));
        }
}
END_TEST

UNIT_TESTS("component/roster", a_stream_that_stands_begins_with_hello_to_everybody, who_was_let_in_is_told_so_once,
           an_agents_look_is_told_when_it_changed_and_only_then,
           an_agent_over_budget_is_not_to_be_disturbed_until_it_has_some_again, access_that_ends_ends_the_subscription,
           a_member_who_leaves_is_subscribed_no_more, who_is_on_it_no_more_is_told_so_and_may_come_back,
           what_ended_while_nobody_could_be_told_is_told_later, each_domain_has_a_stream_of_its_own,
           goodbye_is_the_last_word_save_that_access_ended, ten_thousand_are_told_within_seconds_and_a_few_at_a_time,
           those_that_ended_come_in_parts_of_one_agent)
