/* Limits: rows (subject, what, window, amount) and their one evaluator. A subject holds a list of rows; of several that
 * concern the same thing the narrowest wins. What can be limited is one table (limit_facts), by kinds: a rate is a
 * token bucket that starts full and refills evenly, a budget is what may be spent in a calendar window, a gauge how
 * many there may be at the same time, a count how many may exist, a size bounds one of its kind. What is counted where
 * is the caller's.
 *
 * One thread at a time; never blocks. The table and the names are constant.
 */
#pragma once

#include "base/text.h"
#include "base/uuid.h"

typedef enum LimitSubject {
        LIMIT_OF_INSTALLATION,
        LIMIT_OF_PLAN, /* a tenant's plan, or a platform admin's figure for the tenant in its stead */
        LIMIT_OF_TENANT,
        LIMIT_OF_ACCOUNT,
        LIMIT_OF_AGENT,
        LIMIT_OF_GRANT,
        LIMIT_OF_DOMAIN,
        LIMIT_SUBJECT_COUNT,
} LimitSubject;

typedef enum LimitWhat {
        LIMIT_MESSAGES,
        LIMIT_TOKENS,
        LIMIT_MONEY_NANO,
        LIMIT_WORKER_MS,
        LIMIT_TURNS,
        LIMIT_WAITING,
        LIMIT_AGENTS,
        LIMIT_MEMBERS,
        LIMIT_PROVIDERS,
        LIMIT_KEYS,
        LIMIT_MEMORY_MB,
        LIMIT_STORAGE_MB,
        LIMIT_BODY_BYTES,
        LIMIT_ARTIFACT_BYTES,
        LIMIT_TURN_SECONDS,
        LIMIT_WHAT_COUNT,
} LimitWhat;

typedef enum LimitKind { LIMIT_IS_RATE, LIMIT_IS_BUDGET, LIMIT_IS_GAUGE, LIMIT_IS_COUNT, LIMIT_IS_SIZE } LimitKind;

#define LIMIT_SUBJECT_BIT(subject) (1U << (subject))

typedef struct LimitFact {
        const char *name; /* as rows, plans and operations spell it */
        LimitKind kind;
        const char *unit;  /* after an amount, for people */
        unsigned subjects; /* LIMIT_SUBJECT_BIT of those that may have such a row */
        const char *help;
} LimitFact;

extern const LimitFact limit_facts[LIMIT_WHAT_COUNT];
/* The names, separated by '|', in the order of LimitWhat. */
#define LIMIT_NAMES                                                                                                    \
        "messages|tokens|money-nano|worker-ms|turns|waiting|agents|members|providers|keys|memory-mb|storage-mb|"       \
        "body-bytes|artifact-bytes|turn-seconds"

/* Windows that have a name. Those of budgets are calendar windows: a minute, a day in the tenant's zone, and the
 * tenant's billing month. */
#define LIMIT_MINUTE_US (60 * (int64_t) 1000000)
#define LIMIT_HOUR_US   (60 * LIMIT_MINUTE_US)
#define LIMIT_DAY_US    (24 * LIMIT_HOUR_US)
#define LIMIT_MONTH_US  (30 * LIMIT_DAY_US)

const char *limit_kind_name(LimitKind kind);
const char *limit_subject_name(LimitSubject subject);
bool limit_subject_from_name(Text name, LimitSubject *ret_subject);
const char *limit_what_name(LimitWhat what);
bool limit_what_from_name(Text name, LimitWhat *ret_what);

typedef struct Limit {
        struct Limit *next;
        Uuid id;
        LimitSubject subject;
        LimitWhat what;
        int64_t window_us, amount; /* window 0: of a single amount */
        double tokens;             /* what is left in the bucket */
        int64_t refilled_us;       /* monotonic */
        bool used;                 /* once; until then it is full */
} Limit;

typedef struct LimitVerdict {
        bool refused;
        LimitSubject subject;
        int64_t amount, window_us;
        int64_t opens_us; /* monotonic: when this amount would be let through; 0 = never */
} LimitVerdict;

/* Other numbers for the same row: what was used stays used. */
void limit_change(Limit *limit, int64_t window_us, int64_t amount);
/* Takes `amount` of `what` from every row of all the lists, or from none: the verdict names the row with the smallest
 * amount among those that refuse. */
LimitVerdict limits_take(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us);
