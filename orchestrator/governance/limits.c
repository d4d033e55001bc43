#include "orchestrator/governance/limits.h"

static const char *const subject_names[LIMIT_SUBJECT_COUNT] = {
        [LIMIT_OF_INSTALLATION] = "installation",
        [LIMIT_OF_PLAN] = "plan",
        [LIMIT_OF_TENANT] = "tenant",
        [LIMIT_OF_ACCOUNT] = "account",
        [LIMIT_OF_AGENT] = "agent",
        [LIMIT_OF_GRANT] = "grant",
        [LIMIT_OF_DOMAIN] = "domain",
};

#define OF(subject) LIMIT_SUBJECT_BIT(LIMIT_OF_##subject)
#define OF_ALL      (LIMIT_SUBJECT_BIT(LIMIT_SUBJECT_COUNT) - 1)
#define OF_BUDGETS  OF_ALL
#define OF_GAUGES   (OF(INSTALLATION) | OF(PLAN) | OF(TENANT) | OF(ACCOUNT) | OF(AGENT))
#define OF_COUNTS   (OF(PLAN) | OF(TENANT))

const LimitFact limit_facts[LIMIT_WHAT_COUNT] = {
        [LIMIT_MESSAGES] = { "messages", LIMIT_IS_RATE, "messages", OF_ALL, "Messages let in." },
        [LIMIT_TOKENS] = { "tokens", LIMIT_IS_BUDGET, "tokens", OF_BUDGETS, "Tokens of models, prompt and answer." },
        [LIMIT_MONEY_NANO] = { "money-nano", LIMIT_IS_BUDGET, "nano-units", OF_BUDGETS,
                               "What models may cost, in nano-units of the installation's currency." },
        [LIMIT_WORKER_MS] = { "worker-ms", LIMIT_IS_BUDGET, "milliseconds of workers", OF_BUDGETS,
                              "How long turns may keep workers." },
        [LIMIT_TURNS] = { "turns", LIMIT_IS_GAUGE, "turns at the same time", OF_GAUGES,
                          "Turns that run at the same time; further ones wait." },
        [LIMIT_WAITING] = { "waiting", LIMIT_IS_GAUGE, "messages that wait", OF_GAUGES,
                            "Messages that wait for their turn." },
        [LIMIT_AGENTS] = { "agents", LIMIT_IS_COUNT, "agents", OF_COUNTS, "Agents there may be." },
        [LIMIT_MEMBERS] = { "members", LIMIT_IS_COUNT, "members", OF_COUNTS, "People who may be members." },
        [LIMIT_PROVIDERS] = { "providers", LIMIT_IS_COUNT, "providers", OF_COUNTS, "Providers of models." },
        [LIMIT_KEYS] = { "keys", LIMIT_IS_COUNT, "keys", OF_COUNTS, "API keys." },
        [LIMIT_MEMORY_MB] = { "memory-mb", LIMIT_IS_COUNT, "MB of memory", OF_COUNTS | OF(AGENT),
                              "Megabytes of knowledge and memories." },
        [LIMIT_STORAGE_MB] = { "storage-mb", LIMIT_IS_COUNT, "MB of storage", OF_COUNTS,
                               "Megabytes of artifacts and files." },
        [LIMIT_BODY_BYTES] = { "body-bytes", LIMIT_IS_SIZE, "bytes", OF_ALL, "The text of one message." },
        [LIMIT_ARTIFACT_BYTES] = { "artifact-bytes", LIMIT_IS_SIZE, "bytes", OF_ALL, "One artifact." },
        [LIMIT_TURN_SECONDS] = { "turn-seconds", LIMIT_IS_SIZE, "seconds", OF_ALL, "How long one turn may take." },
};

static const char *const kind_names[] = {
        [LIMIT_IS_RATE] = "rate",   [LIMIT_IS_BUDGET] = "budget", [LIMIT_IS_GAUGE] = "gauge",
        [LIMIT_IS_COUNT] = "count", [LIMIT_IS_SIZE] = "size",
};

const char *limit_kind_name(LimitKind kind) {
        return kind_names[kind];
}

const char *limit_subject_name(LimitSubject subject) {
        return subject_names[subject];
}

bool limit_subject_from_name(Text name, LimitSubject *ret_subject) {
        for (int i = 0; i < LIMIT_SUBJECT_COUNT; i++)
                if (text_equal(text_of(subject_names[i]), name)) {
                        *ret_subject = (LimitSubject) i;
                        return true;
                }
        return false;
}

const char *limit_what_name(LimitWhat what) {
        return limit_facts[what].name;
}

bool limit_what_from_name(Text name, LimitWhat *ret_what) {
        for (int i = 0; i < LIMIT_WHAT_COUNT; i++)
                if (text_equal(text_of(limit_facts[i].name), name)) {
                        *ret_what = (LimitWhat) i;
                        return true;
                }
        return false;
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
