#include "orchestrator/governance/limits.h"

#include "base/money.h"

#include <stdio.h>

#define WARN_LEAST 5 /* of an amount below that, the last but one is no warning */

static const char *const subject_names[LIMIT_SUBJECT_COUNT] = {
        [LIMIT_OF_INSTALLATION] = "installation",
        [LIMIT_OF_PLAN] = "plan",
        [LIMIT_OF_TENANT] = "tenant",
        [LIMIT_OF_ACCOUNT] = "account",
        [LIMIT_OF_AGENT] = "agent",
        [LIMIT_OF_GRANT] = "grant",
        [LIMIT_OF_DOMAIN] = "domain",
        [LIMIT_OF_SENDER] = "sender",
};

#define OF(subject) LIMIT_SUBJECT_BIT(LIMIT_OF_##subject)
#define OF_ALL      (LIMIT_SUBJECT_BIT(LIMIT_SUBJECT_COUNT) - 1)
#define OF_BUDGETS  (OF_ALL & ~OF(SENDER))
#define OF_GAUGES   (OF(INSTALLATION) | OF(PLAN) | OF(TENANT) | OF(ACCOUNT) | OF(AGENT))
#define OF_COUNTS   (OF(PLAN) | OF(TENANT))

const LimitFact limit_facts[LIMIT_WHAT_COUNT] = {
        [LIMIT_MESSAGES] = { "messages", LIMIT_IS_RATE, "messages", OF_ALL, "Messages let in." },
        [LIMIT_TOKENS] = { "tokens", LIMIT_IS_BUDGET, "tokens", OF_BUDGETS, "Tokens of models, prompt and answer." },
        [LIMIT_MONEY_NANO] = { "money-nano", LIMIT_IS_BUDGET, "units of the currency", OF_BUDGETS,
                               "What models may cost, in nano-units of the installation's currency." },
        [LIMIT_WORKER_MS] = { "worker-ms", LIMIT_IS_RATE, "milliseconds of workers", OF_ALL,
                              "How long turns may keep workers, charged when they end." },
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
        [LIMIT_BODY_BYTES] = { "body-bytes", LIMIT_IS_SIZE, "bytes of a message", OF_ALL, "The text of one message." },
        [LIMIT_ARTIFACT_BYTES] = { "artifact-bytes", LIMIT_IS_SIZE, "bytes of an artifact", OF_ALL, "One artifact." },
        [LIMIT_TURN_SECONDS] = { "turn-seconds", LIMIT_IS_SIZE, "seconds of a turn", OF_ALL,
                                 "How long one turn may take." },
        [LIMIT_BODY_DAYS] = { "body-days", LIMIT_IS_AGE, "days of texts", OF_COUNTS,
                              "How long messages and answers are kept; 0 = for ever." },
        [LIMIT_LOG_DAYS] = { "log-days", LIMIT_IS_AGE, "days of the log", OF_COUNTS,
                             "How long the log and security events are kept; 0 = for ever." },
};

