#include "orchestrator/governance/limits.h"

static const char *const subject_names[LIMIT_SUBJECT_COUNT] = {
        [LIMIT_OF_INSTALLATION] = "installation",
        [LIMIT_OF_TENANT] = "tenant",
        [LIMIT_OF_ACCOUNT] = "account",
        [LIMIT_OF_AGENT] = "agent",
        [LIMIT_OF_GRANT] = "grant",
        [LIMIT_OF_DOMAIN] = "domain",
};

static const char *const what_names[LIMIT_WHAT_COUNT] = {
        [LIMIT_MESSAGES] = "messages",
        [LIMIT_BODY_BYTES] = "body-bytes",
};

static bool name_find(const char *const *names, size_t count, Text name, size_t *ret_index) {
        for (size_t i = 0; i < count; i++)
                if (text_equal(text_of(names[i]), name)) {
                        *ret_index = i;
                        return true;
                }
        return false;
}

const char *limit_subject_name(LimitSubject subject) {
        return subject_names[subject];
}

bool limit_subject_from_name(Text name, LimitSubject *ret_subject) {
        size_t index;
        if (!name_find(subject_names, LIMIT_SUBJECT_COUNT, name, &index))
                return false;
        *ret_subject = (LimitSubject) index;
        return true;
}

const char *limit_what_name(LimitWhat what) {
        return what_names[what];
}

bool limit_what_from_name(Text name, LimitWhat *ret_what) {
        size_t index;
        if (!name_find(what_names, LIMIT_WHAT_COUNT, name, &index))
                return false;
        *ret_what = (LimitWhat) index;
        return true;
}

/* A clock that went back refills nothing, then and later. */
static void limit_refill(Limit *limit, int64_t now_us) {
        double full = (double) limit->amount;

        if (!limit->used) {
                limit->used = true;
                limit->tokens = full;
                limit->refilled_us = now_us;
        } else if (now_us > limit->refilled_us) {
                limit->tokens += full * (double) (now_us - limit->refilled_us) / (double) limit->window_us;
                limit->refilled_us = now_us;
        }
        if (limit->tokens > full)
                limit->tokens = full;
}

static bool limit_allows(Limit *limit, int64_t amount, int64_t now_us, int64_t *ret_opens_us) {
        *ret_opens_us = 0;
        if (amount > limit->amount)
                return false;
        if (limit->window_us == 0)
                return true;
        limit_refill(limit, now_us);
        if (limit->tokens >= (double) amount)
                return true;
        double missing = (double) amount - limit->tokens;
        *ret_opens_us = now_us + (int64_t) (missing / (double) limit->amount * (double) limit->window_us) + 1;
        return false;
}

void limit_change(Limit *limit, int64_t window_us, int64_t amount) {
        double tokens = limit->tokens + (double) (amount - limit->amount);

        limit->tokens = tokens > 0 ? tokens : 0;
        limit->window_us = window_us;
        limit->amount = amount;
}

LimitVerdict limits_take(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us) {
        LimitVerdict verdict = { 0 };

        for (size_t i = 0; i < count; i++)
                for (Limit *limit = lists[i]; limit; limit = limit->next) {
                        int64_t opens_us;
                        if (limit->what != what || limit_allows(limit, amount, monotonic_us, &opens_us))
                                continue;
                        if (!verdict.refused || limit->amount < verdict.amount)
                                verdict = (LimitVerdict){ true, limit->subject, limit->amount, limit->window_us,
                                                          opens_us };
                }
        if (verdict.refused)
                return verdict;
        for (size_t i = 0; i < count; i++)
                for (Limit *limit = lists[i]; limit; limit = limit->next)
                        if (limit->what == what && limit->window_us > 0)
                                limit->tokens -= (double) amount;
        return verdict;
}
