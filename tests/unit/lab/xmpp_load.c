/* The load of the scripted server, against a component whose delay and mistakes are known. */
#include "tests/unit/unit.h"

#include "base/crypto.h"
#include "component/doors/message.h"
#include "component/link.h"
#include "tests/lab/xmpp_load.h"

#include <poll.h>

#define SECRET "a secret of the component"
#define AGENT  "echo@agents.localhost"
#define HELD   2000

typedef enum Conduct {
        ANSWERS,
        ANSWERS_TWICE,
        ANSWERS_UNDER_TWO_IDS,
        NEVER_ANSWERS,
        SAYS_WHY_NOT,
        NEVER_RECEIPTS,
        REFUSES,
} Conduct;

/* A component that holds each message for a time, and the load, in one thread. */
typedef struct Stage {
        XmppServer *server;
        XmppLoad *load;
        Link *link;
        Conduct conduct;
        int64_t delay_us;
        struct {
                Arena *arena;
                Message message;
                int64_t due_us;
        } held[HELD];
        size_t first, count;
        UuidGenerator ids;
        uint64_t taken;
} Stage;

static void take_stanza(void *listener, XmppPeer *peer, const Element *stanza) {
        Stage *stage = listener;
        (void) peer;
        xmpp_load_take(stage->load, stanza);
        stage->taken++;
}

static void add_answer(Stage *stage, OutgoingList *list, Arena *arena, const ReplyTo *reply_to, Uuid id, Text body) {
        bool fails = stage->conduct == SAYS_WHY_NOT;
        message_add_answer(list, arena, reply_to, id, fails ? TEXT("Sorry.") : body,
                           fails ? FAILURE_INTERNAL : FAILURE_NONE, false);
        if (stage->conduct == ANSWERS_TWICE)
                message_add_answer(list, arena, reply_to, id, body, FAILURE_NONE, false);
        if (stage->conduct == ANSWERS_UNDER_TWO_IDS)
                message_add_answer(list, arena, reply_to, uuid_make(&stage->ids, 0), body, FAILURE_NONE, false);
}

static void answer(Stage *stage, const Message *message, Arena *arena) {
        const ReplyTo reply_to = { .agent = message->agent.bare,
                                   .address = message->sender.full,
                                   .stanza_id = message->id };
        OutgoingList list = { NULL };
        Failure failure;
        if (stage->conduct == REFUSES)
                message_add_refusal(&list, arena, &reply_to, FAILURE_LIMIT, TEXT_NONE);
        if (stage->conduct != REFUSES && stage->conduct != NEVER_RECEIPTS)
                message_add_receipt(&list, arena, &reply_to);
        if (stage->conduct != REFUSES && stage->conduct != NEVER_ANSWERS)
                add_answer(stage, &list, arena, &reply_to, uuid_make(&stage->ids, 0), message->body);
        for (const Outgoing *one = list.first; one; one = one->next)
                ck_assert_done(link_send(stage->link, one, &failure), failure);
}

static void answer_question(Stage *stage, const Stanza *iq, Arena *arena) {
        OutgoingList list = { NULL };
        Failure failure;
        if (stage->conduct == REFUSES)
                outgoing_add_unavailable(&list, arena, iq);
        else
                outgoing_add_result(&list, arena, iq);
        ck_assert_done(link_send(stage->link, list.first, &failure), failure);
        arena_free(arena);
}

static void turn_component(Stage *stage, int64_t now_us) {
        LinkEvent event;
        link_handle(stage->link, now_us);
        while (link_next(stage->link, &event))
                if (event.kind == LINK_STANZA && event.stanza->kind == STANZA_IQ) {
                        answer_question(stage, event.stanza, event.arena);
                } else if (event.kind == LINK_STANZA) {
                        size_t at = stage->first + stage->count++;
                        ck_assert_uint_lt(at, HELD);
                        stage->held[at].arena = event.arena;
                        stage->held[at].message = message_read(event.stanza);
                        stage->held[at].due_us = now_us + stage->delay_us;
                }
        for (; stage->count > 0 && stage->held[stage->first].due_us <= now_us; stage->first++, stage->count--) {
                answer(stage, &stage->held[stage->first].message, stage->held[stage->first].arena);
                arena_free(stage->held[stage->first].arena);
        }
        link_flush(stage->link);
}

static void turn(Stage *stage) {
        int64_t now_us = clock_now().monotonic_us;
        if (stage->load)
                xmpp_load_step(stage->load, stage->server, now_us);
        xmpp_server_step(stage->server, MILLISECONDS);
        turn_component(stage, clock_now().monotonic_us);
}

