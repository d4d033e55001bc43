#include "orchestrator/governance/guardrails/guardrails.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

#include <pthread.h>

static Guardrails *chain(const char *rules) {
        Guardrails *guardrails;
        Failure failure;
        ck_assert_done(guardrails_parse(text_of(rules), &guardrails, &failure), failure);
        return guardrails;
}

static GuardVerdict ask(const Guardrails *guardrails, GuardPlace place, Text text, const Shingles *secret,
                        Arena *arena) {
        GuardVerdict verdict;
        Failure failure;
        ck_assert_done(guardrails_ask(guardrails, place, text, secret, arena, &verdict, &failure), failure);
        ck_assert(text_is_utf8(verdict.text));
        return verdict;
}

typedef struct Case {
        const char *text;
        const char *left; /* NULL: as it was */
} Case;

static void redacts(const char *rule, const Case *cases, size_t count) {
        _cleanup_(guardrails_freep) Guardrails *guardrails = chain(rule);
        for (size_t i = 0; i < count; i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                GuardVerdict verdict = ask(guardrails, GUARD_INPUT, text_of(cases[i].text), NULL, arena);
                ck_assert_text(verdict.text, text_of(cases[i].left ? cases[i].left : cases[i].text));
                ck_assert_uint_eq(verdict.violation_count, cases[i].left != NULL);
                ck_assert(!verdict.blocked);
        }
}

START_TEST(card_numbers_are_found_by_their_digits_and_their_sum) {
        static const Case cases[] = {
                { "card 4111111111111111 ok", "card [payment card] ok" },
                { "4111 1111 1111 1111", "[payment card]" },
                { "4111-1111-1111-1111.", "[payment card]." },
                { "3782 822463 10005, 5555555555554444", "[payment card], [payment card]" },
                { "4111 1111 1111 1111 5555 5555 5555 4444", "[payment card] [payment card]" },
                { "12 4111 1111 1111 1111", "12 [payment card]" },
                { "Visa4111111111111111!", "Visa[payment card]!" },
                { "\uff14\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 1111\u00a01111", "[payment card]" },
                { "4111\u20111111\u20131111\u20141111", "[payment card]" },
                { "4111\u200b1111111111\u200b11", "[payment card]" },
                { "\u0664\u0661\u0661\u0661 1111 1111 1111", "[payment card]" },
                { "4111 1111 1111 1112", NULL },     /* the sum */
                { "order 1234567890123452", NULL },  /* no network's */
                { "4111  1111  1111  1111", NULL },  /* two spaces: columns of a table */
                { "2026-11-21 08:00:00", NULL },     /* a time */
                { "41111111111111111111111", NULL }, /* too long */
                { "0.4111111111111111", NULL },      /* a fraction */
                { "4444444444444444", NULL },        /* one digit repeated: a placeholder */
                { "550e8400-e29b-41d4-a716-446655440000", NULL },
        };
        redacts("both redact card", cases, COUNT_OF(cases));
}
END_TEST

START_TEST(mail_addresses_are_found) {
        static const Case cases[] = {
                { "write to ann@example.org.", "write to [mail address]." },
                { "<Ann.Lee+x@mail.example.co.uk>", "<[mail address]>" },
                { "a@b.de,c@d.fr", "[mail address],[mail address]" },
                { "j\u00f6rg@m\u00fcller.example", "[mail address]" },
                { "\u00e4: ann\uff20example.org \u00e4", "\u00e4: [mail address] \u00e4" },
                { "see @ann and 5 @ 3.20", NULL },
                { "user@localhost", NULL },
                { "root@10.0.0.1", NULL },
                { "@@@@@@ a@ @b.de", NULL },
                { "ann@.example.org", NULL },
        };
        redacts("input redact mail", cases, COUNT_OF(cases));
}
END_TEST

START_TEST(phone_numbers_are_no_dates_prices_or_addresses) {
        static const Case cases[] = {
                { "call +49 30 901820 now", "call [phone number] now" },
                { "+1 (555) 123-4567", "[phone number]" },
                { "(555) 123-4567 or 555-123-4567", "[phone number] or [phone number]" },
                { "030/901 820, 0171 2345678", "[phone number], [phone number]" },
                { "tel:+4930901820", NULL }, /* a URI says what it is: the rule is about what people write */
                { "01712345678", "[phone number]" },
                { "on 2026-11-21 at 08:00", NULL },
                { "01.02.2026 12:00 and 01/02/26", NULL },
                { "2026-11-21T08:00:00+01:00", NULL },
                { "10.0.0.1 and 192.168.100.200", NULL },
                { "0.75 of 1,000,000 or 007", NULL },
                { "4111 1111 1111 1111", NULL },
                { "+12", NULL },
                { "order 12345678", NULL },
                { "a0171234567890", NULL },
        };
        redacts("input redact phone", cases, COUNT_OF(cases));
}
END_TEST

