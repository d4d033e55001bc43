/* START, BEAT, TAKE_OVER, READ_UNSENT, RELEASE: who may, who inherits, what is left to send. */
#include "tests/integration/store/client.h"

#include "tests/unit/unit.h"

START_TEST(older_process_of_a_name_is_fenced) {
        StoreUnderTest *store = store_under_test();
        Client older = client_new(store, 0, "hub1"), newer = client_new(store, 1, "hub1");
        client_start(&older);
        AcceptedRecord kept = client_accept(&older, "a");
        assert_open(client_start(&newer), &kept, 1);
        AcceptedRecord late = client_message(&older, "b");
        StoreRequest asked = client_request(&older, STORE_COMMIT);
        asked.batch = (JournalBatch){ .accepted = &late, .accepted_count = 1 };
        ck_assert_int_eq(client_ask(&older, &asked)->result, STORE_FENCED);
        asked = client_request(&older, STORE_START);
        asked.again = true;
        ck_assert_int_eq(client_ask(&older, &asked)->result, STORE_FENCED);
        assert_open(client_start(&newer), &kept, 1);
}
END_TEST

START_TEST(fenced_process_starts_again_under_a_new_epoch) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        ck_assert(client_take_over(&two, &one)->taken);
        StoreRequest asked = client_request(&one, STORE_BEAT);
        ck_assert_int_eq(client_ask(&one, &asked)->result, STORE_FENCED);
        asked = client_request(&one, STORE_START);
        asked.again = true;
        StoreReport *report = client_ask_done(&one, &asked);
        ck_assert_int_gt(report->epoch, one.epoch + 1);
        one.epoch = report->epoch;
        client_accept(&one, "a");
}
END_TEST

START_TEST(heir_gets_what_was_left_open_and_its_owner_does_not_get_it_back) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        AcceptedRecord left = client_accept(&one, "a"), own = client_accept(&two, "b");
        StoreReport *report = client_take_over(&two, &one);
        ck_assert_int_eq(report->result, STORE_DONE);
        ck_assert(report->taken);
        assert_open(report, &left, 1);
        assert_open(client_start(&one), NULL, 0);
        AcceptedRecord after = client_accept(&one, "c");
        assert_open(client_start(&one), &after, 1);
        assert_open(client_start(&two), (AcceptedRecord[]){ left, own }, 2);
        client_conclude(&two, left.id, "done by the heir", ROW_WRITTEN);
        assert_open(client_start(&two), &own, 1);
}
END_TEST

START_TEST(heir_of_an_heir_gets_both_estates) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2"),
               three = client_new(store, 2, "hub3");
        client_start(&one);
        client_start(&two);
        client_start(&three);
        AcceptedRecord first = client_accept(&one, "a"), second = client_accept(&two, "b");
        ck_assert(client_take_over(&two, &one)->taken);
        assert_open(client_take_over(&three, &two), (AcceptedRecord[]){ first, second }, 2);
        assert_open(client_start(&two), NULL, 0);
        assert_open(client_start(&three), (AcceptedRecord[]){ first, second }, 2);
}
END_TEST

START_TEST(estates_of_two_epochs_may_have_two_heirs) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2"),
               three = client_new(store, 2, "hub3");
        client_start(&one);
        client_start(&two);
        client_start(&three);
        AcceptedRecord first = client_accept(&one, "a");
        assert_open(client_take_over(&two, &one), &first, 1);
        client_start(&one);
        AcceptedRecord second = client_accept(&one, "b");
        assert_open(client_take_over(&three, &one), &second, 1);
        assert_open(client_start(&two), &first, 1);
        assert_open(client_start(&three), &second, 1);
        assert_open(client_start(&one), NULL, 0);
}
END_TEST

START_TEST(slower_of_two_heirs_gets_nothing) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2"),
               three = client_new(store, 2, "hub3");
        client_start(&one);
        client_start(&two);
        client_start(&three);
        AcceptedRecord left = client_accept(&one, "a");
        assert_open(client_take_over(&two, &one), &left, 1);
        StoreReport *report = client_take_over(&three, &one);
        ck_assert_int_eq(report->result, STORE_FENCED);
        ck_assert(!report->taken);
        assert_open(client_start(&three), NULL, 0);
}
END_TEST

