#include "orchestrator/governance/guardrails/kinds.h"

#define DIGITS_MOST 15 /* ITU-T E.164 */
#define GROUPS_MOST 8

/* A number as people write it: groups of digits with one or two of " -./()" between them. */
typedef struct Number {
        size_t end;
        size_t digits, groups;
        size_t group[GROUPS_MOST]; /* how many digits each has */
        char first, separator;     /* separator: behind the first group; '\0' = none */
        bool brackets;
} Number;

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_word(char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_' || (unsigned char) c >= 0x80;
}

static size_t separator_length(Text text, size_t at, Number *number) {
        size_t length = 0;

        while (length < 3 && at + length < text.length && text.bytes[at + length] &&
               strchr(" -./()", text.bytes[at + length])) {
                number->brackets |= text.bytes[at + length] == '(' || text.bytes[at + length] == ')';
                length++;
        }
        return length && at + length < text.length && is_digit(text.bytes[at + length]) ? length : 0;
}

static Number number_read(Text text, size_t from) {
        Number number = { .end = from, .first = text.bytes[from] };

        for (size_t at = from; at < text.length && number.groups < GROUPS_MOST;) {
                size_t count = 0;
                while (at + count < text.length && is_digit(text.bytes[at + count]))
                        count++;
                number.group[number.groups++] = count;
                number.digits += count;
                number.end = at + count;
                size_t gap = separator_length(text, number.end, &number);
                if (gap == 0 || number.digits >= DIGITS_MOST)
                        break;
                if (number.groups == 1)
                        number.separator = text.bytes[number.end];
                at = number.end + gap;
        }
        return number;
}

static bool is_date(const Number *number) {
        return number->groups >= 3 && !number->brackets && number->group[0] <= 2 && number->group[1] <= 2 &&
               (number->group[2] == 4 || (number->groups == 3 && number->group[2] == 2));
}

static bool has_group_of_one(const Number *number) {
        for (size_t i = 1; i < number->groups; i++)
                if (number->group[i] == 1)
                        return true;
        return false;
}

/* International, or national with its 0, or three, three and four digits. */
static bool is_phone(const Number *number, bool plus, bool bracket) {
        if (number->digits > DIGITS_MOST)
                return false;
        if (plus)
                return number->digits >= 8 && number->first != '0';
        if (number->groups == 3 && number->group[0] == 3 && number->group[1] == 3 && number->group[2] == 4)
                return true;
        if (number->first != '0' && !bracket)
                return false;
        if (number->groups == 1)
                return number->first == '0' && number->digits >= 9;
        return number->digits >= 7 && !is_date(number) && !has_group_of_one(number);
}

static bool phone_find(const void *state, Subject *subject, Spans *spans, Failure *reterr_failure) {
        (void) state;
        if (!subject_fold(subject, reterr_failure))
                return false;
        Text text = subject->folded.text;
        for (size_t i = 0; i < text.length; i++) {
                bool plus = text.bytes[i] == '+', bracket = text.bytes[i] == '(';
                if (!is_digit(text.bytes[i]) && !plus && !bracket)
                        continue;
                size_t from = i + (plus || bracket);
                if (from < text.length && plus && text.bytes[from] == '(')
                        from++;
                if (from >= text.length || !is_digit(text.bytes[from]))
                        continue;
                bool inside = i > 0 && (is_word(text.bytes[i - 1]) || strchr(".-/:", text.bytes[i - 1]));
                Number number = number_read(text, from);
                char next = '\0';
                if (number.end < text.length)
                        next = text.bytes[number.end];
                if (!inside && !is_word(next) && is_phone(&number, plus, bracket))
                        spans_add_folded(spans, subject, i, number.end);
                i = number.end - 1;
        }
        return true;
}

const Kind phone_kind = {
        .name = "phone",
        .found = "a phone number",
        .stands_in = "[phone number]",
        .find = phone_find,
};