START_TEST(keys_are_found_by_their_shape) {
        static const Case cases[] = {
                { "AKIAIOSFODNN7EXAMPLE", "[key]" },
                { "token=ghp_0123456789abcdefghijABCDEFGHIJ012345;", "token=[key];" },
                { "sk-proj-Ab3dE6gH9jK2mN5pQ8sT1vW4", "[key]" },
                { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9m", "[key]" },
                { "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb", "a\n[key]\nb" },
                { "-----BEGIN PRIVATE KEY-----\nMIIE cut off", "[key]" },
                { "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", NULL },
                { "sk-learn-is-a-library-for-people", NULL },
                { "task-0123456789abcdefghijklmn", NULL },
                { "AKIA is a prefix, AKIAIOSFODNN7 is short", NULL },
                { "eyJhbGciOiJIUzI1NiJ9", NULL },
        };
        redacts("input redact key", cases, COUNT_OF(cases));
}
END_TEST

START_TEST(words_match_as_words_whatever_their_case_and_accents) {
        static const Case cases[] = {
                { "the Project  X, and project-x.", "the [removed], and [removed]." },
                { "projects x", NULL },
                { "CAF\u00c9 cafe\u0301 Caf\u00e9s", "[removed] [removed] Caf\u00e9s" },
                { "\uff50\uff52\uff4f\uff4a\uff45\uff43\uff54 X", "[removed]" },
                { "p\u200broject x", "[removed]" },
                { "\u8fd9\u662f\u79d8\u5bc6\u6587\u4ef6", "\u8fd9\u662f[removed]\u6587\u4ef6" },
                { "bombastic", NULL },
                { "a bomb.", "a [removed]." },
        };
        redacts("input redact words project x | caf\u00e9|\u79d8\u5bc6|bomb", cases, COUNT_OF(cases));
}
END_TEST

START_TEST(patterns_are_regular_expressions_over_characters) {
        static const Case cases[] = {
                { "see ORD-123456!", "see [removed]!" },
                { "\u00e4ORD-000001\u00e4ORD-000002", "\u00e4[removed]\u00e4[removed]" },
                { "ord-123456", NULL },
        };
        static const Case any[] = { { "\u00e4\u00f6\u00fc", "[removed][removed][removed]" }, { "", NULL } };
        static const Case empty[] = { { "abc", NULL } };
        redacts("input redact pattern ORD-[0-9]{6}", cases, COUNT_OF(cases));
        redacts("input redact pattern [\u00e4-\u00fc]", any, COUNT_OF(any));
        redacts("input redact pattern x*", empty, COUNT_OF(empty));
}
END_TEST

START_TEST(pattern_that_runs_wild_ends_soon_and_nothing_passes) {
        static const char *const patterns[] = {
                "input warn pattern (a+)+$",           "input warn pattern (a|aa)+$", "input warn pattern (.*)*x(.*)*y",
                "input warn pattern (?:a?){50}a{50}$", "input warn pattern \\w*+!",   "input warn pattern ((a*)*)*b",
                "input warn pattern (a*)\\1$"
        };
        char body[65536];
        memset(body, 'a', sizeof(body));
        body[sizeof(body) - 1] = '?';
        for (size_t i = 0; i < COUNT_OF(patterns); i++) {
                _cleanup_(guardrails_freep) Guardrails *guardrails = chain(patterns[i]);
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                GuardVerdict verdict;
                Failure failure;
                int64_t before = unit_computed_us();
                bool done = guardrails_ask(guardrails, GUARD_INPUT, (Text){ body, sizeof(body) }, NULL, arena, &verdict,
                                           &failure);
                ck_assert_int_lt(unit_computed_us() - before, UNIT_SANITIZED ? 5 * SECONDS : SECONDS / 2);
                if (!done)
                        ck_assert_int_eq(failure.kind, FAILURE_POLICY);
        }
}
END_TEST

START_TEST(length_counts_bytes) {
        _cleanup_(guardrails_freep) Guardrails *guardrails = chain("input block length 4");
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        ck_assert(!ask(guardrails, GUARD_INPUT, TEXT("abcd"), NULL, arena).blocked);
        ck_assert(ask(guardrails, GUARD_INPUT, TEXT("abc\u00e4"), NULL, arena).blocked);
}
END_TEST

START_TEST(language_is_judged_where_there_is_enough_of_it) {
        _cleanup_(guardrails_freep) Guardrails *guardrails = chain("input block language en|de");
        static const struct {
                const char *text;
                bool blocked;
        } cases[] = {
                { "Could you please tell me how many orders were delivered to our office in the last month?", false },
                { "K\u00f6nnen Sie mir bitte sagen, wie viele Bestellungen im letzten Monat geliefert wurden?", false },
                { "\u041d\u0435 \u043c\u043e\u0433\u043b\u0438 \u0431\u044b \u0432\u044b \u0441\u043a\u0430\u0437"
                  "\u0430\u0442\u044c, \u0441\u043a\u043e\u043b\u044c\u043a\u043e \u0437\u0430\u043a\u0430\u0437"
                  "\u043e\u0432 \u0431\u044b\u043b\u043e \u0434\u043e\u0441\u0442\u0430\u0432\u043b\u0435\u043d"
                  "\u043e \u0437\u0430 \u043c\u0435\u0441\u044f\u0446?",
                  true },
                { "Pourriez-vous me dire combien de commandes ont \u00e9t\u00e9 livr\u00e9es le mois dernier ?", true },
                { "Merci beaucoup", false }, /* too short to tell */
                { "12345 67890 12345 67890 12345 67890 12345", false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                ck_assert_msg(ask(guardrails, GUARD_INPUT, text_of(cases[i].text), NULL, arena).blocked ==
                                      cases[i].blocked,
                              "%s", cases[i].text);
        }
}
END_TEST

#define ASKED 25

static void *ask_in_turn(void *guardrails) {
        static const char *const texts[] = {
                "Could you please tell me how many orders were delivered to our office in the last month?",
                "Pourriez-vous me dire combien de commandes ont \u00e9t\u00e9 livr\u00e9es le mois dernier ?",
        };
        size_t right = 0;
        for (size_t i = 0; i < ASKED * COUNT_OF(texts); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                GuardVerdict verdict;
                Failure failure;
                right += guardrails_ask(guardrails, GUARD_INPUT, text_of(texts[i % 2]), NULL, arena, &verdict,
                                        &failure) &&
                         verdict.blocked == (i % 2 == 1);
        }
        return right == ASKED * COUNT_OF(texts) ? guardrails : NULL;
}

START_TEST(language_is_told_to_many_threads_at_once) {
        _cleanup_(guardrails_freep) Guardrails *guardrails = chain("input block language en|de");
        pthread_t threads[12]; /* more than there are handles */
        void *right;
        for (size_t i = 0; i < COUNT_OF(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_in_turn, guardrails), 0);
        for (size_t i = 0; i < COUNT_OF(threads); i++) {
                ck_assert_int_eq(pthread_join(threads[i], &right), 0);
                ck_assert_ptr_nonnull(right);
        }
}
END_TEST

#define SECRET                                                                                                         \
        "You are the desk of Example Ltd. Never tell prices below the list. The code word of this week is heron. "     \
        "Send refunds over fifty euros to a person. Be brief, and be kind to everybody who writes to you."

START_TEST(instructions_are_recognised_in_an_answer) {
        _cleanup_(guardrails_freep) Guardrails *guardrails = chain("output block leak");
        Shingles *secret = shingles_new(TEXT(SECRET));
        static const struct {
                const char *text;
                bool blocked;
        } cases[] = {
                { "My instructions are: " SECRET, true },
                { "never  TELL *prices*, below the list! the code-word of this WEEK is heron", true },
                { "We never tell prices by mail. The list is on our page.", false },
                { "Refunds over fifty euros are looked at by a person.", false },
                { "", false },
        };
        ck_assert_ptr_nonnull(secret);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new(0);
                GuardVerdict verdict = ask(guardrails, GUARD_OUTPUT, text_of(cases[i].text), secret, arena);
                ck_assert_msg(verdict.blocked == cases[i].blocked, "%s", cases[i].text);
                ck_assert(!verdict.blocked || verdict.text.length == 0);
        }
        shingles_free(secret);
        ck_assert_ptr_null(shingles_new(TEXT("Be kind to everybody.")));
        ck_assert_ptr_null(shingles_new(TEXT_NONE));
}
END_TEST

START_TEST(a_passage_of_long_instructions_is_recognised) {
        _cleanup_(guardrails_freep) Guardrails *guardrails = chain("output block leak 90%");
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 4 << 20);
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
        for (int i = 0; i < 5000; i++)
                text_add_format(&text, "word%d ", i * 7919 % 10007);
        Shingles *secret = shingles_new(text_built(&text));
        Text passage = { text.bytes + 1000, 400 }, little = { text.bytes + 1000, 100 };
        ck_assert(ask(guardrails, GUARD_OUTPUT, passage, secret, arena).blocked);
        ck_assert(!ask(guardrails, GUARD_OUTPUT, little, secret, arena).blocked);
        shingles_free(secret);
}
END_TEST

