/* Limits: rows (subject, what, window, amount) and their one evaluator. A subject holds a list of rows; of several that
 * concern the same thing the narrowest wins. What can be limited is one table (limit_facts), by kinds: a rate is a
 * token bucket that starts full and refills evenly, taken from beforehand or, where the amount is only known
 * afterwards, charged then; a budget is what may be spent in a calendar window, a gauge how many there may be at the
 * same time, a count how many may exist, a size bounds one of its kind, an age says how long something is kept. What is
 * counted where is the caller's.
 *
 * One thread at a time; never blocks. The table and the names are constant.
 */
#pragma once

#include "base/failure.h"
#include "base/level.h"
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
        LIMIT_OF_SENDER, /* whoever writes as a JID or from a domain: a tenant's row to it, the installation's to all */
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
        LIMIT_BODY_DAYS,
        LIMIT_LOG_DAYS,
        LIMIT_WHAT_COUNT,
} LimitWhat;

typedef enum LimitKind {
        LIMIT_IS_RATE,
        LIMIT_IS_BUDGET,
        LIMIT_IS_GAUGE,
        LIMIT_IS_COUNT,
        LIMIT_IS_SIZE,
        LIMIT_IS_AGE
} LimitKind;

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
        "body-bytes|artifact-bytes|turn-seconds|body-days|log-days"

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
        int64_t window_us, amount; /* window 0: of a single amount, or of one moment */
        double tokens;             /* what is left in the bucket; below 0 when other hubs let in more */
        int64_t refilled_us;       /* monotonic */
        bool used;                 /* once; until then it is full */
        int64_t untold;            /* let through here since the other hubs were told last */
        bool listed;               /* among those to be told */
        int32_t elsewhere;         /* of a gauge: what other hubs hold, */
        int64_t kept;              /* and how much of the amount is kept for lanes of theirs that wait */
        int64_t warned_us;         /* monotonic: when it was last said that little is left; 0 = not yet */
        int64_t quiet_us;          /* of a budget, wall clock: until then, which is its window's end, it was said */
} Limit;

typedef struct LimitVerdict {
        bool refused;
        LimitSubject subject;
        LimitWhat what;
        int64_t amount, window_us;
        int64_t opens_us;  /* monotonic: when this amount would be let through; 0 = never */
        const Limit *near; /* of those taken from: where four fifths are used, for the first time in its window */
} LimitVerdict;

/* Other numbers for the same row: what was used stays used. */
void limit_change(Limit *limit, int64_t window_us, int64_t amount);
/* Takes `amount` of `what` from every row of all the lists, or from none: the verdict names the row with the smallest
 * amount among those that refuse. `hubs` share each bucket evenly: 1, unless they cannot tell each other. */
LimitVerdict limits_take(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us,
                         int32_t hubs);
/* The same question, and nothing is taken. */
LimitVerdict limits_ask(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us,
                        int32_t hubs);
/* Of what is only known afterwards: takes it from every row, below nothing if need be, at most one window's worth.
 * Gives the row of those where four fifths are used, for the first time in its window; NULL = none. */
const Limit *limits_charge(Limit *const *lists, size_t count, LimitWhat what, int64_t amount, int64_t monotonic_us,
                           int32_t hubs);
/* What other hubs let through: may leave less than nothing, at most one window's worth. */
void limit_subtract(Limit *limit, int64_t amount, int64_t monotonic_us);
/* How much of a bucket is used, rounded. */
int64_t limit_used(const Limit *limit, int64_t monotonic_us);
/* The row of `what` with the smallest amount; NULL when there is none. */
const Limit *limits_least(Limit *const *lists, size_t count, LimitWhat what);

/* "The tenant's limit of 60 messages per minute is reached. Try again in 12 seconds." FAILURE_LIMIT; returns false. */
bool limit_refuse(const LimitVerdict *verdict, int64_t monotonic_us, Failure *ret_refusal);
/* "60 messages per minute", for people. */
#define LIMIT_TEXT_SIZE 128
void limit_format(LimitWhat what, int64_t window_us, int64_t amount, char string[static LIMIT_TEXT_SIZE]);
/* Whether one amount lets more through than another; an age of 0 days has no end. */
bool limit_is_wider(LimitWhat what, int64_t amount, int64_t than);
/* "minute", "hour", "day", "month", or "90 seconds". */
#define LIMIT_WINDOW_SIZE 40
void limit_window_format(int64_t window_us, char string[static LIMIT_WINDOW_SIZE]);

/* What other hubs hold and want of a gauge's limit; NULL = nothing. While others want more, this hub has its part. */
void limit_share(Limit *limit, const LevelElsewhere *elsewhere);

/* How many turns run, and messages wait, of one subject on this hub, and what limits them. */
struct Lane;
typedef struct Gauge {
        int32_t turns, waiting;
        Limit **lists[2];          /* of the subject; NULL = only one */
        struct Lane *first, *last; /* the core's: lanes whose next turn waits for one of these to end, */
        int32_t parked, woken;     /* how many they are, and how many of them are looked at again */
        bool holds;                /* it is among those of the core that hold something */
        struct Gauge *previous_held, *next_held;
} Gauge;

/* Whether one more would be over a limit; the verdict is of the narrowest. hubs: as in limits_take(). */
LimitVerdict gauge_ask(const Gauge *gauge, LimitWhat what, int32_t hubs);