START_TEST(takeover_whose_report_was_lost_succeeds_when_asked_again) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        AcceptedRecord left = client_accept(&one, "a");
        StoreRequest asked = client_request(&two, STORE_TAKE_OVER);
        asked.other = one.hub;
        asked.other_epoch = one.epoch;
        ck_assert_int_eq(client_ask_by(store->ask_deaf, &two, &asked)->result, STORE_UNAVAILABLE);
        StoreReport *report = client_ask_done(&two, &asked);
        ck_assert(report->taken);
        assert_open(report, &left, 1);
}
END_TEST

static void beat(Client *client, const DeliveredMark *marks, size_t count) {
        StoreRequest asked = client_request(client, STORE_BEAT);
        asked.marks = marks;
        asked.mark_count = count;
        client_ask_done(client, &asked);
}

static const DeliveredMark *find_mark(const StoreReport *report, const char *hub, const char *domain) {
        for (size_t i = 0; i < report->mark_count; i++)
                if (text_equal(report->marks[i].hub, text_of(hub)) &&
                    text_equal(report->marks[i].domain, text_of(domain)))
                        return &report->marks[i];
        return NULL;
}

START_TEST(marks_come_back_at_the_start_and_go_to_the_heir) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        beat(&one, (DeliveredMark[]){ { TEXT("hub1"), TEXT(DOMAIN), 7 }, { TEXT("hub1"), TEXT("other.example"), 8 } },
             2);
        beat(&one, (DeliveredMark[]){ { TEXT("hub1"), TEXT(DOMAIN), 9 } }, 1);
        StoreReport *report = client_start(&one);
        ck_assert_int_eq(find_mark(report, "hub1", DOMAIN)->sequence, 9);
        ck_assert_int_eq(find_mark(report, "hub1", "other.example")->sequence, 8);
        report = client_take_over(&two, &one);
        ck_assert_int_eq(find_mark(report, "hub1", DOMAIN)->sequence, 9);
        beat(&two, (DeliveredMark[]){ { TEXT("hub1"), TEXT(DOMAIN), 20 }, { TEXT("hub2"), TEXT(DOMAIN), 30 } }, 2);
        report = client_start(&two);
        ck_assert_int_eq(find_mark(report, "hub1", DOMAIN)->sequence, 20);
        ck_assert_int_eq(find_mark(report, "hub2", DOMAIN)->sequence, 30);
}
END_TEST

/* A message and its answer; where the answer stands. */
static int64_t answer(Client *client) {
        AcceptedRecord accepted = client_accept(client, NULL);

        client_conclude(client, accepted.id, "done", ROW_WRITTEN);
        return (client->epoch << 40) + client->counter;
}

static void mark(Client *client, const char *hub, int64_t sequence) {
        beat(client, (DeliveredMark[]){ { text_of(hub), TEXT(DOMAIN), sequence } }, 1);
}

static int64_t taken_mark(Client *client, const Client *other, const char *hub) {
        StoreReport *report = client_take_over(client, other);

        ck_assert(report->taken);
        return find_mark(report, hub, DOMAIN)->sequence;
}

START_TEST(mark_of_an_estate_is_not_lost_with_the_next_one) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        mark(&one, "hub1", one.epoch << 40);
        int64_t unsent = answer(&one);
        ck_assert_int_lt(taken_mark(&two, &one, "hub1"), unsent);
        client_start(&one);
        int64_t sent = answer(&one);
        mark(&one, "hub1", sent);
        ck_assert_int_eq(taken_mark(&two, &one, "hub1"), unsent - 1);
        ck_assert_int_eq(find_mark(client_start(&two), "hub1", DOMAIN)->sequence, unsent - 1);
        mark(&two, "hub1", sent);
        client_start(&one);
        int64_t later = answer(&one), unsent_later = answer(&one);
        mark(&one, "hub1", later);
        ck_assert_int_eq(taken_mark(&two, &one, "hub1"), unsent_later - 1);
}
END_TEST