static const char *const kind_names[] = {
        [LIMIT_IS_RATE] = "rate",   [LIMIT_IS_BUDGET] = "budget", [LIMIT_IS_GAUGE] = "gauge",
        [LIMIT_IS_COUNT] = "count", [LIMIT_IS_SIZE] = "size",     [LIMIT_IS_AGE] = "age",
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

static const struct {
        const char *name;
        int64_t window_us;
} windows[] = {
        { "minute", LIMIT_MINUTE_US }, { "hour", LIMIT_HOUR_US }, { "day", LIMIT_DAY_US }, { "month", LIMIT_MONTH_US }
};

void limit_window_format(int64_t window_us, char string[static LIMIT_WINDOW_SIZE]) {
        for (size_t i = 0; i < COUNT_OF(windows); i++)
                if (windows[i].window_us == window_us) {
                        snprintf(string, LIMIT_WINDOW_SIZE, "%s", windows[i].name);
                        return;
                }
        snprintf(string, LIMIT_WINDOW_SIZE, "%lld seconds", (long long) (window_us / 1000000));
}

void limit_format(LimitWhat what, int64_t window_us, int64_t amount, char string[static LIMIT_TEXT_SIZE]) {
        char window[LIMIT_WINDOW_SIZE], figure[MONEY_SIZE];

        limit_window_format(window_us, window);
        if (what == LIMIT_MONEY_NANO)
                money_format(amount, figure);
        else
                snprintf(figure, sizeof(figure), "%lld", (long long) amount);
        snprintf(string, LIMIT_TEXT_SIZE, "%s %s%s%s", figure, limit_facts[what].unit, window_us ? " per " : "",
                 window_us ? window : "");
}

bool limit_is_wider(LimitWhat what, int64_t amount, int64_t than) {
        bool endless = limit_facts[what].kind == LIMIT_IS_AGE;

        if (endless && (amount == 0 || than == 0))
                return than != 0;
        return amount > than;
}

static void again_format(const LimitVerdict *verdict, int64_t now_us, char *string, size_t size) {
        int64_t seconds = (verdict->opens_us - now_us) / 1000000 + 1;

        if (verdict->what == LIMIT_WAITING)
                snprintf(string, size, " Try again when one of them is answered.");
        else if (!verdict->opens_us)
                *string = '\0';
        else if (seconds < 7200)
                snprintf(string, size, " Try again in %lld seconds.", (long long) seconds);
        else
                snprintf(string, size, " Try again in %lld hours.", (long long) (seconds + 3599) / 3600);
}

bool limit_refuse(const LimitVerdict *verdict, int64_t monotonic_us, Failure *ret_refusal) {
        char limit[LIMIT_TEXT_SIZE], again[64];

        limit_format(verdict->what, verdict->window_us, verdict->amount, limit);
        again_format(verdict, monotonic_us, again, sizeof(again));
        return failure_set(ret_refusal, FAILURE_LIMIT, "The %s's limit of %s is reached.%s",
                           limit_subject_name(verdict->subject), limit, again);
}

/* At least one, lest an amount smaller than the number of hubs opens to nobody. */
static double limit_full(const Limit *limit, int32_t hubs) {
        double full = (double) limit->amount / hubs;

        return full < 1 && limit->amount > 0 ? 1 : full;
}

/* A clock that went back refills nothing, then and later. */
static void limit_refill(Limit *limit, int64_t now_us, int32_t hubs) {
        double full = limit_full(limit, hubs);

        if (!limit->used) {
                limit->used = true;
                limit->tokens = full;
                limit->refilled_us = now_us;
        } else if (now_us > limit->refilled_us) {
                limit->tokens += (double) limit->amount / hubs * (double) (now_us - limit->refilled_us) /
                                 (double) limit->window_us;
                limit->refilled_us = now_us;
        }
        if (limit->tokens > full)
                limit->tokens = full;
}

static bool limit_allows(Limit *limit, int64_t amount, int64_t now_us, int32_t hubs, int64_t *ret_opens_us) {
        *ret_opens_us = 0;
        if (amount > limit->amount)
                return false;
        if (limit->window_us == 0)
                return true;
        limit_refill(limit, now_us, hubs);
        if (limit->tokens >= (double) amount)
                return true;
        double missing = ((double) amount - limit->tokens) * hubs;
        *ret_opens_us = now_us + (int64_t) (missing / (double) limit->amount * (double) limit->window_us) + 1;
        return false;
}

void limit_change(Limit *limit, int64_t window_us, int64_t amount) {
        double tokens = limit->tokens + (double) (amount - limit->amount);

        limit->tokens = tokens > 0 ? tokens : 0;
        limit->window_us = window_us;
        limit->amount = amount;
}

/* Gives the limit itself where four fifths are used, for the first time in its window. */
static const Limit *limit_near(Limit *limit, int64_t now_us) {
        if (limit->amount < WARN_LEAST || limit->tokens > (double) limit->amount / 5 ||
            (limit->warned_us && now_us - limit->warned_us < limit->window_us))
                return NULL;
        limit->warned_us = now_us ? now_us : 1;
        return limit;
}

static void limit_spend(Limit *limit, int64_t amount, int64_t now_us, LimitVerdict *verdict) {
        limit->tokens -= (double) amount;
        limit->untold += amount;
        const Limit *near = limit_near(limit, now_us);
        if (near)
                verdict->near = near;
}

LimitVerdict limits_ask(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us,
                        int32_t hubs) {
        LimitVerdict verdict = { .what = what };

        for (size_t i = 0; i < count; i++)
                for (Limit *limit = lists[i]; limit; limit = limit->next) {
                        int64_t opens_us;
                        if (limit->what != what || limit_allows(limit, amount, monotonic_us, hubs, &opens_us))
                                continue;
                        if (!verdict.refused || limit->amount < verdict.amount)
                                verdict = (LimitVerdict){ true,          limit->subject,   what,
                                                          limit->amount, limit->window_us, opens_us };
                }
        return verdict;
}

LimitVerdict limits_take(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us,
                         int32_t hubs) {
        LimitVerdict verdict = limits_ask(lists, count, what, amount, monotonic_us, hubs);

        for (size_t i = 0; !verdict.refused && i < count; i++)
                for (Limit *limit = lists[i]; limit; limit = limit->next)
                        if (limit->what == what && limit->window_us > 0)
                                limit_spend(limit, amount, monotonic_us, &verdict);
        return verdict;
}

static void limit_lower(Limit *limit, int64_t amount, int64_t now_us, int32_t hubs) {
        double least = -(double) limit->amount;

        if (limit->window_us == 0)
                return;
        limit_refill(limit, now_us, hubs);
        limit->tokens -= (double) amount;
        if (limit->tokens < least)
                limit->tokens = least;
}

const Limit *limits_charge(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us,
                           int32_t hubs) {
        const Limit *near = NULL;

        for (size_t i = 0; i < count; i++)
                for (Limit *limit = lists[i]; limit; limit = limit->next) {
                        if (limit->what != what)
                                continue;
                        limit_lower(limit, amount, monotonic_us, hubs);
                        limit->untold += amount;
                        const Limit *each = limit_near(limit, monotonic_us);
                        near = each ? each : near;
                }
        return near;
}

void limit_subtract(Limit *limit, int64_t amount, int64_t monotonic_us) {
        limit_lower(limit, amount, monotonic_us, 1);
}

int64_t limit_used(const Limit *limit, int64_t monotonic_us) {
        Limit copy = *limit;

        if (!limit->used || limit->window_us == 0)
                return 0;
        limit_refill(&copy, monotonic_us, 1);
        return (int64_t) ((double) copy.amount - copy.tokens + 0.5);
}

const Limit *limits_least(Limit *const *lists, size_t count, LimitWhat what) {
        const Limit *least = NULL;

        for (size_t i = 0; i < count; i++)
                for (const Limit *limit = lists[i]; limit; limit = limit->next)
                        if (limit->what == what && (!least || limit->amount < least->amount))
                                least = limit;
        return least;
}

/* Hubs that want no more keep what they hold; the rest is for those that do, and this one, in even parts. What cannot
 * be divided is theirs who have waited longest. All hubs come to the same parts, so that these fit in the amount. */
void limit_share(Limit *limit, const LevelElsewhere *elsewhere) {
        limit->elsewhere = elsewhere ? elsewhere->held : 0;
        limit->kept = 0;
        if (!elsewhere || elsewhere->wanting == 0)
                return;
        int64_t left = limit->amount > elsewhere->content ? limit->amount - elsewhere->content : 0;
        int64_t hubs = elsewhere->wanting + 1;
        int64_t part = left / hubs + (elsewhere->ahead < left % hubs);
        limit->kept = limit->amount - part;
}

/* As of rates, an amount that hubs share without telling each other leaves at least one to each. */
static bool gauge_refuses(const Limit *limit, int64_t held, int32_t hubs) {
        int64_t most = limit->amount / hubs;

        if (most == 0 && limit->amount > 0)
                most = 1;
        return held + limit->elsewhere >= most || held >= limit->amount - limit->kept;
}

LimitVerdict gauge_ask(const Gauge *gauge, LimitWhat what, int32_t hubs) {
        int32_t held = what == LIMIT_TURNS ? gauge->turns : gauge->waiting;
        LimitVerdict verdict = { .what = what };

        for (size_t i = 0; i < COUNT_OF(gauge->lists); i++)
                for (const Limit *limit = gauge->lists[i] ? *gauge->lists[i] : NULL; limit; limit = limit->next)
                        if (limit->what == what && gauge_refuses(limit, held, hubs) &&
                            (!verdict.refused || limit->amount < verdict.amount))
                                verdict = (LimitVerdict){ .refused = true,
                                                          .subject = limit->subject,
                                                          .what = what,
                                                          .amount = limit->amount };
        return verdict;
}