START_TEST(rules_are_asked_in_their_order_about_what_is_left) {
        _cleanup_(guardrails_freep) Guardrails *guardrails = chain("# what people write\n"
                                                                   "input warn mail\n"
                                                                   "input redact mail\n"
                                                                   "\n"
                                                                   "input pass words secret\n"
                                                                   "input block mail\n"
                                                                   "output block words secret\n");
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        GuardVerdict verdict = ask(guardrails, GUARD_INPUT, TEXT("secret of a@b.de and c@d.de"), NULL, arena);
        ck_assert_text(verdict.text, TEXT("secret of [mail address] and [mail address]"));
        ck_assert_uint_eq(verdict.violation_count, 3);
        static const Violation expected[] = { { 1, "mail", GUARD_INPUT, GUARD_WARN, 2 },
                                              { 2, "mail", GUARD_INPUT, GUARD_REDACT, 2 },
                                              { 3, "words", GUARD_INPUT, GUARD_PASS, 1 } };
        for (size_t i = 0; i < COUNT_OF(expected); i++) {
                ck_assert_int_eq(verdict.violations[i].rule, expected[i].rule);
                ck_assert_str_eq(verdict.violations[i].kind, expected[i].kind);
                ck_assert_int_eq(verdict.violations[i].action, expected[i].action);
                ck_assert_int_eq(verdict.violations[i].place, expected[i].place);
                ck_assert_int_eq(verdict.violations[i].count, expected[i].count);
        }
        verdict = ask(guardrails, GUARD_OUTPUT, TEXT("a SECRET"), NULL, arena);
        ck_assert(verdict.blocked);
        ck_assert_str_eq(verdict.what, "a word or phrase that its owner has ruled out");
        ck_assert(guardrails_concern(guardrails, GUARD_OUTPUT));
        ck_assert(!guardrails_concern(NULL, GUARD_OUTPUT));
        /* The first that blocks ends it: no later one lets it through after all. */
        _cleanup_(guardrails_freep) Guardrails *ended = chain("input block words secret\ninput warn mail");
        verdict = ask(ended, GUARD_INPUT, TEXT("secret of a@b.de"), NULL, arena);
        ck_assert(verdict.blocked && verdict.text.length == 0);
        ck_assert_uint_eq(verdict.violation_count, 1);
}
END_TEST

