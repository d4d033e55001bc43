#include "orchestrator/governance/guardrails/kinds.h"

#define DIGITS_LEAST 13 /* ISO/IEC 7812-1 */
#define DIGITS_MOST  19

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* ISO/IEC 7812-1, annex B; the networks that issue payment cards begin with 2 to 6. */
static bool is_card(const char *digits, size_t count) {
        int sum = 0, same = 1;

        if (count < DIGITS_LEAST || count > DIGITS_MOST || digits[0] < '2' || digits[0] > '6')
                return false;
        for (size_t i = 0; i < count; i++) {
                int digit = digits[count - 1 - i] - '0';
                digit *= i % 2 ? 2 : 1;
                sum += digit > 9 ? digit - 9 : digit;
                same &= digits[i] == digits[0];
        }
        return sum % 10 == 0 && !same;
}

/* Digits with one space or dash between groups of them: where the card that begins here ends, `from` when none does. It
 * ends where a group does; of several ends the farthest. */
static size_t card_end(Text text, size_t from) {
        char digits[DIGITS_MOST];
        size_t count = 0, end = from;

        for (size_t i = from; i < text.length; i++) {
                if (!is_digit(text.bytes[i])) {
                        bool joins = (text.bytes[i] == ' ' || text.bytes[i] == '-') && i + 1 < text.length &&
                                     is_digit(text.bytes[i + 1]);
                        if (!joins)
                                break;
                        continue;
                }
                if (count == DIGITS_MOST)
                        break;
                digits[count++] = text.bytes[i];
                bool closes = i + 1 == text.length || !is_digit(text.bytes[i + 1]);
                if (closes && is_card(digits, count))
                        end = i + 1;
        }
        return end;
}

/* A group of digits, and not what stands behind a decimal point. */
static bool begins(Text text, size_t place) {
        char before = '\0', earlier = '\0';

        if (place > 0)
                before = text.bytes[place - 1];
        if (place > 1)
                earlier = text.bytes[place - 2];
        return is_digit(text.bytes[place]) && !is_digit(before) && !(before == '.' && is_digit(earlier));
}

static bool card_find(const void *state, Subject *subject, Spans *spans, Failure *reterr_failure) {
        (void) state;
        if (!subject_fold(subject, reterr_failure))
                return false;
        Text text = subject->folded.text;
        for (size_t i = 0; i < text.length; i++) {
                size_t end = begins(text, i) ? card_end(text, i) : i;
                if (end > i) {
                        spans_add_folded(spans, subject, i, end);
                        i = end - 1;
                }
        }
        return true;
}

const Kind card_kind = {
        .name = "card",
        .found = "a payment card number",
        .stands_in = "[payment card]",
        .find = card_find,
};
