#include "orchestrator/governance/guardrails/kinds.h"

#define LOCAL_MOST  64 /* RFC 5321 §4.5.3.1 */
#define DOMAIN_MOST 253

static bool is_alphanumeric(unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

static bool is_local(unsigned char c) {
        return is_alphanumeric(c) || (c && strchr("!#$%&'*+/=?^_`{|}~.-", c));
}

/* Where the domain that starts at `from` ends; `from` when there is none with two labels and a top that is no number.
 */
static size_t domain_end(Text text, size_t from) {
        size_t end = from, dot = 0;

        while (end < text.length && end - from < DOMAIN_MOST &&
               (is_alphanumeric((unsigned char) text.bytes[end]) || text.bytes[end] == '-' || text.bytes[end] == '.'))
                end++;
        while (end > from && (text.bytes[end - 1] == '.' || text.bytes[end - 1] == '-'))
                end--;
        for (size_t i = from + 1; i < end; i++)
                if (text.bytes[i] == '.')
                        dot = i;
        bool lettered = dot && end - dot > 2 && !(text.bytes[dot + 1] >= '0' && text.bytes[dot + 1] <= '9');
        return lettered && text.bytes[from] != '.' ? end : from;
}

static bool mail_find(const void *state, Subject *subject, Spans *spans, Failure *reterr_failure) {
        (void) state;
        if (!memchr(subject->text.bytes, '@', subject->text.length) &&
            text_ascii_length(subject->text) == subject->text.length)
                return true;
        if (!subject_fold(subject, reterr_failure))
                return false;
        Text text = subject->folded.text;
        for (size_t at = 0, end; at < text.length; at = end) {
                const char *found = memchr(text.bytes + at, '@', text.length - at);
                if (!found)
                        break;
                size_t sign = (size_t) (found - text.bytes), from = sign;
                while (from > at && sign - from < LOCAL_MOST && is_local((unsigned char) text.bytes[from - 1]))
                        from--;
                while (from < sign && !text_character((Text){ text.bytes + from, text.length - from }))
                        from++;
                while (from < sign && strchr(".'`*", text.bytes[from])) /* what quotes or marks it */
                        from++;
                end = from < sign ? domain_end(text, sign + 1) : sign + 1;
                if (end > sign + 1)
                        spans_add_folded(spans, subject, from, end);
                else
                        end = sign + 1;
        }
        return true;
}

const Kind mail_kind = {
        .name = "mail",
        .found = "a mail address",
        .stands_in = "[mail address]",
        .find = mail_find,
};