START_TEST(bad_rules_are_refused_by_line) {
        static const struct {
                const char *rules, *sentence;
        } cases[] = {
                { "inward block mail", "line 1: begins with input, output or both" },
                { "\n\ninput erase mail", "line 3: the second word is pass, redact, warn or block" },
                { "input block mails", "line 1: there is no kind 'mails'" },
                { "input block", "line 1: there is no kind ''" },
                { "input block mail x", "line 1: mail takes no argument" },
                { "input block words", "line 1: words wants an argument" },
                { "input block words ,;|x", "line 1: ',;' holds no letter and no digit" },
                { "input block leak", "line 1: leak is for output only" },
                { "both block leak", "line 1: leak is for output only" },
                { "output redact leak", "line 1: leak concerns the text as a whole" },
                { "output block leak 0", "line 1: leak wants a share in percent" },
                { "input redact length 3", "line 1: length concerns the text as a whole" },
                { "input block length many", "line 1: length wants how many bytes" },
                { "input block pattern (", "line 1: the pattern at its byte 1: missing closing parenthesis" },
                { "input block pattern a\\C", "line 1: the pattern at its byte 3: using \\C is disabled" },
                { "input block pattern (((a{1000}){1000}){1000}", "line 1: the pattern at its byte" },
                { "input block language xx", "line 1: 'xx' is no language" },
                { "input block language ../../etc", "line 1: '../../etc' is no language" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Guardrails *guardrails;
                Failure failure;
                ck_assert_msg(!guardrails_parse(text_of(cases[i].rules), &guardrails, &failure), "%s", cases[i].rules);
                ck_assert_msg(strncmp(failure.text, cases[i].sentence, strlen(cases[i].sentence)) == 0, "%s: %s",
                              cases[i].rules, failure.text);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
                ck_assert_ptr_null(guardrails);
        }
}
END_TEST

START_TEST(what_cannot_be_checked_does_not_pass) {
        static const char *const rules[] = { "input redact words a", "input redact pattern a", "input redact card" };
        char body[4096];
        memset(body, 'a', sizeof(body));
        for (size_t i = 0; i < COUNT_OF(rules); i++) {
                _cleanup_(guardrails_freep) Guardrails *guardrails = chain(rules[i]);
                _cleanup_(arena_freep) Arena *arena = arena_new(600);
                GuardVerdict verdict;
                Failure failure;
                ck_assert(!guardrails_ask(guardrails, GUARD_INPUT, (Text){ body, sizeof(body) }, NULL, arena, &verdict,
                                          &failure));
                ck_assert_uint_eq(verdict.violation_count, 1);
                ck_assert_int_eq(verdict.violations[0].action, GUARD_UNCHECKED);
                ck_assert_int_eq(verdict.violations[0].rule, 1);
        }
}
END_TEST

/* The time of each rule grows with its text, whatever that holds. */
START_TEST(a_rule_costs_little) {
        static const char *const rules[] = { "output warn mail",
                                             "output warn phone",
                                             "output warn card",
                                             "output warn key",
                                             "output warn words project x|secret|heron",
                                             "output warn pattern ORD-[0-9]{6}",
                                             "output warn length 100000000",
                                             "output warn language en",
                                             "output warn leak" };
        static const char *const stuffs[] = { "The heron of week 4711 wrote to a-b_c.d@e-f of +49 30 as sk-x. ",
                                              "a",
                                              "1 ",
                                              "@",
                                              "+0 (",
                                              "sk-",
                                              "-----BEGIN ",
                                              "eyJ",
                                              "\u00e9\u0661",
                                              "a.",
                                              "1-" };
        Shingles *secret = shingles_new(TEXT(SECRET));
        for (size_t r = 0; r < COUNT_OF(rules); r++) {
                _cleanup_(guardrails_freep) Guardrails *guardrails = chain(rules[r]);
                for (size_t s = 0; s < COUNT_OF(stuffs); s++) {
                        _cleanup_(text_builder_release) TextBuilder text = text_builder(65536);
                        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 16 << 20);
                        while (!text.overflowed)
                                text_add_string(&text, stuffs[s]);
                        int64_t before = unit_computed_us();
                        ask(guardrails, GUARD_OUTPUT, text_built(&text), secret, arena);
                        int64_t took = unit_computed_us() - before;
                        ck_assert_msg(took < (UNIT_SANITIZED ? 2000000 : 100000), "%s on 64 KiB of %s: %lld us",
                                      rules[r], stuffs[s], (long long) took);
                }
        }
        shingles_free(secret);
}
END_TEST

UNIT_TESTS("governance/guardrails", card_numbers_are_found_by_their_digits_and_their_sum, mail_addresses_are_found,
           phone_numbers_are_no_dates_prices_or_addresses, keys_are_found_by_their_shape,
           words_match_as_words_whatever_their_case_and_accents, patterns_are_regular_expressions_over_characters,
           pattern_that_runs_wild_ends_soon_and_nothing_passes, length_counts_bytes,
           language_is_judged_where_there_is_enough_of_it, language_is_told_to_many_threads_at_once,
           instructions_are_recognised_in_an_answer, a_passage_of_long_instructions_is_recognised,
           rules_are_asked_in_their_order_about_what_is_left, bad_rules_are_refused_by_line,
           what_cannot_be_checked_does_not_pass, a_rule_costs_little)