static Stage *connected(Conduct conduct) {
        Stage *stage = memory_new(sizeof(Stage));
        Failure failure;
        ck_assert(crypto_start(NULL));
        stage->server = xmpp_server_new("127.0.0.1:0", SECRET);
        stage->conduct = conduct;
        const LinkSettings settings = { .endpoint = text_of(stage->server->endpoint),
                                        .domain = TEXT("agents.localhost"),
                                        .secret = TEXT(SECRET) };
        ck_assert_done(link_new(&settings, &stage->link, &failure), failure);
        link_open(stage->link);
        while (!xmpp_server_peer(stage->server, NULL) || !link_is_up(stage->link))
                turn(stage);
        stage->server->on_stanza = take_stanza;
        stage->server->listener = stage;
        return stage;
}

static void begin(Stage *stage, double rate, int64_t count) {
        const XmppLoadPlan plan = {
                .agent = AGENT, .sender_domain = "localhost", .rate = rate, .count = count, .senders = 10, .bytes = 50
        };
        stage->load = xmpp_load_new(&plan, clock_now().monotonic_us);
}

static void end(Stage *stage) {
        link_free(stage->link);
        xmpp_server_free(stage->server);
        xmpp_load_free(stage->load);
        free(stage);
}

static int64_t figure(const Json *figures, const char *name) {
        int64_t value = -1;
        ck_assert_msg(json_to_integer(json_member(figures, name), &value), "no figure '%s'", name);
        return value;
}

START_TEST(a_known_delay_is_measured) {
        Stage *stage = connected(ANSWERS);
        stage->delay_us = 50 * MILLISECONDS;
        begin(stage, 500, 500);
        while (!xmpp_load_is_done(stage->load))
                turn(stage);
        _cleanup_(json_freep) Json *figures = xmpp_load_figures(stage->load);
        ck_assert_int_eq(figure(figures, "sent"), 500);
        ck_assert_int_eq(figure(figures, "receipted"), 500);
        ck_assert_int_eq(figure(figures, "answered"), 500);
        ck_assert_int_eq(figure(figures, "unanswered"), 0);
        const Json *times = json_member(figures, "answer_us");
        ck_assert_int_ge(figure(times, "p50"), 50 * MILLISECONDS);
        /* A busy machine adds to it; without the delay it would be far below. */
        ck_assert_int_lt(figure(times, "p50"), 120 * MILLISECONDS);
        end(stage);
}
END_TEST

/* Open loop: what a stalled peer keeps from being answered counts from when it was due, not from when it came. */
START_TEST(a_stall_counts_for_all_that_was_due_in_it) {
        Stage *stage = connected(ANSWERS);
        begin(stage, 500, 500);
        while (stage->taken < 100)
                turn(stage);
        int64_t until_us = clock_now().monotonic_us + 400 * MILLISECONDS;
        while (clock_now().monotonic_us < until_us) {
                xmpp_load_step(stage->load, stage->server, clock_now().monotonic_us);
                xmpp_server_step(stage->server, 10 * MILLISECONDS);
        }
        while (!xmpp_load_is_done(stage->load))
                turn(stage);
        _cleanup_(json_freep) Json *figures = xmpp_load_figures(stage->load);
        const Json *times = json_member(figures, "answer_us");
        ck_assert_int_eq(figure(figures, "answered"), 500);
        ck_assert_int_gt(figure(times, "most"), 380 * MILLISECONDS);
        ck_assert_int_gt(figure(times, "p95"), 250 * MILLISECONDS);
        end(stage);
}
END_TEST

static const struct {
        Conduct conduct;
        const char *figure;
        bool is_done, is_even;
} conducts[] = {
        { ANSWERS, "answered", true, true },
        { ANSWERS_TWICE, "again", true, true },
        { ANSWERS_UNDER_TWO_IDS, "under_two_ids", true, true },
        { NEVER_ANSWERS, "unanswered", false, false },
        { SAYS_WHY_NOT, "failed", false, true },
        { NEVER_RECEIPTS, "unreceipted", true, true },
        { REFUSES, "refused", true, true },
};