START_TEST(estates_that_were_sent_are_not_sent_again_with_the_next_one) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        int64_t first = answer(&one);
        mark(&one, "hub1", first);
        ck_assert_int_eq(taken_mark(&two, &one, "hub1"), first);
        client_start(&one);
        int64_t second = answer(&one);
        mark(&one, "hub1", second);
        ck_assert_int_eq(taken_mark(&two, &one, "hub1"), second);
}
END_TEST

START_TEST(hub_that_gets_its_own_answers_back_keeps_its_mark_if_they_were_sent) {
        StoreUnderTest *store = store_under_test();
        for (int sent = 0; sent < 2; sent++) {
                Client one = client_new(store, 0, sent ? "hub1" : "hub3"),
                       two = client_new(store, 1, sent ? "hub2" : "hub4");
                const char *name = sent ? "hub1" : "hub3";
                client_start(&one);
                client_start(&two);
                mark(&one, name, one.epoch << 40);
                int64_t old = answer(&one);
                ck_assert_int_lt(taken_mark(&two, &one, name), old);
                if (sent)
                        mark(&two, name, old);
                client_start(&one);
                int64_t own = answer(&one);
                mark(&one, name, own);
                ck_assert_int_eq(taken_mark(&one, &two, name), sent ? own : old - 1);
        }
}
END_TEST

START_TEST(unsent_answers_come_in_order_by_pages) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        AcceptedRecord messages[5];
        ConcludedRecord concluded[5];
        client_start(&hub);
        for (int i = 0; i < 5; i++) {
                messages[i] = client_message(&hub, NULL);
                if (i == 2)
                        messages[i].reply_to.agent = TEXT("guide@other.example");
        }
        client_commit(&hub, (JournalBatch){ .accepted = messages, .accepted_count = 5 });
        for (int i = 0; i < 5; i++)
                concluded[i] = client_conclusion(&hub, messages[i].id, i == 4 ? "" : "answer");
        client_commit(&hub, (JournalBatch){ .concluded = concluded, .concluded_count = 5 });
        StoreRequest asked = client_request(&hub, STORE_READ_UNSENT);
        asked.other = hub.hub;
        asked.domain = TEXT(DOMAIN);
        asked.after = concluded[0].sequence;
        asked.limit = 2;
        asked.limit_bytes = 1000;
        size_t read = 0;
        static const int expected[] = { 1, 3, 4 };
        for (bool more = true; more;) {
                StoreReport *report = client_ask_done(&hub, &asked);
                for (size_t i = 0; i < report->unsent_count; i++, read++) {
                        const ConcludedRecord *unsent = &report->unsent[i];
                        ck_assert_uint_lt(read, 3);
                        ck_assert(uuid_equal(unsent->id, messages[expected[read]].id));
                        ck_assert_int_eq(unsent->sequence, concluded[expected[read]].sequence);
                        ck_assert_int_eq(unsent->outcome, OUTCOME_SUCCESS);
                        ck_assert_text(unsent->answer, concluded[expected[read]].answer);
                        ck_assert_text(unsent->reply_to.address, TEXT("ana@example.org/phone"));
                        ck_assert_text(unsent->sender, TEXT("ana@example.org"));
                }
                ck_assert_int_gt(report->read_to, asked.after);
                asked.after = report->read_to;
                more = report->more;
        }
        ck_assert_uint_eq(read, 3);
        ck_assert_int_eq(asked.after, concluded[4].sequence);
}
END_TEST

