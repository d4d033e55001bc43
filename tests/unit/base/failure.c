#include "base/failure.h"
#include "tests/unit/unit.h"

#include <stdio.h>

START_TEST(every_kind_has_a_complete_form) {
        for (int kind = FAILURE_NONE + 1; kind < FAILURE_KIND_COUNT; kind++) {
                const FailureForm *form = failure_form((FailureKind) kind);
                ck_assert_ptr_nonnull(form->name);
                ck_assert_uint_gt(strlen(form->xmpp_condition), 0);
                ck_assert(strstr("cancel modify auth wait", form->xmpp_type) && strlen(form->xmpp_type) > 0);
                ck_assert_int_ge(form->http_status, 400);
                ck_assert_int_le(form->http_status, 599);
                ck_assert_int_gt(form->exit_code, 0);
                ck_assert_int_lt(form->exit_code, 64);
        }
}
END_TEST

START_TEST(names_and_exit_codes_tell_kinds_apart) {
        for (int a = FAILURE_NONE; a < FAILURE_KIND_COUNT; a++) {
                FailureKind found = FAILURE_KIND_COUNT;
                ck_assert(failure_kind_from_name(text_of(failure_form((FailureKind) a)->name), &found));
                ck_assert_int_eq((int) found, a);
                for (int b = a + 1; b < FAILURE_KIND_COUNT; b++)
                        ck_assert_int_ne(failure_form((FailureKind) a)->exit_code,
                                         failure_form((FailureKind) b)->exit_code);
        }
}
END_TEST

START_TEST(exit_codes_that_scripts_rely_on_stay) {
        static const struct {
                FailureKind kind;
                int exit_code;
        } cases[] = { { FAILURE_NONE, 0 },       { FAILURE_INTERNAL, 1 },        { FAILURE_INVALID, 2 },
                      { FAILURE_NOT_FOUND, 3 },  { FAILURE_UNAUTHENTICATED, 4 }, { FAILURE_FORBIDDEN, 5 },
                      { FAILURE_CONFLICT, 6 },   { FAILURE_TOO_LARGE, 7 },       { FAILURE_POLICY, 8 },
                      { FAILURE_LIMIT, 9 },      { FAILURE_UNAVAILABLE, 10 },    { FAILURE_TIMED_OUT, 11 },
                      { FAILURE_CANCELLED, 12 }, { FAILURE_UNSUPPORTED, 13 } };
        ck_assert_uint_eq(COUNT_OF(cases), FAILURE_KIND_COUNT);
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                ck_assert_int_eq(failure_form(cases[i].kind)->exit_code, cases[i].exit_code);
}
END_TEST

START_TEST(unknown_kinds_and_names_are_not_trusted) {
        FailureKind kind;
        ck_assert_ptr_eq(failure_form(FAILURE_KIND_COUNT), failure_form(FAILURE_INTERNAL));
        ck_assert_ptr_eq(failure_form((FailureKind) -1), failure_form(FAILURE_INTERNAL));
        ck_assert(!failure_kind_from_name(TEXT("nonsense"), &kind));
        ck_assert(!failure_kind_from_name(TEXT_NONE, &kind));
}
END_TEST

START_TEST(setting_returns_false_and_may_be_ignored) {
        Failure failure;
        ck_assert(!failure_set(&failure, FAILURE_CONFLICT, "name \"%s\" is taken", "guide"));
        ck_assert_int_eq(failure.kind, FAILURE_CONFLICT);
        ck_assert_str_eq(failure.text, "name \"guide\" is taken");
        ck_assert(!failure_set(NULL, FAILURE_CONFLICT, "nobody %s", "asks"));
        ck_assert(!failure_prefix(NULL, "nobody %s", "asks"));
}
END_TEST

START_TEST(prefix_keeps_kind_and_sentence) {
        Failure failure;
        failure_set(&failure, FAILURE_UNAVAILABLE, "connection refused");
        ck_assert(!failure_prefix(&failure, "%s", "PostgreSQL"));
        ck_assert_int_eq(failure.kind, FAILURE_UNAVAILABLE);
        ck_assert_str_eq(failure.text, "PostgreSQL: connection refused");
}
END_TEST

START_TEST(sentence_may_be_made_from_itself) {
        Failure failure;
        failure_set(&failure, FAILURE_INVALID, "first");
        failure_set(&failure, FAILURE_INVALID, "%s, second", failure.text);
        ck_assert_str_eq(failure.text, "first, second");
}
END_TEST

START_TEST(long_sentences_are_cut_between_characters) {
        char sentence[2 * FAILURE_TEXT_LIMIT + 1];
        for (size_t offset = 0; offset < 4; offset++) {
                size_t length = 0;
                while (length < offset)
                        sentence[length++] = 'x';
                for (; length + 3 < sizeof(sentence); length += 3)
                        memcpy(sentence + length, "€", 3);
                sentence[length] = '\0';
                Failure failure;
                failure_set(&failure, FAILURE_INVALID, "%s", sentence);
                ck_assert(text_is_utf8(text_of(failure.text)));
                ck_assert_uint_ge(strlen(failure.text), FAILURE_TEXT_LIMIT - 4);
                failure_prefix(&failure, "%s", sentence);
                ck_assert(text_is_utf8(text_of(failure.text)));
        }
}
END_TEST

START_TEST(foreign_bytes_become_question_marks) {
        Failure failure;
        failure_set(&failure, FAILURE_INVALID, "said \xC3\xA4\xFF\xC3 and %s", "\xED\xA0\x80");
        ck_assert_str_eq(failure.text, "said ä?? and ???");
}
END_TEST

UNIT_TESTS("base/failure", every_kind_has_a_complete_form, names_and_exit_codes_tell_kinds_apart,
           exit_codes_that_scripts_rely_on_stay, unknown_kinds_and_names_are_not_trusted,
           setting_returns_false_and_may_be_ignored, prefix_keeps_kind_and_sentence, sentence_may_be_made_from_itself,
           long_sentences_are_cut_between_characters, foreign_bytes_become_question_marks)