START_TEST(questions_are_counted_by_their_answers) {
        static const struct {
                Conduct conduct;
                const char *figure;
        } cases[] = { { ANSWERS, "answered" }, { REFUSES, "refused" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Stage *stage = connected(cases[i].conduct);
                const XmppLoadPlan plan = { .agent = AGENT,
                                            .sender_domain = "localhost",
                                            .rate = 1000,
                                            .count = 200,
                                            .senders = 10,
                                            .asks = true };
                stage->load = xmpp_load_new(&plan, clock_now().monotonic_us);
                while (!xmpp_load_is_done(stage->load))
                        turn(stage);
                _cleanup_(json_freep) Json *figures = xmpp_load_figures(stage->load);
                ck_assert_int_eq(figure(figures, "sent"), 200);
                ck_assert_int_eq(figure(figures, cases[i].figure), 200);
                ck_assert_int_eq(figure(figures, "unreceipted"), 0);
                end(stage);
        }
}
END_TEST

START_TEST(every_misconduct_has_its_figure) {
        for (size_t i = 0; i < COUNT_OF(conducts); i++) {
                Stage *stage = connected(conducts[i].conduct);
                int64_t deadline_us = clock_now().monotonic_us + 10 * SECONDS, value = 0;
                begin(stage, 10000, 20);
                while (value < 20) {
                        ck_assert_msg(clock_now().monotonic_us < deadline_us, "%s", conducts[i].figure);
                        turn(stage);
                        _cleanup_(json_freep) Json *figures = xmpp_load_figures(stage->load);
                        value = figure(figures, conducts[i].figure);
                }
                ck_assert_int_eq(value, 20);
                ck_assert(xmpp_load_is_done(stage->load) == conducts[i].is_done);
                ck_assert(xmpp_load_is_even(stage->load) == conducts[i].is_even);
                end(stage);
        }
}
END_TEST

START_TEST(what_is_on_its_way_is_awaited_until_its_stream_breaks) {
        Stage *stage = connected(ANSWERS);
        stage->delay_us = 3600 * SECONDS;
        begin(stage, 10000, 20);
        while (xmpp_load_due(stage->load) != INT64_MAX)
                turn(stage);
        ck_assert(!xmpp_load_is_even(stage->load));
        link_drop(stage->link);
        while (xmpp_server_peer(stage->server, NULL))
                turn(stage);
        ck_assert(!xmpp_load_is_even(stage->load));
        link_open(stage->link);
        while (!xmpp_server_peer(stage->server, NULL))
                turn(stage);
        turn(stage);
        ck_assert(xmpp_load_is_even(stage->load));
        for (size_t i = 0; i < stage->count; i++)
                arena_free(stage->held[i].arena);
        end(stage);
}
END_TEST

START_TEST(what_finds_no_component_is_unsent) {
        Stage *stage = connected(ANSWERS);
        link_drop(stage->link);
        while (xmpp_server_peer(stage->server, NULL))
                turn(stage);
        begin(stage, 10000, 20);
        while (xmpp_load_due(stage->load) != INT64_MAX)
                turn(stage);
        _cleanup_(json_freep) Json *figures = xmpp_load_figures(stage->load);
        ck_assert_int_eq(figure(figures, "unsent"), 20);
        ck_assert(xmpp_load_is_done(stage->load));
        end(stage);
}
END_TEST

START_TEST(load_with_most_holds_back_and_ends_in_time) {
        Stage *stage = connected(ANSWERS);
        const XmppLoadPlan plan = { .agent = AGENT,
                                    .sender_domain = "localhost",
                                    .rate = 100000,
                                    .count = 20000,
                                    .most = 10,
                                    .senders = 10,
                                    .bytes = 50 };
        stage->delay_us = 20 * MILLISECONDS;
        stage->load = xmpp_load_new(&plan, clock_now().monotonic_us);
        while (!xmpp_load_is_done(stage->load)) {
                turn(stage);
                ck_assert_uint_le(stage->count, 10);
        }
        _cleanup_(json_freep) Json *figures = xmpp_load_figures(stage->load);
        ck_assert_int_ge(figure(figures, "sent"), 10);
        ck_assert_int_le(figure(figures, "sent"), 110); /* ten every 20 ms of 200 */
        ck_assert_int_eq(figure(figures, "answered"), figure(figures, "sent"));
        end(stage);
}
END_TEST

START_TEST(load_of_many_agents_takes_them_in_turn) {
        Stage *stage = connected(NEVER_ANSWERS);
        const XmppLoadPlan plan = { .agent = AGENT,
                                    .agents = 3,
                                    .sender_domain = "localhost",
                                    .rate = 100000,
                                    .count = 7,
                                    .senders = 10,
                                    .bytes = 50 };
        static const char *const expected[] = { "echo0", "echo1", "echo2", "echo0", "echo1", "echo2", "echo0" };
        stage->delay_us = 60 * SECONDS;
        stage->load = xmpp_load_new(&plan, clock_now().monotonic_us);
        while (stage->count < COUNT_OF(expected))
                turn(stage);
        for (size_t i = 0; i < COUNT_OF(expected); i++) {
                ck_assert(text_equal(stage->held[i].message.agent.local, text_of(expected[i])));
                arena_free(stage->held[i].arena);
        }
        end(stage);
}
END_TEST

UNIT_TESTS("lab/xmpp_load", a_known_delay_is_measured, a_stall_counts_for_all_that_was_due_in_it,
           questions_are_counted_by_their_answers, every_misconduct_has_its_figure,
           what_is_on_its_way_is_awaited_until_its_stream_breaks, what_finds_no_component_is_unsent,
           load_with_most_holds_back_and_ends_in_time, load_of_many_agents_takes_them_in_turn)