START_TEST(page_of_unsent_answers_ends_with_the_one_that_fills_it) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        /* Lengths of answers; of the third, the domain is another. A store may add some bytes to each. */
        static char text[1000];
        const size_t lengths[] = { 400, 400, 1000, 400, 1000, 100 };
        const struct {
                int64_t limit_bytes;
                size_t count;
                int read_to;
                bool more;
        } cases[] = {
                { 1, 1, 0, true },    { 300, 1, 0, true },  { 600, 2, 1, true },
                { 1100, 3, 3, true }, { 1500, 4, 4, true }, { 3000, 5, 5, false },
        };
        AcceptedRecord messages[6];
        ConcludedRecord concluded[6];
        memset(text, 'x', sizeof(text));
        client_start(&hub);
        for (int i = 0; i < 6; i++) {
                messages[i] = client_message(&hub, NULL);
                if (i == 2)
                        messages[i].reply_to.agent = TEXT("guide@other.example");
        }
        client_commit(&hub, (JournalBatch){ .accepted = messages, .accepted_count = 6 });
        for (int i = 0; i < 6; i++) {
                concluded[i] = client_conclusion(&hub, messages[i].id, "");
                concluded[i].answer = (Text){ text, lengths[i] };
        }
        client_commit(&hub, (JournalBatch){ .concluded = concluded, .concluded_count = 6 });
        StoreRequest asked = client_request(&hub, STORE_READ_UNSENT);
        asked.other = hub.hub;
        asked.domain = TEXT(DOMAIN);
        asked.limit = 10;
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                asked.limit_bytes = cases[i].limit_bytes;
                StoreReport *report = client_ask_done(&hub, &asked);
                ck_assert_uint_eq(report->unsent_count, cases[i].count);
                ck_assert_int_eq(report->read_to, concluded[cases[i].read_to].sequence);
                ck_assert_int_eq(report->more, cases[i].more);
        }
}
END_TEST

START_TEST(unsent_answers_are_the_heirs_to_send) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        AcceptedRecord before = client_accept(&one, "a");
        client_conclude(&one, before.id, "before", ROW_WRITTEN);
        ck_assert(client_take_over(&two, &one)->taken);
        client_start(&one);
        AcceptedRecord after = client_accept(&one, "b");
        client_conclude(&one, after.id, "after", ROW_WRITTEN);
        Client *askers[] = { &one, &two };
        const Uuid expected[] = { after.id, before.id };
        for (int i = 0; i < 2; i++) {
                StoreRequest asked = client_request(askers[i], STORE_READ_UNSENT);
                asked.other = one.hub;
                asked.domain = TEXT(DOMAIN);
                asked.limit = 10;
                StoreReport *report = client_ask_done(askers[i], &asked);
                ck_assert_uint_eq(report->unsent_count, 1);
                ck_assert(uuid_equal(report->unsent[0].id, expected[i]));
        }
}
END_TEST

static const Lease *find_lease(const StoreReport *report, const char *hub) {
        for (size_t i = 0; i < report->lease_count; i++)
                if (text_equal(report->leases[i].hub, text_of(hub)))
                        return &report->leases[i];
        return NULL;
}

START_TEST(heartbeat_shows_every_lease) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        StoreRequest asked = client_request(&one, STORE_BEAT);
        int64_t beats = find_lease(client_ask_done(&one, &asked), "hub1")->beats;
        StoreReport *report = client_ask_done(&one, &asked);
        ck_assert_int_eq(find_lease(report, "hub1")->beats, beats + 1);
        ck_assert_int_eq(find_lease(report, "hub1")->epoch, one.epoch);
        ck_assert_int_eq(find_lease(report, "hub2")->epoch, two.epoch);
        ck_assert_text(find_lease(report, "hub2")->domains, TEXT(DOMAIN " other.example"));
        ck_assert(!find_lease(report, "hub2")->released);
        ck_assert(!find_lease(report, "hub2")->has_open);
}
END_TEST

START_TEST(released_hub_says_whether_it_left_messages_open) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2"),
               three = client_new(store, 2, "hub3");
        client_start(&one);
        client_start(&two);
        client_start(&three);
        AcceptedRecord left = client_accept(&one, "a");
        Client *released[] = { &one, &two };
        for (int i = 0; i < 2; i++) {
                StoreRequest asked = client_request(released[i], STORE_RELEASE);
                StoreReport *report = client_ask_done(released[i], &asked);
                /* Read after it: of several that stop at once, the last knows that it is the last. */
                ck_assert(find_lease(report, "hub1")->released);
                ck_assert(find_lease(report, "hub2")->released == (i == 1));
                ck_assert(!find_lease(report, "hub3")->released);
        }
        StoreRequest asked = client_request(&three, STORE_BEAT);
        StoreReport *report = client_ask_done(&three, &asked);
        ck_assert(find_lease(report, "hub1")->released);
        ck_assert(find_lease(report, "hub1")->has_open);
        ck_assert(find_lease(report, "hub2")->released);
        ck_assert(!find_lease(report, "hub2")->has_open);
        assert_open(client_take_over(&three, &one), &left, 1);
        report = client_ask_done(&three, &asked);
        ck_assert(find_lease(report, "hub1")->released);
        ck_assert(!find_lease(report, "hub1")->has_open);
}
END_TEST

START_TEST(released_hub_says_whether_it_left_answers_unsent) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        AcceptedRecord answered = client_accept(&one, "a");
        client_conclude(&one, answered.id, "done", ROW_WRITTEN);
        beat(&one, (DeliveredMark[]){ { TEXT("hub1"), TEXT(DOMAIN), 1 } }, 1);
        StoreRequest asked = client_request(&one, STORE_RELEASE);
        asked.unsent = true;
        client_ask_done(&one, &asked);
        asked = client_request(&two, STORE_BEAT);
        ck_assert(find_lease(client_ask_done(&two, &asked), "hub1")->has_open);
        StoreReport *report = client_take_over(&two, &one);
        ck_assert(report->taken);
        ck_assert_int_eq(find_mark(report, "hub1", DOMAIN)->sequence, 1);
        ck_assert(!find_lease(client_ask_done(&two, &asked), "hub1")->has_open);
}
END_TEST

START_TEST(low_water_at_an_open_message_keeps_it) {
        StoreUnderTest *store = store_under_test();
        Client hub = client_new(store, 0, "hub1");
        client_start(&hub);
        AcceptedRecord concluded = client_accept(&hub, "a"), open = client_accept(&hub, "b");
        client_conclude(&hub, concluded.id, "done", ROW_WRITTEN);
        StoreRequest asked = client_request(&hub, STORE_BEAT);
        asked.low_water = open.id;
        client_ask_done(&hub, &asked);
        assert_open(client_start(&hub), &open, 1);
}
END_TEST

START_TEST(low_water_of_an_heir_reaches_back_to_its_estate) {
        StoreUnderTest *store = store_under_test();
        Client one = client_new(store, 0, "hub1"), two = client_new(store, 1, "hub2");
        client_start(&one);
        client_start(&two);
        AcceptedRecord left = client_accept(&one, "a");
        StoreRequest asked = client_request(&two, STORE_BEAT);
        asked.low_water = new_id();
        client_ask_done(&two, &asked);
        assert_open(client_take_over(&two, &one), &left, 1);
        assert_open(client_start(&two), &left, 1);
}
END_TEST

size_t lease_cases(const TTest **ret_cases) {
        const TTest *const cases[] = {
                older_process_of_a_name_is_fenced,
                fenced_process_starts_again_under_a_new_epoch,
                heir_gets_what_was_left_open_and_its_owner_does_not_get_it_back,
                heir_of_an_heir_gets_both_estates,
                estates_of_two_epochs_may_have_two_heirs,
                slower_of_two_heirs_gets_nothing,
                takeover_whose_report_was_lost_succeeds_when_asked_again,
                marks_come_back_at_the_start_and_go_to_the_heir,
                mark_of_an_estate_is_not_lost_with_the_next_one,
                estates_that_were_sent_are_not_sent_again_with_the_next_one,
                hub_that_gets_its_own_answers_back_keeps_its_mark_if_they_were_sent,
                unsent_answers_come_in_order_by_pages,
                page_of_unsent_answers_ends_with_the_one_that_fills_it,
                unsent_answers_are_the_heirs_to_send,
                heartbeat_shows_every_lease,
                released_hub_says_whether_it_left_messages_open,
                released_hub_says_whether_it_left_answers_unsent,
                low_water_at_an_open_message_keeps_it,
                low_water_of_an_heir_reaches_back_to_its_estate,
        };
        memcpy(ret_cases, cases, sizeof(cases));
        return COUNT_OF(cases);
}
